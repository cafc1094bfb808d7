"""Stock for units that have none yet: reserved as soon as it is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.catalog.store import sold_later
from orderloom.inventory.availability import Demand, Shelves, reserve_legs
from orderloom.inventory.availability import (
    place as keep,
)
from orderloom.inventory.expecting import shelves_of
from orderloom.inventory.model import Posting
from orderloom.inventory.store.log import FREED
from orderloom.journey import consolidating
from orderloom.journey.backordering import ready_dates, sold_from
from orderloom.journey.offering import open_to
from orderloom.journey.queueing import Others, let_down, line_up, wake_line
from orderloom.journey.turning_away import turn_away
from orderloom.network.model import Node
from orderloom.orders import exceptions
from orderloom.orders.exceptions import NewException
from orderloom.orders.model import Line, Order, Slice
from orderloom.orders.reading import lines_of, lock, orders_of, slices_between, slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, Reader
from orderloom.plumbing.journeys import Later, Outcome, Outcomes, Wait
from orderloom.terms import Rank

SHORT = frozenset({Rank.CREATED, Rank.REJECTED, Rank.SHORT, Rank.BACKORDERED})
_KIND = "out_of_stock"
COUNTED_SHORT = "counted_short"
# How long after its date supply may still be on its way before a person is asked.
_GRACE = timedelta(hours=12)


async def reserve(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Reserve what is short, the urgent and then the older order first. An order with nothing to go on with waits."""
    await turn_away(db, orders=orders, now=now)
    not_yet = await _not_yet_sold(db, orders, now)
    if not await slices_between(db, orders=orders, lowest=min(SHORT), highest=max(SHORT)):
        return not_yet
    await lock(db, orders=orders)
    pieces = await slices_of(db, orders=orders)
    short = [piece for piece in pieces if piece.rank in SHORT]
    known = await orders_of(db, sorted({piece.order_id for piece in short}))
    nodes = await network.nodes_of(db)
    refused, missed = await let_down(db, orders=list(known))
    open_nodes = await _open_nodes(db, list(known.values()), nodes, refused)
    lines = {line.id: line for of in (await lines_of(db, list(known))).values() for line in of}
    skus = {piece.sku for piece in short}
    shelves = await inventory.lock_skus(db, skus=skus)
    others = Others(await line_up(db, shelves=shelves, skus=skus, able=known), but=known)
    shelves.selling = {node.id for node in nodes.values() if node.open}
    by_order: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in short:
        by_order[piece.order_id].append(piece)
    moves: list[Move] = []
    still_short: dict[UUID, dict[UUID, int]] = {}
    for order in sorted(known.values(), key=_place):
        shelves.claimed = others.ahead_of(_place(order))
        made, missing = _keep(order, by_order[order.id], lines, shelves, open_nodes[order.id], missed)
        moves += made
        if missing:
            still_short[order.id] = missing
    await inventory.write(db, shelves=shelves)
    await move(db, moves, event="order.reserved")
    ready = await _ready(db, short, still_short, now)
    await _backorder(db, short, still_short, known, ready, now)
    supplied = [order for order in orders if order not in still_short]
    await exceptions.resolve_of(db, entities=supplied, kinds=[_KIND], resolution="stock arrived")
    await exceptions.resolve_of(
        db, entities=orders, kinds=[COUNTED_SHORT], resolution="looked for elsewhere since it was counted"
    )
    moved = {m.slice_id for m in moves}
    able = {p.order_id for p in pieces if p.id in moved or Rank.RESERVED <= p.rank < Rank.CANCELLED}
    halves = await _half_kits(db, pieces, moved, still_short, lines)
    waits = await consolidating.waiting(
        db, orders=[o for o in still_short if o in able], ready=ready, now=now
    )
    return (
        waits
        | {
            order: _until(ready.get(order), now)
            for order in still_short
            if order not in able or known[order].ship_complete or order in halves
        }
        | not_yet
    )


def _place(order: Order) -> tuple[int, datetime, UUID]:
    """Where it stands in line: priority, then age."""
    return -order.priority, order.placed_at, order.id


