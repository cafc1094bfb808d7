"""Filling one carton: blocks of like units are laid into the largest free spaces, lowest first, until nothing fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import TypeAlias

from orderloom.packing.shapes import FREE, Block, Box, Cuboid, Edges, Kind, Rules

# Counted work stands for time: what beginning to fill a box takes, laying a block, and looking at a place closely, in
# looks at one way of lying for one space; and how many looks at whether one space lies in another take as long as one.
BEGINNING, LAYING, TRYING, COMPARING = 8, 12, 6, 12


class Taste(Enum):
    """What makes one block better than another for a space. The cheap ones to follow come first."""

    UNIT = "the largest unit first, then the least margin"
    FLAT = "the largest unit first, lying as low as it can"
    VOLUME = "the largest block"
    BASE = "the largest base first, as one piles by hand"
    FIT = "the least margin left beside the block"


# In place of how much a box may hold of something: what the box itself says.
ROOM = -1
_ANY = 1 << 60
_ONE = (1, 1, 1)
_LOWEST = itemgetter(2, 1, 0)
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
    rules: Rules
    # Kinds that are left and fit, each with the orientations that do.
    options: list[tuple[int, Kind, list[Edges]]] = field(default_factory=list)
    spaces: list[Cuboid] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    solids: list[Cuboid] = field(default_factory=list)
    # By height the blocks whose tops lie there.
    tops: dict[int, list[tuple[int, Cuboid]]] = field(default_factory=dict)
    # By block what may still come to lie on it (None: anything), and the blocks it rests on, directly or through others.
    margins: list[int | None] = field(default_factory=list)
    below: list[set[int]] = field(default_factory=list)
    volume: int = 0
    effort: int = 0
    smallest: tuple[int, int] = (0, 0)
    barred: int = 0
    capped: list[int] = field(default_factory=list)
    delicate: bool = False
    # Was the space looked at last large enough for anything?
    roomy: bool = True
    # The axis that points up while it is packed.
    up: int = 2


def fill(
    box: Box,
    kinds: Sequence[Kind],
    counts: Sequence[int],
    taste: Taste | Listing,
    *,
    rules: Rules = FREE,
    by_item: bool = False,
    without: int = 0,
    whole: bool = False,
    turns: Sequence[list[Edges]] = (),
) -> Fill:
    """Lay as much as goes in, but nothing of the kinds `without`, as bits. `turns` are those of each kind, if known.

    A listing is followed space by space, or `by_item`: each in turn to the lowest space that takes it. `whole`: nothing
    but all of it will do, so what can no longer become that is given up at once.
    """
    filling = Fill(box.inner, box.room_g, kinds, list(counts), taste, rules, barred=without)
    for index, kind in enumerate(kinds):
        if counts[index]:
            able = turns[index] if turns else box.turns_of(kind)
            if able:
                filling.options.append((index, kind, able))
                filling.delicate = filling.delicate or kind.bears_g is not None
    filling.effort = BEGINNING + 2 * len(filling.options)
    filling.spaces.append((0, 0, 0, *box.inner))
    filling.smallest = _smallest(filling)
    if rules.caps:
        room = _ANY if box.soft else box.volume
        filling.capped = [room if most == ROOM else most for _, most in rules.caps]
    by_item = by_item and isinstance(taste, tuple)
    while filling.options:
        found = _next_listed(filling, whole=whole) if by_item else _next_block(filling)
        if found is None:
            break
        _lay(filling, found)
        if whole and _hopeless(filling):
            break
    return filling


def _next_block(filling: Fill) -> Block | None:
    """The best block for the lowest space that takes any."""
    filling.spaces.sort(key=_LOWEST)
    filling.effort += len(filling.spaces)
    taste = filling.taste
    for space in list(filling.spaces):
        best = (
            _best_in(filling, space, taste) if isinstance(taste, Taste) else _first_in(filling, space, taste)
        )
        if best is not None:
            return best
        if space[2] == 0 or not filling.roomy:
            # Nothing left goes in here, and what is left only dwindles. Above the floor support may yet grow.
            filling.spaces.remove(space)
    return None


def _hopeless(filling: Fill) -> bool:
    """Is there no space any more for one of the largest kinds that are left?"""
    for _, _, turns in filling.options[:2]:
        filling.effort += 1 + len(filling.spaces) // 2
        if not _any_takes(filling.spaces, turns):
            return True
    return False


def _any_takes(spaces: Sequence[Cuboid], turns: Sequence[Edges]) -> bool:
    """Is one of the spaces large enough for a unit, whichever way it lies?"""
    for x1, y1, z1, x2, y2, z2 in spaces:
        wide, deep, high = x2 - x1, y2 - y1, z2 - z1
        for length, width, height in turns:
            if length <= wide and width <= deep and height <= high:
                return True
    return False


def _next_listed(filling: Fill, *, whole: bool) -> Block | None:
    """The first of the list that goes in anywhere, at its lowest place."""
    filling.spaces.sort(key=_LOWEST)
    filling.effort += len(filling.spaces)
    tried: dict[int, int] = {}
    listing: Listing = filling.taste  # type: ignore[assignment]
    for entry in listing:
        if filling.left[entry[0]]:
            for space in filling.spaces:
                found = _first_in(filling, space, (entry,))
                if found is not None:
                    return found
            if whole:
                tried[entry[0]] = tried.get(entry[0], 0) + 1
                if tried[entry[0]] == len(filling.kinds[entry[0]].turns):
                    return None
    return None


def _first_in(filling: Fill, space: Cuboid, listing: Listing) -> Block | None:
    """The first of the list that goes in."""
    x1, y1, z1, x2, y2, z2 = space
    wide, deep, high = x2 - x1, y2 - y1, z2 - z1
    supports: list[tuple[int, Cuboid]] | None = None
    looked = 0
    filling.roomy = False
    for index, turn in listing:
        looked += 1
        if turn[0] > wide or turn[1] > deep or turn[2] > high or not filling.left[index]:
            continue
        filling.roomy = True
        kind = filling.kinds[index]
        count = _count(filling, index, kind)
        if not count:
            continue
        if z1 and supports is None:
            supports = _supports(filling, z1)
        grid = _grid(filling, kind, turn, count, space, supports)
        if grid is not None:
            filling.effort += looked
            return Block(index, x1, y1, z1, turn, grid, kind.pitch or turn[2])
    filling.effort += looked
    return None


def _best_in(filling: Fill, space: Cuboid, taste: Taste) -> Block | None:
    """The block of the highest score; the first of equals, and kinds stand in a fixed order."""
    x1, y1, z1, x2, y2, z2 = space
    wide, deep, high = x2 - x1, y2 - y1, z2 - z1
    room = wide * deep * high
    supports: list[tuple[int, Cuboid]] | None = None
    best: tuple[int, ...] | None = None
    choice: Block | None = None
    frugal = taste is Taste.UNIT or taste is Taste.FLAT
    looked = 0
    roomy = False
    for index, kind, turns in filling.options:
        looked += 1
        if kind.volume > room:
            continue
        looked += len(turns)
        count = -1
        for turn in turns:
            length, width, height = turn
            if length > wide or width > deep or height > high:
                continue
            roomy = True
            if count < 0:
                count = _count(filling, index, kind)
            if not count:
                break
            if z1 and supports is None:
                supports = _supports(filling, z1)
            grid = _grid(filling, kind, turn, count, space, supports)
            if grid is None:
                continue
            score = _score(taste, kind, turn, grid, (wide, deep, high))
            if best is None or score > best:
                best, choice = score, Block(index, x1, y1, z1, turn, grid, kind.pitch or height)
        if frugal and choice is not None:
            # Kinds come largest first, and no smaller one could be preferred.
            break
    filling.roomy = roomy
    filling.effort += looked
    return choice


def _count(filling: Fill, index: int, kind: Kind) -> int:
    """How many units of the kind may still go in, as far as weight and rules say."""
    count = filling.left[index]
    if filling.barred and filling.barred >> index & 1:
        return 0
    weight = kind.weight_g
    if weight * count > filling.room_g:
        count = filling.room_g // weight
    if filling.capped:
        for (each, _), room in zip(filling.rules.caps, filling.capped, strict=True):
            if each[index]:
                count = min(count, room // each[index])
    return count


def _supports(filling: Fill, height: int) -> list[tuple[int, Cuboid]]:
    """The blocks whose tops lie at this height."""
    filling.effort += 1 + len(filling.solids) // COMPARING
    return filling.tops.get(height, [])


def _grid(
    filling: Fill,
    kind: Kind,
    turn: Edges,
    count: int,
    space: Cuboid,
    supports: Sequence[tuple[int, Cuboid]] | None,
) -> Edges | None:
    """How many of these units go into the corner of the space along each edge, if they lie safely there."""
    filling.effort += TRYING + (len(supports) if supports else 0)
    if count == 1 and supports is None and not (kind.fragile or filling.delicate):
        # On the floor most goods lie as they like.
        return _ONE
    x1, y1, z1, x2, y2, z2 = space
    length, width, height = turn
    if kind.fragile:
        up = 1
    elif kind.pitch:
        up = 1 + (z2 - z1 - height) // kind.pitch
    else:
        up = (z2 - z1) // height
    if kind.bears_g is not None and kind.weight_g:
        up = min(up, 1 + kind.bears_g // kind.weight_g)
    grid: Edges | None = _layers(count, (x2 - x1) // length, (y2 - y1) // width, up)
    if supports is not None:
        grid = _supported(filling, (x1, y1), turn, grid, supports)  # type: ignore[arg-type]
        if grid is not None and filling.delicate:
            grid = _borne(filling, kind, (x1, y1, turn, grid), supports)
        if grid is None:
            return None
    if kind.fragile or filling.delicate:
        block = Block(0, x1, y1, z1, turn, grid, kind.pitch or height)  # type: ignore[arg-type]
        if _roofed(filling, block, touching=not kind.fragile):
            return None
    return grid


def _layers(count: int, across: int, along: int, up: int) -> Edges:
    """Pile first, then rows, then the next row: whole layers only, so that a block's top is one plane."""
    if count <= up:
        return (1, 1, count)
    if count <= up * along:
        return (1, count // up, up)
    return (min(across, count // (up * along)), along, up)


def _supported(
    filling: Fill,
    corner: tuple[int, int],
    turn: Edges,
    grid: Edges,
    supports: Sequence[tuple[int, Cuboid]],
) -> Edges | None:
    """The block, or failing that one pile of it, if enough of its base rests on something."""
    x, y = corner
    across, along, up = grid
    while True:
        x2, y2 = x + turn[0] * across, y + turn[1] * along
        area = 0
        for _, (sx1, sy1, _, sx2, sy2, _) in supports:
            if sx1 < x2 and sx2 > x and sy1 < y2 and sy2 > y:
                # Asked more often than anything else: calls of min and max are most of what it would take.
                dx = (sx2 if sx2 < x2 else x2) - (sx1 if sx1 > x else x)  # noqa: FURB136
                dy = (sy2 if sy2 < y2 else y2) - (sy1 if sy1 > y else y)  # noqa: FURB136
                area += dx * dy
        base = (x2 - x) * (y2 - y)
        if area == base:
            return (across, along, up)
        if across == along == 1:
            return (1, 1, up) if area * 1_000 >= base * filling.rules.support else None
        across = along = 1


def _borne(
    filling: Fill,
    kind: Kind,
    block: tuple[int, int, Edges, Edges],
    supports: Sequence[tuple[int, Cuboid]],
) -> Edges | None:
    """As much of the block as everything below it may bear: each is counted as bearing all of it."""
    x, y, turn, grid = block
    margins = [
        margin
        for at in _resting_on(filling, (x, y, x + turn[0] * grid[0], y + turn[1] * grid[1]), supports)
        if (margin := filling.margins[at]) is not None
    ]
    if not margins or not kind.weight_g:
        return grid
    units = min(margins) // kind.weight_g
    if units >= grid[0] * grid[1] * grid[2]:
        return grid
    return (1, 1, min(units, grid[2])) if units else None


def _resting_on(
    filling: Fill, base: tuple[int, int, int, int], supports: Sequence[tuple[int, Cuboid]]
) -> set[int]:
    """The blocks a base rests on, directly or through others."""
    x1, y1, x2, y2 = base
    found: set[int] = set()
    for at, s in supports:
        if s[0] < x2 and s[3] > x1 and s[1] < y2 and s[4] > y1:
            found |= {at} | filling.below[at]
    return found


def _score(taste: Taste, kind: Kind, turn: Edges, grid: Edges, space: Edges) -> tuple[int, ...]:
    """What makes a block of these better than another. A frugal taste compares but ways of lying of one kind."""
    length, width, height = (
        turn[0] * grid[0],
        turn[1] * grid[1],
        turn[2] + (grid[2] - 1) * (kind.pitch or turn[2]),
    )
    low, middle, high = space[0] - length, space[1] - width, space[2] - height
    if low > middle:
        low, middle = middle, low
    if middle > high:
        middle, high = high, middle
        if low > middle:
            low, middle = middle, low
    if taste is Taste.UNIT:
        return (-low, -middle, -high)
    if taste is Taste.FLAT:
        return (-turn[2], -low, -middle)
    if taste is Taste.VOLUME:
        return (length * width * height, -low, -middle)
    if taste is Taste.FIT:
        return (-low, -middle, -high, length * width * height)
    return (turn[0] * turn[1], turn[2], -low, -middle)


def _roofed(filling: Fill, block: Block, *, touching: bool) -> bool:
    """Does something already overhang this place, or (`touching`) would it come to rest on this?"""
    x1, y1, z1 = block.x, block.y, block.z
    x2, y2, z2 = block.far
    filling.effort += len(filling.solids) // 2
    return any(
        (s[2] == z2 if touching else s[5] > z1) and s[0] < x2 and s[3] > x1 and s[1] < y2 and s[4] > y1
        for s in filling.solids
    )


def _lay(filling: Fill, block: Block) -> None:
    kind, index = filling.kinds[block.kind], block.kind
    _, x1, y1, z1, edges, grid, pitch = block
    across, along, up = grid
    x2, y2, z2 = x1 + edges[0] * across, y1 + edges[1] * along, z1 + edges[2] + (up - 1) * pitch
    count = across * along * up
    filling.left[index] -= count
    filling.room_g -= count * kind.weight_g
    filling.volume += count * kind.volume
    filling.effort += LAYING
    rules = filling.rules
    if rules.bars:
        filling.barred |= rules.bars[index]
    if rules.caps:
        filling.capped = [
            room - count * each[index] for (each, _), room in zip(rules.caps, filling.capped, strict=True)
        ]
    if filling.delicate:
        _load(filling, block, kind)
    if not filling.left[index]:
        filling.options = [option for option in filling.options if option[0] != index]
        if min(edges) <= filling.smallest[0] or kind.volume <= filling.smallest[1]:
            filling.smallest = _smallest(filling)
        filling.effort += len(filling.options)
    filling.blocks.append(block)
    solid = (x1, y1, z1, x2, y2, z2)
    filling.tops.setdefault(z2, []).append((len(filling.solids), solid))
    filling.solids.append(solid)
    if not filling.options:
        # Where nothing is left to lay, no space need be known.
        filling.effort += len(filling.spaces) // COMPARING
        return
    # A fragile unit takes the whole column above it.
    filling.spaces = _carve(filling, (x1, y1, z1, x2, y2, filling.inner[2]) if kind.fragile else solid)


def _load(filling: Fill, block: Block, kind: Kind) -> None:
    x2, y2, _ = block.far
    supports = _supports(filling, block.z) if block.z else ()
    below = _resting_on(filling, (block.x, block.y, x2, y2), supports)
    weight = block.units * kind.weight_g
    for at in below:
        margin = filling.margins[at]
        if margin is not None:
            filling.margins[at] = margin - weight
    filling.below.append(below)
    own = (block.grid[2] - 1) * kind.weight_g
    filling.margins.append(None if kind.bears_g is None else kind.bears_g - own)


def _carve(filling: Fill, solid: Cuboid) -> list[Cuboid]:
    """The largest spaces that remain once the solid is taken out of them, if they are large enough for anything."""
    sx1, sy1, sz1, sx2, sy2, sz2 = solid
    shortest, least = filling.smallest
    kept: list[Cuboid] = []
    pieces: dict[Cuboid, None] = {}
    for space in filling.spaces:
        x1, y1, z1, x2, y2, z2 = space
        if sx1 >= x2 or sx2 <= x1 or sy1 >= y2 or sy2 <= y1 or sz1 >= z2 or sz2 <= z1:
            kept.append(space)
            continue
        wide, deep, high = x2 - x1, y2 - y1, z2 - z1
        if sx1 - x1 >= shortest and (sx1 - x1) * deep * high >= least:
            pieces[x1, y1, z1, sx1, y2, z2] = None
        if x2 - sx2 >= shortest and (x2 - sx2) * deep * high >= least:
            pieces[sx2, y1, z1, x2, y2, z2] = None
        if sy1 - y1 >= shortest and wide * (sy1 - y1) * high >= least:
            pieces[x1, y1, z1, x2, sy1, z2] = None
        if y2 - sy2 >= shortest and wide * (y2 - sy2) * high >= least:
            pieces[x1, sy2, z1, x2, y2, z2] = None
        if sz1 - z1 >= shortest and wide * deep * (sz1 - z1) >= least:
            pieces[x1, y1, z1, x2, y2, sz1] = None
        if z2 - sz2 >= shortest and wide * deep * (z2 - sz2) >= least:
            pieces[x1, y1, sz2, x2, y2, z2] = None
    filling.effort += (len(filling.spaces) + len(pieces) * (len(kept) + len(pieces))) // COMPARING
    return kept + _uncovered(pieces, (*kept, *pieces))


def _uncovered(pieces: Iterable[Cuboid], others: Sequence[Cuboid]) -> list[Cuboid]:
    """Those of the spaces that no other holds all of."""
    found: list[Cuboid] = []
    for piece in pieces:
        x1, y1, z1, x2, y2, z2 = piece
        for ox1, oy1, oz1, ox2, oy2, oz2 in others:
            if (
                ox1 <= x1 and oy1 <= y1 and oz1 <= z1 and ox2 >= x2 and oy2 >= y2 and oz2 >= z2
                and (ox1, oy1, oz1, ox2, oy2, oz2) != piece
            ):  # fmt: skip
                break
        else:
            found.append(piece)
    return found


def _smallest(filling: Fill) -> tuple[int, int]:
    """The shortest edge and the least volume of anything left: what is narrower or smaller is no space."""
    shortest = least = 1 << 60
    for _, kind, turns in filling.options:
        length, width, height = turns[0]
        if length < shortest or width < shortest or height < shortest:
            shortest = min(length, width, height, shortest)
        least = min(least, kind.volume)
    return (shortest, least)
