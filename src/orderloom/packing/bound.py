"""How few parcels there can be at best: a relaxation of packing whose answer no packing can beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple, TypeAlias

# What is asked of a set of cartons, or given by one: volume, weight, standing height, units that share with no other.
Load: TypeAlias = tuple[int, int, int, int]
# Multisets of cartons looked at before the bound is left as it stands: it then is lower than it could be, never wrong.
MULTISETS = 3_000


class Burden(NamedTuple):
    """Units of one kind, and the cartons (as bits) that can hold one of them."""

    fits: int
    load: Load


def lower_bound(burdens: Sequence[Burden], room: Sequence[Load]) -> int:
    """The least number of cartons such that every subset of carton types can bear what fits only in it.

    `room[c]` is what one carton of type c bears. Burdens that fit nowhere are left out by the caller.
    """
    demands = _demands(burdens)
    types = _undominated(room, burdens)
    least = max((_alone(subset, load, types, room) for subset, load in demands.items()), default=0)
    tried = 0
    while True:
        for chosen in combinations_with_replacement(types, least):
            if _bears(chosen, demands, room):
                return least
            tried += 1
            if tried >= MULTISETS:
                return least
        least += 1


def _demands(burdens: Sequence[Burden]) -> dict[int, Load]:
    """By each subset of carton types that matters (a union of fits): what fits in no other type."""
    subsets: set[int] = set()
    for fits in {burden.fits for burden in burdens}:
        subsets |= {fits} | {fits | subset for subset in subsets}
    return {
        subset: _sum(burden.load for burden in burdens if burden.fits | subset == subset)
        for subset in sorted(subsets)
    }


def _sum(loads: Iterator[Load]) -> Load:
    volume = weight = height = solo = 0
    for load in loads:
        volume += load[0]
        weight += load[1]
        height += load[2]
        solo += load[3]
    return (volume, weight, height, solo)


def _undominated(room: Sequence[Load], burdens: Sequence[Burden]) -> list[int]:
    """Types for which no other bears as much of everything, whatever it is."""
    holds = [
        sum(1 << at for at, burden in enumerate(burdens) if burden.fits >> c & 1) for c in range(len(room))
    ]
    return [
        c
        for c in range(len(room))
        if holds[c] and not any(_dominates(d, c, holds, room) for d in range(len(room)) if d != c)
    ]


def _dominates(d: int, c: int, holds: Sequence[int], room: Sequence[Load]) -> bool:
    if holds[d] | holds[c] != holds[d] or any(mine < its for mine, its in zip(room[d], room[c], strict=True)):
        return False
    return (holds[d], room[d]) != (holds[c], room[c]) or d < c


def _alone(subset: int, load: Load, types: Sequence[int], room: Sequence[Load]) -> int:
    """How many cartons of this subset its own burden asks for, each taken as the best in every respect."""
    least = 0
    for measure, wanted in enumerate(load):
        given = max((room[c][measure] for c in types if subset >> c & 1), default=0)
        least = max(least, -(-wanted // given)) if given else least
    return max(least, 1 if any(load) else 0)


def _bears(chosen: Sequence[int], demands: dict[int, Load], room: Sequence[Load]) -> bool:
    for subset, load in demands.items():
        given = _sum(room[c] for c in chosen if subset >> c & 1)
        if given[0] < load[0] or given[1] < load[1] or given[2] < load[2] or given[3] < load[3]:
            return False
    return True
