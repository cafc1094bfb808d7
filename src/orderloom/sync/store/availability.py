"""The SQL of availability: what is published, what channels have accepted of it, and how their listings compared.

Rows of a channel change in place under a growing version, and are locked in (channel, SKU) order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row
from orderloom.sync.listing import Compared, Published, ToPublish

_PUBLISHED = ", ".join(Published.__dataclass_fields__)


async def take_turn(db: Db) -> None:
    """Wait until nobody else publishes: who reads stock after this writes no number older than what is there."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('orderloom.availability', 0))")


_PUBLISH = """
INSERT INTO sync.availability AS a (channel_id, sku, quantity, next_at, next_units)
SELECT t.channel_id, t.sku, t.quantity, t.next_at, t.next_units
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[], $5::int[])
  AS t (channel_id, sku, quantity, next_at, next_units)
LEFT JOIN sync.availability AS was ON was.channel_id = t.channel_id AND was.sku = t.sku
WHERE was.sku IS NULL
   OR (was.quantity, was.next_at, was.next_units) IS DISTINCT FROM (t.quantity, t.next_at, t.next_units)
ORDER BY t.channel_id, t.sku
ON CONFLICT (channel_id, sku) DO UPDATE
SET quantity = excluded.quantity, next_at = excluded.next_at, next_units = excluded.next_units,
    version = a.version + 1, xid = pg_current_xact_id(), changed_at = clock_timestamp()
WHERE (a.quantity, a.next_at, a.next_units) IS DISTINCT FROM (excluded.quantity, excluded.next_at, excluded.next_units)
RETURNING channel_id
"""


async def publish(db: Db, offers: Sequence[ToPublish]) -> dict[UUID, int]:
    """Write the numbers that differ from what is published; how many did, by channel."""
    rows = await db.fetch(
        _PUBLISH,
        [o.channel_id for o in offers],
        [o.sku for o in offers],
        [o.quantity for o in offers],
        [o.next_at for o in offers],
        [o.next_units for o in offers],
    )
    changed: dict[UUID, int] = {}
    for row in rows:
        changed[row["channel_id"]] = changed.get(row["channel_id"], 0) + 1
    return changed


async def unpushed(db: Db, channel_id: UUID, *, limit: int) -> list[Published]:
    """Numbers that the channel has not accepted, those sold out first: they are what it could oversell."""
    rows = await db.fetch(
        "SELECT " + _PUBLISHED + " FROM sync.availability WHERE channel_id = $1 AND pushed < version "
        "ORDER BY quantity > 0, xid, sku LIMIT $2",
        channel_id,
        limit,
    )
    return [Published(**dict(row)) for row in rows]


async def waiting(db: Db, channels: Sequence[UUID]) -> dict[UUID, datetime]:
    """Of the channels with numbers not accepted yet, since when the oldest of them has waited."""
    rows = await db.fetch(
        "SELECT channel_id, min(changed_at) AS since FROM sync.availability "
        "WHERE channel_id = ANY($1::uuid[]) AND pushed < version GROUP BY channel_id",
        list(channels),
    )
    return {row["channel_id"]: row["since"] for row in rows}


# A number told once more, because the channel had lost it or is reached another way, keeps when it was first accepted:
# the lag is of news.
_ACCEPTED = """
WITH held AS (
  SELECT a.channel_id, a.sku, t.version FROM sync.availability AS a
  JOIN unnest($2::text[], $3::bigint[]) AS t (sku, version) ON t.sku = a.sku
  WHERE a.channel_id = $1 ORDER BY a.sku FOR NO KEY UPDATE OF a
)
UPDATE sync.availability AS a SET pushed = greatest(a.pushed, held.version),
  pushed_at = CASE WHEN a.pushed = 0 AND a.pushed_at >= a.changed_at THEN a.pushed_at ELSE $4 END
FROM held WHERE a.channel_id = held.channel_id AND a.sku = held.sku
"""


async def accepted(db: Db, channel_id: UUID, versions: Mapping[str, int], *, now: datetime) -> None:
    """The channel has these versions, by SKU."""
    await db.execute(_ACCEPTED, channel_id, list(versions), list(versions.values()), now)


