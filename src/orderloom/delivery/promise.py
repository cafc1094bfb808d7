"""By when a buyer can have it, and what that asks of nodes and carriers. Dates are local days; moments carry a zone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from orderloom.delivery.model import NoWay, Option, Promise, Service
from orderloom.network.calendar import NeverWorks, cutoff, handover, works_on, zone
from orderloom.network.model import Node

BUSINESS_DAYS = (1, 2, 3, 4, 5)
# A day's last second: the promise is still kept then, and it prints as that day.
_LAST = time(23, 59, 59)
_LOOK_AHEAD = 400


class UnknownServiceLevel(LookupError):
    """The channel promises no number of days for this service level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node that could ship, and how many zones away it is for each carrier ("*" for those not named)."""

    node: Node
    zones: Mapping[str, int]

    def zone_of(self, carrier: str) -> int | None:
        """The carrier's zone between node and destination."""
        return self.zones.get(carrier, self.zones.get("*"))


def promise(
    *, now: datetime, time_zone: str, candidates: Iterable[Candidate], services: Iterable[Service]
) -> Promise:
    """The earliest date of all and of each service, for a destination in `time_zone`."""
    offered = tuple(services)
    options: list[Option] = []
    refused: list[NoWay] = []
    for candidate in candidates:
        for service in offered:
            way = _way(candidate, service, now, time_zone)
            if isinstance(way, Option):
                options.append(way)
            else:
                refused.append(way)
    options.sort(key=lambda o: (o.arrives_on, o.ship_by, o.carrier, o.service, o.node))
    best: dict[tuple[str, str], Option] = {}
    for option in options:
        best.setdefault((option.carrier, option.service), option)
    return Promise(
        earliest=options[0] if options else None, by_service=tuple(best.values()), refused=tuple(refused)
    )


def _way(candidate: Candidate, service: Service, now: datetime, time_zone: str) -> Option | NoWay:
    node = candidate.node
    away = candidate.zone_of(service.carrier)
    if reason := _refusal(node, service, away):
        return NoWay(node=node.code, carrier=service.carrier, service=service.service, reason=reason)
    assert away is not None  # noqa: S101 - a service that reaches no zone is refused above
    leaves = ship_date(node=node, carrier=service.carrier, service=service.service, now=now)
    day = arrival(
        shipped_on=leaves.date(),
        transit_days=service.transit_days[away],
        delivers_on=service.delivers_on,
        holidays=service.holidays,
    )
    return Option(
        node=node.code,
        carrier=service.carrier,
        service=service.service,
        ship_by=leaves.astimezone(UTC),
        arrives_on=day,
        promise_at=end_of_day(day, time_zone=time_zone),
    )


def _refusal(node: Node, service: Service, away: int | None) -> str | None:
    names = {service.service, f"{service.carrier}/{service.service}"}
    if not node.active:
        return "node is not active"
    if not node.working_days:
        return "node has no working day"
    if node.services is not None and not names & set(node.services):
        return "node does not ship by this service"
    if away is None or away not in service.transit_days:
        return "service does not reach this zone"
    return None


def ship_date(*, node: Node, carrier: str, service: str, now: datetime) -> datetime:
    """The cut-off, by the node's clock, at which an order released now is handed over. Raises NeverWorks."""
    return handover(node, ready_from=now, carrier=carrier, service=service)


def latest_ship_date(
    *,
    node: Node,
    carrier: str,
    service: str,
    transit_days: int,
    promise_at: datetime,
    time_zone: str,
    delivers_on: Collection[int] = BUSINESS_DAYS,
    holidays: Collection[date] = (),
) -> datetime | None:
    """The last handover that still keeps the promise, by the node's clock; None when no day in a year does."""
    due = promise_at.astimezone(zone(time_zone)).date()
    for back in range(transit_days, _LOOK_AHEAD):
        day = due - timedelta(days=back)
        if works_on(node, day) and (
            arrival(shipped_on=day, transit_days=transit_days, delivers_on=delivers_on, holidays=holidays)
            <= due
        ):
            return datetime.combine(day, cutoff(node, carrier=carrier, service=service), zone(node.time_zone))
    return None


def arrival(
    *,
    shipped_on: date,
    transit_days: int,
    delivers_on: Collection[int] = BUSINESS_DAYS,
    holidays: Collection[date] = (),
) -> date:
    """The day a parcel arrives: so many of the carrier's days after the day it was handed over."""
    return business_day_after(shipped_on, days=transit_days, working=delivers_on, holidays=holidays)


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
    day = business_day_after(placed_on, days=promise_days[service_level], holidays=holidays)
    return end_of_day(day, time_zone=time_zone)


def end_of_day(day: date, *, time_zone: str) -> datetime:
    """The last second of a local day, in UTC."""
    return datetime.combine(day, _LAST, zone(time_zone)).astimezone(UTC)
