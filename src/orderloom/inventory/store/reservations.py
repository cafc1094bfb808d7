"""Carts' reservations: rows locked by id, ended by one conditional update each, so that no two ends can happen (S5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.inventory.keeping import Kept, Line, Reservation, Units
from orderloom.plumbing.database import Db, Row

_RESERVATION = (
    "r.id, r.channel_id, r.owner, r.state, r.expires_at, r.order_id, r.version, r.created_at, r.updated_at"
)
_WHOLE = (
    "SELECT "
    + _RESERVATION
    + """,
  (SELECT coalesce(jsonb_agg(jsonb_build_array(l.position, l.sku, l.quantity) ORDER BY l.position), '[]')
   FROM inventory.reservation_lines AS l WHERE l.reservation_id = r.id) AS lines,
  (SELECT coalesce(jsonb_agg(jsonb_build_array(u.position, u.node_id, u.sku, u.quantity)
                             ORDER BY u.position, u.node_id, u.sku), '[]')
   FROM inventory.reservation_units AS u WHERE u.reservation_id = r.id) AS units
FROM inventory.reservations AS r
WHERE r.id = ANY($1::uuid[]) ORDER BY r.id
"""
)


async def of(db: Db, ids: Sequence[UUID]) -> dict[UUID, Reservation]:
    """Reservations with their lines and units, whatever their state."""
    rows = await db.fetch(_WHOLE, sorted(set(ids)))
    return {row["id"]: _reservation(row) for row in rows}


def _reservation(row: Row) -> Reservation:
    return Reservation(
        id=row["id"],
        channel_id=row["channel_id"],
        owner=row["owner"],
        state=row["state"],
        expires_at=row["expires_at"],
        order_id=row["order_id"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        lines=tuple(Line(*line) for line in row["lines"]),
        units=tuple(Units(p, UUID(node), sku, n) for p, node, sku, n in row["units"]),
    )


async def lock(db: Db, ids: Sequence[UUID]) -> dict[UUID, Reservation]:
    """The same, locked by id: after orders, before allotments and stock. Read once they are locked."""
    if not ids:
        return {}
    await db.execute(
        "SELECT 1 FROM inventory.reservations WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        sorted(set(ids)),
    )
    return await of(db, ids)


_TAKE_TURNS = """
SELECT pg_advisory_xact_lock(key)
FROM (SELECT DISTINCT hashtextextended('reservation ' || t.channel_id || t.owner, 0) AS key
      FROM unnest($1::uuid[], $2::text[]) AS t (channel_id, owner) ORDER BY key) AS keys
"""


async def take_turns(db: Db, owners: Sequence[tuple[UUID, str]]) -> None:
    """Until this transaction ends nobody else keeps anything for these owners: they shall not have two."""
    if owners:
        await db.execute(_TAKE_TURNS, [channel for channel, _ in owners], [owner for _, owner in owners])


async def of_owners(db: Db, owners: Sequence[tuple[UUID, str]]) -> list[UUID]:
    """Open reservations of these (channel, owner)."""
    if not owners:
        return []
    rows = await db.fetch(
        "SELECT id FROM inventory.reservations AS r "
        "JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[]) AS t (channel_id, owner)) AS t "
        "USING (channel_id, owner) WHERE r.state = 'open'",
        [channel for channel, _ in owners],
        [owner for _, owner in owners],
    )
    return [row["id"] for row in rows]


_CLAIM_OVERDUE = """
SELECT id FROM inventory.reservations WHERE state = 'open' AND expires_at <= clock_timestamp()
ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""


async def claim_overdue(db: Db, limit: int) -> list[UUID]:
    """Open reservations whose time is over by the database's clock, locked; what others have in hand is left."""
    return [row["id"] for row in await db.fetch(_CLAIM_OVERDUE, limit)]


