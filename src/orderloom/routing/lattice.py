"""The least sum over nodes where few contents are possible: every content a node could ship, priced in truth (pure).

What is wanted is cut into contents, and each content goes from the node that ships it for least: a recursion over what
is still wanted, in which the next content holds the first item left. A cut that would use one node twice is no plan;
then one of its two contents is denied to the node, one search for each, the lower first, until the least that is left
is a plan. Nothing is taken for granted of costs: more may cost less. Floors only save pricing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from operator import attrgetter, itemgetter, mul
from typing import TypeAlias

from orderloom.routing.search import NEVER, SHIFT, SHIPMENT, Answer, Costs, Found, Question, Units

# Bits for the units of one item, the topmost of them a guard that tells whether one content holds another.
_FIELD = 12
# Cuts looked at per counted step.
_CUTS_A_STEP = 16
# Contents, over all nodes, beyond which the search over sets of nodes is the better one.
_CONTENTS_MOST = 8_192
_UNITS_MOST = (1 << (_FIELD - 1)) - 1
# How far above the floor a cut is looked for, by turns: a 32nd of it, an eighth, a half, however far.
_SHARES = (32, 8, 2, 0)
# So many contents are all looked at at once.
_FEW = 64
# So many are all priced in truth; of more, only those that a better plan could hold.
_ALL_PRICED = 256
# Orders in which the prices of items are raised; those with the highest floor are kept.
_ORDERS = 3
# Nodes that are kept from shipping twice, at most: each may double the work.
_ONCE_MOST = 12

# Units packed into one number.
Content: TypeAlias = int
# What a cut costs, and its parts: nodes with contents.
Cut: TypeAlias = tuple[int, tuple[tuple[int, Content], ...]]
# What a content costs from a node, the node, and its bit where it is kept from shipping twice.
Way: TypeAlias = tuple[int, int, int]


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


class _SpentOut(Exception):
    """The effort has ended."""


class Lattice:
    """One question, with everything priced on the way."""

    def __init__(self, question: Question, costs: Costs, *, effort: int) -> None:
        self._q, self._costs, self.effort = question, costs, effort
        self._items = [item for item, units in enumerate(question.wanted) if units]
        self.guards = sum(1 << (_FIELD * at + _FIELD - 1) for at in range(len(self._items)))
        self.wanted = self._packed(question.wanted)
        self._levels: list[list[int]] | None = None
        self._units: dict[Content, Units] = {}
        self._priced: dict[Content, list[tuple[int, int]]] = {}
        self._floors: dict[Content, list[tuple[int, int]]] = {}
        self._contents: list[Content] | None = None
        self._holding: list[list[tuple[int, int]]] | None = None
        self._offers: _Offers | None = None
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
            for share in _SHARES if len(self.available()) > _FEW else (0,):
                floor = max(floor, offers.floor)
                if floor >= most:
                    break
                limit = min(most, offers.floor + offers.floor // share) if share else most
                offers.refine(self, limit)
                cut = self._plan(offers, limit)
                if cut is not None:
                    parts = tuple(sorted((node, self._unpacked(content)) for node, content in cut[1]))
                    best = Found(cut[0], parts)
                    break
                floor = limit
        except _SpentOut:
            proven = False
        if proven:
            floor = best.value if best else 0
        return Answer(best, floor >> SHIFT, proven=proven, steps=self.steps - before)

    def _plan(self, offers: _Offers, limit: int) -> Cut | None:
        """The least cut below the limit that uses no node twice."""
        once: list[int] = []
        while self.steps < self.effort and len(once) <= _ONCE_MOST:
            cut = self._cut(offers, once, limit)
            again = _twice(cut[1]) if cut else []
            if not again:
                return cut
            once += again
        raise _SpentOut

    def _offered(self, denied: int | None) -> _Offers:
        if self._offers is None:
            self._offers = _Offers.of(self)
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
            each = (min(costs.each[node]) for node in range(len(self._q.stock)))
            self._opened = sorted(
                ((fixed + costs.opening(node) + least << SHIFT) + SHIPMENT + node, node)
                for node, (fixed, least) in enumerate(zip(costs.fixed, each, strict=True))
            )
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
        if len(contents) > _FEW:
            return False
        two, first = self._apart(denied), _first(self.wanted)
        for content in contents:
            if content != self.wanted and _first(content) == first:
                rest = min(self._low(self.wanted - content, denied), two)
                if rest < most and self._low(content, denied) + rest < most:
                    return False
        return True

    def _low(self, content: Content, denied: int | None) -> int:
        """The content costs no less from any node that is not denied."""
        lows = self._priced.get(content, self._floors.get(content))
        if lows is None:
            lows = self._floors[content] = sorted(self._floored(content))[:2]
        for value, node in lows:
            if node != denied:
                return value
        return NEVER

    def _part_lows(self, at: int) -> list[tuple[int, int]]:
        """The least that a part with some of the item costs, for the three nodes where that is least."""
        item, costs = self._items[at], self._costs
        unit = tuple([int(other == item) for other in range(len(self._q.wanted))])
        lows = [
            (
                ((costs.fixed[node] + costs.floor(node, unit) + costs.each[node][item]) << SHIFT)
                + SHIPMENT
                + node,
                node,
            )
            for node, has in enumerate(self._q.stock)
            if has[item]
        ]
        lows.sort()
        return lows[:3]

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

    def counts(self, content: Content) -> tuple[int, ...]:
        """The units by field."""
        units = self._units.get(content) or self._unpacked(content)
        return units if len(units) == len(self._items) else tuple([units[item] for item in self._items])

    def ranked(self, content: Content) -> list[tuple[int, int]]:
        """What the content costs from each node that has it, the cheapest first."""
        priced = self._priced.get(content)
        if priced is None:
            priced = self._priced[content] = self._price(content)
        return priced

    def _holders(self, content: Content) -> list[int]:
        """The nodes that have all of it."""
        if content == self.wanted:
            return [node for node, has in enumerate(self._q.stock) if has == self._q.wanted]
        if self._levels is None:
            # By item and number of units, the nodes that have so many, as bits.
            stock = self._q.stock
            self._levels = [
                [
                    sum(1 << node for node, has in enumerate(stock) if has[item] >= n)
                    for n in range(self._q.wanted[item] + 1)
                ]
                for item in self._items
            ]
        nodes = -1
        for levels, n in zip(self._levels, self.counts(content), strict=True):
            nodes &= levels[n]
        holders: list[int] = []
        while nodes:
            bit = nodes & -nodes
            holders.append(bit.bit_length() - 1)
            nodes ^= bit
        return holders

    def _price(self, content: Content) -> list[tuple[int, int]]:
        holders = self._holders(content)
        if not holders:
            return []
        units = self._unpacked(content)
        if self._q.units_most:
            total, most = sum(units), self._q.units_most
            holders = [node for node in holders if (limit := most[node]) is None or total <= limit]
        before = self._costs.spent
        costs = self._costs.totals(units, holders)
        self.steps += 1 + self._costs.spent - before
        priced = [
            ((cost << SHIFT) + SHIPMENT + node, node)
            for node, cost in zip(holders, costs, strict=True)
            if cost is not None
        ]
        priced.sort()
        return priced

    def low(self, content: Content) -> int:
        """The content costs no less from any node."""
        self.steps += 1
        return min(self._floored(content), default=(NEVER, -1))[0]

    def _floored(self, content: Content) -> Iterator[tuple[int, int]]:
        """By node that has it, what the content comes to at the least."""
        units, costs, most = self._unpacked(content), self._costs, self._q.units_most
        for node in self._holders(content):
            if not most or (limit := most[node]) is None or sum(units) <= limit:
                cost = costs.fixed[node] + costs.floor(node, units) + sum(map(mul, units, costs.each[node]))
                yield (cost << SHIFT) + SHIPMENT + node, node

    def least(self, content: Content, denied: int | None) -> int:
        """What the content costs in truth from the cheapest node that is not denied."""
        if self.steps > self.effort:
            raise _SpentOut
        for value, node in self.ranked(content):
            if node != denied:
                return value
        return NEVER

    def available(self) -> list[Content]:
        """Every content that some node has, the fullest first."""
        if self._contents is None:
            found: set[Content] = set()
            mask = (1 << _FIELD) - 1
            shifts = [_FIELD * at for at in range(len(self._items))]
            for stock in {self._packed(stock) for stock in self._q.stock}:
                ranges = [range(0, ((stock >> shift & mask) + 1) << shift, 1 << shift) for shift in shifts]
                found.update(map(sum, product(*ranges)))
            found.discard(0)
            self._contents = sorted(found, key=lambda content: (-sum(self._unpacked(content)), content))
        return self._contents

    def holding(self) -> list[list[tuple[int, int]]]:
        """By item, the places of the contents with it and how many units they have."""
        if self._holding is None:
            self._holding = [[] for _ in self._items]
            for place, content in enumerate(self.available()):
                for at, units in enumerate(self.counts(content)):
                    if units:
                        self._holding[at].append((place, units))
        return self._holding

    def _cut(self, offers: _Offers, once: Sequence[int], limit: int) -> Cut | None:
        """The least cut below the limit. Only the nodes `once` are kept from shipping twice."""
        found = _Cuts(self, offers, once, limit, limited=False).cut(self._q.most)
        if found is not None and len(found[1]) > self._q.most:
            found = _Cuts(self, offers, once, limit, limited=True).cut(self._q.most)
        return found


class _Offers:
    """What each content comes to at the least, and prices of single units that no content falls below (a dual).

    The units wanted come to the floor at these prices, so that no cut costs less; and by as much as a content costs
    more than its units, so much above the floor is every cut with it: its surplus. Pricing a content in truth means
    packing it, so where there are many, each is worth its floor until a cut that is looked for could hold it.
    """

    __slots__ = ("denied", "floor", "least", "prices", "rough", "surplus")

    def __init__(
        self, denied: int | None, least: list[int], rough: set[int], prices: list[int], surplus: list[int]
    ) -> None:
        self.denied, self.least, self.rough = denied, least, rough
        self.prices, self.surplus = prices, surplus
        self.floor = 0

    @classmethod
    def of(cls, lattice: Lattice) -> _Offers:
        """With every node."""
        contents = lattice.available()
        rough = set(range(len(contents))) if len(contents) > _ALL_PRICED else set()
        least = [lattice.low(one) if rough else lattice.least(one, None) for one in contents]
        items = range(len(lattice.counts(lattice.wanted)))
        offers = [cls(None, least, rough, [0] * len(items), list(least)) for _ in items[:_ORDERS]]
        for turn, one in enumerate(offers):
            one.raise_prices(lattice, turn)
        return max(offers, key=attrgetter("floor"))

    def without(self, lattice: Lattice, node: int) -> _Offers:
        """Without one of the nodes: what was its own is dearer, and the prices may rise further."""
        found = _Offers(node, list(self.least), set(self.rough), list(self.prices), list(self.surplus))
        contents = lattice.available()
        for at in range(len(contents)):
            if at not in found.rough:
                found._worth(at, lattice.least(contents[at], node))
        found.raise_prices(lattice)
        return found

    def refine(self, lattice: Lattice, limit: int) -> None:
        """Price in truth whatever a cut below the limit could hold."""
        gap, contents = limit - self.floor, lattice.available()
        within = sorted(at for at in self.rough if self.surplus[at] < gap)
        for at in within:
            self._worth(at, lattice.least(contents[at], self.denied))
            self.rough.discard(at)
        if within:
            self.raise_prices(lattice)

    def raise_prices(self, lattice: Lattice, turn: int = 0) -> None:
        """Item after item as dear as the contents with it allow, those in the fewest contents first."""
        wanted, holding = lattice.counts(lattice.wanted), lattice.holding()
        order = sorted(range(len(wanted)), key=lambda at: (len(holding[at]), at))
        surplus = self.surplus
        for at in order[turn:] + order[:turn]:
            mine = holding[at]
            price = min([surplus[content] // units for content, units in mine], default=0)
            if price:
                self.prices[at] += price
                for content, units in mine:
                    surplus[content] -= price * units
        self.floor = sum(map(mul, self.prices, wanted))

    def _worth(self, at: int, least: int) -> None:
        self.surplus[at] += least - self.least[at]
        self.least[at] = least


class _Cuts:
    """The recursion over what is still wanted. Where shipments are limited it counts how many may follow."""

    def __init__(
        self, lattice: Lattice, offers: _Offers, once: Sequence[int], limit: int, *, limited: bool
    ) -> None:
        self._lattice, self._denied, self._limit, self._limited = lattice, offers.denied, limit, limited
        self._once = {node: 1 << at for at, node in enumerate(once)}
        self._known: dict[tuple[Content, int, int], tuple[int, Cut | None]] = {}
        self._floor = offers.floor
        self._steps = 0
        self._allowed = (lattice.effort - lattice.steps) * _CUTS_A_STEP
        gap, counts = limit - offers.floor, lattice.counts
        prices = offers.prices
        # By first item the contents that a cut below the limit can hold, the least surplus first: what it is, what the
        # units are worth, where they could come from.
        self._offers: list[list[tuple[int, Content, int, list[Way]]]] = [[] for _ in prices]
        for content, surplus in zip(lattice.available(), offers.surplus, strict=True):
            if surplus < gap:
                worth = sum(map(mul, prices, counts(content)))
                self._offers[_first(content)].append((surplus, content, worth, self._ways(content)))
        for some in self._offers:
            some.sort(key=itemgetter(0))

    def cut(self, most: int) -> Cut | None:
        """The least cut of all that is wanted, below the limit."""
        try:
            return self._least(
                self._lattice.wanted, self._floor, most if self._limited else -1, 0, self._limit
            )
        finally:
            self._lattice.steps += self._steps // _CUTS_A_STEP

    def _ways(self, content: Content) -> list[Way]:
        """The nodes worth asking for the content: those that ship once, up to the first that may twice."""
        ways: list[Way] = []
        for value, node in self._lattice.ranked(content):
            if node != self._denied:
                bit = self._once.get(node, 0)
                ways.append((value, node, bit))
                if not bit:
                    break
        return ways

    def _least(self, wanted: Content, worth: int, most: int, used: int, limit: int) -> Cut | None:
        """The least cut of it below the limit, with `most` shipments where they are limited, without the nodes used."""
        if self._steps > self._allowed:
            raise _SpentOut
        key = (wanted, most, used)
        known = self._known.get(key)
        if known is not None and (known[1] is not None or known[0] >= limit):
            return known[1] if known[0] < limit else None
        found = self._searched(wanted, worth, most, used, limit) if most else None
        self._known[key] = (limit if found is None else found[0], found)
        return found

    def _searched(self, wanted: Content, worth: int, most: int, used: int, limit: int) -> Cut | None:
        guards = self._lattice.guards
        guarded = wanted | guards
        best = limit
        parts: tuple[tuple[int, Content], ...] | None = None
        for surplus, content, its, ways in self._offers[_first(wanted)]:
            self._steps += 1
            if surplus + worth >= best:
                break
            if (guarded - content) & guards != guards:
                continue
            rest = wanted - content
            for value, node, bit in ways:
                if value + worth - its >= best:
                    break
                if bit & used:
                    continue
                if not rest:
                    best, parts = value, ((node, content),)
                    break
                others = self._least(rest, worth - its, most - 1, used | bit, best - value)
                if others is not None:
                    best, parts = value + others[0], ((node, content), *others[1])
        return None if parts is None else (best, parts)


def _first(content: Content) -> int:
    """The place of the first item in it."""
    return ((content & -content).bit_length() - 1) // _FIELD


def _twice(parts: Sequence[tuple[int, Content]]) -> list[int]:
    """The nodes that stand in a cut more than once."""
    nodes = [node for node, _ in parts]
    return sorted({node for node in nodes if nodes.count(node) > 1})
