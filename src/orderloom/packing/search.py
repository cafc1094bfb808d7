"""The search for the fewest cartons: one if any will do, else greedily in several ways, then one fewer, within effort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count, islice, permutations, product
from typing import NamedTuple

from orderloom.packing.bound import Demand, lower_bound, may_hold
from orderloom.packing.effort import Effort
from orderloom.packing.fill import Fill, Listing, Taste, fill
from orderloom.packing.pallet import patterns
from orderloom.packing.pile import in_line
from orderloom.packing.shapes import FREE, Block, Box, Edges, Kind, Rules

# With more kinds than this every look at every kind costs too much: only the frugal taste is tried.
MANY_KINDS = 80
# What it takes to begin with a question.
READING = 16
# How far a numbered list strays from the plain order: up to this many 64ths.
SPREAD = (16, 64, 192)
# Of one number of cartons, so many sets are tried, each in so many orders.
SETS, ORDERS = 12, 6
# From so many kinds on the whole effort is worth spending: fewer have far fewer ways of lying.
ENOUGH_KINDS = 6
# With more than this an eighth of it is: a box filled takes longer, and variations find less.
SEVERAL_KINDS = 24
_TASTES = tuple(Taste)


class Packing(NamedTuple):
    """Boxes by their place in the list offered, each with its blocks and what axis is up while it is packed.

    Blocks name kinds by their place in `kinds`.

    `left` is what went into none: the cartons were at their end, or what must stay together is too much for one.
    """

    kinds: tuple[Kind, ...]
    boxes: tuple[tuple[int, tuple[Block, ...], int], ...]
    lower_bound: int
    effort: int
    left: tuple[int, ...]


class _Question(NamedTuple):
    kinds: tuple[Kind, ...]
    boxes: tuple[Box, ...]
    fits: tuple[int, ...]  # by kind, the boxes that take one unit, as bits
    tastes: tuple[Taste, ...]
    rules: Rules
    effort: Effort
    turns: dict[int, list[list[Edges]]]  # by box, once it was filled, the orientations of each kind


Filled = tuple[int, Fill]


# A kilobyte each: what routing packed is not packed again at release, though many orders come between.
@lru_cache(maxsize=32_768)
def search(
    kinds: tuple[Kind, ...],
    counts: tuple[int, ...],
    boxes: tuple[Box, ...],
    *,
    effort: int,
    rules: Rules = FREE,
) -> Packing:
    """Pack all of it. Every kind fits some box (the caller has seen to that); `boxes` stand in order of preference.

    One greedy packing is made whatever the effort; nothing else begins when that is spent.
    """
    tastes = _TASTES if len(kinds) <= MANY_KINDS else _TASTES[:1]
    work = Effort(effort, READING + len(kinds) * len(boxes))
    question = _Question(kinds, boxes, (), tastes, rules, work, {})
    able: list[int] = []
    for at in _able(question, range(len(boxes)), counts):
        if not able and not rules.caps and not rules.bars:
            blocks = in_line(boxes[at], kinds, counts, rules.support)
            if blocks:
                return Packing(kinds, ((at, tuple(blocks), 2),), 1, work.spent, (0,) * len(counts))
        single = _into_one(question, counts, (at,), tastes[:1])
        if single is not None:
            better = _into_one(question, counts, able, tastes[1:])
            return _packing(question, [better or single], 1, single[1].left)
        able.append(at)
    fits = tuple(sum(1 << at for at, box in enumerate(boxes) if box.takes(kind)) for kind in kinds)
    question = question._replace(fits=fits)
    least = max(1 if able else 2, _apart(rules, counts))
    best = list(_greedily(question, counts, tastes[0], scarce_first=False))
    if _worth(best) > (0, least):
        demand = Demand(kinds, counts, boxes, work)
        least = max(least, lower_bound(demand))
        if least == 1:
            single = _into_one(question, counts, able, tastes[1:])
            if single is not None:
                return _packing(question, [single], 1, single[1].left)
        best = _into_several(question, counts, best, max(least, 2))
        if len(best) > least and not any(_left(best, counts)):
            least = max(least, lower_bound(demand, closely=True, known=least))
            if len(best) > least and len(kinds) == 1 and rules == FREE:
                best = _by_pattern(question, counts, best)
            best = _into_fewer(question, demand, best, least, counts)
    left = _left(best, counts)
    if any(left):
        least = min(least, len(best))
    return _packing(question, _into_smaller(question, best), least, left)


def _packing(question: _Question, best: Sequence[Filled], least: int, left: Sequence[int]) -> Packing:
    return Packing(
        question.kinds,
        tuple((at, tuple(filled.blocks), filled.up) for at, filled in best),
        least,
        question.effort.spent,
        tuple(left),
    )


def _able(question: _Question, boxes: Iterable[int], counts: Sequence[int]) -> Iterator[int]:
    """Of these boxes those for which nothing plain says that they could not hold it all."""
    kinds, every = question.kinds, question.boxes
    volume = weight = 0
    for kind, units in zip(kinds, counts, strict=True):
        volume += kind.volume * units
        weight += kind.weight_g * units
    for at in boxes:
        box = every[at]
        if volume <= box.volume and weight <= box.room_g and box.stock != 0 and may_hold(box, kinds, counts):
            yield at


def _apart(rules: Rules, counts: Sequence[int]) -> int:
    """So many boxes at least, since of these kinds no two may share one."""
    found: list[int] = []
    for index, bars in enumerate(rules.bars):
        if counts[index] and all(bars >> other & 1 for other in found):
            found.append(index)
    return len(found)


# --- one box ----------------------------------------------------------------------------------------------------


def _filled(
    question: _Question,
    at: int,
    counts: Sequence[int],
    taste: Taste | Listing,
    *,
    by_item: bool = False,
    whole: bool = False,
) -> Fill:
    """The box filled, without groups of which only a part would come in."""
    kinds, box, rules = question.kinds, question.boxes[at], question.rules
    turns = question.turns.get(at)
    if turns is None:
        turns = question.turns[at] = [box.turns_of(kind) for kind in kinds]
    without = 0
    while True:
        filled = fill(
            box, kinds, counts, taste, rules=rules, by_item=by_item, without=without, whole=whole, turns=turns
        )
        question.effort.spent += filled.effort
        groups = () if whole else rules.groups
        torn = next((group for group in groups if _torn(group, counts, filled.left)), 0)
        if not torn:
            return filled
        without |= torn


def _torn(group: int, counts: Sequence[int], left: Sequence[int]) -> bool:
    members = [index for index in range(len(counts)) if group >> index & 1]
    remain = sum(left[index] for index in members)
    return 0 < remain < sum(counts[index] for index in members)


def _into_one(
    question: _Question, counts: Sequence[int], able: Iterable[int], tastes: Sequence[Taste]
) -> Filled | None:
    """The first box that takes everything, if one does."""
    for at in able:
        for taste in tastes:
            if question.effort.over:
                return None
            filled = _filled(question, at, counts, taste, whole=True)
            if not any(filled.left):
                return (at, filled)
    return None


# --- several ----------------------------------------------------------------------------------------------------


def _into_several(question: _Question, counts: Sequence[int], best: list[Filled], least: int) -> list[Filled]:
    """Greedy in each of the other ways in turn, until one meets the bound or half the effort is spent."""
    ways = islice(product((False, True), question.tastes), 1, None)
    for scarce_first, taste in ways:
        if _worth(best) <= (0, least) or 2 * question.effort.spent >= question.effort.most:
            break
        filled = list(_greedily(question, counts, taste, scarce_first=scarce_first))
        if _worth(filled) < _worth(best):
            best = filled
    return best


def _worth(filled: Sequence[Filled]) -> tuple[int, int]:
    """What was left over comes before the number of boxes."""
    return (sum(filled[-1][1].left) if filled else 1 << 60, len(filled))


def _left(filled: Sequence[Filled], counts: Sequence[int]) -> Sequence[int]:
    return filled[-1][1].left if filled else counts


def _by_pattern(question: _Question, counts: Sequence[int], best: list[Filled]) -> list[Filled]:
    """Like units by patterns, in the boxes that take most of them, if that is fewer boxes."""
    kind = question.kinds[0]
    ways = []
    for at, box in enumerate(question.boxes):
        found = () if question.effort.over else patterns(kind, box, question.effort)
        if found and box.stock is None:
            most = min(len(found[0][1]), box.room_g // kind.weight_g if kind.weight_g else len(found[0][1]))
            ways.append((most, -at, found[0]))
    if not ways:
        return best
    most, at, (up, laid) = max(ways)
    filled, left = [], counts[0]
    while left:
        units = min(most, left)
        left -= units
        one = Fill(question.boxes[-at].inner, 0, question.kinds, [left], Taste.UNIT, question.rules, up=up)
        one.blocks = [
            Block(0, *corner, edges=edges, grid=(1, 1, 1), pitch=edges[2]) for corner, edges in laid[:units]
        ]
        filled.append((-at, one))
    return filled if len(filled) < len(best) else best


def _into_fewer(
    question: _Question, demand: Demand, best: list[Filled], least: int, counts: Sequence[int]
) -> list[Filled]:
    """One box fewer, and again, by varied lists in the sets of cartons that the bound allows, until the effort is spent."""
    work, few = question.effort, min(len(question.kinds), ENOUGH_KINDS)
    # An eighth is kept for smaller boxes.
    affordable = max(work.most * 7 // 8 - work.spent, 0) * few**2 // ENOUGH_KINDS**2
    if len(question.kinds) > SEVERAL_KINDS:
        affordable = affordable // 8
    until = work.spent + affordable
    while len(best) > least and work.spent < until:
        ways = [
            order
            for chosen in islice(demand.sets_of(len(best) - 1), SETS)
            for order in dict.fromkeys(islice(permutations(chosen), ORDERS))
        ]
        found = None
        for turn in count() if ways else ():
            number, way = divmod(turn, len(ways))
            listed = listing(question.kinds, number // 2)
            found = _into_these(question, counts, ways[way], listed, by_item=number % 2 == 1)
            if found is not None or work.spent >= until:
                break
        if found is None:
            break
        best = found
    return best


def _into_these(
    question: _Question, counts: Sequence[int], order: Sequence[int], listed: Listing, *, by_item: bool
) -> list[Filled] | None:
    """Everything into these boxes, one after the other, if it goes in; each before the last takes what only it can first."""
    left: Sequence[int] = counts
    filled: list[Filled] = []
    goods = sum(kind.volume * units for kind, units in zip(question.kinds, counts, strict=True))
    room = sum(question.boxes[at].volume for at in order)
    for step, at in enumerate(order):
        # A list is written anew for each box before the last.
        question.effort.spent += len(listed) // 2 + len(counts) // 4
        later = 0
        for other in order[step + 1 :]:
            later |= 1 << other
        now = later | 1 << at
        if any(units and not fits & now for units, fits in zip(left, question.fits, strict=True)):
            return None
        mine = listed
        if later:
            mine = tuple(sorted(listed, key=lambda pair: bool(question.fits[pair[0]] & later)))
        one = _filled(question, at, left, mine, by_item=by_item, whole=not later)
        left = one.left
        filled.append((at, one))
        goods -= one.volume
        room -= question.boxes[at].volume
        if not goods and not any(left):
            return filled
        if goods > room:
            return None
    return None


def _greedily(
    question: _Question, counts: Sequence[int], taste: Taste | Listing, *, scarce_first: bool
) -> Iterator[Filled]:
    """Box after box, each time the one that takes most of what is left, until nothing is or no box takes any."""
    left = list(counts)
    used: Counter[int] = Counter()
    while any(left):
        chosen = _candidates(question.fits, left, scarce_first=scarce_first)
        best = _fullest(question, chosen, left, taste, used)
        if best is None and scarce_first:
            best = _fullest(question, _candidates(question.fits, left, scarce_first=False), left, taste, used)
        if best is None:
            return
        used[question.boxes[best[0]].twin] += 1
        left = best[1].left
        yield best


def _candidates(fits: Sequence[int], left: Sequence[int], *, scarce_first: bool) -> int:
    """The boxes to look at: those that take any unit left, or those that take the kind with the fewest to choose from."""
    wanted = [fitting for fitting, units in zip(fits, left, strict=True) if units]
    if scarce_first:
        return min(wanted, key=lambda fitting: (fitting.bit_count(), fitting))
    union = 0
    for fitting in wanted:
        union |= fitting
    return union


def _fullest(
    question: _Question, chosen: int, left: Sequence[int], taste: Taste | Listing, used: Counter[int]
) -> Filled | None:
    best: Filled | None = None
    boxes = [
        (at, box)
        for at, box in enumerate(question.boxes)
        if chosen >> at & 1 and (box.stock is None or used[box.twin] < box.stock)
    ]
    for at, box in sorted(boxes, key=lambda pair: (-pair[1].volume, pair[0])):
        if best is not None and best[1].volume >= box.volume:
            break
        filled = _filled(question, at, left, taste)
        if filled.blocks and (best is None or filled.volume > best[1].volume):
            best = (at, filled)
            if not any(filled.left):
                break
    return best


def _into_smaller(question: _Question, filled: list[Filled]) -> list[Filled]:
    """Each box's contents into the first box of the list that takes them: the greedy way chose by room alone."""
    if len(filled) < 2:
        return filled
    smaller: list[Filled] = []
    used = Counter(question.boxes[at].twin for at, _ in filled)
    for at, one in filled:
        contents = [0] * len(question.kinds)
        for block in one.blocks:
            contents[block.kind] += block.units
        free = [
            b for b, box in enumerate(question.boxes[:at]) if box.stock is None or used[box.twin] < box.stock
        ]
        able = _able(question, free, contents)
        question.effort.spent += len(question.kinds)
        better = _into_one(question, contents, able, question.tastes)
        if better is not None:
            used[question.boxes[at].twin] -= 1
            used[question.boxes[better[0]].twin] += 1
        smaller.append((at, one) if better is None else better)
    return smaller


# --- lists ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def listing(kinds: tuple[Kind, ...], number: int) -> Listing:
    """The numbered variation of a list: largest base, heaviest for its size, or largest first. Always the same."""
    state = number + 1
    weighed = []
    by, lying = number % 3, number // 3 % 3
    spread_by = SPREAD[number // 9 % len(SPREAD)]
    for index, kind in enumerate(kinds):
        spread = 64
        for at, turn in enumerate(kind.turns):
            if at == 0 or lying == 0:
                state = (
                    state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407
                ) & 0xFFFF_FFFF_FFFF_FFFF
                spread = 64 + (state >> 40) % spread_by
            worth = kind.volume
            if by == 0:
                worth = turn[0] * turn[1]
            elif by == 1:
                worth = kind.weight_g * 1_000_000 // kind.volume
            weighed.append((-worth * spread, -turn[lying - 1] if lying else 0, index, turn))
    weighed.sort()
    return tuple((index, turn) for _, _, index, turn in weighed)
