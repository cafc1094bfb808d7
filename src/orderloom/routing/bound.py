"""A floor under all plans, and how far above it each node lifts a plan that uses it (pure, integers).

Every unit of an item is given a price such that no node, selling all it has at these prices, earns back more than its
opening costs. What the wanted units come to at these prices is then a floor under every plan, since a plan pays each
node its opening and its units; and what a node falls short of its opening is what a plan that opens it costs above
the floor at the least. Any such prices are valid; good ones are found item by item, in several orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Orders in which the items' prices are raised; the best floor is kept.
_ORDERS = 3


class Dual(NamedTuple):
    """The floor, and by node its reduced cost."""

    floor: int
    reduced: Sequence[int]


def ascend(
    wanted: Sequence[int],
    stock: Sequence[Sequence[int]],
    holders: Sequence[Sequence[int]],
    opening: Sequence[int],
    each: Sequence[Sequence[int]],
    *,
    begun: int,
) -> Dual:
    """Raise the prices as far as they go. `begun` is on top of all: what must be paid in any case."""
    items = [item for item, units in enumerate(wanted) if units and holders[item]]
    order = sorted(items, key=lambda item: (len(holders[item]), item))
    best = Dual(-1, ())
    for turn in range(min(_ORDERS, max(len(order), 1))):
        found = _raised(order[turn:] + order[:turn], wanted, stock, holders, opening, each)
        if found.floor > best.floor:
            best = found
    return Dual(best.floor + begun, best.reduced)


def _raised(
    order: Sequence[int],
    wanted: Sequence[int],
    stock: Sequence[Sequence[int]],
    holders: Sequence[Sequence[int]],
    opening: Sequence[int],
    each: Sequence[Sequence[int]],
) -> Dual:
    slack = list(opening)
    floor = 0
    for item in order:
        price = min(each[node][item] + slack[node] // stock[node][item] for node in holders[item])
        for node in holders[item]:
            above = price - each[node][item]
            if above > 0:
                slack[node] -= above * stock[node][item]
        floor += price * wanted[item]
    return Dual(floor, slack)
