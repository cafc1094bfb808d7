"""Cartonization: what any packing must keep, whatever the goods."""

import csv
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.packing.cartonize import cartonize
from orderloom.packing.model import Article, Carton, PackPlan
from orderloom.terms import Dimensions
from tests.unit.packing.checker import faults


def carton(code, length, width, height, *, tare=100, bears=10_000, cost=50):
    return Carton(
        code=code,
        name=code,
        inner=Dimensions(length, width, height),
        outer=Dimensions(length + 6, width + 6, height + 6),
        tare_g=tare,
        max_weight_g=bears + tare,
        cost=cost,
    )


def article(sku, length, width, height, weight_g=100, **handling):
    return Article(sku=sku, length=length, width=width, height=height, weight_g=weight_g, **handling)


SMALL, MIDDLE, LARGE = (
    carton("S", 200, 150, 100),
    carton("M", 300, 200, 150),
    carton("L", 500, 400, 300),
)
CARTONS = (LARGE, SMALL, MIDDLE)

edges = st.integers(0, 520)
articles = st.lists(
    st.builds(
        Article,
        sku=st.sampled_from("abcdefgh"),
        length=edges,
        width=edges,
        height=edges,
        weight_g=st.integers(0, 4_000),
        quantity=st.integers(0, 7),
        fragile=st.booleans(),
        this_side_up=st.booleans(),
        hazmat_class=st.sampled_from((None, None, None, "3", "9")),
        ships_alone=st.sampled_from((False, False, False, True)),
    ),
    max_size=8,
    unique_by=lambda one: one.sku,
)


class TestWhateverTheGoods:
    @given(goods=articles, keep_flat=st.booleans())
    @settings(max_examples=60, deadline=None)
    def test_the_plan_has_no_fault(self, goods, keep_flat):
        plan = cartonize(goods, CARTONS, keep_flat=keep_flat)
        assert faults(goods, CARTONS, plan, keep_flat=keep_flat) == []

    @given(goods=articles)
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_lines_and_cartons_does_not_matter(self, goods):
        plan = cartonize(goods, CARTONS)
        again = cartonize(list(reversed(goods)), tuple(reversed(CARTONS)))
        assert [p.carton for p in plan.parcels if p.carton] == [p.carton for p in again.parcels if p.carton]
        assert plan.lower_bound == again.lower_bound

    @given(goods=articles)
    @settings(max_examples=20, deadline=None)
    def test_a_plan_survives_its_json(self, goods):
        plan = cartonize(goods, CARTONS)
        assert PackPlan.of(plan.json()) == plan

    @given(goods=articles, effort=st.integers(0, 50))
    @settings(max_examples=20, deadline=None)
    def test_little_effort_still_packs_everything(self, goods, effort):
        plan = cartonize(goods, CARTONS, effort=effort)
        assert faults(goods, CARTONS, plan) == []


class TestChoosingTheCarton:
    def test_one_unit_goes_into_the_smallest_it_fits(self):
        plan = cartonize([article("a", 150, 100, 50)], CARTONS)
        assert [parcel.carton for parcel in plan.parcels] == ["S"]
        assert plan.proven

    def test_of_equal_size_the_cheaper_is_taken(self):
        dear, cheap = carton("A", 200, 150, 100, cost=90), carton("B", 200, 150, 100, cost=40)
        assert cartonize([article("a", 10, 10, 10)], [dear, cheap]).parcels[0].carton == "B"

    def test_one_large_box_rather_than_two_small(self):
        plan = cartonize([article("a", 200, 150, 100, quantity=4)], CARTONS)
        assert len(plan.parcels) == 1

    def test_what_one_does_not_take_is_split(self):
        plan = cartonize([article("a", 250, 200, 300, quantity=9)], CARTONS)
        assert [parcel.carton for parcel in plan.parcels] == ["L", "L", "L"]
        assert plan.proven

    def test_the_tare_counts_towards_the_greatest_weight(self):
        tight = Carton(
            code="T",
            name="T",
            inner=Dimensions(100, 100, 100),
            outer=Dimensions(100, 100, 100),
            tare_g=200,
            max_weight_g=1_000,
        )
        two = [article("a", 10, 10, 10, 401, quantity=2)]
        assert len(cartonize(two, [tight]).parcels) == 2
        assert len(cartonize([article("a", 10, 10, 10, 400, quantity=2)], [tight]).parcels) == 1

    def test_a_box_is_weighed_with_its_tare(self):
        assert cartonize([article("a", 10, 10, 10, 70)], CARTONS).parcels[0].weight_g == 170


