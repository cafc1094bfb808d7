"""What channels are told they may sell: worked out when stock or its rules change, pushed by each channel's adapter.

Two readers find what has to be worked out anew: one follows the stock ledger, one the events of what changes an offer
though no unit moves. Both take many changes together, and write a number only where it is another than was published.
Each channel then has a journey of its own, in a lane of its own: what it has not accepted is pushed in batches until
it has; a channel that is away delays nobody else. A second journey compares its listing with ours from time to time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom import catalog, network
from orderloom.inventory.marking import OFFER_CHANGED
from orderloom.inventory.store import stock
from orderloom.inventory.store.log import MOVED
from orderloom.journey.offering import expected, offers, open_to
from orderloom.journey.parking import parked
from orderloom.network.model import Channel
from orderloom.orders import exceptions
from orderloom.orders.exceptions import NewException
from orderloom.orders.reading import slices_of
from orderloom.plumbing import clock, journeys
from orderloom.plumbing.database import Database, Db
from orderloom.plumbing.events import Event, Reader, events_of
from orderloom.plumbing.journeys import Answer, Journey, Later, Outcome, Outcomes, Outward, Step, Wait
from orderloom.plumbing.settings import settings
from orderloom.sync import availability
from orderloom.sync.availability import Door, NotNow, Question
from orderloom.sync.feeds.feed import Accepted, Refused
from orderloom.sync.listing import Compared, ToPublish

TOGETHER = 2_000
PARTS = 15
AWAY = "the channel to take its numbers"
_KIND = "availability_not_taken"
_PATIENCE = timedelta(minutes=15)
_NEVER = timedelta(days=3650)

# --- working out ----------------------------------------------------------------------------------------------


async def publish(db: Db, skus: Collection[str]) -> int:
    """Work out what every channel may sell of these SKUs, and of kits with them; returns how many numbers changed."""
    every = sorted({*skus, *await catalog.kits_with(db, components=skus)})
    # From here on nobody else publishes: the stock read below is no older than what was published last.
    await availability.take_turn(db)
    changed: dict[UUID, int] = {}
    for start in range(0, len(every), TOGETHER):
        found = await availability.publish(db, offers=await _numbers(db, every[start : start + TOGETHER]))
        changed |= {channel: changed.get(channel, 0) + n for channel, n in found.items()}
    await _wake(db, list(changed))
    return sum(changed.values())


async def _numbers(db: Db, skus: Sequence[str]) -> list[ToPublish]:
    """An item that is not sold any more, and a channel that is closed, have nothing to offer."""
    channels = (await network.channels_of(db)).values()
    nodes = await network.nodes_of(db)
    sold = {sku for sku, item in (await catalog.items_of(db, skus=skus)).items() if item.active}
    found = await offers(db, skus=sorted(sold))
    more = await expected(db, skus=sold, now=clock.now())
    numbers = []
    for channel in channels:
        reached = open_to(channel, nodes)
        for sku in skus:
            offer = found.get((channel.id, sku))
            if offer is not None:
                at, units = next(iter(more.at(reached, sku)), (None, 0))
                numbers.append(
                    ToPublish(
                        channel_id=channel.id, sku=sku, quantity=offer.quantity, next_at=at, next_units=units
                    )
                )
            elif channel.active or channel.availability_feed:
                numbers.append(ToPublish(channel_id=channel.id, sku=sku, quantity=0))
    return numbers


async def tell_all(db: Db, *, channels: Sequence[UUID]) -> None:
    """These channels have none of their numbers, or none that we know of: push them all."""
    await availability.forget_pushed(db, channels=channels)
    await _wake(db, channels)


async def _wake(db: Db, channels: Sequence[UUID]) -> None:
    """Set the channels with an adapter on their way."""
    await _send(db, AVAILABILITY, [door.channel_id for door in await _doors(db, channels)])


async def _send(db: Db, journey: Journey, channels: Sequence[UUID]) -> None:
    """On their way, where they are not already. One that is away is left to its own pace."""
    at = {s.subject_id: s for s in await journeys.look(db, channels) if s.journey == journey.of}
    if fresh := [channel for channel in channels if channel not in at]:
        await journeys.start(db, journey, fresh)
    await journeys.wake(db, journey.of, [c for c in channels if c in at and at[c].awaiting != AWAY])


async def ask_to_compare(db: Db, *, channel_id: UUID) -> None:
    """Have a channel's listing compared as soon as may be."""
    await _send(db, RECONCILIATION, [channel_id])


async def _doors(db: Db, channels: Sequence[UUID] | None = None) -> list[Door]:
    found = await network.channels_of(db, ids=channels)
    return [_door(channel) for channel in found.values() if channel.availability_feed]


def _door(channel: Channel) -> Door:
    assert channel.availability_feed is not None  # noqa: S101 - the caller looked
    return Door.of(channel_id=channel.id, code=channel.code, feed=channel.availability_feed)


async def publish_moved(db: Db, skus: Sequence[str]) -> None:
    """Reader of the ledger."""
    await publish(db, skus)


async def publish_offers(db: Db, news: Sequence[Event]) -> None:
    """Reader of events after which an offer may be another though no unit moved."""
    skus = {str(sku) for event in news for sku in event.data.get("skus", ())}
    orders = sorted({event.order_id for event in news if event.order_id is not None})
    skus |= {piece.sku for piece in await slices_of(db, orders=orders)} if orders else set()
    if skus:
        await publish(db, skus)


def _pause() -> float:
    return settings().availability_milliseconds / 1000


