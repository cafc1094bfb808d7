"""Stock given back: what an order held is free again, and its channel has its claim back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.availability import unallocate_legs, unreserve_legs
from orderloom.inventory.model import Posting
from orderloom.orders.model import Slice
from orderloom.orders.reading import lock, sellers_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Outcomes
from orderloom.terms import Rank


async def give_back(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of capture's reservation: what has not shipped is cancelled, and its stock is free again."""
    await lock(db, orders=orders)
    open_pieces = [p for p in await slices_of(db, orders=orders) if p.rank < Rank.SHIPPED]
    await free(db, open_pieces, reason="cancelled")
    moves = [Move(slice_id=p.id, to=Rank.CANCELLED) for p in open_pieces]
    await move(db, moves, event="order.cancelled", reason="the order was given up")
    return {}


async def free(db: Db, pieces: Sequence[Slice], *, reason: str) -> None:
    """Free the stock that these slices hold; each order's channel has its claim back."""
    channels = await sellers_of(db, sorted({piece.order_id for piece in pieces}))
    await inventory.post(db, postings=freeing(pieces, reason=reason, channels=channels))


def freeing(pieces: Sequence[Slice], *, reason: str, channels: Mapping[UUID, UUID]) -> list[Posting]:
    """The postings, one an order, that free the stock these slices hold; `channels` by order."""
    by_order: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in pieces:
        if Rank.RESERVED <= piece.rank < Rank.SHIPPED:
            by_order[piece.order_id].append(piece)
    return [
        Posting(
            cause_type="order",
            cause_id=order,
            reason=reason,
            channel_id=channels[order],
            legs=(
                *unreserve_legs(
                    (p.node_id, p.sku, p.quantity) for p in mine if p.node_id and p.rank == Rank.RESERVED
                ),
                *unallocate_legs(
                    (p.node_id, p.sku, p.quantity) for p in mine if p.node_id and p.rank > Rank.RESERVED
                ),
            ),
        )
        for order, mine in by_order.items()
    ]
