"""The SQL of nodes and channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.network.model import Channel, Node
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Address

_NODE = (
    "id, code, name, type, address, latitude, longitude, time_zone, working_days, holidays, cutoffs, "
    "processing_hours, daily_capacity, pick_cost, unit_cost, ships_hazmat, services, channels, groups, active, closed_because, version"
)
_CHANNEL = (
    "id, code, name, type, currency, time_zone, on_shortage, promise_days, promise_confidence, split_policy, "
    "review_above, notices, excluded_nodes, availability_feed, edit_rules, active, version"
)


async def nodes_of(
    db: Db, *, ids: Iterable[UUID] | None = None, codes: Iterable[str] | None = None
) -> dict[UUID, Node]:
    """Nodes by id: those with these ids or codes; all of them when neither is given."""
    rows = await db.fetch(
        "SELECT " + _NODE + " FROM network.nodes "
        "WHERE ($1::uuid[] IS NULL AND $2::text[] IS NULL) OR id = ANY($1) OR code = ANY($2) ORDER BY code",
        None if ids is None else list(ids),
        None if codes is None else list(codes),
    )
    return {row["id"]: _node(row) for row in rows}


async def nodes_at(db: Db, *, codes: Iterable[str], at: datetime) -> dict[UUID, Node]:
    """The nodes with these codes as they were at a moment."""
    rows = await db.fetch(
        "SELECT "
        + _NODE
        + " FROM (SELECT i.* FROM network.nodes AS t CROSS JOIN LATERAL jsonb_populate_record(t, ("
        "SELECT b.was FROM network.nodes_before AS b WHERE b.key = t.code AND b.until > $2 ORDER BY b.until LIMIT 1)) AS i "
        "WHERE t.code = ANY($1::text[])) AS nodes ORDER BY code",
        list(codes),
        at,
    )
    return {row["id"]: _node(row) for row in rows}


async def channels_of(
    db: Db, *, ids: Iterable[UUID] | None = None, codes: Iterable[str] | None = None
) -> dict[UUID, Channel]:
    """Channels by id: those with these ids or codes; all of them when neither is given."""
    rows = await db.fetch(
        "SELECT " + _CHANNEL + " FROM network.channels "
        "WHERE ($1::uuid[] IS NULL AND $2::text[] IS NULL) OR id = ANY($1) OR code = ANY($2) ORDER BY code",
        None if ids is None else list(ids),
        None if codes is None else list(codes),
    )
    return {row["id"]: _channel(row) for row in rows}


# Arrays of arrays cannot be unnested row by row, so a node travels as one JSON object.
_PUT_NODES = """
INSERT INTO network.nodes AS n (id, code, name, type, address, latitude, longitude, time_zone, working_days, holidays,
  cutoffs, processing_hours, daily_capacity, pick_cost, unit_cost, ships_hazmat, services, channels, groups, active)
SELECT g.id, g.code, g.name, g.type, g.address, g.latitude, g.longitude, g.time_zone, g.working_days, g.holidays,
  g.cutoffs, g.processing_hours, g.daily_capacity, g.pick_cost, g.unit_cost, g.ships_hazmat, g.services, g.channels,
  g.groups, g.active
FROM unnest($1::jsonb[]) AS t (given), jsonb_populate_record(NULL::network.nodes, t.given) AS g
ORDER BY g.code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, type = excluded.type, address = excluded.address, latitude = excluded.latitude,
    longitude = excluded.longitude, time_zone = excluded.time_zone, working_days = excluded.working_days,
    holidays = excluded.holidays, cutoffs = excluded.cutoffs, processing_hours = excluded.processing_hours,
    daily_capacity = excluded.daily_capacity, pick_cost = excluded.pick_cost, unit_cost = excluded.unit_cost,
    ships_hazmat = excluded.ships_hazmat, services = excluded.services, channels = excluded.channels,
    groups = excluded.groups, active = excluded.active, version = n.version + 1, updated_at = clock_timestamp()
WHERE (n.name, n.type, n.address, n.latitude, n.longitude, n.time_zone, n.working_days, n.holidays, n.cutoffs,
       n.processing_hours, n.daily_capacity, n.pick_cost, n.unit_cost, n.ships_hazmat, n.services, n.channels,
       n.groups, n.active)
  IS DISTINCT FROM
      (excluded.name, excluded.type, excluded.address, excluded.latitude, excluded.longitude, excluded.time_zone,
       excluded.working_days, excluded.holidays, excluded.cutoffs, excluded.processing_hours, excluded.daily_capacity,
       excluded.pick_cost, excluded.unit_cost, excluded.ships_hazmat, excluded.services, excluded.channels,
       excluded.groups, excluded.active)
