"""The least sum over nodes where few contents are possible: every content a node could ship, priced in truth (pure).

What is wanted is cut into contents, and each content goes from the node that ships it for least: a recursion over what
is still wanted, in which the next content holds the first item left. A cut that would use one node twice is no plan;
then one of its two contents is denied to the node, one search for each, the lower first, until the least that is left
is a plan. Nothing is taken for granted of costs: more may cost less. Floors only save pricing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

from orderloom.routing.search import NEVER, SHIFT, SHIPMENT, Answer, Costs, Found, Question, Units

# Bits for the units of one item, the topmost of them a guard that tells whether one content holds another.
_FIELD = 12
# Cuts looked at per counted step.
_CUTS_A_STEP = 16
# Contents and cuts beyond which the search over sets of nodes is the better one.
_CONTENTS_MOST = 4_096
_CUTS_MOST = 60_000
_UNITS_MOST = (1 << (_FIELD - 1)) - 1
# Nodes that are kept from shipping twice, at most: each may double the work.
_ONCE_MOST = 12

# Units packed into one number.
Content: TypeAlias = int
# What a cut costs, and its parts: nodes with contents.
Cut: TypeAlias = tuple[int, tuple[tuple[int, Content], ...]]


def suits(question: Question, *, effort: int) -> bool:
    """Whether the contents are few enough."""
    if question.counted_most is not None or any(map(any, question.bound)):
        return False
    contents = cuts = 1
    for units in question.wanted:
        if units > _UNITS_MOST:
            return False
        contents *= units + 1
        cuts *= (units + 1) * (units + 2) // 2
    return contents <= _CONTENTS_MOST and cuts <= min(_CUTS_MOST, effort * _CUTS_A_STEP)


class Lattice:
    """One question, with everything priced on the way."""

    def __init__(self, question: Question, costs: Costs, *, effort: int) -> None:
        self._q, self._costs, self._effort = question, costs, effort
        self._items = [item for item, units in enumerate(question.wanted) if units]
        self._guards = sum(1 << (_FIELD * at + _FIELD - 1) for at in range(len(self._items)))
        self._stock = [self._packed(stock) for stock in question.stock]
        self._wanted = self._packed(question.wanted)
        self._units: dict[Content, Units] = {}
        self._priced: dict[Content, list[tuple[int, int]]] = {}
        self._contents: list[list[Content]] | None = None
        self._lows: list[int] = []
        self.steps = 0

    # --- answers --------------------------------------------------------------------------------------------------

    def best(self) -> Answer:
        """The least plan."""
        return self._resolved(None)

    def without(self, node: int) -> Answer:
        """The least plan that does without the node."""
        return self._resolved(node)

    def _resolved(self, denied: int | None) -> Answer:
        before = self.steps
        single = self._single(denied)
        if self._q.most == 1 or (single is not None and self._two(denied) >= single.value):
            return Answer(single, single.cost if single else 0, proven=True, steps=self.steps - before)
        lows = self._item_lows(denied)
        once: list[int] = []
        while True:
            cut = self._cut(lows, denied, once)
            if cut is None:
                return Answer(single, single.cost if single else 0, proven=True, steps=self.steps - before)
            again = _twice(cut[1])
            if not again:
                parts = tuple(sorted((node, self._unpacked(content)) for node, content in cut[1]))
                best = Found(cut[0], parts)
                return Answer(best, best.cost, proven=True, steps=self.steps - before)
            if self.steps >= self._effort or len(once) >= _ONCE_MOST:
                return Answer(single, cut[0] >> SHIFT, proven=False, steps=self.steps - before)
            once += again

    def _single(self, denied: int | None) -> Found | None:
        """Everything from one node."""
        for value, node in self._ranked(self._wanted):
            if node != denied:
                return Found(value, ((node, self._q.wanted),))
        return None

    def _two(self, denied: int | None) -> int:
        """No plan of two parts or more costs less: the two nodes whose parts can be had for least."""
        least = sorted(low for node, low in enumerate(self._openings()) if node != denied)[:2]
        return sum(least) if len(least) == 2 else NEVER

    def _openings(self) -> Sequence[int]:
        """By node, the least any part of it costs."""
        if not self._lows:
            costs = self._costs
            self._lows = [
                ((fixed + costs.opening(node) + min(costs.each[node], default=0)) << SHIFT) + SHIPMENT + node
                for node, fixed in enumerate(costs.fixed)
            ]
        return self._lows

    # --- contents -------------------------------------------------------------------------------------------------

    def _packed(self, units: Sequence[int]) -> Content:
        return sum(
            min(units[item], self._q.wanted[item]) << _FIELD * at for at, item in enumerate(self._items)
        )

    def _unpacked(self, content: Content) -> Units:
        found = self._units.get(content)
        if found is None:
            units = [0] * len(self._q.wanted)
            mask = (1 << _FIELD) - 1
            for at, item in enumerate(self._items):
                units[item] = content >> _FIELD * at & mask
            found = self._units[content] = tuple(units)
        return found

    def _ranked(self, content: Content) -> list[tuple[int, int]]:
        """What the content costs from each node that has it, the cheapest first."""
        priced = self._priced.get(content)
        if priced is None:
            priced = self._priced[content] = self._price(content)
        return priced

    def _price(self, content: Content) -> list[tuple[int, int]]:
        guards = self._guards
        holders = [
            node for node, has in enumerate(self._stock) if ((has | guards) - content) & guards == guards
        ]
        if not holders:
            return []
        units = self._unpacked(content)
        if self._q.units_most:
            total, most = sum(units), self._q.units_most
            holders = [node for node in holders if (limit := most[node]) is None or total <= limit]
        self.steps += 1
        costs = self._costs.totals(units, holders)
        return sorted(
            ((cost << SHIFT) + SHIPMENT + node, node)
            for node, cost in zip(holders, costs, strict=True)
            if cost is not None
        )

    def _available(self) -> list[list[Content]]:
        """By first item, every content that some node has, the fullest first."""
        if self._contents is None:
            found: set[Content] = set()
            for stock in set(self._stock):
                mask = (1 << _FIELD) - 1
                ranges = [
                    [n << _FIELD * at for n in range((stock >> _FIELD * at & mask) + 1)]
                    for at in range(len(self._items))
                ]
                found.update(map(sum, product(*ranges)))
            found.discard(0)
            by_first: list[list[Content]] = [[] for _ in self._items]
            for content in found:
                by_first[_first(content)].append(content)
            for contents in by_first:
                contents.sort(key=lambda content: (-sum(self._unpacked(content)), content))
            self._contents = by_first
        return self._contents

    def _item_lows(self, denied: int | None) -> list[int]:
        """By item, the least a part with some of it costs."""
        openings = self._openings()
        lows = []
        unit = [0] * len(self._q.wanted)
        for at, item in enumerate(self._items):
            unit[item] = 1
            one, least = tuple(unit), NEVER
            shift = _FIELD * at
            for node, stock in enumerate(self._stock):
                if stock >> shift & _UNITS_MOST and openings[node] < least and node != denied:
                    floor = (
                        self._costs.floor(node, one) + self._costs.fixed[node] + self._costs.each[node][item]
                    )
                    least = min(least, (floor << SHIFT) + SHIPMENT + node)
            unit[item] = 0
            lows.append(least)
        return lows

    # --- cuts -----------------------------------------------------------------------------------------------------

    def _cut(self, lows: Sequence[int], denied: int | None, once: Sequence[int]) -> Cut | None:
        """The least cut of all that is wanted. Only the nodes `once` are kept from shipping twice."""
        found = _Cuts(self, lows, denied, once, limited=False).least(self._wanted, 0, 0)
        if found is not None and len(found[1]) > self._q.most:
            found = _Cuts(self, lows, denied, once, limited=True).least(self._wanted, self._q.most, 0)
        return found


class _Cuts:
    """The recursion over what is still wanted. Where shipments are limited it counts how many may follow."""

    def __init__(
        self, lattice: Lattice, lows: Sequence[int], denied: int | None, once: Sequence[int], *, limited: bool
    ) -> None:
        self._lattice, self._lows, self._denied, self._limited = lattice, lows, denied, limited
        self._once = {node: 1 << at for at, node in enumerate(once)}
        self._known: dict[tuple[Content, int, int], Cut | None] = {}
        self._ways: dict[Content, list[tuple[int, int, int]]] = {}
        self._low_of: dict[Content, int] = {0: 0}

    def _low(self, content: Content) -> int:
        found = self._low_of.get(content)
        if found is None:
            found, rest, at = 0, content, 0
            while rest:
                if rest & _UNITS_MOST:
                    found = max(found, self._lows[at])
                rest >>= _FIELD
                at += 1
            self._low_of[content] = found
        return found

    def _from(self, content: Content) -> list[tuple[int, int, int]]:
        """The nodes worth asking for the content, with their bits: those that ship once, up to the first that may twice."""
        ways = self._ways.get(content)
        if ways is None:
            ways = self._ways[content] = []
            for value, node in self._lattice._ranked(content):  # noqa: SLF001 - the recursion is a part of the lattice
                if node != self._denied:
                    bit = self._once.get(node, 0)
                    ways.append((value, node, bit))
                    if not bit:
                        break
        return ways

    def least(self, wanted: Content, most: int, used: int) -> Cut | None:
        """The least cut of it, with `most` shipments where they are limited, and without the nodes used."""
        key = (wanted, most, used)
        if key in self._known:
            return self._known[key]
        lattice, guards, low = self._lattice, self._lattice._guards, self._low  # noqa: SLF001
        best = NEVER
        parts: tuple[tuple[int, Content], ...] | None = None
        for value, node, bit in self._from(wanted):
            if not bit & used:
                best, parts = value, ((node, wanted),)
                break
        after = most - 1 if self._limited else 0
        contents = lattice._available()[_first(wanted)] if after or not self._limited else ()  # noqa: SLF001
        lattice.steps += 1 + len(contents) // _CUTS_A_STEP
        guarded = wanted | guards
        for content in contents:
            if (guarded - content) & guards != guards or content == wanted:
                continue
            rest = wanted - content
            following = low(rest)
            if low(content) + following >= best:
                continue
            for value, node, bit in self._from(content):
                if value + following >= best:
                    break
                if bit & used:
                    continue
                others = self.least(rest, after, used | bit)
                if others is not None and value + others[0] < best:
                    best, parts = value + others[0], ((node, content), *others[1])
        found = None if parts is None else (best, parts)
        self._known[key] = found
        return found


def _first(content: Content) -> int:
    """The place of the first item in it."""
    return ((content & -content).bit_length() - 1) // _FIELD


def _twice(parts: Sequence[tuple[int, Content]]) -> list[int]:
    """The nodes that stand in a cut more than once."""
    nodes = [node for node, _ in parts]
    return sorted({node for node in nodes if nodes.count(node) > 1})
