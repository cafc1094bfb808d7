"""Whether a thing is within a reader's scope, by its id: outside of it is the same as not there."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

# Each answers with the order and the node the thing belongs to, where it has them. $1 channels, $2 nodes, $3 the id.
_AT_NODE = "($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR x.node_id = ANY($2))"
_REACH: Mapping[str, str] = {
    "order": f"SELECT o.id AS order_id, NULL::uuid AS node_id FROM orders.orders AS o WHERE o.id = $3 AND {ORDER_IN_SCOPE}",
    "hold": (
        "SELECT x.order_id, NULL::uuid AS node_id FROM orders.holds AS x JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {ORDER_IN_SCOPE}"
    ),
    "exception": (
        "SELECT x.order_id, NULL::uuid AS node_id FROM orders.exceptions AS x "
        "LEFT JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {ORDER_IN_SCOPE}"
    ),
    "fulfillment": (
        "SELECT x.order_id, x.node_id FROM orders.fulfillments AS x JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {_AT_NODE}"
    ),
    "package": (
        "SELECT x.order_id, x.node_id FROM packing.packages AS p JOIN orders.fulfillments AS x ON x.id = p.fulfillment_id "
        f"JOIN orders.orders AS o ON o.id = x.order_id WHERE p.id = $3 AND {_AT_NODE}"
    ),
    "shipment": (
        "SELECT x.order_id, x.node_id FROM shipping.shipments AS x JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {_AT_NODE}"
    ),
    "label": (
        "SELECT l.order_id, x.node_id FROM shipping.labels AS l JOIN orders.orders AS o ON o.id = l.order_id "
        "JOIN LATERAL (SELECT s.node_id FROM shipping.shipments AS s WHERE s.id = l.shipment_id UNION ALL "
        "SELECT r.node_id FROM returns.returns AS r WHERE r.id = l.return_id LIMIT 1) AS x ON true "
        f"WHERE l.id = $3 AND {_AT_NODE}"
    ),
    "return": (
        "SELECT x.order_id, x.node_id FROM returns.returns AS x LEFT JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {_AT_NODE}"
    ),
    "refund": (
        "SELECT x.order_id, NULL::uuid AS node_id FROM payments.refunds AS x JOIN orders.orders AS o ON o.id = x.order_id "
        f"WHERE x.id = $3 AND {ORDER_IN_SCOPE}"
    ),
    "manifest": (
        "SELECT NULL::uuid AS order_id, x.node_id FROM shipping.manifests AS x "
        "WHERE x.id = $3 AND $1::uuid[] IS NULL AND ($2::uuid[] IS NULL OR x.node_id = ANY($2))"
    ),
}


async def reach(db: Db, *, scope: Scope, kind: str, key: UUID) -> Row | None:
    """The thing's order and node; None when there is no such thing, or it is out of reach."""
    return await db.fetchrow(_REACH[kind], scope.channels, scope.nodes, key)
