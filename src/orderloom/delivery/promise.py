"""The days of a promise: what a channel's policy gives, and when a node hands over. Moments carry a zone.

How long a service takes is told by its contract alone (`shipping.select.arrival`), and how much later than that parcels
come by what was learnt (`delivery.transit`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from orderloom.delivery.transit import Path, path_of
from orderloom.network.calendar import NeverWorks, handover, zone
from orderloom.network.model import Node
from orderloom.terms import Address

BUSINESS_DAYS = (1, 2, 3, 4, 5)
# A day's last second: the promise is still kept then, and it prints as that day.
_LAST = time(23, 59, 59)
_LOOK_AHEAD = 400


class UnknownServiceLevel(LookupError):
    """The channel promises no number of days for this service level."""


def ship_date(*, node: Node, carrier: str, service: str, now: datetime) -> datetime:
    """The cut-off, by the node's clock, at which an order released now is handed over. Raises NeverWorks."""
    return handover(node, ready_from=now, carrier=carrier, service=service)


def path_between(*, node: Node, to: Address, carrier: str, service: str) -> Path:
    """The cells under which deliveries from the node to the address by the service are learnt."""
    return path_of(
        carrier=carrier,
        service=service,
        origin=node.address.region or node.address.country,
        destination=to.region or to.country,
        node=node.code,
    )


def business_day_after(
    day: date, *, days: int, working: Collection[int] = BUSINESS_DAYS, holidays: Collection[date] = ()
) -> date:
    """The n-th working day after `day`; nought means the day itself, or the next working day."""
    left = days
    for ahead in range(1 if days else 0, _LOOK_AHEAD):
        candidate = day + timedelta(days=ahead)
        if candidate.isoweekday() in working and candidate not in holidays:
            left -= 1
            if left <= 0:
                return candidate
    raise NeverWorks(f"no {days} working days within a year of {day}")


def policy_promise(
    *,
    placed_at: datetime,
    service_level: str,
    promise_days: Mapping[str, int],
    time_zone: str,
    holidays: Collection[date] = (),
) -> datetime:
    """What the channel's policy promises: the end of the n-th business day after the order, in the zone given.

    Raises UnknownServiceLevel, for a promise is never guessed.
    """
    if service_level not in promise_days:
        known = ", ".join(sorted(promise_days))
        raise UnknownServiceLevel(f"no promise for service level {service_level!r}; the channel has {known}")
    placed_on = placed_at.astimezone(zone(time_zone)).date()
    return _end_of(placed_on, promise_days[service_level], time_zone, frozenset(holidays))


@lru_cache(maxsize=10_000)
def _end_of(day: date, days: int, time_zone: str, holidays: frozenset[date]) -> datetime:
    """Remembered, since all orders of a day, a speed and a channel have it in common."""
    return end_of_day(business_day_after(day, days=days, holidays=holidays), time_zone=time_zone)


def end_of_day(day: date, *, time_zone: str) -> datetime:
    """The last second of a local day, in UTC."""
    return datetime.combine(day, _LAST, zone(time_zone)).astimezone(UTC)
