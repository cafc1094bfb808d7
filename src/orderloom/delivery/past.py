"""What was known when each order of the past was placed (pure): a single pass through all events in their order.

Nothing an order's features are made of happened after it was placed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log1p, sqrt

# Moments are days, and parts of days, since this day on the source's own clock.
# Of events of one moment an order's own placing comes first: what happens at it is not known before.
PLACED, HANDED, DELIVERED = range(3)
# An order that is open for longer is taken as lost: it says nothing of those to come.
LOST_DAYS = 60.0
_RUSH_DAYS, _USUAL_DAYS, _QUIET = 7.0, 28.0, 5.0
# Twice the usual orders take so much of a doubling longer. A rush is rare: the figure is set, not learnt, and what it
# does not explain the errors of the next days do.
_RUSH_FROM, _RUSH_POWER, _RUSH_MOST = 1.2, 0.3, 3.0
_LIMIT_MOST = 30.0
_HANDLING_MOST = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An order of the past. What the source does not tell is None."""

    key: str
    placed: float
    handed: float | None
    delivered: float | None
    estimated: float | None
    origin: str
    destination: str
    seller: str
    km: float | None
    limit: float | None
    weight_g: float | None
    freight: float

    @property
    def age_known(self) -> float:
        """When it was delivered; never, for one that was not."""
        return self.delivered if self.delivered is not None else float("inf")


FEATURES = (
    "root of the distance", "distance", "days until the seller's limit", "same region",
    "destination's recent mean", "lane's recent mean", "seller's handling", "weight", "freight",
    "placed Friday to Sunday",
)  # fmt: skip


@dataclass(slots=True)
class _Recent:
    """A mean that forgets: a value counts half after `half_life` days."""

    half_life: float
    total: float = 0.0
    weight: float = 0.0
    at: float = 0.0

    def add(self, at: float, value: float) -> None:
        fade = 0.5 ** ((at - self.at) / self.half_life)
        self.total, self.weight, self.at = self.total * fade + value, self.weight * fade + 1.0, at

    def mean(self, otherwise: float, strength: float) -> float:
        """The mean, drawn towards `otherwise` as if that had been seen `strength` times."""
        return (self.total + otherwise * strength) / (self.weight + strength)


class _Rush:
    """How many orders came in the last days, beside the weeks before."""

    def __init__(self) -> None:
        self._placed: deque[float] = deque()

    def came(self, at: float) -> None:
        self._placed.append(at)

    def times(self, at: float) -> float:
        """How many times the usual number came; what is usual takes weeks to rise."""
        while self._placed and self._placed[0] < at - _RUSH_DAYS - _USUAL_DAYS:
            self._placed.popleft()
        of_late = len(self._placed) - bisect_left(self._placed, at - _RUSH_DAYS)
        before = len(self._placed) - of_late
        # So many more to each as come in a quiet week: a few orders are no rush.
        return (of_late / _RUSH_DAYS + _QUIET) / (before / _USUAL_DAYS + _QUIET)


@dataclass(frozen=True, slots=True)
class Known:
    """An order's features, in the order of FEATURES, and how many times longer everything takes in a rush."""

    features: tuple[float, ...]
    stretch: float


class _Learning:
    """Everything learnt so far while going through the past."""

    def __init__(self) -> None:
        self.all = _Recent(14.0)
        self.handling = _Recent(14.0)
        self.by_destination: dict[str, _Recent] = defaultdict(lambda: _Recent(60.0))
        self.by_lane: dict[tuple[str, str], _Recent] = defaultdict(lambda: _Recent(60.0))
        self.by_seller: dict[str, _Recent] = defaultdict(lambda: _Recent(120.0))
        # Stand-ins for what a row does not tell.
        self.km: dict[tuple[str, str], _Recent] = defaultdict(lambda: _Recent(365.0))
        self.km_all, self.limit, self.weight = _Recent(365.0), _Recent(365.0), _Recent(365.0)
        self.rush = _Rush()

    def features(self, order: Past) -> Known:
        lane = order.origin, order.destination
        everywhere = self.all.mean(13.0, 1.0)
        there = self.by_destination[order.destination].mean(everywhere, 10.0)
        km = order.km if order.km is not None else self.km[lane].mean(self.km_all.mean(600.0, 1.0), 1.0)
        limit = order.limit if order.limit is not None else self.limit.mean(6.0, 1.0)
        weight = log1p(order.weight_g) if order.weight_g is not None else self.weight.mean(6.2, 1.0)
        found = (
            sqrt(km),
            km / 1000.0,
            min(max(limit, 0.0), _LIMIT_MOST),
            float(order.origin == order.destination),
            there,
            self.by_lane[lane].mean(there, 10.0),
            self.by_seller[order.seller].mean(self.handling.mean(3.0, 1.0), 3.0),
            weight,
            log1p(max(order.freight, 0.0)),
            float(weekday(order.placed) >= 4),
        )
        if order.km is not None:
            self.km[lane].add(order.placed, order.km)
            self.km_all.add(order.placed, order.km)
        if order.limit is not None:
            self.limit.add(order.placed, min(max(limit, 0.0), _LIMIT_MOST))
        if order.weight_g is not None:
            self.weight.add(order.placed, weight)
        return Known(found, self._stretch(order.placed))

    def _stretch(self, at: float) -> float:
        self.rush.came(at)
        times = min(self.rush.times(at), _RUSH_MOST)
        longer: float = max(times / _RUSH_FROM, 1.0) ** _RUSH_POWER
        return longer

    def handed(self, order: Past, at: float) -> None:
        took = min(max(at - order.placed, 0.0), _HANDLING_MOST)
        self.by_seller[order.seller].add(at, took)
        self.handling.add(at, took)

    def delivered(self, order: Past, at: float) -> None:
        took = at - order.placed
        self.all.add(at, took)
        self.by_destination[order.destination].add(at, took)
        self.by_lane[order.origin, order.destination].add(at, took)


_NOTHING = Known((), 1.0)


def weekday(at: float) -> int:
    """Monday is 0: moments count from a Thursday, 1970-01-01."""
    return (floor(at) + 3) % 7


def known_at_purchase(orders: Sequence[Past]) -> list[Known]:
    """What was known of each order when it was placed."""
    events: list[tuple[float, int, int]] = []
    for i, order in enumerate(orders):
        events.append((order.placed, PLACED, i))
        # What happened before the order was placed is a slip of the source's clock: known from then on.
        if order.handed is not None:
            events.append((max(order.handed, order.placed), HANDED, i))
        if order.delivered is not None:
            events.append((max(order.delivered, order.placed), DELIVERED, i))
    known = _Learning()
    found: list[Known] = [_NOTHING] * len(orders)
    for at, kind, i in sorted(events):
        if kind == PLACED:
            found[i] = known.features(orders[i])
        elif kind == HANDED:
            known.handed(orders[i], at)
        else:
            known.delivered(orders[i], at)
    return found
