"""How each service of a contract goes from place to place: its zone by its chart, its days by its lanes. Pure.

Services that read the same chart and the same transit tables share a leg, so that a lane is looked up once for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orderloom.shipping.agreed import LaneDays, Terms
from orderloom.shipping.model import Place
from orderloom.shipping.zoning import Found, Pairs, PostcodeList, Zoning


class Leg(NamedTuple):
    """The zone and how it was found; the days a transit table gives the lane, else the zone's hold."""

    found: Found
    days: int | None = None


class TransitTable:
    """Days by pair of prefixes, else from region to region."""

    __slots__ = ("_between", "_pairs", "_regions")

    def __init__(self, table: LaneDays) -> None:
        self._pairs = Pairs(table.pairs, table.pair_prefix)
        self._regions = tuple((code, PostcodeList(listed)) for code, listed in table.regions.items())
        self._between = table.between

    def days(self, origin: str, to: str) -> int | None:
        """The days between two postcodes; None where the table does not know them."""
        if (found := self._pairs.find(origin, to)) is not None:
            return found.zone
        for here, listed in self._regions:
            if here in self._between and origin in listed:
                onward = self._between[here]
                for there, others in self._regions:
                    if there in onward and to in others:
                        return onward[there]
        return None


class Legs:
    """The distinct legs of a contract's services."""

    __slots__ = ("_kinds", "_of")

    def __init__(self, terms: Terms) -> None:
        charts: dict[str | None, Zoning] = {code: Zoning(one) for code, one in terms.charts.items()}
        charts[None] = Zoning(terms.zones)
        tables = [TransitTable(one) for one in terms.transit]
        numbers: dict[tuple[str | None, tuple[int, ...]], int] = {}
        self._of = {
            one.code: numbers.setdefault((one.chart, _tables_of(terms.transit, one.code)), len(numbers))
            for one in terms.services
        }
        self._kinds = tuple((charts[chart], tuple(tables[n] for n in mine)) for chart, mine in numbers)

    def number(self, service: str) -> int:
        """Which of the legs the service goes by."""
        return self._of[service]

    def chart(self, service: str) -> Zoning:
        """What tells the service's zones."""
        return self._kinds[self._of[service]][0]

    def between(self, origin: Place, destination: Place) -> tuple[Leg, ...]:
        """Every leg from place to place, by number."""
        return tuple(
            [
                Leg(chart.find(origin, destination), _days(mine, origin, destination))
                for chart, mine in self._kinds
            ]
        )

    def leg(self, service: str, origin: Place, destination: Place) -> Leg:
        """One service's leg."""
        return self.between(origin, destination)[self._of[service]]


def _tables_of(tables: Sequence[LaneDays], service: str) -> tuple[int, ...]:
    return tuple(n for n, one in enumerate(tables) if not one.services or service in one.services)


def _days(tables: Sequence[TransitTable], origin: Place, destination: Place) -> int | None:
    if not tables or origin.country != destination.country:
        return None
    told = (one.days(origin.postcode, destination.postcode) for one in tables)
    return next((days for days in told if days is not None), None)
