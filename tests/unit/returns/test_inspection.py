"""Units that share a fate share a row."""

from hypothesis import given
from hypothesis import strategies as st

from orderloom.returns.inspection import sort_out, standing
from orderloom.returns.model import Disposition, Finding, Refused, ReturnLine, Sorted, Status
from orderloom.terms import new_id

RETURN = new_id()


def line(quantity=3, received=3, **more):
    return ReturnLine(
        id=new_id(),
        return_id=RETURN,
        line_id=None,
        sku="S",
        quantity=quantity,
        received=received,
        reason="other",
        **more,
    )


def find(of, disposition, quantity=None):
    return Finding(return_line_id=of.id, disposition=Disposition(disposition), quantity=quantity)


def test_a_whole_line_keeps_its_id():
    row = line()
    result = sort_out(lines=[row], findings=[find(row, "restock")])
    assert [(r.id, r.quantity, r.disposition) for r in result.changed] == [(row.id, 3, "restock")]
    assert result.added == ()


def test_units_that_differ_are_split_and_the_rest_keeps_the_id():
    row = line(quantity=5, received=4, refund=500)
    result = sort_out(lines=[row], findings=[find(row, "restock", 2), find(row, "destroy", 1)])
    [rest] = result.changed
    assert (rest.id, rest.quantity, rest.received, rest.disposition) == (row.id, 2, 1, None)
    assert [(r.quantity, r.received, r.disposition) for r in result.added] == [
        (2, 2, "restock"),
        (1, 1, "destroy"),
    ]
    assert rest.refund + sum(r.refund for r in result.added) == 500
    assert standing(Status.RECEIVED, [*result.changed, *result.added]) is Status.PARTIALLY_RECEIVED


def test_what_never_came_is_missing():
    row = line(quantity=3, received=2)
    result = sort_out(lines=[row], findings=[find(row, "restock"), find(row, "missing")])
    rows = [*result.changed, *result.added]
    assert sorted((r.disposition, r.quantity, r.received) for r in rows) == [
        ("missing", 1, 0),
        ("restock", 2, 2),
    ]
    assert standing(Status.PARTIALLY_RECEIVED, rows) is Status.INSPECTED


def test_more_than_came_cannot_be_judged_and_a_last_word_stands():
    row = line(quantity=3, received=2)
    assert sort_out(lines=[row], findings=[find(row, "restock", 3)]).faults[0].code == "too_many"
    assert sort_out(lines=[row], findings=[find(line(), "restock")]).faults[0].code == "unknown_line"
    decided = line(disposition=Disposition.RESTOCK)
    assert sort_out(lines=[decided], findings=[find(decided, "destroy")]).faults[0].code == "already_decided"


def test_units_in_quality_control_are_looked_at_again():
    waiting = line(disposition=Disposition.NEEDS_INSPECTION, restocked=True)
    [row] = sort_out(lines=[waiting], findings=[find(waiting, "restock")]).changed
    assert (row.disposition, row.restocked) == ("restock", False)


@given(
    st.integers(1, 8),
    st.integers(0, 8),
    st.lists(st.tuples(st.sampled_from(Disposition), st.integers(1, 4)), max_size=4),
    st.integers(0, 999),
)
def test_no_unit_and_no_cent_appears_or_vanishes(quantity, received, told, refund):
    row = line(quantity=quantity, received=min(received, quantity), refund=refund)
    result = sort_out(lines=[row], findings=[find(row, d, q) for d, q in told])
    if isinstance(result, Refused) or not told:
        return
    assert isinstance(result, Sorted)
    rows = [*result.changed, *result.added]
    assert sum(r.quantity for r in rows) == row.quantity
    assert sum(r.received for r in rows) == row.received
    assert sum(r.refund for r in rows) == refund
    assert all(r.quantity > 0 and 0 <= r.received <= r.quantity for r in rows)
