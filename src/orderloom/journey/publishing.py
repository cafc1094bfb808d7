"""The way of a webhook's delivery: queued from the event log, posted until it is taken or given up after three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import sync
from orderloom.journey.parking import parked
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event, Reader
from orderloom.plumbing.journeys import Answer, Journey, Outcomes, Outward, Step


async def ask_to_post(db: Db, ids: Sequence[UUID], now: datetime) -> Sequence[object]:
    """The deliveries that go out now; an endpoint in trouble gets one at a time."""
    return await sync.prepare_posts(db, delivery_ids=ids, now=now)


async def note_posted(db: Db, ids: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Taken, to be tried again, or given up."""
    return await sync.record_posts(db, delivery_ids=ids, answers=answers, now=now)


WEBHOOK = Journey(
    of="webhook",
    parked=parked("webhook"),
    steps=(
        Step(
            name="post",
            do=Outward(prepare=ask_to_post, call=sync.post, record=note_posted),
            no_undo="what was told cannot be untold; the next event corrects it",
            waits_for="its endpoint to be enabled again",
            gives_up_after=timedelta(days=30),
            means="The event is posted, signed, under an id that stays the same over its retries.",
        ),
    ),
)


async def publish(db: Db, events: Sequence[Event]) -> None:
    """Queue the events for the endpoints that want them, and start each delivery on its way."""
    fresh = await sync.queueing(db, events=events)
    if fresh:
        await journeys.start(db, WEBHOOK, fresh)


WEBHOOKS = Reader("webhooks", publish)
