"""Finding an order by what a person has at hand: number, channel's id, e-mail, name, city, SKU, tracking number."""

from __future__ import annotations

from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

MATCHES_MAX = 1_000

# Each form goes by an index; the newest matches are kept.
_EXACT = """
SELECT id FROM (
  SELECT id FROM orders.orders WHERE number IN ($1, upper($1))
  UNION
  SELECT o.id FROM network.channels AS c
  JOIN orders.orders AS o ON o.channel_id = c.id AND o.external_id = $1
  UNION
  (SELECT id FROM orders.orders WHERE buyer ->> 'email' IN ($1, lower($1)) ORDER BY id DESC LIMIT $2)
  UNION
  (SELECT order_id FROM orders.lines WHERE sku IN ($1, upper($1)) ORDER BY order_id DESC LIMIT $2)
  UNION
  SELECT l.order_id FROM shipping.carriers AS c
  JOIN shipping.labels AS l ON l.carrier = c.code AND l.tracking_number IN ($1, upper($1))
  UNION
  SELECT order_id FROM orders.fulfillments WHERE number IN ($1, upper($1))
) AS found ORDER BY id DESC LIMIT $2
"""
# Names and cities have no index: they are looked through only when nothing else is meant by the text.
_NAMED = """
SELECT id FROM orders.orders
WHERE buyer ->> 'name' ILIKE '%' || $1 || '%' OR ship_to ->> 'city' ILIKE $1 || '%'
ORDER BY placed_at DESC, id DESC LIMIT $2
"""


async def matching(db: Db, *, text: str) -> list[UUID]:
    """The orders a text means, at most the newest MATCHES_MAX; an exact match is preferred to a likeness."""
    exact = await db.fetch(_EXACT, text, MATCHES_MAX)
    if not exact and len(text) >= 3:
        literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        exact = await db.fetch(_NAMED, literal, MATCHES_MAX)
    return [row["id"] for row in exact]


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
