"""Release: each node gets its fulfillment order, which begins a journey of its own; recall takes it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import inventory, network, packing, routing
from orderloom.inventory.model import Posting
from orderloom.journey.fulfillment import FULFILLMENT, still_here
from orderloom.journey.sourcing import rebinding
from orderloom.orders import cancellations, holds
from orderloom.orders.model import Fulfillment, Slice
from orderloom.orders.reading import fulfillments_of, lock, orders_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.orders.store.rows import insert_fulfillments
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Outcome, Outcomes, Wait
from orderloom.terms import Rank, new_id


async def release(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Hand each node its fulfillment order; held orders wait."""
    held = await holds.blocked(db, orders=orders, step="release")
    outcomes: dict[UUID, Outcome] = {
        order: Wait(f"hold {kind} to be cleared") for order, kind in held.items()
    }
    free = [order for order in orders if order not in held]
    groups: dict[tuple[UUID, UUID], list[Slice]] = defaultdict(list)
    for piece in await slices_of(db, orders=free):
        if piece.rank == Rank.ALLOCATED and piece.node_id:
            groups[piece.order_id, piece.node_id].append(piece)
    if not groups:
        return outcomes
    works = await _works(db, list(groups))
    await insert_fulfillments(db, list(works.values()))
    moves = [
        Move(slice_id=piece.id, to=Rank.RELEASED, fulfillment_id=works[key]["id"])
        for key, mine in groups.items()
        for piece in mine
    ]
    await move(db, moves, event="order.released")
    priorities = {
        order.id: order.priority for order in (await orders_of(db, [key[0] for key in groups])).values()
    }
    await journeys.start(
        db,
        FULFILLMENT,
        [work["id"] for work in works.values()],
        priorities=[priorities[order] for order, _ in works],
    )
    return outcomes


async def _works(db: Db, keys: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], dict[str, Any]]:
    """The rows of new fulfillment orders, by (order, node), with the service that routing chose."""
    decisions = await routing.last_decisions(db, orders=[order for order, _ in keys])
    codes = {
        node.id: node.code for node in (await network.nodes_of(db, ids={node for _, node in keys})).values()
    }
    works: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for order, node in keys:
        decision = decisions.get(order)
        part = _part(decision["answer"], codes[node]) if decision else {}
        works[order, node] = {
            "id": new_id(),
            "order_id": order,
            "node_id": node,
            "decision_id": decision["id"] if decision else None,
            "carrier": part.get("carrier"),
            "service": part.get("service"),
            "planned_cost": part.get("cost", 0),
            "ship_by": datetime.fromisoformat(part["ship_by"]) if part else None,
        }
    return works


def _part(answer: Mapping[str, Any], node: str) -> Mapping[str, Any]:
    plan = answer["plan"] or {"shipments": []}
    return next((part for part in plan["shipments"] if part["node"] == node), {})


async def recall(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of release: work that has not shipped is taken back from its node, and its units stay reserved there."""
    works = [
        w for w in (await fulfillments_of(db, orders=orders)).values() if w.status in ("open", "in_progress")
    ]
    await lock(db, orders=orders)
    here = await still_here(db, works=[work.id for work in works])
    works = [work for work in works if work.id in here]
    await take_back(db, works=works, reason="the order's release was taken back")
    return {}


async def take_back(db: Db, *, works: Sequence[Fulfillment], reason: str) -> None:
    """Take fulfillment orders back: units reserved again, labels voided by their own journey's undo."""
    if not works:
        return
    ids = sorted(work.id for work in works)
    for work in ids:
        await journeys.turn_back(db, FULFILLMENT.of, work, reason=reason)
    await lock(db, orders=[work.order_id for work in works])
    pieces = [p for p in await slices_of(db, fulfillments=ids) if Rank.RELEASED <= p.rank < Rank.SHIPPED]
    postings = [
        Posting(cause_type="order", cause_id=p.order_id, reason=reason, legs=rebinding(p)) for p in pieces
    ]
    await inventory.post(db, postings=postings)
    moves = [Move(slice_id=p.id, to=Rank.RESERVED, node_id=p.node_id) for p in pieces]
    await move(db, moves, event="order.recalled", reason=reason)
    for work in ids:
        await cancellations.granted(db, work=work, wholly=True)
    await packing.cancel_packages(db, fulfillment_ids=ids)