def _until(ready_at: datetime | None, now: datetime) -> Outcome:
    """Waiting for a date is no waiting too long; what is overdue, or has no date, is a person's case."""
    if ready_at is None or ready_at <= now:
        return Wait("stock to arrive")
    return Later(ready_at + _GRACE, "stock to arrive")


async def until_supplied(db: Db, *, pieces: Sequence[Slice], now: datetime) -> dict[UUID, Outcome]:
    """How orders wait for the supply that these slices of theirs lack: as long as its date says."""
    if not pieces:
        return {}
    ready = await ready_dates(db, skus={piece.sku for piece in pieces}, now=now)
    return {p.order_id: _until(ready.get(p.order_id, (None, set()))[0], now) for p in pieces}


async def _half_kits(
    db: Db,
    pieces: Sequence[Slice],
    moved: set[UUID],
    missing: Mapping[UUID, Mapping[UUID, int]],
    lines: Mapping[UUID, Line],
) -> set[UUID]:
    """Orders with a kit of which one component is kept and another, sold ahead, is missing: they leave together.

    A component that its item's policy would not sell ahead was taken by its channel all the same: it follows the rest.
    """
    kits = {p.id: (lines[p.line_id].kit_line_id, p.sku) for p in pieces if p.line_id in lines}
    kept = {kits[p.id][0] for p in pieces if p.id in kits and (p.id in moved or p.rank == Rank.RESERVED)}
    halves: dict[UUID, set[str]] = {}
    for order, mine in missing.items():
        lacking = {
            sku for kit, sku in (kits[p] for p in mine if p in kits) if kit is not None and kit in kept
        }
        if lacking:
            halves[order] = lacking
    items = await catalog.items_of(db, skus=set().union(*halves.values())) if halves else {}
    return {order for order, skus in halves.items() if any(items[sku].backorder != "refuse" for sku in skus)}


async def _not_yet_sold(db: Db, orders: Sequence[UUID], now: datetime) -> dict[UUID, Outcome]:
    """Orders with something that is sold from a later day: they wait for it as a whole, with the stock they have."""
    days = await sold_later(db, on=now.date() - timedelta(days=1))
    if not days:
        return {}
    unbound = await slices_between(db, orders=orders, lowest=Rank.CREATED, highest=Rank.RESERVED)
    open_orders = {piece.order_id for piece in unbound}
    if not open_orders:
        return {}
    skus = {
        order: {line.sku for line in of}
        for order, of in (await lines_of(db, sorted(open_orders))).items()
        if any(line.sku in days for line in of)
    }
    known = await orders_of(db, sorted(skus))
    channels = await network.channels_of(db, ids={order.channel_id for order in known.values()})
    opens = {
        order.id: sold_from(skus[order.id], days=days, time_zone=channels[order.channel_id].time_zone)
        for order in known.values()
        if order.decide_as_of is None
    }
    return {
        order: Later(at, "the day it is sold from")
        for order, at in opens.items()
        if at is not None and at > now
    }


async def _ready(
    db: Db, short: Sequence[Slice], missing: Mapping[UUID, Mapping[UUID, int]], now: datetime
) -> dict[UUID, datetime | None]:
    """When what each order still lacks is expected, where supply on its way covers it."""
    skus = {piece.sku for piece in short if piece.id in missing.get(piece.order_id, ())}
    if not skus:
        return {}
    return {order: at for order, (at, _) in (await ready_dates(db, skus=skus, now=now)).items()}


async def _open_nodes(
    db: Db, orders: Sequence[Order], nodes: Mapping[UUID, Node], refused: Mapping[UUID, set[UUID]]
) -> dict[UUID, set[UUID]]:
    """Which nodes each order may draw on: open to its channel, and none that has refused it before."""
    channels = await network.channels_of(db, ids={order.channel_id for order in orders})
    by_channel = {c.id: open_to(c, nodes) for c in channels.values()}
    return {order.id: by_channel[order.channel_id] - refused.get(order.id, set()) for order in orders}


