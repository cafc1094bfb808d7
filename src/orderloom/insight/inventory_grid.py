"""Stock as a grid of SKU by node, and the movements that explain a cell."""

from __future__ import annotations

from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_ITEMS = """
WITH grouped AS (
  SELECT i.sku, i.name, sum(s.on_hand)::int AS on_hand, sum(s.reserved)::int AS reserved,
    sum(s.allocated)::int AS allocated, sum(s.damaged + s.quality_control)::int AS unsellable,
    sum(greatest(0, s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated
      - s.safety_stock + s.backorder_limit))::int AS atp
  FROM catalog.items AS i JOIN inventory.stock AS s ON s.sku = i.sku
  WHERE ($1::uuid[] IS NULL OR s.node_id = ANY($1)) AND i.sku > $2
    AND ($3 = '' OR i.sku ILIKE $3 || '%' OR i.name ILIKE '%' || $3 || '%')
    AND ($6 = '' OR s.node_id = (SELECT n.id FROM network.nodes AS n WHERE n.code = $6))
  GROUP BY i.sku, i.name
), listed AS (
  SELECT g.*, a.quantity AS offered, a.pushed < a.version AS waiting FROM grouped AS g
  LEFT JOIN sync.availability AS a ON a.sku = g.sku AND a.channel_id = $7
  WHERE $4::text = 'all' OR ($4 = 'out' AND (CASE WHEN $7::uuid IS NULL THEN g.atp ELSE coalesce(a.quantity, 0) END) = 0)
    OR ($4 = 'unsellable' AND g.unsellable > 0)
  ORDER BY g.sku LIMIT $5
)
SELECT l.*, coalesce(c.on_order, 0) AS on_order, coalesce(c.in_transit, 0) AS in_transit, c.next_at
FROM listed AS l LEFT JOIN LATERAL (
  SELECT sum(k.units) FILTER (WHERE k.kind <> 'transfer')::int AS on_order,
    sum(k.units) FILTER (WHERE k.kind = 'transfer')::int AS in_transit, min(k.due_at) AS next_at
  FROM inventory.coming AS k
  WHERE k.sku = l.sku AND ($1::uuid[] IS NULL OR k.node_id = ANY($1))
    AND ($6 = '' OR k.node_id = (SELECT n.id FROM network.nodes AS n WHERE n.code = $6))
) AS c ON true ORDER BY l.sku
"""
_CELLS = """
SELECT s.sku, n.code AS node, s.on_hand, s.reserved, s.allocated, s.damaged, s.quality_control, s.safety_stock,
  s.backorder_limit, s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated AS available, s.updated_at
FROM inventory.stock AS s JOIN network.nodes AS n ON n.id = s.node_id
WHERE s.sku = ANY($2::text[]) AND ($1::uuid[] IS NULL OR s.node_id = ANY($1))
  AND (cardinality($3::text[]) = 0 OR n.code = ANY($3))
"""
_NODES = """
SELECT n.code, n.name FROM network.nodes AS n
WHERE ($1::uuid[] IS NULL OR n.id = ANY($1)) AND EXISTS (SELECT 1 FROM inventory.stock AS s WHERE s.node_id = n.id)
ORDER BY n.code LIMIT $2
"""
_MOVEMENTS = """
SELECT m.id, n.code AS node, m.sku, m.kind, m.on_hand_delta, m.reserved_delta, m.allocated_delta, m.damaged_delta,
  m.quality_control_delta, m.cause_type, m.cause_id, m.actor, m.reason, m.moved_at, o.number AS order_number
FROM inventory.movements AS m JOIN network.nodes AS n ON n.id = m.node_id
LEFT JOIN orders.orders AS o ON o.id = m.cause_id
WHERE m.sku = $2 AND ($1::uuid[] IS NULL OR m.node_id = ANY($1)) AND ($3 = '' OR n.code = $3) AND m.id < $4
ORDER BY m.id DESC LIMIT $5
"""
_COMING = """
SELECT n.code AS node, k.kind, k.reference, k.units, k.due_at FROM inventory.coming AS k
JOIN network.nodes AS n ON n.id = k.node_id
WHERE k.sku = $2 AND ($1::uuid[] IS NULL OR k.node_id = ANY($1)) ORDER BY k.due_at, k.reference LIMIT 200
"""
_OFFERED = """
SELECT c.code AS channel, a.quantity, a.next_at, a.next_units, a.version, a.changed_at, a.pushed,
  c.availability_feed IS NOT NULL AS is_pushed
FROM sync.availability AS a JOIN network.channels AS c ON c.id = a.channel_id
WHERE a.sku = $2 AND ($1::uuid[] IS NULL OR a.channel_id = ANY($1)) ORDER BY c.code
"""
_ITEM = "SELECT * FROM catalog.items WHERE sku = $1"
_LOTS = """
SELECT l.lot, n.code AS node, l.expires_on, l.on_hand, l.allocated, l.expired
FROM inventory.lots AS l JOIN network.nodes AS n ON n.id = l.node_id
WHERE ($1::uuid[] IS NULL OR l.node_id = ANY($1)) AND l.sku = $2 AND l.on_hand > 0
ORDER BY l.expires_on NULLS LAST, l.lot, n.code LIMIT $3
"""
LAST = 2**62


async def items(
    db: Db,
    *,
    scope: Scope,
    text: str = "",
    show: str = "all",
    node: str = "",
    channel: UUID | None = None,
    after: str = "",
    limit: int = 50,
) -> list[Row]:
    """Items with stock, their sums over the nodes or at one, one more than `limit` when there is a next page.

    `show` is `all`, `out` (nothing left to sell, to the channel when one is given) or `unsellable` (damaged or in
    quality control).
    """
    return await db.fetch(_ITEMS, scope.nodes, after, text, show, limit + 1, node, channel)


async def cells(db: Db, *, scope: Scope, skus: list[str], nodes: list[str]) -> list[Row]:
    """The stock of these SKUs at these nodes; no nodes named means at all of them."""
    return await db.fetch(_CELLS, scope.nodes, skus, nodes)


async def stocked_nodes(db: Db, *, scope: Scope, limit: int = 12) -> list[Row]:
    """The columns of the grid: nodes that keep stock."""
    return await db.fetch(_NODES, scope.nodes, limit)


async def item(db: Db, *, sku: str) -> Row | None:
    """One item of the catalogue."""
    return await db.fetchrow(_ITEM, sku)


async def movements(
    db: Db, *, scope: Scope, sku: str, node: str = "", before: int = LAST, limit: int = 100
) -> list[Row]:
    """The ledger of a SKU, newest first, at one node or all."""
    return await db.fetch(_MOVEMENTS, scope.nodes, sku, node, before, limit + 1)


async def lots(db: Db, *, scope: Scope, sku: str, limit: int) -> list[Row]:
    """Lots of a SKU with something left, the first to expire first; one more than `limit` when there are more."""
    return await db.fetch(_LOTS, scope.nodes, sku, limit + 1)


async def coming(db: Db, *, scope: Scope, sku: str) -> list[Row]:
    """What is on order and in transit of a SKU, earliest first."""
    return await db.fetch(_COMING, scope.nodes, sku)


async def offered(db: Db, *, scope: Scope, sku: str) -> list[Row]:
    """What each channel was last told of a SKU."""
    return await db.fetch(_OFFERED, scope.channels, sku)
