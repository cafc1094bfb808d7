"""A node's own days and hours: when it works, and when a parcel that is ready now leaves. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from orderloom.network.model import Node

LAST_CUTOFF = "17:00"
# A year and a bit without a working day is a calendar somebody got wrong.
DAYS_AHEAD_MAX = 400


class NeverWorks(ValueError):
    """The node's calendar has no working day within a year."""


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name."""
    return ZoneInfo(name)


def local(node: Node, moment: datetime) -> datetime:
    """The moment on the node's own clock."""
    return moment.astimezone(zone(node.time_zone))


def works_on(node: Node, day: date) -> bool:
    """Whether the node works on that local day."""
    return day.isoweekday() in node.working_days and day not in node.holidays


def next_working_day(node: Node, day: date) -> date:
    """That day, or the next on which the node works. Raises NeverWorks."""
    for ahead in range(DAYS_AHEAD_MAX):
        if works_on(node, candidate := day + timedelta(days=ahead)):
            return candidate
    raise NeverWorks(node.code)


def cutoff(node: Node, *, carrier: str, service: str) -> time:
    """Until when, by the node's clock, a parcel for that service leaves the same day."""
    for key in (f"{carrier}/{service}", service, carrier, "*"):
        if key in node.cutoffs:
            return time.fromisoformat(node.cutoffs[key])
    return time.fromisoformat(LAST_CUTOFF)


def handover(node: Node, *, ready_from: datetime, carrier: str, service: str) -> datetime:
    """The cut-off at which work that begins at `ready_from` leaves the node: processing hours, then a working day."""
    ready = local(node, ready_from + timedelta(hours=node.processing_hours))
    until = cutoff(node, carrier=carrier, service=service)
    day = ready.date() if ready.time() <= until else ready.date() + timedelta(days=1)
    return datetime.combine(next_working_day(node, day), until, zone(node.time_zone))


def day_bounds(node: Node, moment: datetime) -> tuple[datetime, datetime]:
    """When the node's local day around that moment begins and ends, for counting a day's work."""
    day = local(node, moment).date()
    start = datetime.combine(day, time(), zone(node.time_zone))
    return start, datetime.combine(day + timedelta(days=1), time(), zone(node.time_zone))
