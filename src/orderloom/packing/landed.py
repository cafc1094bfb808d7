"""The plan that costs least once it has landed: cartons, void fill, labour and what carriage asks for each parcel.

Carriage is a question put to the caller (`price`), for packing knows no carriers. Fewer boxes is a proxy only: two
small parcels can beat one that is billed by its size. The plan of fewest boxes is priced first, then others: without
each carton it uses in turn, and from the cheapest of these on in the same way, whether or not it is dearer; then with
single parcels split. The cheapest of all is the answer, so it is never dearer than the plan of fewest boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from orderloom.packing.cartonize import EFFORT, cartonize
from orderloom.packing.model import Article, Carton, PackPlan, PackRules, Parcel
from orderloom.packing.sorting import PLAIN
from orderloom.terms import Dimensions

# What the cheapest allowed service asks for a parcel of these outer edges and grams; None if none takes it.
Price: TypeAlias = Callable[[Dimensions, int], int | None]
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


def cost_of(plan: PackPlan, cartons: Iterable[Carton], *, price: Price, costs: Costs) -> int:
    """What a plan costs when it has landed."""
    known = {carton.code: carton for carton in cartons}
    return sum(_parcel_cost(parcel, known.get(parcel.carton or ""), price, costs) for parcel in plan.parcels)


def _parcel_cost(parcel: Parcel, carton: Carton | None, price: Price, costs: Costs) -> int:
    carriage = price(parcel.outer, parcel.weight_g)
    total = UNSHIPPABLE if carriage is None else carriage
    total += costs.per_parcel + costs.per_unit * len(parcel.placements)
    if carton is not None:
        goods = sum(place.length * place.width * place.height for place in parcel.placements)
        empty = 0 if carton.flexible else max(parcel.inner.volume - goods, 0)
        # Void fill is bought by the litre: a litre begun is a litre.
        total += carton.cost + costs.fill_per_litre * -(-empty // 1_000_000)
    return total


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
    goods, offered = tuple(articles), tuple(sorted(cartons, key=lambda carton: carton.code))
    asked = costs or Costs()

    def packed(some: Sequence[Carton], effort: int) -> tuple[int, PackPlan]:
        plan = cartonize(goods, some, keep_flat=keep_flat, effort=effort, rules=rules)
        return cost_of(plan, offered, price=price, costs=asked), plan

    fewest, plan = packed(offered, effort)
    best, cost, tried, spent = plan, fewest, 1, plan.effort
    kept, last = offered, plan
    for _ in range(ROUNDS):
        ways = []
        used = {parcel.carton for parcel in last.parcels}
        for carton in kept if spent < WHOLE * effort else ():
            if carton.code not in used:
                continue
            some = tuple(one for one in kept if one is not carton)
            other_cost, other = packed(some, effort // PART)
            tried += 1
            spent += other.effort
            if some and other.unpackable == plan.unpackable:
                ways.append((other_cost, len(other.parcels), carton.code, some, other))
        if not ways:
            break
        now, _, _, kept, last = min(ways, key=lambda way: way[:3])
        if now < cost:
            cost, best = now, last
    for _ in range(ROUNDS if spent < WHOLE * effort else 0):
        split, more = _split(
            goods, best, offered, cartonizing=(keep_flat, effort // PART, rules), price=price, costs=asked
        )
        spent += more
        tried += 1
        now = cost_of(split, offered, price=price, costs=asked)
        if now >= cost:
            break
        cost, best = now, split
    final = replace(
        best,
        lower_bound=min(plan.lower_bound, len(best.parcels)),
        proven=plan.lower_bound == len(best.parcels),
        effort=spent,
    )
    return Landed(
        plan=final,
        cost=cost,
        fewest_boxes_cost=fewest,
        lower_bound=min(cost, _at_least(plan, goods, offered, price, asked)),
        tried=tried,
    )


def _split(
    goods: Sequence[Article],
    plan: PackPlan,
    cartons: Sequence[Carton],
    *,
    cartonizing: tuple[bool, int, PackRules],
    price: Price,
    costs: Costs,
) -> tuple[PackPlan, int]:
    """Each parcel with the smallest carton that takes half its units, twice, wherever that costs less."""
    keep_flat, effort, rules = cartonizing
    known = {article.sku: article for article in goods}
    by_code = {carton.code: carton for carton in cartons}
    if any(carton.stock is not None for carton in cartons) or any(article.together for article in goods):
        return plan, 0
    parcels: list[Parcel] = []
    spent = 0
    for parcel in plan.parcels:
        units = sorted(parcel.contents.items(), key=lambda one: (-known[one[0]].weight_g, one[0]))
        halves: list[dict[str, int]] = [{}, {}]
        for at, (sku, count) in enumerate(units):
            halves[at % 2][sku] = halves[at % 2].get(sku, 0) + count - count // 2
            if count // 2:
                halves[1 - at % 2][sku] = count // 2
        found: list[Parcel] = []
        if parcel.carton is not None and all(halves):
            for half in halves:
                some = [replace(known[sku], quantity=count) for sku, count in half.items()]
                one = cartonize(some, cartons, keep_flat=keep_flat, effort=effort, rules=rules)
                spent += one.effort
                found += one.parcels
        was = _parcel_cost(parcel, by_code.get(parcel.carton or ""), price, costs)
        now = sum(_parcel_cost(one, by_code.get(one.carton or ""), price, costs) for one in found)
        parcels += found if found and now < was else [parcel]
    return replace(plan, parcels=tuple(parcels)), spent


def _at_least(
    plan: PackPlan, goods: Sequence[Article], cartons: Sequence[Carton], price: Price, costs: Costs
) -> int:
    """Carriage of what weighs no more than its lightest share, in the smallest carton, for as many parcels as it takes."""
    packed = [article for article in goods if article.sku not in {sku for sku, _ in plan.unpackable}]
    units = sum(article.quantity for article in packed)
    boxes = [
        (c.cost + (carriage or 0))
        for c in cartons
        if not c.flexible and (carriage := price(c.outer, c.tare_g)) is not None
    ]
    bare = any(parcel.carton is None for parcel in plan.parcels) or any(c.flexible for c in cartons)
    if bare or not boxes:
        return costs.per_unit * units
    return plan.lower_bound * (min(boxes) + costs.per_parcel) + costs.per_unit * units
