"""Bringing an order's lines to the nodes that must ship them from now on: their stock is kept there, or nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.availability import reserve_legs, unreserve_legs
from orderloom.inventory.model import Posting, Short
from orderloom.orders import rewriting
from orderloom.orders.reading import slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing.database import Db
from orderloom.terms import Rank


async def bring(db: Db, *, order_id: UUID, homes: Mapping[UUID, UUID | None]) -> Short | None:
    """Fix lines to nodes, or free them; units that wait for stock will wait for that node's. Short, nothing was posted.

    Nothing of these lines is at a node yet: what is kept for them elsewhere is kept at their node instead.
    """
    await rewriting.fix(db, nodes=homes)
    pieces = [
        (piece, home)
        for piece in await slices_of(db, orders=[order_id])
        if piece.rank is Rank.RESERVED and (home := homes.get(piece.line_id)) and home != piece.node_id
    ]
    units = [(p.node_id, p.sku, p.quantity) for p, _ in pieces if p.node_id]
    posting = Posting(
        cause_type="order",
        cause_id=order_id,
        reason="another node ships it",
        unpromised=True,
        legs=(*unreserve_legs(units), *reserve_legs((home, p.sku, p.quantity) for p, home in pieces)),
    )
    [short] = await inventory.post(db, postings=[posting]) if pieces else [None]
    if short is not None:
        return short
    moves = [Move(slice_id=piece.id, to=Rank.RESERVED, node_id=home) for piece, home in pieces]
    await move(db, moves, event="order.reserved", reason="another node ships it")
    return None