RETURNING n.code
"""


async def put_nodes(db: Db, *, nodes: Sequence[Node]) -> set[str]:
    """Add or change nodes by code; returns the codes that were new or differed."""
    rows = await db.fetch(
        _PUT_NODES, [_node_json(node) for node in {node.code: node for node in nodes}.values()]
    )
    return {row["code"] for row in rows}


async def close(
    db: Db, *, node_id: UUID, because: str, since: datetime, reopens_at: datetime | None
) -> Node | None:
    """Note that the node ships nothing for the time being; None where that is noted already, with the same end."""
    row = await db.fetchrow(
        "UPDATE network.nodes SET closed_since = coalesce(closed_since, $3), closed_because = $2, reopens_at = $4, "
        "version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = $1 AND (closed_because, reopens_at) IS DISTINCT FROM ($2, $4) RETURNING " + _NODE,
        node_id,
        because,
        since,
        reopens_at,
    )
    return _node(row) if row else None


async def reopen(db: Db, *, node_ids: Sequence[UUID]) -> list[UUID]:
    """The closed ones among these ship again; returns them."""
    rows = await db.fetch(
        "UPDATE network.nodes SET closed_since = NULL, closed_because = NULL, reopens_at = NULL, "
        "version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) AND closed_since IS NOT NULL RETURNING id",
        list(node_ids),
    )
    return sorted(row["id"] for row in rows)


async def closed(db: Db, *, due: datetime | None = None) -> dict[UUID, str]:
    """By node why it is closed; with `due`, of those alone whose end has come by then."""
    rows = await db.fetch(
        "SELECT id, closed_because FROM network.nodes "
        "WHERE closed_since IS NOT NULL AND ($1::timestamptz IS NULL OR reopens_at <= $1)",
        due,
    )
    return {row["id"]: row["closed_because"] for row in rows}


_PUT_CHANNELS = """
INSERT INTO network.channels AS c (id, code, name, type, currency, time_zone, on_shortage, promise_days, promise_confidence, split_policy,
  review_above, notices, excluded_nodes, availability_feed, edit_rules, active)
SELECT g.id, g.code, g.name, g.type, g.currency, g.time_zone, g.on_shortage, g.promise_days, g.promise_confidence,
  g.split_policy,
  g.review_above, g.notices, g.excluded_nodes, g.availability_feed, g.edit_rules, g.active
FROM unnest($1::jsonb[]) AS t (given), jsonb_populate_record(NULL::network.channels, t.given) AS g
ORDER BY g.code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, type = excluded.type, currency = excluded.currency, time_zone = excluded.time_zone,
    on_shortage = excluded.on_shortage, promise_days = excluded.promise_days, promise_confidence = excluded.promise_confidence,
    split_policy = excluded.split_policy,
    review_above = excluded.review_above, notices = excluded.notices, excluded_nodes = excluded.excluded_nodes,
    availability_feed = excluded.availability_feed, edit_rules = excluded.edit_rules, active = excluded.active, version = c.version + 1, updated_at = clock_timestamp()
WHERE (c.name, c.type, c.currency, c.time_zone, c.on_shortage, c.promise_days, c.promise_confidence, c.split_policy, c.review_above,
       c.notices, c.excluded_nodes, c.availability_feed, c.edit_rules, c.active)
  IS DISTINCT FROM
      (excluded.name, excluded.type, excluded.currency, excluded.time_zone, excluded.on_shortage,
       excluded.promise_days, excluded.promise_confidence, excluded.split_policy, excluded.review_above, excluded.notices,
       excluded.excluded_nodes, excluded.availability_feed, excluded.edit_rules, excluded.active)
RETURNING c.code
"""


async def put_channels(db: Db, *, channels: Sequence[Channel]) -> set[str]:
    """Add or change channels by code; returns the codes that were new or differed."""
    rows = await db.fetch(
        _PUT_CHANNELS, [_channel_json(channel) for channel in {c.code: c for c in channels}.values()]
    )
    return {row["code"] for row in rows}


def _node_json(node: Node) -> dict[str, object]:
    plain = {
        name: getattr(node, name) for name in Node.__dataclass_fields__ if name not in {"address", "holidays"}
    }
    return plain | {
        "id": str(node.id),
        "address": node.address.json(),
        "holidays": [day.isoformat() for day in node.holidays],
    }


def _channel_json(channel: Channel) -> dict[str, object]:
    return {name: getattr(channel, name) for name in Channel.__dataclass_fields__} | {"id": str(channel.id)}


def _node(row: Row) -> Node:
    return Node(
        **{
            **row,
            "address": Address.of(row["address"]),
            "working_days": tuple(row["working_days"]),
            "holidays": tuple(row["holidays"]),
            "services": None if row["services"] is None else tuple(row["services"]),
            "channels": None if row["channels"] is None else tuple(row["channels"]),
            "groups": tuple(row["groups"]),
        }
    )


def _channel(row: Row) -> Channel:
    return Channel(
        **{**row, **{name: tuple(row[name]) for name in ("notices", "excluded_nodes", "edit_rules")}}
    )
