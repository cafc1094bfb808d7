"""All there is to know about one order, for its page and for the panel beside the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orderloom.insight.order_promise import OrderPromise, order_promise
from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row
from orderloom.routing.store import decisions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """The order with everything that hangs on it; each list in the order it is read."""

    order: Row
    promise: OrderPromise
    lines: list[Row]
    slices: list[Row]
    fulfillments: list[Row]
    shipments: list[Row]
    packages: list[Row]
    parcels: list[Row]
    scans: list[Row]
    intents: list[Row]
    transactions: list[Row]
    entries: list[Row]
    decisions: list[dict[str, Any]]
    holds: list[Row]
    exceptions: list[Row]
    returns: list[Row]
    notices: list[Row]
    events: list[Row]
    subjects: list[Row]


_ORDER = f"""
SELECT o.*, o.body_hash IS NOT NULL AS known, c.code AS channel, c.name AS channel_name, c.edit_rules
FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id
WHERE {ORDER_IN_SCOPE} AND o.number = $3
"""
_LINES = """
SELECT l.*, n.code AS fixed_node, i.weight_g, i.fragile, i.hazmat_class, i.this_side_up
FROM orders.lines AS l LEFT JOIN network.nodes AS n ON n.id = l.fixed_node_id
LEFT JOIN catalog.items AS i ON i.sku = l.sku
WHERE l.order_id = $1 ORDER BY l.position
"""
_SLICES = """
SELECT s.id, s.line_id, s.sku, s.quantity, s.rank, n.code AS node, f.number AS fulfillment
FROM orders.slices AS s LEFT JOIN network.nodes AS n ON n.id = s.node_id
LEFT JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
WHERE s.order_id = $1 ORDER BY s.rank, f.number
"""
_FULFILLMENTS = """
SELECT f.*, n.code AS node, n.name AS node_name,
  (SELECT coalesce(sum(s.quantity), 0)::int FROM orders.slices AS s WHERE s.fulfillment_id = f.id AND s.rank < 900)
    AS units
FROM orders.fulfillments AS f JOIN network.nodes AS n ON n.id = f.node_id
WHERE f.order_id = $1 ORDER BY f.number
"""
_SHIPMENTS = """
SELECT s.*, n.code AS node, f.number AS fulfillment
FROM shipping.shipments AS s JOIN network.nodes AS n ON n.id = s.node_id
JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
WHERE s.order_id = $1 ORDER BY s.number
"""
_PACKAGES = """
SELECT p.*, f.number AS fulfillment, c.name AS carton_name, c.inner_mm, plans.plan,
  ARRAY(SELECT i.quantity || ' × ' || i.sku FROM packing.package_items AS i WHERE i.package_id = p.id ORDER BY i.sku)
    AS contents,
  l.id AS label_id, l.status AS label_status, l.tracking_number, l.carrier, l.service, l.cost AS label_cost,
  l.currency AS label_currency, l.problem AS label_problem, l.shipment_id
FROM packing.packages AS p JOIN orders.fulfillments AS f ON f.id = p.fulfillment_id
LEFT JOIN packing.cartons AS c ON c.code = p.carton
LEFT JOIN packing.plans AS plans ON plans.fulfillment_id = p.fulfillment_id
LEFT JOIN LATERAL (
  SELECT * FROM shipping.labels AS l WHERE l.package_id = p.id ORDER BY l.attempt DESC LIMIT 1) AS l ON true
