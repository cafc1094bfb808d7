"""Allotments: what is set aside is never more than there is, and one channel's sale never takes from another's part."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.inventory.allotting import Allotment, Limits, SafetyRule, allowance, unused
from orderloom.inventory.availability import Demand, Shelves, offer, place, reserve_legs, unreserve_legs
from orderloom.inventory.model import Level, Posting

QUICK = settings(max_examples=300, deadline=None)
CHANNELS = tuple(UUID(int=n) for n in range(1, 5))
WEB, POS, MARKET, OTHER = CHANNELS
NODES = tuple(UUID(int=n) for n in range(11, 13))
SKU = "MUG"


@st.composite
def allotments(draw: st.DrawFn) -> list[Allotment]:
    """Allotments of up to four channels; shares may add up to more than all."""
    found = []
    for channel in draw(st.sets(st.sampled_from(CHANNELS), min_size=1)):
        kind = draw(st.sampled_from(["fixed", "share", "none"]))
        found.append(
            Allotment(
                sku=SKU,
                channel_id=channel,
                kind=kind,  # type: ignore[arg-type]
                units=draw(st.integers(0, 60)) if kind == "fixed" else None,
                permille=draw(st.integers(0, 1000)) if kind == "share" else None,
                takes_shared=draw(st.booleans()),
                drawn=draw(st.integers(0, 30)),
                ended=draw(st.sampled_from([False, False, True])),
            )
        )
    return found


def _sold(given: list[Allotment], channel: UUID, units: int) -> list[Allotment]:
    limits = Limits(given)
    limits.draw(channel, SKU, units)
    return list(limits.allotted(SKU))


@QUICK
@given(allotments(), st.integers(0, 120))
def test_what_is_unused_is_never_more_than_can_be_promised(given_: list[Allotment], atp: int) -> None:
    left = unused(given_, atp)
    assert sum(left.values()) <= atp
    assert min(left.values()) >= 0
    assert all(0 <= allowance(given_, channel, atp) <= atp for channel in CHANNELS)


@QUICK
@given(allotments(), st.integers(0, 120), st.sampled_from(CHANNELS), st.data())
def test_a_channel_that_sells_within_its_allowance_takes_nothing_from_another(
    given_: list[Allotment], atp: int, seller: UUID, data: st.DataObject
) -> None:
    before = unused(given_, atp)
    units = data.draw(st.integers(0, allowance(given_, seller, atp)))
    after = unused(_sold(given_, seller, units), atp - units)
    assert all(after[c] >= before[c] for c in before if c != seller)


@QUICK
@given(allotments(), st.integers(0, 120), st.sampled_from(CHANNELS), st.data())
def test_a_channel_that_takes_a_sale_back_takes_nothing_from_another(
    given_: list[Allotment], atp: int, seller: UUID, data: st.DataObject
) -> None:
    before = unused(given_, atp)
    drawn = next((a.drawn for a in given_ if a.channel_id == seller), 0)
    units = data.draw(st.integers(0, drawn))
    after = unused(_sold(given_, seller, -units), atp + units)
    assert all(after[c] >= before[c] for c in before if c != seller)


def test_units_set_aside_are_kept_from_everybody_else() -> None:
    given_ = [Allotment(sku=SKU, channel_id=WEB, kind="fixed", units=10)]
    assert allowance(given_, WEB, 30) == 30
    assert allowance(given_, POS, 30) == 20
    given_ = _sold(given_, WEB, 4)
    assert allowance(given_, POS, 26) == 20


def test_a_share_is_of_all_there_was_since_it_was_set() -> None:
    given_ = [Allotment(sku=SKU, channel_id=WEB, kind="share", permille=400, takes_shared=False)]
    assert allowance(given_, WEB, 50) == 20
    given_ = _sold(given_, WEB, 15)
    assert allowance(given_, WEB, 35) == 5
    assert allowance(given_, POS, 35) == 30


def test_when_stock_falls_shares_are_cut_before_fixed_units() -> None:
    given_ = [
        Allotment(sku=SKU, channel_id=WEB, kind="fixed", units=30),
        Allotment(sku=SKU, channel_id=POS, kind="share", permille=500),
    ]
    assert unused(given_, 100) == {WEB: 30, POS: 50}
    assert unused(given_, 40) == {WEB: 30, POS: 10}
    assert unused(given_, 12) == {WEB: 12, POS: 0}


def test_what_has_ended_spills_over_into_the_shared_pool() -> None:
    given_ = [Allotment(sku=SKU, channel_id=WEB, kind="fixed", units=30, ended=True)]
    assert allowance(given_, POS, 40) == 40


def test_the_safety_stock_of_a_channel_is_its_own_and_the_rule_that_names_more_is_stronger() -> None:
    limits = Limits(
        rules=[
            SafetyRule(units=9, channel_id=WEB),
            SafetyRule(units=2, channel_id=WEB, sku=SKU),
            SafetyRule(units=3, channel_id=WEB, node_id=NODES[0], sku=SKU),
        ]
    )
    shelves = Shelves([Level(node_id=n, sku=SKU, on_hand=10) for n in NODES], limits)
    assert shelves.allowance(WEB, SKU, NODES) == 15
    assert shelves.allowance(POS, SKU, NODES) == 20
    kept, short = place([Demand(SKU, 20)], shelves, NODES, WEB)
    assert short == {0: 5}
    assert sum(k.quantity for k in kept) == 15


def test_no_posting_for_a_channel_leaves_less_than_others_have_set_aside() -> None:
    limits = Limits([Allotment(sku=SKU, channel_id=WEB, kind="fixed", units=8)])
    shelves = Shelves([Level(node_id=n, sku=SKU, on_hand=10) for n in NODES], limits)
    kept, short = place([Demand(SKU, 7), Demand(SKU, 9)], shelves, None, POS)
    assert short == {1: 4}
    legs = reserve_legs((k.node_id, SKU, k.quantity) for k in kept)
    assert (
        shelves.post(Posting(cause_type="t", cause_id=None, legs=legs, within_safety=True, channel_id=POS))
        is None
    )
    assert shelves.allowance(POS, SKU) == 0
    assert shelves.allowance(WEB, SKU) == 8
    back = unreserve_legs((k.node_id, SKU, k.quantity) for k in kept[:1])
    assert shelves.post(Posting(cause_type="t", cause_id=None, legs=back, channel_id=POS)) is None
    assert shelves.allowance(POS, SKU) == kept[0].quantity
    assert shelves.allowance(WEB, SKU) == 8 + kept[0].quantity
    [drawn] = limits.drawn()
    assert (drawn.channel_id, drawn.drawn) == (POS, 12 - kept[0].quantity)


def test_own_units_stay_where_they_are_and_need_no_room() -> None:
    limits = Limits([Allotment(sku=SKU, channel_id=WEB, kind="fixed", units=8)])
    shelves = Shelves([Level(node_id=n, sku=SKU, on_hand=4, reserved=4) for n in NODES], limits)
    kept, short = place([Demand(SKU, 5)], shelves, NODES, POS, own={(NODES[0], SKU): 4})
    assert [(k.node_id, k.quantity) for k in kept] == [(NODES[0], 4)]
    assert short == {0: 1}


def test_a_kit_is_offered_as_whole_kits_of_one_node() -> None:
    shelves = Shelves(
        [
            Level(node_id=NODES[0], sku="CUP", on_hand=9),
            Level(node_id=NODES[0], sku="BOX", on_hand=2),
            Level(node_id=NODES[1], sku="CUP", on_hand=1),
            Level(node_id=NODES[1], sku="BOX", on_hand=50),
        ]
    )
    found = offer(shelves, channel_id=WEB, sku="SET", open_nodes=NODES, components={"CUP": 2, "BOX": 1})
    assert (found.quantity, found.by_node) == (2, {NODES[0]: 2})
    assert offer(shelves, channel_id=WEB, sku="CUP", open_nodes=NODES[:1], awaiting={"CUP": 4}).quantity == 5


@st.composite
def shelves_of_two_nodes(draw: st.DrawFn) -> Shelves:
    rules = [
        SafetyRule(units=draw(st.integers(0, 5)), channel_id=WEB),
        SafetyRule(units=draw(st.integers(0, 5)), channel_id=POS, node_id=NODES[0]),
    ]
    levels = [Level(node_id=n, sku=SKU, on_hand=draw(st.integers(0, 30))) for n in NODES]
    return Shelves(levels, Limits(draw(allotments()), rules))


@QUICK
@given(
    shelves_of_two_nodes(),
    st.lists(
        st.tuples(
            st.sampled_from(CHANNELS), st.integers(1, 20), st.sampled_from([NODES, NODES[:1], NODES[1:]])
        ),
        max_size=6,
    ),
)
def test_whoever_claims_never_gets_more_than_the_allowance_nor_what_is_set_aside_for_others(
    shelves: Shelves, claims: list[tuple[UUID, int, tuple[UUID, ...]]]
) -> None:
    for channel, units, nodes in claims:
        before = unused(tuple(shelves.limits.allotted(SKU)), shelves.atp(SKU))
        allowed = shelves.allowance(channel, SKU, nodes)
        kept, short = place([Demand(SKU, units), Demand(SKU, 1)], shelves, nodes, channel)
        taken = sum(k.quantity for k in kept)
        assert taken == min(units + 1, allowed)
        assert taken + sum(short.values()) == units + 1
        legs = reserve_legs((k.node_id, SKU, k.quantity) for k in kept)
        posting = Posting(cause_type="t", cause_id=None, legs=legs, within_safety=True, channel_id=channel)
        assert shelves.post(posting) is None
        after = unused(tuple(shelves.limits.allotted(SKU)), shelves.atp(SKU))
        assert all(after[c] >= left for c, left in before.items() if c != channel)
