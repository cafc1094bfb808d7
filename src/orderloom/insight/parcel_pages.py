"""Shipments, manifests, returns and refunds as lists for programs, read on by key."""

from __future__ import annotations

from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

_SHIPMENTS = """
SELECT s.*, n.code AS node, o.number AS order_number, parcels.parcels
FROM shipping.shipments AS s JOIN network.nodes AS n ON n.id = s.node_id JOIN orders.orders AS o ON o.id = s.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'label_id', l.id, 'package_id', l.package_id, 'label_status', l.status, 'carrier', l.carrier, 'service', l.service,
    'tracking_number', l.tracking_number, 'cost', l.cost, 'currency', l.currency, 'problem', l.problem,
    'tracking_status', p.status, 'delivered_at', p.delivered_at, 'manifest_id', m.manifest_id) ORDER BY l.id), '[]')
    AS parcels
  FROM shipping.labels AS l
  LEFT JOIN delivery.parcels AS p ON p.carrier = l.carrier AND p.tracking_number = l.tracking_number
  LEFT JOIN shipping.manifest_labels AS m ON m.label_id = l.id
  WHERE l.shipment_id = s.id) AS parcels
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR s.node_id = ANY($2))
  AND ($3::uuid IS NULL OR s.id = $3) AND ($4::text IS NULL OR n.code = $4) AND ($5::text IS NULL OR s.carrier = $5)
  AND ($6::uuid IS NULL OR s.order_id = $6)
  AND ($7::text IS NULL OR EXISTS (
    SELECT 1 FROM shipping.labels AS t WHERE t.shipment_id = s.id AND t.tracking_number = $7))
  AND ($8::bool IS NULL OR (s.shipped_at IS NOT NULL) = $8) AND ($9::uuid IS NULL OR s.id < $9)
ORDER BY s.id DESC LIMIT $10
"""


async def shipments(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    node: str | None = None,
    carrier: str | None = None,
    order_id: UUID | None = None,
    tracking_number: str | None = None,
    shipped: bool | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Shipments with their labels and parcels, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(
        _SHIPMENTS,
        scope.channels,
        scope.nodes,
        key,
        node,
        carrier,
        order_id,
        tracking_number,
        shipped,
        before,
        limit + 1,
    )


_SCANS = """
SELECT t.carrier, t.tracking_number, t.code, t.status, t.occurred_at, t.received_at
FROM delivery.tracking_events AS t JOIN shipping.labels AS l
  ON l.carrier = t.carrier AND l.tracking_number = t.tracking_number
WHERE l.shipment_id = $1 ORDER BY t.occurred_at, t.id LIMIT 500
"""


async def scans(db: Db, *, shipment_id: UUID) -> list[Row]:
    """What carriers told of a shipment's parcels, oldest first."""
    return await db.fetch(_SCANS, shipment_id)


_MANIFESTS = """
SELECT m.*, n.code AS node,
  ARRAY(SELECT l.tracking_number FROM shipping.manifest_labels AS x JOIN shipping.labels AS l ON l.id = x.label_id
        WHERE x.manifest_id = m.id ORDER BY l.tracking_number) AS tracking_numbers
FROM shipping.manifests AS m JOIN network.nodes AS n ON n.id = m.node_id
WHERE $1::uuid[] IS NULL AND ($2::uuid[] IS NULL OR m.node_id = ANY($2)) AND ($3::uuid IS NULL OR m.id = $3)
  AND ($4::text IS NULL OR n.code = $4) AND ($5::uuid IS NULL OR m.id < $5)
ORDER BY m.id DESC LIMIT $6
"""


async def manifests(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    node: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Manifests, newest first. One holds parcels of all channels, so a reader bound to some sees none."""
    return await db.fetch(_MANIFESTS, scope.channels, scope.nodes, key, node, before, limit + 1)


_RETURNS = """
SELECT r.*, n.code AS node, o.number AS order_number, lines.lines
FROM returns.returns AS r JOIN network.nodes AS n ON n.id = r.node_id LEFT JOIN orders.orders AS o ON o.id = r.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.id), '[]') AS lines
  FROM returns.lines AS l WHERE l.return_id = r.id) AS lines
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR r.node_id = ANY($2))
  AND ($3::uuid IS NULL OR r.id = $3) AND ($4::text IS NULL OR n.code = $4) AND ($5::text IS NULL OR r.status = $5)
  AND ($6::uuid IS NULL OR r.order_id = $6) AND ($7::uuid IS NULL OR r.id < $7)
ORDER BY r.id DESC LIMIT $8
"""


async def returns(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    node: str | None = None,
    status: str | None = None,
    order_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Returns with their lines, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(
        _RETURNS, scope.channels, scope.nodes, key, node, status, order_id, before, limit + 1
    )


_REFUNDS = f"""
SELECT x.*, o.number AS order_number, coalesce((
  SELECT jsonb_agg(jsonb_build_object('id', t.id, 'status', t.status, 'amount', t.amount, 'currency', t.currency,
    'code', t.code, 'message', t.message, 'resolved_at', t.resolved_at) ORDER BY t.id)
  FROM payments.transactions AS t WHERE t.kind = 'refund' AND t.subject_id = x.id), '[]') AS transactions
FROM payments.refunds AS x JOIN orders.orders AS o ON o.id = x.order_id
WHERE {ORDER_IN_SCOPE} AND ($3::uuid IS NULL OR x.id = $3) AND ($4::uuid IS NULL OR x.order_id = $4)
  AND ($5::uuid IS NULL OR x.return_id = $5) AND ($6::uuid IS NULL OR x.id < $6)
ORDER BY x.id DESC LIMIT $7
"""


async def refunds(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    order_id: UUID | None = None,
    return_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Refunds with their transactions, newest first, one more than `limit` when there is a next page."""
    return await db.fetch(_REFUNDS, scope.channels, scope.nodes, key, order_id, return_id, before, limit + 1)
