"""Notices: one intent each, told when sent, never to those who are to be left in peace, none forgotten."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="N1.once",
        says="a buyer is told of one thing once over one way",
        sql="""
        SELECT order_id, event, trigger_id, channel, count(*) AS times
        FROM notices.notices GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="N1.key",
        says="no two notices go out under one key",
        sql="SELECT key, count(*) AS times FROM notices.notices GROUP BY key HAVING count(*) > 1",
    ),
    Invariant(
        key="N1.sent",
        says="a notice is told as sent once when it was, and never when it was not",
        sql="""
        SELECT n.id AS notice_id, n.order_id, n.status, count(e.id) AS told
        FROM notices.notices AS n
        LEFT JOIN plumbing.events AS e ON e.entity_id = n.id AND e.type = 'notice.sent'
        GROUP BY n.id HAVING count(e.id) <> (n.status = 'sent')::int
        """,
    ),
    Invariant(
        key="N1.silent",
        says="history wakes nobody",
        sql="""
        SELECT n.id AS notice_id, n.order_id, n.event
        FROM notices.notices AS n JOIN orders.orders AS o ON o.id = n.order_id
        WHERE o.flags @> '[{"code": "no_notices"}]'
        """,
    ),
    Invariant(
        key="N1.under_way",
        says="a notice that is not sent yet is on its way, or stands before a person",
        sql="""
        SELECT n.id AS notice_id, n.order_id, n.status, n.problem
        FROM notices.notices AS n
        LEFT JOIN plumbing.subjects AS s ON s.journey = 'notice' AND s.subject_id = n.id
        WHERE (n.status IN ('queued', 'sending') AND coalesce(s.state IN ('done', 'undone'), true))
           OR (n.status = 'failed' AND coalesce(s.state = 'undone', true))
        """,
    ),
)
