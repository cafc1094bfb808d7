"""Routing in the journey: one snapshot for the whole set, a plan for each order, and its stock bound to the nodes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import inventory, network, routing
from orderloom.delivery.promise import end_of_day
from orderloom.inventory.availability import (
    allocate_legs,
    reserve_legs,
    unallocate_legs,
    unreserve_legs,
)
from orderloom.inventory.model import Leg, Posting
from orderloom.journey import afterwards, consolidating, new_works, trials
from orderloom.journey.consolidating import Lacking
from orderloom.journey.posing import Snapshot, request_of, take_snapshot
from orderloom.journey.turning_away import turn_away
from orderloom.network.places import located
from orderloom.orders import holds, promises
from orderloom.orders.model import Line, Order, Slice
from orderloom.orders.promises import Promised
from orderloom.orders.reading import lines_of, lock, orders_of, slices_of
from orderloom.orders.slices import Move, Sheets, Stage, move, move_on
from orderloom.plumbing.database import Db, new_ids
from orderloom.plumbing.journeys import Again, Later, Outcome, Outcomes, Park, Wait
from orderloom.routing.explaining import explained
from orderloom.routing.model import Decision, Plan
from orderloom.terms import Rank

_LOOK_AGAIN = timedelta(hours=1)
# Planning takes the processor for itself: after so many orders others of this process have their turn.
_PLANNED_IN_A_ROW = 25
# Units of a slice that a plan takes to a node.
Share = tuple[Slice, UUID, int]


async def route(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Decide for each order where its reserved units ship from, bind the stock, and release what no hold keeps back.

    Held orders wait.
    """
    outcomes = await turn_away(db, orders=orders, now=now)
    active = await holds.holds_of(db, orders=[o for o in orders if o not in outcomes], active_only=True)
    outcomes |= {
        hold.order_id: Wait(f"hold {hold.type} to be cleared")
        for hold in active
        if "route" in hold.blocks and hold.type != holds.CONSOLIDATION
    }
    free = [order for order in orders if order not in outcomes]
    await lock(db, orders=free)
    by_order: dict[UUID, list[Slice]] = defaultdict(list)
    short: dict[UUID, list[Slice]] = defaultdict(list)
    every = await slices_of(db, orders=free)
    for piece in every:
        if piece.rank == Rank.RESERVED:
            by_order[piece.order_id].append(piece)
        elif piece.rank == Rank.BACKORDERED:
            short[piece.order_id].append(piece)
    waits = {
        hold.order_id: hold
        for hold in active
        if hold.type == holds.CONSOLIDATION and hold.order_id not in outcomes
    }
    await consolidating.end(db, waits=waits, short=short)
    if not by_order:
        return outcomes
    known = await orders_of(db, list(by_order))
    lines = {line.id: line for of in (await lines_of(db, list(by_order))).values() for line in of}
    pieces = [piece for order, of in by_order.items() for piece in (*of, *short.get(order, ()))]
    snapshot = await take_snapshot(db, skus={p.sku for p in pieces}, orders=list(known.values()), now=now)
    lacking = await _lacking(db, known, short, snapshot, now)
    if expecting := {node for lacks in lacking.values() for node in lacks.expected} - snapshot.nodes.keys():
        more = await network.nodes_of(db, ids=expecting)
        snapshot = replace(snapshot, nodes={**snapshot.nodes, **more})
    decided: dict[UUID, Decision] = {}
    cuts: dict[UUID, list[Share]] = {}
    postings: dict[UUID, Posting] = {}
    waiting: dict[UUID, Decision] = {}
    for number, order in enumerate(sorted(known.values(), key=lambda o: (-o.priority, o.placed_at, o.id))):
        if number % _PLANNED_IN_A_ROW == _PLANNED_IN_A_ROW - 1:
            await asyncio.sleep(0)
        request = request_of(order, by_order[order.id], lines, snapshot, now, lacking.get(order.id))
        decision = routing.decide(request, snapshot.sourcing.version)
        if decision.held:
            waiting[order.id] = decision
            continue
        decided[order.id] = decision
        if decision.plan is not None:
            cuts[order.id] = list(shares(decision, lines, by_order[order.id]))
            postings[order.id] = _binding(order.id, cuts[order.id])
            # The next order of the set must not count on the same units, nor on the same hands.
            snapshot.shelves.post(postings[order.id])
            snapshot.take_room(decision)
    sheets = Sheets(every, {line.id: line.kit_line_id for line in lines.values() if line.kit_line_id})
    refused = await _carry_out(db, cuts, known, decided, postings, sheets)
    await trials.shadow(db, sourcing=snapshot.sourcing, orders=[o for o in decided if o not in refused])
    outcomes |= {order: Again("the stock it was planned on was taken meanwhile") for order in refused}
    outcomes |= await consolidating.hold(db, decided=waiting)
    return outcomes | {order: _no_way(d, now) for order, d in decided.items() if d.plan is None}


