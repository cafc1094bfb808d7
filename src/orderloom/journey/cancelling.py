"""Cancelling: an order, a line, a quantity; at once before a node has the work, by request after it accepted it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from orderloom import inventory, packing
from orderloom.journey.order import ORDER
from orderloom.journey.reserving import freeing
from orderloom.orders.model import Fulfillment, Slice
from orderloom.orders.reading import fulfillments_of, lines_of, lock, orders_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.orders.store.rows import set_request_status
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import Quantities, Rank

# The node has said yes and may be working on it: it is asked, and shipping may win.
_ASKED = frozenset({"accepted", "cancellation_requested"})


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Units cancelled now, by SKU; `requested` are those whose node was asked to let go; `kept` have shipped."""

    cancelled: Quantities
    requested: Quantities
    kept: Quantities
    works_asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CannotCancel:
    """Nothing was changed, and why; `way_out` says what can be done instead."""

    code: str
    message: str
    way_out: str


async def cancel(
    db: Db, *, order_id: UUID, reason: str, quantities: Mapping[UUID, int] | None = None
) -> Cancelled | CannotCancel | None:
    """Cancel the whole order, or so many units by line; None when there is no such order.

    What no node has accepted is cancelled at once and its stock is free; work that a node accepted becomes a request
    that it answers; what has shipped stays (return it). With nothing left the order's journey is undone, which
    releases its money.
    """
    known = (await orders_of(db, [order_id])).get(order_id)
    if known is None:
        return None
    await journeys.hold_still(db, ORDER.of, order_id)
    works = await fulfillments_of(db, orders=[order_id])
    for work in sorted(works):
        await journeys.hold_still(db, "fulfillment", work)
    await lock(db, orders=[order_id])
    works = await fulfillments_of(db, orders=[order_id])
    pieces = await slices_of(db, orders=[order_id])
    if quantities is not None and (fault := await _unknown_lines(db, order_id, quantities)):
        return fault
    wanted = list(_wanted(pieces, quantities))
    if quantities is not None and (short := _too_many(wanted, quantities)):
        return short
    if not wanted and known.lifecycle != "cancelled":
        return CannotCancel("shipped", "every unit has shipped", "Ask for a return instead.")
    return await _cancel(db, order_id, wanted, pieces, works, reason)


async def _cancel(
    db: Db,
    order_id: UUID,
    wanted: Sequence[tuple[Slice, int]],
    pieces: Sequence[Slice],
    works: Mapping[UUID, Fulfillment],
    reason: str,
) -> Cancelled:
    asked = {w.id for w in works.values() if w.request_status in _ASKED}
    at_once = [(p, n) for p, n in wanted if p.fulfillment_id not in asked]
    requested = [(p, n) for p, n in wanted if p.fulfillment_id in asked]
    await _cancel_now(db, at_once, works, reason)
    await _ask(db, {p.fulfillment_id for p, _ in requested if p.fulfillment_id}, works, reason)
    left = [p for p in await slices_of(db, orders=[order_id]) if p.rank != Rank.CANCELLED]
    if not left:
        await journeys.turn_back(db, ORDER.of, order_id, reason=reason)
    await journeys.wake(db, ORDER.of, [order_id])
    return Cancelled(
        cancelled=Quantities((p.sku, n) for p, n in at_once),
        requested=Quantities((p.sku, n) for p, n in requested),
        kept=Quantities(
            (p.sku, p.quantity) for p in pieces if p.rank >= Rank.SHIPPED and p.rank != Rank.CANCELLED
        ),
        works_asked=tuple(
            works[w].number for w in sorted({p.fulfillment_id for p, _ in requested if p.fulfillment_id})
        ),
    )


