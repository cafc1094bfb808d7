"""What may become of a purchase order, a notice, a transfer: received in parts, over, under, lost, put off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from orderloom.inventory.supply import Arrived, Supply, SupplyLine, change, close, receive

DUE = datetime(2026, 3, 9, 12, tzinfo=UTC)
ORDER = Supply(
    id=UUID(int=9),
    kind="purchase_order",
    reference="PO-1",
    node_id=UUID(int=1),
    from_node=None,
    due_at=DUE,
    lines=(
        SupplyLine(position=1, sku="MUG", expected=10),
        SupplyLine(position=2, sku="LAMP", expected=4, due_at=DUE + timedelta(days=2)),
    ),
)
TRANSFER = replace(ORDER, kind="transfer", from_node=UUID(int=2))


def codes(found: object) -> list[str]:
    assert isinstance(found, list)
    return [fault.code for fault in found]


def test_parts_add_up_and_the_last_one_closes_it() -> None:
    part = receive(ORDER, [Arrived(position=1, received=6, damaged=1)])
    assert isinstance(part, Supply)
    assert (part.state, part.lines[0].open) == ("open", 4)
    whole = receive(part, [Arrived(position=1, received=3, lost=1), Arrived(position=2, received=4)])
    assert isinstance(whole, Supply)
    assert (whole.state, whole.lines[0].received, whole.lines[0].lost) == ("closed", 9, 1)


def test_more_than_was_ordered_may_come_but_not_more_than_was_shipped() -> None:
    over = receive(ORDER, [Arrived(position=1, received=12)])
    assert isinstance(over, Supply)
    assert (over.lines[0].received, over.lines[0].open) == (12, 0)
    assert codes(receive(TRANSFER, [Arrived(position=1, received=12)])) == ["too_many"]


def test_what_cannot_be_is_told_all_at_once() -> None:
    asked = [
        Arrived(position=1, received=1, damaged=1, quality_control=1),
        Arrived(position=2, received=3, lost=2),
        Arrived(position=7, received=1),
    ]
    assert codes(receive(ORDER, asked)) == ["too_many", "too_many", "unknown_line"]


def test_closing_gives_up_what_is_open() -> None:
    part = receive(ORDER, [Arrived(position=1, received=6)])
    assert isinstance(part, Supply)
    ended = close(part)
    assert (ended.state, [line.lost for line in ended.lines]) == ("closed", [4, 4])


def test_a_date_for_the_whole_is_one_for_every_line_without_a_new_one() -> None:
    later = change(ORDER, due_at=DUE + timedelta(days=9), line_due_at={1: DUE + timedelta(days=1)})
    assert isinstance(later, Supply)
    assert [line.due_at for line in later.lines] == [DUE + timedelta(days=1), None]


def test_quantities_change_down_to_what_has_come() -> None:
    part = receive(ORDER, [Arrived(position=1, received=6)])
    assert isinstance(part, Supply)
    fewer = change(part, expected={1: 6})
    assert isinstance(fewer, Supply)
    assert (fewer.lines[0].expected, fewer.state) == (6, "open")
    assert codes(change(part, expected={1: 5})) == ["too_few"]
    assert codes(change(TRANSFER, expected={1: 5})) == ["already_shipped"]
    assert codes(change(ORDER, expected={9: 5})) == ["unknown_line"]


def test_units_given_up_that_come_after_all_are_lost_no_longer() -> None:
    some = receive(ORDER, [Arrived(position=1, received=5, lost=5)])
    assert isinstance(some, Supply)
    found = receive(some, [Arrived(position=1, received=3)])
    assert isinstance(found, Supply)
    assert (found.lines[0].received, found.lines[0].lost) == (8, 2)


def test_what_notices_announce_is_received_against_them() -> None:
    announced = replace(ORDER, lines=(replace(ORDER.lines[0], taken=6, announced=6),))
    assert codes(receive(announced, [Arrived(position=1, received=5)])) == ["announced"]
    rest = receive(announced, [Arrived(position=1, received=4)])
    assert isinstance(rest, Supply)
    assert rest.state == "open", "the notice has still to come"
    assert close(announced).lines[0].lost == 4
    assert codes(change(announced, expected={1: 5})) == ["too_few"]
