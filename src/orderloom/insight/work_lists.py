"""What people work through: exceptions, fulfillment orders of a node, shipments, manifests, returns, notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.insight.scope import Scope
from orderloom.plumbing.database import Db, Row

_EXCEPTIONS = """
SELECT e.*, o.number, o.currency, o.total, o.buyer ->> 'name' AS buyer, c.code AS channel
FROM orders.exceptions AS e LEFT JOIN orders.orders AS o ON o.id = e.order_id
LEFT JOIN network.channels AS c ON c.id = o.channel_id
WHERE e.resolved_at IS NULL AND ($3 = '' OR e.kind = $3)
  AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR EXISTS (
    SELECT 1 FROM orders.slices AS s WHERE s.order_id = o.id AND s.node_id = ANY($2)))
ORDER BY e.due_at, e.id LIMIT $4
"""
_EXCEPTION = """
SELECT e.id, e.kind, e.order_id, e.entity, e.entity_id, o.number
FROM orders.exceptions AS e LEFT JOIN orders.orders AS o ON o.id = e.order_id
WHERE e.id = $3 AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR EXISTS (
    SELECT 1 FROM orders.slices AS s WHERE s.order_id = o.id AND s.node_id = ANY($2)))
"""
_HOLD = """
SELECT h.id, h.order_id, h.type, o.number FROM orders.holds AS h JOIN orders.orders AS o ON o.id = h.order_id
WHERE h.id = $3 AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR EXISTS (
    SELECT 1 FROM orders.slices AS s WHERE s.order_id = o.id AND s.node_id = ANY($2)))
"""
_FULFILLMENTS = """
SELECT f.*, n.code AS node, n.name AS node_name, o.number AS order_number, o.service_level, o.priority,
  o.ship_to ->> 'city' AS city, o.ship_to ->> 'region' AS region, parts.units, parts.lines, w.number AS wave,
  EXISTS (SELECT 1 FROM orders.holds AS h WHERE h.order_id = o.id AND h.cleared_at IS NULL) AS held
FROM orders.fulfillments AS f JOIN network.nodes AS n ON n.id = f.node_id
JOIN orders.orders AS o ON o.id = f.order_id
LEFT JOIN packing.wave_fulfillments AS wf ON wf.fulfillment_id = f.id
LEFT JOIN packing.waves AS w ON w.id = wf.wave_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(s.quantity), 0)::int AS units, count(DISTINCT s.line_id)::int AS lines
  FROM orders.slices AS s WHERE s.fulfillment_id = f.id AND s.rank < 900) AS parts
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR f.node_id = ANY($2))
  AND ($3 = '' OR n.code = $3)
  AND CASE $4::text
        WHEN 'to_pick' THEN f.min_rank BETWEEN 400 AND 450 AND f.status IN ('open', 'scheduled', 'in_progress')
        WHEN 'picking' THEN f.min_rank = 500 AND f.status IN ('open', 'in_progress')
        WHEN 'to_pack' THEN f.min_rank = 550 AND f.status IN ('open', 'in_progress')
        WHEN 'packed' THEN f.min_rank = 600 AND f.status IN ('open', 'in_progress')
        WHEN 'overdue' THEN f.min_rank BETWEEN 400 AND 600 AND f.ship_by < $5
                            AND f.status IN ('open', 'scheduled', 'in_progress')
        WHEN 'open' THEN f.status IN ('open', 'scheduled', 'in_progress') AND f.min_rank < 700
        ELSE true END
ORDER BY f.ship_by NULLS LAST, f.id LIMIT $6
"""
_FULFILLMENT = """
SELECT f.*, n.code AS node, n.name AS node_name, o.number AS order_number, o.ship_to, o.service_level, o.buyer,
  plans.plan, w.number AS wave
FROM orders.fulfillments AS f JOIN network.nodes AS n ON n.id = f.node_id
JOIN orders.orders AS o ON o.id = f.order_id
LEFT JOIN packing.plans AS plans ON plans.fulfillment_id = f.id
LEFT JOIN packing.wave_fulfillments AS wf ON wf.fulfillment_id = f.id
LEFT JOIN packing.waves AS w ON w.id = wf.wave_id
WHERE f.number = $3 AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR f.node_id = ANY($2))
"""
_PICKS = """
SELECT s.sku, i.name, i.gtin, i.fragile, i.this_side_up, i.hazmat_class, i.ships_alone, i.weight_g,
  sum(s.quantity)::int AS wanted
