"""Allotments of channels, and safety rules: what limits a channel's claims. Locked by SKU, in one order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.inventory.allotting import Allotment, Limits, SafetyRule
from orderloom.inventory.store.stock import SAFETY_BY_RULE
from orderloom.plumbing.database import Db, Row

_ALLOTMENT = (
    "sku, channel_id, kind, units, permille, takes_shared, drawn, ends_at, "
    "coalesce(ends_at <= clock_timestamp(), false) AS ended, version"
)
# One statement for both, for nearly always there is neither. What is locked is the SKU and not its rows: a row may come
# while others are waited for, and would be locked against the order of keys. A savepoint that is rolled back lets go of
# it, which those who wait for a row's transaction would not notice. Few numbers for many SKUs bound how many locks.
_LOCK = """
WITH taken AS MATERIALIZED (
  SELECT pg_advisory_xact_lock(hashtext('inventory.allotments'), bucket) FROM (
    SELECT DISTINCT hashtext(sku) & 1023 AS bucket FROM inventory.allotments WHERE sku = ANY($1::text[]) ORDER BY 1
  ) AS buckets
)
SELECT count(*) > 0 AS allotted, EXISTS (SELECT FROM inventory.safety_rules WHERE channel_id IS NOT NULL) AS rules
FROM taken
"""
_LOOK = """
SELECT EXISTS (SELECT FROM inventory.allotments WHERE sku = ANY($1::text[])) AS allotted,
       EXISTS (SELECT FROM inventory.safety_rules WHERE channel_id IS NOT NULL) AS rules
"""


async def lock(db: Db, skus: Sequence[str]) -> Limits:
    """What limits claims to these SKUs; whoever claims the same, or sets their allotments, waits."""
    # A row that another transaction added while we waited is seen by a new statement only.
    return await _limits(db, skus, await db.fetchrow(_LOCK, list(skus)))


async def look(db: Db, skus: Sequence[str]) -> Limits:
    """The same without a lock."""
    return await _limits(db, skus, await db.fetchrow(_LOOK, list(skus)))


async def _limits(db: Db, skus: Sequence[str], found: Row | None) -> Limits:
    assert found is not None  # noqa: S101 - both questions have an answer of one row
    return Limits(
        await of(db, skus=skus) if found["allotted"] else (),
        await channel_safety(db, skus) if found["rules"] else (),
    )


async def of(
    db: Db, *, skus: Sequence[str] | None = None, channels: Collection[UUID] | None = None
) -> list[Allotment]:
    """Allotments of SKUs and channels, all of them where neither is named, by SKU and channel."""
    rows = await db.fetch(
        "SELECT " + _ALLOTMENT + " FROM inventory.allotments "
        "WHERE ($1::text[] IS NULL OR sku = ANY($1)) AND ($2::uuid[] IS NULL OR channel_id = ANY($2)) "
        "ORDER BY sku, channel_id",
        None if skus is None else list(skus),
        None if channels is None else list(channels),
    )
    return [_allotment(row) for row in rows]


def _allotment(row: Row) -> Allotment:
    return Allotment(**dict(row))


_DRAWN = """
INSERT INTO inventory.allotments AS a (sku, channel_id, kind, drawn)
SELECT t.sku, t.channel_id, 'none', t.drawn FROM unnest($1::text[], $2::uuid[], $3::int[]) AS t (sku, channel_id, drawn)
ON CONFLICT (sku, channel_id) DO UPDATE SET drawn = excluded.drawn
"""


async def note_drawn(db: Db, allotments: Sequence[Allotment]) -> None:
    """Store what channels have drawn; the SKUs' allotments are locked by this transaction."""
    if allotments:
        await db.execute(
            _DRAWN,
            [a.sku for a in allotments],
            [a.channel_id for a in allotments],
            [a.drawn for a in allotments],
        )


