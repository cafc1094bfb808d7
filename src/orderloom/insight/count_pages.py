"""Cycle counts as a list, and who lost units that a count did not find."""

from __future__ import annotations

from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_COUNTS = """
SELECT c.id, c.number, n.code AS node, c.state, c.created_by, c.created_at, c.updated_at, count(l.*)::int AS lines,
  count(l.counted)::int AS counted, coalesce(sum(l.recounts), 0)::int AS recounts
FROM inventory.counts AS c JOIN network.nodes AS n ON n.id = c.node_id
LEFT JOIN inventory.count_lines AS l ON l.count_id = c.id
WHERE ($1::uuid[] IS NULL OR c.node_id = ANY($1)) AND ($2 = '' OR n.code = $2) AND ($3 = 'all' OR c.state = $3)
GROUP BY c.id, n.code ORDER BY c.created_at DESC, c.number LIMIT $4
"""
# What a count takes away it takes in its own transaction, by which its movements are found. Whoever is bound to
# channels sees that others' lost units, not who.
_LOST = """
SELECT m.sku, m.cause_type, sum(-m.reserved_delta - m.allocated_delta)::int AS units,
  CASE WHEN $2::uuid[] IS NULL OR coalesce(o.channel_id, r.channel_id) = ANY($2)
    THEN coalesce(o.number, 'rsv_' || replace(r.id::text, '-', '')) END AS reference
FROM inventory.movements AS m
LEFT JOIN orders.orders AS o ON m.cause_type = 'order' AND o.id = m.cause_id
LEFT JOIN inventory.reservations AS r ON m.cause_type = 'reservation' AND r.id = m.cause_id
WHERE m.xid IN (SELECT xid FROM inventory.movements WHERE cause_id = $1 AND cause_type = 'cycle_count')
  AND m.kind IN ('unreserved', 'unallocated')
GROUP BY m.sku, m.cause_type, o.id, r.id ORDER BY m.sku, m.cause_type DESC, reference
"""


async def counts(db: Db, *, scope: Scope, node: str = "", state: str = "open", limit: int = 100) -> list[Row]:
    """Cycle counts, newest first."""
    return await db.fetch(_COUNTS, scope.nodes, node, state, limit)


async def lost(db: Db, *, scope: Scope, count_id: UUID) -> list[Row]:
    """The carts and orders that lost units when the count was posted."""
    return await db.fetch(_LOST, count_id, scope.channels)
