"""Many orders together (pure): which way each ships when they share units and hands, and what these are worth.

Each order has *ways* to be shipped, a cost and what it takes; together they take no more than there is. The relaxation
lets an order ship partly by one way and partly by another (Dantzig and Wolfe's master program); its dual, solved here by
subgradients over the ways known so far, prices every contended unit. At these prices each order is asked for its best
way again: that way is a column the master lacked, and the sum of the answers is a floor that no assignment undercuts.
The prices then round: who loses most by its second choice chooses first, who finds nothing left is asked what is, and
exchanges between orders follow. It begins with the ways in force, so that the answer is never dearer. Effort is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

# Node and SKU; a node with HANDS is its room for further fulfillment orders, and a carrier's limit its room for shipments.
Key: TypeAlias = tuple[str, str]
Prices: TypeAlias = Mapping[Key, int]
HANDS = ""
_ASCENTS = 120
_HALVED_AFTER = 6
_THETA_LEAST = 6
_PASSES = 6
# Of those around a contended key: how many from each side choose anew together, from how many ways, in how many steps.
_EACH_SIDE = 4
_WAYS_TRIED = 12
_STEPS = 2_000
# How often one order is asked for ways, on an average.
_ASKED_EACH = 40


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ship an order: its cost with lateness, and the units (and hands) it takes. `plan` says how."""

    cost: int
    uses: tuple[tuple[Key, int], ...]
    plan: Any = field(default=None, compare=False)

    def at(self, prices: Prices) -> int:
        """Its cost when what it takes has these prices."""
        return self.cost + sum(prices[key] * units for key, units in self.uses if key in prices)


class Asks(Protocol):
    """Finds an order's best way at given prices, by itself."""

    def best(self, prices: Prices, left: Mapping[Key, int] | None = None) -> tuple[Way | None, int]:
        """The way, and what no way of this order undercuts at these prices; `left`: all it may take."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One order: who it is, the way it has now, and how others are found."""

    key: Any
    in_force: Way
    asks: Asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """The way of each member, what they cost before and now, what none can undercut, and the prices of what is contended."""

    ways: tuple[Way, ...]
    before: int
    cost: int
    bound: int
    prices: Prices
    asked: int

    @property
    def saving(self) -> int:
        """By how much the whole is cheaper than before; never negative."""
        return self.before - self.cost

    @property
    def gap(self) -> int:
        """By how much it could at most be cheaper still."""
        return self.cost - self.bound


def together(members: Sequence[Member], stock: Mapping[Key, int], *, rounds: int = 6) -> Together:
    """Choose a way for each.

    `stock` is all there is for them, what the ways in force take included.

    What it does not name is boundless.
    """
    pool = _Pool(members, stock)
    pool.ask_all({})
    bound = pool.floor({})
    starts = [[0] * len(members)]
    prices: dict[Key, int] = {}
    for _ in range(rounds):
        prices = pool.ascent(prices, min(map(pool.cost, starts)))
        if not prices:
            break
        pool.ask_all(prices)
        bound = max(bound, pool.floor(prices))
        if rounded := pool.rounded(prices):
            starts = [starts[0], rounded]
    best = min([pool.improved(start, prices) for start in starts], key=pool.cost)
    cost = pool.cost(best)
    return Together(
        ways=tuple(pool.ways[i][at] for i, at in enumerate(best)),
        before=sum(member.in_force.cost for member in members),
        cost=cost,
        bound=min(bound, cost),
        prices=prices,
        asked=pool.asked,
    )


