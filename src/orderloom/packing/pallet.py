"""Like units in a box, laid by pattern: layers of the best five-block division of a rectangle into turned rectangles.

A rectangle is divided into at most five (the first four around the fifth, as in a pinwheel), each divided in turn until
plain rows are as many as the area allows. The patterns found so are optimal for all but a few known rectangles
(Lins, Lins & Morabito's recursion without its L-shapes). A pattern upright in the box is settled: every unit sinks
until it rests on something, and the pattern counts only if all then rest as they must.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, permutations
from typing import TypeAlias

from orderloom.packing.effort import Effort
from orderloom.packing.shapes import Box, Edges, Kind

# A unit in the plane: its corner, its edges.
Flat: TypeAlias = tuple[int, int, int, int]
Sheet: TypeAlias = tuple[Flat, ...]
# With more cuts than this along an edge, a pattern takes too long to find; plain rows then do well enough.
CUTS = 32
# Counted work: to look at one division, and how many pairs of units are settled at the price of one step.
LOOKING, SETTLING = 3, 8


Laid: TypeAlias = tuple[tuple[Edges, Edges], ...]


def patterns(kind: Kind, box: Box, effort: Effort) -> list[tuple[int, Laid]]:
    """Ways to lay as many units as will go into the box, the best first: what is up meanwhile, each corner and edges.

    Units that may lie any way may be packed with the carton laid on a side: then another axis than z is up.
    """
    if kind.pitch or kind.bears_g is not None or kind.fragile or box.soft:
        return []
    found: dict[tuple[int, Laid], None] = {}
    free = set(kind.turns) == set(permutations(kind.turns[0]))
    for up in (2, 1, 0) if free else (2,):
        order = (*(a for a in range(3) if a != up), up)
        inner = (box.inner[order[0]], box.inner[order[1]], box.inner[order[2]])
        for laid in _standing(kind, inner, effort):
            found.setdefault((up, tuple((_back(c, order), _back(e, order)) for c, e in laid)), None)
    return sorted(found, key=lambda one: (-len(one[1]), -one[0], one[1]))


def _back(edges: Edges, order: Sequence[int]) -> Edges:
    back = [0, 0, 0]
    for edge, axis in zip(edges, order, strict=True):
        back[axis] = edge
    return (back[0], back[1], back[2])


def _standing(kind: Kind, inner: Edges, effort: Effort) -> Iterator[Laid]:
    turns = {t for t in kind.turns if all(edge <= room for edge, room in zip(t, inner, strict=True))}
    for axis in range(3):
        across, along = (a for a in range(3) if a != axis)
        for turn in sorted(turns):
            swapped = list(turn)
            swapped[across], swapped[along] = turn[along], turn[across]
            if turn[across] <= turn[along] and tuple(swapped) in turns:
                if effort.over:
                    return
                sheet, spent = _sheet(inner[across], inner[along], turn[across], turn[along])
                # As much whether it was known or not: the answer must not hang on what was asked before.
                effort.spent += spent
                yield from _in_space(sheet, (axis, across, along), turn, inner, effort)


def _in_space(
    sheet: Sheet, axes: tuple[int, int, int], turn: Edges, inner: Edges, effort: Effort
) -> Iterator[Laid]:
    axis, across, along = axes
    units = len(sheet) * (inner[axis] // turn[axis])
    for mirrored in range(4):
        laid = []
        for layer in range(inner[axis] // turn[axis]):
            for x, y, length, width in sheet:
                corner, edges = [0, 0, 0], [0, 0, 0]
                corner[axis], edges[axis] = layer * turn[axis], turn[axis]
                corner[across] = inner[across] - x - length if mirrored & 1 else x
                corner[along] = inner[along] - y - width if mirrored & 2 else y
                edges[across], edges[along] = length, width
                laid.append(((corner[0], corner[1], corner[2]), (edges[0], edges[1], edges[2])))
        effort.spent += 2 * units + units * units // SETTLING
        settled = _settled(laid)
        if settled:
            yield settled


def _settled(laid: list[tuple[Edges, Edges]]) -> Laid:
    """Every unit as low as it sinks; nothing if one would not rest on enough."""
    done: list[tuple[Edges, Edges]] = []
    for (x, y, z), (length, width, height) in sorted(laid, key=lambda unit: (unit[0][2], unit[0])):
        under = [
            (
                c[2] + e[2],
                min(x + length, c[0] + e[0]) - max(x, c[0]),
                min(y + width, c[1] + e[1]) - max(y, c[1]),
            )
            for c, e in done
            if c[2] + e[2] <= z
        ]
        floor = max((top for top, dx, dy in under if dx > 0 and dy > 0), default=0)
        borne = sum(dx * dy for top, dx, dy in under if top == floor and dx > 0 and dy > 0)
        if floor and borne * 1_000 < length * width * 600:
            return ()
        done.append(((x, y, floor), (length, width, height)))
    return tuple(done)


@lru_cache(maxsize=4_096)
def _sheet(length: int, width: int, a: int, b: int) -> tuple[Sheet, int]:
    """The best pattern found of a x b rectangles, either way round, in a rectangle, and the work of finding it."""
    if length // a > CUTS or width // a > CUTS:
        rows = _rows(length, width, a, b)
        return rows, len(rows)
    division = _Division(a, b)
    return division.best(length, width), division.looked


def _rows(length: int, width: int, a: int, b: int) -> Sheet:
    ways = (
        tuple((i * p, j * q, p, q) for i in range(length // p) for j in range(width // q))
        for p, q in permutations((a, b))
    )
    return max(ways, key=len)


class _Division:
    """The recursion for one rectangle's edges a <= b, with what it has found."""

    def __init__(self, a: int, b: int) -> None:
        self.a, self.b, self.area = a, b, a * b
        self.known: dict[tuple[int, int], Sheet] = {}
        self.cuts: dict[int, list[int]] = {}
        self.used: dict[int, int] = {}
        self.looked = 0

    def best(self, length: int, width: int) -> Sheet:
        length, width = self._used(length), self._used(width)
        found = self.known.get((length, width))
        if found is None:
            found = _rows(length, width, self.a, self.b)
            if len(found) < length * width // self.area:
                found = self._divided(length, width, found)
            self.known[length, width] = found
            self.known[width, length] = tuple((y, x, q, p) for x, y, p, q in found)
        return found

    def _used(self, edge: int) -> int:
        """What whole units can use of an edge."""
        found = self.used.get(edge)
        if found is None:
            found = self.used[edge] = self._cuts(edge)[-1]
        return found

    def _cuts(self, edge: int) -> list[int]:
        found = self.cuts.get(edge)
        if found is None:
            a, b = self.a, self.b
            sums = {i * a + j * b for i in range(edge // a + 1) for j in range((edge - i * a) // b + 1)}
            found = self.cuts[edge] = sorted(sums)
        return found

    def _divided(self, length: int, width: int, found: Sheet) -> Sheet:
        most = length * width // self.area
        for parts in self._divisions(length, width):
            self.looked += LOOKING
            if self._at_most(parts) <= len(found):
                continue
            sheet = tuple(
                (x + u, y + v, p, q) for x, y, wide, deep in parts for u, v, p, q in self.best(wide, deep)
            )
            if len(sheet) > len(found):
                found = sheet
                if len(found) >= most:
                    break
        return found

    def _at_most(self, parts: Sequence[Flat]) -> int:
        used, area, total = self.used, self.area, 0
        for _, _, p, q in parts:
            if p and q:
                total += (used.get(p) or self._used(p)) * (used.get(q) or self._used(q)) // area
        return total

    def _divisions(self, length: int, width: int) -> Iterator[tuple[Flat, ...]]:
        """Two parts by one cut, then five around a middle; a division turned by half a turn is not tried again."""
        xs, ys = self._cuts(length), self._cuts(width)
        for x in xs[1:]:
            if 2 * x <= length:
                yield ((0, 0, x, width), (x, 0, length - x, width))
        for y in ys[1:]:
            if 2 * y <= width:
                yield ((0, 0, length, y), (0, y, length, width - y))
        for x1, x2 in combinations(xs[1:], 2):
            if x1 + x2 > length:
                continue
            for y1, y2 in combinations(ys[1:], 2):
                yield (
                    (0, y1, x1, width - y1),
                    (x1, y2, length - x1, width - y2),
                    (x1, y1, x2 - x1, y2 - y1),
                    (0, 0, x2, y1),
                    (x2, 0, length - x2, y2),
                )
