"""Promises of those in line, made again whenever what they wait for changes: supply, or who is before them.

A date that slips is told before the old one breaks; one that comes sooner is told too. A date the channel brought is
never moved forward by us. Where nothing on its way covers an order any more, a person gets a case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import network
from orderloom.catalog.store import sold_later
from orderloom.delivery.promise import policy_promise
from orderloom.journey.backordering import ready_dates, sold_from
from orderloom.journey.queueing import wake_line
from orderloom.journey.reserving import SHORT, out_of_stock
from orderloom.network.model import Channel
from orderloom.orders import axes, exceptions, promises
from orderloom.orders.model import Order
from orderloom.orders.promises import Promised
from orderloom.orders.reading import lock, orders_of
from orderloom.orders.waiting import waited_by
from orderloom.plumbing import clock, events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event, Reader, events_of

_WAITED = frozenset(rank.word for rank in SHORT)


async def promise_again(db: Db, *, skus: Collection[str], now: datetime) -> None:
    """Work out anew when everybody who waits for these SKUs is served, and bind those whose date is another."""
    ready = await ready_dates(db, skus=skus, now=now)
    known = {
        order.id: order
        for order in (await orders_of(db, sorted(ready))).values()
        if order.lifecycle == "open" and order.decide_as_of is None
    }
    if not known:
        return
    channels = await network.channels_of(db, ids={order.channel_id for order in known.values()})
    days = await sold_later(db, on=now.date() - timedelta(days=1))
    ours = await events.told_of(db, sorted(known), promises.MADE)
    bound: dict[UUID, Promised] = {}
    uncovered: list[Order] = []
    for order in known.values():
        at, waits_for = ready[order.id]
        channel = channels[order.channel_id]
        if at is None:
            uncovered.append(order)
        elif at > now and order.service_level in channel.promise_days:
            opens = sold_from(waits_for, days=days, time_zone=channel.time_zone)
            made = _promised(order, channel, max(at, opens or at))
            if order.promise_at is None or made.promise_at > order.promise_at or order.id in ours:
                bound[order.id] = made
    await lock(db, orders=sorted({*bound, *(order.id for order in uncovered)}))
    await promises.bind(db, promised=bound, why="what it waits for comes on another day")
    await _lose(db, uncovered, ready, now)


def _promised(order: Order, channel: Channel, ready_at: datetime) -> Promised:
    promise_at = policy_promise(
        placed_at=max(order.placed_at, ready_at),
        service_level=order.service_level,
        promise_days=channel.promise_days,
        time_zone=channel.time_zone,
    )
    return Promised(order.id, order.channel_id, promise_at, ready_at, was=order.promise_at)


async def _lose(
    db: Db,
    orders: Sequence[Order],
    ready: Mapping[UUID, tuple[datetime | None, set[str]]],
    now: datetime,
) -> None:
    """Nothing known brings what these wait for: a person is asked, and who was promised a date is told."""
    asked = {
        case.entity_id
        for case in await exceptions.open_of(db, entities=[order.id for order in orders])
        if case.kind == "out_of_stock"
    }
    await exceptions.open_(
        db,
        cases_=[
            out_of_stock(
                order.id, f"nothing on its way covers its {', '.join(sorted(ready[order.id][1]))}", now
            )
            for order in orders
            if order.id not in asked
        ],
    )
    await axes.note_late(
        db,
        orders={
            o.id: "nothing on its way covers it" for o in orders if o.promise_at is not None and not o.late
        },
    )


async def follow_line(db: Db, news: Sequence[Event]) -> None:
    """Reader of the log: supply and the line have changed."""
    skus = {str(sku) for event in news if event.entity == "supply" for sku in event.data.get("skus", ())}
    freed = {
        str(piece["sku"])
        for event in news
        for piece in event.data.get("moved", ())
        if event.type == "order.cancelled" and piece["from"] in _WAITED
    }
    joined = sorted({e.order_id for e in news if e.type == "order.backordered" and e.order_id})
    skus |= freed | await waited_by(db, orders=joined)
    if freed:
        # Units that were theirs and not yet taken go to whoever is next.
        await wake_line(db, skus=freed)
    if skus:
        await promise_again(db, skus=skus, now=clock.now())


def _pause() -> float:
    return 0.5


IN_LINE = Reader(
    "line", follow_line, log=events_of("supply.*", "order.backordered", "order.cancelled"), every_s=_pause
)