async def _lacking(
    db: Db,
    known: Mapping[UUID, Order],
    short: Mapping[UUID, Sequence[Slice]],
    snapshot: Snapshot,
    now: datetime,
) -> dict[UUID, Lacking]:
    """What those of the orders lack that could wait for it."""
    version = snapshot.sourcing.version
    could = {
        order.id: short[order.id]
        for order in known.values()
        if order.id in short
        and order.decide_as_of is None
        and consolidating.wanted(snapshot.channels[order.channel_id], version)
    }
    return await consolidating.lacking(db, pieces=could, now=now) if could else {}


class _Taken(Exception):
    """Others took the stock that these orders were planned on."""

    def __init__(self, orders: set[UUID]) -> None:
        super().__init__()
        self.orders = orders


async def _carry_out(
    db: Db,
    cuts: Mapping[UUID, Sequence[Share]],
    known: Mapping[UUID, Order],
    decided: Mapping[UUID, Decision],
    postings: Mapping[UUID, Posting],
    sheets: Sheets,
) -> set[UUID]:
    """Write what was decided and bind the stock; returns the orders it was refused to.

    The stock's rows are locked last: everybody's hot items are among them, and all that comes after keeps others waiting.
    Only where somebody took units meanwhile is it bound first, and what was refused left out.
    """
    try:
        async with db.transaction():
            await _record(db, cuts, known, decided, sheets)
            await _bind(db, postings)
    except _Taken as first:
        left = {order: posting for order, posting in postings.items() if order not in first.orders}
        refused = first.orders | await _refused(db, left)
        await _record(db, cuts, known, {o: d for o, d in decided.items() if o not in refused}, sheets)
        return refused
    return set()


async def _bind(db: Db, postings: Mapping[UUID, Posting]) -> None:
    """Post all of the bindings. Raises _Taken when the stock does not bear one."""
    if taken := await _refused(db, postings):
        raise _Taken(taken)


async def _refused(db: Db, postings: Mapping[UUID, Posting]) -> set[UUID]:
    """Post the bindings; returns the orders whose binding the stock did not bear."""
    answers = await inventory.post(db, postings=list(postings.values()))
    return {order for order, short in zip(postings, answers, strict=True) if short is not None}


def _no_way(decision: Decision, now: datetime) -> Outcome:
    """Wait where only the day's capacity is used up, or its own node is closed; all else is a person's matter."""
    if any(source.full for source in decision.request.sources):
        return Later(now + _LOOK_AGAIN, "a node to have capacity again")
    fixed = {want.fixed_node for want in decision.request.wants}
    if any(s.node.closed_because and s.node.code in fixed for s in decision.request.sources):
        return Later(now + _LOOK_AGAIN, "the node it is bound to, which is closed")
    return Park(_unroutable(decision))


def _unroutable(decision: Decision) -> str:
    """Why not, those nodes first that have some of it."""
    there = {source.node.code: bool(source.available) for source in decision.request.sources}
    candidates = explained(decision.request, decision.json()).candidates
    told = sorted(candidates, key=lambda c: (not there[c["node"]], c["node"]))
    reasons = [f"{c['node']}: {reason}" for c in told for reason in c["reasons"]]
    return "no way to ship it: " + ("; ".join(reasons[:5]) or "no node has any of it")


