"""Statements on slices, and the folds that make every higher status from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Rank

_COLUMNS = "id, order_id, line_id, sku, quantity, rank, node_id, fulfillment_id"
_RANKS = {int(rank): rank for rank in Rank}


def _slice(row: Row) -> Slice:
    id_, order, line, sku, quantity, rank, node, fulfillment, *_ = row.values()
    return Slice(id_, order, line, sku, quantity, _RANKS[rank], node, fulfillment)


async def of_orders(db: Db, orders: Sequence[UUID]) -> list[Slice]:
    """The slices of orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM orders.slices WHERE order_id = ANY($1::uuid[]) ORDER BY id",
        list(orders),
    )
    return [_slice(row) for row in rows]


async def between(db: Db, orders: Sequence[UUID], lowest: Rank, highest: Rank) -> list[Slice]:
    """The slices of orders that stand from one rank to another, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM orders.slices "
        "WHERE order_id = ANY($1::uuid[]) AND rank BETWEEN $2 AND $3 ORDER BY id",
        list(orders),
        int(lowest),
        int(highest),
    )
    return [_slice(row) for row in rows]


async def ranks_of(db: Db, orders: Sequence[UUID]) -> dict[UUID, set[Rank]]:
    """Where the slices of each of these orders stand."""
    rows = await db.fetch(
        "SELECT order_id, rank FROM orders.slices WHERE order_id = ANY($1::uuid[])", list(orders)
    )
    ranks: dict[UUID, set[Rank]] = {order: set() for order in orders}
    for order, rank in rows:
        ranks[order].add(_RANKS[rank])
    return ranks


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


# A fulfillment order of which a unit has been picked is begun.
_STANDING = """
SELECT s.order_id, s.fulfillment_id, sum(s.quantity)::int AS units, l.fixed_node_id IS NOT NULL AS fixed,
       coalesce(f.max_rank >= 550, false) AS begun,
       coalesce(f.request_status = 'cancellation_requested', false) AS asked
FROM orders.slices AS s JOIN orders.lines AS l ON l.id = s.line_id
LEFT JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
WHERE s.node_id = ANY($1::uuid[]) AND s.rank BETWEEN 200 AND 699
GROUP BY s.order_id, s.fulfillment_id, 4, 5, 6
"""


async def standing_at(db: Db, nodes: Sequence[UUID]) -> list[Row]:
    """What holds stock at these nodes, by order and fulfillment order: units, fixed there, begun, asked to be let go."""
    return await db.fetch(_STANDING, list(nodes))


async def unreleased(db: Db, most: int, after: UUID | None) -> list[UUID]:
    """Open orders with units kept at a node and not handed to it: the urgent and older first, or by id after one."""
    rows = await db.fetch(
        "SELECT o.id FROM orders.orders AS o WHERE o.lifecycle = 'open' AND o.decide_as_of IS NULL AND EXISTS ("
        "SELECT FROM orders.slices AS s WHERE s.order_id = o.id AND s.rank BETWEEN 200 AND 300) "
        "AND ($2::uuid IS NULL OR o.id > $2) ORDER BY CASE WHEN $2 IS NULL THEN -o.priority END, "
        "CASE WHEN $2 IS NULL THEN o.placed_at END, o.id LIMIT $1",
        most,
        after,
    )
    return [row["id"] for row in rows]


async def lock_orders(db: Db, orders: Sequence[UUID]) -> None:
    """Lock order rows in key order, so that two who change the same orders take turns."""
    await db.execute(
        "SELECT 1 FROM orders.orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", list(orders)
    )


# Whoever changes a slice has its order's lock: slices need none of their own.
_SHEETS = """
SELECT s.id, s.order_id, s.line_id, s.sku, s.quantity, s.rank, s.node_id, s.fulfillment_id, l.kit_line_id
FROM orders.slices AS s JOIN orders.lines AS l ON l.id = s.line_id
WHERE s.order_id = ANY($1::uuid[])
"""


async def lock(db: Db, ids: Sequence[UUID]) -> tuple[list[Slice], dict[UUID, UUID]]:
    """All slices of the orders that these belong to, the orders locked in key order; and each part's kit, by line."""
    orders = await db.fetch(
        "SELECT id FROM orders.orders WHERE id IN (SELECT order_id FROM orders.slices WHERE id = ANY($1::uuid[])) "
        "ORDER BY id FOR NO KEY UPDATE",
        list(ids),
    )
    rows = await db.fetch(_SHEETS, [row["id"] for row in orders])
    kits = {row["line_id"]: row["kit_line_id"] for row in rows if row["kit_line_id"]}
    return [_slice(row) for row in rows], kits


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


async def drop(db: Db, ids: Sequence[UUID]) -> None:
    """Remove slices whose units another one has taken over."""
    await db.execute("DELETE FROM orders.slices WHERE id = ANY($1::uuid[])", list(ids))


# --- what follows from slices ----------------------------------------------------------------------------------

_LINES = """
UPDATE orders.lines AS l SET min_rank = t.lowest, max_rank = t.highest
FROM unnest($1::uuid[], $2::smallint[], $3::smallint[]) AS t (id, lowest, highest)
WHERE l.id = t.id AND (l.min_rank, l.max_rank) IS DISTINCT FROM (t.lowest, t.highest)
"""
_ORDERS = """
UPDATE orders.orders AS o
SET min_rank = t.lowest, max_rank = t.highest, version = o.version + t.changes, updated_at = clock_timestamp(),
    lifecycle = CASE WHEN t.lowest = 900 THEN 'cancelled' WHEN o.lifecycle = 'cancelled' THEN 'open'
                     ELSE o.lifecycle END
FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::int[]) AS t (id, lowest, highest, changes)
WHERE o.id = t.id
RETURNING o.id, o.version, o.channel_id
"""
# A fulfillment order whose slices have all left it (rejected, short) or were cancelled is cancelled; one that lost
# only some of its units stays as far as the rest has come.
_FULFILLMENTS = """
UPDATE orders.fulfillments AS f
SET min_rank = t.lowest, max_rank = t.highest, version = f.version + 1, updated_at = clock_timestamp(),
    status = CASE WHEN t.lowest = 900 THEN 'cancelled' WHEN t.lowest >= 700 THEN 'closed'
                  WHEN t.highest >= 450 THEN 'in_progress' ELSE 'open' END
FROM unnest($1::uuid[], $2::smallint[], $3::smallint[]) AS t (id, lowest, highest)
WHERE f.id = t.id
"""
Span = tuple[int, int]


async def note_lines(db: Db, spans: Mapping[UUID, Span]) -> None:
    """Write the lowest and highest rank of lines."""
    await db.execute(_LINES, list(spans), [x[0] for x in spans.values()], [x[1] for x in spans.values()])


async def note_fulfillments(db: Db, spans: Mapping[UUID, Span]) -> None:
    """Write the lowest and highest rank of fulfillment orders, and the status these make."""
    await db.execute(
        _FULFILLMENTS, list(spans), [x[0] for x in spans.values()], [x[1] for x in spans.values()]
    )


async def note_orders(db: Db, spans: Mapping[UUID, Span], changes: Mapping[UUID, int]) -> dict[UUID, Row]:
    """Write the lowest and highest rank of orders and count their changes; returns (id, version, channel_id) by id."""
    rows = await db.fetch(
        _ORDERS,
        list(spans),
        [x[0] for x in spans.values()],
        [x[1] for x in spans.values()],
        [changes[order] for order in spans],
    )
    return {row["id"]: row for row in rows}
