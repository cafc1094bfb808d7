"""Filling one carton: blocks of like units are laid into the largest free spaces, lowest first, until nothing fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

Edges: TypeAlias = tuple[int, int, int]
# A free space or a solid: its two corners, x1 y1 z1 x2 y2 z2.
Cuboid: TypeAlias = tuple[int, int, int, int, int, int]

# Of a unit's base this share must rest on what lies below it; less would tip or dent.
SUPPORT_NUMERATOR, SUPPORT_DENOMINATOR = 3, 5


class Kind(NamedTuple):
    """What units have in common that geometry cares for. `turns` are the orientations allowed, without repeats."""

    turns: tuple[Edges, ...]
    weight_g: int
    fragile: bool
    volume: int


class Block(NamedTuple):
    """A stack of like units in a grid: its corner, one unit's edges, and how many along each axis."""

    kind: int
    x: int
    y: int
    z: int
    edges: Edges
    grid: Edges

    @property
    def units(self) -> int:
        """How many units."""
        return self.grid[0] * self.grid[1] * self.grid[2]


class Taste(Enum):
    """What makes one block better than another for a space."""

    VOLUME = "the largest block"
    FIT = "the least margin left beside the block"
    UNIT = "the largest unit first, then the least margin"
    FLAT = "the largest unit first, lying as low as it can"
    BASE = "the largest base first, as one piles by hand"


_FRUGAL = frozenset({Taste.UNIT, Taste.FLAT})
# Instead of a taste: kinds with an orientation each, in the order in which they are to be tried for a space.
Listing: TypeAlias = tuple[tuple[int, Edges], ...]


@dataclass(slots=True)
class Fill:
    """A carton being filled."""

    inner: Edges
    room_g: int
    kinds: Sequence[Kind]
    left: list[int]
    taste: Taste | Listing
    spaces: list[Cuboid] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    solids: list[Cuboid] = field(default_factory=list)
    volume: int = 0
    effort: int = 0


def fill(
    inner: Edges, room_g: int, kinds: Sequence[Kind], counts: Sequence[int], taste: Taste | Listing
) -> Fill:
    """Lay as much as goes in. `room_g` is what the contents may weigh. Deterministic."""
    filling = Fill(inner, room_g, kinds, list(counts), taste, [(0, 0, 0, *inner)])
    while any(filling.left):
        found = _next_block(filling)
        if found is None:
            break
        _lay(filling, found)
    return filling


def _next_block(filling: Fill) -> Block | None:
    """The best block for the lowest space that takes any."""
    filling.spaces.sort(key=_lowest)
    for space in list(filling.spaces):
        best = (
            _best_in(filling, space, filling.taste)
            if isinstance(filling.taste, Taste)
            else _first_in(filling, space, filling.taste)
        )
        if best is not None:
            return best
        if space[2] == 0:
            # Nothing left fits here, and what is left only dwindles. Above the floor support may yet grow.
            filling.spaces.remove(space)
    return None


def _lowest(space: Cuboid) -> tuple[int, int, int]:
    return (space[2], space[1], space[0])


