"""What has to be looked at from time to time: promises that break, answers that were kept long enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from orderloom import delivery
from orderloom.delivery import learning
from orderloom.insight.deliveries import deliveries
from orderloom.journey import carts, lotting, publishing_stock, repromising
from orderloom.orders import axes
from orderloom.orders.reading import orders_of
from orderloom.plumbing import idempotency
from orderloom.plumbing.database import Db

_LOOK_BACK = timedelta(days=7)


async def watch_promises(db: Db, now: datetime) -> None:
    """Flag orders with a parcel past its promise, which tells their buyers. History is not told of.

    Promises that broke longer ago were looked at when they did, unless no worker ran for a week.
    """
    overdue = await delivery.late(db, now=now, since=now - _LOOK_BACK, delivered=False, limit=None)
    known = await orders_of(db, sorted({parcel.order_id for parcel in overdue}))
    await axes.note_late(
        db,
        orders={
            order.id: "a parcel has not arrived by the promised date"
            for order in known.values()
            if order.decide_as_of is None and not order.late
        },
    )


async def learn_lateness(db: Db, now: datetime) -> None:
    """Learn once a day from how late parcels came; several workers, or one that begins anew, do so no oftener."""
    if await learning.due(db, now=now):
        await learning.learn_from(db, deliveries=await deliveries(db, now=now), now=now)


async def forget_answers(db: Db, _now: datetime) -> None:
    """Drop idempotency records that were kept long enough."""
    await idempotency.forget(db)


CHORES: tuple[tuple[float, Callable[[Db, datetime], Awaitable[None]]], ...] = (
    (1.0, carts.expire),
    (60.0, watch_promises),
    (60.0, publishing_stock.sweep),
    (600.0, forget_answers),
    (600.0, learn_lateness),
    (600.0, lotting.put_expired_aside),
    (600.0, repromising.tell_overdue),
)
