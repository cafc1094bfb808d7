"""The least sum over nodes, proven: which nodes give which units, for any cost of a node's part (pure, integers).

A branch and bound over sets of nodes. A dual of the relaxed problem (`bound.py`) gives a floor under all plans and, for
each node, by how much more a plan that uses it costs at the least: its reduced cost. Sets of nodes are grown in such an
order that each is met once, and left as soon as the floor and their reduced costs reach the best plan known; in a set
that holds everything the units are divided line by line, under floors of what each part comes to at the least.
Of equally cheap plans the one with the fewest shipments is taken, of those the one whose nodes come first by the sum of
their places, and of those the one whose earlier nodes give more, an item the more the later it stands. Every cost
carries that in its low bits, so that it need not be looked for. Effort is counted, so the same question and budget have the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

from orderloom.routing.bound import Dual, ascend

# What stands above what in a value: the cost, the shipments, their nodes' places, how the units are divided.
SHIFT = 48
SHIPMENT = 1 << 39
PLACE = 1 << 24
NEVER = 1 << 104
# So many times the effort goes into finding any plan at all.
_FOR_ANY = 4

Units: TypeAlias = tuple[int, ...]


class Costs(Protocol):
    """What a node's part costs, in minor units. Nodes and items are numbered."""

    @property
    def spent(self) -> int:
        """The work of finding totals so far, in steps: it is counted with those of the search."""

    @property
    def fixed(self) -> Sequence[int]:
        """By node, once a shipment."""

    @property
    def each(self) -> Sequence[Sequence[int]]:
        """By node and item, for each unit."""

    def opening(self, node: int) -> int:
        """No part of the node costs less beyond fixed and each; quickly told."""

    def totals(self, units: Units, nodes: Sequence[int]) -> Sequence[int | None]:
        """What these units cost from each of the nodes, fixed and each included; None where they cannot go."""

    def floor(self, node: int, units: Units) -> int:
        """No part of the node that holds at least these units costs less beyond fixed and each."""


@dataclass(frozen=True, slots=True)
class Question:
    """Units wanted by item; by node what it can give of them, and what it ships in any case."""

    wanted: Units
    stock: Sequence[Units]
    bound: Sequence[Units]
    most: int
    """Shipments at most."""
    units_most: Sequence[int | None] = ()
    """By node, the units it may ship at most."""
    counted: frozenset[int] = frozenset()
    """Nodes of which a plan uses only so many …"""
    counted_most: int | None = None


class Found(NamedTuple):
    """A plan: its cost with the tie-break, and by node its units."""

    value: int
    parts: tuple[tuple[int, Units], ...]

    @property
    def cost(self) -> int:
        """In minor units."""
        return self.value >> SHIFT


@dataclass(slots=True)
class Answer:
    """The best plan, a floor under all plans in minor units, whether they meet, and the work it took."""

    best: Found | None = None
    floor: int = 0
    proven: bool = True
    steps: int = 0


def search(
    question: Question, costs: Costs, *, effort: int, without: int | None = None, below: Found | None = None
) -> Answer:
    """The least plan, unless the effort ends first: then the least found, and the floor. `below`: a plan known."""
    made = _Search(_carried(question, costs), costs, effort, without)
    if below is not None:
        made.know(below)
    return made.run()


def _carried(question: Question, costs: Costs) -> Question:
    """The question without stock that no service takes away: what is not carried alone is not with other goods either.

    Else every way to divide the units would be priced, only to learn that there is none.
    """
    stock = [list(has) for has in question.stock]
    for item in range(len(question.wanted)):
        unit = tuple([int(other == item) for other in range(len(question.wanted))])
        holders = [node for node, has in enumerate(question.stock) if has[item]]
        for node, cost in zip(holders, costs.totals(unit, holders), strict=True):
            if cost is None:
                stock[node][item] = 0
    return replace(question, stock=[tuple(has) for has in stock])


def tie(node: int, item: int) -> int:
    """By how much a unit of the item from the node stands back."""
    return node * (item + 1)


