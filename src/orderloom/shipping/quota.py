"""How many shipments a carrier may still take on a day, and what a shipment is worth while a commitment is open. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TypeAlias

from orderloom.shipping.tariff import Tariff

# Shipments by carrier, service and day.
Made = Mapping[tuple[str, str, date], int]
# Carrier, service and a day on which it takes no more.
Closed: TypeAlias = tuple[str, str, date]
# Days ahead that orders are planned for; a handover later than that is not limited yet.
_AHEAD = 14


class Quota:
    """The limits and commitments of contracts on a day, counted down as shipments are chosen."""

    def __init__(self, contracts: Iterable[Tariff], *, day: date, made: Made) -> None:
        self._contracts = {one.carrier: one for one in contracts}
        self._day = day
        self._made: Counter[tuple[str, str, date]] = Counter(made)

    def take(self, carrier: str, service: str) -> None:
        """One more shipment is chosen for the day."""
        self._made[carrier, service, self._day] += 1

    def closed(self, carrier: str, service: str) -> str | None:
        """Why no more shipments go by the service on the day, if none do."""
        contract = self._contracts.get(carrier)
        for limit in contract.day_limits if contract else ():
            mine = not limit.services or service in limit.services
            if mine and self._count(carrier, limit.services, 1) >= limit.shipments:
                return f"its {limit.shipments} shipments of {self._day.isoformat()} are used up"
        return None

    def worth(self, carrier: str, service: str) -> int:
        """What a shipment by the service counts cheaper, in minor units: the open commitments it helps to meet."""
        contract = self._contracts.get(carrier)
        return sum(
            one.worth
            for one in (contract.commitments if contract else ())
            if (not one.services or service in one.services)
            and self._count(carrier, one.services, one.days) < one.shipments
        )

    def _count(self, carrier: str, services: tuple[str, ...], days: int) -> int:
        """Shipments in so many days up to and with the day."""
        since = self._day - timedelta(days=days - 1)
        return sum(
            many
            for (of, service, day), many in self._made.items()
            if of == carrier and since <= day <= self._day and (not services or service in services)
        )


class Limits:
    """What carriers may still take on each day ahead, counted down as orders are planned; for contracts with limits alone."""

    def __init__(self, contracts: Iterable[Tariff], *, today: date, planned: Made) -> None:
        self._limited = [one for one in contracts if one.day_limits]
        days = [today + timedelta(days=ahead) for ahead in range(_AHEAD)] if self._limited else []
        self._quotas = {day: Quota(self._limited, day=day, made=planned) for day in days}
        self._closed: frozenset[Closed] | None = None

    def take(self, carrier: str, service: str, day: date) -> None:
        """One more shipment is planned for the day."""
        if day in self._quotas:
            self._quotas[day].take(carrier, service)
            self._closed = None

    @property
    def closed(self) -> frozenset[Closed]:
        """The services that take no more, with the day."""
        if self._closed is None:
            self._closed = frozenset(
                (one.carrier, service, day)
                for day, quota in self._quotas.items()
                for one in self._limited
                for service in one.services
                if quota.closed(one.carrier, service)
            )
        return self._closed


def looks_back(contracts: Iterable[Tariff]) -> int:
    """The days whose shipments must be known: none where no contract has a limit or a commitment."""
    days = [0]
    for contract in contracts:
        days += [1 for _ in contract.day_limits]
        days += [one.days for one in contract.commitments]
    return max(days)
