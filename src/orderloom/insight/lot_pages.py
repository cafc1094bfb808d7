"""Lots as a list that is read on by key, and the trace of one: whose orders its units have gone into."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

_LOTS = """
SELECT l.*, n.code AS node FROM inventory.lots AS l JOIN network.nodes AS n ON n.id = l.node_id
WHERE ($1::uuid[] IS NULL OR l.node_id = ANY($1)) AND ($2::text IS NULL OR l.sku = $2)
  AND ($3::text IS NULL OR n.code = $3) AND ($4::text IS NULL OR l.lot = $4)
  AND ($5::date IS NULL OR l.expires_on < $5) AND ($6 OR l.on_hand > 0) AND (l.sku, l.lot, n.code) > ($7, $8, $9)
ORDER BY l.sku, l.lot, n.code LIMIT $10
"""
_TRACE = (
    """
SELECT o.id AS order, o.number, c.code AS channel, o.external_id,
       jsonb_build_object('name', o.buyer -> 'name', 'email', o.buyer -> 'email', 'phone', o.buyer -> 'phone')
         AS buyer, f.id AS fulfillment, n.code AS node, p.quantity, p.shipped,
       (SELECT min(s.shipped_at) FROM shipping.shipments AS s WHERE s.fulfillment_id = f.id) AS shipped_at
FROM (
  SELECT fulfillment_id, node_id, sum(quantity)::int AS quantity, bool_and(shipped) AS shipped
  FROM inventory.lot_picks WHERE sku = $3 AND lot = $4 AND fulfillment_id > $5
  GROUP BY fulfillment_id, node_id
) AS p
JOIN orders.fulfillments AS f ON f.id = p.fulfillment_id
JOIN orders.orders AS o ON o.id = f.order_id
JOIN network.channels AS c ON c.id = o.channel_id
JOIN network.nodes AS n ON n.id = p.node_id
WHERE """
    + ORDER_IN_SCOPE
    + """
ORDER BY f.id LIMIT $6
"""
)


async def lots(
    db: Db,
    *,
    scope: Scope,
    sku: str | None,
    node: str | None,
    lot: str | None,
    expires_before: date | None,
    empty: bool,
    after: tuple[str, str, str],
    limit: int,
) -> list[Row]:
    """Lots by SKU, number and node, one more than `limit` when there is a next page."""
    return await db.fetch(_LOTS, scope.nodes, sku, node, lot, expires_before, empty, *after, limit + 1)


async def trace(db: Db, *, scope: Scope, sku: str, lot: str, after: UUID, limit: int) -> list[Row]:
    """The fulfillment orders that units of a lot were shipped with, or are picked for, oldest first."""
    return await db.fetch(_TRACE, scope.channels, scope.nodes, sku, lot, after, limit + 1)