AVAILABLE = Reader("availability", publish_moved, log=MOVED, every_s=_pause, at_once=50_000)
OFFERED = Reader(
    "offers",
    publish_offers,
    # What orders wait for is taken off what may be sold, so their lack and its end count too.
    log=events_of(OFFER_CHANGED, "supply.*", "order.backordered", "order.cancelled"),
    every_s=_pause,
    at_once=50,
)


async def sweep(db: Db, now: datetime) -> None:
    """A chore, once a minute: work out the next part of all SKUs, and see to it that what waits is on its way.

    Whatever changes an offer without a word, such as an allotment whose time is over, is published within a quarter of
    an hour; all else by the readers, within moments.
    """
    await publish(db, await stock.stocked_part(db, part=int(now.timestamp() // 60) % PARTS, of=PARTS))
    doors = await _doors(db)
    waiting = await availability.waiting(db, channels=[door.channel_id for door in doors])
    await _wake(db, list(waiting))
    due = await availability.last_compared(db, channels=[door.channel_id for door in doors])
    every = timedelta(minutes=settings().reconcile_minutes)
    late = [d.channel_id for d in doors if d.channel_id not in due or due[d.channel_id] + every <= now]
    await _send(db, RECONCILIATION, late)


# --- pushing --------------------------------------------------------------------------------------------------


async def ask_to_push(db: Db, ids: Sequence[UUID], now: datetime) -> Sequence[object]:
    """The newest of what each channel has not accepted, at most one batch."""
    return await availability.prepare_pushes(db, doors=await _doors(db, ids), now=now)


async def note_pushed(db: Db, ids: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Accepted: look at once whether there is more. Away: later. Nothing to push: until a number changes."""
    for call, answer in answers:
        await availability.record_push(db, call=call, answer=answer, now=now)
    said = {call.subject: answer for call, answer in answers}
    since = await availability.waiting(db, channels=ids)
    outcomes: dict[UUID, Outcome] = {}
    troubled: list[NewException] = []
    for channel in ids:
        match said.get(channel):
            case Accepted():
                outcomes[channel] = Later(now, "the next numbers")
            case NotNow(problem) | Refused(problem):
                begun = since.get(channel, now)
                outcomes[channel] = Later(availability.next_try(since=begun, now=now), AWAY)
                if isinstance(said[channel], Refused) or now - begun > _PATIENCE:
                    troubled.append(_case(channel, problem, now))
            case _:
                outcomes[channel] = Wait("a number that changes")
    taken = [channel for channel, answer in said.items() if isinstance(answer, Accepted)]
    await exceptions.resolve_of(db, entities=taken, kinds=[_KIND], resolution="the channel took its numbers")
    await exceptions.open_(db, cases_=troubled)
    return outcomes


def _case(channel: UUID, problem: str, now: datetime) -> NewException:
    return NewException(
        kind=_KIND,
        entity="channel",
        entity_id=channel,
        detail=f"the channel does not take its availability: {problem}",
        way_out="See that its endpoint answers and its settings are right; pushing goes on by itself.",
        due_at=now + timedelta(hours=1),
    )


AVAILABILITY = Journey(
    of="availability",
    parked=parked("availability"),
    steps=(
        Step(
            name="push",
            do=Outward(prepare=ask_to_push, call=availability.push, record=note_pushed, lanes=4, together=1),
            no_undo="what a channel was told is corrected by the next number, never taken back",
            waits_for="a number to change",
            gives_up_after=_NEVER,
            means="What the channel has not accepted goes to it, in batches, the newest version of each SKU.",
        ),
    ),
)

# --- reconciling ----------------------------------------------------------------------------------------------


async def ask_for_listing(db: Db, ids: Sequence[UUID], now: datetime) -> Sequence[object]:
    """What each channel had been told when it is asked."""
    return [await availability.prepare_question(db, door=door, now=now) for door in await _doors(db, ids)]


async def note_listing(db: Db, ids: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Compared, and what diverges is pushed again. A channel that is away is asked again a little later."""
    outcomes: dict[UUID, Outcome] = {channel: Wait("its next time") for channel in ids}
    for question, listed in answers:
        if isinstance(listed, NotNow):
            outcomes[question.subject] = Later(now + timedelta(minutes=5), AWAY)
        else:
            await settle_listing(db, question=question, listed=listed)
    return outcomes


async def settle_listing(
    db: Db, *, question: Question, listed: Mapping[str, Any]
) -> tuple[Compared, Mapping[str, Any]]:
    """Compare, store, and set what has to be pushed again on its way."""
    compared, row = await availability.record_listing(db, question=question, listed=listed)
    if row["repaired"]:
        await _wake(db, [question.subject])
    return compared, row


RECONCILIATION = Journey(
    of="reconciliation",
    parked=parked("reconciliation"),
    steps=(
        Step(
            name="compare",
            do=Outward(
                prepare=ask_for_listing, call=availability.ask, record=note_listing, lanes=2, together=1
            ),
            no_undo="comparing changes nothing but what is then pushed again",
            waits_for="the time at which the channel is compared again",
            gives_up_after=_NEVER,
            means="The channel's own listing is compared with what it was told, and what diverges is pushed again.",
        ),
    ),
)


async def reconcile(
    database: Database, *, channel_id: UUID, now: datetime
) -> tuple[Compared, Mapping[str, Any]] | NotNow | None:
    """Compare one channel now, for a person who asked. None when it has no adapter; NotNow when it is away."""
    async with database.transaction() as db:
        doors = await _doors(db, [channel_id])
        if not doors:
            return None
        question = await availability.prepare_question(db, door=doors[0], now=now)
    listed = await availability.ask(question)
    if isinstance(listed, NotNow):
        return listed
    async with database.transaction() as db:
        return await settle_listing(db, question=question, listed=listed)
