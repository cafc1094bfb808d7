"""All SQL of notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.notices.model import NewNotice, Notice, Way
from orderloom.plumbing.database import Db, Row

_COLUMNS = (
    "id, order_id, event, trigger_id, channel, recipient, locale, subject, body, html, key, status, problem"
)


async def add(db: Db, notices: Sequence[NewNotice]) -> list[UUID]:
    """Queue those that nobody queued before (N1); returns their ids."""
    rows = await db.fetch(
        "INSERT INTO notices.notices (order_id, event, trigger_id, channel, recipient, locale, subject, body, html, "
        "key) SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], "
        "$7::text[], $8::text[], $9::text[], $10::text[]) ON CONFLICT DO NOTHING RETURNING id",
        [n.order_id for n in notices],
        [n.event for n in notices],
        [n.trigger_id for n in notices],
        [n.channel for n in notices],
        [n.recipient for n in notices],
        [n.locale for n in notices],
        [n.content.subject for n in notices],
        [n.content.text for n in notices],
        [n.content.html for n in notices],
        [n.key for n in notices],
    )
    return [row["id"] for row in rows]


async def begin(db: Db, ids: Sequence[UUID]) -> list[Notice]:
    """Mark as being sent what is not ended; one that was being sent before comes again, with its key."""
    rows = await db.fetch(
        "UPDATE notices.notices SET status = 'sending' WHERE id = ANY($1::uuid[]) "
        "AND status IN ('queued', 'sending') RETURNING " + _COLUMNS,
        list(ids),
    )
    return [_notice(row) for row in rows]


async def end(db: Db, problems: Mapping[UUID, str | None], *, now: datetime) -> list[Notice]:
    """Write how sendings ended: None is sent, words are why not. Returns those that had not ended before."""
    rows = await db.fetch(
        "UPDATE notices.notices AS n SET status = CASE WHEN t.problem IS NULL THEN 'sent' ELSE 'failed' END, "
        "problem = t.problem, sent_at = CASE WHEN t.problem IS NULL THEN $3::timestamptz END "
        "FROM unnest($1::uuid[], $2::text[]) AS t (id, problem) WHERE n.id = t.id AND n.status = 'sending' "
        "RETURNING n.id, n.order_id, n.event, n.trigger_id, n.channel, n.recipient, n.locale, n.subject, n.body, "
        "n.html, n.key, n.status, n.problem",
        list(problems),
        list(problems.values()),
        now,
    )
    return [_notice(row) for row in rows]


async def requeue(db: Db, ids: Sequence[UUID]) -> list[UUID]:
    """Queue failed notices again; returns which were."""
    rows = await db.fetch(
        "UPDATE notices.notices SET status = 'queued', problem = NULL WHERE id = ANY($1::uuid[]) "
        "AND status = 'failed' RETURNING id",
        list(ids),
    )
    return [row["id"] for row in rows]


async def of_order(db: Db, order_id: UUID) -> list[Notice]:
    """What the buyer of an order was told or is to be told, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM notices.notices WHERE order_id = $1 ORDER BY created_at, id", order_id
    )
    return [_notice(row) for row in rows]


def _notice(row: Row) -> Notice:
    return Notice(**dict(row) | {"channel": Way(row["channel"])})
