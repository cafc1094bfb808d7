"""What may come back, and how an order's returns look from afar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.returns.axis import axis
from orderloom.returns.model import Asked, Policy, Sold, Status
from orderloom.returns.policy import faults, judge
from orderloom.terms import new_id

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def sold(**more):
    return Sold(
        **{"line_id": new_id(), "sku": "S", "delivered": 3, "delivered_at": NOW - timedelta(days=5), **more}
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (sold(), None),
        (sold(tags=frozenset({"final_sale", "new"})), "final_sale"),
        (sold(delivered=0, delivered_at=None), "not_delivered"),
        (sold(delivered_at=NOW - timedelta(days=31)), "window_closed"),
        (sold(returned=3), "already_returned"),
    ],
)
def test_each_line_is_judged_with_its_reason(line, code):
    [verdict] = judge(policy=Policy(), now=NOW, sold=[line])
    assert verdict.code == code
    assert verdict.returnable == (3 if code is None else 0)


def test_the_window_is_open_to_its_last_second():
    line = sold(delivered_at=NOW - timedelta(days=30))
    assert judge(policy=Policy(), now=NOW, sold=[line])[0].code is None
    assert judge(policy=Policy(), now=NOW + timedelta(seconds=1), sold=[line])[0].code == "window_closed"


def test_all_faults_are_told_at_once():
    line = sold()
    verdicts = judge(policy=Policy(), now=NOW, sold=[line])
    asked = [
        Asked(line_id=line.line_id, quantity=2, reason="defective"),
        Asked(line_id=line.line_id, quantity=2, reason="because"),
        Asked(line_id=new_id(), quantity=0, reason="other"),
        Asked(quantity=1, reason="other"),
    ]
    found = {(fault.path, fault.code) for fault in faults(policy=Policy(), verdicts=verdicts, asked=asked)}
    assert found == {
        ("/lines/1/reason", "unknown_reason"),
        ("/lines/1/quantity", "too_many"),
        ("/lines/2/quantity", "not_positive"),
        ("/lines/2/line_id", "unknown_line"),
        ("/lines/3/sku", "missing"),
    }
    assert faults(policy=Policy(), verdicts=verdicts, asked=[])[0].code == "empty"


@given(st.integers(0, 9), st.integers(0, 12), st.integers(1, 12))
def test_what_is_granted_never_exceeds_what_was_delivered(delivered, returned, wanted):
    line = sold(delivered=delivered, returned=returned)
    verdicts = judge(policy=Policy(), now=NOW, sold=[line])
    asked = [Asked(line_id=line.line_id, quantity=wanted, reason="other")]
    granted = not faults(policy=Policy(), verdicts=verdicts, asked=asked)
    assert granted == (returned + wanted <= delivered)


@pytest.mark.parametrize(
    ("returns", "word"),
    [
        ([], "none"),
        ([(Status.DECLINED, 0), (Status.CANCELLED, 0), (Status.EXPIRED, 0)], "none"),
        ([(Status.REQUESTED, 0)], "requested"),
        ([(Status.REQUESTED, 0), (Status.IN_TRANSIT, 0)], "open"),
        ([(Status.CLOSED, 1), (Status.INSPECTED, 1)], "open"),
        ([(Status.CLOSED, 1)], "partially_returned"),
        ([(Status.CLOSED, 1), (Status.CLOSED, 2)], "returned"),
        ([(Status.CLOSED, 0)], "none"),
    ],
)
def test_the_axis_of_an_order_of_three_units(returns, word):
    assert axis(returns=returns, delivered=3) == word
