"""How few parcels there can be at best: relaxations of packing whose answer no packing can beat.

What a unit asks of a box at the least, and what a box gives, is measured in several ways: by volume and weight; by the
area it takes of the cross-section when it is longer than half the box along an axis, whichever way it lies (two such
never lie one behind the other); by height when it covers more than half of both other edges (two such must be piled).
A set of cartons can hold the goods only if in every measure, for every subset of its types, what fits nowhere else
finds room there. A type may be measured by one thing and another by the next: no packing escapes any such sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, combinations_with_replacement, product
from typing import TypeAlias

from orderloom.packing.effort import Effort
from orderloom.packing.shapes import Box, Edges, Kind

# Multisets of cartons looked at before the bound is left as it stands: it then is lower than it could be, never wrong.
MULTISETS = 3_000
# What it takes to measure one kind in one type of carton.
MEASURING = 6
# With more kinds than this, types are weighed against one another by volume and weight alone.
FEW_KINDS = 24
# With more kinds than this they are not weighed against one another.
MOST_KINDS = 32
_SCALE = 1_000_000
# Of a measure in which a type is not asked about: nothing is asked, and nothing given.
_FORBIDDEN = 1 << 62

Asked: TypeAlias = tuple[int, ...]
# By kind and type of carton what a unit asks; by type what it gives; by kind how many units are asked about.
Measure: TypeAlias = tuple[Sequence[Sequence[int]], Sequence[int], Sequence[int]]


@lru_cache(maxsize=65_536)
def asked(kind: Kind, box: Box) -> Asked | None:
    """What one unit asks of the box at the least: volume, weight, three areas, three heights. None if it does not fit."""
    turns = box.turns_of(kind)
    if not turns or kind.weight_g > box.room_g:
        return None
    if kind.pitch:
        # Of a pile of nested units each adds no more than this.
        turns = [(t[0], t[1], kind.pitch) for t in turns]
    length, width, height = box.inner
    long = all(2 * t[0] > length for t in turns)
    wide = all(2 * t[1] > width for t in turns)
    tall = all(2 * t[2] > height for t in turns)
    return (
        kind.volume,
        kind.weight_g,
        min(t[1] * t[2] for t in turns) if long else 0,
        min(t[0] * t[2] for t in turns) if wide else 0,
        min(t[0] * t[1] for t in turns) if tall else 0,
        min(t[0] for t in turns) if wide and tall else 0,
        min(t[1] for t in turns) if long and tall else 0,
        min(t[2] for t in turns) if long and wide else 0,
    )


def given(box: Box) -> Asked:
    """What the box has to give, in the same measures."""
    length, width, height = box.inner
    return (
        box.volume,
        box.room_g,
        width * height,
        length * height,
        length * width,
        length,
        width,
        height,
    )


@lru_cache(maxsize=65_536)
def slimmest(kind: Kind, box: Box) -> Edges:
    """Along each axis the least that a unit takes of it, whichever way it lies."""
    turns = box.turns_of(kind)
    return (min([t[0] for t in turns]), min([t[1] for t in turns]), min([t[2] for t in turns]))


def _apart(kind: Kind, other: Kind, box: Box) -> bool:
    """Can a unit of each share the box? Two of them lie apart along some axis, or they overlap; nested ones do."""
    if kind.pitch and kind is other:
        return True
    (x, y, z), (u, v, w), (length, width, height) = slimmest(kind, box), slimmest(other, box), box.inner
    return x + u <= length or y + v <= width or z + w <= height


def may_hold(box: Box, kinds: Sequence[Kind], counts: Sequence[int]) -> bool:
    """Is there no plain reason why all of it could not go into this one box?"""
    first: Kind | None = None
    second: Kind | None = None
    volume = weight = across_x = across_y = across_z = along_x = along_y = along_z = 0
    for kind, units in zip(kinds, counts, strict=True):
        if units:
            wanted = asked(kind, box)
            if wanted is None:
                return False
            if first is None:
                first, second = kind, kind if units > 1 else None
            elif second is None:
                second = kind
            one_volume, one_weight, yz, xz, xy, x, y, z = wanted
            volume += one_volume * units
            weight += one_weight * units
            # Most are shorter than half of every edge, and ask for nothing more.
            if yz or xz or xy:
                across_x += yz * units
                across_y += xz * units
                across_z += xy * units
                along_x += x * units
                along_y += y * units
                along_z += z * units
    length, width, height = box.inner
    return (
        volume <= box.volume
        and weight <= box.room_g
        and across_x <= width * height
        and across_y <= length * height
        and across_z <= length * width
        and along_x <= length
        and along_y <= width
        and along_z <= height
        # Kinds stand the largest first.
        and (first is None or second is None or _apart(first, second, box))
    )


class Demand:
    """Goods and the cartons on offer, and which sets of cartons could hold them as far as the measures tell."""

    def __init__(
        self, kinds: Sequence[Kind], counts: Sequence[int], boxes: Sequence[Box], effort: Effort
    ) -> None:
        self.effort = effort
        pairs = [(kind, units) for kind, units in zip(kinds, counts, strict=True) if units]
        self.kinds = [kind for kind, _ in pairs]
        self.counts = [units for _, units in pairs]
        self.boxes = boxes
        self.asked = [[asked(kind, box) for box in boxes] for kind in self.kinds]
        self.given = [list(given(box)) for box in boxes]
        for c in range(len(boxes)):
            self._tighten(c)
        self.fits = [sum(1 << c for c, one in enumerate(row) if one is not None) for row in self.asked]
        self.types = self._undominated()
        self.generous = sorted(self.types, key=lambda c: (-boxes[c].volume, c))
        effort.spent += len(boxes) * (len(boxes) + MEASURING * len(pairs))
        self.plain: list[Measure] = [(rows, caps, self.counts) for rows, caps in self._measures()]
        self.piles: int | None = None
        self._verdicts: dict[tuple[int, ...], bool] = {}
        self._seen_closely: set[tuple[int, ...]] = set()
        self._demands: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def _tighten(self, c: int) -> None:
        """Piles end at heights that whole units make: 40 mm give 36 to what is 6 mm thick."""
        for axis in range(3):
            heights = {
                turn[axis]
                for kind, row in zip(self.kinds, self.asked, strict=True)
                if (one := row[c]) is not None and one[5 + axis]
                for turn in self.boxes[c].turns_of(kind)
            }
            if heights:
                self.given[c][5 + axis] = _reach(heights, self.boxes[c].inner[axis])

    def _undominated(self) -> list[int]:
        """Types for which no other is at least as large along every edge and as strong."""
        return [
            c
            for c, box in enumerate(self.boxes)
            if any(fits >> c & 1 for fits in self.fits)
            and not any(_dominates(other, box, earlier=d < c) for d, other in enumerate(self.boxes) if d != c)
        ]

    def _measures(self) -> list[tuple[list[list[int]], list[int]]]:
        """Each measure: by kind and type what a unit asks, and by type what it gives."""
        found = []
        for at in range(8):
            rows = [[one[at] if one else _FORBIDDEN for one in row] for row in self.asked]
            if not any(0 < much < _FORBIDDEN for row in rows for much in row):
                continue
            caps = [one[at] for one in self.given]
            found.append((rows, caps))
            if at >= 2:
                shares = [
                    [
                        much if much == _FORBIDDEN else much * _SCALE // cap
                        for much, cap in zip(row, caps, strict=True)
                    ]
                    for row in rows
                ]
                found.append((shares, [_SCALE] * len(caps)))
        return found + list(self._by_the_piece())

    def _by_the_piece(self) -> Iterator[tuple[list[list[int]], list[int]]]:
        """How many units at least as large and heavy as one kind a carton can hold."""
        numerous = sorted(range(len(self.kinds)), key=lambda k: (-self.counts[k], k))[:8]
        for k in numerous:
            caps = [self._most(k, c) for c in range(len(self.boxes))]
            alike = [int(_as_large(kind, self.kinds[k])) for kind in self.kinds]
            self.effort.spent += 2 * len(alike)
            yield [[one] * len(caps) for one in alike], caps

    def _most(self, k: int, c: int) -> int:
        """No more units of the kind, or of any larger and heavier, go into one carton of the type."""
        wanted = self.asked[k][c]
        if wanted is None:
            return 0
        most = min(cap // much for much, cap in zip(wanted, self.given[c], strict=True) if much)
        return 1 if most > 1 and not _pair_fits(self.kinds[k], self.boxes[c]) else most

    def bears(self, chosen: tuple[int, ...], *, closely: bool = False) -> bool:
        """Could these cartons hold all of it? `closely` weighs types against one another as well, which takes longer."""
        found = self._verdicts.get(chosen)
        if found is None:
            found = self._verdicts[chosen] = self._bears_each(chosen)
        if found and closely and chosen not in self._seen_closely:
            self._seen_closely.add(chosen)
            found = self._verdicts[chosen] = self._bears_piles(chosen) and self._bears_mixed(chosen)
        return found

    def _bears_each(self, chosen: tuple[int, ...], since: int = 0) -> bool:
        types = sum(1 << c for c in set(chosen))
        self.effort.spent += len(self.plain) - since
        for at in range(since, len(self.plain)):
            caps = self.plain[at][1]
            for subset, wanted in self.wanted(types, at):
                if wanted > sum(caps[c] for c in chosen if subset >> c & 1):
                    return False
        return True

    def wanted(self, types: int, at: int) -> list[tuple[int, int]]:
        """By each subset of the types, the smaller numbers first: what must find room in it by one of the measures."""
        found = self._demands.get((types, at))
        if found is None:
            rows, _, counts = self.plain[at]
            found = self._demands[types, at] = self._by_subset(types, rows, counts)
        return found

    def _by_subset(
        self, types: int, rows: Sequence[Sequence[int]], counts: Sequence[int]
    ) -> list[tuple[int, int]]:
        """By each subset of the types (a union of what kinds fit): what must find room in it."""
        inside = [c for c in self.types if types >> c & 1]
        self.effort.spent += len(counts) * len(inside) // 2
        masks = [f & types for f in self.fits]
        taking = {mask: [c for c in inside if mask >> c & 1] for mask in set(masks)}
        least = [
            min([row[c] for c in taking[mask]], default=_FORBIDDEN) * units
            for row, mask, units in zip(rows, masks, counts, strict=True)
        ]
        subsets: set[int] = set()
        for fits in taking:
            subsets |= {fits} | {fits | subset for subset in subsets}
        self.effort.spent += 2 + len(counts) * len(subsets) // 4
        return [
            (
                subset,
                sum([much for much, mask in zip(least, masks, strict=True) if mask | subset == subset]),
            )
            for subset in sorted(subsets)
        ]

    def _bears_piles(self, chosen: tuple[int, ...]) -> bool:
        if self.piles is None:
            self.piles = len(self.plain)
            self.plain += list(self._by_pile())
        return self._bears_each(chosen, self.piles)

    def _by_pile(self) -> Iterator[Measure]:
        """One unit of a kind that lies beside its like, upon those that leave it no room beside them."""
        if len(self.kinds) > FEW_KINDS:
            return
        for axis in range(3):
            for k in range(len(self.kinds)):
                if self.effort.over:
                    return
                self.effort.spent += len(self.kinds) * len(self.boxes)
                rows = [
                    [self._piled(i, k, c, axis) for c in range(len(self.boxes))]
                    for i in range(len(self.kinds))
                ]
                if sum(any(0 < much < _FORBIDDEN for much in row) for row in rows) > 1:
                    units = list(self.counts)
                    units[k] = 1
                    yield rows, [box.inner[axis] for box in self.boxes], units

    def _piled(self, i: int, k: int, c: int, axis: int) -> int:
        """What a unit of kind i adds to a pile with one unit of kind k."""
        wanted = self.asked[i][c]
        if wanted is None:
            return _FORBIDDEN
        if self.asked[k][c] is None:
            return 0
        box = self.boxes[c]
        if i == k:
            return 0 if wanted[5 + axis] else min(turn[axis] for turn in box.turns_of(self.kinds[k]))
        if not wanted[5 + axis] or not _exclusive(self.kinds[i], self.kinds[k], box, axis):
            return 0
        return wanted[5 + axis]

    def _bears_mixed(self, chosen: tuple[int, ...]) -> bool:
        """Two types weighed against one another: what is light in the one may be what the other has no room for."""
        types = sorted(set(chosen))
        if len(types) < 2 or len(self.kinds) > MOST_KINDS:
            return True
        wide = range(8) if len(self.kinds) <= FEW_KINDS else range(2)
        for one, other in combinations(types, 2):
            rest = [c for c in types if c not in {one, other}]
            if rest:
                continue
            for p, q in product(wide, wide):
                if self.effort.over:
                    return True
                if p != q and self._too_much(chosen, (one, p), (other, q)):
                    return False
        return True

    def _too_much(self, chosen: tuple[int, ...], one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Is there a price for each measure at which the goods ask more than the cartons give?"""
        (a, p), (b, q) = one, other
        room_a, room_b = (
            self.given[a][p] * sum(c == a for c in chosen),
            self.given[b][q] * sum(c == b for c in chosen),
        )
        asks = []
        for row, units in zip(self.asked, self.counts, strict=True):
            left, right = row[a], row[b]
            asks.append((left[p] * units if left else None, right[q] * units if right else None))
        prices = {(y, x) for x, y in asks if x and y}
        self.effort.spent += len(asks) * (2 + len(prices)) // 4
        for price_a, price_b in prices:
            wanted = 0
            for x, y in asks:
                if x is None:
                    wanted += price_b * (y or 0)
                elif y is None:
                    wanted += price_a * x
                else:
                    wanted += min(price_a * x, price_b * y)
            if wanted > price_a * room_a + price_b * room_b:
                return True
        return False

    def sets_of(self, size: int) -> Iterator[tuple[int, ...]]:
        """The sets of so many cartons that could hold it."""
        for chosen in combinations_with_replacement(self.types, size):
            if self.in_stock(chosen) and self.bears(chosen, closely=True):
                yield chosen

    def in_stock(self, chosen: tuple[int, ...]) -> bool:
        """Are there so many of each?"""
        return all(
            (stock := self.boxes[c].stock) is None
            or sum(self.boxes[d].twin == self.boxes[c].twin for d in chosen) <= stock
            for c in set(chosen)
        )


