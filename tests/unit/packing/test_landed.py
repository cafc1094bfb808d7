"""The cheapest plan once it has landed: never dearer than the plan of fewest boxes."""

from hypothesis import given, settings

from orderloom.packing.landed import Costs, cost_of, landed
from tests.unit.packing.checker import faults
from tests.unit.packing.test_cartonize import CARTONS, LARGE, SMALL, article, articles


def by_size_and_weight(outer, weight_g):
    """A price like a carrier's: by weight, or by size above a cubic foot."""
    billed = max(weight_g, outer.volume * 1_000 // 2_700_000 if outer.volume > 28_316_847 else 0)
    return 500 + billed // 5 + (2_950 if outer.volume > 60_000_000 else 0)


COSTS = Costs(fill_per_litre=3, per_parcel=80, per_unit=5)


@given(goods=articles)
@settings(max_examples=25, deadline=None)
def test_never_dearer_than_the_fewest_boxes_and_without_fault(goods):
    found = landed(goods, CARTONS, price=by_size_and_weight, costs=COSTS, effort=500)
    assert found.lower_bound <= found.cost <= found.fewest_boxes_cost
    assert found.cost == cost_of(found.plan, CARTONS, price=by_size_and_weight, costs=COSTS)
    assert faults(goods, CARTONS, found.plan) == []


def test_two_small_parcels_beat_one_that_is_billed_by_its_size():
    goods = [article("a", 200, 150, 100, quantity=2)]
    found = landed(goods, [SMALL, LARGE], price=lambda outer, _: 1_000 if outer.volume > 10**7 else 300)
    assert [parcel.carton for parcel in found.plan.parcels] == ["S", "S"]
    assert (found.cost, found.fewest_boxes_cost, found.saving) == (700, 1_050, 350)


def test_a_parcel_no_service_takes_is_avoided():
    goods = [article("a", 100, 100, 100, 600, quantity=2)]
    found = landed(goods, [SMALL, LARGE], price=lambda _, weight_g: 400 if weight_g < 1_000 else None)
    assert len(found.plan.parcels) == 2
