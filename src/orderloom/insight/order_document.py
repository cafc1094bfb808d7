"""One order as programs read it: the order with its lines, slices, work, parcels, holds and money."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDocument:
    """The order with what hangs on it, each list in its order."""

    order: Row
    lines: list[Row]
    slices: list[Row]
    fulfillments: list[Row]
    parcels: list[Row]
    holds: list[Row]
    exceptions: list[Row]
    returns: list[Row]
    money: Row


_ORDER = f"""
SELECT o.*, c.code AS channel FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id
WHERE {ORDER_IN_SCOPE} AND o.id = $3
"""
_LINES = """
SELECT l.*, n.code AS node FROM orders.lines AS l LEFT JOIN network.nodes AS n ON n.id = l.fixed_node_id
WHERE l.order_id = $1 ORDER BY l.position
"""
_SLICES = """
SELECT s.*, n.code AS node FROM orders.slices AS s LEFT JOIN network.nodes AS n ON n.id = s.node_id
WHERE s.order_id = $1 ORDER BY s.line_id, s.rank, s.id
"""
_FULFILLMENTS = """
SELECT f.*, n.code AS node FROM orders.fulfillments AS f JOIN network.nodes AS n ON n.id = f.node_id
WHERE f.order_id = $1 ORDER BY f.id
"""
_PARCELS = """
SELECT l.id AS label_id, l.purpose, l.shipment_id, l.package_id, l.return_id, l.carrier, l.service, l.status AS label,
  l.tracking_number, l.cost, l.currency, s.number AS shipment, s.fulfillment_id, p.status, p.first_scan_at, p.delivered_at
FROM shipping.labels AS l LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
LEFT JOIN delivery.parcels AS p ON p.carrier = l.carrier AND p.tracking_number = l.tracking_number
WHERE l.order_id = $1 ORDER BY l.id
"""
_HOLDS = "SELECT * FROM orders.holds WHERE order_id = $1 ORDER BY raised_at, id"
_EXCEPTIONS = (
    "SELECT * FROM orders.exceptions WHERE order_id = $1 AND resolved_at IS NULL ORDER BY due_at, id"
)
_RETURNS = "SELECT id, number, status, created_at FROM returns.returns WHERE order_id = $1 ORDER BY id"
_MONEY = """
SELECT
  coalesce(sum(amount) FILTER (WHERE kind = 'authorize'), 0)::bigint AS authorized,
  coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured,
  coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::bigint AS refunded
FROM payments.transactions WHERE order_id = $1 AND status = 'succeeded'
"""


async def order_document(db: Db, *, scope: Scope, order_id: UUID) -> OrderDocument | None:
    """The order, None when there is none within the reader's scope."""
    order = await db.fetchrow(_ORDER, scope.channels, scope.nodes, order_id)
    if order is None:
        return None
    money = await db.fetchrow(_MONEY, order_id)
    assert money is not None  # noqa: S101 - an aggregate always has its row
    return OrderDocument(
        order=order,
        lines=await db.fetch(_LINES, order_id),
        slices=await db.fetch(_SLICES, order_id),
        fulfillments=await db.fetch(_FULFILLMENTS, order_id),
        parcels=await db.fetch(_PARCELS, order_id),
        holds=await db.fetch(_HOLDS, order_id),
        exceptions=await db.fetch(_EXCEPTIONS, order_id),
        returns=await db.fetch(_RETURNS, order_id),
        money=money,
    )
