"""Holds: overlays that block named steps of an order until a person, a rule or an event clears them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.orders.model import Hold
from orderloom.orders.store import cases
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import new_id

# Steps that a hold may block, by the names of vocabulary 2.3.
BLOCKABLE = ("authorize", "route", "release", "pick", "ship", "capture", "refund")
TYPES = (
    "awaiting_payment",
    "fraud_review",
    "address_problem",
    "out_of_stock",
    "unknown_delivery_date",
    "awaiting_return_items",
    "post_purchase_offer",
    "value_review",
    "manual",
    "edit_in_progress",
    "other",
)
# The one that routing raises by itself: what is there of an order waits for its rest.
CONSOLIDATION = "awaiting_consolidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """A hold to be raised. `due_at`: when somebody must have looked at it."""

    order_id: UUID
    type: str
    blocks: Sequence[str]
    due_at: datetime
    note: str | None = None
    line_id: UUID | None = None
    fulfillment_id: UUID | None = None


class NoSuchHold(LookupError):
    """No hold of that id was ever raised."""


async def raise_holds(db: Db, *, holds: Sequence[NewHold]) -> list[UUID]:
    """Raise holds; returns their ids. A step they block does not begin from now on."""
    if not holds:
        return []
    by = acting.get().name
    names = NewHold.__dataclass_fields__
    rows = [{**{n: getattr(h, n) for n in names}, "id": new_id(), "raised_by": by} for h in holds]
    for row in rows:
        row["blocks"] = json.dumps(list(row["blocks"]))
    await cases.insert_holds(db, rows)
    await _tell(db, "hold.raised", [(row["order_id"], row["id"], row["type"], row["note"]) for row in rows])
    return [row["id"] for row in rows]


async def clear(db: Db, *, hold_id: UUID, why: str | None = None) -> Hold:
    """Clear a hold; clearing it again changes nothing. Raises NoSuchHold when it never was."""
    hold = await cases.hold(db, hold_id)
    if hold is None:
        msg = f"there is no hold {hold_id}"
        raise NoSuchHold(msg)
    if await cases.clear_hold(db, hold_id, by=acting.get().name):
        await _tell(db, "hold.cleared", [(hold.order_id, hold.id, hold.type, why)])
    return hold


async def holds_of(db: Db, *, orders: Sequence[UUID], active_only: bool = False) -> list[Hold]:
    """The holds of orders, oldest first."""
    return await cases.holds_of(db, orders, active_only=active_only)


async def blocked(db: Db, *, orders: Sequence[UUID], step: str) -> dict[UUID, str]:
    """Which of the orders may not take the step, and the type of the hold that forbids it."""
    active = await cases.holds_of(db, orders, active_only=True)
    return {hold.order_id: hold.type for hold in active if step in hold.blocks}


async def all_blocked(db: Db, *, step: str) -> list[UUID]:
    """Every order that may not take the step."""
    return await cases.orders_blocked(db, step)


async def _tell(db: Db, type_: str, about: Sequence[tuple[UUID, UUID, str, str | None]]) -> None:
    rows = await cases.bump(db, sorted({order_id for order_id, *_ in about}))
    versions = {row["id"]: row for row in rows}
    told: dict[UUID, list[dict[str, str]]] = {}
    for order_id, hold_id, kind, _ in about:
        told.setdefault(order_id, []).append({"hold": hold_id.hex, "type": kind})
    notes = {order_id: note for order_id, _, _, note in about}
    await events.append(
        db,
        [
            News(
                type=type_,
                entity="order",
                entity_id=order_id,
                order_id=order_id,
                channel_id=versions[order_id]["channel_id"],
                version=versions[order_id]["version"],
                reason=notes[order_id],
                data={"holds": holds},
            )
            for order_id, holds in told.items()
        ],
    )
