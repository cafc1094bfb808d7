"""First expired, first out: never a later lot while an earlier one is left, and few lots opened."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orderloom.inventory.fefo import Lot, first_out
from orderloom.terms import new_id

NODE, TODAY = new_id(), date(2026, 11, 23)


def lot(name: str, units: int, days: int | None = None, **more: int) -> Lot:
    expires_on = None if days is None else TODAY + timedelta(days=days)
    return Lot(node_id=NODE, sku="MUG", lot=name, expires_on=expires_on, on_hand=units, **more)


def names(taken: list[tuple[Lot, int]]) -> dict[str, int]:
    return {found.lot: units for found, units in taken}


class TestFirstOut:
    def test_the_first_to_expire_goes_first_and_what_never_expires_last(self) -> None:
        lots = [lot("never", 5), lot("late", 5, 30), lot("soon", 5, 3)]
        assert names(first_out(lots, 12, today=TODAY)) == {"soon": 5, "late": 5, "never": 2}

    def test_a_lot_s_last_day_is_a_good_one_and_the_next_is_not(self) -> None:
        lots = [lot("yesterday", 5, -1), lot("today", 2, 0)]
        assert names(first_out(lots, 5, today=TODAY)) == {"today": 2}

    def test_of_one_day_whole_lots_are_preferred_to_splitting(self) -> None:
        lots = [lot("a", 7, 3), lot("b", 4, 3), lot("c", 3, 3)]
        assert names(first_out(lots, 7, today=TODAY)) == {"a": 7}
        assert names(first_out(lots, 6, today=TODAY)) == {"b": 4, "c": 2}
        assert names(first_out(lots, 2, today=TODAY)) == {"c": 2}

    def test_units_bound_or_put_aside_are_left_alone(self) -> None:
        lots = [lot("a", 5, 3, allocated=3, expired=1)]
        assert names(first_out(lots, 5, today=TODAY)) == {"a": 1}


LOTS = st.lists(
    st.tuples(st.integers(0, 9), st.none() | st.integers(-3, 9), st.integers(0, 4)), max_size=8
).map(
    lambda rows: [
        lot(str(i), units, days, allocated=min(units, bound)) for i, (units, days, bound) in enumerate(rows)
    ]
)


@given(LOTS, st.integers(0, 40))
def test_never_a_later_lot_while_an_earlier_one_is_left(lots: list[Lot], wanted: int) -> None:
    taken = names(first_out(lots, wanted, today=TODAY))
    good = [x for x in lots if not x.past(TODAY)]
    assert sum(taken.values()) == min(wanted, sum(x.free for x in good))
    assert all(0 < units <= next(x.free for x in good if x.lot == name) for name, units in taken.items())
    last = max((x.expires_on or date.max for x in good if x.lot in taken), default=date.min)
    assert all(taken.get(x.lot, 0) == x.free for x in good if (x.expires_on or date.max) < last)


@given(LOTS, st.integers(0, 40))
def test_at_most_one_lot_of_a_day_is_opened(lots: list[Lot], wanted: int) -> None:
    opened = [x for x, units in first_out(lots, wanted, today=TODAY) if units < x.free]
    assert len(opened) <= 1
