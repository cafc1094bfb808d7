"""The SQL of webhooks: endpoints, deliveries, the log of attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db, Row
from orderloom.sync.model import Attempt, Delivery, NewDelivery, Webhook

_WEBHOOK = (
    "id, url, secret, previous_secret, previous_until, types, fat, active, disabled_at, problem, failures, "
    "failing_since, retry_at, version, created_at, updated_at"
)
_DELIVERY = "id, webhook_id, event_id, type, body, status, attempts, response, problem, created_at, done_at"


async def add_webhook(db: Db, *, url: str, secret: str, types: Sequence[str], fat: bool) -> Webhook:
    """Insert an endpoint."""
    row = await db.fetchrow(
        "INSERT INTO sync.webhooks (url, secret, types, fat) VALUES ($1, $2, $3, $4) RETURNING " + _WEBHOOK,
        url,
        secret,
        list(types),
        fat,
    )
    assert row is not None  # noqa: S101 - an INSERT that returns has one row or raises
    return _webhook(row)


async def webhooks(
    db: Db, *, ids: Sequence[UUID] | None = None, active: bool | None = None
) -> dict[UUID, Webhook]:
    """Endpoints: all, or those with these ids, or the active ones."""
    rows = await db.fetch(
        "SELECT " + _WEBHOOK + " FROM sync.webhooks WHERE ($1::uuid[] IS NULL OR id = ANY($1)) "
        "AND ($2::bool IS NULL OR active = $2) ORDER BY id",
        list(ids) if ids is not None else None,
        active,
    )
    return {row["id"]: _webhook(row) for row in rows}


async def lock_webhooks(db: Db, ids: Sequence[UUID]) -> dict[UUID, Webhook]:
    """Endpoints, locked in the order of their ids."""
    rows = await db.fetch(
        "SELECT " + _WEBHOOK + " FROM sync.webhooks WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(ids),
    )
    return {row["id"]: _webhook(row) for row in rows}


async def change_webhook(db: Db, webhook: Webhook) -> Webhook | None:
    """Write where it is, what it wants and whether it is active; a version more."""
    row = await db.fetchrow(
        "UPDATE sync.webhooks SET url = $2, types = $3, fat = $4, active = $5, disabled_at = $6, problem = $7, "
        "secret = $8, previous_secret = $9, previous_until = $10, failures = $11, failing_since = $12, "
        "retry_at = $13, version = version + 1, updated_at = clock_timestamp() WHERE id = $1 RETURNING "
        + _WEBHOOK,
        webhook.id,
        webhook.url,
        list(webhook.types),
        webhook.fat,
        webhook.active,
        webhook.disabled_at,
        webhook.problem,
        webhook.secret,
        webhook.previous_secret,
        webhook.previous_until,
        webhook.failures,
        webhook.failing_since,
        webhook.retry_at,
    )
    return _webhook(row) if row else None


async def set_health(db: Db, webhooks_: Sequence[Webhook]) -> None:
    """Write how endpoints fare. Not a change that its owner made, so the version stays."""
    await db.execute(
        "UPDATE sync.webhooks AS w SET failures = t.failures, failing_since = t.failing_since, "
        "retry_at = t.retry_at, problem = t.problem "
        "FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::text[]) "
        "AS t (id, failures, failing_since, retry_at, problem) WHERE w.id = t.id",
        [w.id for w in webhooks_],
        [w.failures for w in webhooks_],
        [w.failing_since for w in webhooks_],
        [w.retry_at for w in webhooks_],
        [w.problem for w in webhooks_],
    )


async def add_deliveries(db: Db, new: Sequence[NewDelivery]) -> list[UUID]:
    """Queue what nobody queued before (E3); returns the new ids."""
    rows = await db.fetch(
        "INSERT INTO sync.deliveries (webhook_id, event_id, type, body) "
        "SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[]) ON CONFLICT DO NOTHING RETURNING id",
        [n.webhook_id for n in new],
        [n.event_id for n in new],
        [n.type for n in new],
        [dict(n.body) for n in new],
    )
    return [row["id"] for row in rows]


async def lock_deliveries(db: Db, ids: Sequence[UUID]) -> dict[UUID, Delivery]:
    """Deliveries, locked in the order of their ids."""
    rows = await db.fetch(
        "SELECT " + _DELIVERY + " FROM sync.deliveries WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(ids),
    )
    return {row["id"]: Delivery(**dict(row)) for row in rows}


async def begin(db: Db, ids: Sequence[UUID]) -> None:
    """They are on their way now."""
    await db.execute("UPDATE sync.deliveries SET status = 'sending' WHERE id = ANY($1::uuid[])", list(ids))


async def set_deliveries(db: Db, deliveries: Sequence[Delivery]) -> None:
    """Write how deliveries stand."""
    await db.execute(
        "UPDATE sync.deliveries AS d SET status = t.status, attempts = t.attempts, response = t.response, "
        "problem = t.problem, done_at = t.done_at "
        "FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::smallint[], $5::text[], $6::timestamptz[]) "
        "AS t (id, status, attempts, response, problem, done_at) WHERE d.id = t.id",
        [d.id for d in deliveries],
        [d.status for d in deliveries],
        [d.attempts for d in deliveries],
        [d.response for d in deliveries],
        [d.problem for d in deliveries],
        [d.done_at for d in deliveries],
    )


async def log_attempts(db: Db, attempts: Mapping[UUID, Attempt]) -> None:
    """One line for each attempt, for good."""
    await db.execute(
        "INSERT INTO sync.attempts (delivery_id, response, problem, took_ms, tried_at) "
        "SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::int[], $5::timestamptz[])",
        list(attempts),
        [a.response for a in attempts.values()],
        [a.problem for a in attempts.values()],
        [a.took_ms for a in attempts.values()],
        [a.tried_at for a in attempts.values()],
    )


async def deliveries_of(
    db: Db, webhook_id: UUID, *, status: str | None, after: UUID | None, limit: int
) -> list[Delivery]:
    """An endpoint's deliveries, newest first, from before `after` on."""
    rows = await db.fetch(
        "SELECT "
        + _DELIVERY
        + " FROM sync.deliveries WHERE webhook_id = $1 AND ($2::text IS NULL OR status = $2) "
        "AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        webhook_id,
        status,
        after,
        limit,
    )
    return [Delivery(**dict(row)) for row in rows]


