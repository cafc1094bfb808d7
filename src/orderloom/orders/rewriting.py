"""Writing what an edit makes of a stored order: its lines, the units they get on top, where it goes and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from orderloom.catalog.model import Item
from orderloom.orders.capture import NewSlice, explode
from orderloom.orders.model import Line, LineDraft, Order, OrderDraft, Slice
from orderloom.orders.slices import Move, Stage, move_on
from orderloom.orders.store import editing as store
from orderloom.orders.store import slicing
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, new_ids
from orderloom.plumbing.events import News
from orderloom.terms import Rank


class Units(NamedTuple):
    """Units that a line gets, at their first rank, with the node that keeps them."""

    line_id: UUID
    piece: NewSlice


def leaves_of(
    values: Mapping[UUID, LineDraft],
    *,
    lines: Sequence[Line],
    draft: OrderDraft,
    items: Mapping[str, Item],
) -> dict[UUID, LineDraft]:
    """The lines as a whole with those of kits' components, each kit of what it was sold with; `draft`: any of the order."""
    found = dict(values)
    for line in (x for x in lines if x.is_kit and x.id in values):
        parts = {x.sku: x for x in lines if x.kit_line_id == line.id}
        kits = {line.sku: {sku: part.quantity // line.quantity for sku, part in parts.items()}}
        _, *new = explode(replace(draft, lines=(values[line.id],)), items=items, kits=kits)
        found |= {parts[leaf.values.sku].id: leaf.values for leaf in new}
    return found


async def write(
    db: Db, *, order: Order, lines: Mapping[UUID, LineDraft], reason: str, facts: Mapping[str, Any]
) -> None:
    """Write the order as it is now meant, its lines first, and tell what has been changed."""
    if lines:
        await store.rewrite_lines(db, lines)
    changed = await store.rewrite_order(
        db,
        order.id,
        ship_to=order.ship_to,
        service_level=order.service_level,
        shipping=order.shipping,
        adjustment=order.adjustment,
    )
    await events.append(
        db,
        [
            News(
                type="order.edited",
                entity="order",
                entity_id=order.id,
                order_id=order.id,
                channel_id=row["channel_id"],
                version=row["version"],
                reason=reason,
                data=dict(facts),
            )
            for row in changed
        ],
    )


async def fix(db: Db, *, nodes: Mapping[UUID, UUID | None]) -> None:
    """Say which node must ship each of these lines; None lets any."""
    await store.fix_lines(db, nodes)


async def shed(db: Db, *, order_id: UUID, units: Mapping[UUID, int]) -> None:
    """Make lines smaller by units of theirs that have just been cancelled."""
    left = dict(units)
    kept: list[Slice] = []
    for piece in await slicing.of_orders(db, [order_id]):
        if piece.rank is Rank.CANCELLED and (gone := min(piece.quantity, left.get(piece.line_id, 0))):
            left[piece.line_id] -= gone
            kept.append(replace(piece, quantity=piece.quantity - gone))
    await slicing.drop(db, [piece.id for piece in kept if not piece.quantity])
    await slicing.replace(db, [piece for piece in kept if piece.quantity])


async def add_units(db: Db, *, order_id: UUID, units: Sequence[Units]) -> None:
    """Give lines units on top: those that a node keeps are reserved, the others wait for stock."""
    new = [
        Slice(
            id=id_,
            order_id=order_id,
            line_id=one.line_id,
            sku=one.piece.line.values.sku,
            quantity=one.piece.quantity,
            rank=Rank.CREATED,
            node_id=None,
            fulfillment_id=None,
        )
        for id_, one in zip(new_ids(len(units)), units, strict=True)
    ]
    await slicing.add(db, new)
    moves = [
        Move(slice_id=piece.id, to=one.piece.rank, node_id=one.piece.node_id)
        for piece, one in zip(new, units, strict=True)
    ]
    stages = (
        Stage(event="order.reserved", moves=[m for m in moves if m.to is Rank.RESERVED]),
        Stage(event="order.unsupplied", moves=[m for m in moves if m.to is not Rank.RESERVED]),
    )
    # Written once: what waits becomes one with what its line was waiting for before.
    await move_on(db, *(stage for stage in stages if stage.moves))
