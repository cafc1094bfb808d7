"""Returns: no more than was delivered, statuses that fit what came, stock and money that fit what it became."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="O2.asked_back",
        says="standing returns never ask for more of a line than was shipped",
        sql="""
        SELECT b.line_id, b.units, coalesce(s.shipped, 0) AS shipped
        FROM (SELECT l.line_id, sum(CASE WHEN r.status = 'closed' THEN l.received ELSE l.quantity END) AS units
              FROM returns.lines AS l JOIN returns.returns AS r ON r.id = l.return_id
              WHERE l.line_id IS NOT NULL AND r.status NOT IN ('declined', 'cancelled', 'expired')
              GROUP BY l.line_id) AS b
        LEFT JOIN (SELECT line_id, sum(quantity) AS shipped FROM orders.slices
                   WHERE rank IN (700, 800) GROUP BY line_id) AS s USING (line_id)
        WHERE b.units > coalesce(s.shipped, 0)
        """,
    ),
    Invariant(
        key="O2.same_order",
        says="a return's lines belong to its own order and item",
        sql="""
        SELECT r.id AS return_id, r.order_id, b.id AS return_line_id, l.order_id AS line_of, b.sku, l.sku AS sold
        FROM returns.lines AS b JOIN returns.returns AS r ON r.id = b.return_id
        JOIN orders.lines AS l ON l.id = b.line_id
        WHERE r.order_id IS DISTINCT FROM l.order_id OR b.sku <> l.sku
        """,
    ),
    Invariant(
        key="O3.returns",
        says="a return's status fits what has come of it and what was decided",
        sql="""
        SELECT r.id AS return_id, r.status, sum(l.quantity) AS asked, sum(l.received) AS received
        FROM returns.returns AS r JOIN returns.lines AS l ON l.return_id = r.id
        GROUP BY r.id
        HAVING (r.status IN ('requested', 'open', 'in_transit', 'declined', 'cancelled', 'expired')
                AND sum(l.received) > 0)
            OR (r.status = 'partially_received' AND sum(l.received) = 0)
            OR (r.status = 'received' AND bool_or(l.disposition IS NULL AND l.received < l.quantity))
            OR (r.status IN ('inspected', 'closed') AND bool_or(l.disposition IS NULL))
        """,
    ),
    Invariant(
        key="M3.returns",
        says="what a return pays back is the sum of its lines, and no line that never came pays",
        sql="""
        SELECT r.id AS return_id, r.refund_amount, sum(l.refund) AS by_lines
        FROM returns.returns AS r JOIN returns.lines AS l ON l.return_id = r.id
        GROUP BY r.id
        HAVING coalesce(r.refund_amount, 0) <> sum(l.refund)
            OR bool_or(l.disposition = 'missing' AND l.refund > 0)
        """,
    ),
    Invariant(
        key="S1.returned",
        says="units of a return that has gone its way stand in stock as what they became",
        sql="""
        SELECT l.return_id, l.id AS return_line_id, l.sku, l.disposition, l.stocked_as
        FROM returns.lines AS l
        JOIN plumbing.subjects AS s ON s.subject_id = l.return_id AND s.journey = 'return' AND s.state = 'done'
        JOIN returns.returns AS r ON r.id = l.return_id AND r.status = 'closed'
        WHERE l.received > 0 AND l.disposition <> 'missing' AND l.stocked_as IS DISTINCT FROM l.disposition
        """,
    ),
)
