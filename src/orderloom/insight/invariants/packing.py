"""Packing: what was scanned is what is packed is what was shipped, and a closed package is no empty shell."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="P3.scanned",
        says="a package holds of each line what was scanned into it, less what was taken out again",
        sql="""
        SELECT coalesce(i.package_id, s.package_id) AS package_id, coalesce(i.line_id, s.line_id) AS line_id,
               coalesce(s.units, 0) AS scanned, coalesce(i.quantity, 0) AS packed
        FROM packing.package_items AS i
        FULL JOIN (
          SELECT package_id, line_id, sum(CASE kind WHEN 'pack' THEN quantity ELSE -quantity END) AS units
          FROM packing.scans WHERE accepted AND kind IN ('pack', 'unpack') GROUP BY package_id, line_id
        ) AS s ON s.package_id = i.package_id AND s.line_id = i.line_id
        WHERE coalesce(s.units, 0) <> coalesce(i.quantity, 0)
        """,
    ),
    Invariant(
        key="P3.shipped",
        says="units ranked packed or beyond are those in the closed packages of their fulfillment order, line by line",
        sql="""
        SELECT coalesce(s.fulfillment_id, p.fulfillment_id) AS fulfillment_id, coalesce(s.line_id, p.line_id) AS line_id,
               coalesce(s.units, 0) AS by_slices, coalesce(p.units, 0) AS by_packages
        FROM (
          SELECT fulfillment_id, line_id, sum(quantity) AS units FROM orders.slices
          WHERE rank BETWEEN 600 AND 800 GROUP BY fulfillment_id, line_id
        ) AS s
        FULL JOIN (
          SELECT b.fulfillment_id, i.line_id, sum(i.quantity) AS units
          FROM packing.package_items AS i JOIN packing.packages AS b ON b.id = i.package_id
          JOIN orders.fulfillments AS f ON f.id = b.fulfillment_id
          -- While a station still packs, closed packages run ahead of the slices: those go together, with the last.
          WHERE b.status = 'packed' AND f.max_rank BETWEEN 600 AND 800
          GROUP BY b.fulfillment_id, i.line_id
        ) AS p ON p.fulfillment_id = s.fulfillment_id AND p.line_id = s.line_id
        WHERE coalesce(s.units, 0) <> coalesce(p.units, 0)
        """,
    ),
    Invariant(
        key="P3.refused",
        says="no more of a line is in packages than was ordered of it",
        sql="""
        SELECT i.line_id, l.quantity AS ordered, sum(i.quantity) AS packed
        FROM packing.package_items AS i
        JOIN packing.packages AS b ON b.id = i.package_id AND b.status <> 'cancelled'
        JOIN orders.lines AS l ON l.id = i.line_id
        GROUP BY i.line_id, l.quantity HAVING sum(i.quantity) > l.quantity
        """,
    ),
    Invariant(
        key="P3.filled",
        says="a closed package has contents, a size and a weight, and only lines of its own order",
        sql="""
        SELECT b.id AS package_id, b.length_mm, b.width_mm, b.height_mm, b.weight_g
        FROM packing.packages AS b
        WHERE b.status = 'packed'
          AND (b.length_mm IS NULL OR b.width_mm IS NULL OR b.height_mm IS NULL OR b.weight_g IS NULL
               OR NOT EXISTS (SELECT FROM packing.package_items AS i WHERE i.package_id = b.id)
               OR EXISTS (SELECT FROM packing.package_items AS i JOIN orders.lines AS l ON l.id = i.line_id
                          WHERE i.package_id = b.id AND (l.order_id <> b.order_id OR l.sku <> i.sku)))
        """,
    ),
    Invariant(
        key="P4.cartons",
        says="no node counts fewer cartons than none",
        sql="SELECT node_id, carton, stock FROM packing.node_cartons WHERE stock < 0",
    ),
    Invariant(
        key="P4.planned",
        says="no parcel that waits to be packed is planned into a carton its node has none of",
        sql="""
        SELECT f.id AS fulfillment_id, f.node_id, parcel ->> 'carton' AS carton
        FROM orders.fulfillments AS f
        JOIN packing.plans AS p ON p.fulfillment_id = f.id
        CROSS JOIN LATERAL jsonb_array_elements(p.plan -> 'parcels') AS parcel
        WHERE f.status IN ('open', 'scheduled', 'in_progress') AND f.min_rank < 600
          AND parcel ->> 'carton' IS NOT NULL
          AND EXISTS (SELECT FROM packing.node_cartons AS n WHERE n.node_id = f.node_id)
          AND NOT EXISTS (SELECT FROM packing.node_cartons AS n
                          WHERE n.node_id = f.node_id AND n.carton = parcel ->> 'carton'
                            AND (n.stock IS NULL OR n.stock > 0))
          AND NOT EXISTS (SELECT FROM packing.packages AS b
                          WHERE b.fulfillment_id = f.id AND b.status = 'packed')
        """,
    ),
)
