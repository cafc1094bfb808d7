"""Statements on orders, lines, fulfillment orders as stored."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from orderloom.orders.model import Fulfillment, Head, Line, Order, Unverified
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Address

_ORDER = ", ".join(Order.__dataclass_fields__)
_SHIP_TO = list(Order.__dataclass_fields__).index("ship_to")
_LINE = ", ".join(Line.__dataclass_fields__)
_FULFILLMENT = ", ".join(Fulfillment.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class WorksAhead:
    """So many fulfillment orders that leave a node by a service at a moment."""

    carrier: str
    service: str
    node_id: UUID
    ship_by: datetime
    many: int


def _order(row: Row) -> Order:
    columns = list(row)
    columns[_SHIP_TO] = Address.of(columns[_SHIP_TO])
    return Order(*columns)


async def orders_of(db: Db, ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Orders by id; one that is not there is absent."""
    rows = await db.fetch("SELECT " + _ORDER + " FROM orders.orders WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: _order(row) for row in rows}


async def order_id(db: Db, *, channel_id: UUID, external_id: str) -> UUID | None:
    """The order a channel knows under this id."""
    found: UUID | None = await db.fetchval(
        "SELECT id FROM orders.orders WHERE channel_id = $1 AND external_id = $2", channel_id, external_id
    )
    return found


async def heads_of(db: Db, ids: Sequence[UUID]) -> dict[UUID, Head]:
    """The heads of orders by id."""
    rows = await db.fetch(
        "SELECT id, channel_id, priority, min_rank, max_rank FROM orders.orders WHERE id = ANY($1::uuid[])",
        list(ids),
    )
    return {row["id"]: Head(*row.values()) for row in rows}


async def unverified(db: Db, ids: Sequence[UUID]) -> list[Unverified]:
    """These orders as the rules before payment look at them."""
    rows = await db.fetch(
        "SELECT id, channel_id, ship_to, total, decide_as_of FROM orders.orders WHERE id = ANY($1::uuid[])",
        list(ids),
    )
    return [
        Unverified(id_, channel, Address.of(to), total, as_of)
        for id_, channel, to, total, as_of in (row.values() for row in rows)
    ]


async def sellers_of(db: Db, orders: Sequence[UUID]) -> dict[UUID, UUID]:
    """By order the channel that sold it."""
    rows = await db.fetch("SELECT id, channel_id FROM orders.orders WHERE id = ANY($1::uuid[])", list(orders))
    return {row["id"]: row["channel_id"] for row in rows}


async def lines_of(db: Db, orders: Sequence[UUID]) -> dict[UUID, list[Line]]:
    """The lines of orders, in their position, kits' own lines included."""
    rows = await db.fetch(
        "SELECT " + _LINE + " FROM orders.lines WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, position",
        list(orders),
    )
    lines: dict[UUID, list[Line]] = defaultdict(list)
    for row in rows:
        lines[row["order_id"]].append(Line(*row))
    return lines


async def fulfillments_of(
    db: Db, *, ids: Sequence[UUID] = (), orders: Sequence[UUID] = ()
) -> dict[UUID, Fulfillment]:
    """Fulfillment orders by their own ids or by their orders."""
    rows = await (
        db.fetch("SELECT " + _FULFILLMENT + " FROM orders.works_of($1) ORDER BY id", list(orders))
        if orders
        else db.fetch(
            "SELECT " + _FULFILLMENT + " FROM orders.fulfillments WHERE id = ANY($1::uuid[]) ORDER BY id",
            list(ids),
        )
    )
    return {row["id"]: Fulfillment(**dict(row)) for row in rows}


async def released_since(db: Db, *, starts: Mapping[UUID, datetime]) -> dict[UUID, int]:
    """How many fulfillment orders each node got since its moment, those given up left out."""
    rows = await db.fetch(
        "SELECT f.node_id, count(*)::int AS works FROM orders.fulfillments AS f "
        "JOIN unnest($1::uuid[], $2::timestamptz[]) AS t (node_id, since) USING (node_id) "
        "WHERE f.created_at >= t.since AND f.status <> 'cancelled' GROUP BY f.node_id",
        list(starts),
        list(starts.values()),
    )
    return {row["node_id"]: row["works"] for row in rows}


async def open_at(db: Db, *, node: UUID) -> list[UUID]:
    """The fulfillment orders that a node has still to end."""
    rows = await db.fetch(
        "SELECT id FROM orders.fulfillments "
        "WHERE node_id = $1 AND status IN ('open', 'scheduled', 'in_progress') ORDER BY id",
        node,
    )
    return [row["id"] for row in rows]


async def works_ahead(db: Db, *, carriers: Sequence[str], since: datetime) -> list[WorksAhead]:
    """Work under way that carriers are to take from then on, counted by service, node and handover."""
    rows = await db.fetch(
        "SELECT carrier, service, node_id, ship_by, count(*)::int AS many FROM orders.fulfillments "
        "WHERE status IN ('open', 'scheduled', 'in_progress') AND ship_by >= $2 AND carrier = ANY($1::text[]) "
        "AND service IS NOT NULL GROUP BY carrier, service, node_id, ship_by",
        list(carriers),
        since,
    )
    return [WorksAhead(**row) for row in rows]


async def lock_fulfillments(db: Db, ids: Sequence[UUID]) -> dict[UUID, Fulfillment]:
    """Fulfillment orders, locked in key order, their orders locked before them."""
    await db.execute(
        "SELECT 1 FROM orders.orders WHERE id IN (SELECT order_id FROM orders.fulfillments WHERE id = ANY($1::uuid[]))"
        " ORDER BY id FOR NO KEY UPDATE",
        list(ids),
    )
    rows = await db.fetch(
        "SELECT "
        + _FULFILLMENT
        + " FROM orders.fulfillments WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        list(ids),
    )
    return {row["id"]: Fulfillment(**dict(row)) for row in rows}


NEW_FULFILLMENT = (
    "id", "order_id", "node_id", "decision_id", "carrier", "service", "planned_cost", "ship_by"
)  # fmt: skip


async def insert_fulfillments(db: Db, works: Sequence[Mapping[str, Any]]) -> None:
    """Store new fulfillment orders; each gets its number."""
    await db.copy_records_to_table(
        "fulfillments",
        schema_name="orders",
        columns=NEW_FULFILLMENT,
        records=map(itemgetter(*NEW_FULFILLMENT), works),
    )


async def set_request_status(db: Db, ids: Sequence[UUID], status: str) -> None:
    """Note where the talk with the node stands."""
    await db.execute(
        "UPDATE orders.fulfillments SET request_status = $2, version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[])",
        list(ids),
        status,
    )


async def add_cancellation_requests(db: Db, units: Mapping[tuple[UUID, UUID], int]) -> None:
    """Note units by (fulfillment order, line) that a node is asked to let go, on top of those asked for before."""
    await db.execute(
        "INSERT INTO orders.cancellation_requests AS r (fulfillment_id, line_id, quantity) "
        "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[]) "
        "ON CONFLICT (fulfillment_id, line_id) DO UPDATE SET quantity = r.quantity + excluded.quantity",
        [work for work, _ in units],
        [line for _, line in units],
        list(units.values()),
    )


async def cancellation_requests(db: Db, works: Sequence[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Units by (fulfillment order, line) that nodes were asked to let go and have not answered for."""
    rows = await db.fetch(
        "SELECT fulfillment_id, line_id, quantity FROM orders.cancellation_requests "
        "WHERE fulfillment_id = ANY($1::uuid[])",
        list(works),
    )
    return {(row["fulfillment_id"], row["line_id"]): row["quantity"] for row in rows}


async def drop_cancellation_requests(db: Db, works: Sequence[UUID]) -> None:
    """They are answered."""
    await db.execute(
        "DELETE FROM orders.cancellation_requests WHERE fulfillment_id = ANY($1::uuid[])", list(works)
    )


async def set_payment_status(db: Db, statuses: Mapping[UUID, str]) -> list[Row]:
    """Note the payment axis; returns (id, version, channel_id) of the orders it changed."""
    return await db.fetch(
        "UPDATE orders.orders AS o SET payment_status = t.status, version = o.version + 1, "
        "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::text[]) AS t (id, status) "
        "WHERE o.id = t.id AND o.payment_status <> t.status RETURNING o.id, o.version, o.channel_id",
        list(statuses),
        list(statuses.values()),
    )


async def set_return_status(db: Db, statuses: Mapping[UUID, str]) -> list[Row]:
    """Note the return axis; a return under way opens a closed order again. Returns (id, version, channel_id)."""
    return await db.fetch(
        "UPDATE orders.orders AS o SET return_status = t.status, version = o.version + 1, "
        "lifecycle = CASE WHEN t.status IN ('requested', 'open') AND o.lifecycle = 'closed' THEN 'open' "
        "ELSE o.lifecycle END, updated_at = clock_timestamp() "
        "FROM unnest($1::uuid[], $2::text[]) AS t (id, status) "
        "WHERE o.id = t.id AND o.return_status <> t.status RETURNING o.id, o.version, o.channel_id",
        list(statuses),
        list(statuses.values()),
    )


async def set_delivered(db: Db, delivered: Mapping[UUID, datetime]) -> list[Row]:
    """Note when the last parcel came, and whether that was after the date first promised, for a slip kept none.

    Returns (id, version, channel_id).
    """
    return await db.fetch(
        "UPDATE orders.orders AS o SET delivered_at = t.at, late = coalesce(t.at > least(o.promise_at, ("
        "SELECT min(r.was) FROM orders.repromises AS r WHERE r.order_id = o.id AND r.slip)), false), "
        "version = o.version + 1, updated_at = clock_timestamp() "
        "FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at) "
        "WHERE o.id = t.id AND o.delivered_at IS NULL RETURNING o.id, o.version, o.channel_id",
        list(delivered),
        list(delivered.values()),
    )


async def set_late(db: Db, orders: Sequence[UUID]) -> list[Row]:
    """Flag orders whose promise will not be kept; returns (id, version, channel_id) of those newly flagged."""
    return await db.fetch(
        "UPDATE orders.orders SET late = true, version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) AND NOT late RETURNING id, version, channel_id",
        list(orders),
    )


async def close(db: Db, orders: Sequence[UUID]) -> list[Row]:
    """Close orders that are open; returns (id, version, channel_id)."""
    return await db.fetch(
        "UPDATE orders.orders SET lifecycle = 'closed', version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) AND lifecycle = 'open' RETURNING id, version, channel_id",
        list(orders),
    )


async def edit(db: Db, edits: Mapping[UUID, tuple[Sequence[str] | None, int | None]]) -> list[Row]:
    """Set orders' tags and priority, None keeps them; returns (id, version, channel_id)."""
    return await db.fetch(
        "UPDATE orders.orders AS o SET priority = coalesce(t.priority, o.priority), tags = CASE WHEN t.tags IS NULL "
        "THEN o.tags ELSE ARRAY(SELECT jsonb_array_elements_text(t.tags::jsonb)) END, version = o.version + 1, "
        "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::text[], $3::smallint[]) AS t (id, tags, priority) "
        "WHERE o.id = t.id RETURNING o.id, o.version, o.channel_id",
        list(edits),
        [None if tags is None else json.dumps(list(tags)) for tags, _ in edits.values()],
        [priority for _, priority in edits.values()],
    )
