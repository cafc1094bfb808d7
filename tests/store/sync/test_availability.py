"""What channels are told, on a real PostgreSQL: only what changed, never out of order, nothing skipped under many writers."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from orderloom import catalog, inventory, network
from orderloom.catalog import Item
from orderloom.inventory.model import Leg, Posting
from orderloom.journey import publishing_stock
from orderloom.journey.offering import offers
from orderloom.journey.publishing_stock import AVAILABLE, OFFERED
from orderloom.network import Channel, Node
from orderloom.plumbing import events
from orderloom.sync.store import availability as store
from orderloom.terms import Address

SKUS = [f"SKU-{n:02}" for n in range(12)]


@pytest.fixture
async def shop(database):
    """Three nodes, two channels, twelve items, a kit, a hundred of each everywhere."""
    async with database.transaction() as db:
        items = [
            Item(sku=s, name=s, weight_g=1, length_mm=1, width_mm=1, height_mm=1) for s in [*SKUS, "KIT"]
        ]
        await catalog.put_items(db, items=items)
        await catalog.put_kits(db, kits={"KIT": {SKUS[0]: 2, SKUS[1]: 1}})
        nodes = [Node(code=c, name=c, type="store", address=Address(), time_zone="UTC") for c in "ABC"]
        await network.put_nodes(db, nodes=nodes)
        channels = [Channel(code=c, name=c, type="site", currency="USD") for c in ("web", "market")]
        await network.put_channels(db, channels=channels)
        legs = [Leg(node_id=n.id, sku=s, kind="received", on_hand=100) for n in nodes for s in SKUS]
        await inventory.post(
            db, postings=[Posting(cause_type="test", cause_id=None, legs=tuple(legs), reason="first")]
        )
    return database, nodes, channels


async def read_all(database):
    while await events.unread(database, [AVAILABLE, OFFERED]):
        for reader in (AVAILABLE, OFFERED):
            await events.feed(database, reader, hurry=True)


async def sell(database, node, sku, units, *, pause=0.0):
    async with database.transaction() as db:
        leg = Leg(node_id=node.id, sku=sku, kind="adjusted", on_hand=-units)
        await inventory.post(
            db, postings=[Posting(cause_type="test", cause_id=None, legs=(leg,), reason="sold")]
        )
        await asyncio.sleep(pause)


async def test_only_what_changed_is_published_and_versions_grow_by_one(shop):
    database, nodes, channels = shop
    await read_all(database)
    async with database.transaction() as db:
        first = await store.published(db, channels[0].id)
    assert {p.sku: p.quantity for p in first.values()} == {**dict.fromkeys(SKUS, 300), "KIT": 150}
    await sell(database, nodes[0], SKUS[0], 10)
    await read_all(database)
    async with database.transaction() as db:
        second = await store.published(db, channels[0].id)
        assert await publishing_stock.publish(db, SKUS) == 0
    changed = {sku for sku in second if second[sku] != first[sku]}
    assert changed == {SKUS[0], "KIT"}
    assert all(second[sku].version == first[sku].version + 1 for sku in changed)
    assert (second[SKUS[0]].quantity, second["KIT"].quantity) == (290, 145)


async def test_a_pause_takes_many_changes_together(shop):
    database, nodes, _ = shop
    await read_all(database)
    await sell(database, nodes[0], SKUS[0], 1)
    assert await events.feed(database, replace(AVAILABLE, every_s=lambda: 3600.0)) == 0, "too soon"
    # Transactions of other tests on the server may hold the ledger back for a moment.
    found = 0
    async with asyncio.timeout(60):
        while not found:
            found = await events.feed(database, AVAILABLE, hurry=True)
            await asyncio.sleep(0.01)


async def test_many_writers_and_two_publishers_leave_every_number_right_and_no_reader_behind(shop):
    """Transactions of every length commit out of order; whoever follows the feed ends with what is so."""
    database, nodes, channels = shop
    dice = random.Random(11)
    done = asyncio.Event()
    followed, place = {}, ("0", "")

    async def writer(seed):
        mine = random.Random(seed)
        for _ in range(25):
            pause = mine.choice((0, 0, 0.002, 0.02))
            await sell(database, mine.choice(nodes), mine.choice(SKUS), 1, pause=pause)

    async def publisher():
        while not done.is_set():
            await events.feed(database, AVAILABLE, hurry=True)
            async with database.transaction() as db:
                await publishing_stock.publish(db, dice.sample(SKUS, 3))

    async def follow():
        nonlocal place
        async with database.transaction(readonly=True) as db:
            rows = await store.feed(db, channels[0].id, xid=place[0], sku=place[1], limit=5)
        for row in rows:
            assert row["version"] > followed.get(row["sku"], (0, 0))[1]
            followed[row["sku"]] = (row["quantity"], row["version"])
            place = (row["place"], row["sku"])
        return len(rows)

    async def follower():
        while not done.is_set():
            await follow()
            await asyncio.sleep(0.001)

    others = [asyncio.create_task(work) for work in (publisher(), publisher(), follower())]
    await asyncio.gather(*(writer(seed) for seed in range(4)))
    done.set()
    await asyncio.gather(*others)
    await read_all(database)
    for _ in range(200):
        if not await follow():
            async with database.connection() as db:
                newest = await db.fetchval(
                    "SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot()) FROM sync.availability"
                )
            if newest:
                break
            await asyncio.sleep(0.02)
    async with database.transaction() as db:
        right = await offers(db, skus=[*SKUS, "KIT"])
        published = await store.published(db, channels[0].id)
    assert {sku: p.quantity for sku, p in published.items()} == {
        sku: offer.quantity for (channel, sku), offer in right.items() if channel == channels[0].id
    }
    assert followed == {sku: (p.quantity, p.version) for sku, p in published.items()}


async def test_an_accepted_version_is_never_forgotten_for_an_older_one(shop):
    database, _, channels = shop
    await read_all(database)
    async with database.transaction() as db:
        now = await db.fetchval("SELECT clock_timestamp()")
        await store.accepted(db, channels[0].id, {SKUS[0]: 5}, now=now)
        await store.accepted(db, channels[0].id, {SKUS[0]: 3}, now=now)
        assert (await store.published(db, channels[0].id))[SKUS[0]].pushed == 5


async def test_what_is_sold_out_goes_first(shop):
    database, nodes, channels = shop
    for node in nodes:
        await sell(database, node, SKUS[7], 100)
    await read_all(database)
    async with database.transaction() as db:
        found = await store.unpushed(db, channels[0].id, limit=3)
    assert found[0].sku == SKUS[7]
    assert found[0].quantity == 0
