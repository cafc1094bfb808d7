"""One pile: what most orders of flat goods come to, found without any search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from orderloom.packing.shapes import Block, Box, Edges, Kind


def pile(box: Box, kinds: Sequence[Kind], counts: Sequence[int], support: int) -> list[Block] | None:
    """Everything lying flat, one on the other in a corner, if it is not too high and each rests on enough."""
    total, high = 0, box.inner[2]
    lying: list[tuple[int, int, Edges]] = []
    for index, units in enumerate(counts):
        if units:
            turn = _lowest(kinds[index], box)
            if turn is None:
                return None
            total += turn[2] * units
            if total > high:
                return None
            lying.append((-turn[0] * turn[1], index, turn))
    lying.sort()
    blocks: list[Block] = []
    z, length, width = 0, box.inner[0], box.inner[1]
    for base, index, turn in lying:
        over = min(turn[0], length) * min(turn[1], width)
        if over * 1_000 < -base * support:
            return None
        length, width = turn[0], turn[1]
        blocks.append(Block(index, 0, 0, z, turn, (1, 1, counts[index]), turn[2]))
        z += turn[2] * counts[index]
    return blocks


@lru_cache(maxsize=32_768)
def _lowest(kind: Kind, box: Box) -> Edges | None:
    """The flattest way to lie, long edge along the box's; None if it fits none or asks for care."""
    if kind.fragile or kind.pitch or kind.bears_g is not None:
        return None
    along = box.inner[0] >= box.inner[1]
    turns = box.turns_of(kind)
    return min(turns, key=lambda t: (t[2], (t[0] >= t[1]) != along, t), default=None)
