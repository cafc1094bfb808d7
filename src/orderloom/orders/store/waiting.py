"""Statements on the units that no stock is kept for: in sums, and in the order they are to be served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db, Row

_SUMS = """
SELECT s.sku, o.channel_id, l.fixed_node_id, o.priority, sum(s.quantity)::int AS units
FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id JOIN orders.lines AS l ON l.id = s.line_id
WHERE s.sku = ANY($1::text[]) AND s.rank BETWEEN 100 AND 150
GROUP BY s.sku, o.channel_id, l.fixed_node_id, o.priority
ORDER BY s.sku, o.priority DESC, o.channel_id, l.fixed_node_id
"""
# The place in the queue: priority, then age. `after` is the last place of the page before.
_QUEUE = """
SELECT s.id AS slice_id, s.order_id, s.line_id, s.sku, s.quantity, o.channel_id, l.fixed_node_id, o.priority,
       o.placed_at
FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id JOIN orders.lines AS l ON l.id = s.line_id
WHERE s.sku = ANY($1::text[]) AND s.rank BETWEEN 100 AND 150
  AND (l.fixed_node_id IS NULL OR l.fixed_node_id = ANY($2::uuid[]))
  AND ($3::smallint IS NULL OR (-o.priority, o.placed_at, o.id, s.id) > (-$3::smallint, $4, $5, $6))
ORDER BY -o.priority, o.placed_at, o.id, s.id LIMIT $7
"""
_ALL = """
SELECT s.id AS slice_id, s.order_id, s.line_id, s.sku, s.quantity, o.channel_id, l.fixed_node_id, o.priority,
       o.placed_at
FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id JOIN orders.lines AS l ON l.id = s.line_id
WHERE s.sku = ANY($1::text[]) AND s.rank BETWEEN 100 AND 150
ORDER BY -o.priority, o.placed_at, o.id, s.id
"""


async def skus(db: Db, of: Sequence[str]) -> set[str]:
    """Which of these SKUs somebody waits for."""
    rows = await db.fetch(
        "SELECT DISTINCT sku FROM orders.slices WHERE sku = ANY($1::text[]) AND rank BETWEEN 100 AND 150",
        list(of),
    )
    return {row["sku"] for row in rows}


async def skus_of(db: Db, orders: Sequence[UUID]) -> set[str]:
    """The SKUs of which these orders have units that no stock is kept for."""
    rows = await db.fetch(
        "SELECT DISTINCT sku FROM orders.slices WHERE order_id = ANY($1::uuid[]) AND rank BETWEEN 100 AND 150",
        list(orders),
    )
    return {row["sku"] for row in rows}


async def sums(db: Db, skus: Sequence[str]) -> list[Row]:
    """Units waiting by SKU, channel, fixed node and priority, the urgent first."""
    return await db.fetch(_SUMS, list(skus))


async def queue(
    db: Db,
    skus: Sequence[str],
    nodes: Sequence[UUID],
    after: tuple[int, datetime, UUID, UUID] | None,
    limit: int,
) -> list[Row]:
    """Waiting slices that one of the nodes might serve, in their order, from beyond a place on."""
    return await db.fetch(_QUEUE, list(skus), list(nodes), *(after or (None, None, None, None)), limit)


async def everything(db: Db, skus: Sequence[str]) -> list[Row]:
    """Every waiting slice of these SKUs, in its order."""
    return await db.fetch(_ALL, list(skus))
