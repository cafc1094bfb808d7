"""What may be promised by when (pure): supply on its way, taken once by whoever has waited for it, never twice.

Two views of the same. `by_date` is the available-to-promise figure of a date: what is there, plus what comes until
then, less what is wanted, taken as the least over all later dates. `Outlook` hands the same units out one demand after
another, earliest first, and so tells each when its last unit is covered, and what is left for others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Units of a SKU on their way to a node, and what brings them."""

    at: datetime
    units: int
    node_id: UUID
    sku: str
    kind: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Units somebody waits for; `nodes` None when any node will do, `most_here` what may be had of stock now."""

    sku: str
    units: int
    nodes: frozenset[UUID] | None = None
    most_here: int | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """How a demand fares: when its last unit is there, the units nothing known will bring, those here; and where they are."""

    ready_at: datetime | None
    missing: int
    of_here: int = field(default=0, compare=False)
    at: Mapping[UUID, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Promisable:
    """From this moment on so many units in all may be promised."""

    at: datetime
    units: int


class Outlook:
    """Stock and supply of SKUs, handed out in the order asked. What is overdue counts as arriving now."""

    def __init__(
        self,
        *,
        here: Mapping[tuple[UUID, str], int],
        coming: Iterable[Coming],
        now: datetime,
        wanted: Iterable[Wanted] = (),
    ) -> None:
        self._now = now
        self._here: dict[str, dict[UUID, int]] = defaultdict(dict)
        for (node_id, sku), units in sorted(here.items()):
            if units > 0:
                self._here[sku][node_id] = units
        self._coming: dict[str, list[Coming]] = defaultdict(list)
        for supply in sorted(coming, key=lambda c: (c.at, c.node_id, c.reference)):
            self._coming[supply.sku].append(supply)
        for want in wanted:
            self.take(want)

    def take(self, want: Wanted, *, only_coming: bool = False) -> Covered:
        """Give a demand what is there, then what comes earliest; what neither has is missing."""
        left, ready = want.units, self._now
        at: Counter[UUID] = Counter()
        here = {} if only_coming else self._here.get(want.sku, {})
        most = want.units if want.most_here is None else min(want.units, want.most_here)
        for node_id in list(here):
            units = min(left, most, here[node_id]) if want.nodes is None or node_id in want.nodes else 0
            here[node_id] -= units
            left -= units
            most -= units
            at[node_id] += units
        of_here = want.units - left
        coming = self._coming.get(want.sku, [])
        for i, supply in enumerate(coming):
            if not left:
                break
            units = min(left, supply.units) if want.nodes is None or supply.node_id in want.nodes else 0
            if units:
                coming[i] = replace(supply, units=supply.units - units)
                left -= units
                at[supply.node_id] += units
                ready = max(ready, supply.at)
        return Covered(None if left else ready, left, of_here, +at)

    def mark(self) -> dict[str, list[Coming]]:
        """How supply stands now, to come `back_to`."""
        return {sku: list(coming) for sku, coming in self._coming.items()}

    def back_to(self, mark: Mapping[str, list[Coming]]) -> None:
        """Give back what was taken of supply since."""
        self._coming.update({sku: list(coming) for sku, coming in mark.items()})

    def left(self, sku: str, *, nodes: Collection[UUID] | None = None) -> list[Coming]:
        """What comes to these nodes and is not spoken for, earliest first."""
        return [
            supply
            for supply in self._coming.get(sku, ())
            if supply.units and (nodes is None or supply.node_id in nodes)
        ]


def kits_expected(
    components: Mapping[str, int], *, here: Mapping[tuple[UUID, str], int], coming: Iterable[Coming]
) -> list[tuple[datetime, int]]:
    """The days on which more whole kits can be made at a node than before, and how many more; earliest first.

    `here`: free units of the components by (node, SKU); `coming`: what comes of them that nobody waits for.
    """
    free = dict(here)
    made: dict[UUID, int] = defaultdict(int)
    gained: dict[datetime, int] = defaultdict(int)

    def kits(node_id: UUID) -> int:
        return min(max(0, free.get((node_id, sku), 0)) // each for sku, each in components.items())

    for supply in sorted(coming, key=lambda c: (c.at, c.node_id, c.sku)):
        before = made.setdefault(supply.node_id, kits(supply.node_id))
        free[supply.node_id, supply.sku] = max(0, free.get((supply.node_id, supply.sku), 0)) + supply.units
        made[supply.node_id] = kits(supply.node_id)
        if made[supply.node_id] > before:
            gained[supply.at] += made[supply.node_id] - before
    return sorted(gained.items())


def by_date(
    *, available: int, coming: Iterable[tuple[datetime, int]], wanted: Iterable[tuple[datetime, int]]
) -> list[Promisable]:
    """ATP by date: at each date at which it changes, the units that may be promised from then on.

    ATP(t) = available + coming due by t - wanted due by t, the least of it over all later dates, never below nought;
    so that a unit promised for an early date is not missing at a later one. The first entry is of the earliest date.
    """
    changes: dict[datetime, int] = defaultdict(int)
    for at, units in coming:
        changes[at] += units
    for at, units in wanted:
        changes[at] -= units
    dates, balance, balances = sorted(changes), available, []
    for at in dates:
        balance += changes[at]
        balances.append(balance)
    told: list[Promisable] = []
    for at, least in zip(dates, _least_from_here(balances), strict=True):
        if not told or told[-1].units != least:
            told.append(Promisable(at, least))
    return told


def _least_from_here(balances: Sequence[int]) -> list[int]:
    least: list[int] = []
    for balance in reversed(balances):
        least.append(max(0, balance if not least else min(balance, least[-1])))
    return least[::-1]
