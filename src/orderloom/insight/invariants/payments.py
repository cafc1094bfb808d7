"""Money: one effect an operation, nothing taken or paid back beyond what was promised or taken, a ledger that balances."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="M1.one_promise",
        says="an intent is authorised at most once",
        sql="""
        SELECT intent_id, count(*) AS authorizations FROM payments.transactions
        WHERE kind = 'authorize' AND status = 'succeeded' GROUP BY intent_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="M1.strays",
        says="an intent is of an order that is there, a transaction of an intent of its order",
        sql="""
        SELECT i.id AS intent_id, i.order_id, i.status, i.amount, i.currency FROM payments.intents AS i
        WHERE NOT EXISTS (SELECT FROM orders.orders AS o WHERE o.id = i.order_id)
        UNION ALL
        SELECT t.intent_id, t.order_id, t.status, t.amount, t.currency FROM payments.transactions AS t
        WHERE NOT EXISTS (SELECT FROM payments.intents AS i WHERE i.id = t.intent_id AND i.order_id = t.order_id)
        """,
    ),
    Invariant(
        key="M1.one_capture",
        says="an intent is captured at most once for a shipment",
        sql="""
        SELECT intent_id, subject_id AS shipment_id, count(*) AS captures FROM payments.transactions
        WHERE kind = 'capture' AND status <> 'failed' GROUP BY intent_id, subject_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="M2.promised",
        says="what an intent was captured and voided for is no more than it was authorised for",
        sql="""
        SELECT intent_id,
               coalesce(sum(amount) FILTER (WHERE kind = 'authorize'), 0) AS authorized,
               coalesce(sum(amount) FILTER (WHERE kind IN ('capture', 'void')), 0) AS taken
        FROM payments.transactions WHERE status = 'succeeded' GROUP BY intent_id
        HAVING coalesce(sum(amount) FILTER (WHERE kind IN ('capture', 'void')), 0)
             > coalesce(sum(amount) FILTER (WHERE kind = 'authorize'), 0)
        """,
    ),
    Invariant(
        key="M2.shipment",
        says="a shipment is captured for no more than its charge",
        sql="""
        SELECT t.subject_id AS shipment_id, sum(t.amount) AS captured, c.amount AS charged
        FROM payments.transactions AS t LEFT JOIN payments.charges AS c ON c.shipment_id = t.subject_id
        WHERE t.kind = 'capture' AND t.status <> 'failed' GROUP BY t.subject_id, c.amount
        HAVING sum(t.amount) > coalesce(c.amount, 0)
        """,
    ),
    Invariant(
        key="M2.lines",
        says="a shipment's charge is the sum of its lines' units, account by account",
        sql="""
        SELECT c.shipment_id, c.amount, sum(l.sales + l.shipping + l.tax + l.adjustment) AS by_lines
        FROM payments.charges AS c JOIN payments.charge_lines AS l USING (shipment_id)
        GROUP BY c.shipment_id
        HAVING (sum(l.sales), sum(l.shipping), sum(l.tax), sum(l.adjustment))
            IS DISTINCT FROM (c.sales, c.shipping, c.tax, c.adjustment)
        """,
    ),
    Invariant(
        key="M2.units",
        says="a unit of a line is charged once, and only if it was ordered",
        sql="""
        SELECT l.line_id, l.shipment_id, l.first_unit, l.last_unit
        FROM (SELECT *, lag(last_unit, 1, 0) OVER (PARTITION BY line_id ORDER BY first_unit) AS before
              FROM payments.charge_lines) AS l
        JOIN orders.lines AS o ON o.id = l.line_id
        WHERE l.first_unit <> l.before OR l.last_unit > o.quantity
        """,
    ),
    Invariant(
        key="M2.whole",
        says="an order whose every unit is charged is charged exactly its total",
        sql="""
        SELECT o.id AS order_id, o.total, c.charged
        FROM orders.orders AS o
        JOIN (SELECT order_id, sum(amount) AS charged FROM payments.charges GROUP BY order_id) AS c ON c.order_id = o.id
        JOIN (SELECT order_id, sum(quantity) AS units FROM orders.lines WHERE NOT is_kit GROUP BY order_id) AS l
          ON l.order_id = o.id
        JOIN (SELECT h.order_id, sum(u.last_unit - u.first_unit) AS units
              FROM payments.charge_lines AS u JOIN payments.charges AS h USING (shipment_id) GROUP BY h.order_id) AS u
          ON u.order_id = o.id
        WHERE u.units = l.units AND c.charged <> o.total
        """,
    ),
    Invariant(
        key="M3.order",
        says="an intent is refunded no more than it was captured for",
        sql="""
        SELECT intent_id, order_id,
               coalesce(sum(amount) FILTER (WHERE kind = 'capture' AND status = 'succeeded'), 0) AS captured,
               sum(amount) FILTER (WHERE kind = 'refund') AS refunded
        FROM payments.transactions WHERE status <> 'failed' GROUP BY intent_id, order_id
        HAVING sum(amount) FILTER (WHERE kind = 'refund')
             > coalesce(sum(amount) FILTER (WHERE kind = 'capture' AND status = 'succeeded'), 0)
        """,
    ),
    Invariant(
        key="M3.line",
        says="a line is refunded no more units and money than it was charged for",
        sql="""
        SELECT r.line_id, r.refunded, c.charged, r.units_back, c.units
        FROM (SELECT line_id, sum(amount) AS refunded, sum(last_unit - first_unit) AS units_back
              FROM payments.refund_lines GROUP BY line_id) AS r
        LEFT JOIN (SELECT line_id, sum(sales + shipping + tax + adjustment) AS charged,
                          sum(last_unit - first_unit) AS units
                   FROM payments.charge_lines GROUP BY line_id) AS c USING (line_id)
        WHERE r.refunded > coalesce(c.charged, 0) OR r.units_back > coalesce(c.units, 0)
        """,
    ),
    Invariant(
        key="M3.once",
        says="a refund is paid no more than was decided",
        sql="""
        SELECT t.subject_id AS refund_id, sum(t.amount) AS paid, r.amount AS decided
        FROM payments.transactions AS t LEFT JOIN payments.refunds AS r ON r.id = t.subject_id
        WHERE t.kind = 'refund' AND t.status <> 'failed' GROUP BY t.subject_id, r.amount
        HAVING sum(t.amount) > coalesce(r.amount, 0)
        """,
    ),
    Invariant(
        key="M4.money",
        says="every operation is of more than nought, in its order's currency",
        sql="""
        SELECT t.id AS transaction_id, t.order_id, t.amount, t.currency, o.currency AS of_order
        FROM payments.transactions AS t JOIN orders.orders AS o ON o.id = t.order_id
        WHERE t.amount <= 0 OR t.currency <> o.currency
        """,
    ),
    Invariant(
        key="M6.balance",
        says="every posting of an order's ledger sums to nought in its currency",
        sql="""
        SELECT order_id, posting_id, currency, sum(amount) AS off_by FROM payments.entries
        GROUP BY order_id, posting_id, currency HAVING sum(amount) <> 0
        """,
    ),
    Invariant(
        key="M6.cash",
        says="cash in the ledger is what gateways took less what they paid back",
        sql="""
        SELECT order_id, coalesce(e.cash, 0) AS by_ledger, coalesce(t.cash, 0) AS by_gateways
        FROM (SELECT order_id, sum(amount) AS cash FROM payments.entries WHERE account = 'cash' GROUP BY order_id) AS e
        FULL JOIN (SELECT order_id, sum(CASE kind WHEN 'capture' THEN amount ELSE -amount END) AS cash
                   FROM payments.transactions WHERE kind IN ('capture', 'refund') AND status = 'succeeded'
                   GROUP BY order_id) AS t USING (order_id)
        WHERE coalesce(e.cash, 0) <> coalesce(t.cash, 0)
        """,
    ),
    Invariant(
        key="M6.revenue",
        says="revenue in the ledger is what captured shipments were charged",
        sql="""
        SELECT c.order_id, sum(c.amount) AS charged, e.revenue
        FROM payments.charges AS c
        JOIN (SELECT order_id, -sum(amount) AS revenue FROM payments.entries
              WHERE account IN ('sales', 'shipping', 'tax', 'adjustment') GROUP BY order_id) AS e USING (order_id)
        GROUP BY c.order_id, e.revenue HAVING e.revenue > sum(c.amount)
        """,
    ),
    Invariant(
        key="M6.unknown",
        says="no operation stays unknown for more than an hour",
        sql="""
        SELECT id AS transaction_id, order_id, kind, status, created_at FROM payments.transactions
        WHERE status IN ('requested', 'unknown') AND created_at < clock_timestamp() - interval '1 hour'
        """,
    ),
    Invariant(
        key="M7.held",
        says="no money stays promised six hours after its order has ended",
        sql="""
        SELECT i.id AS intent_id, i.order_id, o.lifecycle, i.status
        FROM payments.intents AS i JOIN orders.orders AS o ON o.id = i.order_id
        WHERE i.status IN ('authorized', 'replaced') AND o.lifecycle IN ('cancelled', 'closed')
          AND o.updated_at < clock_timestamp() - interval '6 hours'
          AND (SELECT coalesce(sum(CASE t.kind WHEN 'authorize' THEN t.amount WHEN 'refund' THEN 0 ELSE -t.amount END), 0)
               FROM payments.transactions AS t WHERE t.intent_id = i.id AND t.status = 'succeeded') > 0
        """,
    ),
)
