"""The list of orders: views with counts, filters that combine, search, pages by key and never by offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

COUNTED_UP_TO = 10_000
PAGE_MAX = 200

# A view is a named condition; the tabs stand in this order.
VIEWS: Mapping[str, str] = {
    "all": "true",
    "open": "o.lifecycle = 'open'",
    "attention": "EXISTS (SELECT 1 FROM orders.exceptions e WHERE e.order_id = o.id AND e.resolved_at IS NULL)",
    "held": "o.lifecycle = 'open' AND EXISTS (SELECT 1 FROM orders.holds h WHERE h.order_id = o.id AND h.cleared_at IS NULL)",
    "backordered": "o.lifecycle = 'open' AND o.min_rank BETWEEN 110 AND 150",
    "to_route": "o.lifecycle = 'open' AND o.min_rank IN (100, 200, 300)",
    "at_nodes": "o.lifecycle = 'open' AND o.max_rank >= 400 AND o.min_rank BETWEEN 400 AND 600",
    "on_the_way": "o.lifecycle = 'open' AND o.min_rank = 700",
    "delivered": "o.min_rank = 800",
    "late": "o.late AND o.lifecycle = 'open'",
    "cancelled": "o.lifecycle = 'cancelled'",
}

# A filter is a condition over one array of values: the values of one are OR-ed, the filters AND-ed. `?` is its parameter.
FILTERS: Mapping[str, str] = {
    "lifecycle": "o.lifecycle = ANY(?::text[])",
    "status": "o.min_rank = ANY(?::text[]::smallint[])",
    "payment": "o.payment_status = ANY(?::text[])",
    "return": "o.return_status = ANY(?::text[])",
    "channel": "o.channel_id IN (SELECT id FROM network.channels WHERE code = ANY(?::text[]))",
    "node": (
        "EXISTS (SELECT 1 FROM orders.slices s JOIN network.nodes n ON n.id = s.node_id "
        "WHERE s.order_id = o.id AND n.code = ANY(?::text[]))"
    ),
    "tag": "o.tags && ?::text[]",
    "hold": (
        "EXISTS (SELECT 1 FROM orders.holds h WHERE h.order_id = o.id AND h.cleared_at IS NULL "
        "AND h.type = ANY(?::text[]))"
    ),
    "exception": (
        "EXISTS (SELECT 1 FROM orders.exceptions e WHERE e.order_id = o.id AND e.resolved_at IS NULL "
        "AND e.kind = ANY(?::text[]))"
    ),
    "service": "o.service_level = ANY(?::text[])",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """What to list: a view, filters by name, a span of time in which the orders were placed.

    `among` are the orders a search has found; None is no search.
    """

    view: str = "all"
    among: Sequence[UUID] | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ends: the next one begins after it."""

    placed_at: datetime
    id: UUID


_HEAD = "WITH page AS (SELECT o.id, o.placed_at FROM orders.orders AS o WHERE " + ORDER_IN_SCOPE + " AND "
_TAIL = """
  ORDER BY o.placed_at DESC, o.id DESC LIMIT $3)
SELECT o.id, o.number, o.external_id, c.code AS channel, o.placed_at, o.currency, o.total, o.lifecycle, o.min_rank,
       o.max_rank, o.payment_status, o.return_status, o.late, o.promise_at, o.delivered_at, o.tags, o.service_level,
       o.buyer ->> 'name' AS buyer, o.ship_to ->> 'city' AS city, o.ship_to ->> 'region' AS region,
       o.ship_to ->> 'country' AS country, parts.units, parts.nodes, overlays.holds, overlays.exceptions
FROM page JOIN orders.orders AS o USING (id) JOIN network.channels AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(s.quantity), 0)::int AS units,
         array_remove(array_agg(DISTINCT n.code ORDER BY n.code), NULL) AS nodes
  FROM orders.slices AS s LEFT JOIN network.nodes AS n ON n.id = s.node_id WHERE s.order_id = o.id
) AS parts
CROSS JOIN LATERAL (
  SELECT ARRAY(SELECT h.type FROM orders.holds AS h WHERE h.order_id = o.id AND h.cleared_at IS NULL) AS holds,
         ARRAY(SELECT e.kind FROM orders.exceptions AS e WHERE e.order_id = o.id AND e.resolved_at IS NULL)
           AS exceptions
) AS overlays
ORDER BY o.placed_at DESC, o.id DESC
"""
_COUNT_HEAD = "SELECT count(*) FROM (SELECT 1 FROM orders.orders AS o WHERE " + ORDER_IN_SCOPE + " AND "
_COUNT_TAIL = " LIMIT $3) AS counted"


