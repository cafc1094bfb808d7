"""The one way a unit's status changes: moves of slices, checked against the ranks' order, folded upwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.orders.store import slicing
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import Rank, new_id

R = Rank
_WITHOUT_STOCK = frozenset({R.CREATED, R.REJECTED, R.SHORT, R.BACKORDERED})
_AT_NODE = (R.RELEASED, R.ACKNOWLEDGED, R.PICKING, R.PICKED, R.PACKED)
# Where each rank may go. Falls are named moves: unallocate, reject, short, recall, unship.
LEGAL: Mapping[Rank, frozenset[Rank]] = {
    **{r: frozenset({R.BACKORDERED, R.RESERVED, R.ALLOCATED, R.CANCELLED}) for r in _WITHOUT_STOCK},
    R.RESERVED: frozenset({R.ALLOCATED, R.BACKORDERED, R.SHORT, R.CANCELLED}),
    R.ALLOCATED: frozenset({R.RELEASED, R.RESERVED, R.BACKORDERED, R.SHORT, R.CANCELLED}),
    **{
        r: frozenset({f for f in (*_AT_NODE, R.SHIPPED) if f > r})
        | {R.REJECTED, R.SHORT, R.RESERVED, R.ALLOCATED, R.CANCELLED}
        for r in _AT_NODE
    },
    R.SHIPPED: frozenset({R.DELIVERED, R.PACKED}),
    R.DELIVERED: frozenset(),
    R.CANCELLED: frozenset(),
}


class IllegalTransition(ValueError):
    """A slice may not go from its rank to that one; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Take a slice, or only `quantity` of it, to a rank.

    Node and fulfillment order are kept unless given; a rank below 200 clears the node, one below 400 the
    fulfillment order.
    """

    slice_id: UUID
    to: Rank
    quantity: int | None = None
    node_id: UUID | None = None
    fulfillment_id: UUID | None = None


async def move(
    db: Db,
    moves: Sequence[Move],
    *,
    event: str,
    reason: str | None = None,
    data: Mapping[UUID, Any] | None = None,
) -> None:
    """Apply the moves, fold statuses upwards, and append one `event` an order with its new version.

    `data` adds facts by order id. Several moves may take parts of one slice. Raises IllegalTransition, and
    LookupError for a slice that is not there; then nothing is changed.
    """
    if not moves:
        return
    found = {s.id: s for s in await slicing.lock(db, sorted({m.slice_id for m in moves}))}
    changed, added = _apply(found, moves)
    await slicing.replace(db, changed)
    if added:
        await slicing.add(db, added)
    touched = sorted({s.order_id for s in found.values()})
    if added or any(m.to < R.RELEASED or m.to is R.CANCELLED for m in moves):
        await slicing.merge(db, touched)
    works = {s.fulfillment_id for s in (*found.values(), *changed, *added)} - {None}
    versions = await slicing.fold(db, touched, sorted(w for w in works if w))
    told = _told(found, moves)
    await events.append(
        db,
        [
            News(
                type=event,
                entity="order",
                entity_id=row["id"],
                order_id=row["id"],
                channel_id=row["channel_id"],
                version=row["version"],
                reason=reason,
                data={"moved": told[row["id"]], **((data or {}).get(row["id"]) or {})},
            )
            for row in versions
        ],
    )


def _apply(found: Mapping[UUID, Slice], moves: Sequence[Move]) -> tuple[list[Slice], list[Slice]]:
    """Changed slices and new ones. The first part taken of a slice that is used up keeps the slice's id."""
    by_slice: dict[UUID, list[Move]] = defaultdict(list)
    for m in moves:
        by_slice[m.slice_id].append(m)
    changed: list[Slice] = []
    added: list[Slice] = []
    for slice_id, wanted in by_slice.items():
        before = found[slice_id]
        rest = before.quantity
        parts: list[Slice] = []
        for m in wanted:
            taken = rest if m.quantity is None else m.quantity
            if not 0 < taken <= rest:
                msg = f"slice {slice_id} has {rest} left, {taken} were to be moved"
                raise IllegalTransition(msg)
            rest -= taken
            parts.append(_moved(before, m, taken))
        if rest:
            changed.append(replace(before, quantity=rest))
            added += [replace(part, id=new_id()) for part in parts]
        else:
            changed.append(parts[0])
            added += [replace(part, id=new_id()) for part in parts[1:]]
    return changed, added


def _moved(before: Slice, m: Move, quantity: int) -> Slice:
    if m.to not in LEGAL[before.rank] and m.to is not before.rank:
        msg = f"a slice cannot go from {before.rank.word} to {m.to.word}"
        raise IllegalTransition(msg)
    keeps_work = m.to >= R.RELEASED
    keeps_node = m.to >= R.RESERVED
    return replace(
        before,
        quantity=quantity,
        rank=m.to,
        node_id=(m.node_id or before.node_id) if keeps_node else None,
        fulfillment_id=(m.fulfillment_id or before.fulfillment_id) if keeps_work else None,
    )


def _told(found: Mapping[UUID, Slice], moves: Sequence[Move]) -> dict[UUID, list[dict[str, Any]]]:
    told: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for m in moves:
        before = found[m.slice_id]
        told[before.order_id].append(
            {
                "line": before.line_id.hex,
                "sku": before.sku,
                "quantity": before.quantity if m.quantity is None else m.quantity,
                "from": before.rank.word,
                "to": m.to.word,
            }
        )
    return told
