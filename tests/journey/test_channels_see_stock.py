"""Channels are told what they may sell: after a sale, a count, a change of rules; and what they lost is found and put right."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta
from types import SimpleNamespace

import pytest

from orderloom import network
from orderloom.insight import audit, run_summary
from orderloom.inventory import supplies
from orderloom.inventory.marking import tell_offer_changed
from orderloom.inventory.supply import Supply, SupplyLine
from orderloom.journey import publishing_stock
from orderloom.journey.publishing_stock import sweep
from orderloom.journey.roster import READERS
from orderloom.orders import exceptions
from orderloom.plumbing import clock, http
from orderloom.plumbing.settings import settings
from orderloom.simulate.processes import Process, free_port, python
from orderloom.sync.feeds import feed_named, over_http
from orderloom.terms import new_id


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where channels fetch their files from."""
    monkeypatch.setenv("ORDERLOOM_FEED_DIR", str(tmp_path))
    settings.cache_clear()
    feed_named.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()
    feed_named.cache_clear()


async def connect(house, code, feed):
    async with house.database.transaction() as db:
        [channel] = (await network.channels_of(db, codes=[code])).values()
        await db.execute("UPDATE network.channels SET availability_feed = $2 WHERE id = $1", channel.id, feed)
    return channel.id


def shown(path):
    with path.open(newline="") as file:
        return {row["sku"]: (int(row["quantity"]), int(row["version"])) for row in csv.DictReader(file)}


async def published(house, channel, sku):
    async with house.database.transaction() as db:
        return await db.fetchrow(
            "SELECT * FROM sync.availability WHERE channel_id = $1 AND sku = $2", channel, sku
        )


async def order_in(house, code, sku, units, due):
    async with house.database.transaction() as db:
        [node] = (await network.nodes_of(db, codes=[code])).values()
        line = SupplyLine(position=1, sku=sku, expected=units)
        supply = Supply(
            id=new_id(),
            kind="purchase_order",
            reference="PO-1",
            node_id=node.id,
            from_node=None,
            due_at=due,
            lines=(line,),
        )
        assert isinstance(await supplies.expect(db, supply=supply), Supply)


async def test_a_sale_lowers_what_the_channel_may_sell(house, folder):
    channel = await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    sku = house.item(0)
    await house.settle()
    before = shown(folder / "web.csv")[sku]
    assert before[0] == (await published(house, channel, sku))["quantity"] > 2
    await house.place(house.draft({sku: 2}))
    await house.settle()
    after = shown(folder / "web.csv")[sku]
    assert after[0] == before[0] - 2
    assert after[1] > before[1]
    row = await published(house, channel, sku)
    assert (row["pushed"], row["quantity"]) == (row["version"], after[0])
    assert row["pushed_at"] >= row["changed_at"]


async def test_stock_that_others_see_follows_a_count_a_kit_and_a_closed_channel(house, folder):
    channel = await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    kit, parts = next((kit, parts) for kit, parts in sorted(house.world.kits.items()))
    for part, per_kit in parts.items():
        await house.shelve(part, {"CMH": 3 * per_kit, "RNO": per_kit})
    await house.settle()
    assert shown(folder / "web.csv")[kit][0] == 4, "whole kits, node by node"
    await house.shelve(next(iter(parts)), {"CMH": 0, "RNO": parts[next(iter(parts))]})
    await house.settle()
    assert shown(folder / "web.csv")[kit][0] == 1
    due = clock.now() + timedelta(days=3)
    await order_in(house, "CMH", next(iter(parts)), 2 * parts[next(iter(parts))], due)
    await house.settle()
    row = await published(house, channel, kit)
    assert (row["next_at"], row["next_units"]) == (due, 2), "more kits come with the part they lack"
    async with house.database.transaction() as db:
        await db.execute("UPDATE network.channels SET active = false WHERE id = $1", channel)
        await tell_offer_changed(db, skus=None, reason="closed")
    await house.settle()
    assert {quantity for quantity, _ in shown(folder / "web.csv").values()} == {0}


async def test_what_changes_without_a_word_is_published_by_the_sweep(house, folder):
    channel = await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    sku = house.item(1)
    await house.settle()
    before = (await published(house, channel, sku))["quantity"]
    async with house.database.transaction() as db:
        await db.execute("UPDATE inventory.stock SET safety_stock = 1 WHERE sku = $1 AND on_hand > 1", sku)
        moved = await db.fetchval(
            "SELECT count(*) FROM inventory.stock WHERE sku = $1 AND safety_stock = 1", sku
        )
    begun = clock.now().replace(minute=0, second=0)
    for minute in range(publishing_stock.PARTS):
        async with house.database.transaction() as db:
            await sweep(db, begun + timedelta(minutes=minute))
    await house.settle()
    assert before - moved <= shown(folder / "web.csv")[sku][0] < before


async def test_a_number_that_did_not_change_is_not_told_again(house, folder):
    await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    await house.settle()
    before = shown(folder / "web.csv")
    async with house.database.transaction() as db:
        await publishing_stock.publish(db, list(before))
    await house.settle()
    assert shown(folder / "web.csv") == before