class _Pool:
    """The ways known of each member, the first being the one in force, and what they share."""

    def __init__(self, members: Sequence[Member], stock: Mapping[Key, int]) -> None:
        self.members, self.stock = members, stock
        self.ways = [[member.in_force] for member in members]
        self.asked, self.asked_most = 0, _ASKED_EACH * len(members)
        self._floors: list[int] = [0] * len(members)
        self._skus = [{sku for (_, sku), _ in m.in_force.uses if sku != HANDS} for m in members]

    def cost(self, chosen: Sequence[int]) -> int:
        """Of an assignment."""
        return sum(self.ways[i][at].cost for i, at in enumerate(chosen))

    # --- columns ----------------------------------------------------------------------------------------------

    def ask_all(self, prices: Prices) -> int:
        """Ask those whom prices concern for their best way; returns how many new ones that brought.

        Who wants nothing of what is priced answers as he did: prices only make ways dearer.
        """
        priced = {sku for (_, sku), price in prices.items() if price}
        fresh = 0
        for i, member in enumerate(self.members):
            if prices and self._skus[i].isdisjoint(priced):
                continue
            way, floor = member.asks.best(prices)
            self.asked += 1
            self._floors[i] = floor
            fresh += self._known(i, way)
        return fresh

    def _known(self, i: int, way: Way | None) -> bool:
        if way is None or way in self.ways[i]:
            return False
        self.ways[i].append(way)
        self._skus[i] |= {sku for (_, sku), _ in way.uses if sku != HANDS}
        return True

    def floor(self, prices: Prices) -> int:
        """What no assignment undercuts, by the last answers: they were given at these prices, or hold at any."""
        each = (
            min(floor, *(way.at(prices) for way in ways))
            for floor, ways in zip(self._floors, self.ways, strict=True)
        )
        return sum(each) - sum(price * self.stock[key] for key, price in prices.items())

    # --- prices -----------------------------------------------------------------------------------------------

    def ascent(self, start: Prices, above: int) -> dict[Key, int]:
        """Prices at which the relaxation over the ways known is nearly at its highest; those of nought are left out."""
        live = self._contended()
        prices = {key: price for key, price in start.items() if key in live}
        if not live:
            return {}
        moving = [ways for ways in self.ways if any(key in live for way in ways for key, _ in way.uses)]
        still = sum(min(way.cost for way in ways) for ways in self.ways) - sum(
            min(way.cost for way in ways) for ways in moving
        )
        best, kept, stalled, theta = -(1 << 62), dict(prices), 0, 0
        for _ in range(_ASCENTS):
            value = still - sum(price * self.stock[key] for key, price in prices.items())
            excess = {key: -self.stock[key] for key in live}
            for ways in moving:
                cheapest = min(ways, key=lambda way: way.at(prices))
                value += cheapest.at(prices)
                for key, units in cheapest.uses:
                    if key in live:
                        excess[key] += units
            if value > best:
                best, kept, stalled = value, dict(prices), 0
            else:
                stalled += 1
                if stalled == _HALVED_AFTER:
                    theta, stalled, prices = theta + 1, 0, dict(kept)
            slope = {key: g for key, g in excess.items() if g > 0 or prices.get(key)}
            norm = sum(g * g for g in slope.values())
            if not norm or theta > _THETA_LEAST:
                break
            reach = max(above - value, len(slope))
            prices = {
                key: price
                for key, g in slope.items()
                if (price := max(0, prices.get(key, 0) + _step(g * reach, norm << theta))) > 0
            }
        return {key: price for key, price in sorted(kept.items()) if price}

    def _contended(self) -> set[Key]:
        """What could be wanted more than there is, if each took the most that a known way of his takes."""
        most: dict[Key, int] = defaultdict(int)
        for ways in self.ways:
            mine: dict[Key, int] = {}
            for way in ways:
                for key, units in way.uses:
                    mine[key] = max(mine.get(key, 0), units)
            for key, units in mine.items():
                most[key] += units
        return {key for key, units in most.items() if key in self.stock and units > self.stock[key]}

    # --- rounding ---------------------------------------------------------------------------------------------

    def rounded(self, prices: Prices) -> list[int] | None:
        """An assignment led by prices; None where somebody finds nothing left."""
        ranked: list[tuple[int, int, list[int]]] = []
        for i, ways in enumerate(self.ways):
            by_price = sorted(range(len(ways)), key=lambda at: (ways[at].at(prices), at))
            second = ways[by_price[1]].at(prices) if len(ways) > 1 else 1 << 62
            ranked.append((ways[by_price[0]].at(prices) - second, i, by_price))
        chosen = [0] * len(self.members)
        left = dict(self.stock)
        for _, i, by_price in sorted(ranked):
            at = next((at for at in by_price if _fits(self.ways[i][at], left)), None)
            if at is None:
                way, _ = self.members[i].asks.best(prices, left)
                self.asked += 1
                if way is None or not _fits(way, left):
                    return None
                self._known(i, way)
                at = self.ways[i].index(way)
            chosen[i] = at
            _take(left, self.ways[i][at], 1)
        return chosen

    def improved(self, chosen: Sequence[int], prices: Prices) -> list[int]:
        """The assignment made better around each contended key, as long as that pays and the passes last.

        Those who hold it and could do without, and those who would be cheaper with it, choose anew together.
        """
        now = list(chosen)
        left = dict(self.stock)
        for i, at in enumerate(now):
            _take(left, self.ways[i][at], 1)
        contended = sorted(self._contended())
        for number in range(_PASSES):
            before = self.cost(now)
            self._take_cheaper(now, left)
            for key in contended:
                if group := self._around(key, now, number):
                    self._choose_anew(group, now, left, prices)
            if self.cost(now) == before and number:
                break
        return now

    def _take_cheaper(self, now: list[int], left: dict[Key, int]) -> None:
        """Each takes its cheapest way that what is left allows."""
        for i, ways in enumerate(self.ways):
            if len(ways) > 1:
                self._choose_anew([i], now, left, {})

    def _around(self, key: Key, now: Sequence[int], number: int) -> list[int]:
        """Some who hold the key's units and some who want them, others in each pass."""
        holders: list[tuple[int, int]] = []
        wanting: list[tuple[int, int]] = []
        for i, ways in enumerate(self.ways):
            mine = ways[now[i]]
            with_, without = _split(ways, key)
            if any(k == key for k, _ in mine.uses):
                if without is not None:
                    holders.append((without - mine.cost, i))
            elif with_ is not None and with_ < mine.cost:
                wanting.append((with_ - mine.cost, i))
        if not wanting:
            return []
        return [i for _, i in _some(wanting, number)] + [i for _, i in _some(holders, number)]

    def _ask_for_left(self, group: Sequence[int], left: Mapping[Key, int], prices: Prices) -> None:
        """Ways of a few that what all others leave allows, at cost and at prices."""
        for i in group:
            for at in ({}, prices):
                if self.asked < self.asked_most:
                    self.asked += 1
                    self._known(i, self.members[i].asks.best(at, left)[0])

    def _choose_anew(
        self, group: Sequence[int], now: list[int], left: dict[Key, int], prices: Prices
    ) -> None:
        """The cheapest ways of a few together, given what all others hold: depth first, the cheapest way first."""
        for i in group:
            _take(left, self.ways[i][now[i]], -1)
        if len(group) > 1:
            self._ask_for_left(group, left, prices)
        options = [
            sorted(range(len(self.ways[i])), key=lambda at, w=self.ways[i]: (w[at].cost, at))[:_WAYS_TRIED]  # type: ignore[misc]
            for i in group
        ]
        least = [0]
        for i, by_cost in zip(reversed(group), reversed(options), strict=True):
            least.append(least[-1] + self.ways[i][by_cost[0]].cost)
        least.reverse()
        best, found = sum(self.ways[i][now[i]].cost for i in group), [now[i] for i in group]
        picked: list[int] = []
        steps = 0

        def descend(depth: int, cost: int) -> None:
            nonlocal best, found, steps
            if depth == len(group):
                best, found = cost, list(picked)
                return
            for at in options[depth]:
                way = self.ways[group[depth]][at]
                steps += 1
                if cost + way.cost + least[depth + 1] >= best or steps > _STEPS:
                    return
                if _fits(way, left):
                    _take(left, way, 1)
                    picked.append(at)
                    descend(depth + 1, cost + way.cost)
                    picked.pop()
                    _take(left, way, -1)

        descend(0, 0)
        for i, at in zip(group, found, strict=True):
            now[i] = at
            _take(left, self.ways[i][at], 1)


def _split(ways: Sequence[Way], key: Key) -> tuple[int | None, int | None]:
    """The cheapest cost with the key, and without it."""
    with_ = without = None
    for way in ways:
        if any(k == key for k, _ in way.uses):
            with_ = way.cost if with_ is None else min(with_, way.cost)
        else:
            without = way.cost if without is None else min(without, way.cost)
    return with_, without


def _some(ranked: list[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    """So many of the first, and in later passes those behind them."""
    ranked.sort()
    start = number * _EACH_SIDE % max(1, len(ranked))
    return (ranked[start:] + ranked[:start])[:_EACH_SIDE]


def _step(rise: int, run: int) -> int:
    """A step in whole minor units, away from nought."""
    return -(-rise // run) if rise > 0 else rise // run


def _fits(way: Way, left: Mapping[Key, int]) -> bool:
    return all(key not in left or units <= left[key] for key, units in way.uses)


def _take(left: dict[Key, int], way: Way, sign: int) -> None:
    for key, units in way.uses:
        if key in left:
            left[key] -= sign * units
