"""The event log: complete, ordered, told once, and closed to changes, as are all ledgers."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="A1.append_only",
        says="the log and the ledgers refuse change, removal and emptying",
        sql="""
        SELECT wanted.ledger, wanted.what
        FROM unnest(ARRAY['plumbing.events', 'inventory.movements', 'payments.entries']) AS named (ledger)
        CROSS JOIN LATERAL (VALUES (named.ledger, 'UPDATE', 16), (named.ledger, 'DELETE', 8),
                                   (named.ledger, 'TRUNCATE', 32)) AS wanted (ledger, what, bit)
        WHERE NOT EXISTS (
          SELECT FROM pg_trigger AS t
          WHERE t.tgrelid = wanted.ledger::regclass AND t.tgfoid = 'plumbing.refuse_change'::regproc
            AND t.tgenabled IN ('O', 'A') AND t.tgtype & wanted.bit <> 0 AND t.tgtype & 2 <> 0
        )
        """,
    ),
    Invariant(
        key="A2.actor",
        says="every change names who made it",
        sql="""
        SELECT 'plumbing.events' AS ledger, id FROM plumbing.events WHERE actor = ''
        UNION ALL
        SELECT 'inventory.movements', id FROM inventory.movements WHERE actor = ''
        """,
    ),
    Invariant(
        key="E1.captured",
        says="every order's capture is in the log",
        sql="""
        SELECT o.id AS order_id, o.number FROM orders.orders AS o
        WHERE NOT EXISTS (SELECT FROM plumbing.events AS e
                          WHERE e.entity_id = o.id AND e.order_id = o.id AND e.type = 'order.captured')
        """,
    ),
    Invariant(
        key="E1.cursors",
        says="no reader stands beyond the end of its log, where it would skip what comes",
        sql="""
        SELECT c.reader, c.xid, c.id FROM plumbing.cursors AS c
        WHERE c.xid >= pg_snapshot_xmax(pg_current_snapshot())
        """,
    ),
    Invariant(
        key="E2.dense",
        says="an order's events carry its versions from 1 to the present one without a gap",
        sql="""
        SELECT o.id AS order_id, o.version, count(DISTINCT e.version) AS told, max(e.version) AS latest
        FROM orders.orders AS o
        LEFT JOIN plumbing.events AS e ON e.entity_id = o.id AND e.entity = 'order' AND e.version IS NOT NULL
        GROUP BY o.id
        HAVING count(DISTINCT e.version) <> o.version OR max(e.version) <> o.version OR min(e.version) <> 1
        """,
    ),
    Invariant(
        key="E2.forward",
        says="versions of one object only grow along the log",
        sql="""
        SELECT entity, entity_id, id, version, before FROM (
          SELECT entity, entity_id, id, version, max(version) OVER earlier AS before
          FROM plumbing.events WHERE version IS NOT NULL
          WINDOW earlier AS (PARTITION BY entity, entity_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) AS told WHERE version < before
        """,
    ),
    Invariant(
        key="E3.once",
        says="an event's id is its own",
        sql="SELECT event_id, count(*) AS times FROM plumbing.events GROUP BY event_id HAVING count(*) > 1",
    ),
)
