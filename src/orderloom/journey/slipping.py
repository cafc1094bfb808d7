"""A promise that slips is made again before its day has passed: by work that is behind, by parcels on their way.

Every minute the orders in danger are looked at: those with work that should have been handed over, and those whose
parcels are promised for today. What is left open of each is timed anew by contract, calendars and what was learnt; where
the promised day is more likely missed than kept, the order is bound to a later one and its buyer told. A date slips once
and only ever to a later one. Where no day can be told, the order is flagged late once its promise has passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from orderloom import delivery, network, shipping
from orderloom.delivery import learning
from orderloom.delivery.model import Progress
from orderloom.delivery.promise import end_of_day, path_between
from orderloom.delivery.slipping import given_up_for
from orderloom.delivery.transit import Assured, Learnt
from orderloom.network.calendar import NeverWorks, handover, local, zone
from orderloom.network.model import Channel, Node
from orderloom.network.places import located, positioned
from orderloom.orders import axes, promises
from orderloom.orders.model import Fulfillment, Order
from orderloom.orders.promises import Promised
from orderloom.orders.reading import fulfillments_of, lock, orders_of
from orderloom.plumbing.database import Db
from orderloom.shipping.contracts import ContractBook
from orderloom.shipping.model import Place
from orderloom.shipping.select import arrival, delivering
from orderloom.shipping.store.labels import Planned
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Rank

# How long before its moment a promise is looked at, and how long after it: nobody was there to look for longer.
_AHEAD = timedelta(hours=12)
_LOOK_BACK = timedelta(days=7)
_PASSED = "a parcel has not arrived by the promised date"


@dataclass(frozen=True, slots=True)
class _Known:
    """What open orders are timed by, read once for all of them."""

    works: Mapping[UUID, Sequence[Fulfillment]]
    plans: Mapping[UUID, Planned]
    progress: Mapping[UUID, Progress]
    nodes: Mapping[UUID, Node]
    channels: Mapping[UUID, Channel]
    book: ContractBook
    learnt: Learnt


async def keep_promises(db: Db, now: datetime) -> None:
    """Make those promises again that work and parcels have come behind; a second time at once changes nothing."""
    near = await delivery.late(db, now=now + _AHEAD, since=now - _LOOK_BACK, delivered=False, limit=None)
    passed = {parcel.order_id for parcel in near if parcel.promise_at < now}
    in_danger = await promises.behind(db, now=now, besides=sorted({parcel.order_id for parcel in near}))
    if not in_danger:
        return
    await lock(db, orders=in_danger)
    orders = await orders_of(db, in_danger)
    known = await _known(db, list(orders.values()))
    later = {
        order.id: Promised(order.id, order.channel_id, at, was=order.promise_at)
        for order in orders.values()
        if (at := _later(order, known, now)) is not None
    }
    await promises.bind(db, promised=later, why="it is behind what was planned", slip=True)
    await delivery.re_promise(db, promises={order: one.promise_at for order, one in later.items()})
    silent = [o.id for o in orders.values() if o.id in passed and o.id not in later and not o.late]
    await axes.note_late(db, orders=dict.fromkeys(silent, _PASSED))


async def _known(db: Db, orders: Sequence[Order]) -> _Known:
    works: dict[UUID, list[Fulfillment]] = defaultdict(list)
    for work in (await fulfillments_of(db, orders=[order.id for order in orders])).values():
        if work.min_rank < Rank.DELIVERED:
            works[work.order_id].append(work)
    ids = [work.id for of in works.values() for work in of]
    return _Known(
        works=works,
        plans=await shipping.planned(db, fulfillments=ids),
        progress=await delivery.progress(db, fulfillments=ids),
        nodes=await network.nodes_of(db, ids={work.node_id for of in works.values() for work in of}),
        channels=await network.channels_of(db, ids={order.channel_id for order in orders}),
        book=await shipping.contract_book(db),
        learnt=await learning.learnt(db),
    )


def _later(order: Order, known: _Known, now: datetime) -> datetime | None:
    """The moment the order is promised for instead, where its promise is given up."""
    if order.promise_at is None:
        return None
    channel = known.channels[order.channel_id]
    found = located(order.ship_to)
    here = zone(found.time_zone if found else channel.time_zone)
    promised, today = order.promise_at.astimezone(here).date(), now.astimezone(here).date()
    if now > order.promise_at:
        # The moment may have been one in the middle of its day.
        promised = min(promised, today - timedelta(days=1))
    assured = Assured(known.learnt, channel.promise_confidence)
    days = [
        day
        for work in known.works.get(order.id, ())
        if (day := _given_up_for(work, order, known, promised, today, assured, now)) is not None
    ]
    at = end_of_day(max(days), time_zone=here.key) if days else None
    return at if at is not None and at > order.promise_at else None


def _given_up_for(
    work: Fulfillment,
    order: Order,
    known: _Known,
    promised: date,
    today: date,
    assured: Assured,
    now: datetime,
) -> date | None:
    """The day by which this part of the order is there, where it makes the promise give way."""
    progress, plan, node = known.progress.get(work.id), known.plans.get(work.id), known.nodes[work.node_id]
    if progress is not None and progress.done:
        return None
    carrier, service = (plan.carrier, plan.service) if plan else (work.carrier, work.service)
    tariff = next((one for one in known.book.at(now) if one.carrier == carrier), None)
    if tariff is None or service not in tariff.services:
        return None
    behind = 0
    planned = plan.arrives_on if plan else None
    if (plan is None or plan.shipped_at is None) and work.ship_by is not None and work.ship_by < now:
        behind = max(0, (local(node, now).date() - local(node, work.ship_by).date()).days)
        planned = _from_now(node, order, tariff, service, now)
    if planned is None:
        return None
    day = given_up_for(
        promised=promised,
        planned=planned,
        today=today,
        path=path_between(node=node, to=order.ship_to, carrier=tariff.carrier, service=service),
        assured=assured,
        behind=behind,
    )
    return None if day is None else delivering(contract=tariff, service=service, day=day)


def _from_now(node: Node, order: Order, tariff: Tariff, service: str, now: datetime) -> date | None:
    """When work that has begun arrives if it leaves at the next cut-off."""
    at_work = replace(node, processing_hours=0)
    try:
        leaves = handover(at_work, ready_from=now, carrier=tariff.carrier, service=service)
    except NeverWorks:
        return None
    origin = Place.of(positioned(node.address, latitude=node.latitude, longitude=node.longitude))
    found, days = tariff.legs.leg(service, origin, Place.of(positioned(order.ship_to)))
    if found.zone is None:
        return None
    return arrival(contract=tariff, service=service, zone=found.zone, ship_on=leaves.date(), days=days)
