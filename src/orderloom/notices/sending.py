"""The outward way of a notice: marked, handed to its sender with no transaction open, written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orderloom.notices import store
from orderloom.notices.model import Answer, Notice, Rejected, Sending
from orderloom.notices.senders import sender_for
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, assert_no_transaction


async def prepare_sending(db: Db, *, notice_ids: Sequence[UUID]) -> list[Sending]:
    """The calls to make. Run again after a lost answer it gives the same keys; what has ended is left out."""
    return [
        Sending(
            subject=notice.id,
            provider=notice.channel.value,
            key=notice.key,
            recipient=notice.recipient,
            title=notice.subject,
            text=notice.body,
            html=notice.html,
        )
        for notice in await store.begin(db, notice_ids)
    ]


async def send(call: Sending) -> Answer:
    """Hand it over. Raises Unavailable when nobody knows whether it was taken: the next try bears the same key."""
    assert_no_transaction()
    return await sender_for(call.provider).send(call)


async def record_sending(
    db: Db, *, answers: Sequence[tuple[Sending, Answer]], now: datetime
) -> dict[UUID, Rejected]:
    """Write what the senders answered; returns the refused ones, which a person should see."""
    problems = {
        call.subject: f"{answer.code}: {answer.message}" if isinstance(answer, Rejected) else None
        for call, answer in answers
    }
    ended = await store.end(db, problems, now=now)
    await events.append(db, [_news(notice) for notice in ended if notice.status == "sent"])
    failed = {notice.id for notice in ended if notice.status == "failed"}
    return {
        call.subject: answer
        for call, answer in answers
        if isinstance(answer, Rejected) and call.subject in failed
    }


def _news(notice: Notice) -> events.News:
    # The address is personal, so the log has the notice's id and never the recipient.
    return events.News(
        type="notice.sent",
        entity="notice",
        entity_id=notice.id,
        order_id=notice.order_id,
        data={"event": notice.event, "channel": notice.channel.value, "locale": notice.locale},
    )
