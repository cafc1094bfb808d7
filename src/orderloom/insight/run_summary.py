"""What became of the orders of a channel, or of all, in figures: for the demo's and the importers' last words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Reader


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Counts and sums. `end_states` are orders by lifecycle and fulfillment status; money in minor units."""

    orders: int
    ended: int
    end_states: dict[str, int]
    cancelled_by_reason: dict[str, int]
    late: int
    flagged: dict[str, int]
    money: dict[str, int]
    shipments: int
    split_orders: int
    parcels: int
    planned_cost: int
    labels: dict[str, int]
    notices: dict[str, int]
    returns: dict[str, int]
    exceptions: int

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


_STATES = """
SELECT o.lifecycle, o.min_rank, o.max_rank, count(*) AS orders, count(*) FILTER (WHERE o.late) AS late,
       sum(o.total)::bigint AS total, sum(o.subtotal)::bigint AS price, sum(o.shipping)::bigint AS shipping,
       sum(o.adjustment)::bigint AS adjustment
FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id
WHERE $1::text[] IS NULL OR c.code = ANY($1)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_REASONS = """
SELECT coalesce(e.reason, 'no reason') AS reason, count(DISTINCT o.id) AS orders
FROM orders.orders AS o
JOIN network.channels AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (
  SELECT e.reason FROM plumbing.events AS e
  WHERE e.order_id = o.id AND e.type = 'order.cancelled' ORDER BY e.id LIMIT 1
) AS e
WHERE o.lifecycle = 'cancelled' AND ($1::text[] IS NULL OR c.code = ANY($1))
GROUP BY 1 ORDER BY 1
"""
_FLAGS = """
SELECT f ->> 'code' AS name, count(*) AS n
FROM orders.orders AS o JOIN network.channels AS c ON c.id = o.channel_id, jsonb_array_elements(o.flags) AS f
WHERE $1::text[] IS NULL OR c.code = ANY($1) GROUP BY 1 ORDER BY 1
"""
_MONEY = """
SELECT t.kind || '_' || t.status AS name, sum(t.amount)::bigint AS n
FROM payments.transactions AS t
JOIN orders.orders AS o ON o.id = t.order_id JOIN network.channels AS c ON c.id = o.channel_id
WHERE $1::text[] IS NULL OR c.code = ANY($1) GROUP BY 1 ORDER BY 1
"""
_LABELS = """
SELECT l.purpose || '_' || l.status AS name, count(*) AS n
FROM shipping.labels AS l
JOIN orders.orders AS o ON o.id = l.order_id JOIN network.channels AS c ON c.id = o.channel_id
WHERE $1::text[] IS NULL OR c.code = ANY($1) GROUP BY 1 ORDER BY 1
"""
_NOTICES = """
SELECT t.status AS name, count(*) AS n
FROM notices.notices AS t
JOIN orders.orders AS o ON o.id = t.order_id JOIN network.channels AS c ON c.id = o.channel_id
WHERE $1::text[] IS NULL OR c.code = ANY($1) GROUP BY 1 ORDER BY 1
"""
_RETURNS = "SELECT r.status AS name, count(*) AS n FROM returns.returns AS r GROUP BY 1 ORDER BY 1"
_SHIPMENTS = """
SELECT count(*) AS shipments, count(*) FILTER (WHERE n > 1) AS split, coalesce(sum(n), 0)::bigint AS all_shipments,
       coalesce(sum(cost), 0)::bigint AS cost
