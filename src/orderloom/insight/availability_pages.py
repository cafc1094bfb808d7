"""What channels were told they may sell, how far behind they are, and how their listings compared, as lists and figures."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_CHANNELS = """
SELECT c.id, c.code, c.name, c.active, c.availability_feed ->> 'adapter' AS adapter, f.*, r.compared, r.divergent,
  r.repaired, r.ended_at AS compared_at, s.state, s.awaiting, s.problem
FROM network.channels AS c
LEFT JOIN LATERAL (
  SELECT count(*)::int AS skus, count(*) FILTER (WHERE quantity = 0)::int AS sold_out,
    count(*) FILTER (WHERE pushed < version)::int AS waiting,
    min(changed_at) FILTER (WHERE pushed < version) AS waiting_since, max(pushed_at) AS pushed_at,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM pushed_at - changed_at))
      FILTER (WHERE pushed = version AND changed_at >= $2 AND pushed_at >= changed_at) AS lag_p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM pushed_at - changed_at))
      FILTER (WHERE pushed = version AND changed_at >= $2 AND pushed_at >= changed_at) AS lag_p95,
    max(extract(epoch FROM pushed_at - changed_at))
      FILTER (WHERE pushed = version AND changed_at >= $2 AND pushed_at >= changed_at)::float8 AS lag_most
  FROM sync.availability AS a WHERE a.channel_id = c.id
) AS f ON true
LEFT JOIN LATERAL (
  SELECT compared, divergent, repaired, ended_at FROM sync.reconciliations AS r
  WHERE r.channel_id = c.id ORDER BY r.id DESC LIMIT 1
) AS r ON true
LEFT JOIN plumbing.subjects AS s ON s.journey = 'availability' AND s.subject_id = c.id
WHERE ($1::uuid[] IS NULL OR c.id = ANY($1)) AND ($3 = '' OR c.code = $3) ORDER BY c.code
"""
_NUMBERS = """
SELECT a.sku, i.name, a.quantity, a.next_at, a.next_units, a.version, a.changed_at, a.pushed, a.pushed_at
FROM sync.availability AS a JOIN catalog.items AS i ON i.sku = a.sku
WHERE a.channel_id = $1 AND a.sku > $2 AND ($3 = '' OR a.sku ILIKE $3 || '%' OR i.name ILIKE '%' || $3 || '%')
  AND ($4 = 'all' OR ($4 = 'out' AND a.quantity = 0) OR ($4 = 'waiting' AND a.pushed < a.version))
ORDER BY a.sku LIMIT $5
"""
_RECONCILIATIONS = """
SELECT r.id, c.code AS channel, r.compared, r.divergent, r.repaired, r.detail, r.begun_at, r.ended_at
FROM sync.reconciliations AS r JOIN network.channels AS c ON c.id = r.channel_id
WHERE r.channel_id = $1 AND ($2::uuid IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3
"""


async def channels(db: Db, *, scope: Scope, since: datetime, code: str = "") -> list[Row]:
    """Every channel with how many numbers wait for it, its lag since then in seconds, and its last comparison."""
    return await db.fetch(_CHANNELS, scope.channels, since, code)


async def numbers(
    db: Db, *, channel: UUID, text: str = "", show: str = "all", after: str = "", limit: int = 50
) -> list[Row]:
    """What one channel was told, by SKU, one more than `limit` when there is a next page.

    `show` is `all`, `out` (nothing to sell) or `waiting` (not accepted yet).
    """
    return await db.fetch(_NUMBERS, channel, after, text, show, limit + 1)


async def reconciliations(db: Db, *, channel: UUID, before: UUID | None = None, limit: int = 50) -> list[Row]:
    """How a channel's listing compared, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(_RECONCILIATIONS, channel, before, limit + 1)