async def test_every_event_and_movement_is_read_and_the_books_are_sound(house, folder):
    await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    await house.place(*(house.draft({house.item(n): 1}) for n in range(4)))
    await house.settle()
    async with house.database.transaction() as db:
        assert [f.invariant.key for f in await audit.run(db) if f.count] == []
        left = await run_summary.backlog(db, readers=READERS)
    assert (left.due, left.notices, left.unread) == (0, 0, 0), "a run that waits for its end comes to it"


# --- a marketplace that loses, repeats, delays and refuses ----------------------------------------------------


@pytest.fixture
async def market(tmp_path, monkeypatch, house):
    """The simulated marketplace as a process, and the house's `market` channel told by it."""
    monkeypatch.setenv("ORDERLOOM_WEBHOOK_PRIVATE_HOSTS", "true")
    settings.cache_clear()
    feed_named.cache_clear()
    port = free_port()
    secret = over_http.configured().secret("market")
    command = ["orderloom.simulate.marketplace", "--port", str(port), "--secret", secret, "--seed", "7"]
    health = f"http://127.0.0.1:{port}/health"
    process = Process("marketplace", python(*command), tmp_path / "market.log", ready_url=health)
    await process.start()
    url = f"http://127.0.0.1:{port}"
    channel = await connect(house, "market", {"adapter": "http", "url": f"{url}/availability"})
    yield SimpleNamespace(url=url, channel=channel)
    await process.stop()
    monkeypatch.undo()
    settings.cache_clear()
    feed_named.cache_clear()


async def listing(market, *, dropped=()):
    status, body = await http.call("GET", f"{market.url}/ledger")
    assert status == 200
    newest = {}
    for row in body["taken"]:
        before = newest.get(row["sku"], (0, 0))[1] - (row["sku"] in dropped)
        assert row["version"] > before, "an older version was applied"
        newest[row["sku"]] = (row["quantity"], row["version"])
    return newest, body


async def ours(house, market):
    async with house.database.transaction() as db:
        rows = await db.fetch("SELECT * FROM sync.availability WHERE channel_id = $1", market.channel)
    return {row["sku"]: (row["quantity"], row["version"]) for row in rows}, rows


async def misbehave(market, **how):
    status, _ = await http.call("POST", f"{market.url}/control", json=how)
    assert status == 200


async def test_a_market_that_loses_repeats_and_fails_comes_to_the_same_numbers(house, market):
    await misbehave(market, server_error=0.3, lost=0.3, repeated=1, repeat_ms=50, delay=0.3, delay_ms=20)
    sku = house.item(0)
    for n in range(6):
        await house.place(house.draft({sku: 1}, channel="market"))
        await house.shelve(house.item(1), {"CMH": 10 - n})
        await house.settle_in_time()
    await misbehave(market, server_error=0, lost=0)
    await house.settle_in_time()
    async with asyncio.timeout(60):
        while not (await listing(market))[1]["old"]:  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.05)  # repeats come, and are left out
    theirs, _ = await listing(market)
    mine, rows = await ours(house, market)
    assert theirs == mine
    assert all(row["pushed"] == row["version"] for row in rows)


async def test_what_the_market_forgot_or_changed_is_found_and_put_right(house, market):
    await house.settle_in_time()
    lost, spoiled = house.item(0), house.item(1)
    await misbehave(market, drop=[lost], put={spoiled: 77})
    async with house.database.transaction() as db:
        await publishing_stock.ask_to_compare(db, channel_id=market.channel)
    await house.settle_in_time()
    async with house.database.transaction() as db:
        row = await db.fetchrow("SELECT * FROM sync.reconciliations WHERE channel_id = $1", market.channel)
    assert (row["divergent"], row["repaired"]) == (2, 2)
    assert row["detail"]["kinds"] == {"missing": 1, "different": 1}
    again = await publishing_stock.reconcile(house.database, channel_id=market.channel, now=clock.now())
    compared, _ = again
    assert compared.divergences == ()
    theirs, _ = await listing(market, dropped=[lost])
    assert theirs[spoiled] == (await ours(house, market))[0][spoiled]


async def test_a_market_that_refuses_becomes_a_case_and_is_settled_when_it_takes_them(house, market):
    await misbehave(market, refusal=1)
    await house.settle()
    async with house.database.transaction() as db:
        [case] = await exceptions.open_of(db, entities=[market.channel])
    assert case.kind == "availability_not_taken"
    await misbehave(market, refusal=0)
    await house.settle_in_time()
    async with house.database.transaction() as db:
        assert await exceptions.open_of(db, entities=[market.channel]) == []
    assert (await listing(market))[0] == (await ours(house, market))[0]


async def test_a_slow_market_delays_nobody_else(house, market, folder):
    settings.cache_clear()
    await connect(house, "web", {"adapter": "csv", "file": "web.csv"})
    await house.settle_in_time()
    await misbehave(market, delay=1, delay_ms=600_000)
    working = asyncio.create_task(house.worker.run(asyncio.Event()))
    sku = house.item(0)
    before = shown(folder / "web.csv")[sku]
    await house.place(house.draft({sku: 1}))
    async with asyncio.timeout(60):
        while shown(folder / "web.csv")[sku] == before:  # noqa: ASYNC110 - another task writes the file
            await asyncio.sleep(0.05)
    _, rows = await ours(house, market)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert any(row["pushed"] < row["version"] for row in rows), "the market was still at it"