_FORGET = """
WITH held AS (
  SELECT channel_id, sku FROM sync.availability
  WHERE channel_id = ANY($1::uuid[]) AND pushed > 0 ORDER BY channel_id, sku FOR NO KEY UPDATE
)
UPDATE sync.availability AS a SET pushed = 0 FROM held
WHERE a.channel_id = held.channel_id AND a.sku = held.sku
"""


async def forget_pushed(db: Db, channels: Sequence[UUID]) -> None:
    """These channels have accepted nothing."""
    await db.execute(_FORGET, list(channels))


async def published(db: Db, channel_id: UUID) -> dict[str, Published]:
    """All that is published to a channel, by SKU."""
    rows = await db.fetch(
        "SELECT " + _PUBLISHED + " FROM sync.availability WHERE channel_id = $1", channel_id
    )
    return {row["sku"]: Published(**dict(row)) for row in rows}


# The row's place is that of its last change: bounded by the oldest transaction that runs, none is skipped.
_FEED = """
SELECT *, xid::text AS place FROM sync.availability
WHERE channel_id = $1 AND (xid, sku) > ($2::text::xid8, $3) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, sku LIMIT $4
"""


async def feed(db: Db, channel_id: UUID, *, xid: str, sku: str, limit: int) -> list[Row]:
    """What was published to a channel after a place, each SKU once at its newest, in commit order."""
    return await db.fetch(_FEED, channel_id, xid, sku, limit)


_REPAIR = """
WITH held AS (
  SELECT a.channel_id, a.sku, t.above FROM sync.availability AS a
  JOIN unnest($2::text[], $3::bigint[]) AS t (sku, above) ON t.sku = a.sku
  WHERE a.channel_id = $1 ORDER BY a.sku FOR NO KEY UPDATE OF a
)
UPDATE sync.availability AS a
SET pushed = 0, version = greatest(a.version, held.above),
    xid = CASE WHEN held.above > a.version THEN pg_current_xact_id() ELSE a.xid END,
    changed_at = CASE WHEN held.above > a.version THEN clock_timestamp() ELSE a.changed_at END
FROM held WHERE a.channel_id = held.channel_id AND a.sku = held.sku
"""


async def push_again(db: Db, channel_id: UUID, above: Mapping[str, int]) -> int:
    """Push these SKUs again, at least at the version named; how many there are."""
    tag = await db.execute(_REPAIR, channel_id, list(above), list(above.values()))
    return int(tag.rpartition(" ")[2])


# --- reconciliations ------------------------------------------------------------------------------------------


async def note_compared(
    db: Db, *, channel_id: UUID, compared: Compared, repaired: int, begun_at: datetime
) -> UUID:
    """Store how a channel's listing compared with ours; returns the row's id."""
    found: UUID = await db.fetchval(
        "INSERT INTO sync.reconciliations (channel_id, compared, divergent, repaired, detail, begun_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        channel_id,
        compared.compared,
        len(compared.divergences),
        repaired,
        compared.json(),
        begun_at,
    )
    return found


async def last_compared(db: Db, channels: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these channels was last compared."""
    rows = await db.fetch(
        "SELECT channel_id, max(ended_at) AS at FROM sync.reconciliations WHERE channel_id = ANY($1::uuid[]) "
        "GROUP BY channel_id",
        list(channels),
    )
    return {row["channel_id"]: row["at"] for row in rows}


async def reconciliation(db: Db, found: UUID) -> Mapping[str, Any]:
    """One reconciliation as it was stored."""
    row = await db.fetchrow("SELECT * FROM sync.reconciliations WHERE id = $1", found)
    assert row is not None  # noqa: S101 - the caller has just stored it
    return dict(row)


async def lag(db: Db, *, since: datetime) -> float | None:
    """Seconds within which 95 of 100 numbers published since then were accepted; None when none was."""
    found: float | None = await db.fetchval(
        "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM pushed_at - changed_at)) "
        "FROM sync.availability WHERE pushed = version AND changed_at >= $1 AND pushed_at >= changed_at",
        since,
    )
    return found