async def attempts_of(db: Db, delivery_id: UUID) -> list[Attempt]:
    """Every attempt at a delivery, oldest first."""
    rows = await db.fetch(
        "SELECT response, problem, took_ms, tried_at FROM sync.attempts WHERE delivery_id = $1 ORDER BY id",
        delivery_id,
    )
    return [Attempt(**dict(row)) for row in rows]


async def unfinished(db: Db, webhook_id: UUID) -> list[UUID]:
    """Deliveries of an endpoint that still have to be made."""
    rows = await db.fetch(
        "SELECT id FROM sync.deliveries WHERE webhook_id = $1 AND status IN ('queued', 'sending') ORDER BY id",
        webhook_id,
    )
    return [row["id"] for row in rows]


async def requeue(
    db: Db, *, ids: Sequence[UUID], webhook_id: UUID | None, since: datetime | None, until: datetime | None
) -> list[UUID]:
    """Queue ended deliveries again: these, or an endpoint's of a span of time; returns which."""
    rows = await db.fetch(
        "UPDATE sync.deliveries SET status = 'queued', problem = NULL, response = NULL, done_at = NULL, attempts = 0 "
        "WHERE status IN ('delivered', 'failed') AND (id = ANY($1::uuid[]) OR (webhook_id = $2 "
        "AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))) RETURNING id",
        list(ids),
        webhook_id,
        since,
        until,
    )
    return sorted(row["id"] for row in rows)


def _webhook(row: Row) -> Webhook:
    return Webhook(**dict(row) | {"types": tuple(row["types"])})
