"""The cheapest plan once it has landed: never dearer than the plan of fewest boxes."""

from dataclasses import replace

from hypothesis import given, settings

from orderloom.packing.landed import Costs, Landing, ToCarry, landed
from tests.unit.packing.checker import faults
from tests.unit.packing.test_cartonize import CARTONS, LARGE, SMALL, article, articles


def by_size_and_weight(one):
    """A price like a carrier's: by weight, or by size above a cubic foot."""
    volume = one.outer.volume
    billed = max(one.weight_g, volume * 1_000 // 2_700_000 if volume > 28_316_847 else 0)
    return 500 + billed // 5 + (2_950 if volume > 60_000_000 else 0)


COSTS = Costs(fill_per_litre=3, per_parcel=80, per_unit=5)


@given(goods=articles)
@settings(max_examples=25, deadline=None)
def test_never_dearer_than_the_fewest_boxes_and_without_fault(goods):
    found = landed(goods, CARTONS, price=by_size_and_weight, costs=COSTS, effort=500)
    assert found.lower_bound <= found.cost <= found.fewest_boxes_cost
    carriage = sum(by_size_and_weight(ToCarry(p.outer, p.weight_g)) for p in found.plan.parcels)
    asked = Landing(goods, CARTONS, costs=COSTS, effort=500)
    assert found.cost == carriage + asked.packing_cost(found.plan)
    # Whoever was answered before, and by what price: the answer and its effort are the same.
    asked.least(lambda one: 10_000 // (1 + one.weight_g))
    assert asked.least(by_size_and_weight) == found
    assert faults(goods, CARTONS, found.plan) == []


def test_two_small_parcels_beat_one_that_is_billed_by_its_size():
    goods = [article("a", 200, 150, 100, quantity=2)]
    found = landed(goods, [SMALL, LARGE], price=lambda one: 1_000 if one.outer.volume > 10**7 else 300)
    assert [parcel.carton for parcel in found.plan.parcels] == ["S", "S"]
    assert (found.cost, found.fewest_boxes_cost, found.saving) == (700, 1_050, 350)


def test_a_parcel_no_service_takes_is_avoided():
    goods = [article("a", 100, 100, 100, 600, quantity=2)]
    found = landed(goods, [SMALL, LARGE], price=lambda one: 400 if one.weight_g < 1_000 else None)
    assert len(found.plan.parcels) == 2


def test_only_the_parcel_with_dangerous_goods_is_carried_as_one():
    goods = [article("a", 100, 100, 100, 600), article("b", 100, 100, 100, 600, hazmat_class="3")]
    found = landed(goods, [SMALL, LARGE], price=lambda one: 900 if one.hazmat else 100)
    assert found.cost == 1_000 + sum(
        {"S": SMALL.cost, "L": LARGE.cost}[parcel.carton] for parcel in found.plan.parcels
    )


def test_cartons_of_which_there_are_enough_are_as_good_as_endless():
    goods = [article("a", 200, 150, 100, quantity=2)]
    endless = landed(goods, [SMALL, LARGE], price=by_size_and_weight)
    counted = [replace(SMALL, stock=2), replace(LARGE, stock=7)]
    assert landed(goods, counted, price=by_size_and_weight) == endless
