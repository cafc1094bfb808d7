"""Small orders: what is packed without any search is no worse than what a search finds, and exact for one and two units."""

from itertools import permutations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orderloom.packing import search
from orderloom.packing.bound import may_hold
from orderloom.packing.cartonize import cartonize
from orderloom.packing.fill import Taste, fill
from orderloom.packing.model import Article
from orderloom.packing.sorting import PLAIN, kind_of, offering, sorted_out
from tests.unit.packing.checker import faults
from tests.unit.packing.test_cartonize import LARGE, MIDDLE, SMALL, carton

LONG = carton("LONG", 600, 150, 120)
CARTONS = (LARGE, LONG, SMALL, MIDDLE)
# As packing prefers them.
RANKED = sorted(CARTONS, key=lambda one: one.outer.volume)

edges = st.integers(20, 420)


def article(sku, **more):
    return st.builds(
        Article,
        sku=st.just(sku),
        length=edges,
        width=edges,
        height=edges,
        weight_g=st.integers(10, 7_000),
        this_side_up=st.booleans(),
        **more,
    )


several = st.lists(st.integers(1, 3), min_size=1, max_size=3).flatmap(
    lambda counts: st.tuples(
        *(
            article(f"a{at}", quantity=st.just(count), fragile=st.booleans())
            for at, count in enumerate(counts)
        )
    )
)


def turns(one, inner):
    """How a unit may lie in there."""
    given_so = (one.length, one.width, one.height)
    ways = set(permutations(given_so))
    if one.this_side_up:
        ways = {way for way in ways if way[2] == one.height}
    return [way for way in ways if all(edge <= room for edge, room in zip(way, inner, strict=True))]


def fit(one, other, box):
    """Whether two units go in somehow (they lie apart along some axis), and whether they do side by side."""
    if one.weight_g + other.weight_g > box.max_weight_g - box.tare_g:
        return False, False
    apart = {
        axis
        for mine, its in product(turns(one, box.inner), turns(other, box.inner))
        for axis, room in enumerate(box.inner)
        if mine[axis] + its[axis] <= room
    }
    return bool(apart), bool(apart - {2})


@given(one=article("a", fragile=st.booleans()))
@settings(max_examples=60, deadline=None)
def test_one_unit_goes_into_the_first_carton_that_takes_it(one):
    able = [
        box.code for box in RANKED if turns(one, box.inner) and one.weight_g <= box.max_weight_g - box.tare_g
    ]
    plan = cartonize([one], CARTONS)
    assert [parcel.carton for parcel in plan.parcels] == able[:1]
    assert plan.proven


@given(one=article("a"), other=article("b"))
@settings(max_examples=100, deadline=None)
def test_two_units_share_the_first_carton_that_takes_both_or_are_known_to_share_none(one, other):
    assume(all(turns(a, LARGE.inner) or turns(a, LONG.inner) for a in (one, other)))
    plan = cartonize([one, other], CARTONS)
    assert faults([one, other], CARTONS, plan) == []
    taken = [fit(one, other, box) for box in RANKED]
    if not any(somehow for somehow, _ in taken):
        assert (len(plan.parcels), plan.proven) == (2, True)
    if any(beside for _, beside in taken):
        assert len(plan.parcels) == 1
        at = [box.code for box in RANKED].index(plan.parcels[0].carton)
        first, sure = (next(i for i, each in enumerate(taken) if each[which]) for which in (0, 1))
        assert first <= at <= sure


@given(goods=several)
@settings(max_examples=60, deadline=None)
def test_a_line_is_never_worse_than_what_filling_finds(goods):
    plan = cartonize(goods, CARTONS)
    assert faults(goods, CARTONS, plan) == []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search, "in_line", lambda *_: None)
        search.search.cache_clear()
        filled = cartonize(goods, CARTONS)
    search.search.cache_clear()
    assert plan.unpackable == filled.unpackable
    assert len(plan.parcels) <= len(filled.parcels)
    assert plan.lower_bound == filled.lower_bound or plan.proven
    if len(filled.parcels) == 1:
        assert plan.parcels[0].outer.volume <= filled.parcels[0].outer.volume


@given(goods=several)
@settings(max_examples=60, deadline=None)
def test_no_carton_is_passed_over_that_takes_all(goods):
    sorted_goods = sorted_out([(kind_of(one, keep_flat=False), one) for one in goods], PLAIN)
    for box in offering(CARTONS, PLAIN).boxes:
        for taste in Taste:
            if not any(fill(box, sorted_goods.kinds, sorted_goods.counts, taste, whole=True).left):
                assert may_hold(box, sorted_goods.kinds, sorted_goods.counts)
