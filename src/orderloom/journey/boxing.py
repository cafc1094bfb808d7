"""How released work is to be packed: with its node's cartons, by the house's rules, priced by the service chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from orderloom import network, packing, shipping
from orderloom.catalog import Item
from orderloom.network.calendar import zone
from orderloom.network.places import positioned
from orderloom.orders.model import Fulfillment, Order
from orderloom.orders.reading import orders_of
from orderloom.packing import ToPack
from orderloom.packing.landed import Price, ToCarry
from orderloom.plumbing.database import Db
from orderloom.shipping.model import Ineligible, Parcel, Place
from orderloom.shipping.rate import rate
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
    prices: dict[UUID, Price] = {}
    if any(one.rules.landed is not None for one in rules):
        tariffs = {tariff.carrier: tariff for tariff in await shipping.tariffs(db, at=now)}
        nodes = await network.nodes_of(db, ids={work.node_id for work in able})
        for work in able:
            order, node = orders[work.order_id], nodes[work.node_id]
            if work.carrier in tariffs and work.service is not None:
                prices[work.id] = _price(work, order, node, tariffs[work.carrier], now)
    await packing.plan_for(
        db,
        rules=rules,
        fulfillments={
            work.id: ToPack(
                node_id=work.node_id,
                channel_id=orders[work.order_id].channel_id if rules else None,
                articles=packing.articles(items=items, units=units[work.id]),
                price=prices.get(work.id),
            )
            for work in able
        },
    )


def _price(work: Fulfillment, order: Order, node: network.Node, tariff: Tariff, now: datetime) -> Price:
    """What the work's own service asks for a parcel on the day it leaves."""
    origin = Place.of(positioned(node.address, latitude=node.latitude, longitude=node.longitude))
    destination = Place.of(positioned(order.ship_to))
    leaves = max(work.ship_by, now) if work.ship_by else now
    ship_on = leaves.astimezone(zone(node.time_zone)).date()
    service = work.service
    assert service is not None  # noqa: S101 - only work with a service is priced

    @cache
    def price(one: ToCarry) -> int | None:
        parcel = Parcel.of(dimensions=one.outer, weight_g=one.weight_g, hazmat=one.hazmat)
        found = rate(
            contract=tariff,
            service=service,
            parcel=parcel,
            origin=origin,
            destination=destination,
            at=ship_on,
            trace=False,
        )
        return None if isinstance(found, Ineligible) else found.total

    return price
