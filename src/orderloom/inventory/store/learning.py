"""What the ledger teaches for safety stock: orders by size, picks and what they did not find, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row

_BALANCES = """
SELECT node_id, sku, on_hand, safety_stock FROM inventory.stock
WHERE on_hand > 0 AND ($1::uuid[] IS NULL OR node_id = ANY($1)) AND ($2::text[] IS NULL OR sku = ANY($2))
  AND (node_id, sku) > ($3, $4)
ORDER BY node_id, sku LIMIT $5
"""
# An order moved to another node and back is counted there again: rather a little more demand than too little.
_SIZES = """
SELECT node_id, sku, units, count(*)::int AS orders FROM (
  SELECT m.node_id, m.sku, m.cause_id, sum(m.reserved_delta)::int AS units
  FROM inventory.movements AS m
  JOIN unnest($1::uuid[], $2::text[]) AS t (node_id, sku) ON t.node_id = m.node_id AND t.sku = m.sku
  WHERE m.kind = 'reserved' AND m.cause_type = 'order' AND m.reserved_delta > 0 AND m.moved_at >= $3
  GROUP BY m.node_id, m.sku, m.cause_id
) AS o GROUP BY node_id, sku, units
"""
_PICKS = """
SELECT node_id, coalesce(-sum(on_hand_delta) FILTER (WHERE kind = 'shipped'), 0)::int AS picked,
  coalesce(-sum(on_hand_delta) FILTER (WHERE kind = 'counted' AND on_hand_delta < 0), 0)::int AS missed
FROM inventory.movements
WHERE node_id = ANY($1::uuid[]) AND moved_at >= $2 AND cause_type = 'fulfillment'
GROUP BY node_id
"""


async def balances(
    db: Db,
    *,
    nodes: Sequence[UUID] | None,
    skus: Sequence[str] | None,
    after: tuple[UUID, str],
    limit: int,
) -> list[Row]:
    """Balances with something on hand, by key."""
    return await db.fetch(
        _BALANCES, None if nodes is None else list(nodes), None if skus is None else list(skus), *after, limit
    )


async def sizes(
    db: Db, keys: Sequence[tuple[UUID, str]], *, since: datetime
) -> dict[tuple[UUID, str], dict[int, int]]:
    """How many orders took how many units, by (node, SKU)."""
    rows = await db.fetch(_SIZES, [node for node, _ in keys], [sku for _, sku in keys], since)
    found: dict[tuple[UUID, str], dict[int, int]] = {}
    for row in rows:
        found.setdefault((row["node_id"], row["sku"]), {})[row["units"]] = row["orders"]
    return found


async def picks(db: Db, nodes: Sequence[UUID], *, since: datetime) -> dict[UUID, tuple[int, int]]:
    """Units that nodes picked and shipped, and units they did not find, by node."""
    rows = await db.fetch(_PICKS, list(nodes), since)
    return {row["node_id"]: (row["picked"], row["missed"]) for row in rows}


async def first_moved(db: Db) -> datetime | None:
    """When the ledger begins."""
    found: datetime | None = await db.fetchval("SELECT moved_at FROM inventory.movements ORDER BY id LIMIT 1")
    return found


# A balance is exposed when it is sold down to its safety stock, and oversold when a pick then misses units that the
# books have no spare ones for.
_ACHIEVED = """
WITH rules AS (
  SELECT node_id, sku, units, basis, updated_at FROM inventory.safety_rules
  WHERE source = 'computed' AND channel_id IS NULL AND node_id IS NOT NULL AND sku IS NOT NULL
    AND ($1::uuid[] IS NULL OR node_id = ANY($1))
), run AS (
  SELECT r.node_id, r.sku, r.units, m.id, m.kind, m.cause_type, m.on_hand_delta, m.moved_at >= r.updated_at AS since,
    sum(m.on_hand_delta - m.reserved_delta - m.allocated_delta - m.damaged_delta - m.quality_control_delta)
      OVER (PARTITION BY m.node_id, m.sku ORDER BY m.id) AS available
  FROM rules AS r JOIN inventory.movements AS m ON m.node_id = r.node_id AND m.sku = r.sku
), stepped AS (
  SELECT *, lag(available) OVER (PARTITION BY node_id, sku ORDER BY id) AS before FROM run
), seen AS (
  SELECT node_id, sku,
    count(*) FILTER (WHERE since AND kind = 'reserved' AND available <= units AND before > units)::int AS exposures,
    count(*) FILTER (WHERE since AND kind = 'counted' AND cause_type = 'fulfillment' AND on_hand_delta < 0
                     AND available < -on_hand_delta)::int AS oversold
  FROM stepped GROUP BY node_id, sku
)
SELECT (r.basis ->> 'target')::float8 AS target, count(*)::int AS rules, sum(r.units)::int AS units,
  avg((r.basis ->> 'risk')::float8) AS risk, coalesce(sum(s.exposures), 0)::int AS exposures,
  coalesce(sum(s.oversold), 0)::int AS oversold, min(r.updated_at) AS since
FROM rules AS r LEFT JOIN seen AS s ON s.node_id = r.node_id AND s.sku = r.sku
GROUP BY 1 ORDER BY 1
"""


async def achieved(db: Db, *, nodes: Sequence[UUID] | None) -> list[dict[str, Any]]:
    """By target: the computed rules, how often their balances were sold down, and how often that went wrong."""
    return [dict(row) for row in await db.fetch(_ACHIEVED, None if nodes is None else list(nodes))]


async def set_by_hand(db: Db, keys: Sequence[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """The balances of which somebody has set the safety stock."""
    rows = await db.fetch(
        "SELECT node_id, sku FROM inventory.safety_rules WHERE channel_id IS NULL AND source = 'set' "
        "AND (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))",
        [node for node, _ in keys],
        [sku for _, sku in keys],
    )
    return {(row["node_id"], row["sku"]) for row in rows}
