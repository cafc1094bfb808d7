"""Stock for units that have none yet: reserved as soon as it is there, given back when the order is given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import inventory, network
from orderloom.inventory.availability import (
    Demand,
    Shelves,
    reserve_legs,
    unallocate_legs,
    unreserve_legs,
)
from orderloom.inventory.availability import (
    place as keep,
)
from orderloom.inventory.model import Posting
from orderloom.journey.offering import open_to
from orderloom.network.model import Node
from orderloom.orders import exceptions
from orderloom.orders.exceptions import NewException
from orderloom.orders.model import Line, Order, Slice
from orderloom.orders.reading import (
    fulfillments_of,
    lines_of,
    lock,
    orders_of,
    orders_short_of,
    sellers_of,
    slices_of,
)
from orderloom.orders.slices import Move, move
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event, News
from orderloom.plumbing.journeys import Outcomes, Wait
from orderloom.terms import Rank

SHORT = frozenset({Rank.CREATED, Rank.REJECTED, Rank.SHORT, Rank.BACKORDERED})
_KIND = "out_of_stock"


async def reserve(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Reserve what is short, the urgent and then the older order first. An order with nothing to go on with waits."""
    if not any(piece.rank in SHORT for piece in await slices_of(db, orders=orders)):
        return {}
    await lock(db, orders=orders)
    pieces = await slices_of(db, orders=orders)
    short = [piece for piece in pieces if piece.rank in SHORT]
    known = await orders_of(db, sorted({piece.order_id for piece in short}))
    nodes = await network.nodes_of(db)
    open_nodes = await _open_nodes(db, list(known.values()), nodes)
    missed = await missed_at(db, orders=list(known))
    lines = {line.id: line for of in (await lines_of(db, list(known))).values() for line in of}
    shelves = await inventory.lock_skus(db, skus={piece.sku for piece in short})
    shelves.selling = {node.id for node in nodes.values() if node.active}
    by_order: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in short:
        by_order[piece.order_id].append(piece)
    moves: list[Move] = []
    still_short: dict[UUID, dict[UUID, int]] = {}
    for order in sorted(known.values(), key=lambda o: (-o.priority, o.placed_at, o.id)):
        made, missing = _keep(order, by_order[order.id], lines, shelves, open_nodes[order.id], missed)
        moves += made
        if missing:
            still_short[order.id] = missing
    await inventory.write(db, shelves=shelves)
    await move(db, moves, event="order.reserved")
    await _backorder(db, short, still_short, known, now)
    supplied = [order for order in orders if order not in still_short]
    await exceptions.resolve_of(db, entities=supplied, kinds=[_KIND], resolution="stock arrived")
    moved = {m.slice_id for m in moves}
    able = {p.order_id for p in pieces if p.id in moved or Rank.RESERVED <= p.rank < Rank.CANCELLED}
    return {
        order: Wait("stock to arrive")
        for order in still_short
        if order not in able or known[order].ship_complete
    }


async def _open_nodes(db: Db, orders: Sequence[Order], nodes: Mapping[UUID, Node]) -> dict[UUID, set[UUID]]:
    """Which nodes each order may draw on: open to its channel, and none that has refused it before."""
    channels = await network.channels_of(db, ids={order.channel_id for order in orders})
    by_channel = {c.id: open_to(c, nodes) for c in channels.values()}
    refused = await refusing_nodes(db, orders=[order.id for order in orders])
    return {order.id: by_channel[order.channel_id] - refused.get(order.id, set()) for order in orders}


async def missed_at(db: Db, *, orders: Sequence[UUID]) -> dict[tuple[UUID, str], frozenset[UUID]]:
    """By (order, SKU) the nodes that did not find it: their count may be wrong, so others are asked first."""
    works = await fulfillments_of(db, orders=orders)
    if not works:
        return {}
    found: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for work, node, sku in await inventory.missed(db, works=list(works)):
        found[works[work].order_id, sku].add(node)
    return {key: frozenset(nodes) for key, nodes in found.items()}


