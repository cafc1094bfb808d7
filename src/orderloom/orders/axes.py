"""The axes beside fulfillment: payment, return, lateness, closing. Each change counts a version and tells why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from orderloom.orders.store import rows
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, Row
from orderloom.plumbing.events import News


async def note_payment(db: Db, *, statuses: Mapping[UUID, str]) -> None:
    """Keep the payment axis as payments computed it."""
    changed = await rows.set_payment_status(db, statuses) if statuses else []
    await _tell(
        db, "order.payment_status_changed", changed, {k: {"payment_status": v} for k, v in statuses.items()}
    )


async def note_returns(db: Db, *, statuses: Mapping[UUID, str]) -> None:
    """Keep the return axis as returns computed it."""
    changed = await rows.set_return_status(db, statuses) if statuses else []
    await _tell(
        db, "order.return_status_changed", changed, {k: {"return_status": v} for k, v in statuses.items()}
    )


async def note_delivered(db: Db, *, delivered: Mapping[UUID, datetime]) -> None:
    """The last parcel of these orders has come; late is judged against the promise."""
    changed = await rows.set_delivered(db, delivered) if delivered else []
    await _tell(
        db, "order.delivered", changed, {k: {"delivered_at": v.isoformat()} for k, v in delivered.items()}
    )


async def note_late(db: Db, *, orders: Mapping[UUID, str]) -> None:
    """These orders will miss their promise, and why."""
    changed = await rows.set_late(db, list(orders)) if orders else []
    await _tell(db, "order.delayed", changed, {k: {"why": v} for k, v in orders.items()})


async def close(db: Db, *, orders: Sequence[UUID]) -> None:
    """Everything is delivered or cancelled, the money is settled: close them."""
    changed = await rows.close(db, orders) if orders else []
    await _tell(db, "order.closed", changed, {})


async def edit(
    db: Db,
    *,
    order_id: UUID,
    tags: Sequence[str] | None = None,
    priority: int | None = None,
    reason: str | None = None,
) -> bool:
    """Set tags or priority, whichever is given; False when there is no such order."""
    return bool(await edit_all(db, edits={order_id: (tags, priority)}, reasons={order_id: reason}))


async def edit_all(
    db: Db,
    *,
    edits: Mapping[UUID, tuple[Sequence[str] | None, int | None]],
    reasons: Mapping[UUID, str | None],
) -> int:
    """Set tags and priority of orders, None keeps them; returns how many of them there are."""
    changed = await rows.edit(db, edits) if edits else []
    data = {
        order_id: {"tags": list(tags) if tags is not None else None, "priority": priority}
        for order_id, (tags, priority) in edits.items()
    }
    await _tell(db, "order.edited", changed, data, reasons)
    return len(changed)


async def _tell(
    db: Db,
    type_: str,
    changed: Sequence[Row],
    data: Mapping[UUID, dict[str, Any]],
    reasons: Mapping[UUID, str | None] = MappingProxyType({}),
) -> None:
    await events.append(
        db,
        [
            News(
                type=type_,
                entity="order",
                entity_id=row["id"],
                order_id=row["id"],
                channel_id=row["channel_id"],
                version=row["version"],
                reason=reasons.get(row["id"]),
                data=data.get(row["id"], {}),
            )
            for row in changed
        ],
    )
