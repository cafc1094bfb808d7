"""How released work is to be packed: with its node's cartons, by the house's rules, priced by the service chosen for it.

What is planned anew at the station is priced the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom import network, packing, shipping
from orderloom.catalog import Item
from orderloom.network.calendar import zone
from orderloom.network.places import positioned
from orderloom.orders.model import Fulfillment, Order
from orderloom.orders.reading import orders_of
from orderloom.packing import ToPack
from orderloom.packing.landed import Price
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.routing.carriage import asked_by
from orderloom.shipping.model import Place
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Quantities


async def plan_packing(
    db: Db,
    *,
    works: Sequence[Fulfillment],
    units: Mapping[UUID, Quantities],
    items: Mapping[str, Item],
    now: datetime,
) -> None:
    """Plan the packing of work and keep the plans."""
    able = [work for work in works if units.get(work.id)]
    rules = await packing.house_rules(db)
    # Most houses have none, and then nothing hangs on the order.
    orders = await orders_of(db, sorted({work.order_id for work in able})) if rules else {}
    priced = any(one.rules.landed is not None for one in rules)
    asks = await _prices(db, able, orders, now) if priced else {}
    await packing.plan_for(
        db,
        rules=rules,
        fulfillments={
            work.id: ToPack(
                node_id=work.node_id,
                channel_id=orders[work.order_id].channel_id if rules else None,
                articles=packing.articles(items=items, units=units[work.id]),
                price=asks.get(work.id),
            )
            for work in able
        },
    )


async def prices(db: Db, works: Sequence[Fulfillment]) -> Mapping[UUID, Price]:
    """What each work's own service asks for a parcel that is packed now; without work that has no service."""
    orders = await orders_of(db, sorted({work.order_id for work in works}))
    return await _prices(db, works, orders, clock.now())


async def _prices(
    db: Db, works: Sequence[Fulfillment], orders: Mapping[UUID, Order], now: datetime
) -> Mapping[UUID, Price]:
    tariffs = {tariff.carrier: tariff for tariff in await shipping.tariffs(db, at=now)}
    nodes = await network.nodes_of(db, ids={work.node_id for work in works})
    return {
        work.id: _price(work.service, work, orders[work.order_id], nodes[work.node_id], tariff, now)
        for work in works
        if work.service is not None and (tariff := tariffs.get(work.carrier or "")) is not None
    }


def _price(
    service: str, work: Fulfillment, order: Order, node: network.Node, tariff: Tariff, now: datetime
) -> Price:
    """What the work's own service asks for a parcel on the day it leaves."""
    leaves = max(work.ship_by, now) if work.ship_by else now
    return asked_by(
        contract=tariff,
        service=service,
        origin=Place.of(positioned(node.address, latitude=node.latitude, longitude=node.longitude)),
        destination=Place.of(positioned(order.ship_to)),
        ship_on=leaves.astimezone(zone(node.time_zone)).date(),
    )
