"""The state of the house at a glance: the seven steps, what needs a person, orders an hour, money."""

from __future__ import annotations

from datetime import datetime, timedelta

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row
from orderloom.terms import first_id

# Open orders go by their index. Ids begin with the time of capture, so "captured since" is a range of the key.
_OPEN = f"""
SELECT
  count(*) AS open,
  count(*) FILTER (WHERE o.payment_status IN ('unpaid', 'pending')) AS unpaid,
  count(*) FILTER (WHERE o.min_rank IN (100, 200, 300)) AS to_route,
  count(*) FILTER (WHERE o.min_rank BETWEEN 110 AND 150) AS backordered,
  count(*) FILTER (WHERE o.min_rank BETWEEN 400 AND 600) AS at_nodes,
  count(*) FILTER (WHERE o.min_rank = 700) AS on_the_way,
  count(*) FILTER (WHERE o.late) AS late
FROM orders.orders AS o WHERE o.lifecycle = 'open' AND {ORDER_IN_SCOPE}
"""
_EVER = f"""
SELECT
  count(*) AS ever,
  count(*) FILTER (WHERE o.min_rank = 800) AS delivered,
  count(*) FILTER (WHERE o.min_rank = 800 AND o.promise_at IS NOT NULL AND o.delivered_at IS NOT NULL AND NOT o.late)
    AS delivered_on_time,
  count(*) FILTER (WHERE o.min_rank = 800 AND o.promise_at IS NOT NULL) AS delivered_promised,
  count(*) FILTER (WHERE o.lifecycle = 'cancelled') AS cancelled
FROM orders.orders AS o WHERE {ORDER_IN_SCOPE}
"""
_WORK = """
SELECT
  count(*) FILTER (WHERE f.min_rank BETWEEN 400 AND 450) AS to_pick,
  count(*) FILTER (WHERE f.min_rank = 500) AS picking,
  count(*) FILTER (WHERE f.min_rank = 550) AS to_pack,
  count(*) FILTER (WHERE f.min_rank = 600) AS packed
FROM orders.fulfillments AS f JOIN orders.orders AS o ON o.id = f.order_id
WHERE f.status IN ('open', 'scheduled', 'in_progress')
  AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR f.node_id = ANY($2))
"""
_DISPATCH = """
SELECT
  count(*) FILTER (WHERE s.shipped_at >= $3) AS shipped,
  (SELECT count(*) FROM shipping.labels AS l
   WHERE l.status IN ('requested', 'unknown') AND l.purpose = 'outbound') AS labels_open,
  (SELECT count(*) FROM shipping.labels AS l
   WHERE l.status = 'purchased' AND l.purpose = 'outbound'
     AND NOT EXISTS (SELECT 1 FROM shipping.manifest_labels AS m WHERE m.label_id = l.id)) AS to_manifest
FROM shipping.shipments AS s JOIN orders.orders AS o ON o.id = s.order_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR s.node_id = ANY($2))
"""
_PARCELS = """
SELECT
  count(*) FILTER (WHERE p.status IN ('info_received', 'in_transit', 'pending')) AS in_transit,
  count(*) FILTER (WHERE p.status = 'out_for_delivery') AS out_for_delivery,
  count(*) FILTER (WHERE p.status IN ('attempt_failed', 'exception', 'return_to_sender', 'expired')) AS troubled
FROM delivery.parcels AS p JOIN orders.orders AS o ON o.id = p.order_id
WHERE p.return_id IS NULL AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR EXISTS (
    SELECT 1 FROM orders.fulfillments AS f WHERE f.id = p.fulfillment_id AND f.node_id = ANY($2)))
"""
_AFTER_SALE = """
SELECT
  count(*) FILTER (WHERE r.status = 'requested') AS requested,
  count(*) FILTER (WHERE r.status IN ('open', 'in_transit', 'partially_received')) AS expected,
  count(*) FILTER (WHERE r.status IN ('received', 'inspected')) AS to_settle
FROM returns.returns AS r LEFT JOIN orders.orders AS o ON o.id = r.order_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR r.node_id = ANY($2))
"""
_NEEDING = f"""
SELECT 'exception' AS what, e.kind, count(*) AS count, count(*) FILTER (WHERE e.due_at < $3) AS overdue
FROM orders.exceptions AS e LEFT JOIN orders.orders AS o ON o.id = e.order_id
WHERE e.resolved_at IS NULL AND {ORDER_IN_SCOPE} GROUP BY e.kind
UNION ALL
SELECT 'hold', h.type, count(DISTINCT h.order_id), count(DISTINCT h.order_id) FILTER (WHERE h.due_at < $3)
FROM orders.holds AS h JOIN orders.orders AS o ON o.id = h.order_id
WHERE h.cleared_at IS NULL AND {ORDER_IN_SCOPE} GROUP BY h.type
ORDER BY 1, 3 DESC, 2
"""
_HOURS = f"""
SELECT hour.at, coalesce(got.count, 0)::int AS count
FROM generate_series(date_trunc('hour', $3::timestamptz) - interval '23 hours', $3, interval '1 hour') AS hour (at)
LEFT JOIN (
  SELECT date_trunc('hour', o.created_at) AS at, count(*) AS count FROM orders.orders AS o
  WHERE o.id >= $4::uuid AND {ORDER_IN_SCOPE} GROUP BY 1
) AS got USING (at)
ORDER BY hour.at
"""
_MONEY = """
SELECT t.currency,
  coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0)::bigint AS captured,
  coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture' AND t.resolved_at >= $3), 0)::bigint AS captured_lately,
  coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0)::bigint AS refunded
FROM payments.transactions AS t JOIN orders.orders AS o ON o.id = t.order_id
WHERE t.status = 'succeeded' AND t.kind IN ('capture', 'refund')
  AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND $2::uuid[] IS NULL
GROUP BY t.currency ORDER BY 2 DESC
"""
_NODES = """
SELECT n.code, n.name, n.daily_capacity,
  count(f.id) FILTER (WHERE f.min_rank BETWEEN 400 AND 600 AND f.status IN ('open', 'scheduled', 'in_progress'))
    AS open,
  count(f.id) FILTER (WHERE f.min_rank >= 700 AND f.updated_at >= $3) AS shipped,
  count(f.id) FILTER (WHERE f.ship_by < $4 AND f.min_rank BETWEEN 400 AND 600
                      AND f.status IN ('open', 'scheduled', 'in_progress')) AS overdue
FROM network.nodes AS n
LEFT JOIN orders.fulfillments AS f ON f.node_id = n.id AND (f.min_rank < 700 OR f.updated_at >= $3)
LEFT JOIN orders.orders AS o ON o.id = f.order_id
WHERE n.active AND ($2::uuid[] IS NULL OR n.id = ANY($2)) AND ($1::uuid[] IS NULL OR f.id IS NULL OR o.channel_id = ANY($1))
GROUP BY n.id ORDER BY open DESC, n.code LIMIT 12
"""
_NEWS = """
SELECT e.id, e.type, e.occurred_at, e.actor, e.reason, o.number
FROM plumbing.events AS e JOIN orders.orders AS o ON o.id = e.order_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR e.node_id = ANY($2))
ORDER BY e.id DESC LIMIT 12
"""


