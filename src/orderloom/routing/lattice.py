"""The least sum over nodes where few contents are possible: every content a node could ship, priced in truth (pure).

What is wanted is cut into contents, and each content goes from the node that ships it for least: a recursion over what
is still wanted, in which the next content holds the first item left. A cut that would use one node twice is no plan;
then one of its two contents is denied to the node, one search for each, the lower first, until the least that is left
is a plan. Nothing is taken for granted of costs: more may cost less. Floors only save pricing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import mul
from typing import TypeAlias

from orderloom.routing.cutting import FEW, FIELD, Content, Cut, Cuts, Offers, SpentOut, first
from orderloom.routing.search import NEVER, PLACE, SHIFT, SHIPMENT, Answer, Costs, Found, Question, Units, tie

# Contents, over all nodes, beyond which the search over sets of nodes is the better one.
_CONTENTS_MOST = 8_192
_UNITS_MOST = (1 << (FIELD - 1)) - 1
# What a field holds; a content modulo that is its number of units, as in casting out nines.
_MASK = (1 << FIELD) - 1
# How far above the floor a cut is looked for, by turns: a 32nd of it, an eighth, a half, however far.
_SHARES = (32, 8, 2, 0)
# Cuts of so few that are looked at under floors, what they hold priced each time, before all that could matter is.
_CUTS_UNDER_FLOORS = 8
# Nodes that are kept from shipping twice, at most: each may double the work.
_ONCE_MOST = 12

# A content's units, what the place of a node that ships it counts among a value's low bits, and who has it.
Held: TypeAlias = tuple[Units, int, list[int]]


def suits(question: Question, *, effort: int) -> bool:
    """Whether the contents are few enough."""
    if (
        question.counted_most is not None
        or any(map(any, question.bound))
        or max(question.wanted) > _UNITS_MOST
    ):
        return False
    contents = 0
    for stock in set(question.stock):
        some = 1
        for units in stock:
            some *= units + 1
        contents += some
        if contents > _CONTENTS_MOST or contents > effort:
            return False
    return True


class Lattice:
    """One question, with everything priced on the way."""

    def __init__(self, question: Question, costs: Costs, *, effort: int) -> None:
        self._q, self._costs, self.effort = question, costs, effort
        self._items = [item for item, units in enumerate(question.wanted) if units]
        self._ones = [0] * len(question.wanted)
        for at, item in enumerate(self._items):
            self._ones[item] = 1 << FIELD * at
        self.guards = sum([1 << (FIELD * at + FIELD - 1) for at in range(len(self._items))])
        self.wanted = self._packed(question.wanted)
        self._held: dict[Content, Held] = {self.wanted: self._everything()}
        self._priced: dict[Content, list[tuple[int, int]]] = {}
        self._floors: dict[Content, list[tuple[int, int]]] = {}
        self._contents: list[Content] | None = None
        self._holding: list[list[tuple[int, list[int]]]] | None = None
        self._offers: Offers | None = None
        self._lows: list[list[tuple[int, int]]] = []
        self._opened: list[tuple[int, int]] | None = None
        self.steps = 0

    # --- answers --------------------------------------------------------------------------------------------------

    def best(self) -> Answer:
        """The least plan."""
        return self._resolved(None, NEVER)

    def without(self, node: int, *, below: int) -> Answer:
        """The least plan that does without the node, if there is one below that value."""
        return self._resolved(node, below)

    def _resolved(self, denied: int | None, below: int) -> Answer:
        before = self.steps
        single = self._single(denied, below)
        # A cut dearer than everything from one node need not be found.
        most = single.value if single else below
        lone = self._q.most == 1 or sum(self._q.wanted) == 1
        if lone or self._apart(denied) >= most or self._two(denied) >= most or self._whole(denied, most):
            return Answer(single, single.cost if single else 0, proven=True, steps=self.steps - before)
        floor, best, proven = 0, single, True
        try:
            offers = self._offered(denied)
            for share in _SHARES if len(self.available()) > FEW else (0,):
                floor = max(floor, offers.floor)
                if floor >= most:
                    break
                limit = min(most, offers.floor + offers.floor // share) if share else most
                if len(self.available()) > FEW:
                    offers.refine(self, limit)
                cut = self._plan(offers, limit)
                if cut is not None:
                    parts = tuple(sorted((node, self._held[content][0]) for node, content in cut[1]))
                    best = Found(cut[0], parts)
                    break
                floor = limit
        except SpentOut:
            proven = False
        if proven:
            floor = best.value if best else 0
        return Answer(best, floor >> SHIFT, proven=proven, steps=self.steps - before)

    def _plan(self, offers: Offers, limit: int) -> Cut | None:
        """The least cut below the limit that uses no node twice."""
        once: list[int] = []
        rounds = 0
        while self.steps < self.effort and len(once) <= _ONCE_MOST:
            cut = self._cut(offers, once, limit)
            if cut and not self._true(offers, cut):
                rounds += 1
                if rounds == _CUTS_UNDER_FLOORS:
                    offers.refine(self, limit)
                continue
            again = _twice(cut[1]) if cut else []
            if not again:
                return cut
            once += again
        raise SpentOut

    def _true(self, offers: Offers, cut: Cut) -> bool:
        """Whether its contents cost in truth what they come to; the largest are priced first, until one is dearer."""
        for _, content in sorted(cut[1], key=lambda part: (-_units(part[1]), part)):
            if content not in self._priced:
                floors = self._floors[content]
                offers.know(self, content)
                if self._priced[content] != floors:
                    return False
        return True

    def worths(self, content: Content) -> list[tuple[int, int]]:
        """What the content comes to from each node that has it, in truth if it has been priced, the cheapest first."""
        worths = self._priced.get(content)
        if worths is None:
            worths = self._floors.get(content)
            if worths is None:
                worths = self._floors[content] = sorted(self._floored(content))
        return worths

    def _offered(self, denied: int | None) -> Offers:
        if self._offers is None:
            self._offers = Offers.of(self)
        return self._offers if denied is None else self._offers.without(self, denied)

    def _single(self, denied: int | None, below: int) -> Found | None:
        """Everything from one node."""
        for value, node in self.ranked(self.wanted):
            if value >= below:
                break
            if node != denied:
                return Found(value, ((node, self._q.wanted),))
        return None

    def _apart(self, denied: int | None) -> int:
        """No plan of two parts or more costs less: the two nodes that are opened for least, with a unit each."""
        if self._opened is None:
            costs = self._costs
            openings = [
                (fixed + costs.opening(node) + min(each), node)
                for node, (fixed, each) in enumerate(zip(costs.fixed, costs.each, strict=True))
            ]
            self._opened = _three_least(openings)
        two = [value for value, node in self._opened if node != denied][:2]
        return sum(two) if len(two) > 1 else NEVER

    def _two(self, denied: int | None) -> int:
        """No plan of two parts or more costs less: one has the item that is dearest to ship, the other something."""
        if not self._lows:
            self._lows = [self._part_lows(at) for at in range(len(self._items))]
        two = [[low for low, node in lows if node != denied][:2] for lows in self._lows]
        if not all(two):
            return NEVER
        if len(two) == 1:
            return sum(two[0]) if len(two[0]) > 1 else NEVER
        firsts = [lows[0] for lows in two]
        return max(firsts) + min(firsts)

    def _whole(self, denied: int | None, most: int) -> bool:
        """Whether no division is below: a part with some of the first item, and the rest in one or costing what any two do.

        Nothing is priced for it, so that it is no step.
        """
        contents = self.available()
        if len(contents) > FEW:
            return False
        two, begun = self._apart(denied), first(self.wanted)
        for content in contents:
            if content != self.wanted and first(content) == begun:
                rest = min(self._low(self.wanted - content, denied), two)
                if rest < most and self._low(content, denied) + rest < most:
                    return False
        return True

    def _low(self, content: Content, denied: int | None) -> int:
        """The content costs no less from any node that is not denied."""
        for value, node in self.worths(content):
            if node != denied:
                return value
        return NEVER

    def _part_lows(self, at: int) -> list[tuple[int, int]]:
        """The least that a part with some of the item costs, for the three nodes where that is least."""
        item, costs = self._items[at], self._costs
        unit = tuple([int(other == item) for other in range(len(self._q.wanted))])
        fixed, floor, each = costs.fixed, costs.floor, costs.each
        return _three_least(
            [
                (fixed[node] + floor(node, unit) + each[node][item], node)
                for node, has in enumerate(self._q.stock)
                if has[item]
            ]
        )

    # --- contents -------------------------------------------------------------------------------------------------

    def _packed(self, units: Sequence[int]) -> Content:
        return sum(map(mul, units, self._ones))

    def counts(self, content: Content) -> tuple[int, ...]:
        """The units by field."""
        units, _, _ = self._held[content]
        return units if len(units) == len(self._items) else tuple([units[item] for item in self._items])

    def ranked(self, content: Content) -> list[tuple[int, int]]:
        """What the content costs from each node that has it, the cheapest first."""
        priced = self._priced.get(content)
        if priced is None:
            priced = self._priced[content] = self._price(content)
        return priced

    def _everything(self) -> Held:
        """All that is wanted, as a content."""
        place, nodes = PLACE, list(range(len(self._q.stock)))
        for item in self._items:
            units = self._q.wanted[item]
            nodes = [node for node in nodes if self._q.stock[node][item] >= units]
            place += units * tie(1, item)
        return self._q.wanted, place, nodes

    def _shippers(self, units: Units, nodes: list[int]) -> list[int]:
        """Those of the nodes that may ship so many units."""
        most = self._q.units_most
        if not most:
            return nodes
        total = sum(units)
        return [node for node in nodes if (limit := most[node]) is None or total <= limit]

    def _price(self, content: Content) -> list[tuple[int, int]]:
        units, place, nodes = self._held[content]
        if not nodes:
            return []
        nodes = self._shippers(units, nodes)
        before = self._costs.spent
        costs = self._costs.totals(units, nodes)
        self.steps += 1 + self._costs.spent - before
        priced = [
            ((cost << SHIFT) + SHIPMENT + node * place, node)
            for node, cost in zip(nodes, costs, strict=True)
            if cost is not None
        ]
        priced.sort()
        return priced

    def low(self, content: Content) -> int:
        """The content costs no less from any node."""
        self.steps += 1
        return self._low(content, None)

    def _floored(self, content: Content) -> Iterator[tuple[int, int]]:
        """By node that has it, what the content comes to at the least."""
        if content not in self._held:
            return
        units, place, nodes = self._held[content]
        costs = self._costs
        for node in self._shippers(units, nodes):
            cost = costs.fixed[node] + costs.floor(node, units) + sum(map(mul, units, costs.each[node]))
            yield (cost << SHIFT) + SHIPMENT + node * place, node

    def least(self, content: Content, denied: int | None) -> int:
        """What the content costs in truth from the cheapest node that is not denied."""
        if self.steps > self.effort:
            raise SpentOut
        for value, node in self.ranked(content):
            if node != denied:
                return value
        return NEVER

    def available(self) -> list[Content]:
        """Every content that some node has, the fullest first."""
        if self._contents is None:
            q = self._q
            found: dict[Content, Held] = {0: ((0,) * len(q.wanted), PLACE, list(range(len(q.stock))))}
            for item in self._items:
                for content, (units, place, having) in list(found.items()):
                    nodes = having
                    for many in range(1, q.wanted[item] + 1):
                        nodes = [node for node in nodes if q.stock[node][item] >= many]
                        if not nodes:
                            break
                        found[content + many * self._ones[item]] = (
                            (*units[:item], many, *units[item + 1 :]),
                            place + many * tie(1, item),
                            nodes,
                        )
            del found[0]
            self._held.update(found)
            # The first of as many units first.
            self._contents = sorted(sorted(found), key=_units, reverse=True)
        return self._contents

    def holding(self) -> list[list[tuple[int, list[int]]]]:
        """By item and number of units, the places of the contents with so many."""
        if self._holding is None:
            columns = zip(*map(self.counts, self.available()), strict=True)
            self._holding = [
                [
                    (many, [place for place, units in enumerate(column) if units == many])
                    for many in range(1, max(column) + 1)
                ]
                for column in columns
            ]
        return self._holding

    def _cut(self, offers: Offers, once: Sequence[int], limit: int) -> Cut | None:
        """The least cut below the limit. Only the nodes `once` are kept from shipping twice."""
        found = Cuts(self, offers, once, limit, limited=False).cut(self._q.most)
        if found is not None and len(found[1]) > self._q.most:
            found = Cuts(self, offers, once, limit, limited=True).cut(self._q.most)
        return found


def _units(content: Content) -> int:
    """How many there are in it, of all items."""
    return content % _MASK


def _three_least(costs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The values of the three nodes where it costs least."""
    costs.sort()
    return [((cost << SHIFT) + SHIPMENT + node * PLACE, node) for cost, node in costs[:3]]


def _twice(parts: Sequence[tuple[int, Content]]) -> list[int]:
    """The nodes that stand in a cut more than once."""
    nodes = [node for node, _ in parts]
    return sorted({node for node in nodes if nodes.count(node) > 1})
