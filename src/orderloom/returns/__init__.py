"""Goods on their way back: asked for, agreed, arrived, inspected, and what becomes of each unit.

Owns returns and their lines. Promises that of no line more comes back than was delivered, that a request's key makes
one return, and that what a unit became is booked in stock once. Never moves stock or money: it says which units are
to be booked as what, keeps the refund that it is handed, and the journey does both. A return need not name an order.

Goods without a request are in `intake`, cancelling and expiring in `steps`, questions in `reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.returns import store
from orderloom.returns.intake import request
from orderloom.returns.model import Restock
from orderloom.returns.steps import approve, close, decline, inspect, receive

__all__ = ["approve", "close", "decline", "inspect", "mark_restocked", "receive", "request", "to_restock"]


async def to_restock(db: Db, *, return_ids: Sequence[UUID]) -> list[Restock]:
    """Units to be booked in stock, locked until the transaction ends; call `mark_restocked` in the same one."""
    return await store.to_restock(db, return_ids)


async def mark_restocked(db: Db, *, return_line_ids: Sequence[UUID]) -> None:
    """Stock shows these lines as what they have become."""
    await store.mark_restocked(db, return_line_ids)