class TestHandling:
    def test_upright_stays_upright(self):
        tall = article("tall", 50, 50, 180)
        assert cartonize([tall], CARTONS).parcels[0].carton == "S"
        upright = article("tall", 50, 50, 180, this_side_up=True)
        parcel = cartonize([upright], CARTONS).parcels[0]
        assert (parcel.carton, parcel.placements[0].height) == ("L", 180)

    def test_nothing_is_laid_on_glass(self):
        flat = [article("glass", 200, 150, 50, fragile=True, quantity=2)]
        assert len(cartonize(flat, [SMALL]).parcels) == 2
        assert len(cartonize([article("book", 200, 150, 50, quantity=2)], [SMALL]).parcels) == 1

    def test_glass_goes_on_top(self):
        goods = [
            article("glass", 200, 150, 50, fragile=True),
            article("book", 200, 150, 50),
        ]
        plan = cartonize(goods, [SMALL])
        assert len(plan.parcels) == 1
        assert {place.sku: place.z for place in plan.parcels[0].placements} == {"book": 0, "glass": 50}

    def test_what_ships_alone_has_a_parcel_each(self):
        plan = cartonize([article("tv", 190, 140, 90, ships_alone=True, quantity=2)], CARTONS)
        assert [dict(parcel.contents) for parcel in plan.parcels] == [{"tv": 1}, {"tv": 1}]
        assert plan.proven

    def test_what_ships_alone_and_fits_no_carton_goes_as_it_is(self):
        parcel = cartonize([article("sofa", 2000, 900, 800, 40_000, ships_alone=True)], CARTONS).parcels[0]
        assert (parcel.carton, parcel.outer, parcel.weight_g) == (None, Dimensions(2000, 900, 800), 40_000)

    def test_dangerous_goods_travel_by_themselves(self):
        goods = [article("a", 10, 10, 10), article("b", 10, 10, 10, hazmat_class="9")]
        plan = cartonize(goods, CARTONS)
        assert sorted(next(iter(parcel.contents)) for parcel in plan.parcels) == ["a", "b"]


class TestWhatFitsNowhere:
    def test_too_large_says_how_large_the_largest_is(self):
        ((sku, reason),) = cartonize([article("pole", 900, 10, 10)], CARTONS).unpackable
        assert sku == "pole"
        assert "900 x 10 x 10 mm fits no carton" in reason
        assert "500 x 400 x 300" in reason

    def test_too_heavy_says_what_may_be_borne(self):
        ((_, reason),) = cartonize([article("anvil", 100, 100, 100, 30_000)], CARTONS).unpackable
        assert "30000 g is too heavy" in reason

    def test_the_rest_is_packed_all_the_same(self):
        plan = cartonize([article("pole", 900, 10, 10), article("a", 10, 10, 10)], CARTONS)
        assert [dict(parcel.contents) for parcel in plan.parcels] == [{"a": 1}]

    def test_without_cartons_there_is_nothing_to_choose_from(self):
        assert cartonize([article("a", 1, 1, 1)], []).unpackable == (
            ("a", "there is no carton to choose from"),
        )

    def test_nothing_to_pack_is_no_parcel(self):
        assert cartonize([], CARTONS) == PackPlan(parcels=(), lower_bound=0, proven=True)


def read(folder):
    with (folder / "boxes.csv").open() as file:
        cartons = [
            Carton(
                code=row[0],
                name=row[0],
                outer=Dimensions(*map(int, row[1:4])),
                tare_g=int(row[4]),
                inner=Dimensions(*map(int, row[5:8])),
                max_weight_g=int(row[8]),
            )
            for row in csv.reader(file)
        ]
    orders = defaultdict(list)
    with (folder / "orders_items.csv").open() as file:
        for order, quantity, sku, width, length, depth, grams in csv.reader(file):
            orders[order].append(
                article(
                    f"{sku}-{len(orders[order])}",
                    int(width),
                    int(length),
                    int(depth),
                    int(grams),
                    quantity=int(quantity),
                )
            )
    with (folder / "orders_expected.csv").open() as file:
        boxes = {row[0]: (int(row[1]), int(row[4])) for row in csv.reader(file)}
    return cartons, orders, boxes


@pytest.mark.parametrize("keep_flat", [False, True], ids=["any way up", "kept flat"])
def test_real_orders_are_packed_without_fault_in_about_as_few_boxes_as_a_good_peer(real_data, keep_flat):
    cartons, orders, peer = read(real_data("cartonization"))
    sample = dict(sorted(orders.items())[::10])
    used = 0
    for goods in sample.values():
        plan = cartonize(goods, cartons, keep_flat=keep_flat)
        assert faults(goods, cartons, plan, keep_flat=keep_flat) == []
        assert not plan.unpackable
        used += len(plan.parcels)
    by_peer = sum(peer[order][0 if keep_flat else 1] for order in sample)
    assert used * 100 <= by_peer * 102
