"""From the event log to the buyer: each notice once, and the same however often it is tried."""

import asyncio
from datetime import UTC, datetime

from orderloom import notices
from orderloom.notices import store
from orderloom.notices.model import Rejected, Sent
from orderloom.plumbing import events as log
from orderloom.plumbing.events import News, Reader
from orderloom.terms import new_id
from tests.store.ordered import BUYER, an_order

NOW = datetime(2026, 3, 3, tzinfo=UTC)


async def happen(db, put, kind, *, entity_id=None, data=None):
    """Append an event and hand it back as a reader would get it."""
    await log.append(db, [News(kind, "order", entity_id or put.order, order_id=put.order, data=data or {})])
    return (await log.of_order(db, put.order))[-1]


async def test_an_event_is_told_once_over_each_way_the_buyer_chose(db):
    put = await an_order(db, buyer=BUYER | {"notify": ["email", "app"], "locale": "pt-BR"})
    confirmed = await happen(db, put, "order.confirmed")
    first = await notices.telling(db, events=[confirmed, confirmed])
    assert len(first) == 2
    assert await notices.telling(db, events=[confirmed]) == []
    again = await happen(db, put, "order.confirmed")
    assert await notices.telling(db, events=[again]) == []
    told = await notices.of_order(db, put.order)
    assert {(n.channel, n.locale, n.recipient) for n in told} == {
        ("email", "pt", "ada@example.com"),
        ("app", "pt", "ada@example.com"),
    }
    assert f"Pedido {put.number} confirmado" in told[0].subject
    assert "2 x A <thing>, USD 20.00" in told[0].body
    assert "A &lt;thing&gt;" in told[0].html


async def test_the_channels_default_stands_where_the_buyer_chose_nothing(db):
    put = await an_order(db, notices=["sms"])
    assert len(await notices.telling(db, events=[await happen(db, put, "order.confirmed")])) == 1
    assert [n.channel for n in await notices.of_order(db, put.order)] == ["sms"]


async def test_each_shipment_is_told_and_each_once(db):
    put = await an_order(db)
    data = {"carrier": "swift", "tracking_numbers": ["SW1"]}
    shipments = [new_id(), new_id(), new_id()]
    events = [await happen(db, put, "shipment.shipped", entity_id=one, data=data) for one in shipments]
    assert len(await notices.telling(db, events=[*events, *events])) == 3
    assert "swift SW1" in (await notices.of_order(db, put.order))[0].body


async def test_a_second_delay_is_news_again(db):
    put = await an_order(db)
    events = [await happen(db, put, "order.delayed") for _ in range(2)]
    assert len(await notices.telling(db, events=events)) == 2


async def test_history_and_other_events_tell_nobody(db):
    quiet = await an_order(db, flags=[{"code": "no_notices"}])
    past = await an_order(db, as_of=NOW, buyer=BUYER | {"notify": []})
    loud = await an_order(db)
    events = [
        await happen(db, quiet, "order.confirmed"),
        await happen(db, past, "order.confirmed"),
        await happen(db, loud, "order.routed"),
    ]
    assert await notices.telling(db, events=events) == []


async def test_a_lost_answer_is_tried_again_under_the_same_key(db):
    put = await an_order(db)
    ids = await notices.telling(db, events=[await happen(db, put, "order.confirmed")])
    [before] = await notices.prepare_sending(db, notice_ids=ids)
    [again] = await notices.prepare_sending(db, notice_ids=ids)
    assert again == before
    assert await notices.record_sending(db, answers=[(again, Sent())], now=NOW) == {}
    assert await notices.record_sending(db, answers=[(before, Sent())], now=NOW) == {}
    assert await notices.prepare_sending(db, notice_ids=ids) == []
    told = [event for event in await log.of_order(db, put.order) if event.type == "notice.sent"]
    assert len(told) == 1
    assert "ada@example.com" not in str(told[0].data)


async def test_a_refused_notice_is_handed_back_and_can_be_queued_again(db):
    put = await an_order(db)
    ids = await notices.telling(db, events=[await happen(db, put, "order.confirmed")])
    [call] = await notices.prepare_sending(db, notice_ids=ids)
    refusal = Rejected("550", "no such mailbox")
    assert await notices.record_sending(db, answers=[(call, refusal)], now=NOW) == {call.subject: refusal}
    [notice] = await notices.of_order(db, put.order)
    assert (notice.status, notice.problem) == ("failed", "550: no such mailbox")
    assert await store.requeue(db, ids) == ids
    assert (await notices.prepare_sending(db, notice_ids=ids))[0].key == call.key


async def test_a_reader_of_the_log_tells_everything_once(database):
    async with database.transaction() as db:
        put = await an_order(db)
        await happen(db, put, "order.confirmed")
        await happen(db, put, "order.cancelled")

    async def handle(db, events):
        await notices.telling(db, events=events)

    reader = Reader("notices", handle)
    # Transactions of other tests on the server may hold the events back for a moment.
    async with asyncio.timeout(60):
        while await log.unread(database, [reader]):
            await log.feed(database, reader)
    assert await log.feed(database, reader) == 0
    async with database.transaction() as db:
        assert [n.event for n in await notices.of_order(db, put.order)] == ["order_confirmed", "cancelled"]
