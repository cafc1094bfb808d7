"""What an order was promised, why, and each date that took the place of another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row


@dataclass(frozen=True, slots=True)
class OrderPromise:
    """`why`: the node and service its first date was bound by at capture; None where the channel or its days said it."""

    promise_at: datetime | None
    first_at: datetime | None
    late: bool
    why: dict[str, Any] | None
    moves: list[Row]


_WHY = """
SELECT o.promise_at, o.late, e.data -> 'promise' AS why
FROM orders.orders AS o
LEFT JOIN plumbing.events AS e ON e.order_id = o.id AND e.type = 'order.captured'
WHERE o.id = $1
"""
_MOVES = (
    "SELECT was, promise_at, why, slip, made_at FROM orders.repromises WHERE order_id = $1 ORDER BY made_at"
)


async def order_promise(db: Db, *, order_id: UUID) -> OrderPromise | None:
    """Of one order; None when there is no such order."""
    row = await db.fetchrow(_WHY, order_id)
    if row is None:
        return None
    moves = await db.fetch(_MOVES, order_id)
    first = moves[0]["was"] if moves else row["promise_at"]
    return OrderPromise(row["promise_at"], first, row["late"], row["why"], moves)
