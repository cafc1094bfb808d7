"""Statements on slices, and the folds that make every higher status from them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Rank

_COLUMNS = "id, order_id, line_id, sku, quantity, rank, node_id, fulfillment_id"


def _slice(row: Row) -> Slice:
    return Slice(**{**dict(row), "rank": Rank(row["rank"])})


async def of_orders(db: Db, orders: Sequence[UUID]) -> list[Slice]:
    """The slices of orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM orders.slices WHERE order_id = ANY($1::uuid[]) ORDER BY id",
        list(orders),
    )
    return [_slice(row) for row in rows]


async def of_fulfillments(db: Db, fulfillments: Sequence[UUID]) -> list[Slice]:
    """The slices bound to fulfillment orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM orders.slices WHERE fulfillment_id = ANY($1::uuid[]) ORDER BY id",
        list(fulfillments),
    )
    return [_slice(row) for row in rows]


async def orders_short_of(db: Db, skus: Sequence[str]) -> list[UUID]:
    """Orders with a slice of these SKUs at a rank that keeps no stock."""
    rows = await db.fetch(
        "SELECT DISTINCT order_id FROM orders.slices WHERE sku = ANY($1::text[]) AND rank BETWEEN 100 AND 150",
        list(skus),
    )
    return [row["order_id"] for row in rows]


async def unsupplied(db: Db, skus: Sequence[str]) -> dict[str, int]:
    """Units by SKU of orders accepted that no stock is kept for."""
    rows = await db.fetch(
        "SELECT sku, sum(quantity)::int AS units FROM orders.slices "
        "WHERE sku = ANY($1::text[]) AND rank BETWEEN 100 AND 150 GROUP BY sku",
        list(skus),
    )
    return {row["sku"]: row["units"] for row in rows}


async def lock_orders(db: Db, orders: Sequence[UUID]) -> None:
    """Lock order rows in key order, so that two who change the same orders take turns."""
    await db.execute(
        "SELECT 1 FROM orders.orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", list(orders)
    )


async def lock(db: Db, ids: Sequence[UUID]) -> list[Slice]:
    """The slices of these ids, locked, in key order, their orders locked before them."""
    await db.execute(
        "SELECT 1 FROM orders.orders WHERE id IN (SELECT order_id FROM orders.slices WHERE id = ANY($1::uuid[])) "
        "ORDER BY id FOR NO KEY UPDATE",
        list(ids),
    )
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM orders.slices WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(ids),
    )
    return [_slice(row) for row in rows]


_REPLACE = """
UPDATE orders.slices AS s SET quantity = t.quantity, rank = t.rank, node_id = t.node_id, fulfillment_id = t.fulfillment_id
FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::uuid[], $5::uuid[])
  AS t (id, quantity, rank, node_id, fulfillment_id)
