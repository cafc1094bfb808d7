"""Work: leases are short, the dead's are taken again, attempts are bounded."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="W1.leases",
        says="a lease was granted by a claim, to work that is due, for minutes and not for ever",
        sql="""
        SELECT journey, subject_id, step, state, token, leased_until
        FROM plumbing.subjects
        WHERE leased_until IS NOT NULL
          AND (token = 0 OR state NOT IN ('due', 'paused') OR leased_until > clock_timestamp() + interval '15 minutes')
        """,
    ),
    # Measured against the latest work of anybody, so that a system that is switched off breaks nothing.
    Invariant(
        key="W2.retaken",
        says="a dead worker's subject is taken again while others are worked on",
        sql="""
        SELECT s.journey, s.subject_id, s.step, s.leased_until
        FROM plumbing.subjects AS s
        JOIN (
          SELECT journey, step, max(updated_at) AS latest FROM plumbing.subjects GROUP BY journey, step
        ) AS o USING (journey, step)
        WHERE s.state = 'due' AND s.leased_until < o.latest - interval '10 minutes'
        """,
    ),
    Invariant(
        key="W2.attempts",
        says="attempts are bounded: what has used them up is parked",
        sql="""
        SELECT journey, subject_id, step, attempts, problem
        FROM plumbing.subjects WHERE state IN ('due', 'waiting') AND attempts > 50
        """,
    ),
)
