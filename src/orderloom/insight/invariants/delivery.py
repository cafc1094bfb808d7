"""Parcels: each event counts once, what they come to is what stands, and arrival is told."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

# The events that show a parcel moving. A delivery that was corrected, or that came after the parcel had turned back to
# its sender, is none.
COUNTED = """
        WITH marks AS (
          SELECT carrier, tracking_number,
                 max(occurred_at) FILTER (WHERE status = 'correction') AS corrected,
                 min(occurred_at) FILTER (WHERE status = 'return_to_sender') AS turned
          FROM delivery.tracking_events GROUP BY 1, 2
        ), counted AS (
          SELECT e.carrier, e.tracking_number, e.occurred_at, e.status
          FROM delivery.tracking_events AS e JOIN marks AS m USING (carrier, tracking_number)
          WHERE e.status IN ('in_transit', 'out_for_delivery', 'attempt_failed', 'available_for_pickup',
                             'return_to_sender')
             OR (e.status = 'delivered' AND e.occurred_at > coalesce(m.corrected, '-infinity')
                 AND e.occurred_at < coalesce(m.turned, 'infinity'))
        )"""

INVARIANTS = (
    Invariant(
        key="P4.once",
        says="a carrier's event is kept once",
        sql="""
        SELECT carrier, tracking_number, code, occurred_at, count(*) AS times
        FROM delivery.tracking_events GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="P4.final",
        says="a parcel is delivered exactly when its events say so: never taken back but by a correction",
        sql=f"""
        {COUNTED}, told AS (
          SELECT carrier, tracking_number, min(occurred_at) AS at FROM counted WHERE status = 'delivered' GROUP BY 1, 2
        )
        SELECT p.carrier, p.tracking_number, p.order_id, p.status, p.delivered_at, t.at AS by_events
        FROM delivery.parcels AS p LEFT JOIN told AS t USING (carrier, tracking_number)
        WHERE p.delivered_at IS DISTINCT FROM t.at OR (p.status = 'delivered') <> (t.at IS NOT NULL)
        """,
    ),
    Invariant(
        key="P4.scanned",
        says="a parcel's first scan is the first event that shows it moving",
        sql=f"""
        {COUNTED}, told AS (SELECT carrier, tracking_number, min(occurred_at) AS at FROM counted GROUP BY 1, 2)
        SELECT p.carrier, p.tracking_number, p.order_id, p.first_scan_at, t.at AS by_events
        FROM delivery.parcels AS p LEFT JOIN told AS t USING (carrier, tracking_number)
        WHERE p.first_scan_at IS DISTINCT FROM t.at
        """,
    ),
    Invariant(
        key="P4.told",
        says="a shipment whose every parcel arrived has been told as delivered",
        sql="""
        SELECT p.fulfillment_id, min(p.order_id::text) AS order_id, count(*) AS parcels
        FROM delivery.parcels AS p WHERE p.fulfillment_id IS NOT NULL
        GROUP BY p.fulfillment_id
        HAVING bool_and(p.status = 'delivered') AND NOT EXISTS (
          SELECT FROM plumbing.events AS e
          WHERE e.entity_id = p.fulfillment_id AND e.entity_id IS DISTINCT FROM e.order_id
            AND e.type = 'shipment.delivered')
        """,
    ),
    Invariant(
        key="P5.dates",
        says="an order's promised dates take one another's place without a gap, and the last is the order's",
        sql="""
        SELECT r.order_id, r.was, r.before, r.promise_at, r.made_at, o.promise_at AS bound
        FROM (SELECT order_id, was, promise_at, made_at,
                     lag(promise_at) OVER mine AS before, lead(promise_at) OVER mine AS after
              FROM orders.repromises WINDOW mine AS (PARTITION BY order_id ORDER BY made_at)) AS r
        JOIN orders.orders AS o ON o.id = r.order_id
        WHERE r.before <> r.was OR (r.after IS NULL AND r.promise_at IS DISTINCT FROM o.promise_at)
        """,
    ),
    Invariant(
        key="P5.told",
        says="of every date that slipped the log tells once, as its buyer was told",
        sql="""
        SELECT r.order_id, r.was, r.promise_at, count(e.id) AS told
        FROM orders.repromises AS r
        LEFT JOIN plumbing.events AS e ON e.order_id = r.order_id AND e.type = 'order.delayed'
          AND (e.data ->> 'promise_at')::timestamptz = r.promise_at
        WHERE r.slip GROUP BY r.order_id, r.was, r.promise_at HAVING count(e.id) <> 1
        """,
    ),
)
