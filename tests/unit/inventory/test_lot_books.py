"""Lots in memory: whatever is bound, moved and let go, what is bound is what the picks say."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orderloom.inventory.fefo import Lot
from orderloom.inventory.lot_books import Books, Cause
from orderloom.inventory.model import LotUnits
from orderloom.terms import new_id

NODE, TODAY = new_id(), date(2026, 11, 23)
KEY = (NODE, "MUG")
WORKS = [(new_id(), new_id()) for _ in range(3)]
CAUSE = Cause("test", None)


def books(units: list[int]) -> Books:
    return Books(
        Lot(node_id=NODE, sku="MUG", lot=str(i), expires_on=TODAY + timedelta(days=i % 3), on_hand=n)
        for i, n in enumerate(units)
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pick", "keep", "ship", "lose", "come", "swap"]),
        st.integers(0, 2),
        st.integers(0, 6),
        st.integers(0, 3),
    ),
    max_size=25,
)


@given(st.lists(st.integers(1, 8), min_size=4, max_size=4), STEPS)
def test_what_is_bound_is_what_the_picks_say(
    units: list[int], steps: list[tuple[str, int, int, int]]
) -> None:
    kept = books(units)
    on_hand = sum(units)
    for what, which, quantity, lot in steps:
        work, line = WORKS[which]
        match what:
            case "pick":
                kept.pick(work, line, KEY, quantity, today=TODAY)
            case "keep":
                kept.keep_only({(w, x): kept.picked(w, x) if w != work else quantity for w, x in WORKS})
            case "ship":
                taken = kept.take_picked(work, KEY, quantity, shipped=True)
                for name, n in taken:
                    kept.move(KEY, LotUnits(name, -n), CAUSE, serial=False)
                on_hand -= sum(n for _, n in taken)
            case "lose":
                gone = min(quantity, on_hand)
                for found, n in kept.any_out(KEY, gone, []):
                    kept.move(KEY, LotUnits(found.lot, -n), CAUSE, serial=False)
                on_hand -= gone
                for pick in kept.drop_surplus(kept.overdrawn()):
                    kept.pick(pick.fulfillment_id, pick.line_id, KEY, pick.quantity, today=None)
            case "come":
                kept.move(KEY, LotUnits(str(lot), quantity), CAUSE, serial=False)
                on_hand += quantity
            case _:
                before = kept.picked(work, line)
                kept.swap_in(work, (NODE, "MUG", str(lot)), quantity)
                assert kept.picked(work, line) == before
        lots = kept.all()
        assert sum(x.on_hand for x in lots) == on_hand
        assert sum(x.allocated for x in lots) == sum(kept.picked(w, x) for w, x in WORKS)
        assert all(x.free >= 0 and x.allocated >= 0 for x in lots)