async def refusing_nodes(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """The nodes that have rejected an order's work: it is routed again without them."""
    refused: dict[UUID, set[UUID]] = defaultdict(set)
    for work in (await fulfillments_of(db, orders=orders)).values():
        if work.request_status == "rejected":
            refused[work.order_id].add(work.node_id)
    return refused


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
    now: datetime,
) -> None:
    """What nobody can supply now is backordered; a person gets a case, and the log is told, once a shortage."""
    ranks = {piece.id: piece.rank for piece in short}
    told = {
        case.entity_id for case in await exceptions.open_of(db, entities=list(missing)) if case.kind == _KIND
    }
    moves = [
        Move(slice_id=piece, to=Rank.BACKORDERED)
        for pieces in missing.values()
        for piece in pieces
        if ranks[piece] != Rank.BACKORDERED
    ]
    units = {order: sum(pieces.values()) for order, pieces in missing.items()}
    await move(db, moves, event="order.unsupplied")
    await exceptions.open_(db, cases_=[_case(order, count, now) for order, count in units.items()])
    await events.append(
        db,
        [
            News(
                "order.backordered",
                "order",
                order,
                order_id=order,
                channel_id=known[order].channel_id,
                data={"units": count},
            )
            for order, count in units.items()
            if order not in told
        ],
    )


def _case(order: UUID, units: int, now: datetime) -> NewException:
    return NewException(
        kind=_KIND,
        entity="order",
        entity_id=order,
        order_id=order,
        detail=f"{units} units have no stock at any node that may ship them",
        way_out="Receive or transfer stock, offer another item, or cancel the units.",
        due_at=now + timedelta(days=1),
    )


async def suppliable(db: Db, *, orders: Sequence[UUID]) -> set[UUID]:
    """Which of these orders have short units that some node could supply now."""
    if not orders:
        return set()
    short = [p for p in await slices_of(db, orders=orders) if p.rank in SHORT]
    shelves = await inventory.look(db, skus={p.sku for p in short})
    nodes = await network.nodes_of(db)
    shelves.selling = {node.id for node in nodes.values() if node.active}
    known = await orders_of(db, orders)
    open_nodes = await _open_nodes(db, list(known.values()), nodes)
    lines = {line.id: line for of in (await lines_of(db, orders)).values() for line in of}
    missed = await missed_at(db, orders=orders)
    found: set[UUID] = set()
    for piece in short:
        fixed = lines[piece.line_id].fixed_node_id
        allowed = open_nodes[piece.order_id]
        allowed = (
            allowed & {fixed} if fixed else allowed - missed.get((piece.order_id, piece.sku), frozenset())
        )
        if shelves.allowance(known[piece.order_id].channel_id, piece.sku, allowed) > 0:
            found.add(piece.order_id)
    return found


async def give_back(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of capture's reservation: what has not shipped is cancelled, and its stock is free again."""
    await lock(db, orders=orders)
    open_pieces = [p for p in await slices_of(db, orders=orders) if p.rank < Rank.SHIPPED]
    await free(db, open_pieces, reason="cancelled")
    moves = [Move(slice_id=p.id, to=Rank.CANCELLED) for p in open_pieces]
    await move(db, moves, event="order.cancelled", reason="the order was given up")
    return {}


async def free(db: Db, pieces: Sequence[Slice], *, reason: str) -> None:
    """Free the stock that these slices hold; each order's channel has its claim back."""
    channels = await sellers_of(db, sorted({piece.order_id for piece in pieces}))
    await inventory.post(db, postings=freeing(pieces, reason=reason, channels=channels))


def freeing(pieces: Sequence[Slice], *, reason: str, channels: Mapping[UUID, UUID]) -> list[Posting]:
    """The postings, one an order, that free the stock these slices hold; `channels` by order."""
    by_order: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in pieces:
        if Rank.RESERVED <= piece.rank < Rank.SHIPPED:
            by_order[piece.order_id].append(piece)
    return [
        Posting(
            cause_type="order",
            cause_id=order,
            reason=reason,
            channel_id=channels[order],
            legs=(
                *unreserve_legs(
                    (p.node_id, p.sku, p.quantity) for p in mine if p.node_id and p.rank == Rank.RESERVED
                ),
                *unallocate_legs(
                    (p.node_id, p.sku, p.quantity) for p in mine if p.node_id and p.rank > Rank.RESERVED
                ),
            ),
        )
        for order, mine in by_order.items()
    ]


async def wake_short(db: Db, news: Sequence[Event]) -> None:
    """Reader of the log: stock that changed wakes the orders that are short of it."""
    skus = {str(event.data["sku"]) for event in news if event.type == "stock.changed"}
    if skus:
        await journeys.wake(db, "order", await orders_short_of(db, skus=sorted(skus)))
