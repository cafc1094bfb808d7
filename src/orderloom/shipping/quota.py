"""How many shipments a carrier may still take on a day, and what a shipment is worth while a commitment is open. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import TypeAlias

from orderloom.shipping.agreed import Commitment, DayLimit
from orderloom.shipping.tariff import Tariff

# Shipments by carrier, service and day.
Made = Mapping[tuple[str, str, date], int]
# Carrier, service and a day on which it takes no more.
Closed: TypeAlias = tuple[str, str, date]
# Carrier, service, a day, and what a shipment counts cheaper on it.
Credit: TypeAlias = tuple[str, str, date, int]
# Days ahead that orders are planned for; a handover later than that is neither limited nor credited yet.
_AHEAD = 14


class _Count:
    """Shipments that count for a limit or a commitment of one contract: those less than so many days from a day.

    What is planned for a later day of the same period is on its way already: nothing more is owed for it.
    """

    __slots__ = ("days", "made", "rule", "worth")

    def __init__(self, rule: DayLimit | Commitment, carrier: str, day: date, made: Made) -> None:
        self.rule = rule
        self.days, self.worth = (rule.days, rule.worth) if isinstance(rule, Commitment) else (1, 0)
        self.made = sum(
            many
            for (of, service, on), many in made.items()
            if of == carrier and abs((day - on).days) < self.days and self.takes(service)
        )

    def takes(self, service: str) -> bool:
        return not self.rule.services or service in self.rule.services

    @property
    def open(self) -> bool:
        return self.made < self.rule.shipments


class Quota:
    """The limits and commitments of contracts on a day, counted down as shipments are chosen."""

    def __init__(self, contracts: Iterable[Tariff], *, day: date, made: Made) -> None:
        self._day = day
        self._limits: dict[str, list[_Count]] = {}
        self._commitments: dict[str, list[_Count]] = {}
        for one in contracts:
            self._limits[one.carrier] = [_Count(rule, one.carrier, day, made) for rule in one.day_limits]
            self._commitments[one.carrier] = [
                _Count(rule, one.carrier, day, made) for rule in one.commitments
            ]

    def take(self, carrier: str, service: str, on: date | None = None) -> bool:
        """One more shipment is chosen, for the day or for another; whether that used up a limit or met a commitment."""
        apart = abs((self._day - (on or self._day)).days)
        turned = False
        for count in (*self._limits.get(carrier, ()), *self._commitments.get(carrier, ())):
            if apart < count.days and count.takes(service):
                before = count.open
                count.made += 1
                turned |= before and not count.open
        return turned

    def closed(self, carrier: str, service: str) -> str | None:
        """Why no more shipments go by the service on the day, if none do."""
        for count in self._limits.get(carrier, ()):
            if not count.open and count.takes(service):
                return f"its {count.rule.shipments} shipments of {self._day.isoformat()} are used up"
        return None

    def rooms(self, carrier: str, service: str) -> Iterator[tuple[str, int]]:
        """The limits that a shipment by the service counts for, by name, and how many more each takes."""
        for at, count in enumerate(self._limits.get(carrier, ())):
            if count.takes(service):
                yield f"{carrier}#{at}@{self._day.isoformat()}", max(0, count.rule.shipments - count.made)

    def worth(self, carrier: str, service: str) -> int:
        """What a shipment by the service counts cheaper, in minor units: the open commitments it helps to meet."""
        return sum(
            count.worth for count in self._commitments.get(carrier, ()) if count.open and count.takes(service)
        )


class Limits:
    """What carriers may still take on each day ahead, and are still owed, counted down as orders are planned."""

    def __init__(self, contracts: Iterable[Tariff], *, today: date, planned: Made) -> None:
        self._bound = [one for one in contracts if one.day_limits or one.commitments]
        days = [today + timedelta(days=ahead) for ahead in range(_AHEAD)] if self._bound else []
        self._quotas = {day: Quota(self._bound, day=day, made=planned) for day in days}
        self._closed: frozenset[Closed] | None = None
        self._credits: frozenset[Credit] | None = None

    def take(self, carrier: str, service: str, day: date) -> None:
        """One more shipment is planned for the day."""
        turned = [quota.take(carrier, service, day) for quota in self._quotas.values()]
        if any(turned):
            self._closed = self._credits = None

    @property
    def closed(self) -> frozenset[Closed]:
        """The services that take no more, with the day."""
        if self._closed is None:
            self._closed = frozenset(
                (*one, day)
                for day, quota in self._quotas.items()
                for one in self._services
                if quota.closed(*one)
            )
        return self._closed

    @property
    def credits(self) -> frozenset[Credit]:
        """What a shipment by a service counts cheaper on a day, while a commitment is open."""
        if self._credits is None:
            self._credits = frozenset(
                (*one, day, worth)
                for day, quota in self._quotas.items()
                for one in self._services
                if (worth := quota.worth(*one))
            )
        return self._credits

    def rooms(self, carrier: str, service: str, day: date) -> Iterator[str]:
        """The limits that a shipment on the day counts for, by name."""
        if day in self._quotas:
            yield from (name for name, _ in self._quotas[day].rooms(carrier, service))

    @property
    def left(self) -> dict[str, int]:
        """How many more shipments each limit takes, by name."""
        return {
            name: left
            for quota in self._quotas.values()
            for one in self._services
            for name, left in quota.rooms(*one)
        }

    def closed_by(self, used_up: Collection[str]) -> frozenset[Closed]:
        """The services that would take no more if these limits were used up."""
        if not used_up:
            return self.closed
        return self.closed | {
            (*one, day)
            for day, quota in self._quotas.items()
            for one in self._services
            if any(name in used_up for name, _ in quota.rooms(*one))
        }

    @property
    def _services(self) -> list[tuple[str, str]]:
        return [(one.carrier, service) for one in self._bound for service in one.services]


def looks_back(contracts: Iterable[Tariff]) -> int:
    """The days whose shipments must be known: none where no contract has a limit or a commitment."""
    days = [0]
    for contract in contracts:
        days += [1 for _ in contract.day_limits]
        days += [one.days for one in contract.commitments]
    return max(days)