def _keep(
    order: Order,
    short: Sequence[Slice],
    lines: dict[UUID, Line],
    shelves: Shelves,
    allowed: set[UUID],
    missed: Mapping[tuple[UUID, str], frozenset[UUID]],
) -> tuple[list[Move], dict[UUID, int]]:
    """Reserve what there is for one order; returns its moves, and the units still short by slice."""
    demands = [
        Demand(p.sku, p.quantity, lines[p.line_id].fixed_node_id, missed.get((order.id, p.sku), frozenset()))
        for p in short
    ]
    kept, short_at = keep(demands, shelves, allowed, order.channel_id)
    missing = {short[index].id: units for index, units in short_at.items()}
    legs = reserve_legs((k.node_id, demands[k.index].sku, k.quantity) for k in kept)
    if not legs:
        return [], missing
    unborne = shelves.post(
        Posting(
            cause_type="order",
            cause_id=order.id,
            legs=legs,
            within_safety=True,
            channel_id=order.channel_id,
        )
    )
    assert unborne is None, unborne  # noqa: S101 - `keep` planned on these very shelves
    return [
        Move(slice_id=short[k.index].id, to=Rank.RESERVED, quantity=k.quantity, node_id=k.node_id)
        for k in kept
    ], missing


async def _backorder(
    db: Db,
    short: Sequence[Slice],
    missing: Mapping[UUID, Mapping[UUID, int]],
    known: Mapping[UUID, Order],
    ready: Mapping[UUID, datetime | None],
    now: datetime,
) -> None:
    """What nobody can supply now is backordered, and the log is told, once a shortage.

    A person gets a case where no supply with a date to come covers it.
    """
    if not missing:
        return
    ranks = {piece.id: piece.rank for piece in short}
    cases = {c.entity_id for c in await exceptions.open_of(db, entities=list(missing)) if c.kind == _KIND}
    anew = {
        order
        for order, pieces in missing.items()
        if any(ranks[piece] != Rank.BACKORDERED for piece in pieces)
    }
    told = cases | (await events.told_of(db, list(missing), "order.backordered") - anew)
    dated = {order for order in missing if (at := ready.get(order)) is not None and at > now}
    moves = [
        Move(slice_id=piece, to=Rank.BACKORDERED)
        for pieces in missing.values()
        for piece in pieces
        if ranks[piece] != Rank.BACKORDERED
    ]
    units = {order: sum(pieces.values()) for order, pieces in missing.items()}
    await move(db, moves, event="order.unsupplied")
    await exceptions.open_(
        db,
        cases_=[
            out_of_stock(order, f"{count} units have no stock at any node that may ship them", now)
            for order, count in units.items()
            if order not in dated
        ],
    )
    await exceptions.resolve_of(
        db, entities=sorted(dated & cases), kinds=[_KIND], resolution="supply is on its way"
    )
    await events.append(
        db,
        [
            News(
                "order.backordered",
                "order",
                order,
                order_id=order,
                channel_id=known[order].channel_id,
                data={"units": count, "ready_at": at.isoformat() if (at := ready.get(order)) else None},
            )
            for order, count in units.items()
            if order not in told
        ],
    )


def out_of_stock(order: UUID, detail: str, now: datetime) -> NewException:
    """A case for whoever can bring stock, or talk to the buyer."""
    return NewException(
        kind=_KIND,
        entity="order",
        entity_id=order,
        order_id=order,
        detail=detail,
        way_out="Receive or transfer stock, offer another item, or cancel the units.",
        due_at=now + timedelta(days=1),
    )


async def suppliable(db: Db, *, orders: Sequence[UUID]) -> set[UUID]:
    """Which of these orders have short units that are theirs now: some node has them, and nobody is before them."""
    if not orders:
        return set()
    skus = {p.sku for p in await slices_of(db, orders=orders) if p.rank in SHORT}
    line = await line_up(db, shelves=await shelves_of(db, skus=sorted(skus)), skus=skus, able=orders)
    return {claim.order_id for claim in line.claims} & set(orders)


async def wake_freed(db: Db, skus: Sequence[str]) -> None:
    """Reader of the stock ledger: units that are free again go to those first in line."""
    await wake_line(db, skus=skus)


FREED_UNITS = Reader("freed", wake_freed, log=FREED, at_once=50_000)
