"""Orders not yet released, planned anew together; and what the units they leave are worth where they lie.

Read without a lock, planned without a transaction's help, applied only where every order still stands as it was read and
the stock bears it. Never dearer than the plans in force. The prices come from the same program over what is expected:
the orders routed last, once more, on the stock that is left. Routing of new orders counts with them for a day.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from orderloom import inventory, routing
from orderloom.inventory.availability import allocate_legs, reserve_legs, unallocate_legs, unreserve_legs
from orderloom.inventory.model import Posting
from orderloom.journey import again, consolidating
from orderloom.journey.posing import Snapshot, request_of, take_snapshot
from orderloom.journey.sourcing import shares
from orderloom.orders.model import Line, Slice
from orderloom.orders.reading import lines_of, lock, orders_of, slices_of, unreleased
from orderloom.orders.slices import Move, move
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting
from orderloom.plumbing.settings import settings
from orderloom.routing import store
from orderloom.routing.asking import Asked, Decide, given, units
from orderloom.routing.batch import HANDS, Key, Member, Together, Way, together
from orderloom.routing.model import Request
from orderloom.shipping.quota import Limits
from orderloom.terms import Rank, new_id

MOST = 200
# Before all orders.
_FIRST = UUID(int=0)
_KEPT = frozenset({Rank.RESERVED, Rank.ALLOCATED})


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read: each order's question and slices, what is expected, and what there is for all of them."""

    questions: Mapping[UUID, Request]
    numbers: Mapping[UUID, str]
    pieces: Mapping[UUID, tuple[Slice, ...]]
    lines: Mapping[UUID, Line]
    expected: tuple[Request, ...]
    free: Mapping[Key, int]
    room: Mapping[str, int]
    limits: Limits
    nodes: Mapping[str, UUID]
    currency: str | None
    decide: Decide
    last: UUID | None
    """The last of the orders, where more come after it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One order's other way, and the one it had."""

    order_id: UUID
    number: str
    before: Way
    after: Way

    @property
    def gives(self) -> Mapping[Key, int]:
        """Units that others may have now."""
        return _less_units(self.before, self.after)

    @property
    def takes(self) -> Mapping[Key, int]:
        """Units it did not have before."""
        return _less_units(self.after, self.before)


def _less_units(one: Way, other: Way) -> dict[Key, int]:
    others = dict(other.uses)
    return {
        key: count - others.get(key, 0)
        for key, count in one.uses
        if key[1] != HANDS and count > others.get(key, 0)
    }


def why(change: Change, changes: Sequence[Change]) -> str:
    """Why the order moves: what it takes that others give up, and gives up that others want."""
    others = [one for one in changes if one is not change]
    exchanged = (
        ("given up by", change.takes, [(one.number, one.gives) for one in others]),
        ("wanted by", change.gives, [(one.number, one.takes) for one in others]),
    )
    parts = [
        f"{count} × {key[1]} at {key[0]} {said} {', '.join(who[:3])}"
        for said, mine, theirs in exchanged
        for key, count in sorted(mine.items())
        if (who := [number for number, units_ in theirs if key in units_])
    ]
    return "; ".join(parts) or "a cheaper way is open to it by itself"


def nodes_of(way: Way) -> list[str]:
    """The nodes that ship it."""
    return sorted({code for (code, sku), _ in way.uses if sku != HANDS})


@dataclass(frozen=True, slots=True)
class Planned:
    """What was found: the orders looked at, the whole, the changes, and prices by (node, SKU)."""

    orders: int
    whole: Together
    changes: tuple[Change, ...]
    prices: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Applied:
    """The orders that were changed, and those left as they are, for they or their stock had moved meanwhile."""

    changed: tuple[UUID, ...]
    passed_over: tuple[UUID, ...]


# --- read -----------------------------------------------------------------------------------------------------


