"""Everything in one line, which is what most small orders come to: found without any search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from orderloom.packing.shapes import Block, Box, Edges, Kind


def in_line(box: Box, kinds: Sequence[Kind], counts: Sequence[int], support: int) -> list[Block] | None:
    """A pile where that goes, else a row along the floor's length, else along its width; None where none of them does."""
    return _pile(box, kinds, counts, support) or _row(box, kinds, counts, 0) or _row(box, kinds, counts, 1)


def _pile(box: Box, kinds: Sequence[Kind], counts: Sequence[int], support: int) -> list[Block] | None:
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


def _row(box: Box, kinds: Sequence[Kind], counts: Sequence[int], axis: int) -> list[Block] | None:
    """Everything side by side on the floor, the largest first: nothing lies on anything, so all goods may."""
    at, end = 0, box.inner[axis]
    blocks: list[Block] = []
    for index, units in enumerate(counts):
        if units:
            turn = _thinnest(kinds[index], box, axis)
            if turn is None or at + turn[axis] * units > end:
                return None
            pitch = kinds[index].pitch or turn[2]
            if axis:
                blocks.append(Block(index, 0, at, 0, turn, (1, units, 1), pitch))
            else:
                blocks.append(Block(index, at, 0, 0, turn, (units, 1, 1), pitch))
            at += turn[axis] * units
    return blocks


@lru_cache(maxsize=65_536)
def _thinnest(kind: Kind, box: Box, axis: int) -> Edges | None:
    """The way to lie that takes least of an edge of the floor, the lowest of such; None if it fits none."""
    return min(box.turns_of(kind), key=lambda t: (t[axis], t[2]), default=None)


@lru_cache(maxsize=32_768)
def _lowest(kind: Kind, box: Box) -> Edges | None:
    """The flattest way to lie, long edge along the box's; None if it fits none or asks for care."""
    if kind.fragile or kind.pitch or kind.bears_g is not None:
        return None
    along = box.inner[0] >= box.inner[1]
    turns = box.turns_of(kind)
    return min(turns, key=lambda t: (t[2], (t[0] >= t[1]) != along, t), default=None)
