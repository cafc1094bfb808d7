"""Nodes' days and hours."""

from datetime import UTC, date, datetime, time

import pytest

from orderloom.network.calendar import NeverWorks, cutoff, day_bounds, handover, next_working_day
from orderloom.network.model import Node
from orderloom.terms import Address

NODE = Node(
    code="CHI",
    name="Chicago",
    type="fulfillment_center",
    address=Address(),
    time_zone="America/Chicago",
    holidays=(date(2026, 11, 26),),
    cutoffs={"fast/overnight": "14:00", "fast": "15:00", "*": "16:30"},
    processing_hours=2,
)


def test_the_most_particular_cutoff_counts():
    assert cutoff(NODE, carrier="fast", service="overnight") == time(14)
    assert cutoff(NODE, carrier="fast", service="ground") == time(15)
    assert cutoff(NODE, carrier="slow", service="ground") == time(16, 30)


def test_work_ready_before_the_cutoff_leaves_the_same_day():
    leaves = handover(
        NODE, ready_from=datetime(2026, 11, 24, 18, 0, tzinfo=UTC), carrier="slow", service="ground"
    )
    assert leaves == datetime(2026, 11, 24, 22, 30, tzinfo=UTC)


def test_work_ready_after_the_cutoff_leaves_on_the_next_working_day():
    # Wednesday evening; Thursday is a holiday.
    leaves = handover(
        NODE, ready_from=datetime(2026, 11, 25, 23, 0, tzinfo=UTC), carrier="slow", service="ground"
    )
    assert leaves.date() == date(2026, 11, 27)


def test_weekends_are_skipped():
    assert next_working_day(NODE, date(2026, 11, 28)) == date(2026, 11, 30)


def test_a_node_that_never_works_says_so():
    with pytest.raises(NeverWorks):
        next_working_day(
            Node(code="X", name="", type="store", address=Address(), time_zone="UTC", working_days=()),
            date(2026, 1, 1),
        )


def test_a_local_day_is_23_hours_when_the_clocks_go_forward():
    start, end = day_bounds(NODE, datetime(2026, 3, 8, 18, 0, tzinfo=UTC))
    assert (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() == 23 * 3600
