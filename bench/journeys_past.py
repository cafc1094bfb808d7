"""Orders of the past, for the cost of an order beside a million others: rows in every table that a journey touches.

The rows are copies: a few hundred orders are taken all the way to released by real workers; each is then copied under
new ids, closed, with its units delivered, its journeys done, and with all of its events, movements, decisions and
payments. So a stored order weighs what a real one does, and is made a thousand times faster.
"""

from __future__ import annotations

from orderloom.plumbing.database import Database

PATTERNS = 400
AT_ONCE = 50_000

# Ids are drawn once a copy and referred to by the pattern's row, so that copies hang together as their pattern does.
_BEGIN = """
CREATE TEMP TABLE copies AS
SELECT o.id AS was, uuidv7() AS now, n, row_number() OVER () AS number
FROM (SELECT id FROM orders.orders WHERE min_rank >= 400 ORDER BY id LIMIT $2) AS o, generate_series(1, $1) AS n
"""
_STEPS = (
    (
        "CREATE TEMP TABLE copied_lines AS SELECT l.id AS was, c.n, uuidv7() AS now FROM orders.lines AS l "
        "JOIN copies AS c ON c.was = l.order_id"
    ),
    (
        "CREATE TEMP TABLE copied_works AS SELECT f.id AS was, c.n, uuidv7() AS now FROM orders.fulfillments AS f "
        "JOIN copies AS c ON c.was = f.order_id"
    ),
    (
        "CREATE TEMP TABLE copied_intents AS SELECT i.id AS was, c.n, uuidv7() AS now FROM payments.intents AS i "
        "JOIN copies AS c ON c.was = i.order_id"
    ),
    (
        "CREATE INDEX ON copies (was, n); CREATE INDEX ON copied_lines (was, n); CREATE INDEX ON copied_works (was, n); "
        "CREATE INDEX ON copied_intents (was, n); ANALYZE copies; ANALYZE copied_lines; ANALYZE copied_works; "
        "ANALYZE copied_intents"
    ),
    """
    INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, ship_to,
      service_level, priority, tags, flags, subtotal, discount, shipping, tax, adjustment, total, promise_at, lifecycle,
      min_rank, max_rank, payment_status, delivered_at, version, created_at, updated_at)
    SELECT c.now, 'OL-' || nextval('orders.order_number'), o.channel_id, 'past-' || c.now, o.body_hash,
      o.placed_at - c.number * interval '20 seconds', o.currency,
      o.buyer || jsonb_build_object('email', c.now || '@example.com'), o.ship_to, o.service_level, o.priority, o.tags,
      o.flags, o.subtotal, o.discount, o.shipping, o.tax, o.adjustment, o.total,
      o.promise_at - c.number * interval '20 seconds', 'closed', 800, 800, 'paid',
      o.promise_at - c.number * interval '20 seconds', o.version, o.created_at - c.number * interval '20 seconds',
      o.updated_at - c.number * interval '20 seconds'
    FROM copies AS c JOIN orders.orders AS o ON o.id = c.was
    """,
    """
    INSERT INTO orders.lines (id, order_id, position, is_kit, sku, name, quantity, unit_price, discount, tax, total,
      min_rank, max_rank)
    SELECT m.now, c.now, l.position, l.is_kit, l.sku, l.name, l.quantity, l.unit_price, l.discount, l.tax, l.total,
      800, 800
    FROM copied_lines AS m JOIN orders.lines AS l ON l.id = m.was
    JOIN copies AS c ON c.was = l.order_id AND c.n = m.n
    """,
    """
    INSERT INTO orders.fulfillments (id, number, order_id, node_id, decision_id, carrier, service, planned_cost,
      ship_by, status, request_status, min_rank, max_rank, version, created_at)
    SELECT m.now, 'FO-' || nextval('orders.fulfillment_number'), c.now, f.node_id, f.decision_id, f.carrier,
      f.service, f.planned_cost, f.ship_by, 'closed', 'closed', 800, 800, 6, f.created_at - interval '30 days'
    FROM copied_works AS m JOIN orders.fulfillments AS f ON f.id = m.was
    JOIN copies AS c ON c.was = f.order_id AND c.n = m.n
    """,
    """
    INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank, node_id, fulfillment_id)
    SELECT c.now, l.now, s.sku, s.quantity, 800, s.node_id, w.now
    FROM orders.slices AS s JOIN copies AS c ON c.was = s.order_id
    JOIN copied_lines AS l ON l.was = s.line_id AND l.n = c.n
    JOIN copied_works AS w ON w.was = s.fulfillment_id AND w.n = c.n
    """,
    """
    INSERT INTO payments.intents (id, order_id, sequence, gateway, method, token, amount, currency, status)
    SELECT m.now, c.now, i.sequence, i.gateway, i.method, i.token, i.amount, i.currency, 'captured'
    FROM copied_intents AS m JOIN payments.intents AS i ON i.id = m.was
    JOIN copies AS c ON c.was = i.order_id AND c.n = m.n
    """,
    """
    INSERT INTO payments.transactions (intent_id, order_id, kind, subject_id, amount, currency, key, status,
      provider_ref, resolved_at)
    SELECT m.now, c.now, k.kind, c.now, t.amount, t.currency, k.kind || c.now, 'succeeded', k.kind || c.now,
      t.resolved_at
    FROM payments.transactions AS t JOIN copies AS c ON c.was = t.order_id
    JOIN copied_intents AS m ON m.was = t.intent_id AND m.n = c.n, (VALUES ('authorize'), ('capture')) AS k (kind)
    """,
    """
    INSERT INTO payments.charges (shipment_id, order_id, amount, sales, shipping, tax, adjustment, currency)
    SELECT m.now, c.now, 1000, 1000, 0, 0, 0, 'USD'
    FROM copied_works AS m JOIN orders.fulfillments AS f ON f.id = m.was
    JOIN copies AS c ON c.was = f.order_id AND c.n = m.n
    """,
    """
    INSERT INTO routing.decisions (order_id, outcome, record, cost, runner_up_cost, shipments, decided_as_of)
    SELECT c.now, d.outcome, d.record, d.cost, d.runner_up_cost, d.shipments, d.decided_as_of
    FROM routing.decisions AS d JOIN copies AS c ON c.was = d.order_id
    """,
    """
    INSERT INTO inventory.movements (node_id, sku, kind, reserved_delta, allocated_delta, cause_type, cause_id, actor)
    SELECT v.node_id, v.sku, v.kind, v.reserved_delta, v.allocated_delta, v.cause_type, c.now, v.actor
    FROM inventory.movements AS v JOIN copies AS c ON c.was = v.cause_id
    """,
    """
    INSERT INTO plumbing.events (type, entity, entity_id, order_id, channel_id, version, actor, data)
    SELECT e.type, e.entity, c.now, c.now, e.channel_id, e.version, e.actor, e.data
    FROM plumbing.events AS e JOIN copies AS c ON c.was = e.order_id
    """,
    """
    INSERT INTO plumbing.subjects (journey, subject_id, step, state)
    SELECT 'order', now, 'close', 'done' FROM copies UNION ALL SELECT 'fulfillment', now, 'deliver', 'done' FROM copied_works
    """,
    "DROP TABLE copies, copied_lines, copied_works, copied_intents",
)


async def stored(database: Database) -> int:
    """How many orders there are."""
    async with database.connection() as db:
        return await db.fetchval("SELECT count(*) FROM orders.orders")


async def grow(database: Database, *, to: int) -> None:
    """Copy orders until there are so many; some must have been released before."""
    while (missing := to - await stored(database)) > 0:
        count = min(AT_ONCE, missing)
        patterns = min(PATTERNS, count)
        async with database.transaction() as db:
            await db.execute(_BEGIN, max(1, count // patterns), patterns, timeout=600)
            for step in _STEPS:
                await db.execute(step, timeout=600)
    async with database.connection() as db:
        await db.execute("VACUUM (ANALYZE)", timeout=600)
        await db.execute("CHECKPOINT", timeout=600)
