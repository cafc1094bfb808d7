"""Promises of those in line, made again whenever what they wait for changes: supply, or who is before them.

A date that slips is told before the old one breaks; one that comes sooner is told too. A date the channel brought is
never moved forward by us. Where nothing on its way covers an order any more, a person gets a case. Where what is on its
way is overdue, and the promise could not be kept if it came this moment, the buyer is told so, once and without a date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import network
from orderloom.catalog.store import sold_later
from orderloom.delivery.promise import policy_promise
from orderloom.journey import consolidating
from orderloom.journey.backordering import ready_dates, sold_from
from orderloom.journey.queueing import wake_line
from orderloom.journey.reserving import SHORT, out_of_stock
from orderloom.orders import axes, exceptions, promises
from orderloom.orders.promises import Bound, Promised
from orderloom.orders.reading import lock
from orderloom.orders.waiting import waited_by
from orderloom.plumbing import clock, events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event, Reader, events_of

_WAITED = frozenset(rank.word for rank in SHORT)


async def promise_again(db: Db, *, skus: Collection[str], now: datetime) -> None:
    """Work out anew when everybody who waits for these SKUs is served, and bind those whose date is another."""
    ready = await ready_dates(db, skus=skus, now=now)
    known = await promises.bound(db, orders=sorted(ready))
    if not known:
        return
    made = await _made(db, known, ready, now)
    uncovered = [order for order in known if ready[order.order_id][0] is None]
    sooner = [p.order_id for p in made if p.was is not None and p.promise_at < p.was]
    ours = await events.told_of(db, sooner, promises.MADE) if sooner else set()
    moved = {p.order_id: p for p in made if p.order_id in ours or p.was is None or p.promise_at > p.was}
    lost = [order for order in uncovered if order.promise_at is not None and not order.late]
    await lock(db, orders=sorted({*moved, *(order.order_id for order in lost)}))
    await promises.bind(db, promised=moved, why="what it waits for comes on another day")
    await _ask(db, uncovered, ready, now)
    await axes.note_late(db, orders={order.order_id: "nothing on its way covers it" for order in lost})
    await consolidating.look_again(
        db, orders=[order.order_id for order in known], sooner=[order for order in sooner if order in moved]
    )


async def tell_overdue(db: Db, now: datetime) -> None:
    """Tell those in line whose promise will be missed, for what they wait for is overdue and nobody knows its day."""
    channels = await network.channels_of(db)
    soonest = {
        (channel.id, level): policy_promise(
            placed_at=now,
            service_level=level,
            promise_days=channel.promise_days,
            time_zone=channel.time_zone,
        )
        for channel in channels.values()
        for level in channel.promise_days
    }
    missed = await promises.missed(db, soonest=soonest)
    if not missed:
        return
    ready = await ready_dates(db, skus=await waited_by(db, orders=missed), now=now)
    overdue = [order for order in missed if (at := ready[order][0]) is None or at <= now]
    await lock(db, orders=overdue)
    await axes.note_late(db, orders=dict.fromkeys(overdue, "what it waits for is overdue"))


async def _made(
    db: Db, orders: Sequence[Bound], ready: Mapping[UUID, tuple[datetime | None, set[str]]], now: datetime
) -> list[Promised]:
    """The dates these orders would be promised now, of those whose supply has one."""
    channels = await network.channels_of(db, ids={order.channel_id for order in orders})
    days = await sold_later(db, on=now.date() - timedelta(days=1))
    promised: dict[tuple[UUID, str, datetime], datetime] = {}
    found = []
    for order in orders:
        at, waits_for = ready[order.order_id]
        channel = channels[order.channel_id]
        if at is None or at <= now or order.service_level not in channel.promise_days:
            continue
        opens = sold_from(waits_for, days=days, time_zone=channel.time_zone)
        since = max(order.placed_at, at, opens or at)
        key = (channel.id, order.service_level, since)
        if key not in promised:
            promised[key] = policy_promise(
                placed_at=since,
                service_level=order.service_level,
                promise_days=channel.promise_days,
                time_zone=channel.time_zone,
            )
        if promised[key] != order.promise_at:
            found.append(
                Promised(order.order_id, order.channel_id, promised[key], since, was=order.promise_at)
            )
    return found


async def _ask(
    db: Db,
    orders: Sequence[Bound],
    ready: Mapping[UUID, tuple[datetime | None, set[str]]],
    now: datetime,
) -> None:
    """Nothing known brings what these wait for: a person is asked."""
    waiting = [order.order_id for order in orders]
    asked = await exceptions.about(db, entities=waiting, kind="out_of_stock")
    await exceptions.open_(
        db,
        cases_=[
            out_of_stock(order, f"nothing on its way covers its {', '.join(sorted(ready[order][1]))}", now)
            for order in waiting
            if order not in asked
        ],
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
    # The whole line is gone through each time: what comes often is taken together.
    return 2.0


IN_LINE = Reader(
    "line",
    follow_line,
    log=events_of("supply.*", "order.backordered", "order.cancelled"),
    every_s=_pause,
    at_once=5_000,
)
