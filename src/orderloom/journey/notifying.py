"""The way of a notice: told by the event log, sent once over the way its buyer prefers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom import notices
from orderloom.journey.parking import parked
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event, Reader
from orderloom.plumbing.journeys import Answer, Journey, Outcomes, Outward, Park, Step


async def ask_to_send(db: Db, ids: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The messages to hand to their senders, marked before they are."""
    return await notices.prepare_sending(db, notice_ids=ids)


async def note_sent(db: Db, _ids: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Written down as sent; one that no sender will ever take is a person's matter."""
    refused = await notices.record_sending(db, answers=answers, now=now)
    return {notice: Park(f"not sent: {said.message}") for notice, said in refused.items()}


# A mail server cannot be asked whether it has a message: the set in flight when a worker dies goes out again, under
# the same Message-IDs. Small sets keep those repeats few.
AT_ONCE = 4

NOTICE = Journey(
    of="notice",
    parked=parked("notice"),
    steps=(
        Step(
            name="send",
            do=Outward(prepare=ask_to_send, call=notices.send, record=note_sent, at_once=AT_ONCE),
            no_undo="a message that was sent cannot be unsent",
            means="The message goes out over SMTP, SMS or the app's inbox, under a key that never changes.",
        ),
    ),
)


async def tell(db: Db, events: Sequence[Event]) -> None:
    """Queue what the events have to tell to buyers, and start each message on its way."""
    fresh = await notices.telling(db, events=events)
    if fresh:
        await journeys.start(db, NOTICE, fresh)


NOTICES = Reader("notices", tell)
