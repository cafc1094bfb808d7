"""Statements on jobs: orders sent as a file, row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row

_JOB = (
    "id, name, state, on_error, dry_run, credential, created_by, rows, created, duplicates, failed, version, "
    "created_at, updated_at, ended_at"
)
_ROW_COLUMNS = ("job_id", "row", "external_id", "draft", "outcome", "faults")


async def insert(
    db: Db,
    *,
    key: UUID,
    name: str,
    on_error: str,
    dry_run: bool,
    credential: UUID | None,
    by: str,
    request_key: str | None,
) -> Row:
    """A new job, whose rows are coming in."""
    row = await db.fetchrow(
        "INSERT INTO orders.bulk_jobs (id, name, on_error, dry_run, credential, created_by, request_key) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING " + _JOB,
        key,
        name,
        on_error,
        dry_run,
        credential,
        by,
        request_key,
    )
    assert row is not None  # noqa: S101 - just inserted
    return row


async def under_way(db: Db, credential: UUID | None) -> int:
    """How many jobs of a credential have not ended."""
    found: int = await db.fetchval(
        "SELECT count(*) FROM orders.bulk_jobs WHERE ended_at IS NULL AND credential IS NOT DISTINCT FROM $1",
        credential,
    )
    return found


async def insert_rows(db: Db, rows: Sequence[Sequence[Any]]) -> None:
    """Rows as they came in, each of (job, number, external id, draft, outcome, faults)."""
    await db.copy_records_to_table("bulk_rows", schema_name="orders", columns=_ROW_COLUMNS, records=rows)


async def by_request(db: Db, credential: UUID | None, request_key: str) -> Row | None:
    """The job that was sent with this key, its file's digest with it."""
    return await db.fetchrow(
        "SELECT "
        + _JOB
        + ", request_digest FROM orders.bulk_jobs WHERE credential = $1 AND request_key = $2",
        credential,
        request_key,
    )


async def forget_request(db: Db, key: UUID) -> None:
    """Its file never came in whole: the same key may bring it again."""
    await db.execute("UPDATE orders.bulk_jobs SET request_key = NULL WHERE id = $1", key)


_READY = """
UPDATE orders.bulk_jobs AS j
SET state = 'running', request_digest = $2, rows = r.rows, failed = r.failed, version = j.version + 1, updated_at = clock_timestamp()
FROM (SELECT count(*)::int AS rows, count(outcome)::int AS failed FROM orders.bulk_rows WHERE job_id = $1) AS r
WHERE j.id = $1 AND j.state = 'receiving'
"""


async def ready(db: Db, key: UUID, *, digest: bytes | None = None) -> bool:
    """All its rows are there: those that could not be read have failed already. False when it was ended meanwhile."""
    return bool((await db.execute(_READY, key, digest)).endswith(" 1"))


async def jobs(db: Db, keys: Sequence[UUID], *, lock: bool = False) -> list[Row]:
    """These jobs by id; locked they neither end nor move on until the transaction does."""
    return await db.fetch(
        "SELECT "
        + _JOB
        + " FROM orders.bulk_jobs WHERE id = ANY($1::uuid[]) ORDER BY id"
        + (" FOR UPDATE" if lock else ""),
        list(keys),
    )


async def page(
    db: Db, *, credential: UUID | None, state: str | None, before: UUID | None, limit: int
) -> list[Row]:
    """Jobs, the latest first: of one credential, or of all."""
    return await db.fetch(
        "SELECT " + _JOB + " FROM orders.bulk_jobs WHERE ($1::uuid IS NULL OR credential = $1) "
        "AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        credential,
        state,
        before,
        limit,
    )


async def to_do(db: Db, key: UUID, *, limit: int) -> list[Row]:
    """The first rows without an outcome."""
    return await db.fetch(
        "SELECT row, draft FROM orders.bulk_rows WHERE job_id = $1 AND outcome IS NULL ORDER BY row LIMIT $2",
        key,
        limit,
    )


_SETTLE = """
UPDATE orders.bulk_rows AS r
SET draft = NULL, outcome = t.outcome, order_id = t.order_id, faults = t.faults::jsonb
FROM unnest($2::int[], $3::text[], $4::uuid[], $5::text[]) AS t (row, outcome, order_id, faults)
WHERE r.job_id = $1 AND r.row = t.row
"""


async def settle(
    db: Db,
    key: UUID,
    *,
    rows: Sequence[int],
    outcomes: Sequence[str],
    orders: Sequence[UUID | None],
    faults: Sequence[Any],
) -> None:
    """Rows have their outcome; what they said is kept no longer."""
    # As text: a list within an array would be another dimension.
    texts = [None if each is None else json.dumps(each) for each in faults]
    await db.execute(_SETTLE, key, list(rows), list(outcomes), list(orders), texts)


_SETTLE_REST = """
UPDATE orders.bulk_rows SET draft = NULL, outcome = $2 WHERE job_id = $1 AND outcome IS NULL
"""


async def settle_rest(db: Db, key: UUID, outcome: str) -> int:
    """All rows without an outcome get this one; returns how many."""
    return int((await db.execute(_SETTLE_REST, key, outcome)).rpartition(" ")[2])


_COUNT = """
UPDATE orders.bulk_jobs
SET created = created + $2, duplicates = duplicates + $3, failed = failed + $4, state = coalesce($5, state),
    ended_at = CASE WHEN $5 IS NULL THEN ended_at ELSE clock_timestamp() END, version = version + 1,
    updated_at = clock_timestamp()
WHERE id = $1 RETURNING version
"""


async def count(
    db: Db, key: UUID, *, created: int = 0, duplicates: int = 0, failed: int = 0, end: str | None = None
) -> int:
    """So many more rows have their outcome; `end` is the state the job ends in. Returns its version."""
    version: int = await db.fetchval(_COUNT, key, created, duplicates, failed, end)
    return version


_ROWS = """
SELECT r.row, r.external_id, r.outcome, r.order_id, o.number, r.faults
FROM orders.bulk_rows AS r JOIN orders.bulk_jobs AS j ON j.id = r.job_id
LEFT JOIN orders.orders AS o ON o.id = r.order_id
WHERE r.job_id = $1 AND r.outcome IS NOT NULL AND r.row > $2
  AND (NOT $3 OR r.outcome NOT IN ('created', 'duplicate'))
  AND (j.on_error <> 'ignore_failed' OR r.outcome IN ('created', 'duplicate'))
ORDER BY r.row LIMIT $4
"""


async def rows(db: Db, key: UUID, *, failed: bool, after: int = 0, limit: int) -> list[Row]:
    """Rows with their outcome, in the order of the file. Of a job that ignores failures only the others."""
    return await db.fetch(_ROWS, key, after, failed, limit)


async def left_behind(db: Db, *, before: datetime) -> list[UUID]:
    """Jobs whose rows stopped coming in before then, since whoever took them in is gone."""
    found = await db.fetch(
        "SELECT id FROM orders.bulk_jobs WHERE state = 'receiving' AND created_at < $1", before
    )
    return [row["id"] for row in found]


async def forget(db: Db, *, before: datetime) -> None:
    """Drop jobs that ended before then, with their rows."""
    await db.execute("DELETE FROM orders.bulk_jobs WHERE ended_at < $1", before)
