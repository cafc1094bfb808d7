"""Asking for goods back, and receiving and judging them: the doors of a return, each waking its journey."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom import returns
from orderloom.journey.closing import note_axes
from orderloom.journey.returning import RETURNING
from orderloom.orders.model import Order
from orderloom.orders.reading import lines_of, orders_of, slices_of
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.returns.intake import receive_blind
from orderloom.returns.model import Asked, Fault, Finding, Moved, Outcome, Refused, Requested, Sold, Verdict
from orderloom.returns.reading import eligibility, returns_of
from orderloom.returns.steps import cancel as give_up
from orderloom.terms import Rank


async def ask_back(
    db: Db,
    *,
    order_id: UUID,
    lines: Sequence[Asked],
    now: datetime,
    key: str | None = None,
    note: str | None = None,
    needs_label: bool = True,
    to_node: UUID | None = None,
) -> Requested | Refused | None:
    """Ask for units of an order to be taken back, by default to the node that shipped them; None: no such order."""
    order = (await orders_of(db, [order_id])).get(order_id)
    if order is None:
        return None
    sold, home = await _sold(db, order)
    node = to_node or next((home[x.line_id] for x in lines if x.line_id in home), None)
    if node is None:
        return Refused(
            (Fault("/lines", "nothing_delivered", "nothing of this has been delivered: cancel it instead"),)
        )
    said = await returns.request(
        db,
        order_id=order_id,
        node_id=node,
        currency=order.currency,
        sold=sold,
        lines=lines,
        now=now,
        key=key,
        note=note,
        needs_label=needs_label,
    )
    if isinstance(said, Requested) and not said.repeated:
        await journeys.start(db, RETURNING, [said.return_id])
        await note_axes(db, orders=[order_id])
    return said


async def what_may_come_back(db: Db, *, order_id: UUID, now: datetime) -> tuple[Verdict, ...] | None:
    """Each delivered line's returnable units, and why not the rest; None: no such order."""
    order = (await orders_of(db, [order_id])).get(order_id)
    if order is None:
        return None
    sold, _ = await _sold(db, order)
    return await eligibility(db, sold=sold, now=now)


async def _sold(db: Db, order: Order) -> tuple[list[Sold], dict[UUID, UUID]]:
    """What was delivered of each line, and which node had shipped it."""
    delivered: dict[UUID, int] = defaultdict(int)
    home: dict[UUID, UUID] = {}
    for piece in await slices_of(db, orders=[order.id]):
        if piece.rank == Rank.DELIVERED and piece.node_id:
            delivered[piece.line_id] += piece.quantity
            home[piece.line_id] = piece.node_id
    lines = (await lines_of(db, [order.id]))[order.id]
    return [
        Sold(
            line_id=line.id,
            sku=line.sku,
            delivered=delivered[line.id],
            delivered_at=order.delivered_at or order.updated_at,
            tags=frozenset(order.tags),
        )
        for line in lines
        if delivered[line.id]
    ], home


async def receive(db: Db, *, return_id: UUID, lines: Sequence[tuple[UUID, int]]) -> Outcome:
    """Goods have arrived at the node. Raises returns' NoSuchReturn."""
    return await _woken(db, return_id, await returns.receive(db, return_id=return_id, lines=lines))


async def inspect(db: Db, *, return_id: UUID, findings: Sequence[Finding]) -> Outcome:
    """What becomes of each unit. Judged once more, units move on in stock."""
    said = await returns.inspect(db, return_id=return_id, findings=findings)
    return await _woken(db, return_id, said)


async def approve(db: Db, *, return_id: UUID) -> Outcome:
    """Agree to take the goods back, ahead of the journey that does so by rule."""
    return await _woken(db, return_id, (await returns.approve(db, return_ids=[return_id]))[return_id])


async def close(db: Db, *, return_id: UUID) -> Outcome:
    """Expect nothing more: what never arrived is missing, and the refund is for what did."""
    return await _woken(db, return_id, await returns.close(db, return_id=return_id))


async def decline(db: Db, *, return_id: UUID, reason: str) -> Outcome:
    """Do not take the goods back."""
    said = (await returns.decline(db, return_ids=[return_id], reason=reason))[return_id]
    return await _given_up(db, return_id, said, reason)


async def cancel(db: Db, *, return_id: UUID, reason: str) -> Outcome:
    """The buyer keeps the goods after all; a label bought for them is voided."""
    said = (await give_up(db, return_ids=[return_id], reason=reason))[return_id]
    return await _given_up(db, return_id, said, reason)


async def _given_up(db: Db, return_id: UUID, said: Outcome, reason: str) -> Outcome:
    """What the journey did is undone, unless the return has come too far to be given up."""
    if isinstance(said, Moved):
        await journeys.turn_back(db, RETURNING.of, return_id, reason=reason)
    return await _woken(db, return_id, said)


async def take_blind(
    db: Db,
    *,
    node_id: UUID,
    currency: str,
    lines: Sequence[Asked],
    order_id: UUID | None = None,
    key: str | None = None,
    note: str | None = None,
) -> Requested | Refused:
    """Goods came without a request, with or without a known order: the return begins as received."""
    order = (await orders_of(db, [order_id])).get(order_id) if order_id else None
    sold = (await _sold(db, order))[0] if order else []
    said = await receive_blind(
        db, node_id=node_id, currency=currency, lines=lines, order_id=order_id, sold=sold, key=key, note=note
    )
    if isinstance(said, Requested) and not said.repeated:
        await journeys.start(db, RETURNING, [said.return_id])
        if order:
            await note_axes(db, orders=[order.id])
    return said


async def _woken(db: Db, return_id: UUID, said: Outcome) -> Outcome:
    await journeys.wake(db, RETURNING.of, [return_id])
    back, _ = (await returns_of(db, ids=[return_id]))[return_id]
    if back.order_id is not None:
        await note_axes(db, orders=[back.order_id])
    return said
