"""The one way a unit's status changes: moves of slices, checked against the ranks' order, folded upwards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.orders.store import slicing
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, Row
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


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
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


Moves: TypeAlias = "Sequence[Move] | Callable[[Sequence[Slice]], Sequence[Move]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Moves that are one change of their orders, told by one event each; `data` adds facts by order id.

    A later stage may name its moves by what the earlier ones have made of the orders' slices.
    """

    event: str
    moves: Moves
    reason: str | None = None
    data: Mapping[UUID, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Sheets:
    """Every slice of some orders, and the kit of each line that is part of one."""

    pieces: Sequence[Slice]
    kits: Mapping[UUID, UUID]

    def of(self, orders: Collection[UUID]) -> Sheets:
        """Those of some of the orders."""
        return Sheets([piece for piece in self.pieces if piece.order_id in orders], self.kits)


async def move(
    db: Db,
    moves: Sequence[Move],
    *,
    event: str,
    reason: str | None = None,
    data: Mapping[UUID, Any] | None = None,
) -> None:
    """Apply the moves, fold statuses upwards, and append one `event` an order with its new version.

    Several moves may take parts of one slice. Raises IllegalTransition, and LookupError for a slice that is not there;
    then nothing is changed.
    """
    await move_on(db, Stage(event=event, moves=moves, reason=reason, data=data or {}))


async def move_on(
    db: Db,
    first: Stage,
    *then: Stage,
    new_works: Collection[UUID] = (),
    sheets: Sheets | None = None,
) -> None:
    """Several changes of the same orders, one after the other, written once; each counts a version and is told.

    `new_works`: fulfillment orders stored in this very transaction, which stand as their slices make them stand.
    `sheets`: those of these very orders, where the caller locked the orders before it read them.
    """
    assert not callable(first.moves)  # noqa: S101 - only what comes later can look at what came before
    if not first.moves:
        return
    sheets = sheets or Sheets(*await slicing.lock(db, sorted({m.slice_id for m in first.moves})))
    before = {s.id: s for s in sheets.pieces}
    now = dict(before)
    told: list[tuple[Stage, dict[UUID, list[dict[str, Any]]]]] = []
    works: set[UUID] = set()
    for stage in (first, *then):
        moves = stage.moves(list(now.values())) if callable(stage.moves) else stage.moves
        if moves:
            found = {m.slice_id: now[m.slice_id] for m in moves}
            changed, added = _apply(found, moves)
            now |= {s.id: s for s in (*changed, *added)}
            works |= {s.fulfillment_id for s in (*found.values(), *changed, *added) if s.fulfillment_id}
            told.append((stage, _told(found, moves)))
    now = _joined(now)
    await _write(db, before, now)
    rows = await _fold(
        db, now, sheets.kits, works.difference(new_works), Counter(o for _, of in told for o in of)
    )
    await events.append(db, list(_news(told, rows)))


async def _write(db: Db, before: Mapping[UUID, Slice], now: Mapping[UUID, Slice]) -> None:
    """Store what differs."""
    if gone := sorted(before.keys() - now.keys()):
        await slicing.drop(db, gone)
    if changed := [s for s in now.values() if s.id in before and s != before[s.id]]:
        await slicing.replace(db, changed)
    if added := [s for s in now.values() if s.id not in before]:
        await slicing.add(db, added)


def _joined(pieces: Mapping[UUID, Slice]) -> dict[UUID, Slice]:
    """Slices of a line that have become alike are one again: the oldest keeps its id and takes the others' units."""
    alike: dict[tuple[object, ...], Slice] = {}
    for piece in sorted(pieces.values(), key=lambda s: s.id):
        same = piece.line_id, piece.rank, piece.node_id, piece.fulfillment_id
        keeper = alike.get(same)
        alike[same] = replace(keeper, quantity=keeper.quantity + piece.quantity) if keeper else piece
    return {piece.id: piece for piece in alike.values()}


async def _fold(
    db: Db,
    pieces: Mapping[UUID, Slice],
    kits: Mapping[UUID, UUID],
    works: Collection[UUID],
    changes: Mapping[UUID, int],
) -> dict[UUID, Row]:
    """Make the statuses of lines, fulfillment orders and orders anew; returns the orders' (id, version, channel_id)."""
    lines: dict[UUID, list[Rank]] = defaultdict(list)
    orders: dict[UUID, list[Rank]] = defaultdict(list)
    at_nodes: dict[UUID, list[Rank]] = {work: [] for work in works}
    for piece in pieces.values():
        lines[piece.line_id].append(piece.rank)
        orders[piece.order_id].append(piece.rank)
        if kit := kits.get(piece.line_id):
            lines[kit].append(piece.rank)
        if piece.fulfillment_id in at_nodes:
            at_nodes[piece.fulfillment_id].append(piece.rank)
    await slicing.note_lines(db, {line: _span(ranks) for line, ranks in lines.items()})
    if at_nodes:
        await slicing.note_fulfillments(db, {work: _span(at_nodes[work]) for work in sorted(at_nodes)})
    return await slicing.note_orders(db, {order: _span(orders[order]) for order in sorted(changes)}, changes)


def _span(ranks: Sequence[Rank]) -> tuple[int, int]:
    """The lowest and the highest; cancelled slices count only when nothing else is left."""
    live = [int(rank) for rank in ranks if rank is not R.CANCELLED] or [int(R.CANCELLED)]
    return min(live), max(live)


def _news(told: Sequence[tuple[Stage, Mapping[UUID, Any]]], rows: Mapping[UUID, Row]) -> Iterator[News]:
    """One event a change, with the version that it made."""
    ahead = Counter(order for _, of in told for order in of)
    for stage, of in told:
        for order, moved in of.items():
            ahead[order] -= 1
            yield News(
                type=stage.event,
                entity="order",
                entity_id=order,
                order_id=order,
                channel_id=rows[order]["channel_id"],
                version=rows[order]["version"] - ahead[order],
                reason=stage.reason,
                data={"moved": moved, **(stage.data.get(order) or {})},
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
    return Slice(
        before.id,
        before.order_id,
        before.line_id,
        before.sku,
        quantity,
        m.to,
        (m.node_id or before.node_id) if keeps_node else None,
        (m.fulfillment_id or before.fulfillment_id) if keeps_work else None,
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
