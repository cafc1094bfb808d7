"""Cancelling: an order, a line, a quantity; at once before a node has the work, by request after it accepted it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from orderloom import inventory, packing
from orderloom.inventory import lots
from orderloom.journey.fulfillment import FULFILLMENT, still_here
from orderloom.journey.giving_back import free
from orderloom.journey.order import ORDER
from orderloom.journey.releasing import take_back
from orderloom.journey.reserving import COUNTED_SHORT, SHORT
from orderloom.journey.steering import hold_whole
from orderloom.orders import cancellations, exceptions
from orderloom.orders.model import Fulfillment, Slice
from orderloom.orders.reading import fulfillments_of, lines_of, lock, orders_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import Quantities, Rank


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

    What no node has accepted is cancelled at once and its stock is free; work that a node accepted or began becomes a
    request that it answers; what a carrier has stays (return it). With nothing left the order's journey is undone, which
    releases its money.
    """
    known = (await orders_of(db, [order_id])).get(order_id)
    if known is None:
        return None
    await hold_whole(db, order_id=order_id)
    at = await standing(db, order_id=order_id)
    if quantities is not None and (fault := await _unknown_lines(db, order_id, quantities)):
        return fault
    wanted = list(_wanted(at.here, quantities, at.asked))
    if quantities is not None and (short := _too_many(wanted, quantities)):
        return short
    if not wanted and not at.asked and known.lifecycle != "cancelled":
        return CannotCancel("shipped", "every unit has shipped", "Ask for a return instead.")
    done = await _cancel(db, wanted, at.works, reason)
    await look_after(db, order_id, list(at.works), reason)
    after = await slices_of(db, orders=[order_id])
    requested = Counter(done) + Counter(at.asked if quantities is None else {})
    return _told(at.pieces, after, requested, at.works, at.gone)


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to cancel of an order; `gone`: works that a carrier has, `asked`: what nodes were asked to let go."""

    works: Mapping[UUID, Fulfillment]
    gone: set[UUID]
    pieces: Sequence[Slice]
    asked: Mapping[tuple[UUID, UUID], int]

    @property
    def here(self) -> list[Slice]:
        """What no carrier has."""
        return [p for p in self.pieces if p.fulfillment_id not in self.gone and p.rank < Rank.SHIPPED]


async def standing(db: Db, *, order_id: UUID) -> Standing:
    """What there is of an order that the caller has locked whole."""
    works = await fulfillments_of(db, orders=[order_id])
    gone = works.keys() - await still_here(db, works=list(works))
    pieces = await slices_of(db, orders=[order_id])
    return Standing(works, gone, pieces, await cancellations.pending(db, works=list(works)))


async def let_go(
    db: Db, *, at: Standing, quantities: Mapping[UUID, int], reason: str
) -> dict[tuple[UUID, UUID], int]:
    """Cancel units by line, all of which are there, of an order that the caller looks after; returns what nodes are asked for."""
    return await _cancel(db, list(_wanted(at.here, quantities, at.asked)), at.works, reason)


async def _cancel(
    db: Db, wanted: Sequence[tuple[Slice, int]], works: Mapping[UUID, Fulfillment], reason: str
) -> dict[tuple[UUID, UUID], int]:
    """Cancel what can be at once, ask the nodes for the rest; returns what was asked for, by (work, line)."""
    begun = {work.id for work in works.values() if begun_at(work)}
    await _cancel_now(db, [(p, n) for p, n in wanted if p.fulfillment_id not in begun], works, reason)
    requested: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for piece, units in wanted:
        if piece.fulfillment_id in begun:
            requested[piece.fulfillment_id, piece.line_id] += units
    ids = sorted({work for work, _ in requested})
    await cancellations.ask(db, works=[works[work] for work in ids], units=requested, reason=reason)
    return requested


def begun_at(work: Fulfillment) -> bool:
    """The node has said yes, or just begun: it is asked, and shipping may win."""
    return work.request_status not in ("unsubmitted", "submitted") or work.max_rank >= Rank.PICKING


async def _cancel_now(
    db: Db, units: Sequence[tuple[Slice, int]], works: Mapping[UUID, Fulfillment], reason: str
) -> None:
    """Free the stock of these units and cancel them; a fulfillment order left empty has its journey undone."""
    if not units:
        return
    await free(db, [replace(piece, quantity=n) for piece, n in units], reason=reason)
    moves = [Move(slice_id=p.id, to=Rank.CANCELLED, quantity=n) for p, n in units]
    await move(db, moves, event="order.cancelled", reason=reason)
    await lots.settle(db, works={p.fulfillment_id for p, _ in units if p.fulfillment_id})
    for work in sorted({p.fulfillment_id for p, _ in units if p.fulfillment_id}):
        if (await fulfillments_of(db, ids=[work]))[work].status == "cancelled":
            await cancellations.granted(db, work=work, wholly=True)
            await packing.cancel_packages(db, fulfillment_ids=[work])
            await journeys.turn_back(db, FULFILLMENT.of, work, reason=reason)
            await events.append(db, [_news("fulfillment.cancelled", works[work], reason)])
        else:
            await journeys.wake(db, FULFILLMENT.of, [work])


async def look_after(db: Db, order_id: UUID, works: Sequence[UUID], reason: str) -> None:
    """Give the journey up when nothing is left, and settle the cases that the cancelled units were about."""
    ranks = {p.rank for p in await slices_of(db, orders=[order_id])}
    if ranks == {Rank.CANCELLED}:
        await exceptions.resolve_of(db, entities=[order_id, *works], resolution=f"cancelled: {reason}")
        # An order whose units came back from a node stands at an early step, with its later ones still to be undone.
        await journeys.turn_back(db, ORDER.of, order_id, reason=reason, furthest=ORDER.steps[-1].name)
    elif not ranks & SHORT:
        await exceptions.resolve_of(
            db, entities=[order_id], kinds=["out_of_stock", COUNTED_SHORT], resolution=reason
        )
    await journeys.wake(db, ORDER.of, [order_id])


async def answer_request(db: Db, *, work: UUID, accept: bool, reason: str) -> bool:
    """The node's answer to a cancellation request; False when none was made.

    Refused, or answered after the carrier has the goods, the work goes on. Let go in part, the node keeps the rest;
    when that is in closed packages already, it is taken back and routed anew.
    """
    order_id = (await fulfillments_of(db, ids=[work]))[work].order_id
    await journeys.hold_still(db, ORDER.of, order_id)
    await journeys.hold_still(db, FULFILLMENT.of, work)
    await lock(db, orders=[order_id])
    known = await fulfillments_of(db, ids=[work])
    if known[work].request_status != "cancellation_requested":
        return False
    if not accept or not await still_here(db, works=[work]):
        await cancellations.declined(db, works=[known[work]], reason=reason)
        return True
    left = {line: units for (_, line), units in (await cancellations.pending(db, works=[work])).items()}
    pieces = await slices_of(db, fulfillments=[work])
    # What is let go and what goes back to be routed, or is rejected, is posted apart: locked together, in order.
    await inventory.lock(db, keys=[(p.node_id, p.sku) for p in pieces if p.node_id and p.rank < Rank.SHIPPED])
    await _cancel_now(db, list(_wanted(pieces, left, {})), known, reason)
    if (await fulfillments_of(db, ids=[work]))[work].status != "cancelled":
        await cancellations.granted(db, work=work, wholly=False)
        packed = (await packing.packages_of(db, fulfillments=[work])).get(work, [])
        if any(package.status == "packed" for package in packed):
            await take_back(db, works=[known[work]], reason=reason)
    await look_after(db, order_id, [work], reason)
    return True


def _told(
    before: Sequence[Slice],
    after: Sequence[Slice],
    requested: Mapping[tuple[UUID, UUID], int],
    works: Mapping[UUID, Fulfillment],
    gone: set[UUID],
) -> Cancelled:
    skus = {piece.line_id: piece.sku for piece in before}
    ended = [
        Quantities((p.sku, p.quantity) for p in of if p.rank == Rank.CANCELLED) for of in (before, after)
    ]
    return Cancelled(
        cancelled=ended[1] - ended[0],
        requested=Quantities((skus[line], units) for (_, line), units in requested.items()),
        kept=Quantities(
            (p.sku, p.quantity)
            for p in after
            if Rank.SHIPPED <= p.rank < Rank.CANCELLED or p.fulfillment_id in gone
        ),
        works_asked=tuple(works[work].number for work in sorted({work for work, _ in requested})),
    )


def _wanted(
    pieces: Sequence[Slice],
    quantities: Mapping[UUID, int] | None,
    asked: Mapping[tuple[UUID, UUID], int],
) -> Iterator[tuple[Slice, int]]:
    """The units to cancel, those that have come least far first; those asked for before are left out."""
    left = dict(quantities) if quantities is not None else None
    spoken = dict(asked)
    for piece in sorted(pieces, key=lambda p: (p.rank, p.id)):
        if piece.rank >= Rank.SHIPPED:
            continue
        free = piece.quantity
        if piece.fulfillment_id is not None:
            before = min(free, spoken.get((piece.fulfillment_id, piece.line_id), 0))
            spoken[piece.fulfillment_id, piece.line_id] = (
                spoken.get((piece.fulfillment_id, piece.line_id), 0) - before
            )
            free -= before
        units = free if left is None else min(free, left.get(piece.line_id, 0))
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
