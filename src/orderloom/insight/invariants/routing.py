"""Sourcing profiles: which version decisions follow is never in doubt, and trials compare like with like."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="O4.one_profile",
        says="at most one version of a sourcing profile is active, and it has passed tests of its own",
        sql="""
        SELECT id, name, version, actives, tested
        FROM (SELECT *, count(*) OVER () AS actives FROM routing.profiles WHERE status = 'active') AS active
        WHERE actives > 1 OR tested IS NULL OR tested = '[]' OR tested @> '[{"passed": false}]'
        """,
    ),
    Invariant(
        key="O4.strays",
        says="a decision is of an order, by a version of a sourcing profile, that are there",
        sql="""
        SELECT d.id, d.order_id, d.profile_id FROM routing.decisions AS d
        LEFT JOIN orders.orders AS o ON o.id = d.order_id LEFT JOIN routing.profiles AS p ON p.id = d.profile_id
        WHERE o.id IS NULL OR (p.id IS NULL AND d.profile_id IS NOT NULL)
        """,
    ),
    Invariant(
        key="O4.decided_by",
        says="a decision follows a version of a sourcing profile only once it has been activated",
        sql="""
        SELECT d.id, d.order_id, p.name, p.version, d.created_at, p.activated_at
        FROM routing.decisions AS d JOIN routing.profiles AS p ON p.id = d.profile_id
        WHERE p.activated_at IS NULL OR p.activated_at > d.created_at
        """,
    ),
    Invariant(
        key="O4.compared",
        says="a trial compares an order's own decision, once it was made",
        sql="""
        SELECT c.trial_id, c.decision_id, c.order_id, d.order_id AS decided_for
        FROM routing.comparisons AS c JOIN routing.decisions AS d ON d.id = c.decision_id
        WHERE c.order_id <> d.order_id OR c.answered_at < d.created_at
        """,
    ),
    Invariant(
        key="O4.held_in_time",
        says="what waits for its rest, to leave in fewer parcels, does not wait beyond the moment that keeps its promise",
        sql="""
        SELECT h.order_id, h.due_at, s.due_at AS looked_at_again
        FROM orders.holds AS h JOIN plumbing.subjects AS s ON s.subject_id = h.order_id AND s.journey = 'order'
        WHERE h.type = 'awaiting_consolidation' AND h.cleared_at IS NULL
          AND h.due_at < clock_timestamp() - interval '30 minutes'
          AND s.step = 'reserve' AND s.state IN ('due', 'waiting')
          AND EXISTS (SELECT FROM orders.slices AS p WHERE p.order_id = h.order_id AND p.rank = 200)
        """,
    ),
)