def _first_in(filling: Fill, space: Cuboid, listing: Listing) -> Block | None:
    """The first of the list that goes in."""
    x1, y1, z1, x2, y2, z2 = space
    wide, deep, high = x2 - x1, y2 - y1, z2 - z1
    supports = [s for s in filling.solids if s[5] == z1] if z1 else None
    for index, turn in listing:
        count = filling.left[index]
        if not count:
            continue
        filling.effort += 1
        length, width, height = turn
        if length > wide or width > deep or height > high:
            continue
        kind = filling.kinds[index]
        if kind.weight_g * count > filling.room_g:
            count = filling.room_g // kind.weight_g
            if not count:
                continue
        grid = _grid(count, wide // length, deep // width, 1 if kind.fragile else high // height)
        if supports is not None:
            borne = _supported(x1, y1, turn, grid, supports)
            if borne is None:
                continue
            grid = borne
        block = (length * grid[0], width * grid[1], height * grid[2])
        if not (kind.fragile and _roofed(filling, x1, y1, z1, block)):
            return Block(index, x1, y1, z1, turn, grid)
    return None


def _best_in(filling: Fill, space: Cuboid, taste: Taste) -> Block | None:
    x1, y1, z1, x2, y2, z2 = space
    wide, deep, high = x2 - x1, y2 - y1, z2 - z1
    best: tuple[int, ...] | None = None
    choice = None
    frugal = taste in _FRUGAL
    supports = [s for s in filling.solids if s[5] == z1] if z1 else None
    for index, kind in enumerate(filling.kinds):
        count = filling.left[index]
        if not count:
            continue
        if kind.weight_g:
            count = min(count, filling.room_g // kind.weight_g)
            if not count:
                continue
        for turn in kind.turns:
            length, width, height = turn
            filling.effort += 1
            if length > wide or width > deep or height > high:
                continue
            grid = _grid(count, wide // length, deep // width, 1 if kind.fragile else high // height)
            if supports is not None:
                borne = _supported(x1, y1, turn, grid, supports)
                if borne is None:
                    continue
                grid = borne
            block = (length * grid[0], width * grid[1], height * grid[2])
            score = _score(taste, kind, turn, block, (wide, deep, high))
            if best is None or score > best:
                if kind.fragile and _roofed(filling, x1, y1, z1, block):
                    continue
                best, choice = score, Block(index, x1, y1, z1, turn, grid)
        if frugal and choice is not None:
            # Kinds come largest first, and no smaller one could be preferred.
            break
    return choice


def _grid(count: int, across: int, along: int, up: int) -> Edges:
    """Pile first, then rows, then the next row: whole layers only, so that a block's top is one plane."""
    if count <= up:
        return (1, 1, count)
    if count <= up * along:
        along = count // up
        return (1, along, up)
    across = min(across, count // (up * along))
    return (across, along, up)


def _supported(x: int, y: int, turn: Edges, grid: Edges, supports: Sequence[Cuboid]) -> Edges | None:
    """The block, or failing that one pile of it, if enough of its base rests on something."""
    for across, along in ((grid[0], grid[1]), (1, 1)):
        x2, y2 = x + turn[0] * across, y + turn[1] * along
        area = 0
        for s in supports:
            dx = min(x2, s[3]) - max(x, s[0])
            dy = min(y2, s[4]) - max(y, s[1])
            if dx > 0 and dy > 0:
                area += dx * dy
        if area * SUPPORT_DENOMINATOR >= (x2 - x) * (y2 - y) * SUPPORT_NUMERATOR and (
            across * along == 1 or area == (x2 - x) * (y2 - y)
        ):
            return (across, along, grid[2])
        if grid[0] == grid[1] == 1:
            break
    return None


def _score(taste: Taste, kind: Kind, turn: Edges, block: Edges, space: Edges) -> tuple[int, ...]:
    margins = sorted((space[0] - block[0], space[1] - block[1], space[2] - block[2]))
    if taste is Taste.VOLUME:
        return (block[0] * block[1] * block[2], -margins[0], -margins[1])
    if taste is Taste.FIT:
        return (-margins[0], -margins[1], -margins[2], block[0] * block[1] * block[2])
    if taste is Taste.UNIT:
        return (kind.volume, -margins[0], -margins[1], -margins[2])
    if taste is Taste.FLAT:
        return (kind.volume, -turn[2], -margins[0], -margins[1])
    return (turn[0] * turn[1], turn[2], -margins[0], -margins[1])


def _roofed(filling: Fill, x: int, y: int, z: int, block: Edges) -> bool:
    """Does something already overhang this place? Nothing may lie above a fragile unit."""
    x2, y2 = x + block[0], y + block[1]
    return any(s[5] > z and s[0] < x2 and s[3] > x and s[1] < y2 and s[4] > y for s in filling.solids)


def _lay(filling: Fill, block: Block) -> None:
    kind = filling.kinds[block.kind]
    x1, y1, z1 = block.x, block.y, block.z
    x2 = x1 + block.edges[0] * block.grid[0]
    y2 = y1 + block.edges[1] * block.grid[1]
    z2 = z1 + block.edges[2] * block.grid[2]
    count = block.units
    filling.left[block.kind] -= count
    filling.room_g -= count * kind.weight_g
    filling.volume += count * kind.volume
    filling.blocks.append(block)
    # A fragile unit takes the whole column above it.
    top = filling.inner[2] if kind.fragile else z2
    solid = (x1, y1, z1, x2, y2, z2)
    filling.solids.append(solid)
    filling.spaces = _carve(filling, (x1, y1, z1, x2, y2, top))


def _carve(filling: Fill, solid: Cuboid) -> list[Cuboid]:
    """The largest spaces that remain once the solid is taken out of them."""
    sx1, sy1, sz1, sx2, sy2, sz2 = solid
    shortest, least = _smallest(filling)
    kept: list[Cuboid] = []
    pieces: dict[Cuboid, None] = {}
    for space in filling.spaces:
        x1, y1, z1, x2, y2, z2 = space
        if sx1 >= x2 or sx2 <= x1 or sy1 >= y2 or sy2 <= y1 or sz1 >= z2 or sz2 <= z1:
            kept.append(space)
        else:
            filling.effort += 1
            pieces.update(_around(space, solid, shortest))
    fresh = [p for p in pieces if (p[3] - p[0]) * (p[4] - p[1]) * (p[5] - p[2]) >= least]
    untouched = kept.copy()
    kept += [piece for piece in fresh if not _covered(piece, untouched) and not _covered(piece, fresh)]
    return kept


def _around(space: Cuboid, solid: Cuboid, shortest: int) -> Iterator[tuple[Cuboid, None]]:
    """What is left of a space on each side of a solid in it, if it is wide enough for anything."""
    x1, y1, z1, x2, y2, z2 = space
    sx1, sy1, sz1, sx2, sy2, sz2 = solid
    if sx1 - x1 >= shortest:
        yield (x1, y1, z1, sx1, y2, z2), None
    if x2 - sx2 >= shortest:
        yield (sx2, y1, z1, x2, y2, z2), None
    if sy1 - y1 >= shortest:
        yield (x1, y1, z1, x2, sy1, z2), None
    if y2 - sy2 >= shortest:
        yield (x1, sy2, z1, x2, y2, z2), None
    if sz1 - z1 >= shortest:
        yield (x1, y1, z1, x2, y2, sz1), None
    if z2 - sz2 >= shortest:
        yield (x1, y1, sz2, x2, y2, z2), None


def _covered(space: Cuboid, others: Sequence[Cuboid]) -> bool:
    """Does another of them hold all of this space?"""
    x1, y1, z1, x2, y2, z2 = space
    for ox1, oy1, oz1, ox2, oy2, oz2 in others:
        if (
            ox1 <= x1
            and oy1 <= y1
            and oz1 <= z1
            and ox2 >= x2
            and oy2 >= y2
            and oz2 >= z2
            and (ox1, oy1, oz1, ox2, oy2, oz2) != space
        ):
            return True
    return False


def _smallest(filling: Fill) -> tuple[int, int]:
    """The shortest edge and the least volume of anything left: what is narrower or smaller is no space."""
    left = [kind for kind, count in zip(filling.kinds, filling.left, strict=True) if count]
    if not left:
        return (1 << 60, 1 << 60)
    return (min(min(kind.turns[0]) for kind in left), min(kind.volume for kind in left))
