"""Parcels whose goods lie too far off the middle of the floor, packed otherwise or, where nothing helps, in two (pure)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from orderloom.packing.fill import Taste, fill
from orderloom.packing.search import Packing, listing, search
from orderloom.packing.shapes import Block, Box, Kind, Rules

# So many lists are tried for a carton beside the tastes.
_LISTS = 12
# A single unit can be put in the middle to half a millimetre.
_ROUNDING = 1


def shift(box: Box, blocks: Sequence[Block], kinds: Sequence[Kind], axis: int) -> tuple[int, int]:
    """By how much to move everything along an axis of the floor, and twice how far off the middle it then is."""
    total = moment = far = 0
    for block in blocks:
        weight = max(kinds[block.kind].weight_g, 1) * block.units
        low, high = (block.x, block.y)[axis], block.far[axis]
        total += weight
        moment += weight * (low + high)
        far = max(far, high)
    free = box.inner[axis] - far
    twice = box.inner[axis] - moment // total
    moved = max(0, min(free, twice // 2))
    return moved, abs(twice - 2 * moved)


def steadied(packing: Packing, boxes: Sequence[Box], rules: Rules, *, effort: int) -> Packing:
    """The same goods, each box with its centre of mass as near its middle as the rules ask."""
    done: list[tuple[int, tuple[Block, ...], int]] = []
    left, spent, kinds = list(packing.left), packing.effort, packing.kinds
    used = Counter(boxes[at].twin for at, _, _ in packing.boxes)
    todo = deque(packing.boxes)
    while todo:
        at, blocks, up = todo.popleft()
        if _steady(boxes[at], blocks, kinds, rules):
            done.append((at, blocks, up))
            continue
        contents = [0] * len(kinds)
        for block in blocks:
            contents[block.kind] += block.units
        used[boxes[at].twin] -= 1
        there = tuple(b if b.stock is None else b._replace(stock=b.stock - used[b.twin]) for b in boxes)
        found, more = _otherwise(there, kinds, contents, rules)
        spent += more
        if found is not None:
            used[boxes[found[0]].twin] += 1
            done.append(found)
            continue
        halves = _halves(contents, rules)
        if not halves:
            left = [one + other for one, other in zip(left, contents, strict=True)]
        for half in halves:
            there = tuple(b if b.stock is None else b._replace(stock=b.stock - used[b.twin]) for b in boxes)
            packed = search(kinds, tuple(half), there, effort=effort, rules=rules)
            spent += packed.effort
            used.update(boxes[one].twin for one, _, _ in packed.boxes)
            todo.extend(packed.boxes)
            left = [one + other for one, other in zip(left, packed.left, strict=True)]
    least = min(packing.lower_bound, len(done)) if any(left) else packing.lower_bound
    return packing._replace(boxes=tuple(done), lower_bound=least, effort=spent, left=tuple(left))


def _steady(box: Box, blocks: Sequence[Block], kinds: Sequence[Kind], rules: Rules) -> bool:
    return all(
        shift(box, blocks, kinds, axis)[1] * 500 <= rules.off_centre * box.inner[axis] + _ROUNDING * 500
        for axis in range(2)
    )


def _otherwise(
    boxes: Sequence[Box], kinds: tuple[Kind, ...], contents: Sequence[int], rules: Rules
) -> tuple[tuple[int, tuple[Block, ...], int] | None, int]:
    """One box with all of it that is steady, in the order of preference, and the work it took."""
    spent = 0
    volume = sum(kind.volume * units for kind, units in zip(kinds, contents, strict=True))
    weight = sum(kind.weight_g * units for kind, units in zip(kinds, contents, strict=True))
    ways = (*Taste, *(listing(kinds, number) for number in range(_LISTS)))
    for at, box in enumerate(boxes):
        if box.stock == 0 or volume > box.volume or weight > box.room_g:
            continue
        for way in ways:
            filled = fill(box, kinds, contents, way, rules=rules, whole=True)
            spent += filled.effort
            if not any(filled.left) and _steady(box, filled.blocks, kinds, rules):
                return (at, tuple(filled.blocks), 2), spent
    return None, spent


def _halves(contents: Sequence[int], rules: Rules) -> list[list[int]]:
    """Half of each kind, what must stay together in the first; nothing where that is all."""
    tied = 0
    for group in rules.groups:
        tied |= group
    first, turn = [], 0
    for index, units in enumerate(contents):
        if tied >> index & 1:
            first.append(units)
        else:
            first.append((units + turn) // 2)
            turn = (units + turn) % 2
    second = [units - some for units, some in zip(contents, first, strict=True)]
    return [first, second] if any(first) and any(second) else []
