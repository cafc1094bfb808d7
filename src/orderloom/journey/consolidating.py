"""Holding orders to consolidate: what is there waits for its rest, kept for its order, until the rest comes or time is up.

Routing decides it (`routing.consolidating`). The wait is a hold that a person may clear, which releases the order at
once; it is spent at the step `reserve`, where orders stand in line for stock. An order waits once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from orderloom import routing
from orderloom.journey.backordering import served
from orderloom.network.model import Channel
from orderloom.orders import holds
from orderloom.orders.holds import CONSOLIDATION, NewHold
from orderloom.orders.model import Hold, Slice
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import GoTo, Later, Outcome
from orderloom.routing.model import Consolidation, Decision
from orderloom.routing.profiles import Version
from orderloom.terms import new_id


@dataclass(frozen=True, slots=True)
class Lacking:
    """The units an order waits for: by line, by node and SKU where they are expected, and when the last is there."""

    units: Mapping[UUID, int]
    expected: Mapping[UUID, Mapping[str, int]]
    ready_at: datetime


def wanted(channel: Channel, version: Version | None) -> bool:
    """Whether an order of the channel could be held at all."""
    if "consolidate_day_cost" in channel.split_policy:
        return True
    rules = version.profile.rules if version else ()
    return any(s.consolidate_day_cost is not None for rule in rules for s in rule.strategies)


async def lacking(db: Db, *, pieces: Mapping[UUID, Sequence[Slice]], now: datetime) -> dict[UUID, Lacking]:
    """What each of these orders waits for, of those that supply on its way covers and that have not waited before."""
    had = {
        hold.order_id for hold in await holds.holds_of(db, orders=list(pieces)) if hold.type == CONSOLIDATION
    }
    mine = {piece.id: piece.sku for order, of in pieces.items() if order not in had for piece in of}
    if not mine:
        return {}
    units: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    expected: dict[UUID, dict[UUID, dict[str, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    ready: dict[UUID, datetime | None] = {}
    for piece, found in await served(db, skus=set(mine.values()), now=now):
        if piece.slice_id not in mine:
            continue
        order = piece.order_id
        units[order][piece.line_id] += piece.quantity
        for node, count in found.at.items():
            expected[order][node][piece.sku] += count
        before = ready.get(order, now)
        ready[order] = max(before, found.ready_at) if before and found.ready_at else None
    return {
        order: Lacking(units[order], expected[order], at) for order, at in ready.items() if at is not None
    }


async def hold(db: Db, *, decided: Mapping[UUID, Decision]) -> dict[UUID, Outcome]:
    """Hold orders as was decided, with the record of why; they go back in line for what they lack."""
    if not decided:
        return {}
    await routing.record(db, decisions={new_id(): (order, d) for order, d in decided.items()})
    await holds.raise_holds(
        db,
        holds=[
            NewHold(
                order_id=order,
                type=CONSOLIDATION,
                blocks=("route",),
                due_at=found.until,
                note=_note(found),
            )
            for order, found in ((order, d.consolidation) for order, d in decided.items())
            if found is not None and found.until is not None
        ],
    )
    return {order: GoTo("reserve") for order in decided}


def _note(found: Consolidation) -> str:
    units = ", ".join(f"{want.quantity} × {want.sku}" for want in found.rest.wants)
    ready = found.rest.ready_at.astimezone(UTC)
    return f"for {units}, expected {ready:%Y-%m-%d %H:%M} UTC, to leave in fewer parcels"


async def waiting(
    db: Db, *, orders: Sequence[UUID], ready: Mapping[UUID, datetime | None], now: datetime
) -> dict[UUID, Outcome]:
    """Those of the orders still short that go on waiting: their time is not up, and what they lack comes before it is."""
    return {
        order: Later(hold.due_at, "its rest, to leave in fewer parcels")
        for order, hold in (await held(db, orders=orders)).items()
        if now < hold.due_at and (at := ready.get(order)) is not None and at <= hold.due_at
    }


async def held(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, Hold]:
    """The wait of each order that is held for its rest."""
    active = await holds.holds_of(db, orders=orders, active_only=True) if orders else []
    return {hold.order_id: hold for hold in active if hold.type == CONSOLIDATION}


async def end(db: Db, *, waits: Mapping[UUID, Hold], short: Collection[UUID]) -> None:
    """The wait of orders that go on to their nodes is over; `short`: their rest has not come."""
    for order, hold in sorted(waits.items()):
        await holds.clear(
            db,
            hold_id=hold.id,
            why="it can wait no longer" if order in short else "its rest is there, or is wanted no more",
        )


async def look_again(db: Db, *, orders: Sequence[UUID], sooner: Collection[UUID]) -> None:
    """What these orders wait for comes on another day; `sooner`: promised for an earlier one, they wait no longer."""
    waits = await held(db, orders=orders)
    for order in sorted(waits.keys() & set(sooner)):
        await holds.clear(db, hold_id=waits[order].id, why="its promise was moved forward")
    await journeys.wake(db, "order", sorted(waits))
