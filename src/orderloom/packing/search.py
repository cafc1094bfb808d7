"""The search for the fewest cartons: one if any will do, else greedily carton by carton in several ways, within effort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count, product
from typing import NamedTuple

from orderloom.packing.bound import Burden, lower_bound
from orderloom.packing.fill import Block, Edges, Fill, Kind, Listing, Taste, fill

# With more kinds than this every look at every kind costs too much: only the frugal taste is tried.
MANY_KINDS = 80
# How far a numbered list strays from the plain order: up to this many 64ths.
SPREAD = (16, 64, 192)


class Box(NamedTuple):
    """A carton as the search sees it."""

    inner: Edges
    room_g: int
    volume: int

    def turns_of(self, kind: Kind) -> list[Edges]:
        """The orientations in which one unit goes in."""
        length, width, height = self.inner
        return [t for t in kind.turns if t[0] <= length and t[1] <= width and t[2] <= height]

    def admits(self, kind: Kind) -> bool:
        """Is it large enough for one unit?"""
        length, width, height = self.inner
        return any(t[0] <= length and t[1] <= width and t[2] <= height for t in kind.turns)

    def takes(self, kind: Kind) -> bool:
        """Is it large and strong enough for one unit?"""
        return kind.weight_g <= self.room_g and self.admits(kind)


class Packing(NamedTuple):
    """Boxes by their place in the list offered, each with its blocks; blocks name kinds by their place in `kinds`."""

    kinds: tuple[Kind, ...]
    boxes: tuple[tuple[int, tuple[Block, ...]], ...]
    lower_bound: int
    effort: int


class _Question(NamedTuple):
    kinds: tuple[Kind, ...]
    boxes: tuple[Box, ...]
    fits: tuple[int, ...]  # by kind, the boxes that take one unit, as bits
    tastes: tuple[Taste, ...]


Filled = tuple[int, Fill]


@lru_cache(maxsize=8_192)
def search(
    kinds: tuple[Kind, ...], counts: tuple[int, ...], boxes: tuple[Box, ...], *, effort: int, upright: bool
) -> Packing:
    """Pack all of it. Every kind fits some box (the caller has seen to that); `boxes` stand in order of preference."""
    fits = tuple(sum(1 << at for at, box in enumerate(boxes) if box.takes(kind)) for kind in kinds)
    tastes = tuple(Taste) if len(kinds) <= MANY_KINDS else (Taste.UNIT,)
    question = _Question(kinds, boxes, fits, tastes)
    single, spent = _into_one(question, counts)
    if single is None:
        single, spent = _into_one_by_trying(question, counts, effort // 2, spent)
    if single is not None:
        return Packing(kinds, ((single[0], tuple(single[1].blocks)),), 1, spent)
    least = lower_bound(_burdens(question, counts, upright=upright), _rooms(boxes, upright=upright))
    best, spent = _into_several(question, counts, least, effort, spent)
    best, spent = _into_smaller(question, best, spent)
    return Packing(kinds, tuple((at, tuple(filled.blocks)) for at, filled in best), least, spent)


# --- one box ----------------------------------------------------------------------------------------------------


def _able(question: _Question, counts: Sequence[int]) -> list[int]:
    """The boxes that would take everything if it were water."""
    volume = weight = 0
    common = -1
    for kind, units, fitting in zip(question.kinds, counts, question.fits, strict=True):
        if units:
            volume += kind.volume * units
            weight += kind.weight_g * units
            common &= fitting
    return [
        at
        for at, box in enumerate(question.boxes)
        if common >> at & 1 and volume <= box.volume and weight <= box.room_g
    ]


def _into_one(question: _Question, counts: Sequence[int]) -> tuple[Filled | None, int]:
    """The first box that takes everything, if one does, and the effort of finding out."""
    effort = 0
    for at in _able(question, counts):
        box = question.boxes[at]
        for taste in question.tastes:
            filled = fill(box.inner, box.room_g, question.kinds, counts, taste)
            effort += filled.effort
            if not any(filled.left):
                return (at, filled), effort
    return None, effort


def _into_one_by_trying(
    question: _Question, counts: Sequence[int], budget: int, effort: int
) -> tuple[Filled | None, int]:
    """The same by varied lists, largest box first, until the effort is spent."""
    able = [(at, question.boxes[at]) for at in _able(question, counts)]
    able.sort(key=lambda pair: (-pair[1].volume, pair[0]))
    number = 0
    while able and effort < budget:
        at, box = able[number % len(able)]
        filled = fill(
            box.inner, box.room_g, question.kinds, counts, listing(question.kinds, number // len(able))
        )
        effort += filled.effort
        if not any(filled.left):
            return (at, filled), effort
        number += 1
    return None, effort


# --- several ----------------------------------------------------------------------------------------------------


def _into_several(
    question: _Question, counts: Sequence[int], least: int, budget: int, effort: int
) -> tuple[list[Filled], int]:
    """Greedy in each way in turn, until one meets the bound or the effort is spent; the first is always run."""
    best: list[Filled] = []
    for scarce_first, taste in _ways(question):
        if best and effort >= budget:
            break
        filled = list(_greedily(question, counts, taste, scarce_first=scarce_first))
        effort += sum(one.effort for _, one in filled)
        if not best or len(filled) < len(best):
            best = filled
        if len(best) <= least:
            break
    return best, effort


def _ways(question: _Question) -> Iterator[tuple[bool, Taste | Listing]]:
    """First every taste, then lists without end."""
    yield from product((False, True), question.tastes)
    for number in count():
        yield number % 2 == 1, listing(question.kinds, number)


def _greedily(
    question: _Question, counts: Sequence[int], taste: Taste | Listing, *, scarce_first: bool
) -> Iterator[Filled]:
    """Box after box, each time the one that takes most of what is left."""
    kinds, boxes, fits, _ = question
    left = list(counts)
    while any(left):
        chosen = _candidates(fits, left, scarce_first=scarce_first)
        at, filled = _fullest(
            kinds, [(at, box) for at, box in enumerate(boxes) if chosen >> at & 1], left, taste
        )
        left = filled.left
        yield at, filled


def _candidates(fits: Sequence[int], left: Sequence[int], *, scarce_first: bool) -> int:
    """The boxes to look at: those that take any unit left, or those that take the kind with the fewest to choose from."""
    wanted = [fitting for fitting, count in zip(fits, left, strict=True) if count]
    if scarce_first:
        return min(wanted, key=lambda fitting: (fitting.bit_count(), fitting))
    union = 0
    for fitting in wanted:
        union |= fitting
    return union


def _fullest(
    kinds: Sequence[Kind], boxes: Sequence[tuple[int, Box]], left: Sequence[int], taste: Taste | Listing
) -> Filled:
    best: Filled | None = None
    spent = 0
    for at, box in sorted(boxes, key=lambda pair: (-pair[1].volume, pair[0])):
        if best is not None and best[1].volume >= box.volume:
            break
        filled = fill(box.inner, box.room_g, kinds, left, taste)
        spent += filled.effort
        if best is None or filled.volume > best[1].volume:
            best = (at, filled)
    if best is None or not best[1].blocks:
        msg = "a unit that fits an empty box was not laid into one"
        raise AssertionError(msg)
    best[1].effort = spent
    return best


def _into_smaller(question: _Question, filled: list[Filled], effort: int) -> tuple[list[Filled], int]:
    """Each box's contents into the first box of the list that takes them: the greedy way chose by room alone."""
    smaller = []
    for at, one in filled:
        contents = [0] * len(question.kinds)
        for block in one.blocks:
            contents[block.kind] += block.units
        better, spent = _into_one(question._replace(boxes=question.boxes[:at]), contents)
        effort += spent
        smaller.append((at, one) if better is None else better)
    return smaller, effort