async def _cancel_now(
    db: Db, units: Sequence[tuple[Slice, int]], works: Mapping[UUID, Fulfillment], reason: str
) -> None:
    """Free the stock of these units and cancel them; a fulfillment order left empty has its journey undone."""
    if not units:
        return
    await inventory.post(db, postings=freeing([_part(p, n) for p, n in units], reason=reason))
    moves = [Move(slice_id=p.id, to=Rank.CANCELLED, quantity=n) for p, n in units]
    await move(db, moves, event="order.cancelled", reason=reason)
    for work in sorted({p.fulfillment_id for p, _ in units if p.fulfillment_id}):
        if (await fulfillments_of(db, ids=[work]))[work].status == "cancelled":
            await set_request_status(db, [work], "cancellation_accepted")
            await packing.cancel_packages(db, fulfillment_ids=[work])
            await journeys.turn_back(db, "fulfillment", work, reason=reason)
            await events.append(db, [_news("fulfillment.cancelled", works[work], reason)])
        else:
            await journeys.wake(db, "fulfillment", [work])


async def _ask(db: Db, works: set[UUID], known: Mapping[UUID, Fulfillment], reason: str) -> None:
    fresh = sorted(w for w in works if known[w].request_status != "cancellation_requested")
    await set_request_status(db, fresh, "cancellation_requested")
    await events.append(db, [_news("fulfillment.cancellation_requested", known[w], reason) for w in fresh])


async def answer_request(db: Db, *, work: UUID, accept: bool, reason: str) -> bool:
    """The node's answer to a cancellation request; False when none was made. Refused, the work goes on."""
    order_id = (await fulfillments_of(db, ids=[work]))[work].order_id
    await journeys.hold_still(db, ORDER.of, order_id)
    await journeys.hold_still(db, "fulfillment", work)
    await lock(db, orders=[order_id])
    known = await fulfillments_of(db, ids=[work])
    if known[work].request_status != "cancellation_requested":
        return False
    if not accept:
        await set_request_status(db, [work], "cancellation_rejected")
        await events.append(db, [_news("fulfillment.cancellation_rejected", known[work], reason)])
        return True
    pieces = [p for p in await slices_of(db, fulfillments=[work]) if p.rank < Rank.SHIPPED]
    await _cancel_now(db, [(p, p.quantity) for p in pieces], known, reason)
    if all(p.rank == Rank.CANCELLED for p in await slices_of(db, orders=[order_id])):
        await journeys.turn_back(db, ORDER.of, order_id, reason=reason)
    await journeys.wake(db, ORDER.of, [order_id])
    return True


def _wanted(pieces: Sequence[Slice], quantities: Mapping[UUID, int] | None) -> Iterator[tuple[Slice, int]]:
    """The units to cancel, those that have come least far first."""
    left = dict(quantities) if quantities is not None else None
    for piece in sorted(pieces, key=lambda p: (p.rank, p.id)):
        if piece.rank >= Rank.SHIPPED:
            continue
        units = piece.quantity if left is None else min(piece.quantity, left.get(piece.line_id, 0))
        if units:
            if left is not None:
                left[piece.line_id] -= units
            yield piece, units


async def _unknown_lines(db: Db, order_id: UUID, quantities: Mapping[UUID, int]) -> CannotCancel | None:
    lines = {line.id: line for line in (await lines_of(db, [order_id]))[order_id]}
    bad = [line for line in quantities if line not in lines or lines[line].is_kit]
    if not bad:
        return None
    return CannotCancel(
        "unknown_line",
        f"{len(bad)} of the lines named are not lines of this order that hold units",
        "Name the lines as the order shows them; of a kit, its components.",
    )


def _too_many(wanted: Sequence[tuple[Slice, int]], quantities: Mapping[UUID, int]) -> CannotCancel | None:
    found = {line: sum(n for p, n in wanted if p.line_id == line) for line in quantities}
    short = {line: found[line] for line, units in quantities.items() if found[line] < units}
    if not short:
        return None
    return CannotCancel(
        "not_so_many",
        f"only {sum(short.values())} of the units named have not shipped",
        "Lower the quantity; ask for a return of what has shipped.",
    )


def _part(piece: Slice, units: int) -> Slice:
    return replace(piece, quantity=units)


def _news(type_: str, work: Fulfillment, reason: str) -> News:
    return News(
        type=type_,
        entity="fulfillment",
        entity_id=work.id,
        order_id=work.order_id,
        node_id=work.node_id,
        reason=reason,
        data={"number": work.number},
    )
