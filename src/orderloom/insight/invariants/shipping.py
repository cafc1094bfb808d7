"""Parcels: each label bought once and accounted for, each manifest a list of good labels."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="P1.one_label",
        says="a package, and a return, has at most one label that is or may be good",
        sql="""
        SELECT coalesce(package_id, return_id) AS parcel, count(*) AS labels, array_agg(reference) AS labels_references
        FROM shipping.labels WHERE status IN ('requested', 'purchased', 'used', 'unknown')
        GROUP BY coalesce(package_id, return_id) HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="P1.reference",
        says="a label's reference tells its parcel and attempt, so that asking again asks for the same label",
        sql="""
        SELECT id AS label_id, reference FROM shipping.labels
        WHERE reference <> replace(coalesce(package_id, return_id)::text, '-', '') || '-' || attempt
        """,
    ),
    Invariant(
        key="P1.complete",
        says="a bought label has its tracking number and its price",
        sql="""
        SELECT id AS label_id, reference, status, tracking_number, cost, currency FROM shipping.labels
        WHERE status IN ('purchased', 'used') AND (tracking_number IS NULL OR cost IS NULL OR currency IS NULL)
        """,
    ),
    Invariant(
        key="P1.used",
        says="a label is used when its shipment has left, and not before",
        sql="""
        SELECT l.id AS label_id, l.reference, l.status, s.number AS shipment, s.shipped_at
        FROM shipping.labels AS l JOIN shipping.shipments AS s ON s.id = l.shipment_id
        WHERE (s.shipped_at IS NOT NULL AND l.status IN ('requested', 'purchased', 'unknown'))
           OR (s.shipped_at IS NULL AND l.status = 'used')
        """,
    ),
    # A journey that is still under way, or parked where a person sees it, settles its own labels.
    Invariant(
        key="P1.settled",
        says="a label whose work has ended is used or voided, or an exception is open for it",
        sql="""
        SELECT l.id AS label_id, l.reference, l.status, j.state
        FROM shipping.labels AS l
        LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
        JOIN plumbing.subjects AS j
          ON j.journey = CASE l.purpose WHEN 'return' THEN 'return' ELSE 'fulfillment' END
          AND j.subject_id = coalesce(s.fulfillment_id, l.return_id)
        WHERE j.state IN ('done', 'undone')
          AND (l.status IN ('requested', 'unknown') OR (l.status = 'purchased' AND l.purpose = 'outbound'))
          AND NOT EXISTS (
            SELECT FROM orders.exceptions AS x
            WHERE x.resolved_at IS NULL AND x.entity_id IN (l.id, j.subject_id, l.order_id))
        """,
    ),
    Invariant(
        key="P1.cost",
        says="a shipment costs what its labels cost",
        sql="""
        SELECT s.id AS shipment_id, s.number, s.cost, coalesce(sum(l.cost), 0) AS labels_cost
        FROM shipping.shipments AS s
        LEFT JOIN shipping.labels AS l ON l.shipment_id = s.id AND l.status IN ('purchased', 'used')
        GROUP BY s.id HAVING s.cost <> coalesce(sum(l.cost), 0)
        """,
    ),
    Invariant(
        key="P2.once",
        says="a label stands on at most one manifest, once",
        sql="""
        SELECT label_id, count(*) AS times FROM shipping.manifest_labels GROUP BY label_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="P2.good",
        says="a manifest lists bought labels of its own node and carrier",
        sql="""
        SELECT m.number AS manifest, l.id AS label_id, l.status, l.carrier, s.node_id
        FROM shipping.manifest_labels AS x
        JOIN shipping.manifests AS m ON m.id = x.manifest_id
        JOIN shipping.labels AS l ON l.id = x.label_id
        LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
        WHERE l.status NOT IN ('purchased', 'used') OR l.carrier <> m.carrier OR s.node_id IS DISTINCT FROM m.node_id
        """,
    ),
)