WHERE p.order_id = $1 ORDER BY f.number, p.sequence
"""
_PARCELS = """
SELECT p.*, proof.kind AS proof, proof.signed_by
FROM delivery.parcels AS p
LEFT JOIN LATERAL (
  SELECT d.kind, d.signed_by FROM delivery.proofs AS d
  WHERE d.carrier = p.carrier AND d.tracking_number = p.tracking_number ORDER BY d.taken_at DESC LIMIT 1
) AS proof ON true
WHERE p.order_id = $1 ORDER BY p.created_at
"""
_SCANS = """
SELECT t.carrier, t.tracking_number, t.code, t.status, t.occurred_at, t.raw
FROM delivery.tracking_events AS t JOIN delivery.parcels AS p USING (carrier, tracking_number)
WHERE p.order_id = $1 ORDER BY t.occurred_at DESC, t.id DESC LIMIT 200
"""
_INTENTS = "SELECT * FROM payments.intents WHERE order_id = $1 ORDER BY sequence"
_TRANSACTIONS = """
SELECT t.*, i.method, i.gateway FROM payments.transactions AS t JOIN payments.intents AS i ON i.id = t.intent_id
WHERE t.order_id = $1 ORDER BY t.created_at, t.id
"""
_ENTRIES = """
SELECT account, currency, sum(amount)::bigint AS amount, count(*)::int AS count FROM payments.entries
WHERE order_id = $1 GROUP BY account, currency ORDER BY account
"""
_HOLDS = "SELECT * FROM orders.holds WHERE order_id = $1 ORDER BY cleared_at IS NOT NULL, raised_at DESC"
_EXCEPTIONS = """
SELECT * FROM orders.exceptions WHERE order_id = $1 ORDER BY resolved_at IS NOT NULL, opened_at DESC
"""
_RETURNS = """
SELECT r.*, n.code AS node, (SELECT coalesce(sum(l.quantity), 0)::int FROM returns.lines AS l WHERE l.return_id = r.id)
  AS units
FROM returns.returns AS r JOIN network.nodes AS n ON n.id = r.node_id WHERE r.order_id = $1 ORDER BY r.number
"""
_NOTICES = """
SELECT id, event, channel, recipient, subject, status, problem, sent_at, created_at
FROM notices.notices WHERE order_id = $1 ORDER BY created_at DESC
"""
_EVENTS = """
SELECT e.id, e.type, e.entity, e.actor, e.reason, e.version, e.data, e.occurred_at, n.code AS node
FROM plumbing.events AS e LEFT JOIN network.nodes AS n ON n.id = e.node_id
WHERE e.order_id = $1 ORDER BY e.id DESC LIMIT $2
"""
_SUBJECTS = """
SELECT t.journey, t.subject_id, t.step, t.state, t.undoing, t.due_at, t.attempts, t.awaiting, t.problem, f.number
FROM plumbing.subjects AS t LEFT JOIN orders.fulfillments AS f ON f.id = t.subject_id
WHERE t.subject_id IN (SELECT $1::uuid UNION ALL SELECT id FROM orders.fulfillments WHERE order_id = $1
                       UNION ALL SELECT id FROM returns.returns WHERE order_id = $1)
ORDER BY t.created_at, t.journey
"""
TIMELINE_MAX = 300


async def find(db: Db, *, scope: Scope, number: str) -> Row | None:
    """The order of that number, None when there is none within the reader's scope."""
    return await db.fetchrow(_ORDER, scope.channels, scope.nodes, number)


async def order_page(db: Db, *, scope: Scope, number: str) -> OrderPage | None:
    """The whole page, None when there is no such order within the reader's scope."""
    order = await find(db, scope=scope, number=number)
    if order is None:
        return None
    key: UUID = order["id"]
    promise = await order_promise(db, order_id=key)
    assert promise is not None  # noqa: S101 - the order was found just above
    return OrderPage(
        order=order,
        promise=promise,
        lines=await db.fetch(_LINES, key),
        slices=await db.fetch(_SLICES, key),
        fulfillments=await db.fetch(_FULFILLMENTS, key),
        shipments=await db.fetch(_SHIPMENTS, key),
        packages=await db.fetch(_PACKAGES, key),
        parcels=await db.fetch(_PARCELS, key),
        scans=await db.fetch(_SCANS, key),
        intents=await db.fetch(_INTENTS, key),
        transactions=await db.fetch(_TRANSACTIONS, key),
        entries=await db.fetch(_ENTRIES, key),
        decisions=await decisions_of(db, key),
        holds=await db.fetch(_HOLDS, key),
        exceptions=await db.fetch(_EXCEPTIONS, key),
        returns=await db.fetch(_RETURNS, key),
        notices=await db.fetch(_NOTICES, key),
        events=await db.fetch(_EVENTS, key, TIMELINE_MAX),
        subjects=await db.fetch(_SUBJECTS, key),
    )


async def subjects(db: Db, *, order_id: UUID) -> list[Row]:
    """Where the order, its fulfillment orders and its returns stand on their journeys."""
    return await db.fetch(_SUBJECTS, order_id)
