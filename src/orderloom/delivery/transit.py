"""How much later than planned parcels arrive (pure): tables by service, lane and node, learnt from deliveries.

A slip is whole days between the day that contract, cut-offs and calendars plan and the day it came; being late to hand
it over is part of it. Learning slips and not durations leaves weekends and holidays to calendars. A cell's table is
drawn towards its parent's: service, then lane (origin > destination), then node. Parcels not there yet count with the
days they are late so far.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from orderloom.delivery.quantiles import Curve, Seen, Watched, curve, curve_of_watched, pinball

# Slips kept apart, in days; what lies beyond is taken as the nearest.
LEAST, MOST = -5, 30
# Deliveries that a cell needs for its own table to weigh as much as its parent's.
STRENGTH = 20.0
HALF_LIFE_DAYS = 120.0
RECENT_DAYS = 28
RECENT_LEAST = 50
LEVELS = (0.5, 0.8, 0.95)
_SLIPS = range(LEAST, MOST + 1)
_HAIR = 1e-6
_REMEMBERED = 200_000
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A shipment that was planned to arrive on a day; `on` is the day it came, None while it has not."""

    path: Path
    planned: date
    on: date | None
    behind: int = 0

    def slip(self, today: date) -> int:
        """The days it was late by, or is by now."""
        end = self.on if self.on is not None and self.on <= today else today
        return min(max((end - self.planned).days + self.behind, LEAST), MOST)

    def came(self, today: date) -> bool:
        """Whether it was there by then."""
        return self.on is not None and self.on <= today


def path_of(*, carrier: str, service: str, origin: str, destination: str, node: str) -> Path:
    """The cells a shipment belongs to, from the widest to its own."""
    return f"{carrier}/{service}", f"{origin}>{destination}", node


@dataclass(frozen=True, slots=True)
class Learnt:
    """Tables by cell: the share there by each slip. `recent`: what the tables' levels came to in the last weeks."""

    tables: Mapping[Path, Sequence[float]]
    counts: Mapping[Path, int]
    recent: Curve | None = None
    version: int = 0
    # Remembered, since a promise asks a thousand ways at once: the cell of each path, the tables' level for each asked.
    _cells: dict[Path, Path | None] = field(default_factory=dict, compare=False, repr=False)
    _wanted: dict[float, float] = field(default_factory=dict, compare=False, repr=False)

    def cell(self, path: Path) -> Path | None:
        """The narrowest cell with a table of its own; None where nothing was learnt of the service."""
        try:
            return self._cells[path]
        except KeyError:
            found: Path | None = path
            while found and found not in self.tables:
                found = found[:-1]
            if len(self._cells) > _REMEMBERED:
                self._cells.clear()
            self._cells[path] = found or None
            return found or None

    def slip(self, path: Path, level: float) -> int:
        """The days after the planned one by which a share of `level` is there; 0 where nothing was learnt."""
        cell = self.cell(path)
        if cell is None:
            return 0
        wanted = self._wanted.get(level)
        if wanted is None:
            wanted = (self.recent.at(level) if self.recent else level) - _HAIR
            self._wanted[level] = wanted
        return min(bisect_left(self.tables[cell], wanted) + LEAST, MOST)

    def probability(self, path: Path, slip: int) -> float | None:
        """The chance of being there by so many days after the planned one; None where nothing was learnt."""
        cell = self.cell(path)
        if cell is None:
            return None
        share = self.tables[cell][min(slip, MOST) - LEAST] if slip >= LEAST else 0.0
        return self.recent.share(share + _HAIR) if self.recent else share

    def json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "cells": [
                {"path": list(path), "n": self.counts.get(path, 0), "shares": list(table)}
                for path, table in sorted(self.tables.items())
            ],
            "levels": list(self.recent.values) if self.recent else [],
            "shares": list(self.recent.shares) if self.recent else [],
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any], version: int) -> Learnt:
        """Read back."""
        cells = [(tuple(cell["path"]), cell) for cell in stored["cells"]]
        return cls(
            tables={path: tuple(cell["shares"]) for path, cell in cells},
            counts={path: cell["n"] for path, cell in cells},
            recent=Curve(stored["levels"], stored["shares"], 1.0) if stored["levels"] else None,
            version=version,
        )


NOTHING = Learnt(tables={}, counts={})
# With which chance, permille, a date is kept where neither the question nor a channel says.
CONFIDENCE = 900