async def page(
    db: Db, *, sku: str | None, channels: Sequence[UUID] | None, after: tuple[str, str], limit: int
) -> list[Allotment]:
    """Allotments that were set, by SKU and channel id, after a place in that order."""
    rows = await db.fetch(
        "SELECT " + _ALLOTMENT + " FROM inventory.allotments WHERE (kind <> 'none' OR NOT takes_shared) "
        "AND ($1::text IS NULL OR sku = $1) AND ($2::uuid[] IS NULL OR channel_id = ANY($2)) "
        "AND (sku, channel_id::text) > ($3, $4) ORDER BY sku, channel_id::text LIMIT $5",
        sku,
        None if channels is None else list(channels),
        *after,
        limit,
    )
    return [_allotment(row) for row in rows]


async def take_turn(db: Db, sku: str) -> None:
    """Until this transaction ends nobody else sets allotments of the SKU: its shares are judged together."""
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtext('inventory.allotments'), hashtext($1) & 1023)", sku
    )


_PUT = """
INSERT INTO inventory.allotments AS a (sku, channel_id, kind, units, permille, takes_shared, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (sku, channel_id) DO UPDATE
SET kind = excluded.kind, units = excluded.units, permille = excluded.permille, takes_shared = excluded.takes_shared,
    ends_at = excluded.ends_at, drawn = CASE WHEN $8 THEN 0 ELSE a.drawn END, version = a.version + 1,
    updated_at = clock_timestamp()
WHERE (a.kind, a.units, a.permille, a.takes_shared, a.ends_at)
    IS DISTINCT FROM (excluded.kind, excluded.units, excluded.permille, excluded.takes_shared, excluded.ends_at)
   OR ($8 AND a.drawn <> 0)
RETURNING version
"""


async def put(
    db: Db,
    *,
    sku: str,
    channel_id: UUID,
    units: int | None,
    permille: int | None,
    takes_shared: bool,
    ends_at: datetime | None,
    afresh: bool,
) -> bool:
    """Set a channel's allotment; `afresh` forgets what it has drawn. Whether that changed anything."""
    kind = "fixed" if units is not None else "share" if permille is not None else "none"
    return (
        await db.fetchval(_PUT, sku, channel_id, kind, units, permille, takes_shared, ends_at, afresh)
        is not None
    )


_DELETE = """
WITH gone AS (
  UPDATE inventory.allotments
  SET kind = 'none', units = NULL, permille = NULL, takes_shared = true, ends_at = NULL, version = version + 1,
      updated_at = clock_timestamp()
  WHERE sku = $1 AND channel_id = $2 AND (kind <> 'none' OR NOT takes_shared)
  RETURNING sku
)
SELECT count(*) FROM gone
"""
_SWEEP = """
DELETE FROM inventory.allotments AS a
WHERE a.sku = $1 AND NOT EXISTS (
  SELECT FROM inventory.allotments AS b WHERE b.sku = $1 AND (b.kind <> 'none' OR NOT b.takes_shared)
)
"""


async def delete(db: Db, *, sku: str, channel_id: UUID) -> bool:
    """Take a channel's allotment away. With the last one of a SKU goes the count of who has drawn what."""
    found = bool(await db.fetchval(_DELETE, sku, channel_id))
    await db.execute(_SWEEP, sku)
    return found


# --- safety rules ---------------------------------------------------------------------------------------------


async def channel_safety(db: Db, skus: Sequence[str]) -> list[SafetyRule]:
    """The rules that are a channel's own and bear on these SKUs."""
    rows = await db.fetch(
        "SELECT units, channel_id, node_id, sku FROM inventory.safety_rules "
        "WHERE channel_id IS NOT NULL AND (sku IS NULL OR sku = ANY($1::text[]))",
        list(skus),
    )
    return [SafetyRule(**dict(row)) for row in rows]


