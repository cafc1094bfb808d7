"""Webhooks: each event once an endpoint, each attempt logged, none forgotten, no endpoint switched off in silence."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="E3.webhooks",
        says="an event is queued once for an endpoint, and stands in the log",
        sql="""
        SELECT d.webhook_id, d.event_id, count(*) AS times FROM sync.deliveries AS d
        GROUP BY 1, 2 HAVING count(*) > 1
        UNION ALL
        SELECT d.webhook_id, d.event_id, 0 FROM sync.deliveries AS d
        WHERE NOT EXISTS (SELECT FROM plumbing.events AS e WHERE e.event_id = d.event_id AND e.type = d.type)
        """,
    ),
    Invariant(
        key="E1.webhooks",
        says="a delivery that is not made yet is on its way",
        sql="""
        SELECT d.id AS delivery_id, d.webhook_id, d.status
        FROM sync.deliveries AS d
        LEFT JOIN plumbing.subjects AS s ON s.journey = 'webhook' AND s.subject_id = d.id
        WHERE d.status IN ('queued', 'sending') AND coalesce(s.state IN ('done', 'undone'), true)
        """,
    ),
    Invariant(
        key="E1.attempts",
        says="every attempt at a delivery is logged, and what counts as delivered was taken",
        sql="""
        SELECT d.id AS delivery_id, d.webhook_id, d.status, d.attempts, count(a.id) AS logged
        FROM sync.deliveries AS d LEFT JOIN sync.attempts AS a ON a.delivery_id = d.id
        GROUP BY d.id
        HAVING d.attempts > count(a.id)
            OR (d.status = 'delivered' AND count(a.id) FILTER (WHERE a.response BETWEEN 200 AND 299) = 0)
        """,
    ),
    Invariant(
        key="E1.disabled",
        says="an endpoint that is switched off says since when and why, and the log told it",
        sql="""
        SELECT w.id AS webhook_id, w.url, w.disabled_at, w.problem FROM sync.webhooks AS w
        WHERE NOT w.active AND (w.disabled_at IS NULL OR w.problem IS NULL OR NOT EXISTS (
          SELECT FROM plumbing.events AS e
          WHERE e.entity_id = w.id AND e.entity_id IS DISTINCT FROM e.order_id AND e.type = 'webhook.disabled'))
        """,
    ),
)
