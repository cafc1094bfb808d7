"""What other systems are told: webhooks, signed after Standard Webhooks, at least once, each in its own lane.

Owns endpoints, their deliveries and the log of every attempt. Promises that each event is queued once an endpoint,
that a delivery's id is the same over its retries, that a failing endpoint delays only itself and is disabled after 72
hours, loudly and never deleted, and that no endpoint leads into our own house. Never decides what happened: it
reads the event log.

Endpoints are registered and changed in `endpoints`; questions are answered by `store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.sync.endpoints import disable, enable, register
from orderloom.sync.posting import post, prepare_posts, queueing, record_posts
from orderloom.sync.store import webhooks as store

__all__ = ["disable", "enable", "post", "prepare_posts", "queueing", "record_posts", "register", "replay"]


async def replay(
    db: Db,
    *,
    delivery_ids: Sequence[UUID] = (),
    webhook_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[UUID]:
    """Post ended deliveries again, these or an endpoint's of a span of time; returns which, to be sent on their way."""
    return await store.requeue(db, ids=delivery_ids, webhook_id=webhook_id, since=since, until=until)
