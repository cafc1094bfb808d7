"""The end of an order, its money and its returns on the order of record; shared by the journeys that bring it about."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom import payments
from orderloom.orders import axes
from orderloom.orders.reading import lock, orders_of, slices_of
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.returns.reading import axes_of
from orderloom.terms import Rank


async def note_money(db: Db, *, orders: Sequence[UUID]) -> None:
    """Bring the payment axis of these orders up to date."""
    summaries = await payments.statuses(db, order_ids=orders)
    await axes.note_payment(db, statuses={order: str(s.status) for order, s in summaries.items()})


async def note_axes(db: Db, *, orders: Sequence[UUID]) -> None:
    """Something has become of a return: its order knows, and with its last return ended closes again."""
    await note_returns(db, orders=orders)
    await close_settled(db, orders=orders)
    await journeys.wake(db, "order", orders)


async def note_returns(db: Db, *, orders: Sequence[UUID]) -> None:
    """Bring the return axis of these orders up to date."""
    if not orders:
        return
    await lock(db, orders=orders)
    units = dict.fromkeys(orders, 0)
    for piece in await slices_of(db, orders=orders):
        units[piece.order_id] += piece.quantity * (piece.rank != Rank.CANCELLED)
    await axes.note_returns(db, statuses=await axes_of(db, delivered=units))


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
