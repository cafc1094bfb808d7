"""Orders not yet released, planned anew together; and the prices of scarce units."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Here, Routes
from orderloom.api.problems import Problem
from orderloom.api.wire import BatchId, In, Limit, OrderId, Out, Page, cursor, page_of, place
from orderloom.insight import catalogue_pages
from orderloom.journey import reoptimising
from orderloom.journey.reoptimising import nodes_of, why
from orderloom.routing import store

routes = Routes("routing")


class ReoptimiseIn(In):
    """How many orders at most, the urgent and the older first; and how many of the latest are expected once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"most": 100, "expected": 100}]})
    most: Annotated[int, Field(strict=True, ge=1, le=500)] = reoptimising.MOST
    expected: Annotated[int, Field(strict=True, ge=0, le=500)] = reoptimising.MOST


class ReroutedOut(Out):
    """One order's other way. Costs are minor units of its currency, lateness weighed in."""

    order_id: OrderId
    number: str
    from_nodes: list[str]
    to_nodes: list[str]
    cost_before: int
    cost: int
    why: str = Field(description="What it takes that others give up, and gives up that others want")
    applied: bool = Field(description="False where the order or its stock had moved meanwhile")


class ReoptimisedOut(Out):
    """What was looked at, what it costs before and now, and what no plan of them all undercuts."""

    orders: int
    cost_before: int
    cost: int
    saving: int
    bound: int
    gap: int
    changes: list[ReroutedOut]
    priced: int = Field(description="Units of so many (node, SKU) have a price now")


@routes.post("/routing/reoptimise", scope="orders:write", dry_run=True)
async def reoptimise(call: Here, body: ReoptimiseIn) -> ReoptimisedOut:
    """Plan unreleased orders anew together and price what is scarce; with `dry_run`, only tell what would change"""
    _of_all(call)
    batch = await reoptimising.read(call.db, now=call.now, most=body.most, expected=body.expected)
    planned = await asyncio.to_thread(reoptimising.plan, batch)
    applied = await reoptimising.apply(call.db, batch=batch, planned=planned, now=call.now)
    done, whole = set(applied.changed), planned.whole
    kept = sum(c.before.cost - c.after.cost for c in planned.changes if c.order_id not in done)
    return ReoptimisedOut(
        orders=planned.orders,
        cost_before=whole.before,
        cost=whole.cost + kept,
        saving=whole.saving - kept,
        bound=whole.bound,
        gap=whole.gap + kept,
        changes=[
            ReroutedOut(
                order_id=change.order_id,
                number=change.number,
                from_nodes=nodes_of(change.before),
                to_nodes=nodes_of(change.after),
                cost_before=change.before.cost,
                cost=change.after.cost,
                why=why(change, planned.changes),
                applied=change.order_id in done,
            )
            for change in planned.changes
        ],
        priced=len(planned.prices),
    )


class BatchOut(Out):
    """A batch that was put in force: what it looked at, what it changed, and what that saved."""

    id: BatchId
    began_at: AwareDatetime
    began_by: str
    orders: int
    changed: int
    passed_over: int = Field(description="Left as they were, since they or their stock had moved meanwhile")
    currency: str | None
    cost_before: int
    cost: int
    bound: int
    priced: int


@routes.get("/routing/batches", scope="orders:read")
async def list_batches(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[BatchOut]:
    """The last batches that were put in force, the latest first"""
    _of_all(call)
    [begin] = place(after, UUID) or (None,)
    rows = await store.batches(call.db, limit=limit + 1, after=begin)
    found = [BatchOut(**{name: row[name] for name in BatchOut.model_fields}) for row in rows]
    return page_of(found, limit, lambda batch: cursor(batch.id))


def _of_all(call: Here) -> None:
    if call.credential.limited:
        raise Problem(
            403, "limited_credential", "orders are planned over all nodes and channels: use a key of all"
        )


class ScarcityOut(Out):
    """What a unit is worth if it stays where it is, in minor units; routing counts with it for a day."""

    node: str
    sku: str
    price: int
    priced_at: AwareDatetime


@routes.get("/routing/scarcity", scope="orders:read")
async def list_scarcity(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[ScarcityOut]:
    """Prices of scarce units by SKU and node, as the last batch set them"""
    begin = place(after, str, str)
    rows = await catalogue_pages.scarcity(call.db, scope=call.scope, after=begin, limit=limit)
    return page_of(
        [ScarcityOut(**dict(row)) for row in rows], limit, lambda price: cursor(price.sku, price.node)
    )
