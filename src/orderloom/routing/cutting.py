"""What is wanted, cut into contents for the least sum: a recursion over what is left, under prices of single units (pure).

The next content holds the first item left; of what is left the least cut is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, mul
from typing import Protocol, TypeAlias

from orderloom.routing.search import NEVER

# Bits for the units of one item, the topmost of them a guard that tells whether one content holds another.
FIELD = 12
# Cuts looked at per counted step.
_CUTS_A_STEP = 16
# So many contents are all looked at at once, under floors: none is priced that no cut under them needs.
FEW = 32
# Of more than those, so many are all priced in truth; of still more, only those that a better plan could hold.
_ALL_PRICED = 256
# Orders in which the prices of items are raised; those with the highest floor are kept.
_ORDERS = 3
# Bits of a key for the shipments left, and for the nodes used.
_KEY = 12

# Units packed into one number.
Content: TypeAlias = int
# What a cut costs, and its parts: nodes with contents.
Cut: TypeAlias = tuple[int, tuple[tuple[int, Content], ...]]


class SpentOut(Exception):
    """The effort has ended."""


class Contents(Protocol):
    """What there is to be cut, and what contents come to; the work is counted."""

    wanted: Content
    guards: int
    effort: int
    steps: int

    def available(self) -> Sequence[Content]:
        """Every content that some node has."""

    def counts(self, content: Content) -> Sequence[int]:
        """The units by field."""

    def holding(self) -> Sequence[Sequence[tuple[int, Sequence[int]]]]:
        """By item and number of units, the places of the contents with so many."""

    def worths(self, content: Content) -> Sequence[tuple[int, int]]:
        """What the content comes to from each node that has it, in truth if it has been priced, the cheapest first."""

    def low(self, content: Content) -> int:
        """The content costs no less from any node."""

    def least(self, content: Content, denied: int | None) -> int:
        """What the content costs in truth from the cheapest node that is not denied."""


class Offers:
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
    def of(cls, lattice: Contents) -> Offers:
        """With every node."""
        contents = lattice.available()
        few = len(contents) <= FEW
        rough = set() if not few and len(contents) <= _ALL_PRICED else set(range(len(contents)))
        least = [lattice.low(one) if rough else lattice.least(one, None) for one in contents]
        items = range(len(lattice.counts(lattice.wanted)))
        offers = [cls(None, least, rough, [0] * len(items), list(least)) for _ in items[:_ORDERS]]
        for turn, one in enumerate(offers):
            one.raise_prices(lattice, turn)
        return max(offers, key=attrgetter("floor"))

    def without(self, lattice: Contents, node: int) -> Offers:
        """Without one of the nodes: what was its own is dearer, and the prices may rise further."""
        found = Offers(node, list(self.least), set(self.rough), list(self.prices), list(self.surplus))
        found.floor = self.floor
        dearer = False
        for at, content in enumerate(lattice.available()):
            worths = lattice.worths(content)
            if worths and worths[0][1] == node:
                found._worth(at, worths[1][0] if len(worths) > 1 else NEVER)
                dearer = True
        if dearer:
            found.raise_prices(lattice)
        return found

    def refine(self, lattice: Contents, limit: int) -> None:
        """Price in truth whatever a cut below the limit could hold."""
        gap, contents = limit - self.floor, lattice.available()
        within = sorted(at for at in self.rough if self.surplus[at] < gap)
        for at in within:
            self._worth(at, lattice.least(contents[at], self.denied))
            self.rough.discard(at)
        if within:
            self.raise_prices(lattice)

    def know(self, lattice: Contents, content: Content) -> None:
        """A content has been priced in truth."""
        at = lattice.available().index(content)
        self._worth(at, lattice.least(content, self.denied))
        self.rough.discard(at)

    def raise_prices(self, lattice: Contents, turn: int = 0) -> None:
        """Item after item as dear as the contents with it allow, those in the fewest contents first."""
        wanted, holding = lattice.counts(lattice.wanted), lattice.holding()
        having = [sum([len(places) for _, places in held]) for held in holding]
        order = sorted(range(len(wanted)), key=lambda at: (having[at], at))
        surplus = self.surplus
        for at in order[turn:] + order[:turn]:
            price = min(
                [min([surplus[one] for one in places]) // units for units, places in holding[at] if places],
                default=0,
            )
            if price:
                self.prices[at] += price
                for units, places in holding[at]:
                    less = price * units
                    for one in places:
                        surplus[one] -= less
        self.floor = sum(map(mul, self.prices, wanted))

    def _worth(self, at: int, least: int) -> None:
        self.surplus[at] += least - self.least[at]
        self.least[at] = least


class Cuts:
    """The recursion over what is still wanted. Where shipments are limited it counts how many may follow."""

    def __init__(
        self, lattice: Contents, offers: Offers, once: Sequence[int], limit: int, *, limited: bool
    ) -> None:
        self._lattice, self._denied, self._limit, self._limited = lattice, offers.denied, limit, limited
        self._fewer = int(limited)
        self._once = {node: 1 << at for at, node in enumerate(once)}
        self._known: dict[int, tuple[int, Cut | None]] = {}
        self._floor = offers.floor
        self._steps = 0
        self._allowed = (lattice.effort - lattice.steps) * _CUTS_A_STEP
        gap = limit - offers.floor
        # By first item the contents that a cut below the limit can hold, the least surplus first: what it is and what
        # its units are worth.
        self._offers: list[list[tuple[int, Content, int]]] = [[] for _ in offers.prices]
        contents, surplus, least = lattice.available(), offers.surplus, offers.least
        within = [at for at, one in enumerate(surplus) if one < gap]
        within.sort(key=surplus.__getitem__)
        for at in within:
            content = contents[at]
            self._offers[first(content)].append((surplus[at], content, least[at] - surplus[at]))

    def cut(self, most: int) -> Cut | None:
        """The least cut of all that is wanted, below the limit."""
        try:
            return self._least(
                self._lattice.wanted, self._floor, most if self._limited else -1, 0, self._limit
            )
        finally:
            self._lattice.steps += self._steps // _CUTS_A_STEP

    def _least(self, wanted: Content, worth: int, most: int, used: int, limit: int) -> Cut | None:
        """The least cut of it below the limit, with `most` shipments where they are limited, without the nodes used."""
        if self._steps > self._allowed:
            raise SpentOut
        key = ((wanted << _KEY) + most + 1 << _KEY) + used
        known = self._known.get(key)
        if known is not None and (known[1] is not None or known[0] >= limit):
            return known[1] if known[0] < limit else None
        found = self._searched(wanted, worth, most, used, limit) if most else None
        self._known[key] = (limit if found is None else found[0], found)
        return found

    def _searched(self, wanted: Content, worth: int, most: int, used: int, limit: int) -> Cut | None:
        guards, worths, once, denied = self._lattice.guards, self._lattice.worths, self._once, self._denied
        guarded = wanted | guards
        best = limit
        parts: tuple[tuple[int, Content], ...] | None = None
        for surplus, content, its in self._offers[first(wanted)]:
            self._steps += 1
            if surplus + worth >= best:
                break
            if (guarded - content) & guards != guards:
                continue
            rest = wanted - content
            if rest and most == 1:
                continue
            left = worth - its
            for value, node in worths(content):
                if value + left >= best:
                    break
                bit = once.get(node, 0)
                if bit & used or node == denied:
                    continue
                if not rest:
                    best, parts = value, ((node, content),)
                    break
                others = self._least(rest, left, most - self._fewer, used | bit, best - value)
                if others is not None:
                    best, parts = value + others[0], ((node, content), *others[1])
                if not bit:
                    # The others of those that may ship it twice are dearer.
                    break
        return None if parts is None else (best, parts)


def first(content: Content) -> int:
    """The place of the first item in it."""
    return ((content & -content).bit_length() - 1) // FIELD