FROM (
  SELECT f.order_id, count(*) AS n, sum(f.planned_cost) AS cost
  FROM orders.fulfillments AS f
  JOIN orders.orders AS o ON o.id = f.order_id JOIN network.channels AS c ON c.id = o.channel_id
  WHERE f.max_rank BETWEEN 700 AND 800 AND ($1::text[] IS NULL OR c.code = ANY($1))
  GROUP BY f.order_id
) AS by_order
"""
_PARCELS = """
SELECT count(*) AS parcels FROM delivery.parcels AS p
JOIN orders.orders AS o ON o.id = p.order_id JOIN network.channels AS c ON c.id = o.channel_id
WHERE p.return_id IS NULL AND ($1::text[] IS NULL OR c.code = ANY($1))
"""
_EXCEPTIONS = """
SELECT count(*) FROM orders.exceptions AS e
LEFT JOIN orders.orders AS o ON o.id = e.order_id LEFT JOIN network.channels AS c ON c.id = o.channel_id
WHERE e.resolved_at IS NULL AND ($1::text[] IS NULL OR c.code = ANY($1))
"""
WORDS = {100: "created", 150: "backordered", 800: "delivered", 900: "cancelled"}


async def summary(db: Db, *, channels: Sequence[str] | None = None) -> RunSummary:
    """The figures of some channels' orders, or of all."""
    wanted = list(channels) if channels is not None else None
    states = await db.fetch(_STATES, wanted)
    shipments = await db.fetchrow(_SHIPMENTS, wanted)
    assert shipments is not None  # noqa: S101 - an aggregate answers always
    ended = [row for row in states if row["min_rank"] >= 800]
    money = {
        name: sum(row[name] or 0 for row in states) for name in ("total", "price", "shipping", "adjustment")
    }
    return RunSummary(
        orders=sum(row["orders"] for row in states),
        ended=sum(row["orders"] for row in ended),
        end_states={
            _state(row["lifecycle"], row["min_rank"], row["max_rank"]): row["orders"] for row in states
        },
        cancelled_by_reason={row["reason"]: row["orders"] for row in await db.fetch(_REASONS, wanted)},
        late=sum(row["late"] for row in states),
        flagged=_counts(await db.fetch(_FLAGS, wanted)),
        money=money | _counts(await db.fetch(_MONEY, wanted)),
        shipments=shipments["all_shipments"],
        split_orders=shipments["split"],
        parcels=await db.fetchval(_PARCELS, wanted),
        planned_cost=shipments["cost"],
        labels=_counts(await db.fetch(_LABELS, wanted)),
        notices=_counts(await db.fetch(_NOTICES, wanted)),
        returns=_counts(await db.fetch(_RETURNS)),
        exceptions=await db.fetchval(_EXCEPTIONS, wanted),
    )


def _counts(rows: Sequence[Any]) -> dict[str, int]:
    return {row["name"]: row["n"] for row in rows}


def _state(lifecycle: str, lowest: int, highest: int) -> str:
    words = (WORDS.get(lowest, str(lowest)), WORDS.get(highest, str(highest)))
    return f"{lifecycle}, {words[0] if lowest == highest else f'{words[0]} to {words[1]}'}"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done: orders that have not ended, returns open, journeys due, notices unsent, log unread."""

    orders: int
    returns: int
    due: int
    waiting: int
    parked: int
    notices: int
    unread: int
    reserved: int

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.orders == self.returns == self.due == self.notices == self.unread == 0


_BACKLOG = """
SELECT
  (SELECT count(*) FROM orders.orders WHERE min_rank < 800 AND lifecycle = 'open') AS orders,
  (SELECT count(*) FROM returns.returns
   WHERE status NOT IN ('closed', 'declined', 'cancelled', 'expired')) AS returns,
  (SELECT count(*) FROM plumbing.subjects
   WHERE state = 'due' AND journey <> 'notice' AND due_at < clock_timestamp() + interval '1 hour') AS due,
  (SELECT count(*) FROM plumbing.subjects WHERE state = 'waiting') AS waiting,
  (SELECT count(*) FROM plumbing.subjects WHERE state IN ('parked', 'paused')) AS parked,
  (SELECT count(*) FROM notices.notices WHERE status IN ('queued', 'sending')) AS notices,
  (SELECT count(*) FROM orders.orders WHERE max_rank <= 200 AND lifecycle = 'open') AS reserved
"""


async def backlog(db: Db, *, readers: Sequence[Reader]) -> Backlog:
    """What is still to be done, in the whole house; `readers` each of its own log."""
    row = await db.fetchrow(_BACKLOG)
    assert row is not None  # noqa: S101 - it answers always
    return Backlog(**dict(row), unread=len(await events.behind(db, readers)))
