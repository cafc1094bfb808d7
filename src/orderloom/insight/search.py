"""Finding an order by what a person has at hand: number, channel's id, e-mail, name, city, SKU, tracking number."""

from __future__ import annotations

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

# One condition over one text parameter `?`. Exact forms go by index; names and cities are looked through.
FINDS = """o.id IN (
  SELECT id FROM orders.orders WHERE number = upper(?::text) OR number = ?
  UNION SELECT id FROM orders.orders WHERE external_id = ?
  UNION SELECT id FROM orders.orders WHERE buyer ->> 'email' = lower(?)
  UNION SELECT order_id FROM orders.lines WHERE sku = upper(?) OR sku = ?
  UNION SELECT order_id FROM shipping.labels WHERE tracking_number = upper(?) OR tracking_number = ?
  UNION SELECT order_id FROM orders.fulfillments WHERE number = upper(?)
  UNION SELECT id FROM orders.orders
        WHERE length(?) >= 3 AND (buyer ->> 'name' ILIKE '%' || ? || '%' OR ship_to ->> 'city' ILIKE ? || '%'))"""

_PALETTE = f"""
SELECT * FROM (
  SELECT 'order' AS kind, o.number AS value, coalesce(o.buyer ->> 'name', '') AS label
  FROM orders.orders AS o
  WHERE {ORDER_IN_SCOPE}
    AND (o.number LIKE upper($3) || '%' OR o.external_id = $3 OR o.buyer ->> 'email' = lower($3)
         OR o.id IN (SELECT order_id FROM shipping.labels WHERE tracking_number = upper($3)))
  ORDER BY o.placed_at DESC LIMIT 8) AS found_orders
UNION ALL
SELECT * FROM (
  SELECT 'item', sku, name FROM catalog.items WHERE sku LIKE upper($3) || '%' OR name ILIKE '%' || $3 || '%'
  ORDER BY sku LIMIT 6) AS found_items
"""


async def palette(db: Db, *, scope: Scope, text: str) -> list[Row]:
    """The first few orders and items that begin with or are named by the text: (kind, value, label)."""
    return await db.fetch(_PALETTE, scope.channels, scope.nodes, text)