class _Search:
    def __init__(self, question: Question, costs: Costs, effort: int, without: int | None) -> None:
        self._q, self._costs, self._effort = question, costs, effort
        self._nodes = len(question.stock)
        self._items = len(question.wanted)
        self._banned = 0 if without is None else 1 << without
        self._fixed = [(fixed << SHIFT) + SHIPMENT + node * PLACE for node, fixed in enumerate(costs.fixed)]
        self._each = [
            [(one << SHIFT) + tie(node, item) for item, one in enumerate(each)]
            for node, each in enumerate(costs.each)
        ]
        self._holders = [
            [node for node in range(self._nodes) if question.stock[node][item] and node != without]
            for item in range(self._items)
        ]
        self._must = [node for node in range(self._nodes) if any(question.bound[node])]
        self._opening = [self._opened(node) for node in range(self._nodes)]
        self._answer = Answer()
        self._best = NEVER
        self._open = NEVER
        self._dual = Dual(0, (0,) * self._nodes)
        self._spent_out = False

    # --- the frame ----------------------------------------------------------------------------------------------

    def know(self, found: Found) -> None:
        """A plan: only better ones are looked for from now on."""
        self._best, self._answer.best = found.value, found

    def run(self) -> Answer:
        """Answer."""
        answer = self._answer
        begun = self._begun()
        if begun is None:
            return answer
        self._dual = self._relaxed(begun)
        self._order = sorted(range(self._nodes), key=lambda node: (self._dual.reduced[node], node))
        self._ranked = [
            sorted(holders, key=lambda node: (self._dual.reduced[node], node)) for holders in self._holders
        ]
        residual = list(self._q.wanted)
        closed = self._banned
        for node in self._must:
            closed |= 1 << node
            for item in range(self._items):
                residual[item] -= self._q.stock[node][item]
        for most in range(max(1, len(self._must)), self._q.most + 1):
            # Few shipments first: a good plan is found early, and the many sets of many nodes are then left aside.
            self._most = most
            self._grow(list(self._must), closed, self._dual.floor, residual)
        answer.proven = not self._spent_out
        floor = min(self._best, self._open) if self._spent_out else self._best
        answer.floor = (floor if floor < NEVER else self._dual.floor) >> SHIFT
        return answer

    def _opened(self, node: int) -> int:
        """The least that any part of the node comes to beyond fixed and each: with one unit of what it has."""
        unit = [0] * self._items
        least = NEVER
        for item, has in enumerate(self._q.stock[node]):
            if has:
                unit[item] = 1
                least = min(least, self._costs.floor(node, tuple(unit)) << SHIFT)
                unit[item] = 0
        return least

    def _begun(self) -> int | None:
        """What the nodes that ship in any case cost at the least; None where they alone are too many."""
        if len(self._must) > self._q.most or any(self._banned >> node & 1 for node in self._must):
            return None
        total = 0
        for node in self._must:
            units = self._q.bound[node]
            total += self._fixed[node] + (self._costs.floor(node, units) << SHIFT)
            total += sum(n * each for n, each in zip(units, self._each[node], strict=True))
        return total

    def _relaxed(self, begun: int) -> Dual:
        must = set(self._must)
        opening = [
            0 if node in must else self._fixed[node] + self._opening[node] for node in range(self._nodes)
        ]
        return ascend(self._q.wanted, self._q.stock, self._holders, opening, self._each, begun=begun)

    def _step(self) -> bool:
        """Count one; False when there is no more to spend, which is more while there is no plan: any beats none."""
        self._answer.steps += 1
        if self._answer.steps > self._effort * (1 if self._best < NEVER else _FOR_ANY):
            self._spent_out = True
        return not self._spent_out

    # --- sets of nodes --------------------------------------------------------------------------------------------

    def _grow(self, nodes: list[int], closed: int, floor: int, residual: list[int]) -> None:
        """Every set of `_most` nodes that holds these and none of the closed others. `closed` includes these."""
        if not self._step():
            self._open = min(self._open, floor)
            return
        short = [item for item in range(self._items) if residual[item] > 0]
        if len(nodes) >= self._most:
            if not short and nodes:
                self._divide(nodes, floor)
            return
        options = self._order
        if short:
            options = self._ranked[min(short, key=lambda i: len(self._ranked[i]))]
            if not self._coverable(nodes, closed, short, residual):
                return
        for node in options:
            if closed >> node & 1:
                continue
            lower = floor + self._dual.reduced[node]
            if lower >= self._best:
                break
            if self._spent_out:
                self._open = min(self._open, lower)
                break
            if self._allowed(nodes, node):
                stock = self._q.stock[node]
                left = [r - s for r, s in zip(residual, stock, strict=True)]
                self._grow([*nodes, node], closed | 1 << node, lower, left)
            closed |= 1 << node

    def _allowed(self, nodes: Sequence[int], node: int) -> bool:
        q = self._q
        if q.counted_most is None or node not in q.counted:
            return True
        return sum(one in q.counted for one in nodes) < q.counted_most

    def _coverable(
        self, nodes: Sequence[int], closed: int, short: Sequence[int], residual: Sequence[int]
    ) -> bool:
        """Whether the nodes still open can give what is short, and the shipments left can hold it."""
        left = self._most - len(nodes)
        for item in short:
            stocks = [self._q.stock[n][item] for n in self._holders[item] if not closed >> n & 1]
            if len(stocks) > left:
                stocks = sorted(stocks, reverse=True)[:left]
            if sum(stocks) < residual[item]:
                return False
        return True

    # --- units among the nodes of a set -----------------------------------------------------------------------------

    def _divide(self, nodes: Sequence[int], floor: int) -> None:
        """The best way to divide the units among exactly these nodes, if it is good enough to matter."""
        _Division(self, sorted(nodes), floor).seek()