def lower_bound(demand: Demand, *, closely: bool = False, known: int = 0) -> int:
    """The least number of cartons that could hold it, as far as the effort lets it be known; everything fits some box."""
    least, tried = max(known, _to_begin_with(demand)), 0
    units = sum(demand.counts)
    while least < units:
        # The largest first: they hold it if any do.
        for chosen in combinations_with_replacement(demand.generous, least):
            if demand.in_stock(chosen) and demand.bears(chosen, closely=closely):
                return least
            tried += 1
            if tried >= MULTISETS or demand.effort.over:
                return least
        least += 1
    return units


def _to_begin_with(demand: Demand) -> int:
    """Each measure by itself, with every carton taken as the most generous in it."""
    least = 1 if demand.kinds else 0
    every = sum(1 << c for c in demand.types)
    for at, (_, caps, _) in enumerate(demand.plain):
        cap = max(caps[c] for c in demand.types)
        if cap:
            # The last of the subsets is all of the types, and takes all of the goods.
            least = max(least, -(-demand.wanted(every, at)[-1][1] // cap))
    return least


def _reach(heights: set[int], limit: int) -> int:
    """The greatest sum of these heights, each any number of times, that is not above the limit."""
    sums, mask = 1, (1 << (limit + 1)) - 1
    for height in heights:
        step = height
        while step <= limit:
            sums |= sums << step & mask
            step *= 2
    return sums.bit_length() - 1


def _dominates(one: Box, other: Box, *, earlier: bool) -> bool:
    """Does whatever goes into the other go into this one just so?"""
    if one.soft != other.soft or one.stock is not None or one.room_g < other.room_g:
        return False
    if any(mine < its for mine, its in zip(one.inner, other.inner, strict=True)):
        return False
    return earlier or (one.room_g, one.inner) != (other.room_g, other.inner)


def _as_large(kind: Kind, other: Kind) -> bool:
    """Wherever a unit of this kind lies, in a box or squeezed in a bag, could one of the other lie?"""
    if kind is other or kind.pitch or other.pitch or kind.volume < other.volume:
        return kind is other
    if kind.weight_g < other.weight_g or not _over(kind.turns, other.turns):
        return False
    unsqueezed = kind.soft_turns == kind.turns and other.soft_turns == other.turns
    return unsqueezed or _over(kind.soft_turns, other.soft_turns)


def _over(turns: Sequence[Edges], others: Sequence[Edges]) -> bool:
    return all(any(t[0] >= o[0] and t[1] >= o[1] and t[2] >= o[2] for o in others) for t in turns)


def _exclusive(kind: Kind, other: Kind, box: Box, axis: int) -> bool:
    """Can a unit of each never lie beside one another across the axis, however they are turned?"""
    if kind.pitch or other.pitch:
        return False
    mine, theirs = slimmest(kind, box), slimmest(other, box)
    return all(mine[a] + theirs[a] > box.inner[a] for a in range(3) if a != axis)


def _pair_fits(kind: Kind, box: Box) -> bool:
    """Can two units of a kind share the box?"""
    return 2 * kind.weight_g <= box.room_g and _apart(kind, kind, box)
