"""What a shipment charges and what coming back pays back: pure, exact to the minor unit, whatever the order of parts.

A line's money (price, discount, tax and its share of the order's charges) is spread over its units by one growing
function, so that the parts of [0, q) sum to the whole however it is cut: a part is the function's growth over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom.payments.model import BillLine, Breakdown, UnitsCharged
from orderloom.terms import apportion


@dataclass(frozen=True, slots=True)
class LineMoney:
    """A leaf line as the order has it; `total` is price × quantity − discount + tax."""

    line_id: UUID
    quantity: int
    total: int
    tax: int


class NotSoMany(ValueError):
    """More units than the line has left."""


def bill(*, lines: Sequence[LineMoney], shipping: int, adjustment: int) -> dict[UUID, BillLine]:
    """Each line's whole money, the order's shipping and adjustment shared out by value (by quantity if none has any).

    Both charges are shared out together, and shipping again alone: shared out apart, their roundings could leave a
    line a unit below nought.
    """
    weights = [line.total for line in lines]
    if not any(weights):
        weights = [line.quantity for line in lines]
    both = apportion(shipping + adjustment, weights)
    carriage = apportion(shipping, weights)
    return {
        line.line_id: BillLine(
            line.line_id,
            line.quantity,
            Breakdown(line.total - line.tax, carriage[i], line.tax, both[i] - carriage[i]),
        )
        for i, line in enumerate(lines)
    }


def units_of(line: BillLine, *, first: int, last: int) -> UnitsCharged:
    """The money of the units [first, last). Raises NotSoMany when the line has them not."""
    if not 0 <= first <= last <= line.quantity:
        raise NotSoMany(f"units {first} to {last} of a line of {line.quantity}")
    money = _up_to(line.owes, last, line.quantity) - _up_to(line.owes, first, line.quantity)
    return UnitsCharged(line.line_id, first, last, money)


def shipment(
    *, billed: Mapping[UUID, BillLine], charged: Mapping[UUID, int], units: Mapping[UUID, int]
) -> tuple[UnitsCharged, ...]:
    """What these units owe, when so many of each line are charged already. Raises NotSoMany."""
    return tuple(
        units_of(billed[line_id], first=charged.get(line_id, 0), last=charged.get(line_id, 0) + count)
        for line_id, count in units.items()
        if count > 0
    )


def coming_back(
    *, parts: Iterable[UnitsCharged], refunded: Mapping[UUID, int], units: Mapping[UUID, int]
) -> tuple[UnitsCharged, ...]:
    """What giving these units back pays back, when so many of each line were given back before.

    Reckoned from what was charged and kept, never from prices again. Raises NotSoMany for units never charged.
    """
    by_line: dict[UUID, list[UnitsCharged]] = {}
    for part in sorted(parts, key=lambda part: part.first):
        by_line.setdefault(part.line_id, []).append(part)
    back = []
    for line_id, count in units.items():
        if count <= 0:
            continue
        first = refunded.get(line_id, 0)
        last = first + count
        charged = by_line.get(line_id, [])
        if last > sum(part.last - part.first for part in charged):
            raise NotSoMany(f"units {first} to {last} of a line charged for fewer")
        money = total(_overlap(part, first, last) for part in charged)
        back.append(UnitsCharged(line_id, first, last, money))
    return tuple(back)


def total(money: Iterable[Breakdown]) -> Breakdown:
    """All of it together."""
    whole = Breakdown()
    for part in money:
        whole += part
    return whole


def split(amount: int, capacities: Sequence[int]) -> list[int]:
    """Take an amount from several purses in turn, each to its bottom; the sum falls short when they do."""
    parts = []
    for capacity in capacities:
        part = min(amount, max(0, capacity))
        parts.append(part)
        amount -= part
    return parts


def _overlap(part: UnitsCharged, first: int, last: int) -> Breakdown:
    low, high, size = (
        max(first, part.first) - part.first,
        min(last, part.last) - part.first,
        part.last - part.first,
    )
    if low >= high:
        return Breakdown()
    return _up_to(part.money, high, size) - _up_to(part.money, low, size)


def _up_to(owes: Breakdown, units: int, quantity: int) -> Breakdown:
    """The money of the first units. The whole grows evenly and never falls; sales take what rounding leaves."""
    shipping = owes.shipping * units // quantity
    tax = owes.tax * units // quantity
    adjustment = owes.adjustment * units // quantity
    whole = owes.total * units // quantity
    return Breakdown(whole - shipping - tax - adjustment, shipping, tax, adjustment)
