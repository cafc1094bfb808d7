"""By when a buyer can have it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.delivery.promise import (
    UnknownServiceLevel,
    business_day_after,
    end_of_day,
    policy_promise,
    ship_date,
)
from orderloom.network.calendar import NeverWorks
from orderloom.network.model import Node
from orderloom.terms import Address

EAST, WEST = "America/New_York", "America/Los_Angeles"


def node(code="NYC", zone=EAST, **more):
    return Node(
        code=code,
        name=code,
        type="store",
        address=Address(),
        time_zone=zone,
        **{"cutoffs": {"*": "15:00"}, "processing_hours": 2, **more},
    )


def at(zone, *parts):
    return datetime(*parts, tzinfo=ZoneInfo(zone))


MONDAY_NOON = at(EAST, 2026, 3, 2, 12)


def test_what_is_ready_before_the_cutoff_leaves_today_and_after_it_tomorrow():
    assert ship_date(node=node(), carrier="swift", service="ground", now=MONDAY_NOON).date() == date(
        2026, 3, 2
    )
    late = MONDAY_NOON + timedelta(hours=1, minutes=1)
    assert ship_date(node=node(), carrier="swift", service="ground", now=late).date() == date(2026, 3, 3)


def test_the_cutoff_is_read_on_the_nodes_own_clock():
    west = node("LAX", WEST)
    assert ship_date(node=west, carrier="swift", service="ground", now=at(EAST, 2026, 3, 2, 16)) == at(
        WEST, 2026, 3, 2, 15
    )


def test_weekends_and_holidays_are_passed_over():
    friday = at(EAST, 2026, 3, 6, 16)
    assert ship_date(
        node=node(holidays=(date(2026, 3, 9),)), carrier="swift", service="ground", now=friday
    ).date() == date(2026, 3, 10)


@pytest.mark.parametrize(
    ("level", "promised"),
    [("overnight", (2026, 3, 9)), ("expedited", (2026, 3, 10)), ("standard", (2026, 3, 13))],
)
def test_the_policy_promises_the_end_of_the_nth_business_day_where_the_buyer_lives(level, promised):
    # Late on Friday in Los Angeles, already Saturday in UTC.
    placed = at(WEST, 2026, 3, 6, 23)
    days = {"standard": 5, "expedited": 2, "overnight": 1}
    assert policy_promise(placed_at=placed, service_level=level, promise_days=days, time_zone=WEST) == at(
        WEST, *promised, 23, 59, 59
    )


def test_a_service_level_without_days_is_never_guessed():
    with pytest.raises(UnknownServiceLevel, match="standard"):
        policy_promise(
            placed_at=MONDAY_NOON, service_level="drone", promise_days={"standard": 5}, time_zone=EAST
        )


def test_a_day_lasts_until_midnight_though_the_clock_changes_in_it():
    assert end_of_day(date(2026, 3, 8), time_zone=EAST) == datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC)


def test_a_calendar_without_days_never_works():
    with pytest.raises(NeverWorks):
        business_day_after(date(2026, 3, 2), days=1, working=())


def test_nought_days_is_the_day_itself_or_the_next_that_works():
    assert business_day_after(date(2026, 3, 6), days=0) == date(2026, 3, 6)
    assert business_day_after(date(2026, 3, 7), days=0) == date(2026, 3, 9)


@given(
    st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.integers(0, 10), st.sets(st.integers(1, 7), min_size=1)
)
def test_more_days_are_never_sooner(day, days, working):
    sooner = business_day_after(day, days=days, working=working)
    later = business_day_after(day, days=days + 1, working=working)
    assert day <= sooner <= later
    assert days == 0 or sooner < later
    assert later.isoweekday() in working