FROM orders.slices AS s JOIN catalog.items AS i ON i.sku = s.sku
WHERE s.fulfillment_id = $1 AND s.rank < 900
GROUP BY s.sku, i.id ORDER BY s.sku
"""
_STATION_SCANS = """
SELECT kind, code, sku, line_id, quantity, accepted, refusal, actor, scanned_at FROM packing.scans
WHERE fulfillment_id = $1 ORDER BY id DESC LIMIT 50
"""
_SHIPMENTS = """
SELECT s.*, n.code AS node, o.number AS order_number, o.ship_to ->> 'city' AS city, o.ship_to ->> 'region' AS region,
  l.tracking_number, l.status AS label_status, l.id AS label_id, p.status AS parcel_status, p.last_event_at,
  m.number AS manifest
FROM shipping.shipments AS s JOIN network.nodes AS n ON n.id = s.node_id
JOIN orders.orders AS o ON o.id = s.order_id
LEFT JOIN LATERAL (
  SELECT * FROM shipping.labels AS l WHERE l.shipment_id = s.id ORDER BY l.created_at DESC LIMIT 1) AS l ON true
LEFT JOIN delivery.parcels AS p ON p.carrier = l.carrier AND p.tracking_number = l.tracking_number
LEFT JOIN shipping.manifest_labels AS ml ON ml.label_id = l.id
LEFT JOIN shipping.manifests AS m ON m.id = ml.manifest_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR s.node_id = ANY($2))
  AND ($3 = '' OR coalesce(p.status, 'none') = $3)
  AND ($4::uuid IS NULL OR s.id < $4)
ORDER BY s.id DESC LIMIT $5
"""
_MANIFESTS = """
SELECT m.*, n.code AS node, count(ml.label_id)::int AS labels, coalesce(sum(l.cost), 0)::bigint AS cost,
  max(l.currency) AS currency
FROM shipping.manifests AS m JOIN network.nodes AS n ON n.id = m.node_id
LEFT JOIN shipping.manifest_labels AS ml ON ml.manifest_id = m.id
LEFT JOIN shipping.labels AS l ON l.id = ml.label_id
WHERE ($1::uuid[] IS NULL OR m.node_id = ANY($1))
GROUP BY m.id, n.code ORDER BY m.closed_at DESC LIMIT $2
"""
_LABEL = """
SELECT l.id, l.tracking_number FROM shipping.labels AS l JOIN orders.orders AS o ON o.id = l.order_id
LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
LEFT JOIN returns.returns AS r ON r.id = l.return_id
WHERE l.id = $3 AND l.tracking_number IS NOT NULL AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR coalesce(s.node_id, r.node_id) = ANY($2))
"""
_MANIFEST = """
SELECT m.id, m.number, n.address FROM shipping.manifests AS m JOIN network.nodes AS n ON n.id = m.node_id
WHERE m.id = $2 AND ($1::uuid[] IS NULL OR m.node_id = ANY($1))
"""
_RETURNS = """
SELECT r.*, n.code AS node, o.number AS order_number, o.buyer ->> 'name' AS buyer, parts.units, parts.received,
  parts.reasons
FROM returns.returns AS r JOIN network.nodes AS n ON n.id = r.node_id
LEFT JOIN orders.orders AS o ON o.id = r.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(l.quantity), 0)::int AS units, coalesce(sum(l.received), 0)::int AS received,
         array_agg(DISTINCT l.reason) AS reasons
  FROM returns.lines AS l WHERE l.return_id = r.id) AS parts
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR r.node_id = ANY($2))
  AND ($3 = '' OR r.status = $3) AND ($4 = '' OR r.number = $4)
ORDER BY r.created_at DESC, r.id LIMIT $5
"""
_RETURN_LINES = """
SELECT l.*, i.name FROM returns.lines AS l LEFT JOIN catalog.items AS i ON i.sku = l.sku
WHERE l.return_id = $1 ORDER BY l.id
"""
_RETURN_LABELS = "SELECT * FROM shipping.labels WHERE return_id = $1 ORDER BY attempt DESC"
_RETURN_REFUNDS = "SELECT * FROM payments.refunds WHERE return_id = $1 ORDER BY created_at"
_RETURN_EVENTS = """
SELECT id, type, entity, actor, reason, version, data, occurred_at, NULL::text AS node
FROM plumbing.events WHERE entity_id = $1 AND entity_id IS DISTINCT FROM order_id ORDER BY id DESC LIMIT 100
"""
_NOTICES = """
SELECT n.id, n.event, n.channel, n.recipient, n.locale, n.subject, n.status, n.problem, n.sent_at, n.created_at,
  o.number AS order_number
