"""Release: each node gets its fulfillment order, which begins a journey of its own; recall takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import inventory, network, packing, routing
from orderloom.inventory import lots
from orderloom.inventory.model import Posting
from orderloom.journey import new_works
from orderloom.journey.fulfillment import FULFILLMENT, still_here
from orderloom.journey.sourcing import rebinding
from orderloom.journey.turning_away import turn_away
from orderloom.orders import cancellations
from orderloom.orders.model import Fulfillment
from orderloom.orders.reading import fulfillments_of, heads_of, lock, slices_between, slices_of
from orderloom.orders.slices import Move, move
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Outcomes
from orderloom.terms import Rank


async def release(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Hand each node its fulfillment order, where routing has not done so already; held orders wait."""
    away = await turn_away(db, orders=orders, now=now)
    outcomes = await new_works.kept_back(db, orders=[o for o in orders if o not in away]) | away
    free = [order for order in orders if order not in outcomes]
    allocated = await slices_between(db, orders=free, lowest=Rank.ALLOCATED, highest=Rank.ALLOCATED)
    if not allocated:
        return outcomes
    new = await _works(db, sorted({(p.order_id, p.node_id) for p in allocated if p.node_id}))
    await new_works.store(db, new)
    await move(db, new_works.handed_out(new, allocated), event="order.released")
    known = await heads_of(db, [order for order, _ in new])
    await new_works.begin(db, new, priorities={order.id: order.priority for order in known.values()})
    return outcomes


async def _works(db: Db, keys: Sequence[tuple[UUID, UUID]]) -> new_works.Works:
    """The rows of new fulfillment orders, by (order, node), with the service that routing chose."""
    decisions = await routing.last_decisions(db, orders=[order for order, _ in keys])
    codes = {
        node.id: node.code for node in (await network.nodes_of(db, ids={node for _, node in keys})).values()
    }
    new: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for order, node in keys:
        decision = decisions.get(order)
        part = _part(decision["answer"], codes[node]) if decision else {}
        new[order, node] = new_works.told((order, node), decision["id"] if decision else None, part)
    return new


def _part(answer: Mapping[str, Any], node: str) -> Mapping[str, Any]:
    plan = answer["plan"] or {"shipments": []}
    return next((part for part in plan["shipments"] if part["node"] == node), {})


async def recall(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of release: work that has not shipped is taken back from its node, and its units stay reserved there."""
    # Subjects before orders: a step of the work's own journey has its subject and waits for the order.
    for work in sorted(await fulfillments_of(db, orders=orders)):
        await journeys.hold_still(db, FULFILLMENT.of, work)
    await lock(db, orders=orders)
    works = await fulfillments_of(db, orders=orders)
    here = await still_here(db, works=[w for w in works if works[w].status in ("open", "in_progress")])
    await take_back(db, works=[works[work] for work in here], reason="the order's release was taken back")
    return {}


async def take_back(db: Db, *, works: Sequence[Fulfillment], reason: str) -> None:
    """Take fulfillment orders back: units reserved again, labels voided by their own journey's undo."""
    if not works:
        return
    ids = sorted(work.id for work in works)
    for work in ids:
        await journeys.turn_back(db, FULFILLMENT.of, work, reason=reason)
    await lock(db, orders=[work.order_id for work in works])
    pieces = [p for p in await slices_of(db, fulfillments=ids) if Rank.RELEASED <= p.rank < Rank.SHIPPED]
    postings = [
        Posting(cause_type="order", cause_id=p.order_id, reason=reason, legs=rebinding(p)) for p in pieces
    ]
    await inventory.post(db, postings=postings)
    moves = [Move(slice_id=p.id, to=Rank.RESERVED, node_id=p.node_id) for p in pieces]
    await move(db, moves, event="order.recalled", reason=reason)
    for work in ids:
        await cancellations.granted(db, work=work, wholly=True)
    await packing.cancel_packages(db, fulfillment_ids=ids)
    await lots.settle(db, works=ids)