async def page(
    db: Db, *, scope: Scope, query: OrderQuery, after: Key | None = None, limit: int = 50
) -> list[Row]:
    """Orders that match, newest first, one more than `limit` when there is a next page."""
    conditions, values = _conditions(query, first=4)
    if after is not None:
        conditions.append(
            f"(o.placed_at, o.id) < (${len(values) + 4}::timestamptz, ${len(values) + 5}::uuid)"
        )
        values += [after.placed_at, after.id]
    statement = _HEAD + " AND ".join(conditions) + _TAIL
    return await db.fetch(statement, scope.channels, scope.nodes, min(limit, PAGE_MAX) + 1, *values)


async def counts(db: Db, *, scope: Scope, query: OrderQuery) -> dict[str, int]:
    """How many orders each view would show under the same filters, counted no further than COUNTED_UP_TO + 1."""
    found = {}
    for view in VIEWS:
        conditions, values = _conditions(replace(query, view=view), first=4)
        statement = _COUNT_HEAD + " AND ".join(conditions) + _COUNT_TAIL
        found[view] = await db.fetchval(statement, scope.channels, scope.nodes, COUNTED_UP_TO + 1, *values)
    return found


def _conditions(query: OrderQuery, *, first: int) -> tuple[list[str], list[Any]]:
    """Conditions from the tables above and the values of their parameters, numbered from `first`."""
    conditions = [VIEWS[query.view]]
    values: list[Any] = []
    for name, wanted in query.filters.items():
        if wanted:
            conditions.append(FILTERS[name].replace("?", f"${first + len(values)}"))
            values.append(list(wanted))
    for condition, moment in (
        ("o.placed_at >= ?::timestamptz", query.placed_from),
        ("o.placed_at < ?::timestamptz", query.placed_to),
    ):
        if moment is not None:
            conditions.append(condition.replace("?", f"${first + len(values)}"))
            values.append(moment)
    if query.among is not None:
        conditions.append(f"o.id = ANY(${first + len(values)}::uuid[])")
        values.append(list(query.among))
    if query.late:
        conditions.append("o.late")
    return conditions, values


_CHOICES = """
SELECT 'channel' AS filter, code AS value, name AS label FROM network.channels WHERE $1::uuid[] IS NULL OR id = ANY($1)
UNION ALL
SELECT 'node', code, name FROM network.nodes WHERE $2::uuid[] IS NULL OR id = ANY($2)
UNION ALL
SELECT DISTINCT 'hold', type, type FROM orders.holds WHERE cleared_at IS NULL
UNION ALL
SELECT DISTINCT 'exception', kind, kind FROM orders.exceptions WHERE resolved_at IS NULL
UNION ALL
SELECT 'tag', tag, tag FROM (
  SELECT DISTINCT unnest(tags) AS tag FROM (
    SELECT tags FROM orders.orders ORDER BY placed_at DESC, id DESC LIMIT 2000) AS recent) AS tags
ORDER BY 1, 2
"""


async def choices(db: Db, *, scope: Scope) -> dict[str, list[tuple[str, str]]]:
    """What there is to choose from in the filters that depend on data: (value, label) by filter."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await db.fetch(_CHOICES, scope.channels, scope.nodes):
        found.setdefault(row["filter"], []).append((row["value"], row["label"]))
    return found