async def read(
    db: Db, *, now: datetime, most: int = MOST, expected: int = MOST, after: UUID | None = None
) -> Batch:
    """Unreleased orders, the latest `expected` ones as those to come, and the stock for both, without a lock.

    `after`: not the urgent ones first, but those behind this one. What waits for its rest stays where that comes.
    """
    ids = await unreleased(db, most=most, after=after)
    last = ids[-1] if len(ids) == most else None
    waits = await consolidating.held(db, orders=ids)
    ids = [order for order in ids if order not in waits]
    rows = await store.latest(db, limit=expected) if expected else []
    pieces: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in await slices_of(db, orders=ids):
        if piece.rank in _KEPT:
            pieces[piece.order_id].append(piece)
    known = await orders_of(db, sorted(pieces))
    lines = {line.id: line for of in (await lines_of(db, sorted(known))).values() for line in of}
    skus = {p.sku for of in pieces.values() for p in of}
    skus |= {str(line["sku"]) for row in rows for line in row["request"]["lines"]}
    snapshot = await take_snapshot(db, skus=skus, orders=list(known.values()), now=now)
    questions = {o: request_of(known[o], pieces[o], lines, snapshot, now) for o in sorted(known)}
    present = await again.present_for(db, rows)
    codes = {node.code: node.id for node in snapshot.nodes.values()}
    return Batch(
        questions={o: _unpriced(question) for o, question in questions.items()},
        numbers={order.id: order.number for order in known.values()},
        pieces={o: tuple(of) for o, of in pieces.items()},
        lines=lines,
        expected=tuple(_again(again.request_of(row, present)[0], now) for row in rows),
        free={
            (code, sku): units
            for code, node in codes.items()
            for sku in skus
            if (units := max(0, snapshot.shelves.for_channel(node, sku, None))) and snapshot.nodes[node].open
        },
        room={snapshot.nodes[node].code: left for node, left in snapshot.room.items()},
        limits=snapshot.limits,
        nodes=codes,
        currency=snapshot.tariffs[0].currency if snapshot.tariffs else None,
        decide=partial(_decide, snapshot),
        last=last,
    )


def _decide(snapshot: Snapshot, request: Request) -> routing.Decision:
    return routing.decide(request, snapshot.sourcing.version)


def _unpriced(request: Request) -> Request:
    """Without the prices that guided it alone, which are found anew together, and without what was still to come."""
    sources = tuple(replace(source, scarcity={}) for source in request.sources)
    return replace(request, sources=sources, rest=None)


def _again(request: Request, now: datetime) -> Request:
    """The same order once more, now: as long before its promise as it was then."""
    promise = request.promise_at
    return _unpriced(replace(request, now=now, promise_at=promise and promise + (now - request.now)))


# --- plan -----------------------------------------------------------------------------------------------------


def plan(batch: Batch) -> Planned:
    """Find the whole (pure): takes its time, so run it outside a transaction or in a thread."""
    now = {order: way for order in batch.questions if (way := _in_force(batch, order)) is not None}
    held = units(now.values())
    total = _sum(batch.free, held)
    members = []
    for order, way in now.items():
        question = batch.questions[order]
        others = _less(held, dict(way.uses))
        may = given(question, _by_node(total, question, others))
        members.append(Member(order, way, Asked.of(may, batch.decide, batch.limits)))
    whole = together(members, _with_hands(total, {**batch.room, **batch.limits.left}, held))
    changes = tuple(
        Change(member.key, batch.numbers[member.key], member.in_force, way)
        for member, way in zip(members, whole.ways, strict=True)
        if way.uses != member.in_force.uses
    )
    left = _less(total, units(whole.ways))
    return Planned(len(members), whole, changes, _prices(batch, left))


