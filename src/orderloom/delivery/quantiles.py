"""Quantiles of durations of which some have not ended yet (pure): a weighted Kaplan-Meier curve, and pinball loss.

A parcel still on its way is no missing value: that it has taken so long already counts against short durations. Left
out, recent history would consist of the quick ones alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Weights summed in another order differ by so little; a level that the curve reaches but for this is reached.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """A duration: how long it took, or, where it is not `ended`, how long it has taken so far."""

    value: float
    weight: float = 1.0
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Watched:
    """A duration watched only for a time: from `since` on until `until`, when it either ended or watching did."""

    since: float
    until: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """The share that has ended by each value, ascending; `last` is the longest seen, ended or not."""

    values: Sequence[float]
    shares: Sequence[float]
    last: float

    def at(self, level: float) -> float:
        """The least value by which a share of `level` has ended; the longest seen where no such share ever has."""
        place = bisect_left(self.shares, level - _HAIR)
        return self.values[place] if place < len(self.values) else self.last

    def share(self, value: float) -> float:
        """The share that has ended by the value."""
        place = bisect_right(self.values, value)
        return self.shares[place - 1] if place else 0.0


def curve(seen: Iterable[Seen]) -> Curve | None:
    """The Kaplan-Meier curve; None of nothing. Without durations under way it is the weighted empirical one."""
    known = sorted((one.value, not one.ended, one.weight) for one in seen if one.weight > 0)
    if not known:
        return None
    at_risk = sum(weight for _, _, weight in known)
    values: list[float] = []
    shares: list[float] = []
    surviving = 1.0
    for value, under_way, weight in known:
        if not under_way:
            # Rounding must not leave less at risk than ends now.
            surviving *= 1.0 - weight / max(at_risk, weight)
            values.append(value)
            shares.append(1.0 - surviving)
        at_risk -= weight
    return Curve(values, shares, known[-1][0])


def curve_of_watched(watched: Iterable[Watched]) -> Curve | None:
    """The Kaplan-Meier curve with late entries: the chance of ending at each value, of those watched as it was passed.

    So what happened in the last weeks tells how long durations are in these weeks, at every length: that of parcels
    sent two months ago is not waited for. Those that began before and had come so far are at risk from there on.
    """
    known = list(watched)
    entries = sorted(one.since for one in known)
    exits = sorted((one.until, not one.ended) for one in known)
    if not exits:
        return None
    values: list[float] = []
    shares: list[float] = []
    surviving, entered = 1.0, 0
    for gone, (value, under_way) in enumerate(exits):
        while entered < len(entries) and entries[entered] <= value:
            entered += 1
        if not under_way:
            surviving *= 1.0 - 1.0 / max(entered - gone, 1)
            values.append(value)
            shares.append(1.0 - surviving)
    return Curve(values, shares, exits[-1][0])


def pinball(*, actual: float, quantile: float, level: float) -> float:
    """What a quantile costs: `level` for each day it was too short by, the rest for each day it was too long by."""
    short = actual - quantile
    return level * short if short >= 0 else (level - 1.0) * short
