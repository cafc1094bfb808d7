"""What shipments charge and returns pay back is exact, however an order is cut."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.payments.charge import (
    LineMoney,
    NotSoMany,
    bill,
    coming_back,
    shipment,
    split,
    total,
    units_of,
)
from orderloom.payments.model import BillLine, Breakdown, UnitsCharged

MONEY = st.integers(0, 1_000_000)


@st.composite
def orders(draw):
    """Lines with their money, shipping, and an adjustment that leaves the total at nought or above."""
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        whole = draw(MONEY)
        tax = draw(st.integers(0, whole))
        lines.append(LineMoney(uuid4(), draw(st.integers(1, 30)), whole, tax))
    shipping = draw(MONEY)
    adjustment = draw(st.integers(-(sum(line.total for line in lines) + shipping), 1_000_000))
    return lines, shipping, adjustment


@st.composite
def cut_orders(draw):
    """Such an order and shipments of it, each some units by line, that together hold every unit."""
    lines, shipping, adjustment = draw(orders())
    shipments = [{} for _ in range(draw(st.integers(1, 4)))]
    for line in lines:
        left = line.quantity
        for one in shipments[:-1]:
            one[line.line_id] = draw(st.integers(0, left))
            left -= one[line.line_id]
        shipments[-1][line.line_id] = left
    return lines, shipping, adjustment, draw(st.permutations(shipments))


def shipped(billed, shipments):
    parts, charged = [], {}
    for units in shipments:
        made = shipment(billed=billed, charged=charged, units=units)
        charged |= {part.line_id: part.last for part in made}
        parts.append(made)
    return parts


@given(orders())
def test_a_bill_shares_out_exactly_what_the_order_comes_to(order):
    lines, shipping, adjustment = order
    billed = bill(lines=lines, shipping=shipping, adjustment=adjustment)
    whole = total(line.owes for line in billed.values())
    assert whole.total == sum(line.total for line in lines) + shipping + adjustment
    assert whole.shipping == shipping
    assert whole.adjustment == adjustment
    assert whole.tax == sum(line.tax for line in lines)
    assert all(line.owes.total >= 0 for line in billed.values())


@given(cut_orders())
def test_shipments_charge_the_whole_order_account_by_account_and_never_less_than_nought(order):
    lines, shipping, adjustment, shipments = order
    billed = bill(lines=lines, shipping=shipping, adjustment=adjustment)
    parts = shipped(billed, shipments)
    assert total(part.money for made in parts for part in made) == total(
        line.owes for line in billed.values()
    )
    assert all(part.money.total >= 0 for made in parts for part in made)


@given(cut_orders(), st.data())
def test_giving_everything_back_pays_back_exactly_what_was_charged(order, data):
    lines, shipping, adjustment, shipments = order
    billed = bill(lines=lines, shipping=shipping, adjustment=adjustment)
    charged = [part for made in shipped(billed, shipments) for part in made]
    left = {line.line_id: line.quantity for line in lines}
    back, refunded = Breakdown(), {}
    while any(left.values()):
        units = {line_id: data.draw(st.integers(0, count)) for line_id, count in left.items()}
        if not any(units.values()):
            units = dict(left)
        parts = coming_back(parts=charged, refunded=refunded, units=units)
        assert all(part.money.total >= 0 for part in parts)
        refunded |= {part.line_id: part.last for part in parts}
        left = {line_id: count - units[line_id] for line_id, count in left.items()}
        back += total(part.money for part in parts)
    assert back == total(part.money for part in charged)


@given(MONEY, st.lists(st.integers(-1000, 1_000_000), max_size=5))
def test_an_amount_is_taken_from_purses_in_turn_and_none_is_overdrawn(amount, purses):
    parts = split(amount, purses)
    assert sum(parts) == min(amount, sum(max(0, purse) for purse in purses))
    assert all(0 <= part <= max(0, purse) for part, purse in zip(parts, purses, strict=True))
    emptied = [part == max(0, purse) for part, purse in zip(parts, purses, strict=True)]
    assert all(emptied[i] or not any(parts[i + 1 :]) for i in range(len(parts)))


def test_a_cent_over_three_units_comes_once():
    line = BillLine(uuid4(), 3, Breakdown(sales=1000))
    assert [units_of(line, first=i, last=i + 1).money.total for i in range(3)] == [333, 333, 334]


def test_free_lines_share_charges_by_quantity():
    one, three = LineMoney(uuid4(), 1, 0, 0), LineMoney(uuid4(), 3, 0, 0)
    billed = bill(lines=[one, three], shipping=400, adjustment=0)
    assert [line.owes.shipping for line in billed.values()] == [100, 300]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 1), (-1, 1)])
def test_units_a_line_has_not_are_refused(first, last):
    with pytest.raises(NotSoMany):
        units_of(BillLine(uuid4(), 2, Breakdown(sales=10)), first=first, last=last)


def test_units_never_charged_are_not_paid_back():
    line = uuid4()
    part = UnitsCharged(line, 0, 2, Breakdown(sales=10))
    with pytest.raises(NotSoMany):
        coming_back(parts=[part], refunded={line: 1}, units={line: 2})
