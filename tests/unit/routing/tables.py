"""Routing questions whose parts cost what a table says, the same for our search and as a mixed-integer program.

A part is one parcel that takes one step of a table: so much weight and volume at most, for a price by the node's zone.
The program shares nothing with the search but the numbers.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orderloom.routing.search import NEVER, Question

if TYPE_CHECKING:
    import numpy as np

Step = tuple[int, int, int]
"""Weight and volume it takes at most, and its price."""


@dataclass(frozen=True)
class Tables:
    """Costs by table (`orderloom.routing.search.Costs`)."""

    question: Question
    weights: Sequence[int]
    volumes: Sequence[int]
    zones: Sequence[int]
    steps: Sequence[Sequence[Step]]
    """By zone."""
    fixed: Sequence[int]
    each: Sequence[Sequence[int]]

    spent = 0

    @cached_property
    def _known(self) -> dict[tuple[int, int, int], int]:
        return {}

    def opening(self, node: int) -> int:
        """The cheapest step."""
        return min(price for _, _, price in self.steps[self.zones[node]])

    def floor(self, node: int, units: Sequence[int]) -> int:
        """A table is its own floor: more never takes a cheaper step."""
        weight = sum(n * one for n, one in zip(units, self.weights, strict=True))
        volume = sum(n * one for n, one in zip(units, self.volumes, strict=True))
        key = (self.zones[node], weight, volume)
        if key not in self._known:
            self._known[key] = min(
                (p for w, v, p in self.steps[key[0]] if weight <= w and volume <= v), default=NEVER >> 30
            )
        return self._known[key]

    def totals(self, units: Sequence[int], nodes: Sequence[int]) -> list[int | None]:
        """The step, fixed and each."""
        found: list[int | None] = []
        for node in nodes:
            step = self.floor(node, units)
            handling = sum(n * one for n, one in zip(units, self.each[node], strict=True))
            found.append(None if step == NEVER >> 30 else step + self.fixed[node] + handling)
        return found


def instance(lines: int, nodes: int, seed: int) -> Tables:
    """One question: each node has each item with a chance, and four cartons are priced by weight in each zone."""
    dice = random.Random(f"{lines} {nodes} {seed}")
    wanted = tuple(dice.choice((1, 1, 2, 3)) for _ in range(lines))
    chance = dice.choice((0.2, 0.35, 0.6))
    stock = [
        [min(dice.randrange(1, 4), q) if dice.random() < chance else 0 for q in wanted] for _ in range(nodes)
    ]
    for item, units in enumerate(wanted):
        while sum(has[item] for has in stock) < units:
            stock[dice.randrange(nodes)][item] = units
    weights = [dice.choice((120, 300, 450, 900, 2_000, 4_500)) for _ in wanted]
    volumes = [dice.choice((200, 800, 1_500, 4_000, 9_000)) for _ in wanted]
    bulky = sum(n * v for n, v in zip(wanted, volumes, strict=True))
    heavy = sum(n * w for n, w in zip(wanted, weights, strict=True))
    cartons = (2_500, 8_000, 20_000, max(60_000, bulky))
    breaks = (454, 2_268, 4_536, 9_072, max(20_000, heavy))
    steps = [
        _useful(
            [
                (weight, volume, 380 + 35 * zone + at * (90 + 20 * zone) + size * 55 + dice.randrange(40))
                for size, volume in enumerate(cartons)
                for at, weight in enumerate(breaks)
            ]
        )
        for zone in range(6)
    ]
    return Tables(
        question=Question(
            wanted=wanted,
            stock=[tuple(has) for has in stock],
            bound=[(0,) * lines] * nodes,
            most=dice.choice((2, 3, 4, 6)),
        ),
        weights=weights,
        volumes=volumes,
        zones=[dice.randrange(6) for _ in range(nodes)],
        steps=steps,
        fixed=[dice.randrange(60, 300) for _ in range(nodes)],
        each=[
            [dice.randrange(5, 40)] * lines
            if dice.random() < 0.7
            else [dice.randrange(5, 40) for _ in wanted]
            for _ in range(nodes)
        ],
    )


def _useful(steps: Sequence[Step]) -> list[Step]:
    """Without those that another takes no less for no more."""
    return [
        one
        for one in steps
        if not any(
            other != one and other[0] >= one[0] and other[1] >= one[1] and other[2] <= one[2]
            for other in steps
        )
    ]


@dataclass(frozen=True, slots=True)
class Optimum:
    """What HiGHS says of a program: a fact of the program, but for a limit of time, which leaves bounds that hold."""

    status: str
    """`optimal`, `infeasible`, `limit` or `failed`."""
    cost: int | None
    """The best it found."""
    bound: int | None
    """What none undercuts; None where nothing is known, or where there is no solution."""
    gap: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Program:
    """A mixed-integer program as HiGHS gets it: whole columns from nought to `upper`, rows of `entries` between bounds."""

    cost: np.ndarray[Any, Any]
    upper: np.ndarray[Any, Any]
    entries: np.ndarray[Any, Any]
    """Row, column and value of each."""
    between: np.ndarray[Any, Any]
    """The least and the most of each row."""

    def digest(self) -> str:
        """What tells this program from every other."""
        told = hashlib.sha256()
        for one in (self.cost, self.upper, self.entries, self.between):
            told.update(f"{one.shape}".encode() + one.astype("<f8").tobytes())
        return told.hexdigest()

    def solved(self, *, seconds: float) -> Optimum:
        """By HiGHS, without a gap."""
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        rows, columns, values = self.entries.T
        shape = (len(self.between), len(self.cost))
        found = milp(
            self.cost,
            integrality=np.ones(len(self.cost)),
            bounds=Bounds(0, self.upper),
            constraints=LinearConstraint(
                coo_array((values, (rows.astype(int), columns.astype(int))), shape=shape).tocsr(),
                self.between[:, 0],
                self.between[:, 1],
            ),
            options={"mip_rel_gap": 0, "time_limit": seconds},
        )
        status = {0: "optimal", 1: "limit", 2: "infeasible"}.get(found.status, "failed")
        cost = None if found.fun is None else round(found.fun)
        least = found.mip_dual_bound
        # Costs are whole, so a bound is as good as the next whole number; HiGHS is exact to a millionth.
        bound = None if least is None or not math.isfinite(least) else math.ceil(least - 1e-3)
        return Optimum(status, cost, bound, found.mip_gap, found.message)


def program(tables: Tables) -> Program:
    """The question as a program."""
    import numpy as np

    q = tables.question
    items, nodes = len(q.wanted), len(q.stock)
    units = {
        (i, n): at
        for at, (i, n) in enumerate((i, n) for i in range(items) for n in range(nodes) if q.stock[n][i])
    }
    chosen = {}
    for node in range(nodes):
        for step in range(len(tables.steps[tables.zones[node]])):
            chosen[node, step] = len(units) + len(chosen)
    cost = np.zeros(len(units) + len(chosen))
    upper = np.ones(len(cost))
    for (item, node), at in units.items():
        cost[at], upper[at] = tables.each[node][item], q.stock[node][item]
    for (node, step), at in chosen.items():
        cost[at] = tables.steps[tables.zones[node]][step][2] + tables.fixed[node]
    rows: list[tuple[dict[int, float], float, float]] = []
    for item, wanted in enumerate(q.wanted):
        rows.append(({at: 1 for (i, _), at in units.items() if i == item}, wanted, wanted))
    rows.append((dict.fromkeys(chosen.values(), 1), 0, q.most))
    for node in range(nodes):
        mine = {step: chosen[node, step] for step in range(len(tables.steps[tables.zones[node]]))}
        rows.append((dict.fromkeys(mine.values(), 1), 0, 1))
        for measure, each in ((0, tables.weights), (1, tables.volumes)):
            row: dict[int, float] = {at: each[i] for (i, n), at in units.items() if n == node}
            for step, at in mine.items():
                row[at] = -tables.steps[tables.zones[node]][step][measure]
            rows.append((row, -np.inf, 0))
        for (item, n), at in units.items():
            if n == node:
                rows.append(({at: 1, **dict.fromkeys(mine.values(), -q.stock[n][item])}, -np.inf, 0))
    return Program(
        cost,
        upper,
        np.array([(r, c, v) for r, (row, _, _) in enumerate(rows) for c, v in row.items()], dtype=float),
        np.array([(low, high) for _, low, high in rows], dtype=float),
    )


def by_program(tables: Tables, *, seconds: float = 300) -> int | None:
    """The least cost as HiGHS finds it, None where there is no plan; AssertionError where it does not finish."""
    found = program(tables).solved(seconds=seconds)
    assert found.status in ("optimal", "infeasible"), found.said
    return found.cost
