"""The plan that costs least once it has landed: cartons, void fill, labour and what carriage asks for each parcel.

Carriage is a question put to the caller (`price`), for packing knows no carriers. Fewer boxes is a proxy only: two
small parcels can beat one that is billed by its size. The plan of fewest boxes is priced first, then others: without
each carton it uses in turn, and from the cheapest of these on in the same way, whether or not it is dearer; then with
single parcels split. The cheapest of all is the answer, so it is never dearer than the plan of fewest boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from orderloom.packing.cartonize import EFFORT, bared, cartonize
from orderloom.packing.model import Article, Carton, PackPlan, PackRules, Parcel
from orderloom.packing.sorting import PLAIN
from orderloom.terms import Dimensions


class ToCarry(NamedTuple):
    """What carriage is asked for."""

    outer: Dimensions
    weight_g: int
    hazmat: bool = False


# What the cheapest allowed service asks for a parcel; None if none takes it.
Price: TypeAlias = Callable[[ToCarry], int | None]
# What a parcel that no service takes counts as.
UNSHIPPABLE = 10**9
# Of the effort, each plan beside the first may take this part; none begins when twice the effort is spent in all.
PART, WHOLE = 4, 2
ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What packing itself costs, in minor units: a litre of void fill, a parcel's labour, each unit's."""

    fill_per_litre: int = 0
    per_parcel: int = 0
    per_unit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The cheapest plan found, its cost, and that of the plan of fewest boxes beside it.

    `lower_bound`: no packing costs less, where prices never fall as parcels grow. `tried` is how many plans were priced.
    """

    plan: PackPlan
    cost: int
    fewest_boxes_cost: int
    lower_bound: int
    tried: int

    @property
    def saving(self) -> int:
        """What it saves beside the plan of fewest boxes."""
        return self.fewest_boxes_cost - self.cost


def landed(
    articles: Iterable[Article],
    cartons: Iterable[Carton],
    *,
    price: Price,
    costs: Costs | None = None,
    keep_flat: bool = False,
    effort: int = EFFORT,
    rules: PackRules = PLAIN,
) -> Landed:
    """The cheapest plan found. It packs what the plan of fewest boxes packs."""
    asked = costs or Costs()
    return Landing(articles, cartons, costs=asked, keep_flat=keep_flat, effort=effort, rules=rules).least(
        price
    )


class _Priced(NamedTuple):
    """A parcel as prices ask for it, and what it costs without carriage."""

    parcel: Parcel
    asked: ToCarry
    own: int


class _Tried(NamedTuple):
    """A plan and its parcels."""

    plan: PackPlan
    parcels: Sequence[_Priced]


class Landing:
    """Goods and the cartons for them. A plan is made once, whoever prices it: one service after another may ask.

    What an answer is does not depend on who asked before, nor does the effort that it tells.
    """

    def __init__(
        self,
        articles: Iterable[Article],
        cartons: Iterable[Carton],
        *,
        costs: Costs,
        keep_flat: bool = False,
        effort: int = EFFORT,
        rules: PackRules = PLAIN,
    ) -> None:
        self.goods, self._costs = tuple(articles), costs
        units = sum(article.quantity for article in self.goods)
        # A carton of which there are enough is as good as endless.
        self._offered = tuple(
            carton if carton.stock is None or carton.stock < units else replace(carton, stock=None)
            for carton in sorted(cartons, key=lambda carton: carton.code)
        )
        self._keep_flat, self._effort, self._rules = keep_flat, effort, rules
        self._dangerous = {article.sku for article in self.goods if article.hazmat_class}
        self._known = {article.sku: article for article in self.goods}
        self._by_code = {carton.code: carton for carton in self._offered}
        self._plans: dict[tuple[str, ...], _Tried] = {}
        self._halves: dict[tuple[tuple[str, int], ...], tuple[Sequence[_Priced], int]] = {}
        # How many parcels are remembered.
        self.held = 0
        self.fewest = self._packed(self._offered, effort).plan

    def whole(self) -> Landing:
        """The same with nothing left out: what fits no carton ships in its own packaging."""
        if not self.fewest.unpackable:
            return self
        return Landing(
            bared(self.goods, self.fewest),
            self._offered,
            costs=self._costs,
            keep_flat=self._keep_flat,
            effort=self._effort,
            rules=self._rules,
        )

    def least(self, price: Price) -> Landed:
        """The cheapest plan found where carriage asks this, beside the plan of fewest boxes and a bound."""
        plan, cost, tried = self.found(price)
        return Landed(
            plan=plan,
            cost=cost,
            fewest_boxes_cost=_cost(self._packed(self._offered, self._effort).parcels, price),
            lower_bound=min(cost, self._at_least(price)),
            tried=tried,
        )

    def found(self, price: Price) -> tuple[PackPlan, int, int]:
        """The cheapest plan found, its cost, and how many were priced."""
        effort, plan = self._effort, self.fewest
        last = self._packed(self._offered, effort)
        best, cost, tried, spent = last, _cost(last.parcels, price), 1, plan.effort
        kept = self._offered
        for _ in range(ROUNDS):
            ways = []
            used = {parcel.carton for parcel in last.plan.parcels}
            for carton in kept if spent < WHOLE * effort else ():
                if carton.code not in used:
                    continue
                some = tuple(one for one in kept if one is not carton)
                other = self._packed(some, effort // PART)
                tried += 1
                spent += other.plan.effort
                if some and other.plan.unpackable == plan.unpackable:
                    asks = _cost(other.parcels, price)
                    ways.append((asks, len(other.parcels), carton.code, some, other))
            if not ways:
                break
            now, _, _, kept, last = min(ways, key=lambda way: way[:3])
            if now < cost:
                cost, best = now, last
        for _ in range(ROUNDS if spent < WHOLE * effort else 0):
            split, more = self._split(best, price)
            spent += more
            tried += 1
            now = _cost(split.parcels, price)
            if now >= cost:
                break
            cost, best = now, split
        final = replace(
            best.plan,
            lower_bound=min(plan.lower_bound, len(best.parcels)),
            proven=plan.lower_bound == len(best.parcels),
            effort=spent,
        )
        return final, cost, tried

    def packing_cost(self, plan: PackPlan) -> int:
        """What a plan costs without carriage."""
        return sum(one.own for one in self._told(plan.parcels))

    def _packed(self, cartons: Sequence[Carton], effort: int) -> _Tried:
        codes = tuple([carton.code for carton in cartons])
        found = self._plans.get(codes)
        if found is None:
            plan = cartonize(self.goods, cartons, keep_flat=self._keep_flat, effort=effort, rules=self._rules)
            found = self._plans[codes] = _Tried(plan, self._told(plan.parcels))
            self.held += 1 + len(plan.parcels)
        return found

    def _told(self, parcels: Iterable[Parcel]) -> list[_Priced]:
        return [
            _Priced(
                parcel,
                ToCarry(parcel.outer, parcel.weight_g, not self._dangerous.isdisjoint(parcel.contents)),
                self._own(parcel),
            )
            for parcel in parcels
        ]

    def _own(self, parcel: Parcel) -> int:
        """What a parcel costs without carriage."""
        costs, carton = self._costs, self._by_code.get(parcel.carton or "")
        total = costs.per_parcel + costs.per_unit * len(parcel.placements)
        if carton is not None:
            goods = sum(place.length * place.width * place.height for place in parcel.placements)
            empty = 0 if carton.flexible else max(parcel.inner.volume - goods, 0)
            # Void fill is bought by the litre: a litre begun is a litre.
            total += carton.cost + costs.fill_per_litre * -(-empty // 1_000_000)
        return total

    def _split(self, tried: _Tried, price: Price) -> tuple[_Tried, int]:
        """Each parcel with the smallest carton that takes half its units, twice, wherever that costs less."""
        if any(carton.stock is not None for carton in self._offered):
            return tried, 0
        if any(article.together for article in self.goods):
            return tried, 0
        parcels: list[_Priced] = []
        spent = 0
        for one in tried.parcels:
            found, effort = self._halved(one.parcel)
            spent += effort
            parcels += found if found and _cost(found, price) < _cost([one], price) else [one]
        plan = replace(tried.plan, parcels=tuple([one.parcel for one in parcels]))
        return _Tried(plan, parcels), spent

    def _halved(self, parcel: Parcel) -> tuple[Sequence[_Priced], int]:
        """The parcel's units in two halves, and the effort; nothing where it has no carton or no two units."""
        known = self._known
        key = (parcel.carton or "", 0), *sorted(parcel.contents.items())
        found = self._halves.get(key)
        if found is None:
            units = sorted(parcel.contents.items(), key=lambda one: (-known[one[0]].weight_g, one[0]))
            halves: list[dict[str, int]] = [{}, {}]
            for at, (sku, count) in enumerate(units):
                halves[at % 2][sku] = halves[at % 2].get(sku, 0) + count - count // 2
                if count // 2:
                    halves[1 - at % 2][sku] = count // 2
            plans = [
                cartonize(
                    [replace(known[sku], quantity=count) for sku, count in half.items()],
                    self._offered,
                    keep_flat=self._keep_flat,
                    effort=self._effort // PART,
                    rules=self._rules,
                )
                for half in (halves if parcel.carton is not None and all(halves) else ())
            ]
            found = self._halves[key] = (
                [one for plan in plans for one in self._told(plan.parcels)],
                sum(plan.effort for plan in plans),
            )
            self.held += 1 + len(found[0])
        return found

    def _at_least(self, price: Price) -> int:
        """Carriage of what weighs no more than its lightest share, in the smallest carton, for as many parcels as it takes."""
        costs, plan = self._costs, self.fewest
        left = {sku for sku, _ in plan.unpackable}
        units = sum(article.quantity for article in self.goods if article.sku not in left)
        boxes = [
            (c.cost + (carriage or 0))
            for c in self._offered
            if not c.flexible and (carriage := price(ToCarry(c.outer, c.tare_g))) is not None
        ]
        bare = any(p.carton is None for p in plan.parcels) or any(c.flexible for c in self._offered)
        if bare or not boxes:
            return costs.per_unit * units
        return plan.lower_bound * (min(boxes) + costs.per_parcel) + costs.per_unit * units


def _cost(parcels: Iterable[_Priced], price: Price) -> int:
    total = 0
    for one in parcels:
        carriage = price(one.asked)
        total += one.own + (UNSHIPPABLE if carriage is None else carriage)
    return total