# The clock is read once: what was never changed was changed last when it was made.
_INSERT = """
INSERT INTO inventory.reservations (id, channel_id, owner, expires_at, created_at, updated_at)
SELECT t.id, t.channel_id, t.owner, moment.now + t.ttl_s * interval '1 second', moment.now, moment.now
FROM (SELECT clock_timestamp() AS now) AS moment,
     unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[]) AS t (id, channel_id, owner, ttl_s)
RETURNING id, expires_at, created_at
"""


async def insert(
    db: Db, made: Sequence[tuple[UUID, UUID, str | None, int]]
) -> dict[UUID, tuple[datetime, datetime]]:
    """Store (id, channel, owner, seconds to live); returns when each expires, and when it was made."""
    rows = await db.fetch(
        _INSERT, [m[0] for m in made], [m[1] for m in made], [m[2] for m in made], [m[3] for m in made]
    )
    return {row["id"]: (row["expires_at"], row["created_at"]) for row in rows}


_LINES = """
INSERT INTO inventory.reservation_lines (reservation_id, position, sku, quantity)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[])
"""
_UNITS = """
INSERT INTO inventory.reservation_units (reservation_id, position, node_id, sku, quantity)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[])
"""


async def insert_content(db: Db, content: Sequence[tuple[UUID, Kept]]) -> None:
    """Store what reservations keep: lines as sold, units as they are kept."""
    lines = [(key, line) for key, kept in content for line in kept.lines]
    units = [(key, unit) for key, kept in content for unit in kept.units]
    await db.execute(
        _LINES,
        [key for key, _ in lines],
        [line.position for _, line in lines],
        [line.sku for _, line in lines],
        [line.quantity for _, line in lines],
    )
    await db.execute(
        _UNITS,
        [key for key, _ in units],
        [unit.position for _, unit in units],
        [unit.node_id for _, unit in units],
        [unit.sku for _, unit in units],
        [unit.quantity for _, unit in units],
    )


async def replace_content(db: Db, key: UUID, kept: Kept) -> None:
    """Store what a reservation keeps instead of what it kept."""
    await db.execute("DELETE FROM inventory.reservation_units WHERE reservation_id = $1", key)
    await db.execute("DELETE FROM inventory.reservation_lines WHERE reservation_id = $1", key)
    await insert_content(db, [(key, kept)])


_TOUCH = """
UPDATE inventory.reservations
SET expires_at = greatest(expires_at, clock_timestamp() + $2 * interval '1 second'), version = version + 1,
    updated_at = clock_timestamp()
WHERE id = $1 AND state = 'open'
"""


async def touch(db: Db, key: UUID, *, ttl_s: int | None) -> bool:
    """A new version of an open reservation, which lives so many seconds from now if that is longer."""
    return await db.execute(_TOUCH, key, ttl_s) == "UPDATE 1"


_END = """
UPDATE inventory.reservations AS r
SET state = $3, order_id = t.order_id, version = r.version + 1, updated_at = clock_timestamp()
FROM unnest($1::uuid[], $2::uuid[]) AS t (id, order_id)
WHERE r.id = t.id AND r.state = 'open'
RETURNING r.id
"""


async def end(
    db: Db, ids: Sequence[UUID], *, state: str, orders: Sequence[UUID | None] | None = None
) -> set[UUID]:
    """End open reservations for good; returns those that were open."""
    rows = await db.fetch(_END, list(ids), list(orders) if orders else [None] * len(ids), state)
    return {row["id"] for row in rows}


async def page(db: Db, *, channels: Sequence[UUID] | None, owner: str | None, state: str | None,
               after: UUID | None, limit: int) -> list[UUID]:  # fmt: skip
    """Reservations by id, latest first: of channels, of an owner, in a state."""
    rows = await db.fetch(
        "SELECT id FROM inventory.reservations WHERE ($1::uuid[] IS NULL OR channel_id = ANY($1)) "
        "AND ($2::text IS NULL OR owner = $2) AND ($3::text IS NULL OR state = $3) "
        "AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
        None if channels is None else list(channels),
        owner,
        state,
        after,
        limit,
    )
    return [row["id"] for row in rows]
