"""What channels are told they may sell: published in sets, pushed by each channel's adapter, compared with its listing.

A number is published under a version that grows with each change, and pushed until the channel has accepted that
version or a newer one. An older version never replaces a newer one, whoever comes late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.plumbing.http import Unavailable
from orderloom.sync.feeds import feed_named
from orderloom.sync.feeds.feed import Accepted, Batch, Inquiry, Item, Listed, Refused
from orderloom.sync.listing import Compared, Published, ToPublish, compare
from orderloom.sync.store import availability as store

BATCH = 500
RETRY_FIRST = timedelta(seconds=1)
RETRY_LAST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NotNow:
    """The channel did not answer, or could not just now."""

    problem: str


Answer: TypeAlias = Accepted | Refused | NotNow


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A channel and the adapter that leads to it."""

    channel_id: UUID
    code: str
    adapter: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, *, channel_id: UUID, code: str, feed: Mapping[str, Any]) -> Door:
        """From the channel's settings of its feed."""
        rest = {name: value for name, value in feed.items() if name != "adapter"}
        return cls(channel_id=channel_id, code=code, adapter=str(feed.get("adapter", "")), settings=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A batch on its way by an adapter."""

    subject: UUID
    provider: str
    adapter: str
    batch: Batch


def faults(feed: Mapping[str, Any]) -> list[str]:
    """What is wrong with a channel's settings of its feed. Raises NoSuchAdapter where there is none of its name."""
    name = str(feed.get("adapter", ""))
    rest = {key: value for key, value in feed.items() if key != "adapter"}
    return feed_named(name).faults(rest)


async def publish(db: Db, *, offers: Sequence[ToPublish]) -> dict[UUID, int]:
    """Publish what differs from what is published, after `take_turn`; how many numbers did, by channel."""
    return await store.publish(db, offers) if offers else {}


async def take_turn(db: Db) -> None:
    """Wait for whoever publishes: stock is read after this, so that no older number follows a newer one."""
    await store.take_turn(db)


async def prepare_pushes(db: Db, *, doors: Sequence[Door], now: datetime) -> list[Push]:
    """One batch a channel of numbers that it has not accepted yet; none for a channel that has all."""
    pending = {door.channel_id: await store.unpushed(db, door.channel_id, limit=BATCH) for door in doors}
    return [_push(door, rows, now) for door in doors if (rows := pending[door.channel_id])]


def _push(door: Door, rows: Sequence[Published], now: datetime) -> Push:
    lane = str(door.channel_id)
    items = tuple(
        Item(sku=r.sku, quantity=r.quantity, version=r.version, next_at=r.next_at, next_units=r.next_units)
        for r in rows
    )
    batch = Batch(
        subject=door.channel_id,
        provider=lane,
        channel=door.code,
        settings=door.settings,
        items=items,
        sent_at=now,
    )
    return Push(subject=door.channel_id, provider=lane, adapter=door.adapter, batch=batch)


async def push(call: Push) -> Answer:
    """One batch. That a channel is away is an answer too: it is tried again, and never given up."""
    try:
        return await feed_named(call.adapter).push(call.batch)
    except Unavailable as away:
        return NotNow(str(away)[:500])


async def record_push(db: Db, *, call: Push, answer: Answer, now: datetime) -> None:
    """Write down what the channel has accepted."""
    if isinstance(answer, Accepted):
        versions = {item.sku: item.version for item in call.batch.items}
        await store.accepted(db, call.subject, versions, now=now)


async def waiting(db: Db, *, channels: Sequence[UUID]) -> dict[UUID, datetime]:
    """Of the channels with numbers not accepted yet, since when the oldest of them has waited."""
    return await store.waiting(db, channels)


async def forget_pushed(db: Db, *, channels: Sequence[UUID]) -> None:
    """Take it that these channels have accepted nothing."""
    await store.forget_pushed(db, channels)


def next_try(*, since: datetime, now: datetime) -> datetime:
    """After a quarter of the time it has been waited for already: seldomer and seldomer, five minutes at most."""
    return now + min(max((now - since) / 4, RETRY_FIRST), RETRY_LAST)


# --- reconciliation -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A channel to be asked for its listing, with what it had been told when it was."""

    subject: UUID
    provider: str
    door: Door
    before: Mapping[str, Published]
    begun_at: datetime


async def prepare_question(db: Db, *, door: Door, now: datetime) -> Question:
    """What is published to the channel before it is asked."""
    return Question(
        subject=door.channel_id,
        provider=str(door.channel_id),
        door=door,
        before=await store.published(db, door.channel_id),
        begun_at=now,
    )


async def ask(question: Question) -> Mapping[str, Listed] | NotNow:
    """The channel's listing, or that it does not answer."""
    door = question.door
    try:
        return await feed_named(door.adapter).read(
            Inquiry(channel=door.code, settings=door.settings, asked_at=question.begun_at)
        )
    except Unavailable as away:
        return NotNow(str(away)[:500])


async def record_listing(
    db: Db, *, question: Question, listed: Mapping[str, Listed]
) -> tuple[Compared, Mapping[str, Any]]:
    """Compare, have what diverges pushed again, and store what was found; returns it with the stored row."""
    channel = question.door.channel_id
    after = await store.published(db, channel)
    compared = compare(before=question.before, listed=listed, after=after)
    above = compared.above()
    repaired = await store.push_again(db, channel, above) if above else 0
    row = await store.note_compared(
        db, channel_id=channel, compared=compared, repaired=repaired, begun_at=question.begun_at
    )
    return compared, await store.reconciliation(db, row)


async def last_compared(db: Db, *, channels: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these channels was last compared."""
    return await store.last_compared(db, channels)
