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
