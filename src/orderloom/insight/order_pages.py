"""Orders and what hangs on them as lists for programs: any filters together, read on by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.insight.search import matching
from orderloom.plumbing.database import Db, Row

# A filter is a condition over one value; `?` is its parameter.
FILTERS: Mapping[str, str] = {
    "status": "o.min_rank <= ?::smallint AND o.max_rank >= ?::smallint",
    "lifecycle": "o.lifecycle = ?::text",
    "payment_status": "o.payment_status = ?::text",
    "return_status": "o.return_status = ?::text",
    "min_rank": "o.min_rank >= ?::smallint",
    "max_rank": "o.max_rank <= ?::smallint",
    "hold": (
        "EXISTS (SELECT 1 FROM orders.holds AS h WHERE h.order_id = o.id AND h.cleared_at IS NULL AND h.type = ?::text)"
    ),
    "tag": "o.tags @> ARRAY[?::text]",
    "channel": "c.code = ?::text",
    "node": (
        "EXISTS (SELECT 1 FROM orders.slices AS s JOIN network.nodes AS n ON n.id = s.node_id "
        "WHERE s.order_id = o.id AND n.code = ?::text)"
    ),
    "sku": "EXISTS (SELECT 1 FROM orders.lines AS l WHERE l.order_id = o.id AND l.sku = ?::text)",
    "external_id": "o.external_id = ?::text",
    "number": "o.number = ?::text",
    "tracking_number": (
        "EXISTS (SELECT 1 FROM shipping.labels AS b WHERE b.order_id = o.id AND b.tracking_number = ?::text)"
    ),
    "customer": "(o.buyer ->> 'email' = lower(?::text) OR o.buyer ->> 'email' = ?::text OR o.buyer ->> 'id' = ?::text)",
    "promised_from": "o.promise_at >= ?::timestamptz",
    "promised_to": "o.promise_at < ?::timestamptz",
    "placed_from": "o.placed_at >= ?::timestamptz",
    "placed_to": "o.placed_at < ?::timestamptz",
    "updated_from": "o.updated_at >= ?::timestamptz",
    "updated_to": "o.updated_at < ?::timestamptz",
    "late": "o.late = ?::bool",
    "open_exceptions": (
        "EXISTS (SELECT 1 FROM orders.exceptions AS e WHERE e.order_id = o.id AND e.resolved_at IS NULL) = ?::bool"
    ),
    # What a text means is looked up first, so that each of its forms goes by an index.
    "text": "o.id = ANY(?::uuid[])",
}
COUNTED_UP_TO = 10_000
Sort = Literal["updated_at", "placed_at"]
_ORDERS = "SELECT o.*, c.code AS channel FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id WHERE "
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id WHERE "
# The sorts there are: newest first, so that the first page is what is wanted most.
_BEYOND: Mapping[str, str] = {"updated_at": "(o.updated_at, o.id) < ", "placed_at": "(o.placed_at, o.id) < "}
_ORDER_BY: Mapping[str, str] = {
    "updated_at": " ORDER BY o.updated_at DESC, o.id DESC LIMIT $3",
    "placed_at": " ORDER BY o.placed_at DESC, o.id DESC LIMIT $3",
}


async def orders(
    db: Db,
    *,
    scope: Scope,
    filters: Mapping[str, Any],
    sort: Sort = "updated_at",
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Orders that match all filters, newest first, one more than `limit` when there is a next page."""
    where, values = _conditions(await _searched(db, filters))
    if before is not None:
        where.append(f"{_BEYOND[sort]}(${len(values) + 4}::timestamptz, ${len(values) + 5}::uuid)")
        values += before
    statement = _ORDERS + " AND ".join(where) + _ORDER_BY[sort]
    return await db.fetch(statement, scope.channels, scope.nodes, limit + 1, *values)


async def count(db: Db, *, scope: Scope, filters: Mapping[str, Any]) -> int:
    """How many orders match, counted no further than COUNTED_UP_TO."""
    where, values = _conditions(await _searched(db, filters))
    statement = _COUNT + " AND ".join(where) + " LIMIT $3) AS counted"
    found: int = await db.fetchval(statement, scope.channels, scope.nodes, COUNTED_UP_TO, *values)
    return found


