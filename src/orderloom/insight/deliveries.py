"""Shipments as learning sees them: by which service on which lane, when planned to arrive, and when they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from orderloom.delivery.transit import LEVELS, Delivery, Learnt, path_of
from orderloom.insight.scope import ORDER_IN_SCOPE, Scope
from orderloom.plumbing.database import Db, Row

# Older ones would weigh next to nothing, and more would add nothing.
LOOK_BACK = timedelta(days=400)
MOST = 50_000
# A label bought after the node should have handed over is late by so much; imported history has its labels from today.
_OBSERVED = """
SELECT s.carrier, s.service, n.code AS node, coalesce(n.address ->> 'region', n.address ->> 'country', '') AS origin,
       coalesce(o.ship_to ->> 'region', o.ship_to ->> 'country', '') AS destination,
       (s.selection -> 'chosen' ->> 'arrives_on')::date AS planned,
       (came.at AT TIME ZONE n.time_zone)::date AS came_on,
       CASE WHEN o.decide_as_of IS NOT NULL OR f.ship_by IS NULL THEN 0
            ELSE greatest(0, (s.created_at AT TIME ZONE n.time_zone)::date - (f.ship_by AT TIME ZONE n.time_zone)::date)
       END AS behind
FROM shipping.shipments AS s
JOIN orders.fulfillments AS f ON f.id = s.fulfillment_id
JOIN orders.orders AS o ON o.id = s.order_id
JOIN network.nodes AS n ON n.id = s.node_id
JOIN LATERAL (
  SELECT CASE WHEN bool_and(p.delivered_at IS NOT NULL) THEN max(p.delivered_at) END AS at
  FROM delivery.parcels AS p WHERE p.fulfillment_id = s.fulfillment_id AND p.return_id IS NULL
  HAVING count(*) > 0
) AS came ON true
WHERE s.selection -> 'chosen' ->> 'arrives_on' IS NOT NULL
  AND (s.selection -> 'chosen' ->> 'arrives_on')::date BETWEEN $1 AND $2
ORDER BY planned DESC, s.id DESC LIMIT $3
"""


async def deliveries(db: Db, *, now: datetime) -> list[Delivery]:
    """The shipments that were planned to arrive by now, the latest first."""
    rows = await db.fetch(_OBSERVED, (now - LOOK_BACK).date(), now.date(), MOST)
    return [
        Delivery(
            path=path_of(
                carrier=row["carrier"],
                service=row["service"],
                origin=row["origin"],
                destination=row["destination"],
                node=row["node"],
            ),
            planned=row["planned"],
            on=row["came_on"],
            behind=row["behind"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is in use and when it was learnt, its last weeks, and what its services' dates are moved by."""

    version: int
    learnt_at: datetime
    deliveries: int
    weeks: Sequence[dict[str, Any]]
    services: Sequence[Service]


@dataclass(frozen=True, slots=True)
class Service:
    """By how many days after its contract's day parcels of a service are there, in half, 80 % and 95 % of cases."""

    service: str
    deliveries: int
    p50: int
    p80: int
    p95: int


_NEWEST = "SELECT * FROM delivery.transit_models ORDER BY version DESC LIMIT 1"
_KEPT = f"""
SELECT date_trunc('week', p.at)::date AS week, count(*) AS promised,
       count(*) FILTER (WHERE o.delivered_at <= p.at) AS kept, count(*) FILTER (WHERE p.at < o.promise_at) AS moved,
       avg(EXTRACT(epoch FROM p.at - o.placed_at) / 86400)::float8 AS days
FROM orders.orders AS o
CROSS JOIN LATERAL (
  SELECT least(o.promise_at, (SELECT min(r.was) FROM orders.repromises AS r WHERE r.order_id = o.id AND r.slip)) AS at
) AS p
WHERE {ORDER_IN_SCOPE} AND p.at >= $3 AND p.at < $4 AND o.lifecycle <> 'cancelled'
GROUP BY 1 ORDER BY 1
"""


async def calibration(db: Db) -> Calibration | None:
    """What was learnt last, and how it has held; None while nothing was learnt."""
    row: Row | None = await db.fetchrow(_NEWEST)
    if row is None:
        return None
    learnt = Learnt.of(row["tables"], row["version"])
    services = [
        Service(path[0], learnt.counts.get(path, 0), *(learnt.slip(path, level) for level in LEVELS))
        for path in sorted(learnt.tables)
        if len(path) == 1
    ]
    return Calibration(row["version"], row["learnt_at"], row["deliveries"], row["weeks"], services)


@dataclass(frozen=True, slots=True)
class Kept:
    """Orders first promised for a week, how many came by then or slipped to a later day, and the mean days promised."""

    week: date
    promised: int
    kept: int
    moved: int
    days: float


async def kept_by_week(db: Db, *, scope: Scope, now: datetime, weeks: int = 12) -> list[Kept]:
    """Whether the promises of orders of these weeks were kept, whatever they had been made from."""
    rows = await db.fetch(_KEPT, scope.channels, scope.nodes, now - timedelta(weeks=weeks), now)
    return [Kept(**row) for row in rows]