WHERE s.id = t.id
"""


async def replace(db: Db, slices: Sequence[Slice]) -> None:
    """Write changed slices over their rows."""
    await db.execute(
        _REPLACE,
        [s.id for s in slices],
        [s.quantity for s in slices],
        [int(s.rank) for s in slices],
        [s.node_id for s in slices],
        [s.fulfillment_id for s in slices],
    )


_ADD = """
INSERT INTO orders.slices (id, order_id, line_id, sku, quantity, rank, node_id, fulfillment_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::smallint[], $7::uuid[], $8::uuid[])
"""


async def add(db: Db, slices: Sequence[Slice]) -> None:
    """Store slices that were split off."""
    await db.execute(
        _ADD,
        [s.id for s in slices],
        [s.order_id for s in slices],
        [s.line_id for s in slices],
        [s.sku for s in slices],
        [s.quantity for s in slices],
        [int(s.rank) for s in slices],
        [s.node_id for s in slices],
        [s.fulfillment_id for s in slices],
    )


# Slices of a line that have become alike are one again: the oldest keeps its id and takes the others' units.
_MERGE = """
WITH alike AS (
  SELECT id, (min(id::text) OVER same)::uuid AS keeper, sum(quantity) OVER same AS units, count(*) OVER same AS pieces
  FROM orders.slices WHERE order_id = ANY($1::uuid[])
  WINDOW same AS (PARTITION BY line_id, rank, node_id, fulfillment_id)
), gone AS (
  DELETE FROM orders.slices AS s USING alike AS a WHERE s.id = a.id AND a.pieces > 1 AND a.id <> a.keeper
)
UPDATE orders.slices AS s SET quantity = a.units FROM alike AS a
WHERE s.id = a.id AND a.pieces > 1 AND a.id = a.keeper
"""


async def merge(db: Db, orders: Sequence[UUID]) -> None:
    """Join slices of one line that share rank, node and fulfillment order."""
    await db.execute(_MERGE, list(orders))


# Cancelled slices count only when nothing else is left.
_FOLD_LINES = """
WITH parts AS (
  SELECT s.line_id, s.rank FROM orders.slices AS s WHERE s.order_id = ANY($1::uuid[])
  UNION ALL
  SELECT l.kit_line_id, s.rank FROM orders.slices AS s JOIN orders.lines AS l ON l.id = s.line_id
  WHERE s.order_id = ANY($1::uuid[]) AND l.kit_line_id IS NOT NULL
), folded AS (
  SELECT line_id, coalesce(min(rank) FILTER (WHERE rank < 900), 900) AS lowest,
         coalesce(max(rank) FILTER (WHERE rank < 900), 900) AS highest
  FROM parts GROUP BY line_id
)
UPDATE orders.lines AS l SET min_rank = f.lowest, max_rank = f.highest
FROM folded AS f WHERE l.id = f.line_id AND (l.min_rank, l.max_rank) IS DISTINCT FROM (f.lowest, f.highest)
"""
_FOLD_ORDERS = """
WITH folded AS (
  SELECT order_id, coalesce(min(rank) FILTER (WHERE rank < 900), 900) AS lowest,
         coalesce(max(rank) FILTER (WHERE rank < 900), 900) AS highest
  FROM orders.slices WHERE order_id = ANY($1::uuid[]) GROUP BY order_id
)
UPDATE orders.orders AS o
SET min_rank = f.lowest, max_rank = f.highest, version = o.version + 1, updated_at = clock_timestamp(),
    lifecycle = CASE WHEN f.lowest = 900 THEN 'cancelled' WHEN o.lifecycle = 'cancelled' THEN 'open'
                     ELSE o.lifecycle END
FROM folded AS f WHERE o.id = f.order_id
RETURNING o.id, o.version, o.channel_id
"""
# A fulfillment order whose slices have all left it (rejected, short) or were cancelled is cancelled; one that lost
# only some of its units stays as far as the rest has come.
_FOLD_FULFILLMENTS = """
WITH folded AS (
  SELECT f.id, coalesce(min(s.rank) FILTER (WHERE s.rank < 900), 900) AS lowest,
         coalesce(max(s.rank) FILTER (WHERE s.rank < 900), 900) AS highest
  FROM orders.fulfillments AS f LEFT JOIN orders.slices AS s ON s.fulfillment_id = f.id
  WHERE f.id = ANY($1::uuid[]) GROUP BY f.id
)
UPDATE orders.fulfillments AS f
SET min_rank = d.lowest, max_rank = d.highest, version = f.version + 1, updated_at = clock_timestamp(),
    status = CASE WHEN d.lowest = 900 THEN 'cancelled' WHEN d.lowest >= 700 THEN 'closed'
                  WHEN d.highest >= 450 THEN 'in_progress' ELSE 'open' END
FROM folded AS d WHERE f.id = d.id
"""


async def fold(db: Db, orders: Sequence[UUID], fulfillments: Sequence[UUID]) -> list[Row]:
    """Make the statuses of lines, fulfillment orders and orders anew; returns (id, version, channel_id)."""
    await db.execute(_FOLD_LINES, list(orders))
    if fulfillments:
        await db.execute(_FOLD_FULFILLMENTS, list(fulfillments))
    return await db.fetch(_FOLD_ORDERS, list(orders))