def shares(decision: Decision, lines: Mapping[UUID, Line], pieces: Sequence[Slice]) -> Iterator[Share]:
    """How the plan cuts the slices: (slice, node, units), each slice's own node first where the plan uses it."""
    assert decision.plan is not None  # noqa: S101 - only plans are cut
    for line_id in {piece.line_id for piece in pieces}:
        key = str(lines[line_id].position)
        left = {part.node.id: part.units[key] for part in decision.plan.parts if key in part.units}
        for piece in (p for p in pieces if p.line_id == line_id):
            units = piece.quantity
            for node_id in sorted(left, key=lambda n, home=piece.node_id: (n != home, n)):  # type: ignore[misc]
                taken = min(units, left[node_id])
                if taken:
                    left[node_id] -= taken
                    units -= taken
                    yield piece, node_id, taken


def _binding(order: UUID, cut: Sequence[Share]) -> Posting:
    """The reservation given up and the allocation made, as one posting."""
    return Posting(
        cause_type="order",
        cause_id=order,
        legs=(
            *unreserve_legs((p.node_id, p.sku, units) for p, _, units in cut if p.node_id),
            *allocate_legs((node, p.sku, units) for p, node, units in cut),
        ),
    )


async def _record(
    db: Db,
    cuts: Mapping[UUID, Sequence[Share]],
    known: Mapping[UUID, Order],
    decided: Mapping[UUID, Decision],
    sheets: Sheets,
) -> None:
    """Keep the decisions, move the slices to their nodes and on, and say which orders will be late."""
    ids = dict(zip(decided, new_ids(len(decided)), strict=True))
    await routing.record(db, decisions={ids[o]: (o, d) for o, d in decided.items()})
    moves = [
        Move(slice_id=piece.id, to=Rank.ALLOCATED, quantity=units, node_id=node)
        for order in decided
        for piece, node, units in cuts.get(order, ())
    ]
    told = {
        order: {"decision": ids[order].hex, "outcome": d.outcome, "cost": d.plan.cost if d.plan else None}
        for order, d in decided.items()
    }
    known = await afterwards.see_to(db, orders=known, decided=decided)
    back = await new_works.kept_back(db, orders=list(decided))
    works = new_works.planned({o: d for o, d in decided.items() if o not in back}, ids)
    await new_works.store(db, works)
    await move_on(
        db,
        Stage(event="order.routed", moves=moves, data=told),
        Stage(event="order.released", moves=lambda now: new_works.handed_out(works, now)),
        new_works={work["id"] for work in works.values()},
        sheets=sheets.of(cuts.keys() & decided.keys()),
    )
    await new_works.begin(db, works, priorities={order.id: order.priority for order in known.values()})
    late = {
        known[o].id: _promised_later(known[o], d.plan)
        for o, d in decided.items()
        if d.plan and d.plan.late and known[o].decide_as_of is None
    }
    await promises.bind(db, promised=late, why="no service reaches the buyer in time", slip=True)


def _promised_later(order: Order, plan: Plan) -> Promised:
    """The end of the day by which the last part is there."""
    found = located(order.ship_to)
    day = max(part.due for part in plan.parts)
    at = end_of_day(day, time_zone=found.time_zone if found else "UTC")
    return Promised(order.id, order.channel_id, at, was=order.promise_at)


async def unallocate(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of routing: units bound to a node and not released are kept there for the order again."""
    await lock(db, orders=orders)
    bound = [p for p in await slices_of(db, orders=orders) if p.rank == Rank.ALLOCATED]
    await inventory.post(
        db,
        postings=[
            Posting(
                cause_type="order",
                cause_id=piece.order_id,
                reason="unallocated",
                legs=rebinding(piece),
            )
            for piece in bound
        ],
    )
    moves = [Move(slice_id=p.id, to=Rank.RESERVED, node_id=p.node_id) for p in bound]
    await move(db, moves, event="order.unallocated", reason="its routing was taken back")
    return {}


def rebinding(piece: Slice) -> tuple[Leg, ...]:
    """Allocated units become reserved ones at the same node."""
    assert piece.node_id is not None  # noqa: S101 - the table's CHECK has it
    unit = [(piece.node_id, piece.sku, piece.quantity)]
    return (*unallocate_legs(unit), *reserve_legs(unit))
