"""Shelves: no posting breaks S2, a refused one changes nothing, and no two demands share a unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.inventory.availability import (
    Demand,
    Shelves,
    allocate_legs,
    kits_available,
    not_found_legs,
    place,
    reserve_legs,
    ship_legs,
    unallocate_legs,
    unreserve_legs,
)
from orderloom.inventory.keeping import Line, keep
from orderloom.inventory.model import BUCKETS, Leg, Level, Posting

QUICK = settings(max_examples=150, deadline=None)
NODES = tuple(UUID(int=n) for n in range(1, 4))
SKUS = ("LAMP", "MUG")


@st.composite
def levels(draw: st.DrawFn) -> list[Level]:
    """Sound balances of a few nodes and items."""
    found = []
    for node in NODES:
        for sku in SKUS:
            on_hand = draw(st.integers(0, 9))
            promised = draw(st.integers(0, on_hand))
            reserved = draw(st.integers(0, promised))
            found.append(
                Level(
                    node_id=node,
                    sku=sku,
                    on_hand=on_hand,
                    reserved=reserved,
                    allocated=promised - reserved,
                    safety_stock=draw(st.integers(0, 3)),
                    backorder_limit=draw(st.sampled_from([0, 0, 2])),
                )
            )
    return found


LEGS = st.builds(
    Leg,
    node_id=st.sampled_from(NODES),
    sku=st.sampled_from(SKUS),
    kind=st.just("adjusted"),
    **{bucket: st.integers(-4, 4) for bucket in BUCKETS},
)
POSTINGS = st.builds(
    Posting,
    cause_type=st.just("test"),
    cause_id=st.none(),
    legs=st.lists(LEGS, min_size=1, max_size=4).map(tuple),
    within_safety=st.booleans(),
)
DEMANDS = st.lists(
    st.builds(
        Demand,
        sku=st.sampled_from(SKUS),
        quantity=st.integers(1, 8),
        fixed_node=st.sampled_from([None, None, *NODES]),
        without=st.frozensets(st.sampled_from(NODES), max_size=1),
    ),
    min_size=1,
    max_size=4,
)


@QUICK
@given(levels(), st.lists(POSTINGS, max_size=8))
def test_every_balance_stays_sound_and_is_the_sum_of_its_entries(
    before: list[Level], postings: list[Posting]
) -> None:
    shelves = Shelves(before)
    for posting in postings:
        shelves.post(posting)
    for level in before:
        after = shelves.level(level.node_id, level.sku)
        assert after.sound
        mine = [e.leg for e in shelves.entries if e.leg.key == (level.node_id, level.sku)]
        for bucket in BUCKETS:
            moved = sum(getattr(leg, bucket) for leg in mine)
            assert getattr(after, bucket) == getattr(level, bucket) + moved


@QUICK
@given(levels(), POSTINGS)
def test_a_refused_posting_changes_nothing(before: list[Level], posting: Posting) -> None:
    shelves = Shelves(before)
    if shelves.post(posting) is not None:
        assert shelves.changed() == []
        assert shelves.entries == []


@QUICK
@given(levels(), POSTINGS)
def test_promises_to_buyers_never_dip_into_safety_stock(before: list[Level], posting: Posting) -> None:
    shelves = Shelves(before)
    careful = replace(posting, within_safety=True)
    if shelves.post(careful) is None:
        for level in shelves.changed():
            was = next(x for x in before if (x.node_id, x.sku) == (level.node_id, level.sku))
            if level.reserved + level.allocated > was.reserved + was.allocated:
                assert level.available + level.backorder_limit >= level.safety_stock


@QUICK
@given(levels(), DEMANDS, st.one_of(st.none(), st.sets(st.sampled_from(NODES))))
def test_what_is_kept_and_what_is_short_are_all_and_share_no_unit(
    before: list[Level], demands: list[Demand], open_nodes: set[UUID] | None
) -> None:
    shelves = Shelves(before)
    kept, short = place(demands, shelves, open_nodes)
    by_demand = Counter(short)
    drawn = Counter[tuple[UUID, str]]()
    for one in kept:
        demand = demands[one.index]
        by_demand[one.index] += one.quantity
        drawn[one.node_id, demand.sku] += one.quantity
        assert open_nodes is None or one.node_id in open_nodes
        assert one.node_id == demand.fixed_node or demand.fixed_node is None
        assert demand.fixed_node or one.node_id not in demand.without
    assert by_demand == Counter({i: demand.quantity for i, demand in enumerate(demands)})
    for (node, sku), units in drawn.items():
        assert units <= shelves.to_promise(node, sku)
    legs = reserve_legs((k.node_id, demands[k.index].sku, k.quantity) for k in kept)
    assert shelves.post(Posting(cause_type="t", cause_id=None, legs=legs, within_safety=True)) is None


@QUICK
@given(levels(), DEMANDS)
def test_one_demand_is_short_only_when_nobody_has_more(before: list[Level], demands: list[Demand]) -> None:
    demand = replace(demands[0], fixed_node=None, without=frozenset())
    shelves = Shelves(before)
    _, short = place([demand], shelves, None)
    there = sum(shelves.to_promise(node, demand.sku) for node in NODES)
    assert short.get(0, 0) == max(0, demand.quantity - there)


@QUICK
@given(levels(), DEMANDS)
def test_lines_that_may_go_anywhere_leave_a_node_to_those_bound_to_it(
    before: list[Level], demands: list[Demand]
) -> None:
    shelves = Shelves(before)
    demands = [replace(demand, without=frozenset()) for demand in demands]
    _, short = place(demands, shelves, None)
    for sku in SKUS:
        mine = {i: d for i, d in enumerate(demands) if d.sku == sku}
        left = {node: shelves.to_promise(node, sku) for node in NODES}
        lacking = 0
        for demand in mine.values():
            if node := demand.fixed_node:
                lacking += max(0, demand.quantity - max(0, left[node]))
                left[node] = max(0, left[node] - demand.quantity)
        anywhere = sum(demand.quantity for demand in mine.values() if not demand.fixed_node)
        lacking += max(0, anywhere - sum(left.values()))
        assert sum(short.get(i, 0) for i in mine) == lacking


def test_what_a_kit_cannot_use_is_kept_for_the_lines_after_it() -> None:
    has = [Level(node_id=NODES[0], sku=sku, on_hand=units) for sku, units in (("MUG", 3), ("LAMP", 1))]
    kits = {"TRIO": {"MUG": 1, "SPOON": 1}, "PAIR": {"MUG": 2, "LAMP": 1}}
    lines = [Line(1, "TRIO", 2), Line(2, "PAIR", 3), Line(3, "MUG", 2)]
    kept, lacking = keep(
        lines, Shelves(has), kits=kits, channel_id=NODES[1], open_nodes=NODES, own={}, at={3: NODES[0]}
    )
    assert [(line.sku, line.quantity) for line in kept.lines] == [("MUG", 2)]
    assert [(one.position, one.available) for one in lacking] == [(1, 0), (2, 0)], (
        "the line bound to its node has the mugs"
    )
    kept, lacking = keep(lines, Shelves(has), kits=kits, channel_id=NODES[1], open_nodes=NODES, own={})
    assert [(line.sku, line.quantity) for line in kept.lines] == [("PAIR", 1), ("MUG", 1)]
    assert [(one.position, one.available) for one in lacking] == [(1, 0), (2, 1), (3, 1)]


def test_a_node_that_has_all_keeps_all_of_it() -> None:
    shelves = Shelves(
        [
            Level(node_id=NODES[0], sku="MUG", on_hand=9),
            Level(node_id=NODES[1], sku="MUG", on_hand=3),
            Level(node_id=NODES[1], sku="LAMP", on_hand=3),
        ]
    )
    kept, short = place([Demand("MUG", 2), Demand("LAMP", 2)], shelves, None)
    assert {one.node_id for one in kept} == {NODES[1]}
    assert not short


def test_the_way_of_a_unit_through_the_buckets_ends_where_it_began() -> None:
    shelves = Shelves([Level(node_id=NODES[0], sku="MUG", on_hand=5)])
    unit = [(NODES[0], "MUG", 2)]

    def post(*legs: Leg) -> Level:
        assert shelves.post(Posting(cause_type="t", cause_id=None, legs=legs)) is None
        return shelves.level(NODES[0], "MUG")

    assert post(*reserve_legs(unit)).reserved == 2
    assert post(*unreserve_legs(unit), *allocate_legs(unit)).allocated == 2
    assert post(*unallocate_legs(unit), *reserve_legs(unit)).reserved == 2
    post(*unreserve_legs(unit), *allocate_legs(unit))
    assert post(*ship_legs([(NODES[0], "MUG", 1)])).on_hand == 4
    after = post(*not_found_legs([(NODES[0], "MUG", 1)]))
    assert (after.on_hand, after.allocated, after.available) == (3, 0, 3)


def test_kits_are_as_many_as_the_scarcest_component_makes() -> None:
    assert kits_available({"MUG": 2, "LAMP": 1}, {"MUG": 5, "LAMP": 9}) == 2
    assert kits_available({"MUG": 2, "LAMP": 1}, {"MUG": 5}) == 0
    assert kits_available({}, {"MUG": 5}) == 0
