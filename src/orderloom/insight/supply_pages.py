"""Supply on its way as lists and single objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_SUPPLY = """
SELECT s.*, n.code AS node, f.code AS from_code, (
  SELECT jsonb_agg(jsonb_build_object(
    'position', l.position, 'sku', l.sku, 'expected', l.expected, 'received', l.received, 'lost', l.lost,
    'open', coalesce(c.units, 0), 'announced', a.announced, 'over', greatest(0, l.received + a.brought - l.expected),
    'due_at', coalesce(l.due_at, s.due_at), 'purchase_order', o.reference, 'purchase_order_line', l.of_position
  ) ORDER BY l.position)
  FROM inventory.supply_lines AS l
  LEFT JOIN inventory.coming AS c ON c.supply_id = l.supply_id AND c.position = l.position
  LEFT JOIN inventory.supplies AS o ON o.id = l.of_supply
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(greatest(0, x.expected - x.received - x.lost)) FILTER (WHERE y.state = 'open'), 0)::int AS announced,
           coalesce(sum(x.received), 0)::int AS brought
    FROM inventory.supply_lines AS x JOIN inventory.supplies AS y ON y.id = x.supply_id
    WHERE x.of_supply = l.supply_id AND x.of_position = l.position
  ) AS a
  WHERE l.supply_id = s.id
) AS lines
FROM inventory.supplies AS s JOIN network.nodes AS n ON n.id = s.node_id
LEFT JOIN network.nodes AS f ON f.id = s.from_node
WHERE ($1::uuid[] IS NULL OR s.node_id = ANY($1) OR s.from_node = ANY($1))
"""
_LIST = (
    _SUPPLY
    + """
  AND ($2::text IS NULL OR s.kind = $2) AND ($3::text IS NULL OR s.state = $3)
  AND ($4::text[] IS NULL OR n.code = ANY($4))
  AND ($5::text[] IS NULL OR EXISTS (SELECT FROM inventory.supply_lines AS x WHERE x.supply_id = s.id AND x.sku = ANY($5)))
  AND ($6::text IS NULL OR s.reference = $6) AND ($7::timestamptz IS NULL OR s.due_at < $7)
  AND ($8::timestamptz IS NULL OR (s.due_at, s.id) > ($8, $9))
ORDER BY s.due_at, s.id LIMIT $10
"""
)


async def supply(db: Db, *, scope: Scope, supply_id: UUID) -> Row | None:
    """One, with its lines; None when it is not there or out of reach."""
    return await db.fetchrow(_SUPPLY + " AND s.id = $2", scope.nodes, supply_id)


async def supplies(
    db: Db,
    *,
    scope: Scope,
    kind: str | None = None,
    state: str | None = None,
    nodes: Sequence[str] | None = None,
    skus: Sequence[str] | None = None,
    reference: str | None = None,
    due_before: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """What is due first, first; one more than `limit` when there is a next page."""
    at, key = after or (None, None)
    return await db.fetch(
        _LIST,
        scope.nodes,
        kind,
        state,
        None if nodes is None else list(nodes),
        None if skus is None else list(skus),
        reference,
        due_before,
        at,
        key,
        limit + 1,
    )
