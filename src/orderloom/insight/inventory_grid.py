"""Stock as a grid of SKU by node, and the movements that explain a cell."""

from __future__ import annotations

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_ITEMS = """
SELECT i.sku, i.name, sum(s.on_hand)::int AS on_hand, sum(s.reserved)::int AS reserved,
  sum(s.allocated)::int AS allocated, sum(s.damaged + s.quality_control)::int AS unsellable,
  sum(greatest(0, s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated - s.safety_stock))::int AS atp
FROM catalog.items AS i JOIN inventory.stock AS s ON s.sku = i.sku
WHERE ($1::uuid[] IS NULL OR s.node_id = ANY($1)) AND i.sku > $2
  AND ($3 = '' OR i.sku ILIKE $3 || '%' OR i.name ILIKE '%' || $3 || '%')
GROUP BY i.sku, i.name
HAVING $4::text = 'all'
  OR ($4 = 'out' AND sum(s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated) <= 0)
  OR ($4 = 'unsellable' AND sum(s.damaged + s.quality_control) > 0)
ORDER BY i.sku LIMIT $5
"""
_CELLS = """
SELECT s.sku, n.code AS node, s.on_hand, s.reserved, s.allocated, s.damaged, s.quality_control, s.safety_stock,
  s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated AS available, s.updated_at
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
_ITEM = "SELECT * FROM catalog.items WHERE sku = $1"
LAST = 2**62


async def items(
    db: Db, *, scope: Scope, text: str = "", show: str = "all", after: str = "", limit: int = 50
) -> list[Row]:
    """Items with stock, their sums over the nodes, one more than `limit` when there is a next page.

    `show` is `all`, `out` (nothing left to sell) or `unsellable` (damaged or in quality control).
    """
    return await db.fetch(_ITEMS, scope.nodes, after, text, show, limit + 1)


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
