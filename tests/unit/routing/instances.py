"""Made-up batches whose every way is known: for our search as answers, and whole as a mixed-integer program."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from orderloom.routing.batch import HANDS, Key, Member, Way


@dataclass
class Listed:
    """An order whose ways are a list."""

    ways: Sequence[Way]

    def best(
        self, prices: Mapping[Key, int], left: Mapping[Key, int] | None = None
    ) -> tuple[Way | None, int]:
        """The cheapest that is left."""
        there = [w for w in self.ways if left is None or all(n <= left.get(key, n) for key, n in w.uses)]
        cheapest = min(there, key=lambda way: way.at(prices), default=None)
        return cheapest, min(way.at(prices) for way in self.ways)


def instance(seed: int, *, orders: int, nodes: int, skus: int) -> tuple[list[Member], dict[Key, int]]:
    """Orders of one to three SKUs, each from any nodes; in force is what first come, first served leaves."""
    dice = random.Random(seed)
    stock = {(f"N{n}", f"S{s}"): dice.randrange(12) for n in range(nodes) for s in range(skus)}
    stock |= {(f"N{n}", HANDS): dice.choice((1_000, 1_000, orders // 2)) for n in range(nodes)}
    listed = [_ways(dice, nodes, skus) for _ in range(orders)]
    left = dict(stock)
    members = []
    for number, ways in enumerate(listed):
        fitting = [way for way in ways if all(n <= left[key] for key, n in way.uses)]
        way = min(fitting, key=lambda way: way.cost) if fitting else dice.choice(ways)
        for key, units in way.uses:
            more = max(0, units - left[key])
            stock[key] += more
            left[key] += more - units
        members.append(Member(number, way, Listed(ways)))
    return members, stock


def _ways(dice: random.Random, nodes: int, skus: int) -> list[Way]:
    wanted = {f"S{s}": dice.choice((1, 1, 2)) for s in dice.sample(range(skus), dice.choice((1, 1, 2, 3)))}
    parcel = [dice.randrange(300, 1_500) for _ in range(nodes)]
    ways = []
    for places in product(range(nodes), repeat=len(wanted)):
        uses: dict[Key, int] = {(f"N{n}", HANDS): 1 for n in set(places)}
        uses |= {(f"N{n}", sku): units for n, (sku, units) in zip(places, wanted.items(), strict=True)}
        cost = sum(parcel[n] for n in set(places)) + 20 * sum(wanted.values())
        ways.append(Way(cost, tuple(sorted(uses.items()))))
    return ways


def exact(members: Sequence[Member], stock: Mapping[Key, int], *, whole: bool = True) -> float:
    """The least cost of them all together; `whole=False`: of the relaxation."""
    columns = [(i, way) for i, member in enumerate(members) for way in member.asks.ways]
    row = {key: len(members) + at for at, key in enumerate(sorted(stock))}
    table = lil_array((len(members) + len(row), len(columns)))
    for at, (i, way) in enumerate(columns):
        table[i, at] = 1
        for key, units in way.uses:
            table[row[key], at] = units
    most = [1] * len(members) + [stock[key] for key in sorted(stock)]
    least = [1] * len(members) + [-np.inf] * len(row)
    found = milp(
        np.array([way.cost for _, way in columns]),
        constraints=LinearConstraint(table.tocsr(), least, most),
        integrality=np.full(len(columns), int(whole)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return float(found.fun)
