"""Statements that bind orders to other promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db, Row

_REBIND = """
WITH changed AS (
  UPDATE orders.orders AS o SET promise_at = t.at, late = false, version = o.version + 1, updated_at = clock_timestamp()
  FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at)
  WHERE o.id = t.id AND o.lifecycle = 'open' AND o.promise_at IS DISTINCT FROM t.at
    AND (NOT $4 OR (t.at > o.promise_at AND NOT EXISTS (
      SELECT FROM orders.repromises AS r WHERE r.order_id = o.id AND r.was = o.promise_at AND r.slip)))
  RETURNING o.id, o.version, o.channel_id, old.promise_at AS was, o.promise_at
), kept AS (
  INSERT INTO orders.repromises (order_id, was, promise_at, why, slip)
  SELECT id, was, promise_at, $3, $4 FROM changed WHERE was IS NOT NULL
)
SELECT id, version, channel_id FROM changed
"""


async def rebind(db: Db, promises: Mapping[UUID, datetime], *, why: str, slip: bool) -> list[Row]:
    """Bind orders that are not over to these dates; returns (id, version, channel_id) of those it changed."""
    return await db.fetch(_REBIND, list(promises), list(promises.values()), why, slip)


async def bound(db: Db, orders: Sequence[UUID]) -> list[Row]:
    """On what these open orders' promises rest; history, decided as of another day, is left out."""
    return await db.fetch(
        "SELECT id AS order_id, channel_id, placed_at, service_level, promise_at, late FROM orders.orders "
        "WHERE id = ANY($1::uuid[]) AND lifecycle = 'open' AND decide_as_of IS NULL ORDER BY id",
        list(orders),
    )


# The first condition on rank is the index's.
_MISSED = """
SELECT DISTINCT o.id FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id
JOIN unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS t (channel_id, service_level, at)
  ON t.channel_id = o.channel_id AND t.service_level = o.service_level
WHERE s.rank BETWEEN 100 AND 150 AND s.rank = 150 AND o.lifecycle = 'open' AND NOT o.late AND o.decide_as_of IS NULL
  AND o.promise_at < t.at
ORDER BY o.id LIMIT 1000
"""


async def missed(db: Db, soonest: Sequence[tuple[UUID, str, datetime]]) -> list[UUID]:
    """Open orders with backordered units whose promise is before their channel's and level's moment, not told yet."""
    rows = await db.fetch(_MISSED, *([row[i] for row in soonest] for i in range(3)))
    return [row["id"] for row in rows]


_IN_DANGER = """
SELECT o.id FROM orders.orders AS o
WHERE o.lifecycle = 'open' AND o.decide_as_of IS NULL AND o.promise_at IS NOT NULL AND o.id = ANY (
  ARRAY(SELECT f.order_id FROM orders.fulfillments AS f
        WHERE f.status IN ('open', 'scheduled', 'in_progress') AND f.ship_by < $1 AND f.max_rank < 600)
  || $2::uuid[])
ORDER BY o.id
"""


async def behind(db: Db, *, now: datetime, besides: Sequence[UUID]) -> list[UUID]:
    """Open orders with work that should have been handed over by now, and of `besides` those that are open; no history."""
    rows = await db.fetch(_IN_DANGER, now, list(besides))
    return [row["id"] for row in rows]


async def repromised(db: Db, order: UUID) -> list[Row]:
    """The dates an order was bound to one after the other: what each had been, is, why and since when."""
    return await db.fetch(
        "SELECT was, promise_at, why, slip, made_at FROM orders.repromises WHERE order_id = $1 ORDER BY made_at",
        order,
    )