def _in_force(batch: Batch, order: UUID) -> Way | None:
    """The way an order ships as it stands now; None where that is none, which its own journey deals with.

    What is bound to a node has its place there, and with its carrier, however full they are.
    """
    question = batch.questions[order]
    if any(piece.rank is Rank.ALLOCATED for piece in batch.pieces[order]):
        sources = tuple(replace(source, capacity_left=None) for source in question.sources)
        question = replace(question, sources=sources, closed=frozenset())
    here: dict[str, dict[str, int]] = defaultdict(dict)
    code = {node: name for name, node in batch.nodes.items()}
    for piece in batch.pieces[order]:
        assert piece.node_id is not None  # noqa: S101 - the table's CHECK has it
        mine = here[code[piece.node_id]]
        mine[piece.sku] = mine.get(piece.sku, 0) + piece.quantity
    bound = given(question, here)
    decision = batch.decide(bound)
    if decision.plan is None or decision.uncovered:
        return None
    return Asked(bound, batch.decide, 0, batch.limits).way(decision)


def _prices(batch: Batch, left: Mapping[Key, int]) -> Mapping[Key, int]:
    """What units are worth where they are, if the orders expected come: the dual prices of serving them."""
    members: list[Member] = []
    for question in batch.expected:
        asks = Asked.of(given(question, _by_node(left, question)), batch.decide)
        best, _ = asks.best({})
        if best is not None:
            # Who finds nothing is not served in time: that is what the dearest unit is worth.
            members.append(Member(len(members), Way(best.cost + asks.late_cost, ()), _Again(asks, best)))
    found = together(members, _with_hands(left, {}, {})).prices if members else {}
    return {key: price for key, price in found.items() if key[1] != HANDS and left.get(key)}


@dataclass(frozen=True, slots=True)
class _Again:
    """Asked for its best way at no prices, it has the answer already; and it may always go unserved."""

    asks: Asked
    first: Way

    def best(
        self, prices: Mapping[Key, int], left: Mapping[Key, int] | None = None
    ) -> tuple[Way | None, int]:
        if not prices and left is None:
            return self.first, 0
        return self.asks.best(prices, left)


def _by_node(
    stock: Mapping[Key, int], question: Request, others: Mapping[Key, int] | None = None
) -> dict[str, dict[str, int]]:
    """What of the question's SKUs there is together, by node; `others`: beyond what it found, only what these hold."""
    skus = {want.sku for want in question.wants}
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for source in question.sources:
        code = source.node.code
        for sku in skus if source.refused is None else ():
            there = stock.get((code, sku), 0)
            if others is not None:
                there = min(there, source.available.get(sku, 0) + others.get((code, sku), 0))
            if there > 0:
                found[code][sku] = there
    return found


def _sum(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other} if key[1] != HANDS}


def _less(stock: Mapping[Key, int], taken: Mapping[Key, int]) -> dict[Key, int]:
    return {key: count - taken.get(key, 0) for key, count in stock.items()}


def _with_hands(stock: Mapping[Key, int], room: Mapping[str, int], held: Mapping[Key, int]) -> dict[Key, int]:
    """The room of a limited node, or carrier, is at least what the plans in force take of it."""
    hands = {(code, HANDS): max(left, held.get((code, HANDS), 0)) for code, left in room.items()}
    return {**stock, **hands}


# --- apply ----------------------------------------------------------------------------------------------------


class _Moved(Exception):
    """The stock does not bear these changes any more."""


async def apply(db: Db, *, batch: Batch, planned: Planned, now: datetime) -> Applied:
    """Put it in force: orders that share units change together or not at all; and keep the prices."""
    await store.put_scarcity(
        db, prices={(batch.nodes[code], sku): p for (code, sku), p in planned.prices.items()}, at=now
    )
    changed: list[UUID] = []
    passed_over: list[UUID] = []
    for group in _linked(planned.changes):
        ids = sorted(change.order_id for change in group)
        try:
            async with db.transaction():
                await _put_in_force(db, batch, group)
            changed += ids
        except _Moved:
            passed_over += ids
    kept = sum(c.before.cost - c.after.cost for c in planned.changes if c.order_id in passed_over)
    await store.note_batch(
        db,
        {
            "began_at": now,
            "began_by": acting.get().name,
            "currency": batch.currency,
            "orders": planned.orders,
            "changed": len(changed),
            "passed_over": len(passed_over),
            "cost_before": planned.whole.before,
            "cost": planned.whole.cost + kept,
            "bound": planned.whole.bound,
            "priced": len(planned.prices),
            "last_order": batch.last,
        },
    )
    return Applied(tuple(changed), tuple(passed_over))


