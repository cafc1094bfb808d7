"""Endpoints: registered, changed, given a new secret, switched off and on again. Never deleted."""

from __future__ import annotations

import secrets as entropy
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from orderloom.plumbing import events, outbound
from orderloom.plumbing.database import Db
from orderloom.sync.model import Webhook
from orderloom.sync.signing import secret_of
from orderloom.sync.store import webhooks as store

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)


class NoSuchWebhook(LookupError):
    """There is no endpoint of that id."""


async def register(
    db: Db, *, url: str, types: Sequence[str] = (), fat: bool = False, private: bool = False
) -> Webhook:
    """Add an endpoint with a secret of its own. Raises `plumbing.outbound.Forbidden` for an address we do not go to."""
    outbound.check(url, private=private)
    secret = secret_of(entropy.token_bytes(SECRET_BYTES))
    return await store.add_webhook(db, url=url, secret=secret, types=types, fat=fat)


async def change(
    db: Db,
    *,
    webhook_id: UUID,
    url: str | None = None,
    types: Sequence[str] | None = None,
    fat: bool | None = None,
    private: bool = False,
) -> Webhook:
    """Change what is given. Raises NoSuchWebhook, and Forbidden as `register` does."""
    held = await _locked(db, webhook_id)
    if url is not None:
        outbound.check(url, private=private)
    return await _write(
        db,
        replace(
            held,
            url=held.url if url is None else url,
            types=held.types if types is None else tuple(types),
            fat=held.fat if fat is None else fat,
        ),
    )


async def rotate_secret(db: Db, *, webhook_id: UUID, now: datetime) -> Webhook:
    """A new secret; for a day everything is signed by the old one too."""
    held = await _locked(db, webhook_id)
    secret = secret_of(entropy.token_bytes(SECRET_BYTES))
    return await _write(
        db, replace(held, secret=secret, previous_secret=held.secret, previous_until=now + OVERLAP)
    )


async def disable(db: Db, *, webhook_id: UUID, reason: str, now: datetime) -> Webhook:
    """Switch it off: what is queued stays queued, and nothing new is queued for it."""
    held = await _locked(db, webhook_id)
    if not held.active:
        return held
    off = await _write(db, replace(held, active=False, disabled_at=now, problem=reason))
    news = events.News(
        type="webhook.disabled",
        entity="webhook",
        entity_id=off.id,
        version=off.version,
        reason=reason,
        data={
            "url": off.url,
            "failing_since": held.failing_since.isoformat() if held.failing_since else None,
        },
    )
    await events.append(db, [news])
    return off


async def enable(db: Db, *, webhook_id: UUID) -> list[UUID]:
    """Switch it on again; returns the deliveries that wait, to be woken on their journey."""
    held = await _locked(db, webhook_id)
    fresh = replace(
        held, active=True, disabled_at=None, problem=None, failures=0, failing_since=None, retry_at=None
    )
    if fresh != held:
        await _write(db, fresh)
    return await store.unfinished(db, webhook_id)


async def _locked(db: Db, webhook_id: UUID) -> Webhook:
    held = await store.lock_webhooks(db, [webhook_id])
    if webhook_id not in held:
        raise NoSuchWebhook(str(webhook_id))
    return held[webhook_id]


async def _write(db: Db, webhook: Webhook) -> Webhook:
    written = await store.change_webhook(db, webhook)
    assert written is not None  # noqa: S101 - the caller holds its row's lock
    return written
