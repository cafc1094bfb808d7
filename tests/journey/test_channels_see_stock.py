"""Channels are told what they may sell: after a sale, a count, a change of rules; and what they lost is found and put right."""

from __future__ import annotations

import csv

import pytest

from orderloom import network
from orderloom.insight import audit
from orderloom.journey import publishing_stock
from orderloom.journey.publishing_stock import sweep
from orderloom.plumbing import clock
from orderloom.plumbing.settings import settings
from orderloom.sync.feeds import feed_named


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