FROM notices.notices AS n JOIN orders.orders AS o ON o.id = n.order_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND $2::uuid[] IS NULL AND ($3 = '' OR n.status = $3)
  AND ($4::uuid IS NULL OR n.id < $4)
ORDER BY n.id DESC LIMIT $5
"""
_NOTICE = """
SELECT n.*, o.number AS order_number FROM notices.notices AS n JOIN orders.orders AS o ON o.id = n.order_id
WHERE n.id = $3 AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND $2::uuid[] IS NULL
"""


async def exceptions(db: Db, *, scope: Scope, kind: str = "", limit: int = 200) -> list[Row]:
    """Open exceptions, the one due first on top."""
    return await db.fetch(_EXCEPTIONS, scope.channels, scope.nodes, kind, limit)


async def exception(db: Db, *, scope: Scope, key: UUID) -> Row | None:
    """One exception, if it is within the reader's scope."""
    return await db.fetchrow(_EXCEPTION, scope.channels, scope.nodes, key)


async def hold(db: Db, *, scope: Scope, key: UUID) -> Row | None:
    """One hold, if it is within the reader's scope."""
    return await db.fetchrow(_HOLD, scope.channels, scope.nodes, key)


async def fulfillments(
    db: Db, *, scope: Scope, now: datetime, node: str = "", show: str = "open", limit: int = 200
) -> list[Row]:
    """Work of the nodes, the one to ship first on top. `show`: open, to_pick, picking, to_pack, packed, overdue, all."""
    return await db.fetch(_FULFILLMENTS, scope.channels, scope.nodes, node, show, now, limit)


async def fulfillment(db: Db, *, scope: Scope, number: str) -> Row | None:
    """One fulfillment order with its packing plan."""
    return await db.fetchrow(_FULFILLMENT, scope.channels, scope.nodes, number)


async def picks(db: Db, *, fulfillment_id: UUID) -> list[Row]:
    """What is to be picked for a fulfillment order, an item a row."""
    return await db.fetch(_PICKS, fulfillment_id)


async def scans(db: Db, *, fulfillment_id: UUID) -> list[Row]:
    """The last scans at a station, newest first."""
    return await db.fetch(_STATION_SCANS, fulfillment_id)


async def shipments(
    db: Db, *, scope: Scope, parcel: str = "", before: UUID | None = None, limit: int = 50
) -> list[Row]:
    """Shipments with their label and parcel, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(_SHIPMENTS, scope.channels, scope.nodes, parcel, before, limit + 1)


async def manifests(db: Db, *, scope: Scope, limit: int = 100) -> list[Row]:
    """Closed manifests, newest first."""
    return await db.fetch(_MANIFESTS, scope.nodes, limit)


async def label(db: Db, *, scope: Scope, key: UUID) -> Row | None:
    """A label that was bought, if it is within the reader's scope."""
    return await db.fetchrow(_LABEL, scope.channels, scope.nodes, key)


async def manifest(db: Db, *, scope: Scope, key: UUID) -> Row | None:
    """A manifest with its node's address."""
    return await db.fetchrow(_MANIFEST, scope.nodes, key)


async def returns(db: Db, *, scope: Scope, status: str = "", number: str = "", limit: int = 200) -> list[Row]:
    """Returns, newest first; all, those of one status, or the one of a number."""
    return await db.fetch(_RETURNS, scope.channels, scope.nodes, status, number, limit)


async def return_parts(db: Db, *, return_id: UUID) -> dict[str, Sequence[Row]]:
    """Lines, labels, refunds and events of one return."""
    return {
        "lines": await db.fetch(_RETURN_LINES, return_id),
        "labels": await db.fetch(_RETURN_LABELS, return_id),
        "refunds": await db.fetch(_RETURN_REFUNDS, return_id),
        "events": await db.fetch(_RETURN_EVENTS, return_id),
    }


async def notices(
    db: Db, *, scope: Scope, status: str = "", before: UUID | None = None, limit: int = 50
) -> list[Row]:
    """Messages to buyers, newest first. A reader bound to nodes sees none: a warehouse needs no addresses of buyers."""
    return await db.fetch(_NOTICES, scope.channels, scope.nodes, status, before, limit + 1)


async def notice(db: Db, *, scope: Scope, key: UUID) -> Row | None:
    """One message with its text."""
    return await db.fetchrow(_NOTICE, scope.channels, scope.nodes, key)
