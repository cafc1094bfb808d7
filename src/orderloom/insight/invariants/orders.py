"""Orders: found once, quantities and statuses folded from slices, money recomputable, none stuck."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="O1.natural_key",
        says="a channel's order is there once",
        sql="""
        SELECT channel_id, external_id, count(*) AS times
        FROM orders.orders GROUP BY channel_id, external_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        key="O2.slices",
        says="a line's quantity is the sum of its slices, cancelled ones included",
        sql="""
        SELECT l.order_id, l.id AS line_id, l.quantity, coalesce(sum(s.quantity), 0) AS by_slices
        FROM orders.lines AS l LEFT JOIN orders.slices AS s ON s.line_id = l.id
        WHERE NOT l.is_kit
        GROUP BY l.id HAVING l.quantity <> coalesce(sum(s.quantity), 0)
        """,
    ),
    Invariant(
        key="O2.strays",
        says="what an order, its lines, slices and fulfillment orders refer to is there",
        sql="""
        SELECT o.id AS order_id, NULL::uuid AS line_id, NULL::uuid AS slice_id, NULL AS sku, NULL::uuid AS node_id
        FROM orders.orders AS o LEFT JOIN network.channels AS c ON c.id = o.channel_id WHERE c.id IS NULL
        UNION ALL
        SELECT f.order_id, NULL, NULL, NULL, f.node_id
        FROM orders.fulfillments AS f
        LEFT JOIN orders.orders AS o ON o.id = f.order_id LEFT JOIN network.nodes AS n ON n.id = f.node_id
        WHERE o.id IS NULL OR n.id IS NULL
        UNION ALL
        SELECT l.order_id, l.id, NULL::uuid, l.sku, l.fixed_node_id
        FROM orders.lines AS l
        LEFT JOIN orders.orders AS o ON o.id = l.order_id LEFT JOIN catalog.items AS i USING (sku)
        LEFT JOIN orders.lines AS k ON k.id = l.kit_line_id AND k.order_id = l.order_id
        LEFT JOIN network.nodes AS n ON n.id = l.fixed_node_id
        WHERE o.id IS NULL OR i.sku IS NULL OR (k.id IS NULL AND l.kit_line_id IS NOT NULL)
           OR (n.id IS NULL AND l.fixed_node_id IS NOT NULL)
        UNION ALL
        SELECT s.order_id, s.line_id, s.id, s.sku, s.node_id
        FROM orders.slices AS s
        LEFT JOIN orders.lines AS l ON l.id = s.line_id LEFT JOIN network.nodes AS n ON n.id = s.node_id
        WHERE l.id IS NULL OR (n.id IS NULL AND s.node_id IS NOT NULL)
        """,
    ),
    Invariant(
        key="O2.kits",
        says="a kit's line has component lines, each a whole number of units a kit",
        sql="""
        SELECT k.order_id, k.id AS line_id, k.quantity, l.sku AS component, l.quantity AS component_quantity
        FROM orders.lines AS k LEFT JOIN orders.lines AS l ON l.kit_line_id = k.id
        WHERE k.is_kit AND (l.id IS NULL OR l.quantity % k.quantity <> 0 OR l.order_id <> k.order_id)
        """,
    ),
    Invariant(
        key="O2.returned",
        says="no more of a line comes back than was shipped",
        sql="""
        SELECT r.line_id, r.received, coalesce(s.shipped, 0) AS shipped
        FROM (SELECT line_id, sum(received) AS received FROM returns.lines
              WHERE line_id IS NOT NULL GROUP BY line_id) AS r
        LEFT JOIN (SELECT line_id, sum(quantity) AS shipped FROM orders.slices
                   WHERE rank IN (700, 800) GROUP BY line_id) AS s USING (line_id)
        WHERE r.received > coalesce(s.shipped, 0)
        """,
    ),
    Invariant(
        key="O3.lines",
        says="a line's lowest and highest rank are those of its slices",
        sql="""
        WITH parts AS (
          SELECT line_id, rank FROM orders.slices
          UNION ALL
          SELECT l.kit_line_id, s.rank FROM orders.slices AS s JOIN orders.lines AS l ON l.id = s.line_id
          WHERE l.kit_line_id IS NOT NULL
        ), folded AS (
          SELECT line_id, coalesce(min(rank) FILTER (WHERE rank < 900), 900) AS lowest,
                 coalesce(max(rank) FILTER (WHERE rank < 900), 900) AS highest
          FROM parts GROUP BY line_id
        )
        SELECT l.order_id, l.id AS line_id, l.min_rank, l.max_rank, f.lowest, f.highest
        FROM orders.lines AS l JOIN folded AS f ON f.line_id = l.id
        WHERE (l.min_rank, l.max_rank) IS DISTINCT FROM (f.lowest, f.highest)
        """,
    ),
    Invariant(
        key="O3.fulfillments",
        says="a fulfillment order's lowest and highest rank are those of its slices",
        sql="""
        SELECT f.order_id, f.id AS fulfillment_id, f.min_rank, f.max_rank,
               coalesce(min(s.rank) FILTER (WHERE s.rank < 900), 900) AS lowest,
               coalesce(max(s.rank) FILTER (WHERE s.rank < 900), 900) AS highest
        FROM orders.fulfillments AS f LEFT JOIN orders.slices AS s ON s.fulfillment_id = f.id
        GROUP BY f.id
        HAVING (f.min_rank, f.max_rank) IS DISTINCT FROM
          (coalesce(min(s.rank) FILTER (WHERE s.rank < 900), 900),
           coalesce(max(s.rank) FILTER (WHERE s.rank < 900), 900))
        """,
    ),
    Invariant(
        key="O3.orders",
        says="an order's lowest and highest rank are those of its slices; cancelled is what has every slice cancelled",
        sql="""
        SELECT o.id AS order_id, o.lifecycle, o.min_rank, o.max_rank, f.lowest, f.highest
        FROM orders.orders AS o
        JOIN (
          SELECT order_id, coalesce(min(rank) FILTER (WHERE rank < 900), 900) AS lowest,
                 coalesce(max(rank) FILTER (WHERE rank < 900), 900) AS highest
          FROM orders.slices GROUP BY order_id
        ) AS f ON f.order_id = o.id
        WHERE (o.min_rank, o.max_rank) IS DISTINCT FROM (f.lowest, f.highest)
           OR (o.lifecycle = 'cancelled') <> (f.lowest = 900)
        """,
    ),
    Invariant(
        key="O3.closed",
        says="a closed order has every slice delivered or cancelled",
        sql="""
        SELECT o.id AS order_id, s.id AS slice_id, s.rank
        FROM orders.orders AS o JOIN orders.slices AS s ON s.order_id = o.id
        WHERE o.lifecycle = 'closed' AND s.rank NOT IN (800, 900)
        """,
    ),
    Invariant(
        key="O4.one_place",
        says="a slice belongs to its line's order and stands where its fulfillment order is",
        sql="""
        SELECT s.id AS slice_id, s.order_id, l.order_id AS order_of_line, s.sku, l.sku AS sku_of_line, s.node_id,
               f.node_id AS node_of_fulfillment, f.order_id AS order_of_fulfillment
        FROM orders.slices AS s
        JOIN orders.lines AS l ON l.id = s.line_id
        LEFT JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
        WHERE l.order_id <> s.order_id OR l.sku <> s.sku OR f.order_id <> s.order_id
           OR (s.rank < 900 AND f.node_id <> s.node_id)
        """,
    ),
    Invariant(
        key="O4.able",
        says="a node that is to ship a slice serves its channel and may ship its hazard class",
        sql="""
        SELECT s.id AS slice_id, s.order_id, n.code AS node, c.code AS channel, i.hazmat_class
        FROM orders.slices AS s
        JOIN orders.orders AS o ON o.id = s.order_id
        JOIN network.channels AS c ON c.id = o.channel_id
        JOIN network.nodes AS n ON n.id = s.node_id
        JOIN catalog.items AS i ON i.sku = s.sku
        WHERE s.rank BETWEEN 300 AND 600
          AND ((n.channels IS NOT NULL AND NOT c.code = ANY(n.channels))
               OR (i.hazmat_class IS NOT NULL AND NOT n.ships_hazmat))
        """,
    ),
    Invariant(
        key="O5.stuck",
        says="every open order travels, or waits for a person by a due time",
        sql="""
        SELECT o.id AS order_id, o.number, o.min_rank, o.max_rank
        FROM orders.orders AS o
        WHERE o.lifecycle = 'open'
          AND NOT EXISTS (SELECT FROM plumbing.subjects AS s
                          WHERE s.subject_id = o.id AND s.state IN ('due', 'waiting'))
          AND NOT EXISTS (SELECT FROM plumbing.subjects AS s JOIN orders.fulfillments AS f ON f.id = s.subject_id
                          WHERE f.order_id = o.id AND s.state IN ('due', 'waiting'))
          AND NOT EXISTS (SELECT FROM plumbing.subjects AS s JOIN returns.returns AS r ON r.id = s.subject_id
                          WHERE r.order_id = o.id AND s.state IN ('due', 'waiting'))
          AND NOT EXISTS (SELECT FROM orders.exceptions AS e WHERE e.order_id = o.id AND e.resolved_at IS NULL)
          AND NOT EXISTS (SELECT FROM orders.holds AS h WHERE h.order_id = o.id AND h.cleared_at IS NULL)
        """,
    ),
    Invariant(
        key="O5.parked",
        says="whatever is parked is an open exception",
        sql="""
        SELECT s.journey, s.subject_id, s.step, s.problem
        FROM plumbing.subjects AS s
        LEFT JOIN orders.fulfillments AS f ON f.id = s.subject_id
        LEFT JOIN returns.returns AS r ON r.id = s.subject_id
        WHERE s.state = 'parked'
          AND NOT EXISTS (SELECT FROM orders.exceptions AS e
                          WHERE e.resolved_at IS NULL
                            AND (e.entity_id = s.subject_id OR e.order_id IN (s.subject_id, f.order_id, r.order_id)))
        """,
    ),
    Invariant(
        key="O7.cancelled_or_shipped",
        says="what is cancelled has not shipped; where a carrier took it all the same, a person was told",
        sql="""
        SELECT f.order_id, f.id AS fulfillment_id, o.lifecycle, f.status, p.tracking_number
        FROM orders.fulfillments AS f
        JOIN orders.orders AS o ON o.id = f.order_id
        JOIN delivery.parcels AS p ON p.fulfillment_id = f.id
        WHERE p.first_scan_at IS NOT NULL AND (f.status = 'cancelled' OR o.lifecycle = 'cancelled')
          AND NOT EXISTS (SELECT FROM orders.exceptions AS x
                          WHERE x.entity_id = f.id AND x.kind = 'carried_though_cancelled')
        """,
    ),
    Invariant(
        key="M5.lines",
        says="a line comes to quantity times price, less discount, plus tax",
        sql="""
        SELECT order_id, id AS line_id, quantity, unit_price, discount, tax, total
        FROM orders.lines WHERE NOT is_kit AND kit_line_id IS NULL
          AND total <> quantity * unit_price - discount + tax
        """,
    ),
    Invariant(
        key="M5.orders",
        says="an order comes to its lines, shipping and adjustment",
        sql="""
        SELECT o.id AS order_id, o.total, o.shipping, o.adjustment, coalesce(sum(l.total), 0) AS by_lines
        FROM orders.orders AS o LEFT JOIN orders.lines AS l ON l.order_id = o.id AND NOT l.is_kit
        GROUP BY o.id
        HAVING o.total <> coalesce(sum(l.total), 0) + o.shipping + o.adjustment
            OR o.total <> o.subtotal - o.discount + o.shipping + o.tax + o.adjustment
        """,
    ),
    Invariant(
        key="O5.jobs",
        says="a job's figures are those of its rows, and while it runs a worker has it, or a person",
        sql="""
        SELECT j.id AS job_id, j.state, j.rows, j.created, j.duplicates, j.failed, r.rows AS rows_there, r.settled
        FROM orders.bulk_jobs AS j CROSS JOIN LATERAL (
          SELECT count(*) AS rows, count(outcome) AS settled, count(*) FILTER (WHERE outcome = 'created') AS created,
            count(*) FILTER (WHERE outcome = 'duplicate') AS duplicates
          FROM orders.bulk_rows WHERE job_id = j.id
        ) AS r
        WHERE j.state <> 'receiving' AND (
          (j.rows, j.created, j.duplicates, j.created + j.duplicates + j.failed)
            <> (r.rows, r.created, r.duplicates, r.settled)
          OR (j.ended_at IS NOT NULL AND r.settled < r.rows)
          OR (j.state = 'running' AND NOT EXISTS (
            SELECT FROM plumbing.subjects AS s
            WHERE s.journey = 'job' AND s.subject_id = j.id AND s.state NOT IN ('done', 'undone'))))
        """,
    ),
    # Measured against the latest work of anybody, so that a system that is switched off breaks nothing.
    Invariant(
        key="O9.closed_node",
        says="what a closed node has not begun does not stay there, unless its channel bound it to the node",
        sql="""
        SELECT s.order_id, s.id AS slice_id, n.code AS node, n.closed_since, j.step, j.state
        FROM network.nodes AS n
        JOIN orders.slices AS s ON s.node_id = n.id AND s.rank BETWEEN 200 AND 500
        JOIN orders.lines AS l ON l.id = s.line_id AND l.fixed_node_id IS NULL
        LEFT JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
        JOIN plumbing.subjects AS j ON j.journey = 'order' AND j.subject_id = s.order_id
        WHERE n.closed_since < clock_timestamp() - interval '10 minutes'
          AND coalesce(f.max_rank, 0) < 550 AND coalesce(f.request_status, '') <> 'cancellation_requested'
          AND j.step IN ('reserve', 'route', 'release', 'follow') AND j.state = 'waiting' AND NOT j.undoing
          AND j.updated_at < (SELECT max(updated_at) FROM plumbing.subjects) - interval '10 minutes'
          AND NOT EXISTS (SELECT FROM plumbing.wakes AS w WHERE w.journey = 'order' AND w.subject_id = s.order_id)
        """,
    ),
)
