"""What a closed node has not begun is taken back from it: the units go to `reserve`, and are routed from elsewhere.

Every step at which an order may stand with units at a node asks here first. Units that their channel bound to the node
stay there until it opens again; so does work of which something has been picked, or that a node was asked to let go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import network, packing
from orderloom.inventory import lots
from orderloom.journey.giving_back import free
from orderloom.orders.model import Slice
from orderloom.orders.reading import fulfillments_of, lines_of, lock, slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import GoTo, Later, Outcome
from orderloom.terms import Rank

STEPS = frozenset({"reserve", "route", "release", "follow"})
_SOON = timedelta(seconds=2)
_LOOSE = frozenset({Rank.RESERVED, Rank.ALLOCATED})


async def turn_away(db: Db, *, orders: Sequence[UUID], now: datetime) -> dict[UUID, Outcome]:
    """Make short what these orders have at closed nodes; says of each order concerned where it goes on."""
    closed = await network.closed(db) if orders else {}
    if not closed:
        return {}
    there = {p.order_id for p in await slices_of(db, orders=orders) if p.node_id in closed}
    if not there:
        return {}
    await lock(db, orders=sorted(there))
    pieces = await _free_to_go(db, sorted(there), closed)
    handed = sorted({p.fulfillment_id for p in pieces if p.fulfillment_id})
    # A node's work that a worker has in hand this moment is looked at again: waiting for it could be mutual.
    back = await journeys.turn_back_idle(db, "fulfillment", handed, reason="its node is closed")
    gone = [p for p in pieces if p.fulfillment_id is None or p.fulfillment_id in back]
    await _make_short(db, gone, closed)
    await packing.cancel_packages(db, fulfillment_ids=sorted(back))
    await lots.settle(db, works=sorted(back))
    left = {p.order_id for p in pieces} - {p.order_id for p in gone}
    outcomes: dict[UUID, Outcome] = {
        order: Later(now + _SOON, "a closed node's work to be taken back") for order in left
    }
    return outcomes | {p.order_id: GoTo("reserve") for p in gone}


async def _free_to_go(db: Db, orders: Sequence[UUID], closed: Mapping[UUID, str]) -> list[Slice]:
    """What of these orders stands at a closed node, unbegun and not bound to it."""
    there = [
        p
        for p in await slices_of(db, orders=orders)
        if p.node_id in closed and Rank.RESERVED <= p.rank < Rank.PICKED
    ]
    lines = {line.id: line for of in (await lines_of(db, orders)).values() for line in of}
    works = await fulfillments_of(db, ids=sorted({p.fulfillment_id for p in there if p.fulfillment_id}))
    unbegun = {
        work.id
        for work in works.values()
        if work.max_rank < Rank.PICKED and work.request_status != "cancellation_requested"
    }
    return [
        p
        for p in there
        if lines[p.line_id].fixed_node_id is None and (p.rank in _LOOSE or p.fulfillment_id in unbegun)
    ]


async def _make_short(db: Db, pieces: Sequence[Slice], closed: Mapping[UUID, str]) -> None:
    """Free what they hold and make them short, told by the node's reason."""
    by_reason: dict[str, list[Slice]] = {}
    for piece in pieces:
        assert piece.node_id is not None  # noqa: S101 - it stands at a closed one
        by_reason.setdefault(f"its node is closed: {closed[piece.node_id]}", []).append(piece)
    for reason, mine in sorted(by_reason.items()):
        await free(db, mine, reason=reason)
        await move(
            db, [Move(slice_id=p.id, to=Rank.SHORT) for p in mine], event="order.recalled", reason=reason
        )
