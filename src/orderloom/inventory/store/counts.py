"""Statements on cycle counts: what is to be counted, what was, and which items are due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A cycle count at a node. `blind`: who counts is not shown what is expected."""

    id: UUID
    number: str
    node_id: UUID
    state: str
    blind: bool
    tolerance: int
    created_by: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """An item of a count; `counted` is what was found last, `recounts` how often it was counted again."""

    count_id: UUID
    sku: str
    counted: int | None
    counted_at: datetime | None
    counted_by: str | None
    recounts: int
    lots: list[dict[str, Any]] | None
    expected: int | None


_COUNT = ", ".join(Count.__dataclass_fields__)
_LINE = ", ".join(CountLine.__dataclass_fields__)

_INSERT = (
    "INSERT INTO inventory.counts (id, number, node_id, blind, tolerance, created_by) "
    "VALUES ($1, 'CC-' || nextval('inventory.count_number'), $2, $3, $4, $5) RETURNING " + _COUNT
)


async def insert(
    db: Db, *, key: UUID, node_id: UUID, blind: bool, tolerance: int, by: str, skus: Sequence[str]
) -> Count:
    """Store a new count with its items."""
    row = await db.fetchrow(_INSERT, key, node_id, blind, tolerance, by)
    assert row is not None  # noqa: S101 - an insert returns what it stored
    await db.execute(
        "INSERT INTO inventory.count_lines (count_id, sku) SELECT $1, unnest($2::text[])", key, list(skus)
    )
    return Count(**dict(row))


async def of(db: Db, key: UUID, *, lock: bool = False) -> Count | None:
    """One count, locked if it is to be changed."""
    row = await db.fetchrow(
        "SELECT " + _COUNT + " FROM inventory.counts WHERE id = $1" + (" FOR UPDATE" if lock else ""), key
    )
    return Count(**dict(row)) if row else None


async def lines(db: Db, keys: Collection[UUID]) -> dict[UUID, list[CountLine]]:
    """The items of counts, by SKU."""
    rows = await db.fetch(
        "SELECT "
        + _LINE
        + " FROM inventory.count_lines WHERE count_id = ANY($1::uuid[]) ORDER BY count_id, sku",
        sorted(keys),
    )
    found: dict[UUID, list[CountLine]] = {key: [] for key in keys}
    for row in rows:
        found[row["count_id"]].append(CountLine(**dict(row)))
    return found


_RECORD = """
UPDATE inventory.count_lines AS l
SET counted = t.counted, counted_at = t.counted_at, counted_by = $6, lots = t.lots,
    recounts = l.recounts + (l.counted IS NOT NULL)::int
FROM unnest($2::text[], $3::int[], $4::timestamptz[], $5::jsonb[]) AS t (sku, counted, counted_at, lots)
WHERE l.count_id = $1 AND l.sku = t.sku
"""


async def record(
    db: Db, key: UUID, counted: Mapping[str, tuple[int, datetime, list[dict[str, Any]] | None]], *, by: str
) -> None:
    """Note what was found of each item, over what was found before."""
    await db.execute(
        _RECORD,
        key,
        list(counted),
        [units for units, _, _ in counted.values()],
        [at for _, at, _ in counted.values()],
        [lots for _, _, lots in counted.values()],
        by,
    )


async def keep_expected(db: Db, key: UUID, expected: Mapping[str, int]) -> None:
    """Keep what the ledger had of each item, for once the count is posted it has what was counted."""
    await db.execute(
        "UPDATE inventory.count_lines AS l SET expected = t.units FROM unnest($2::text[], $3::int[]) AS t (sku, units) "
        "WHERE l.count_id = $1 AND l.sku = t.sku",
        key,
        list(expected),
        list(expected.values()),
    )


async def touch(db: Db, key: UUID, *, state: str | None = None) -> Count:
    """Count a change of a count, or end it."""
    row = await db.fetchrow(
        "UPDATE inventory.counts SET state = coalesce($2, state), version = version + 1, "
        "updated_at = clock_timestamp() WHERE id = $1 RETURNING " + _COUNT,
        key,
        state,
    )
    assert row is not None  # noqa: S101 - it is locked
    return Count(**dict(row))


_PAGE = (
    "SELECT " + _COUNT + " FROM inventory.counts WHERE ($1::uuid[] IS NULL OR node_id = ANY($1)) "
    "AND ($2::uuid IS NULL OR node_id = $2) AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR id < $4) "
    "ORDER BY id DESC LIMIT $5"
)


async def page(
    db: Db,
    *,
    nodes: Sequence[UUID] | None,
    node_id: UUID | None,
    state: str | None,
    before: UUID | None,
    limit: int,
) -> list[Count]:
    """Counts, the latest first."""
    rows = await db.fetch(_PAGE, None if nodes is None else list(nodes), node_id, state, before, limit)
    return [Count(**dict(row)) for row in rows]


# What is counted now is no candidate; what has never been is the first.
_UNCOUNTED = """
SELECT s.sku FROM inventory.stock AS s
LEFT JOIN LATERAL (
  SELECT max(coalesce(w.as_of, w.applied_at)) AS at FROM inventory.snapshots AS w
  WHERE w.node_id = s.node_id AND w.sku = s.sku AND w.source = $4
) AS last ON true
WHERE s.node_id = $1 AND (last.at IS NULL OR last.at < $2) AND s.sku NOT IN (
  SELECT l.sku FROM inventory.count_lines AS l JOIN inventory.counts AS c ON c.id = l.count_id
  WHERE c.node_id = $1 AND c.state = 'open')
ORDER BY last.at NULLS FIRST, s.sku LIMIT $3
"""
_BUSIEST = """
SELECT m.sku FROM inventory.movements AS m
WHERE m.node_id = $1 AND m.moved_at >= $2 AND (m.on_hand_delta <> 0) AND m.sku NOT IN (
  SELECT l.sku FROM inventory.count_lines AS l JOIN inventory.counts AS c ON c.id = l.count_id
  WHERE c.node_id = $1 AND c.state = 'open')
GROUP BY m.sku ORDER BY sum(abs(m.on_hand_delta)) DESC, m.sku LIMIT $3
"""


async def uncounted(db: Db, *, node_id: UUID, since: datetime, source: str, limit: int) -> list[str]:
    """The node's items nobody has counted since, those never counted first."""
    return [row["sku"] for row in await db.fetch(_UNCOUNTED, node_id, since, limit, source)]


async def busiest(db: Db, *, node_id: UUID, since: datetime, limit: int) -> list[str]:
    """The node's items of which most units have moved since."""
    return [row["sku"] for row in await db.fetch(_BUSIEST, node_id, since, limit)]


_AT = """
SELECT t.sku, coalesce(s.on_hand, 0) - coalesce((
  SELECT sum(m.on_hand_delta) FROM inventory.movements AS m
  WHERE m.node_id = $1 AND m.sku = t.sku AND coalesce(m.as_of, m.moved_at) > t.at
    AND (m.on_hand_delta <> 0 OR m.damaged_delta <> 0 OR m.quality_control_delta <> 0)), 0)::int AS units
FROM unnest($2::text[], $3::timestamptz[]) AS t (sku, at)
LEFT JOIN inventory.stock AS s ON s.node_id = $1 AND s.sku = t.sku
"""


async def expected_at(db: Db, *, node_id: UUID, moments: Mapping[str, datetime]) -> dict[str, int]:
    """What the ledger has of each item at its moment."""
    rows: list[Row] = await db.fetch(_AT, node_id, list(moments), list(moments.values()))
    return {row["sku"]: row["units"] for row in rows}
