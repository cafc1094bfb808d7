"""New fulfillment orders: whose may begin, what each says, and the journey each begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.journey.fulfillment import FULFILLMENT
from orderloom.orders import holds
from orderloom.orders.model import Slice
from orderloom.orders.slices import Move
from orderloom.orders.store.rows import insert_fulfillments
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db, new_ids
from orderloom.plumbing.journeys import Outcome, Wait
from orderloom.routing.model import Decision
from orderloom.terms import Rank, new_id

# By (order, node).
Works = Mapping[tuple[UUID, UUID], Mapping[str, Any]]


async def kept_back(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, Outcome]:
    """The orders that must not be released yet, and what they wait for."""
    held = await holds.blocked(db, orders=orders, step="release")
    return {order: Wait(f"hold {kind} to be cleared") for order, kind in held.items()}


def planned(decided: Mapping[UUID, Decision], ids: Mapping[UUID, UUID]) -> Works:
    """One for each part of each order's plan, with the service that was chosen; `ids` are the decisions'."""
    parts = [(order, part) for order, d in decided.items() if d.plan is not None for part in d.plan.parts]
    return {
        (order, part.node.id): {
            "id": id_,
            "order_id": order,
            "node_id": part.node.id,
            "decision_id": ids[order],
            "carrier": part.quote.carrier,
            "service": part.quote.service,
            "planned_cost": part.cost,
            "ship_by": part.ship_by,
        }
        for id_, (order, part) in zip(new_ids(len(parts)), parts, strict=True)
    }


def told(key: tuple[UUID, UUID], decision: UUID | None, part: Mapping[str, Any]) -> dict[str, Any]:
    """One from what a decision record tells of the part; nothing is known of it where there is no record."""
    return {
        "id": new_id(),
        "order_id": key[0],
        "node_id": key[1],
        "decision_id": decision,
        "carrier": part.get("carrier"),
        "service": part.get("service"),
        "planned_cost": part.get("cost", 0),
        "ship_by": datetime.fromisoformat(part["ship_by"]) if part else None,
    }


def handed_out(works: Works, pieces: Iterable[Slice]) -> list[Move]:
    """Every allocated slice goes to the fulfillment order at its node."""
    return [
        Move(slice_id=piece.id, to=Rank.RELEASED, fulfillment_id=works[piece.order_id, piece.node_id]["id"])
        for piece in pieces
        if piece.rank is Rank.ALLOCATED
        and piece.node_id is not None
        and (piece.order_id, piece.node_id) in works
    ]


async def store(db: Db, works: Works) -> None:
    """Store them, before slices name them."""
    if works:
        await insert_fulfillments(db, list(works.values()))


async def begin(db: Db, works: Works, *, priorities: Mapping[UUID, int]) -> None:
    """Each begins its journey, with its order's priority."""
    if works:
        await journeys.start(
            db,
            FULFILLMENT,
            [work["id"] for work in works.values()],
            priorities=[priorities[order] for order, _ in works],
        )
