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
    found: datetime | None = await db.fetchval(
        "SELECT moved_at FROM inventory.movements ORDER BY xid, id LIMIT 1"
    )
    return found


# A balance is exposed when it is sold down to its safety stock, and oversold when a pick then misses units that the
# books have no spare ones for. Movements up to `watched` are in the rule's figures already.
_WATCH = """
WITH rules AS (
  SELECT id, node_id, sku, units, basis, updated_at, watched, available, exposures, oversold
  FROM inventory.safety_rules
  WHERE source = 'computed' AND channel_id IS NULL AND node_id IS NOT NULL AND sku IS NOT NULL
    AND ($1::uuid[] IS NULL OR node_id = ANY($1))
), moved AS (
  SELECT r.id AS rule, r.units, m.id, m.kind, m.cause_type, m.on_hand_delta, m.delta,
    r.available + sum(m.delta) OVER (PARTITION BY r.id ORDER BY m.id) AS available
  FROM rules AS r CROSS JOIN LATERAL (
    SELECT id, kind, cause_type, on_hand_delta,
      on_hand_delta - reserved_delta - allocated_delta - damaged_delta - quality_control_delta AS delta
    FROM inventory.movements WHERE node_id = r.node_id AND sku = r.sku AND id > coalesce(r.watched, 0)
  ) AS m
), seen AS (
  SELECT rule, max(id) AS watched, sum(delta)::int AS moved,
    count(*) FILTER (WHERE kind = 'reserved' AND available <= units AND available - delta > units)::int AS exposures,
    count(*) FILTER (WHERE kind = 'counted' AND cause_type = 'fulfillment' AND on_hand_delta < 0
                     AND available < -on_hand_delta)::int AS oversold
  FROM moved GROUP BY rule
)
"""
_ACHIEVED = (
    _WATCH
    + """
SELECT (r.basis ->> 'target')::float8 AS target, count(*)::int AS rules, sum(r.units)::int AS units,
  avg((r.basis ->> 'risk')::float8) AS risk, sum(r.exposures + coalesce(s.exposures, 0))::int AS exposures,
  sum(r.oversold + coalesce(s.oversold, 0))::int AS oversold, min(r.updated_at) AS since
FROM rules AS r LEFT JOIN seen AS s ON s.rule = r.id
GROUP BY 1 ORDER BY 1
"""
)
_NOTE_SEEN = (
    _WATCH
    + """
UPDATE inventory.safety_rules AS r
SET watched = s.watched, available = r.available + s.moved, exposures = r.exposures + s.exposures,
    oversold = r.oversold + s.oversold
FROM seen AS s JOIN rules AS w ON w.id = s.rule
WHERE r.id = s.rule AND r.watched IS NOT DISTINCT FROM w.watched AND r.updated_at = w.updated_at
"""
)


async def note_seen(db: Db) -> None:
    """Add to the computed rules' figures what has moved since."""
    await db.execute(_NOTE_SEEN, None)


_TALLY = """
WITH long AS (
  SELECT s.node_id, s.sku, t.through FROM inventory.stock AS s
  CROSS JOIN LATERAL (
    SELECT coalesce(max(through), 0) AS through FROM inventory.tallies WHERE node_id = s.node_id AND sku = s.sku
  ) AS t
  WHERE s.updated_at > $1 AND EXISTS (
    SELECT FROM inventory.movements AS m WHERE m.node_id = s.node_id AND m.sku = s.sku AND m.id > t.through OFFSET $2)
  LIMIT $3
), summed AS (
  SELECT l.node_id, l.sku, x.kind, max(x.through) AS through, sum(x.entries) AS entries, sum(x.on_hand) AS on_hand,
    sum(x.reserved) AS reserved, sum(x.allocated) AS allocated, sum(x.damaged) AS damaged,
    sum(x.quality_control) AS quality_control
  FROM long AS l CROSS JOIN LATERAL (
    SELECT kind, through, entries, on_hand, reserved, allocated, damaged, quality_control
    FROM inventory.tallies WHERE node_id = l.node_id AND sku = l.sku
    UNION ALL
    SELECT kind, id, 1, on_hand_delta, reserved_delta, allocated_delta, damaged_delta, quality_control_delta
    FROM inventory.movements WHERE node_id = l.node_id AND sku = l.sku AND id > l.through
  ) AS x GROUP BY l.node_id, l.sku, x.kind
)
INSERT INTO inventory.tallies AS t
SELECT node_id, sku, kind, max(through) OVER (PARTITION BY node_id, sku), entries, on_hand, reserved, allocated,
  damaged, quality_control
FROM summed ORDER BY node_id, sku, kind
ON CONFLICT (node_id, sku, kind) DO UPDATE
SET through = excluded.through, entries = excluded.entries, on_hand = excluded.on_hand, reserved = excluded.reserved,
    allocated = excluded.allocated, damaged = excluded.damaged, quality_control = excluded.quality_control
WHERE t.through < excluded.through
"""


async def tally(db: Db, *, since: datetime, over: int, most: int) -> None:
    """Sum up the ledger of balances that moved since then and have more than so many movements not yet summed."""
    await db.execute(_TALLY, since, over, most)


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