async def overview(db: Db, *, scope: Scope, now: datetime) -> dict[str, Row]:
    """Counts along the seven steps as they stand; `shipped` is of the last 24 hours."""
    day = now - timedelta(hours=24)
    channels, nodes = scope.channels, scope.nodes
    return {
        "orders": await _only(db, _OPEN, channels, nodes),
        "work": await _only(db, _WORK, channels, nodes),
        "dispatch": await _only(db, _DISPATCH, channels, nodes, day),
        "parcels": await _only(db, _PARCELS, channels, nodes),
        "after_sale": await _only(db, _AFTER_SALE, channels, nodes),
    }


async def ever(db: Db, *, scope: Scope) -> Row:
    """Counts over all orders there ever were: the one reading here that grows with history."""
    return await _only(db, _EVER, scope.channels, scope.nodes)


async def needing_people(db: Db, *, scope: Scope, now: datetime) -> list[Row]:
    """Open exceptions and active holds by kind, with how many are past due."""
    return await db.fetch(_NEEDING, scope.channels, scope.nodes, now)


async def by_hour(db: Db, *, scope: Scope, now: datetime) -> list[Row]:
    """Orders captured in each of the last 24 hours, the present one last."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    return await db.fetch(_HOURS, scope.channels, scope.nodes, now, first_id(first))


async def money(db: Db, *, scope: Scope, now: datetime) -> list[Row]:
    """Captured and refunded by currency. A reader bound to nodes sees none: money belongs to whole orders."""
    return await db.fetch(_MONEY, scope.channels, scope.nodes, now - timedelta(hours=24))


async def by_node(db: Db, *, scope: Scope, now: datetime) -> list[Row]:
    """What each node has open, what it shipped in 24 hours, and what it should have shipped by now."""
    return await db.fetch(_NODES, scope.channels, scope.nodes, now - timedelta(hours=24), now)


async def latest_news(db: Db, *, scope: Scope) -> list[Row]:
    """The last dozen changes of orders."""
    return await db.fetch(_NEWS, scope.channels, scope.nodes)


async def pulse(db: Db) -> int:
    """A number that is another after every change, to tell whether anything has happened."""
    return await db.fetchval("SELECT id FROM plumbing.events ORDER BY xid DESC, id DESC LIMIT 1") or 0


async def _only(db: Db, statement: str, *values: object) -> Row:
    row = await db.fetchrow(statement, *values)
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY always has its row
    return row
