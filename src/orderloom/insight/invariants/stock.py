"""Stock: conservation, no oversell, summed demand."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="S1.ledger",
        says="each bucket of stock is the sum of its movements",
        sql="""
        SELECT node_id, sku, s.on_hand, m.on_hand AS on_hand_by_ledger, s.reserved, m.reserved AS reserved_by_ledger,
               s.allocated, m.allocated AS allocated_by_ledger, s.damaged, m.damaged AS damaged_by_ledger,
               s.quality_control, m.quality_control AS quality_control_by_ledger
        FROM inventory.stock AS s
        FULL JOIN (
          SELECT node_id, sku, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
                 sum(allocated_delta) AS allocated, sum(damaged_delta) AS damaged,
                 sum(quality_control_delta) AS quality_control
          FROM inventory.movements GROUP BY node_id, sku
        ) AS m USING (node_id, sku)
        WHERE (coalesce(s.on_hand, 0), coalesce(s.reserved, 0), coalesce(s.allocated, 0), coalesce(s.damaged, 0),
               coalesce(s.quality_control, 0))
          IS DISTINCT FROM
              (coalesce(m.on_hand, 0), coalesce(m.reserved, 0), coalesce(m.allocated, 0), coalesce(m.damaged, 0),
               coalesce(m.quality_control, 0))
        """,
    ),
    Invariant(
        key="S1.reserved",
        says="reserved units are those of slices at rank reserved",
        sql="""
        SELECT node_id, sku, coalesce(s.reserved, 0) AS reserved, coalesce(k.units, 0) AS by_slices
        FROM inventory.stock AS s
        FULL JOIN (
          SELECT node_id, sku, sum(quantity) AS units FROM orders.slices WHERE rank = 200 GROUP BY node_id, sku
        ) AS k USING (node_id, sku)
        WHERE coalesce(s.reserved, 0) <> coalesce(k.units, 0)
        """,
    ),
    Invariant(
        key="S1.allocated",
        says="allocated units are those of slices ranked allocated to packed",
        sql="""
        SELECT node_id, sku, coalesce(s.allocated, 0) AS allocated, coalesce(k.units, 0) AS by_slices
        FROM inventory.stock AS s
        FULL JOIN (
          SELECT node_id, sku, sum(quantity) AS units FROM orders.slices
          WHERE rank BETWEEN 300 AND 600 GROUP BY node_id, sku
        ) AS k USING (node_id, sku)
        WHERE coalesce(s.allocated, 0) <> coalesce(k.units, 0)
        """,
    ),
    Invariant(
        key="S2.oversold",
        says="no more is promised than is there, backorder limit included, and no bucket is below nought",
        sql="""
        SELECT node_id, sku, on_hand, reserved, allocated, damaged, quality_control, backorder_limit
        FROM inventory.stock
        WHERE least(on_hand, reserved, allocated, damaged, quality_control) < 0
           OR reserved + allocated + damaged + quality_control > on_hand + backorder_limit
        """,
    ),
    Invariant(
        key="S2.guard",
        says="the constraint that makes overselling impossible is in force",
        sql="""
        SELECT 'inventory.stock' AS missing_from
        WHERE NOT EXISTS (
          SELECT FROM pg_constraint
          WHERE conrelid = 'inventory.stock'::regclass AND conname = 'never_oversold' AND convalidated
        )
        """,
    ),
    Invariant(
        key="S3.kits_exploded",
        says="stock is kept for what a kit is made of, never for the kit's own line",
        sql="""
        SELECT s.order_id, s.line_id, s.sku, s.quantity
        FROM orders.slices AS s JOIN orders.lines AS l ON l.id = s.line_id
        WHERE l.is_kit
        """,
    ),
)