async def rules(
    db: Db, *, after: UUID, limit: int, sku: str | None, channels: Sequence[UUID] | None
) -> list[Row]:
    """Safety rules by id: of a SKU, of channels (and those of none)."""
    return await db.fetch(
        "SELECT id, channel_id, node_id, sku, units, source, basis, updated_at FROM inventory.safety_rules "
        "WHERE id > $1 AND ($3::text IS NULL OR sku = $3) "
        "AND ($4::uuid[] IS NULL OR channel_id IS NULL OR channel_id = ANY($4)) ORDER BY id LIMIT $2",
        after,
        limit,
        sku,
        None if channels is None else list(channels),
    )


async def rules_of(db: Db, ids: Sequence[UUID]) -> list[Row]:
    """Safety rules by their ids."""
    return await db.fetch(
        "SELECT id, channel_id, node_id, sku, units, source, basis, updated_at FROM inventory.safety_rules "
        "WHERE id = ANY($1::uuid[]) ORDER BY id",
        list(ids),
    )


# What a computed rule achieves is counted from the balance as it stands when the rule is set.
_PUT_RULES = """
INSERT INTO inventory.safety_rules AS r (channel_id, node_id, sku, units, source, basis, watched, available)
SELECT t.*, (SELECT max(m.id) FROM inventory.movements AS m WHERE m.node_id = t.node_id AND m.sku = t.sku),
  coalesce((SELECT s.on_hand - s.reserved - s.allocated - s.damaged - s.quality_control
            FROM inventory.stock AS s WHERE s.node_id = t.node_id AND s.sku = t.sku), 0)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::jsonb[])
  AS t (channel_id, node_id, sku, units, source, basis)
ON CONFLICT (channel_id, node_id, sku) DO UPDATE
SET units = excluded.units, source = excluded.source, basis = excluded.basis, updated_at = clock_timestamp(),
    watched = excluded.watched, available = excluded.available, exposures = 0, oversold = 0
RETURNING id
"""


async def put_rules(
    db: Db, given: Sequence[SafetyRule], *, source: str, basis: Sequence[Any] | None
) -> list[UUID]:
    """Set rules by what they name; a rule that names the same is replaced."""
    rows = await db.fetch(
        _PUT_RULES,
        [r.channel_id for r in given],
        [r.node_id for r in given],
        [r.sku for r in given],
        [r.units for r in given],
        [source] * len(given),
        list(basis) if basis is not None else [None] * len(given),
    )
    return [row["id"] for row in rows]


async def delete_rules(db: Db, ids: Sequence[UUID]) -> list[SafetyRule]:
    """Take rules away; returns those that were there."""
    rows = await db.fetch(
        "DELETE FROM inventory.safety_rules WHERE id = ANY($1::uuid[]) "
        "RETURNING units, channel_id, node_id, sku",
        list(ids),
    )
    return [SafetyRule(**dict(row)) for row in rows]


_TOUCHED = """
SELECT s.node_id, s.sku FROM inventory.stock AS s
WHERE EXISTS (SELECT FROM unnest($1::uuid[], $2::text[]) AS t (node_id, sku)
              WHERE (t.node_id IS NULL OR t.node_id = s.node_id) AND (t.sku IS NULL OR t.sku = s.sku))
ORDER BY s.node_id, s.sku FOR NO KEY UPDATE
"""
_RESOLVE = (
    "UPDATE inventory.stock AS s SET safety_stock = n.units, version = s.version + 1, updated_at = clock_timestamp() "
    "FROM (SELECT t.node_id, t.sku, "
    + SAFETY_BY_RULE
    + "AS units FROM unnest($1::uuid[], $2::text[]) AS t (node_id, sku)) AS n "
    "WHERE s.node_id = n.node_id AND s.sku = n.sku AND s.safety_stock <> n.units RETURNING s.node_id, s.sku"
)


async def resolve(db: Db, changed: Sequence[SafetyRule]) -> list[tuple[UUID, str]]:
    """Give the balances that these rules name the number that now holds for them; returns those that changed."""
    rows = await db.fetch(_TOUCHED, [r.node_id for r in changed], [r.sku for r in changed])
    found = await db.fetch(_RESOLVE, [row["node_id"] for row in rows], [row["sku"] for row in rows])
    return [(row["node_id"], row["sku"]) for row in found]
