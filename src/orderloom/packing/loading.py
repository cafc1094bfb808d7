"""Filling one container as full as it goes: blocks of units built beforehand, laid by trial of the best few at each step.

A search mode for load planning, beside the packing of orders. Blocks are cuboids of like units and joins of two such
that fit together with little waste (after Zhu & Lim, 2012). The space nearest a corner of the container is filled
first, by the block that leaves least unusable room beside it. At each step the few best blocks are tried by playing
the loading through to its end, and the best way found is kept whole. Effort is counted in blocks laid, so the same
question has the same answer everywhere. Kept: edges that may not stand, counts, no overlap. Not asked: support.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import NamedTuple

from orderloom.packing.shapes import Cuboid, Edges

# So many blocks at most are built; each join fills at least so many thousandths of its hull.
BLOCKS = 1_600
JOINED = 980
# Of the blocks for a space, so many are remembered: the best, as long as units last.
REMEMBERED = 24


class Cargo(NamedTuple):
    """Like units: the orientations they may lie in, and how many there are."""

    turns: tuple[Edges, ...]
    quantity: int


class Unit(NamedTuple):
    """One unit loaded: which cargo, its corner nearest the origin, its edges."""

    cargo: int
    corner: Edges
    edges: Edges


class Load(NamedTuple):
    """What was loaded, its volume, and the effort spent."""

    units: tuple[Unit, ...]
    volume: int
    effort: int


class _Block(NamedTuple):
    edges: Edges
    volume: int
    needs: tuple[tuple[int, int], ...]  # cargo, units
    parts: tuple[tuple[int, Edges, Edges, Edges], ...]  # cargo, corner, edges of a unit, grid


@dataclass(slots=True)
class _State:
    left: list[int]
    spaces: list[Cuboid]
    laid: list[tuple[_Block, Edges]] = field(default_factory=list)
    volume: int = 0

    def copy(self) -> _State:
        return _State(self.left.copy(), self.spaces.copy(), self.laid.copy(), self.volume)


def load(inner: Edges, cargos: Sequence[Cargo], *, effort: int = 4_000) -> Load:
    """As much volume as goes in."""
    return _Loading(inner, cargos).run(effort)


class _Loading:
    def __init__(self, inner: Edges, cargos: Sequence[Cargo]) -> None:
        self.inner = inner
        self.cargos = cargos
        self.blocks = _built(inner, cargos)
        self.usable = _usable(cargos, max(inner))
        self.remembered: dict[Edges, list[_Block]] = {}
        self.least = min(
            (t[0] * t[1] * t[2] for cargo in cargos for t in cargo.turns if cargo.quantity), default=0
        )
        self.shortest = min(
            (min(t) for cargo in cargos for t in cargo.turns if cargo.quantity), default=1 << 60
        )
        self.effort = 0

    def run(self, budget: int) -> Load:
        """Tries of ever more blocks a step, until the effort is spent; the best of all is the answer."""
        start = _State([cargo.quantity for cargo in self.cargos], [(0, 0, 0, *self.inner)])
        best = self._through(start.copy())
        whole = self.inner[0] * self.inner[1] * self.inner[2]
        width = 2
        while self.effort < budget and best.volume < whole and any(best.left):
            best = self._tried(start.copy(), best, width, budget)
            if width > 64:
                break
            width *= 2
        return Load(tuple(_units(best.laid)), best.volume, self.effort)

    def _tried(self, state: _State, best: _State, width: int, budget: int) -> _State:
        """Step by step the block whose loading, played through, ends fullest."""
        while self.effort < budget:
            space = self._next_space(state)
            if space is None:
                break
            ends = []
            for block in self._fitting(space, state.left, width):
                trial = state.copy()
                self._lay(trial, space, block)
                after = trial.copy()
                end = self._through(trial)
                ends.append((end.volume, after, end))
                if self.effort >= budget:
                    break
            chosen = max(ends, key=lambda one: one[0])
            if chosen[2].volume > best.volume:
                best = chosen[2]
            state = chosen[1]
        return best

    def _through(self, state: _State) -> _State:
        while True:
            space = self._next_space(state)
            if space is None:
                return state
            self._lay(state, space, self._fitting(space, state.left, 1)[0])

    def _next_space(self, state: _State) -> Cuboid | None:
        """The space nearest a corner of the container that takes anything; those that take nothing are dropped."""
        length, width, height = self.inner
        while state.spaces:
            space = min(
                state.spaces,
                key=lambda s: (
                    min(s[0], length - s[3]) + min(s[1], width - s[4]) + min(s[2], height - s[5]),
                    -(s[3] - s[0]) * (s[4] - s[1]) * (s[5] - s[2]),
                    s,
                ),
            )
            if self._fitting(space, state.left, 1):
                return space
            state.spaces.remove(space)
        return None

    def _fitting(self, space: Cuboid, left: Sequence[int], count: int) -> list[_Block]:
        """The best few blocks for a space of which there are units enough."""
        room = (space[3] - space[0], space[4] - space[1], space[5] - space[2])
        ranked = self.remembered.get(room)
        if ranked is None:
            ranked = self.remembered[room] = self._ranked(room)
        found = []
        for block in ranked:
            for cargo, units in block.needs:
                if left[cargo] < units:
                    break
            else:
                found.append(block)
                if len(found) == count:
                    break
        return found

    def _ranked(self, room: Edges) -> list[_Block]:
        wide, deep, high = room
        usable = self.usable
        fitting = [
            block
            for block in self.blocks
            if block.edges[0] <= wide and block.edges[1] <= deep and block.edges[2] <= high
        ]

        def waste(block: _Block) -> tuple[int, int]:
            a, b, c = block.edges
            used = (a + usable[wide - a]) * (b + usable[deep - b]) * (c + usable[high - c])
            return (-used - block.volume, -block.volume)

        best = nsmallest(REMEMBERED, fitting, key=waste)
        # Single units come last, so that something is found as long as anything fits.
        return best + [block for block in fitting if len(block.parts) == 1 and block.parts[0][3] == (1, 1, 1)]

    def _lay(self, state: _State, space: Cuboid, block: _Block) -> None:
        """The block into the corner of the space nearest a corner of the container."""
        self.effort += 1
        length, width, height = block.edges
        x = space[0] if space[0] <= self.inner[0] - space[3] else space[3] - length
        y = space[1] if space[1] <= self.inner[1] - space[4] else space[4] - width
        z = space[2] if space[2] <= self.inner[2] - space[5] else space[5] - height
        for cargo, units in block.needs:
            state.left[cargo] -= units
        state.volume += block.volume
        state.laid.append((block, (x, y, z)))
        state.spaces = self._carved(state.spaces, (x, y, z, x + length, y + width, z + height))

    def _carved(self, spaces: Sequence[Cuboid], solid: Cuboid) -> list[Cuboid]:
        kept: list[Cuboid] = []
        pieces: list[Cuboid] = []
        a1, b1, c1, a2, b2, c2 = solid
        shortest, least = self.shortest, self.least
        for space in spaces:
            x1, y1, z1, x2, y2, z2 = space
            if a1 >= x2 or a2 <= x1 or b1 >= y2 or b2 <= y1 or c1 >= z2 or c2 <= z1:
                kept.append(space)
                continue
            wide, deep, high = x2 - x1, y2 - y1, z2 - z1
            if a1 - x1 >= shortest and (a1 - x1) * deep * high >= least:
                pieces.append((x1, y1, z1, a1, y2, z2))
            if x2 - a2 >= shortest and (x2 - a2) * deep * high >= least:
                pieces.append((a2, y1, z1, x2, y2, z2))
            if b1 - y1 >= shortest and (b1 - y1) * wide * high >= least:
                pieces.append((x1, y1, z1, x2, b1, z2))
            if y2 - b2 >= shortest and (y2 - b2) * wide * high >= least:
                pieces.append((x1, b2, z1, x2, y2, z2))
            if c1 - z1 >= shortest and (c1 - z1) * wide * deep >= least:
                pieces.append((x1, y1, z1, x2, y2, c1))
            if z2 - c2 >= shortest and (z2 - c2) * wide * deep >= least:
                pieces.append((x1, y1, c2, x2, y2, z2))
        fresh = list(dict.fromkeys(pieces))
        return kept + [p for p in fresh if not _inside(p, kept) and not _inside(p, fresh)]


def _inside(space: Cuboid, others: Sequence[Cuboid]) -> bool:
    x1, y1, z1, x2, y2, z2 = space
    for o in others:
        if (
            o[0] <= x1
            and o[1] <= y1
            and o[2] <= z1
            and o[3] >= x2
            and o[4] >= y2
            and o[5] >= z2
            and o != space
        ):
            return True
    return False


def _usable(cargos: Sequence[Cargo], longest: int) -> list[int]:
    """By length what edges of units, put one after another, can use of it at best."""
    sums = 1
    for edge in sorted({edge for cargo in cargos for turn in cargo.turns for edge in turn}):
        step = edge
        while 0 < step <= longest:
            sums |= sums << step & ((1 << (longest + 1)) - 1)
            step *= 2
    usable, last = [], 0
    for length in range(longest + 1):
        if sums >> length & 1:
            last = length
        usable.append(last)
    return usable


# --- blocks -----------------------------------------------------------------------------------------------------


def _built(inner: Edges, cargos: Sequence[Cargo]) -> list[_Block]:
    """Blocks of like units, and joins of blocks that fit together; the largest of all, and every single unit."""
    simple = sorted(set(_simple(inner, cargos)), key=lambda block: (-block.volume, block))
    blocks: dict[tuple[Edges, tuple[tuple[int, int], ...]], _Block] = {}
    for block in simple:
        blocks.setdefault((block.edges, block.needs), block)
    latest = list(blocks.values())[:240]
    for _ in range(2):
        joined = []
        for one in latest[:160]:
            for other in simple[:240]:
                joined += [
                    block
                    for block in _joins(one, other, inner, cargos)
                    if (block.edges, block.needs) not in blocks
                ]
        latest = sorted(joined, key=lambda block: (-block.volume, block))[: BLOCKS // 2]
        for block in latest:
            blocks.setdefault((block.edges, block.needs), block)
    singles = [block for block in simple if block.parts[0][3] == (1, 1, 1)]
    ranked = sorted(blocks.values(), key=lambda block: (-block.volume, block))[:BLOCKS]
    return ranked + [block for block in singles if block not in ranked]


def _simple(inner: Edges, cargos: Sequence[Cargo]) -> Iterator[_Block]:
    for index, cargo in enumerate(cargos):
        for turn in cargo.turns:
            a, b, c = turn
            for i in range(1, min(cargo.quantity, inner[0] // a) + 1):
                for j in range(1, min(cargo.quantity // i, inner[1] // b) + 1):
                    for k in range(1, min(cargo.quantity // (i * j), inner[2] // c) + 1):
                        units = i * j * k
                        yield _Block(
                            (a * i, b * j, c * k),
                            units * a * b * c,
                            ((index, units),),
                            ((index, (0, 0, 0), turn, (i, j, k)),),
                        )


def _joins(one: _Block, other: _Block, inner: Edges, cargos: Sequence[Cargo]) -> Iterator[_Block]:
    volume = one.volume + other.volume
    for axis in range(3):
        edges = [max(p, q) for p, q in zip(one.edges, other.edges, strict=True)]
        edges[axis] = one.edges[axis] + other.edges[axis]
        if edges[axis] > inner[axis] or volume * 1_000 < edges[0] * edges[1] * edges[2] * JOINED:
            continue
        needs = dict(one.needs)
        for cargo, units in other.needs:
            needs[cargo] = needs.get(cargo, 0) + units
        if any(units > cargos[cargo].quantity for cargo, units in needs.items()):
            continue
        shift = [0, 0, 0]
        shift[axis] = one.edges[axis]
        moved = tuple(
            (cargo, (x + shift[0], y + shift[1], z + shift[2]), turn, grid)
            for cargo, (x, y, z), turn, grid in other.parts
        )
        yield _Block((edges[0], edges[1], edges[2]), volume, tuple(sorted(needs.items())), one.parts + moved)


def _units(laid: Sequence[tuple[_Block, Edges]]) -> Iterator[Unit]:
    for block, (x, y, z) in laid:
        for cargo, (u, v, w), (a, b, c), grid in block.parts:
            for i in range(grid[0]):
                for j in range(grid[1]):
                    for k in range(grid[2]):
                        yield Unit(cargo, (x + u + i * a, y + v + j * b, z + w + k * c), (a, b, c))
