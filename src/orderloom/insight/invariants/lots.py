"""Lots and absolute counts: units by lot are the balance, and no old word undoes a new one."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="S1.lots",
        says="the units on hand of a tracked item are those of its lots",
        sql="""
        SELECT s.node_id, s.sku, s.on_hand, coalesce(l.units, 0) AS by_lots
        FROM catalog.items AS i JOIN inventory.stock AS s ON s.sku = i.sku
        LEFT JOIN (
          SELECT node_id, sku, sum(on_hand) AS units FROM inventory.lots GROUP BY node_id, sku
        ) AS l ON l.node_id = s.node_id AND l.sku = s.sku
        WHERE i.tracked_by IS NOT NULL AND s.on_hand <> coalesce(l.units, 0)
        """,
    ),
    Invariant(
        key="S1.lot_ledger",
        says="each lot is the sum of its movements",
        sql="""
        SELECT node_id, sku, lot, l.on_hand, m.on_hand AS on_hand_by_ledger, l.allocated,
               m.allocated AS allocated_by_ledger
        FROM inventory.lots AS l
        FULL JOIN (
          SELECT node_id, sku, lot, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated
          FROM inventory.lot_movements GROUP BY node_id, sku, lot
        ) AS m USING (node_id, sku, lot)
        WHERE (coalesce(l.on_hand, 0), coalesce(l.allocated, 0))
          IS DISTINCT FROM (coalesce(m.on_hand, 0), coalesce(m.allocated, 0))
        """,
    ),
    Invariant(
        key="S1.lot_picks",
        says="a lot's allocated units are those that work takes from it and has not shipped",
        sql="""
        SELECT node_id, sku, lot, l.allocated, coalesce(p.units, 0) AS by_picks
        FROM inventory.lots AS l
        LEFT JOIN (
          SELECT node_id, sku, lot, sum(quantity) AS units FROM inventory.lot_picks WHERE NOT shipped
          GROUP BY node_id, sku, lot
        ) AS p USING (node_id, sku, lot)
        WHERE l.allocated <> coalesce(p.units, 0)
        """,
    ),
    Invariant(
        key="S2.lot_picks",
        says="no fulfillment order takes more from lots than it has to ship, nor ships more than it has shipped",
        sql="""
        SELECT p.fulfillment_id, p.line_id, p.shipped, p.units AS from_lots, coalesce(s.units, 0) AS by_slices
        FROM (
          SELECT fulfillment_id, line_id, shipped, sum(quantity) AS units FROM inventory.lot_picks
          GROUP BY fulfillment_id, line_id, shipped
        ) AS p
        LEFT JOIN (
          SELECT fulfillment_id, line_id, rank >= 700 AS shipped, sum(quantity) AS units FROM orders.slices
          WHERE rank BETWEEN 400 AND 800 GROUP BY fulfillment_id, line_id, rank >= 700
        ) AS s USING (fulfillment_id, line_id, shipped)
        WHERE p.units > coalesce(s.units, 0)
        """,
    ),
    Invariant(
        key="S2.lots_for_work",
        says="units handed out to a node are bound to lots, unless none that keeps was free for half an hour",
        sql="""
        SELECT w.node_id, w.sku, w.units, w.bound, l.free
        FROM (
          SELECT s.node_id, s.sku, sum(s.quantity - coalesce(p.units, 0)) AS lacking, sum(s.quantity) AS units,
                 sum(coalesce(p.units, 0)) AS bound
          FROM (
            SELECT node_id, sku, fulfillment_id, line_id, sum(quantity) AS quantity FROM orders.slices
            WHERE rank BETWEEN 400 AND 600 GROUP BY node_id, sku, fulfillment_id, line_id
          ) AS s
          JOIN catalog.items AS i ON i.sku = s.sku AND i.tracked_by IS NOT NULL
          JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id AND f.request_status <> 'unsubmitted'
            AND f.updated_at < clock_timestamp() - interval '30 minutes'
          LEFT JOIN (
            SELECT fulfillment_id, line_id, sum(quantity) AS units FROM inventory.lot_picks WHERE NOT shipped
            GROUP BY fulfillment_id, line_id
          ) AS p USING (fulfillment_id, line_id)
          GROUP BY s.node_id, s.sku
        ) AS w
        JOIN (
          SELECT node_id, sku, sum(on_hand - allocated - expired) AS free FROM inventory.lots
          WHERE updated_at < clock_timestamp() - interval '30 minutes'
            AND coalesce(expires_on > (clock_timestamp() + interval '1 day')::date, true)
          GROUP BY node_id, sku
        ) AS l USING (node_id, sku)
        WHERE w.lacking > 0 AND l.free > 0
        """,
    ),
    Invariant(
        key="S2.serials",
        says="a serial number is one unit at one node",
        sql="""
        SELECT sku, lot AS serial, sum(on_hand) AS units, array_agg(node_id) AS nodes
        FROM inventory.lots WHERE serial GROUP BY sku, lot HAVING sum(on_hand) > 1
        """,
    ),
    Invariant(
        key="S7.in_order",
        says="a source's snapshots of a balance were applied in the order of their moments",
        sql="""
        SELECT node_id, sku, id AS movement_id, reason, as_of, before
        FROM (
          SELECT node_id, sku, id, reason, as_of,
                 max(as_of) OVER (PARTITION BY node_id, sku, reason ORDER BY id
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
          FROM inventory.movements WHERE cause_type = 'snapshot'
        ) AS applied
        WHERE as_of < before
        """,
    ),
    Invariant(
        key="S7.last_word",
        says="what a source said last is what it said of the latest moment",
        sql="""
        SELECT s.source, s.node_id, s.sku, s.as_of, m.as_of AS applied
        FROM inventory.snapshots AS s
        JOIN (
          SELECT node_id, sku, reason, max(as_of) AS as_of FROM inventory.movements WHERE cause_type = 'snapshot'
          GROUP BY node_id, sku, reason
        ) AS m ON m.node_id = s.node_id AND m.sku = s.sku AND m.reason = 'snapshot of ' || s.source
        WHERE coalesce(s.as_of, s.applied_at) < m.as_of
        """,
    ),
)