class _Division:
    """Units divided among the nodes of one set, every node with at least one: item by item, under floors."""

    def __init__(self, search: _Search, nodes: Sequence[int], floor: int) -> None:
        self._search, self._nodes = search, nodes
        self._q, self._costs = search._q, search._costs  # noqa: SLF001 - a part of the search, apart for its length
        self._each = search._each  # noqa: SLF001
        self._held = [list(self._q.bound[node]) for node in nodes]
        self._free: list[tuple[int, int, list[int]]] = []
        self._sum = 0
        self._outer = floor

    def seek(self) -> None:
        """Make the best division known to the search, if it is better than what that has."""
        rest = self._force()
        if rest is None:
            return
        opening = self._search._opening  # noqa: SLF001
        floors = [
            self._costs.floor(n, tuple(held)) << SHIFT if any(held) else opening[n]
            for n, held in zip(self._nodes, self._held, strict=True)
        ]
        self._free.sort(key=lambda free: (len(free[2]), free[1], free[0]))
        self._spread(0, self._sum, rest, floors)

    def _force(self) -> int | None:
        """Give each node what no other of the set can; returns the least that the free units come to apart."""
        rest = 0
        for item, wanted in enumerate(self._q.wanted):
            if not wanted:
                continue
            stocks = [self._q.stock[node][item] for node in self._nodes]
            total = sum(stocks)
            free = wanted
            room = []
            for at, stock in enumerate(stocks):
                forced = max(0, wanted - total + stock)
                if forced:
                    self._held[at][item] += forced
                    free -= forced
                room.append(min(stock - forced, wanted))
            if free:
                able = [at for at, more in enumerate(room) if more]
                self._free.append((item, free, room))
                rest += free * min(self._each[self._nodes[at]][item] for at in able)
        for at, node in enumerate(self._nodes):
            most = self._q.units_most[node] if self._q.units_most else None
            if most is not None and sum(self._held[at]) > most:
                return None
            self._sum += self._search._fixed[node]  # noqa: SLF001
            self._sum += sum(n * one for n, one in zip(self._held[at], self._each[node], strict=True))
        return rest

    def _spread(self, at: int, spent: int, rest: int, floors: list[int]) -> None:
        """Divide the free items from the at-th on. `spent` is fixed and each so far, `rest` the least of what is left."""
        lower = spent + rest + sum(floors)
        if lower >= self._search._best:  # noqa: SLF001
            return
        if not self._search._step():  # noqa: SLF001
            self._search._open = min(self._search._open, max(lower, self._outer))  # noqa: SLF001
            return
        if at == len(self._free):
            self._price(spent, floors)
            return
        item, free, room = self._free[at]
        eaches = [self._each[node][item] for node in self._nodes]
        rest -= free * min(one for one, more in zip(eaches, room, strict=True) if more)
        for shares in _shares(free, room):
            paid = spent
            grown = list(floors)
            fits = True
            for place, units in enumerate(shares):
                if units:
                    held = self._held[place]
                    held[item] += units
                    paid += units * eaches[place]
                    node = self._nodes[place]
                    most = self._q.units_most[node] if self._q.units_most else None
                    fits = fits and (most is None or sum(held) <= most)
                    grown[place] = self._costs.floor(node, tuple(held)) << SHIFT
            if fits:
                self._spread(at + 1, paid, rest, grown)
            for place, units in enumerate(shares):
                self._held[place][item] -= units

    def _price(self, spent: int, floors: Sequence[int]) -> None:
        """What the division costs in truth."""
        value = spent + sum(floors)
        parts: list[tuple[int, Units]] = []
        for node, held, floor in zip(self._nodes, self._held, floors, strict=True):
            if not any(held):
                return
            units = tuple(held)
            before = self._costs.spent
            [cost] = self._costs.totals(units, (node,))
            self._search._answer.steps += self._costs.spent - before  # noqa: SLF001
            if cost is None:
                return
            own = (self._costs.fixed[node] << SHIFT) + floor
            own += sum(n * one for n, one in zip(held, self._costs.each[node], strict=True)) << SHIFT
            value += (cost << SHIFT) - own
            if value >= self._search._best:  # noqa: SLF001
                return
            parts.append((node, units))
        self._search.know(Found(value, tuple(parts)))


def _shares(units: int, room: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every way to divide the units among places with that much room, the first places most first."""
    if len(room) == 1:
        if units <= room[0]:
            yield (units,)
        return
    after = sum(room[1:])
    for mine in range(min(units, room[0]), max(0, units - after) - 1, -1):
        for others in _shares(units - mine, room[1:]):
            yield (mine, *others)
