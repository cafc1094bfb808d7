"""Stock: conservation, no oversell, summed demand, what channels draw, carts and their end."""

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
        key="S1.tallies",
        says="what the ledger was summed up to is its sum",
        sql="""
        SELECT node_id, sku, kind, t.entries, m.entries AS entries_by_ledger FROM inventory.tallies AS t
        LEFT JOIN LATERAL (
          SELECT count(*) AS entries, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
                 sum(allocated_delta) AS allocated, sum(damaged_delta) AS damaged,
                 sum(quality_control_delta) AS quality_control
          FROM inventory.movements AS m
          WHERE m.node_id = t.node_id AND m.sku = t.sku AND m.kind = t.kind AND m.id <= t.through
        ) AS m ON true
        WHERE (t.entries, t.on_hand, t.reserved, t.allocated, t.damaged, t.quality_control)
          IS DISTINCT FROM (m.entries, m.on_hand, m.reserved, m.allocated, m.damaged, m.quality_control)
        """,
    ),
    Invariant(
        key="S1.reserved",
        says="reserved units are those of slices at rank reserved and of open carts",
        sql="""
        SELECT node_id, sku, coalesce(s.reserved, 0) AS reserved, coalesce(k.units, 0) AS by_claims
        FROM inventory.stock AS s
        FULL JOIN (
          SELECT node_id, sku, sum(quantity) AS units FROM (
            SELECT node_id, sku, quantity FROM orders.slices WHERE rank = 200
            UNION ALL
            SELECT u.node_id, u.sku, u.quantity FROM inventory.reservation_units AS u
            JOIN inventory.reservations AS r ON r.id = u.reservation_id WHERE r.state = 'open'
          ) AS claims GROUP BY node_id, sku
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
        WHERE least(reserved, allocated, damaged, quality_control, on_hand - damaged - quality_control) < 0
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
    Invariant(
        key="S4.drawn",
        says="a channel has drawn no more on its allotment than its orders and open carts have claimed",
        sql="""
        SELECT a.sku, a.channel_id, a.drawn, coalesce(k.units, 0) AS claimed
        FROM inventory.allotments AS a
        LEFT JOIN (
          SELECT sku, channel_id, sum(quantity) AS units FROM (
            SELECT s.sku, o.channel_id, s.quantity
            FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id
            WHERE s.rank BETWEEN 200 AND 800 AND s.sku IN (SELECT sku FROM inventory.allotments)
            UNION ALL
            SELECT u.sku, r.channel_id, u.quantity
            FROM inventory.reservation_units AS u JOIN inventory.reservations AS r ON r.id = u.reservation_id
            WHERE r.state = 'open'
          ) AS claims GROUP BY sku, channel_id
        ) AS k USING (sku, channel_id)
        WHERE a.drawn < 0 OR a.drawn > coalesce(k.units, 0)
        """,
    ),
    Invariant(
        key="S4.shares",
        says="the shares of a SKU that channels have set aside are no more than all of it",
        sql="""
        SELECT sku, sum(permille) AS permille FROM inventory.allotments
        WHERE ends_at IS NULL OR ends_at > clock_timestamp()
        GROUP BY sku HAVING sum(permille) > 1000
        """,
    ),
    Invariant(
        key="S5.ended_once",
        says="by the ledger an open cart keeps exactly its units, and one that has ended keeps none",
        sql="""
        SELECT r.id, r.state, coalesce(m.units, 0) AS by_ledger, coalesce(u.units, 0) AS units
        FROM inventory.reservations AS r
        LEFT JOIN (
          SELECT cause_id, sum(reserved_delta) AS units FROM inventory.movements
          WHERE cause_type = 'reservation' GROUP BY cause_id
        ) AS m ON m.cause_id = r.id
        LEFT JOIN (
          SELECT reservation_id, sum(quantity) AS units FROM inventory.reservation_units GROUP BY reservation_id
        ) AS u ON u.reservation_id = r.id
        WHERE coalesce(m.units, 0) <> CASE r.state WHEN 'open' THEN coalesce(u.units, 0) ELSE 0 END
        """,
    ),
    Invariant(
        key="S5.consumed",
        says="a consumed cart has become an order of its own channel",
        sql="""
        SELECT r.id, r.order_id FROM inventory.reservations AS r JOIN orders.orders AS o ON o.id = r.order_id
        WHERE o.channel_id <> r.channel_id
        """,
    ),
    Invariant(
        key="S6.expired",
        says="no cart outlives its end by more than a minute",
        sql="""
        SELECT id, channel_id, owner, expires_at FROM inventory.reservations
        WHERE state = 'open' AND expires_at < clock_timestamp() - interval '60 seconds'
        """,
    ),
    Invariant(
        key="S6.own",
        says="nobody is in their own way: a buyer has one open cart a channel",
        sql="""
        SELECT channel_id, owner, count(*) AS open FROM inventory.reservations
        WHERE state = 'open' AND owner IS NOT NULL GROUP BY channel_id, owner HAVING count(*) > 1
        """,
    ),
)
