"""Statements that bind orders to other promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db, Row


async def rebind(db: Db, promises: Mapping[UUID, datetime]) -> list[Row]:
    """Bind orders that are not over to these dates; returns (id, version, channel_id) of those it changed."""
    return await db.fetch(
        "UPDATE orders.orders AS o SET promise_at = t.at, late = false, version = o.version + 1, "
        "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at) "
        "WHERE o.id = t.id AND o.lifecycle = 'open' AND o.promise_at IS DISTINCT FROM t.at "
        "RETURNING o.id, o.version, o.channel_id",
        list(promises),
        list(promises.values()),
    )


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
