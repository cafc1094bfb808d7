"""Balances and movements of stock as lists that are read on by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_LEVELS = """
SELECT s.*, n.code AS node,
  s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated AS available,
  c.in_transit, c.on_order, c.next_at
FROM inventory.stock AS s JOIN network.nodes AS n ON n.id = s.node_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(units) FILTER (WHERE kind = 'transfer'), 0)::int AS in_transit,
         coalesce(sum(units) FILTER (WHERE kind <> 'transfer'), 0)::int AS on_order, min(due_at) AS next_at
  FROM inventory.coming WHERE node_id = s.node_id AND sku = s.sku
) AS c
WHERE ($1::uuid[] IS NULL OR s.node_id = ANY($1)) AND ($2::text[] IS NULL OR s.sku = ANY($2))
  AND ($3::text[] IS NULL OR n.code = ANY($3)) AND (s.sku, n.code) > ($4, $5)
ORDER BY s.sku, n.code LIMIT $6
"""
_MOVEMENTS = """
SELECT m.*, n.code AS node FROM inventory.movements AS m JOIN network.nodes AS n ON n.id = m.node_id
WHERE ($1::uuid[] IS NULL OR m.node_id = ANY($1)) AND ($2::text IS NULL OR m.sku = $2)
  AND ($3::text IS NULL OR n.code = $3) AND ($4::text IS NULL OR m.kind = $4) AND ($5::uuid IS NULL OR m.cause_id = $5)
  AND ($6::timestamptz IS NULL OR m.moved_at >= $6) AND m.id < $7
ORDER BY m.id DESC LIMIT $8
"""
LAST = 2**62


async def levels(
    db: Db,
    *,
    scope: Scope,
    skus: Sequence[str] | None = None,
    nodes: Sequence[str] | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int = 50,
) -> list[Row]:
    """Balances by SKU and node, one more than `limit` when there is a next page."""
    return await db.fetch(
        _LEVELS,
        scope.nodes,
        None if skus is None else list(skus),
        None if nodes is None else list(nodes),
        *after,
        limit + 1,
    )


async def movements(
    db: Db,
    *,
    scope: Scope,
    sku: str | None = None,
    node: str | None = None,
    kind: str | None = None,
    cause: UUID | None = None,
    since: datetime | None = None,
    before: int = LAST,
    limit: int = 50,
) -> list[Row]:
    """The ledger, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(_MOVEMENTS, scope.nodes, sku, node, kind, cause, since, before, limit + 1)