# --- lists ------------------------------------------------------------------------------------------------------


def listing(kinds: Sequence[Kind], number: int) -> Listing:
    """The numbered variation of the list that puts the largest base first. Always the same for the same number."""
    state = number + 1
    weighed = []
    for index, kind in enumerate(kinds):
        for turn in kind.turns:
            state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) & 0xFFFF_FFFF_FFFF_FFFF
            spread = 64 + (state >> 40) % SPREAD[number % len(SPREAD)]
            weighed.append((-turn[0] * turn[1] * spread, index, turn))
    weighed.sort()
    return tuple((index, turn) for _, index, turn in weighed)


# --- what the bound is told -------------------------------------------------------------------------------------


def _rooms(boxes: Sequence[Box], *, upright: bool) -> list[tuple[int, int, int, int]]:
    return [(box.volume, box.room_g, box.inner[2] if upright else 0, 1) for box in boxes]


def _burdens(question: _Question, counts: Sequence[int], *, upright: bool) -> list[Burden]:
    burdens = []
    for kind, units, fits in zip(question.kinds, counts, question.fits, strict=True):
        inside = [box for at, box in enumerate(question.boxes) if fits >> at & 1]
        length, width, height = kind.turns[0]
        # When its smaller side exceeds half the longer side of every base, two of them must stand one on the other.
        towers = upright and all(2 * min(length, width) > max(box.inner[:2]) for box in inside)
        solo = not any(_pair_fits(kind, box) for box in inside)
        burdens.append(
            Burden(
                fits,
                (
                    kind.volume * units,
                    kind.weight_g * units,
                    height * units if towers else 0,
                    units if solo else 0,
                ),
            )
        )
    return burdens


def _pair_fits(kind: Kind, box: Box) -> bool:
    """Can two units of a kind share the box? Two boxes lie apart along some axis, or they overlap."""
    if 2 * kind.weight_g > box.room_g:
        return False
    length, width, height = box.inner
    turns = box.turns_of(kind)
    return any(
        a[0] + b[0] <= length or a[1] + b[1] <= width or (a[2] + b[2] <= height) for a in turns for b in turns
    )
