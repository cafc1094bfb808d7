"""The end of an order, and its money on the order of record; shared by the journeys that may bring it about."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom import payments
from orderloom.orders import axes
from orderloom.orders.reading import orders_of
from orderloom.plumbing.database import Db
from orderloom.terms import Rank


async def note_money(db: Db, *, orders: Sequence[UUID]) -> None:
    """Bring the payment axis of these orders up to date."""
    summaries = await payments.statuses(db, order_ids=orders)
    await axes.note_payment(db, statuses={order: str(s.status) for order, s in summaries.items()})


async def close_settled(db: Db, *, orders: Sequence[UUID]) -> None:
    """Close what is delivered, paid and without a return under way; an order on account stays open until it is paid."""
    known = await orders_of(db, orders)
    summaries = await payments.statuses(db, order_ids=orders)
    settled = [
        order.id
        for order in known.values()
        if order.lifecycle == "open"
        and order.min_rank >= Rank.DELIVERED
        and order.return_status not in ("requested", "open")
        and summaries[order.id].balance_due == 0
    ]
    await axes.close(db, orders=settled)