def _linked(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in groups that share no SKU: units go from one order to another only within a group."""
    groups: list[tuple[set[str], list[Change]]] = []
    for change in changes:
        skus = {sku for (_, sku), _ in (*change.before.uses, *change.after.uses) if sku != HANDS}
        mine = [change]
        apart = []
        for others, theirs in groups:
            if others & skus:
                skus |= others
                mine = theirs + mine
            else:
                apart.append((others, theirs))
        groups = [*apart, (skus, mine)]
    return [group for _, group in groups]


async def _put_in_force(db: Db, batch: Batch, group: Sequence[Change]) -> None:
    ids = sorted(change.order_id for change in group)
    await lock(db, orders=ids)
    pieces: dict[UUID, list[Slice]] = defaultdict(list)
    for piece in await slices_of(db, orders=ids):
        if piece.rank in _KEPT:
            pieces[piece.order_id].append(piece)
    if any(tuple(pieces[order]) != batch.pieces[order] for order in ids):
        raise _Moved
    cuts = {c.order_id: list(shares(c.after.plan, batch.lines, pieces[c.order_id])) for c in group}
    up = [
        _posting(o, unreserve_legs, unallocate_legs, [(p, p.node_id, n) for p, _, n in cut])
        for o, cut in cuts.items()
    ]
    down = [_posting(o, reserve_legs, allocate_legs, cut) for o, cut in cuts.items()]
    # All give up first: what one lets go another takes.
    if any(short is not None for short in await inventory.post(db, postings=[*up, *down])):
        raise _Moved
    routed = {
        c.order_id: new_id() for c in group if any(p.rank is Rank.ALLOCATED for p in pieces[c.order_id])
    }
    plans = {c.order_id: c.after.plan for c in group}
    await routing.record(db, decisions={routed[o]: (o, plans[o]) for o in routed})
    await move(
        db,
        [
            Move(slice_id=p.id, to=p.rank, quantity=n, node_id=node)
            for cut in cuts.values()
            for p, node, n in cut
        ],
        event="order.rerouted",
        reason="planned anew together with others",
        data={
            c.order_id: {
                "was": c.before.cost,
                "cost": c.after.cost,
                "decision": routed[c.order_id].hex if c.order_id in routed else None,
            }
            for c in group
        },
    )


def _posting(
    order: UUID, reserved: Any, allocated: Any, cut: Sequence[tuple[Slice, UUID | None, int]]
) -> Posting:
    return Posting(
        cause_type="order",
        cause_id=order,
        reason="planned anew together with others",
        legs=(
            *reserved((node, p.sku, n) for p, node, n in cut if p.rank is Rank.RESERVED),
            *allocated((node, p.sku, n) for p, node, n in cut if p.rank is Rank.ALLOCATED),
        ),
    )


# --- the worker's duty ----------------------------------------------------------------------------------------


async def when_due(db: Db, now: datetime) -> None:
    """Every so many minutes of the setting, unless another worker has just done so; nought of them is never.

    Each time so many orders, going on behind those of the last time: in some runs all have had their turn.
    """
    every = timedelta(minutes=settings().reoptimise_minutes)
    if not every or not await store.may_begin(db, not_since=now - every):
        return
    before = await store.batches(db, limit=1)
    batch = await read(db, now=now, after=(before[0]["last_order"] if before else None) or _FIRST)
    planned = await asyncio.to_thread(plan, batch)
    await apply(db, batch=batch, planned=planned, now=now)
