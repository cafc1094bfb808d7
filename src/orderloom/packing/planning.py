"""Plans of how fulfillment orders are to be packed, decided from the cartons in use and kept for the station."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from orderloom import catalog
from orderloom.catalog import Item
from orderloom.orders import reading
from orderloom.orders.model import Fulfillment
from orderloom.packing import store
from orderloom.packing.cartonize import PLANNED_EFFORT, cartonize, whole
from orderloom.packing.houserules import HouseRules, Houses, Offered, StoredRules, in_force
from orderloom.packing.landed import Price
from orderloom.packing.model import Article, Carton, PackPlan, handled
from orderloom.packing.work import Work, works_of
from orderloom.plumbing.database import Db

# Asked what the service chosen for each of these asks for a parcel; it leaves out what has none.
Prices: TypeAlias = Callable[[Db, Sequence[Fulfillment]], Awaitable[Mapping[UUID, Price]]]


async def unpriced(_db: Db, _works: Sequence[Fulfillment]) -> Mapping[UUID, Price]:
    """Nobody knows what carriage asks: everything goes into the fewest cartons."""
    return {}


def articles(*, items: Mapping[str, Item], units: Mapping[str, int]) -> tuple[Article, ...]:
    """Units of catalogue items as packing sees them."""
    return tuple(
        Article(
            sku=sku,
            length=items[sku].length_mm,
            width=items[sku].width_mm,
            height=items[sku].height_mm,
            weight_g=items[sku].weight_g,
            fragile=items[sku].fragile,
            this_side_up=items[sku].this_side_up,
            hazmat_class=items[sku].hazmat_class,
            ships_alone=items[sku].ships_alone,
            quantity=count,
            **handled(items[sku].handling),
        )
        for sku, count in sorted(units.items())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPack:
    """Units to be packed at a node for a channel; `price` says what carriage asks, where the house packs by cost."""

    node_id: UUID
    channel_id: UUID | None
    articles: tuple[Article, ...]
    price: Price | None = None


async def offered(db: Db, *, nodes: Iterable[UUID], to: Literal["look", "plan", "use"] = "look") -> Offered:
    """The cartons in use, as far as these nodes have them."""
    return Offered(await store.cartons(db), await store.node_cartons(db, nodes=nodes, to=to))


async def houses(db: Db, *, nodes: Iterable[UUID]) -> Houses:
    """How these nodes pack."""
    return Houses(await store.house_rules(db), await offered(db, nodes=nodes))


async def plan_for(
    db: Db, *, fulfillments: Mapping[UUID, ToPack], rules: Sequence[StoredRules]
) -> dict[UUID, PackPlan]:
    """Plan the packing of fulfillment orders with the cartons their nodes have, and keep the plans."""
    cartons = await offered(db, nodes=[work.node_id for work in fulfillments.values()], to="plan")
    plans = {}
    for fulfillment, work in fulfillments.items():
        house = in_force(rules, node_id=work.node_id, channel_id=work.channel_id)
        plan = _planned(work, cartons.at(work.node_id), house)
        cartons.take(work.node_id, plan.parcels)
        plans[fulfillment] = plan
    await store.put_plans(db, plans)
    return plans


def _planned(work: ToPack, cartons: Sequence[Carton], house: HouseRules) -> PackPlan:
    landing = house.landing(work.articles, cartons) if work.price else None
    if landing is None or work.price is None:
        return cartonize(work.articles, cartons, effort=PLANNED_EFFORT, rules=house.rules)
    return landing.found(work.price)[0]


async def plan_anew(db: Db, *, works: Sequence[Work], prices: Prices) -> dict[UUID, PackPlan]:
    """Plans for what these fulfillment orders are now to ship, nothing left out, in place of those they had."""
    items = await catalog.items_of(db, skus={sku for work in works for sku in work.ordered})
    orders = await reading.orders_of(db, sorted({work.fulfillment.order_id for work in works}))
    cartons = await offered(db, nodes=[work.fulfillment.node_id for work in works], to="use")
    stored = await store.house_rules(db)
    asked = [work.fulfillment for work in works] if any(one.rules.landed for one in stored) else []
    carriage = await prices(db, asked) if asked else {}
    plans = {}
    for work in works:
        at, order = work.fulfillment.node_id, orders[work.fulfillment.order_id]
        house = in_force(stored, node_id=at, channel_id=order.channel_id)
        goods = articles(items=items, units=work.ordered)
        price = carriage.get(work.fulfillment.id)
        landing = house.landing(goods, cartons.at(at)) if price else None
        if landing is None or price is None:
            plan = whole(goods, cartons.at(at), rules=house.rules)
        else:
            plan, _, _ = landing.whole().found(price)
        plans[work.fulfillment.id] = plan
        cartons.take(at, plan.parcels)
    await store.put_plans(db, plans)
    return plans


async def put_node_cartons(
    db: Db, *, node_id: UUID, stock: Mapping[str, int | None], prices: Prices = unpriced
) -> None:
    """Say which cartons a node has, and how many; what waits there for one it has no more is planned anew."""
    before = await store.node_cartons(db, nodes=[node_id], to="use")
    await store.put_node_cartons(db, node_id=node_id, stock=stock)
    known = {carton.code for carton in await store.cartons(db)} | set(before.get(node_id, ()))
    gone = [code for code in sorted(known) if stock and stock.get(code, 0) == 0]
    await _without(db, [(node_id, code) for code in gone], prices)


async def use_cartons(db: Db, *, packed: Iterable[tuple[UUID, str | None]], prices: Prices) -> None:
    """Parcels were closed at nodes in cartons. What waits for a carton that is now used up is planned anew."""
    used = Counter((node, carton) for node, carton in packed if carton is not None)
    if not await store.node_cartons(db, nodes=[node for node, _ in used], to="use"):
        return
    await _without(db, await store.use_cartons(db, used=used), prices)


async def _without(db: Db, gone: Sequence[tuple[UUID, str]], prices: Prices) -> None:
    by_node: dict[UUID, list[str]] = defaultdict(list)
    for node, carton in gone:
        by_node[node].append(carton)
    for node, cartons in by_node.items():
        waiting = await reading.open_at(db, node=node)
        stale = await store.planned_into(db, fulfillments=waiting, cartons=cartons)
        works = await works_of(db, fulfillments=stale, lock=False)
        await plan_anew(db, works=[work for _, work in sorted(works.items()) if work.ordered], prices=prices)
