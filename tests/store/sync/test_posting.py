"""Webhooks from the log to the endpoint: once queued, tried until taken, given up loudly."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from standardwebhooks import Webhook as Receiver

from orderloom import sync
from orderloom.plumbing import events as log
from orderloom.plumbing.events import News, Reader
from orderloom.plumbing.journeys import End, Later, Wait
from orderloom.plumbing.outbound import Forbidden
from orderloom.sync import endpoints, posting
from orderloom.sync.model import NoReply, Reply
from orderloom.sync.retrying import PATIENCE
from orderloom.sync.store import webhooks as store
from orderloom.terms import new_id, wire
from tests.store.ordered import an_order

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def hook(db, **more):
    return await sync.register(db, **{"url": "https://hooks.example/in", **more})


async def happened(db, put, *kinds):
    await log.append(
        db, [News(kind, "order", put.order, order_id=put.order, data={"n": 1}) for kind in kinds]
    )
    return (await log.of_order(db, put.order))[-len(kinds) :]


async def queued(db, count=1, **more):
    """An endpoint with so many deliveries waiting."""
    endpoint = await hook(db, **more)
    put = await an_order(db)
    events = await happened(db, put, *["order.captured"] * count)
    return endpoint, await sync.queueing(db, events=events), put


async def answered(db, ids, answer, now=NOW):
    """Prepare, have every call answered so, record; returns the calls and the outcomes."""
    calls = await sync.prepare_posts(db, delivery_ids=ids, now=now)
    outcomes = await sync.record_posts(
        db, delivery_ids=ids, answers=[(call, answer) for call in calls], now=now
    )
    return calls, outcomes


async def test_an_event_is_queued_once_for_each_endpoint_that_wants_it(db):
    put = await an_order(db)
    every, orders = await hook(db), await hook(db, types=["order.*"], fat=True)
    await hook(db, types=["return.*"])
    events = await happened(db, put, "order.captured", "stock.changed")
    assert len(await sync.queueing(db, events=events)) == 3
    assert await sync.queueing(db, events=events) == []
    [thin, *_] = await store.deliveries_of(db, every.id, status=None, after=None, limit=9)
    [fat] = await store.deliveries_of(db, orders.id, status="queued", after=None, limit=9)
    assert "order" not in thin.body
    assert fat.body["order"]["id"] == wire("order", put.order)
    assert "buyer" not in fat.body["order"]


async def test_what_is_taken_is_done_and_logged(db):
    _, [one], _ = await queued(db)
    [call], outcomes = await answered(db, [one], Reply(204, 12))
    assert outcomes == {}
    assert json.loads(call.body)["type"] == "order.captured"
    [attempt] = await store.attempts_of(db, one)
    assert (attempt.response, attempt.took_ms) == (204, 12)
    assert await sync.prepare_posts(db, delivery_ids=[one], now=NOW) == []


async def test_a_retry_has_the_same_id_and_body_and_a_new_time(db):
    _, [one], _ = await queued(db)
    [first], outcomes = await answered(db, [one], NoReply("timed out"))
    assert isinstance(outcomes[one], Later)
    [second] = await sync.prepare_posts(db, delivery_ids=[one], now=outcomes[one].at)
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


async def test_a_failing_endpoint_is_tried_by_one_delivery_while_the_others_wait(db):
    _, ids, _ = await queued(db, 5)
    calls, outcomes = await answered(db, ids, Reply(500, 5))
    assert len(calls) == 5
    assert {type(outcome) for outcome in outcomes.values()} == {Later}
    assert await sync.prepare_posts(db, delivery_ids=ids, now=NOW + timedelta(seconds=1)) == []
    later = max(outcome.at for outcome in outcomes.values())
    calls, outcomes = await answered(db, ids, Reply(200, 5), now=later)
    assert len(calls) == 1
    assert len(outcomes) == 4
    assert len(await sync.prepare_posts(db, delivery_ids=ids, now=later)) == 4


async def test_another_endpoint_does_not_notice(db):
    _, slow, put = await queued(db, 3, url="https://slow.example/")
    await answered(db, slow, NoReply("timed out"))
    swift = await hook(db, url="https://swift.example/")
    both = await sync.queueing(db, events=await happened(db, put, "order.closed"))
    calls = await sync.prepare_posts(db, delivery_ids=[*slow, *both], now=NOW)
    assert {call.provider for call in calls} == {str(swift.id)}


async def test_no_more_than_the_lane_holds_go_out_at_once(db):
    _, ids, _ = await queued(db, posting.AT_ONCE + 4)
    calls, outcomes = await answered(db, ids, Reply(200, 1))
    assert len(calls) == posting.AT_ONCE
    assert [outcome.at for outcome in outcomes.values()] == [NOW] * 4


async def test_after_three_days_the_endpoint_is_disabled_and_a_person_can_see_why(db):
    endpoint, ids, _ = await queued(db, 2)
    await answered(db, ids, Reply(503, 5))
    _, outcomes = await answered(db, ids, Reply(503, 5), now=NOW + PATIENCE)
    assert Wait in {type(outcome) for outcome in outcomes.values()}
    off = (await store.webhooks(db, ids=[endpoint.id]))[endpoint.id]
    assert not off.active
    assert "answered 503" in off.problem
    row = await db.fetchrow("SELECT * FROM plumbing.events WHERE entity_id = $1", endpoint.id)
    assert (row["type"], row["version"]) == ("webhook.disabled", off.version)
    assert await sync.prepare_posts(db, delivery_ids=ids, now=NOW + PATIENCE * 2) == []


async def test_an_endpoint_that_says_gone_is_disabled_at_once_and_can_be_enabled_again(db):
    endpoint, [one], put = await queued(db)
    _, outcomes = await answered(db, [one], Reply(410, 5))
    assert isinstance(outcomes[one], Wait)
    assert await sync.queueing(db, events=await happened(db, put, "order.closed")) == []
    assert await sync.enable(db, webhook_id=endpoint.id) == [one]
    assert len(await sync.prepare_posts(db, delivery_ids=[one], now=NOW)) == 1


async def test_an_event_that_a_living_endpoint_never_takes_is_given_up_alone(db):
    endpoint, [bad, good], _ = await queued(db, 2)
    calls = await sync.prepare_posts(db, delivery_ids=[bad, good], now=NOW)
    answers = [(call, Reply(400 if call.subject == bad else 200, 1)) for call in calls]
    outcomes = await sync.record_posts(db, delivery_ids=[bad, good], answers=answers, now=NOW)
    assert isinstance(outcomes[bad], Later)
    created = (await store.lock_deliveries(db, [bad]))[bad].created_at
    # The endpoint has just begun to fail, the delivery has been tried for three days.
    _, outcomes = await answered(db, [bad], Reply(400, 1), now=created + PATIENCE)
    assert isinstance(outcomes[bad], End)
    assert (await store.webhooks(db, ids=[endpoint.id]))[endpoint.id].active


async def test_ended_deliveries_are_replayed_by_id_or_by_time(db):
    endpoint, ids, _ = await queued(db, 2)
    await answered(db, ids, Reply(200, 1))
    assert await sync.replay(db, delivery_ids=ids[:1]) == ids[:1]
    assert await sync.replay(db, webhook_id=endpoint.id, until=NOW - timedelta(days=999)) == []
    assert await sync.replay(db, webhook_id=endpoint.id) == sorted(ids[1:])
    assert len(await sync.prepare_posts(db, delivery_ids=ids, now=NOW)) == 2


async def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(db):
    old, [one], _ = await queued(db)
    new = await endpoints.rotate_secret(db, webhook_id=old.id, now=NOW)
    [call] = await sync.prepare_posts(db, delivery_ids=[one], now=NOW)
    assert len(call.headers["webhook-signature"].split(" ")) == 2
    [call] = await sync.prepare_posts(db, delivery_ids=[one], now=NOW + endpoints.OVERLAP)
    assert len(call.headers["webhook-signature"].split(" ")) == 1
    assert new.version == old.version + 1


async def test_endpoints_are_changed_and_never_to_an_address_of_ours(db):
    endpoint = await hook(db)
    changed = await endpoints.change(db, webhook_id=endpoint.id, types=["order.*"], fat=True)
    assert (changed.types, changed.fat, changed.url) == (("order.*",), True, endpoint.url)
    with pytest.raises(Forbidden):
        await endpoints.change(db, webhook_id=endpoint.id, url="https://127.0.0.1/")
    with pytest.raises(Forbidden):
        await hook(db, url="http://hooks.example/")
    with pytest.raises(endpoints.NoSuchWebhook):
        await endpoints.change(db, webhook_id=new_id())


async def test_disabling_twice_is_told_once(db):
    endpoint = await hook(db)
    for _ in range(2):
        await sync.disable(db, webhook_id=endpoint.id, reason="by hand", now=NOW)
    assert await db.fetchval("SELECT count(*) FROM plumbing.events WHERE entity_id = $1", endpoint.id) == 1


# --- over real sockets ----------------------------------------------------------------------------------------


@pytest.fixture
def receiver():
    """An endpoint on loopback that keeps what it was sent."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/in", got=got)
    server.shutdown()
    server.server_close()