async def _searched(db: Db, filters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The filters with the orders that a text means in the text's place."""
    text = filters.get("text")
    return {**filters, "text": await matching(db, text=text)} if text else filters


def _conditions(filters: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """The conditions of the filters that are given, and their values, numbered from $4."""
    where: list[str] = [ORDER_IN_SCOPE]
    values: list[Any] = []
    for name, value in filters.items():
        if value is not None:
            where.append("(" + FILTERS[name].replace("?", f"${4 + len(values)}") + ")")
            values.append(value)
    return where, values


_FULFILLMENTS = """
SELECT f.*, n.code AS node, o.number AS order_number, o.service_level, o.priority, o.ship_to,
  p.plan, w.id AS wave_id,
  (SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.line_id, x.rank), '[]') FROM (
     SELECT s.line_id, s.sku, s.rank, sum(s.quantity)::int AS quantity FROM orders.slices AS s
     WHERE s.fulfillment_id = f.id GROUP BY s.line_id, s.sku, s.rank) AS x) AS units
FROM orders.fulfillments AS f JOIN network.nodes AS n ON n.id = f.node_id JOIN orders.orders AS o ON o.id = f.order_id
LEFT JOIN packing.plans AS p ON p.fulfillment_id = f.id
LEFT JOIN packing.wave_fulfillments AS w_f ON w_f.fulfillment_id = f.id LEFT JOIN packing.waves AS w ON w.id = w_f.wave_id
WHERE ($1::uuid[] IS NULL OR o.channel_id = ANY($1)) AND ($2::uuid[] IS NULL OR f.node_id = ANY($2))
  AND ($3::uuid IS NULL OR f.id = $3) AND ($4::text IS NULL OR n.code = $4) AND ($5::text IS NULL OR f.status = $5)
  AND ($6::text IS NULL OR f.request_status = $6) AND ($7::uuid IS NULL OR f.order_id = $7)
  AND ($8::smallint IS NULL OR (f.min_rank <= $8 AND f.max_rank >= $8))
  AND ($9::uuid IS NULL OR f.id > $9)
ORDER BY f.id LIMIT $10
"""


async def fulfillments(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    node: str | None = None,
    status: str | None = None,
    request_status: str | None = None,
    order_id: UUID | None = None,
    rank: int | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Fulfillment orders, oldest first, one more than `limit` when there is a next page."""
    return await db.fetch(
        _FULFILLMENTS,
        scope.channels,
        scope.nodes,
        key,
        node,
        status,
        request_status,
        order_id,
        rank,
        after,
        limit + 1,
    )


_REACHABLE = """
SELECT f.id FROM orders.fulfillments AS f JOIN orders.orders AS o ON o.id = f.order_id
WHERE f.id = ANY($3::uuid[]) AND ($1::uuid[] IS NULL OR o.channel_id = ANY($1))
  AND ($2::uuid[] IS NULL OR f.node_id = ANY($2))
"""


async def reachable(db: Db, *, scope: Scope, fulfillments: Sequence[UUID]) -> set[UUID]:
    """Which of these fulfillment orders are there and within the reader's scope."""
    rows = await db.fetch(_REACHABLE, scope.channels, scope.nodes, list(fulfillments))
    return {row["id"] for row in rows}


_EXCEPTIONS = f"""
SELECT x.*, o.number AS order_number FROM orders.exceptions AS x LEFT JOIN orders.orders AS o ON o.id = x.order_id
WHERE {ORDER_IN_SCOPE} AND ($3::uuid IS NULL OR x.id = $3) AND ($4::text IS NULL OR x.kind = $4)
  AND ($5::bool IS NULL OR (x.resolved_at IS NULL) = $5) AND ($6::uuid IS NULL OR x.order_id = $6)
  AND ($7::uuid IS NULL OR (x.due_at, x.id) > ($8::timestamptz, $7))
ORDER BY x.due_at, x.id LIMIT $9
"""


async def exceptions(
    db: Db,
    *,
    scope: Scope,
    key: UUID | None = None,
    kind: str | None = None,
    still_open: bool | None = None,
    order_id: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Exceptions, the one due first on top, one more than `limit` when there is a next page."""
    due_at, last = after or (None, None)
    return await db.fetch(
        _EXCEPTIONS, scope.channels, scope.nodes, key, kind, still_open, order_id, last, due_at, limit + 1
    )
