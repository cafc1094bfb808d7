"""What goods ask of their packing: every rule is kept, whatever the goods and rules."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.packing.cartonize import cartonize, whole
from orderloom.packing.model import Article, Carton, PackRules
from orderloom.terms import Dimensions
from tests.unit.packing.checker import faults
from tests.unit.packing.test_cartonize import LARGE, MIDDLE, SMALL, article, carton

BAG = Carton(
    code="BAG",
    name="Bag",
    inner=Dimensions(400, 300, 60),
    outer=Dimensions(410, 310, 2),
    tare_g=20,
    max_weight_g=3_000,
    flexible=True,
)
edges = st.integers(1, 300)
words = st.sampled_from((None, None, None, "a", "b"))
goods_of_all_kinds = st.lists(
    st.builds(
        Article,
        sku=st.sampled_from("abcdefgh"),
        length=edges,
        width=edges,
        height=edges,
        weight_g=st.integers(0, 2_500),
        quantity=st.integers(1, 6),
        fragile=st.sampled_from((False, False, True)),
        this_side_up=st.booleans(),
        keep_flat=st.sampled_from((False, False, True)),
        locked=st.sampled_from((False, False, True)),
        hazmat_class=st.sampled_from((None, None, "3", "8", "9")),
        ships_alone=st.sampled_from((False,) * 5 + (True,)),
        own_container=st.sampled_from((False,) * 5 + (True,)),
        max_load_g=st.sampled_from((None, None, 0, 500, 4_000)),
        together=words,
        apart=words,
        excludes=st.sampled_from(((), (), ("a",), ("b", "c"))),
        unit_class=st.sampled_from((None, "bottle")),
        nesting_mm=st.sampled_from((None, None, None, 5, 400)),
        compressed_mm=st.sampled_from((None, None, 4)),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.sku,
)
house_rules = st.builds(
    PackRules,
    segregated=st.sampled_from((None, (), (("3", "8"),), (("3", "8"), ("9", "")))),
    limited_g=st.sampled_from(({}, {"3": 3_000})),
    class_units=st.sampled_from(({}, {"bottle": 2})),
    support_permille=st.sampled_from((600, 500, 900, 1_000)),
    clearance_mm=st.sampled_from((0, 0, 7)),
    centred=st.booleans(),
    off_centre_permille=st.sampled_from((500, 500, 0, 50, 150)),
    fill_permille=st.sampled_from((1000, 1000, 700, 400)),
)
stocks = st.sampled_from((None, None, 0, 1, 3))


class TestWhateverTheGoodsAndRules:
    @given(
        goods=goods_of_all_kinds,
        rules=house_rules,
        limits=st.tuples(stocks, stocks, stocks),
        bag=st.booleans(),
    )
    @settings(max_examples=80, deadline=None)
    def test_the_plan_has_no_fault(self, goods, rules, limits, bag):
        cartons = [
            Carton(**{name: getattr(box, name) for name in box.__dataclass_fields__} | {"stock": stock})
            for box, stock in zip((SMALL, MIDDLE, LARGE), limits, strict=True)
        ]
        cartons += [BAG] * bag
        plan = cartonize(goods, cartons, rules=rules, effort=500)
        assert faults(goods, cartons, plan, rules=rules) == []

    @given(goods=goods_of_all_kinds, rules=house_rules)
    @settings(max_examples=30, deadline=None)
    def test_whole_leaves_nothing_out(self, goods, rules):
        plan = whole(goods, [SMALL, LARGE], rules=rules, effort=500)
        assert plan.unpackable == ()
        packed = Counter()
        for parcel in plan.parcels:
            packed.update(parcel.contents)
        assert packed == Counter({one.sku: one.quantity for one in goods})

    @given(goods=goods_of_all_kinds)
    @settings(max_examples=30, deadline=None)
    def test_an_article_survives_its_json(self, goods):
        assert [Article.of(one.json()) for one in goods] == goods


def parcels(goods, *cartons, **rules):
    plan = cartonize(goods, cartons or (SMALL,), rules=PackRules(**rules))
    assert faults(goods, cartons or (SMALL,), plan, rules=PackRules(**rules)) == []
    return plan


class TestHowUnitsLie:
    def test_locked_is_not_turned(self):
        assert parcels([article("a", 150, 200, 100, locked=True)]).unpackable
        assert not parcels([article("a", 150, 200, 100)]).unpackable

    def test_a_limit_on_what_lies_on_top(self):
        goods = [article("box", 200, 150, 50, 400, quantity=2, max_load_g=300)]
        assert len(parcels(goods).parcels) == 2
        goods = [article("box", 200, 150, 50, 400, quantity=2, max_load_g=400)]
        assert len(parcels(goods).parcels) == 1

    def test_bowls_nest(self):
        bowls = [article("bowl", 140, 140, 60, quantity=4, nesting_mm=10)]
        assert len(parcels(bowls).parcels) == 1
        assert len(parcels([article("bowl", 140, 140, 60, quantity=4)]).parcels) == 4

    def test_more_support_is_asked_for(self):
        goods = [article("a", 150, 150, 40), article("b", 200, 150, 40)]
        assert parcels(goods, support_permille=1_000).lower_bound == 1

    def test_clearance_is_left_free_at_each_face(self):
        assert len(parcels([article("a", 200, 150, 50, quantity=2)]).parcels) == 1
        assert parcels([article("a", 200, 150, 50, quantity=2)], clearance_mm=5).unpackable
        plan = parcels([article("a", 190, 140, 90)], clearance_mm=5)
        assert plan.parcels[0].placements[0][1:4] == (5, 5, 5)

    def test_some_of_each_carton_is_kept_for_void_fill(self):
        goods = [article("a", 100, 150, 50, quantity=4)]
        assert len(parcels(goods).parcels) == 1
        assert len(parcels(goods, fill_permille=750).parcels) == 2
        assert len(parcels(goods, MIDDLE, fill_permille=400).parcels) == 1
        assert parcels([article("a", 200, 150, 100)], fill_permille=999).unpackable

    def test_what_would_tip_the_carton_is_packed_otherwise_or_apart(self):
        anvil, pillow = article("anvil", 100, 150, 100, 5_000), article("pillow", 100, 150, 100, 50)
        assert [dict(p.contents) for p in parcels([anvil, pillow]).parcels] == [{"anvil": 1, "pillow": 1}]
        apart = parcels([anvil, pillow], off_centre_permille=100)
        assert [dict(p.contents) for p in apart.parcels] == [{"pillow": 1}, {"anvil": 1}]
        flat = [article("plate", 200, 150, 20, 3_000), article("cloth", 200, 150, 20, 100)]
        assert len(parcels(flat, off_centre_permille=0).parcels) == 1

    def test_goods_are_moved_to_the_middle(self):
        plan = parcels([article("a", 100, 100, 50, this_side_up=True)], centred=True)
        place = plan.parcels[0].placements[0]
        assert (place.x, place.y) == (50, 25)


class TestWhatSharesACarton:
    def test_pairs_of_classes_exclude_one_another(self):
        goods = [article(c, 50, 50, 50, hazmat_class=c) for c in ("3", "8", "9")]
        assert len(parcels(goods).parcels) == 3
        assert len(parcels(goods, segregated=(("3", "8"),)).parcels) == 2
        assert parcels(goods, segregated=(("3", "8"),)).proven
        assert len(parcels(goods, segregated=()).parcels) == 1

    def test_limited_quantities(self):
        goods = [article("spray", 50, 50, 50, 400, quantity=5, hazmat_class="2.1")]
        assert len(parcels(goods, limited_g={"2.1": 1_000}).parcels) == 3

    def test_units_of_a_class(self):
        goods = [article("wine", 50, 50, 50, quantity=5, unit_class="bottle")]
        assert len(parcels(goods, class_units={"bottle": 2}).parcels) == 3

    def test_what_stays_together_is_not_torn(self):
        goods = [
            article("a", 200, 150, 60, quantity=1),
            article("x", 200, 150, 40, together="kit"),
            article("y", 200, 150, 30, together="kit"),
        ]
        plan = parcels(goods)
        assert len(plan.parcels) == 2

    def test_what_stays_together_and_fits_no_carton_is_said(self):
        goods = [article("x", 200, 150, 60, together="kit"), article("y", 200, 150, 60, together="kit")]
        assert {sku for sku, _ in parcels(goods).unpackable} == {"x", "y"}

    def test_what_stays_apart_does(self):
        goods = [article("ice", 50, 50, 50, apart="cold"), article("tea", 50, 50, 50, apart="warm")]
        assert len(parcels(goods).parcels) == 2
        assert (
            len(parcels([article("ice", 50, 50, 50), article("soap", 50, 50, 50, excludes=("ice",))]).parcels)
            == 2
        )

    def test_its_own_container(self):
        plan = parcels([article("tv", 50, 50, 50, own_container=True, quantity=2)])
        assert [parcel.carton for parcel in plan.parcels] == [None, None]


class TestCartons:
    def test_what_is_at_its_end_is_not_used(self):
        few = carton("S", 200, 150, 100)
        few = Carton(**{name: getattr(few, name) for name in few.__dataclass_fields__} | {"stock": 1})
        goods = [article("a", 200, 150, 100, quantity=2)]
        assert [p.carton for p in parcels(goods, few, LARGE).parcels] == ["L"]
        assert parcels(goods, few).unpackable[0][0] == "a"
        alone = [article("a", 100, 100, 100, quantity=2, ships_alone=True)]
        assert [p.carton for p in parcels(alone, few, LARGE).parcels] == ["S", "L"]

    def test_a_bag_is_as_thick_as_its_contents(self):
        plan = parcels([article("shirt", 250, 200, 40, compressed_mm=10)], BAG, LARGE)
        assert plan.parcels[0].carton == "BAG"
        assert plan.parcels[0].outer.height == 12

    def test_nothing_fragile_goes_into_a_bag(self):
        plan = parcels([article("glass", 100, 100, 10, fragile=True)], BAG, LARGE)
        assert plan.parcels[0].carton == "L"


def test_a_plan_that_ran_out_of_cartons_is_not_proven():
    box = Carton(
        code="S",
        name="S",
        inner=Dimensions(100, 100, 100),
        outer=Dimensions(104, 104, 104),
        tare_g=50,
        max_weight_g=9_000,
        stock=1,
    )
    cube = Article(sku="CUBE", length=100, width=100, height=100, weight_g=10, quantity=2)
    found = cartonize([cube], [box])
    assert (len(found.parcels), [sku for sku, _ in found.unpackable], found.proven) == (1, ["CUBE"], False)
    assert cartonize([replace(cube, quantity=1)], [box]).proven