async def test_a_posted_event_verifies_at_the_receiver(database, receiver, monkeypatch):
    monkeypatch.setattr(posting, "settings", lambda: SimpleNamespace(webhook_private_hosts=True))
    async with database.transaction() as db:
        endpoint = await hook(db, url=receiver.url, private=True, fat=True)
        await happened(db, await an_order(db), "order.captured")
    ids: list = []

    async def handle(db, events):
        ids.extend(await sync.queueing(db, events=events))

    reader = Reader("webhooks", handle)
    # Transactions of other tests on the server may hold the event back for a moment.
    async with asyncio.timeout(60):
        while await log.unread(database, [reader]):
            await log.feed(database, reader)
    now = datetime.now(UTC)
    async with database.transaction() as db:
        calls = await sync.prepare_posts(db, delivery_ids=ids, now=now)
    answers = [(call, await sync.post(call)) for call in calls]
    async with database.transaction() as db:
        assert await sync.record_posts(db, delivery_ids=ids, answers=answers, now=now) == {}
    [(sent, body)] = receiver.got
    assert Receiver(endpoint.secret).verify(body, sent)["data"] == {"n": 1}


async def test_where_private_hosts_are_not_allowed_nothing_reaches_loopback(db, receiver, monkeypatch):
    monkeypatch.setattr(posting, "settings", lambda: SimpleNamespace(webhook_private_hosts=False))
    _, [one], _ = await queued(db, url=receiver.url, private=True)
    [call] = await sync.prepare_posts(db, delivery_ids=[one], now=NOW)
    assert isinstance(await sync.post(call), NoReply)
    assert receiver.got == []
