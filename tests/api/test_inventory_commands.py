"""`orderloom inventory`: why a number is so, levels, safety stock and reconciliation from the command line."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from orderloom.cli import application
from orderloom.plumbing.settings import settings
from orderloom.sync.feeds import feed_named
from orderloom.worker import Worker
from tests.api.shop import order


@pytest.fixture
async def inventory(shop, database_url, monkeypatch, tmp_path):
    """Runs a command on the shop's database: `await inventory("why", "EAST", "MUG")`."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERLOOM_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    feed_named.cache_clear()

    async def run(*words: str, ends: int = 0) -> str:
        done = await asyncio.to_thread(
            CliRunner().invoke, application(), ["inventory", *words], env={"COLUMNS": "200"}
        )
        assert done.exit_code == ends, done.output
        return done.output

    yield run
    monkeypatch.undo()
    settings.cache_clear()
    feed_named.cache_clear()


async def test_why_is_told_in_words_and_as_json(shop, inventory):
    taken = await shop.ok("POST", "/v1/orders", order({"MUG": 4}))
    told = await inventory("why", "EAST", "MUG") + await inventory("why", "WEST", "MUG")
    assert f"reserved 4: order {taken['number']}" in told
    assert "web may sell 16" in told
    found = json.loads(await inventory("why", "EAST", "MUG", "--json"))
    assert found["adds_up"] is True
    assert found["balance"]["on_hand"] == 10
    await inventory("why", "NOWHERE", "MUG", ends=2)


async def test_why_says_when_it_does_not_add_up(shop, inventory):
    async with shop.database.transaction() as db:
        await db.execute("UPDATE inventory.stock SET on_hand = on_hand + 3, reserved = 1 WHERE sku = 'LAMP'")
    told = await inventory("why", "EAST", "LAMP", ends=1)
    assert "reserved is 1, but open claims make 0" in told


async def test_levels_are_listed(shop, inventory):
    rows = json.loads(await inventory("levels", "--sku", "MUG", "--json"))
    assert [(row["node"], row["available"]) for row in rows] == [("EAST", 10), ("WEST", 10)]
    assert "LAMP" in await inventory("levels", "--node", "EAST")
    assert "more than these 1" in await inventory("levels", "--limit", "1")


async def test_what_channels_may_sell_is_told_by_date(shop, inventory):
    coming = {
        "kind": "purchase_order",
        "reference": "PO-1",
        "node": "EAST",
        "due_at": "2027-03-09T00:00:00Z",
        "lines": [{"sku": "MUG", "quantity": 7}],
    }
    await shop.ok("POST", "/v1/inventory/supplies", coming, status=(201,))
    [row] = json.loads(await inventory("availability", "MUG", "--channel", "web", "--json"))
    assert [day["units"] for day in row["by_date"]] == [20, 27]
    assert "27 from 2027-03-09" in await inventory("availability", "MUG")
    await inventory("availability", "NONE", ends=2)
    await inventory("availability", "MUG", "--channel", "nowhere", ends=2)


async def test_a_movement_of_broken_units_shows_where_they_went(shop, inventory):
    broken = {"node": "EAST", "sku": "LAMP", "damaged": 2, "reason": "dropped"}
    assert "damaged" in (await inventory("why", "EAST", "LAMP")).split("last moved")[0]
    await shop.ok("POST", "/v1/inventory/adjust", broken)
    moves = (await inventory("why", "EAST", "LAMP")).split("last moved")[1]
    assert "damaged" in moves
    assert "+2" in moves


async def test_safety_is_shown_and_then_applied(shop, inventory):
    assert "Nothing was changed" in await inventory("safety", "--target", "0.01", "--node", "EAST")
    done = json.loads(
        await inventory("safety", "--target", "0.01", "--node", "EAST", "--lag", "60", "--apply", "--json")
    )
    assert done["changed"] == 2
    assert {row["node"] for row in done["results"]} == {"EAST"}
    [report] = json.loads(await inventory("safety", "--report", "--json"))
    assert (report["target"], report["rules"]) == (0.01, 2)
    assert "nothing yet" in await inventory("safety", "--report")
    await inventory("safety", "--node", "NOWHERE", ends=2)


async def test_a_node_is_sold_ahead_of_its_supply(shop, inventory):
    assert "5 of MUG beyond" in await inventory("sell-ahead", "EAST", "MUG", "5")
    [east, _] = json.loads(await inventory("levels", "--sku", "MUG", "--json"))
    assert east["backorder_limit"] == 5
    await shop.ok("POST", "/v1/orders", order({"MUG": 24}))
    found = json.loads(await inventory("why", "EAST", "MUG", "--json"))
    assert (found["available"], found["adds_up"]) == (-5, True)
    await inventory("sell-ahead", "EAST", "SET", "5", ends=2)


async def test_a_channels_listing_is_compared(shop, inventory, tmp_path):
    await inventory("reconcile", "web", ends=2)
    feed = {"adapter": "csv", "file": "web.csv"}
    body = {"name": "Web shop", "type": "site", "currency": "USD", "availability_feed": feed}
    await shop.ok("PUT", "/v1/channels/web", body)
    await Worker(shop.database).run_until_idle()
    assert "4 compared, 0 on their way, 0 diverge" in await inventory("reconcile", "web")
    file = tmp_path / "feeds/web.csv"
    file.write_text(file.read_text().replace("LAMP,20,", "LAMP,99,"))
    assert "different: LAMP, told 20, shows 99" in await inventory("reconcile", "web", ends=1)
    await Worker(shop.database).run_until_idle()
    assert "LAMP,20," in file.read_text()
    await inventory("reconcile", "nowhere", ends=2)
