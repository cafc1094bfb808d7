"""Which way a slice may go, what its parts come to, and how ranks fold upwards."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.orders.model import Slice
from orderloom.orders.slices import LEGAL, IllegalTransition, Move, _apply
from orderloom.terms import Rank, new_id, rollup

R = Rank
NODE, WORK, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


def piece(rank: Rank, quantity: int = 5) -> Slice:
    return Slice(
        id=new_id(),
        order_id=new_id(),
        line_id=new_id(),
        sku="MUG",
        quantity=quantity,
        rank=rank,
        node_id=NODE if rank >= R.RESERVED else None,
        fulfillment_id=WORK if rank >= R.RELEASED else None,
    )


def moved(before: Slice, *moves: Move) -> list[Slice]:
    changed, added = _apply({before.id: before}, moves)
    return [*changed, *added]


def test_every_rank_is_in_the_table_and_only_named_moves_lower_one() -> None:
    assert LEGAL.keys() == set(Rank)
    falls = {(a, b) for a, to in LEGAL.items() for b in to if b < a}
    at_node = {R.RELEASED, R.ACKNOWLEDGED, R.PICKING, R.PICKED, R.PACKED}
    named = {(R.SHIPPED, R.PACKED)}
    named |= {(a, b) for a in at_node for b in (R.REJECTED, R.SHORT, R.RESERVED, R.ALLOCATED)}
    named |= {(a, b) for a in (R.RESERVED, R.ALLOCATED) for b in (R.SHORT, R.BACKORDERED)}
    named |= {(R.ALLOCATED, R.RESERVED)}
    assert falls == named


def test_what_has_shipped_is_never_cancelled_and_ends_stay_ends() -> None:
    assert R.CANCELLED not in LEGAL[R.SHIPPED] | LEGAL[R.DELIVERED]
    assert not LEGAL[R.DELIVERED]
    assert not LEGAL[R.CANCELLED]
    assert all(R.CANCELLED in LEGAL[r] for r in Rank if r < R.SHIPPED)


@pytest.mark.parametrize("before", list(Rank))
@pytest.mark.parametrize("to", list(Rank))
def test_a_move_is_made_or_refused_as_the_table_says(before: Rank, to: Rank) -> None:
    one = piece(before)
    move = Move(slice_id=one.id, to=to, node_id=OTHER if to >= R.RESERVED else None, fulfillment_id=WORK)
    if to in LEGAL[before] or to is before:
        [after] = moved(one, move)
        assert after.rank is to
        assert (after.node_id is None) == (to < R.RESERVED)
        assert (after.fulfillment_id is None) == (to < R.RELEASED)
    else:
        with pytest.raises(IllegalTransition, match=f"{before.word} to {to.word}"):
            moved(one, move)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(1, 8), min_size=1, max_size=4))
def test_parts_of_a_slice_come_to_the_whole(quantity: int, parts: list[int]) -> None:
    one = piece(R.RESERVED, quantity)
    moves = [Move(slice_id=one.id, to=R.ALLOCATED, quantity=units) for units in parts]
    if sum(parts) > quantity:
        with pytest.raises(IllegalTransition, match="left"):
            moved(one, *moves)
        return
    after = moved(one, *moves)
    assert sum(part.quantity for part in after) == quantity
    assert sum(part.quantity for part in after if part.rank is R.ALLOCATED) == sum(parts)
    assert len({part.id for part in after}) == len(after)
    assert one.id in {part.id for part in after}


@given(st.lists(st.sampled_from(list(Rank)), min_size=1))
def test_a_status_is_a_word_or_partially_the_highest(ranks: list[Rank]) -> None:
    word = rollup(min(ranks), max(ranks))
    assert word == max(ranks).word if len(set(ranks)) == 1 else word == f"partially_{max(ranks).word}"
