"""Supply: every unit on its way is accounted for once, and none is sold ahead beyond what comes."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="S8.received",
        says="units received of supply are those the ledger has brought in for it",
        sql="""
        SELECT s.id, s.reference, l.sku, l.received, coalesce(m.units, 0) AS by_ledger
        FROM inventory.supplies AS s
        JOIN (SELECT supply_id, sku, sum(received) AS received FROM inventory.supply_lines GROUP BY supply_id, sku) AS l
          ON l.supply_id = s.id
        LEFT JOIN (
          SELECT cause_id, node_id, sku, sum(on_hand_delta) AS units FROM inventory.movements
          WHERE cause_type IN ('purchase_order', 'ship_notice', 'transfer') GROUP BY cause_id, node_id, sku
        ) AS m ON m.cause_id = s.id AND m.node_id = s.node_id AND m.sku = l.sku
        WHERE l.received <> coalesce(m.units, 0)
        """,
    ),
    Invariant(
        key="S8.in_transit",
        says="what left for a transfer is in transit, received or lost, and nothing else is",
        sql="""
        SELECT s.id, s.reference, l.sku, l.expected, l.received, l.lost, coalesce(-m.units, 0) AS shipped_by_ledger
        FROM inventory.supplies AS s
        JOIN (SELECT supply_id, sku, sum(expected) AS expected, sum(received) AS received, sum(lost) AS lost
              FROM inventory.supply_lines GROUP BY supply_id, sku) AS l ON l.supply_id = s.id
        LEFT JOIN (
          SELECT cause_id, node_id, sku, sum(on_hand_delta) AS units FROM inventory.movements
          WHERE cause_type = 'transfer' GROUP BY cause_id, node_id, sku
        ) AS m ON m.cause_id = s.id AND m.node_id = s.from_node AND m.sku = l.sku
        WHERE s.kind = 'transfer'
          AND (l.expected <> coalesce(-m.units, 0) OR l.received + l.lost > l.expected
               OR (s.state <> 'open' AND l.received + l.lost < l.expected))
        """,
    ),
    Invariant(
        key="S8.lost",
        says="units are lost only of what has not come, and a closed supply expects nothing",
        sql="""
        SELECT s.id, s.reference, s.state, l.position, l.expected, l.received, l.lost
        FROM inventory.supplies AS s JOIN inventory.supply_lines AS l ON l.supply_id = s.id
        WHERE (l.lost > 0 AND l.received + l.lost > l.expected)
           OR (s.state = 'closed' AND l.received + l.lost < l.expected
               AND NOT EXISTS (SELECT FROM inventory.supply_lines AS a
                               WHERE a.of_supply = l.supply_id AND a.of_position = l.position))
        """,
    ),
    Invariant(
        key="S8.taken_over",
        says="ship notices announce no unit of a purchase order twice",
        sql="""
        SELECT o.id, o.reference, l.position, l.expected, l.received, l.lost, a.announced
        FROM inventory.supplies AS o JOIN inventory.supply_lines AS l ON l.supply_id = o.id
        CROSS JOIN LATERAL (
          SELECT sum(a.expected) FILTER (WHERE n.state = 'open') AS announced,
                 sum(least(a.expected, a.received)) FILTER (WHERE n.state <> 'open') AS brought
          FROM inventory.supply_lines AS a JOIN inventory.supplies AS n ON n.id = a.supply_id
          WHERE a.of_supply = l.supply_id AND a.of_position = l.position
        ) AS a
        WHERE o.state = 'open' AND a.announced > 0
          AND a.announced + coalesce(a.brought, 0) + l.received + l.lost > l.expected
        """,
    ),
    Invariant(
        key="S8.sold_ahead",
        says="units waiting for dated supply are covered by what is there and comes, or a person was asked",
        # Settled means: the reader of the line has had five minutes to see what changed.
        sql="""
        SELECT w.sku, w.units AS waiting, coalesce(h.units, 0) AS here, coalesce(c.units, 0) AS coming
        FROM (
          SELECT s.sku, sum(s.quantity) AS units
          FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id
          JOIN catalog.items AS i ON i.sku = s.sku
          WHERE s.rank = 150 AND i.backorder = 'from_supply' AND o.updated_at < clock_timestamp() - interval '5 minutes'
            AND NOT EXISTS (SELECT FROM orders.exceptions AS e
                            WHERE e.entity_id = o.id AND e.kind = 'out_of_stock' AND e.resolved_at IS NULL)
          GROUP BY s.sku
        ) AS w
        LEFT JOIN (
          SELECT sku, sum(greatest(0, on_hand - damaged - quality_control - reserved - allocated)) AS units
          FROM inventory.stock GROUP BY sku
        ) AS h ON h.sku = w.sku
        LEFT JOIN (SELECT sku, sum(units) AS units FROM inventory.coming GROUP BY sku) AS c ON c.sku = w.sku
        WHERE w.units > coalesce(h.units, 0) + coalesce(c.units, 0)
          AND NOT EXISTS (
            SELECT FROM inventory.supplies AS s JOIN inventory.supply_lines AS l ON l.supply_id = s.id
            WHERE l.sku = w.sku AND s.updated_at >= clock_timestamp() - interval '5 minutes')
        """,
    ),
)