@dataclass(frozen=True, slots=True)
class Assured:
    """What was learnt, read at the chance, permille, with which dates shall be kept."""

    learnt: Learnt = NOTHING
    permille: int = CONFIDENCE

    def slip(self, path: Path) -> int:
        """Days after the contract's own day; never before it, though most may come sooner."""
        return max(0, self.learnt.slip(path, self.permille / 1000)) if self.learnt.tables else 0

    @property
    def key(self) -> tuple[int, int]:
        """Equal where the same dates follow; without anything learnt the chance asked changes nothing."""
        return (id(self.learnt), self.permille) if self.learnt.tables else (0, 0)

    def json(self) -> dict[str, int]:
        """The stored form: the version, which never changes, and the chance."""
        return {"version": self.learnt.version, "confidence": self.permille}


BY_CONTRACT = Assured()


def learn(deliveries: Sequence[Delivery], *, today: date) -> Learnt:
    """Tables from all deliveries known by `today`, and what their levels came to in the last weeks."""
    recent = today - timedelta(days=RECENT_DAYS)
    # One that came before its day is not counted until then: those that come on it could not be yet.
    known = [one for one in deliveries if one.planned <= today]
    counts = _counts(known, today)
    tables = _tables(known, today)
    before = Learnt(_tables([one for one in known if one.planned < recent], recent), counts)
    watched = [
        Watched(-1.0, share, ended=one.came(today))
        for one in known
        if one.planned >= recent and (share := before.probability(one.path, one.slip(today))) is not None
    ]
    found = curve_of_watched(watched) if sum(w.ended for w in watched) >= RECENT_LEAST else None
    if found is None or not found.shares:
        return Learnt(tables, counts)
    return Learnt(tables, counts, _stepwise(found))


def _stepwise(found: Curve) -> Curve:
    """The curve with each value once: many parcels come on the same day and have the same level."""
    last = {round(value, 6): round(share, 6) for value, share in zip(found.values, found.shares, strict=True)}
    return Curve(list(last), list(last.values()), 1.0)


def _counts(known: Sequence[Delivery], today: date) -> dict[Path, int]:
    counts: dict[Path, int] = defaultdict(int)
    for one in known:
        if one.came(today):
            for n in range(1, len(one.path) + 1):
                counts[one.path[:n]] += 1
    return dict(counts)


def _tables(known: Sequence[Delivery], today: date) -> dict[Path, tuple[float, ...]]:
    cells: dict[Path, list[Seen]] = defaultdict(list)
    for one in known:
        weight = 0.5 ** (max((today - one.planned).days, 0) / HALF_LIFE_DAYS)
        seen = Seen(one.slip(today), weight, one.came(today))
        for n in range(1, len(one.path) + 1):
            cells[one.path[:n]].append(seen)
    tables: dict[Path, tuple[float, ...]] = {}
    for path in sorted(cells, key=lambda path: (len(path), path)):
        weight = sum(seen.weight for seen in cells[path] if seen.ended)
        if not weight:
            continue
        found = curve(cells[path])
        assert found is not None  # noqa: S101 - a cell has at least one delivery with weight
        own = [found.share(slip) for slip in _SLIPS]
        parent = tables.get(path[:-1])
        if parent is not None:
            own = [
                (s * weight + p * STRENGTH) / (weight + STRENGTH) for s, p in zip(own, parent, strict=True)
            ]
        tables[path] = tuple(round(share, 6) for share in own)
    return tables


def weeks_held_against(
    deliveries: Sequence[Delivery], *, today: date, weeks: int = 12
) -> list[dict[str, Any]]:
    """Each of the last weeks held against what had been learnt before it: coverage, pinball loss, drift.

    A week whose parcels have not all come counts those that are open as not covered once they are late.
    """
    monday = today - timedelta(days=today.weekday())
    found = []
    for back in range(weeks, 0, -1):
        start = monday - timedelta(weeks=back)
        mine = [one for one in deliveries if start <= one.planned < start + timedelta(weeks=1)]
        before = learn([one for one in deliveries if one.planned < start], today=start)
        mine = [one for one in mine if before.cell(one.path)]
        if mine:
            found.append({"week": start.isoformat(), **_held(mine, before, today)})
    return found


def _held(mine: Sequence[Delivery], before: Learnt, today: date) -> dict[str, Any]:
    came = [one for one in mine if one.came(today)]
    slips = [one.slip(today) for one in came]
    return {
        "n": len(mine),
        "open": len(mine) - len(came),
        "mean_slip": round(sum(slips) / len(slips), 3) if slips else None,
        "coverage": {
            _name(level): round(
                sum(one.came(today) and one.slip(today) <= before.slip(one.path, level) for one in mine)
                / len(mine),
                4,
            )
            for level in LEVELS
        },
        "pinball": {
            _name(level): round(
                sum(
                    pinball(actual=slip, quantile=before.slip(one.path, level), level=level)
                    for one, slip in zip(came, slips, strict=True)
                )
                / len(came),
                4,
            )
            if came
            else None
            for level in LEVELS
        },
    }


def _name(level: float) -> str:
    return f"p{round(level * 100)}"
