"""What channels may sell, over the API: the feed by cursor, its state, reconciliation; why a number is so; safety stock."""

from __future__ import annotations

import asyncio
import csv

import pytest

from orderloom.plumbing.settings import settings
from orderloom.sync.feeds import feed_named
from orderloom.terms import unwire
from orderloom.worker import Worker
from tests.api.shop import node, order, set_stock


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ORDERLOOM_FEED_DIR", str(tmp_path))
    settings.cache_clear()
    feed_named.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()
    feed_named.cache_clear()


@pytest.fixture
def worker(database):
    return Worker(database, lease_s=5)


async def feed(api, after=None, **asked):
    given = {"limit": 200, **({"after": after} if after else {}), **asked}
    return (await api.get("/v1/channels/web/availability", params=given)).json()


async def told(api, worker, skus=frozenset({"LAMP", "MUG", "RUG", "SET"}), after=None):
    """The page that tells of all of these: what other tests' transactions on the server hold back is waited for."""
    async with asyncio.timeout(60):
        while True:
            await worker.run_until_idle()
            page = await feed(api, after)
            if skus <= {row["sku"] for row in page["data"]}:
                return page
            await asyncio.sleep(0.05)


async def test_a_channel_follows_its_numbers_by_cursor(shop, worker):
    first = await told(shop, worker)
    assert {row["sku"]: row["quantity"] for row in first["data"]} == {
        "LAMP": 20,
        "MUG": 20,
        "RUG": 0,
        "SET": 10,
    }
    assert (await feed(shop, first["after"]))["data"] == []
    await shop.ok("POST", "/v1/orders", order({"MUG": 3}))
    second = await told(shop, worker, {"MUG", "SET"}, first["after"])
    assert {row["sku"]: row["quantity"] for row in second["data"]} == {"MUG": 17, "SET": 8}
    versions = {row["sku"]: row["version"] for row in first["data"]}
    assert all(row["version"] == versions[row["sku"]] + 1 for row in second["data"])


async def test_pages_are_read_on_and_nothing_is_said_twice(shop, worker):
    await told(shop, worker)
    seen, after = [], None
    while page := (found := await feed(shop, after, limit=1))["data"]:
        seen += [row["sku"] for row in page]
        after = found["after"]
    assert sorted(seen) == ["LAMP", "MUG", "RUG", "SET"]


async def test_who_waits_is_told_as_soon_as_a_number_changes(shop, worker):
    end = (await told(shop, worker))["after"]
    waiting = asyncio.create_task(feed(shop, end, wait=20))
    await asyncio.sleep(0.3)
    await set_stock(shop, "EAST", "LAMP", 4)
    await worker.run_until_idle()
    heard = await asyncio.wait_for(waiting, 60)
    assert ("LAMP", 14) in [(row["sku"], row["quantity"]) for row in heard["data"]]


async def test_a_cursor_of_somebody_elses_making_is_refused(shop):
    for after in ("nonsense", "WyJ4IiwiTVVHIl0", "W10"):
        answer = await shop.get("/v1/channels/web/availability", params={"after": after})
        assert answer.status_code == 422, after


async def test_a_key_of_another_channel_sees_no_feed(shop):
    made = await shop.ok("PUT", "/v1/channels/other", {"name": "Other", "type": "site", "currency": "USD"})
    other = await shop.limited(channels=[unwire("channel", made["id"])])
    for path in ("availability", "availability/state", "reconciliations"):
        assert (await other.get(f"/v1/channels/web/{path}")).status_code == 404
    assert (await other.post("/v1/channels/web/reconcile")).status_code == 404


async def test_a_kit_and_a_closed_node_change_what_is_offered(shop, worker):
    end = (await told(shop, worker))["after"]
    await shop.ok("PUT", "/v1/nodes/WEST", node("West", active=False))
    page = await told(shop, worker, {"LAMP", "MUG", "SET"}, end)
    assert {row["sku"]: row["quantity"] for row in page["data"]} == {"LAMP": 10, "MUG": 10, "SET": 5}


async def test_a_file_feed_is_pushed_compared_and_put_right(shop, worker, folder):
    channel = {"name": "Web shop", "type": "site", "currency": "USD"}
    fed = {**channel, "availability_feed": {"adapter": "csv", "file": "web.csv"}}
    await shop.ok("PUT", "/v1/channels/web", fed)
    await worker.run_until_idle()
    state = (await shop.get("/v1/channels/web/availability/state")).json()
    assert (state["adapter"], state["waiting"], state["skus"]) == ("csv", 0, 4)
    assert state["lag_p95"] >= 0
    lines = (folder / "web.csv").read_text().splitlines()
    (folder / "web.csv").write_text("\n".join(x for x in lines if not x.startswith("MUG")) + "\n")
    asked = await shop.post("/v1/channels/web/reconcile")
    assert asked.status_code == 202, asked.text
    await worker.run_until_idle()
    [found] = (await shop.get("/v1/channels/web/reconciliations")).json()["data"]
    assert (found["compared"], found["divergent"], found["repaired"]) == (4, 1, 1)
    assert found["divergences"][0] | {"sku": "MUG", "kind": "missing", "ours": 20} == found["divergences"][0]
    with (folder / "web.csv").open(newline="") as file:
        assert {row["sku"]: row["quantity"] for row in csv.DictReader(file)}["MUG"] == "20"


@pytest.mark.parametrize(
    "wrong",
    [
        {"adapter": "pigeon"},
        {"adapter": "csv", "file": "../../etc/passwd.csv"},
        {"adapter": "csv"},
        {"adapter": "http", "url": "http://127.0.0.1/x"},
        {"adapter": "http", "url": "https://shop.example/stock", "key": 0},
        {"adapter": "http", "url": "https://shop.example/stock", "colour": "red"},
    ],
)
async def test_settings_that_lead_nowhere_are_refused(shop, wrong):
    body = {"name": "Web shop", "type": "site", "currency": "USD", "availability_feed": wrong}
    answer = await shop.request("PUT", "/v1/channels/web", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == "/availability_feed"


async def test_the_secret_is_for_those_who_configure(shop):
    http = {"adapter": "http", "url": "https://shop.example/stock"}
    body = {"name": "Web shop", "type": "site", "currency": "USD", "availability_feed": http}
    await shop.ok("PUT", "/v1/channels/web", body)
    first = (await shop.post("/v1/channels/web/availability/secret")).json()["secret"]
    assert first.startswith("whsec_")
    shown = (await shop.get("/v1/channels/web")).json()
    assert first not in str(shown)
    await shop.ok("PUT", "/v1/channels/web", {**body, "availability_feed": {**http, "key": 2}})
    assert (await shop.post("/v1/channels/web/availability/secret")).json()["secret"] != first


# --- why ------------------------------------------------------------------------------------------------------


async def test_why_explains_every_unit_and_adds_up(shop, worker):
    taken = await shop.ok("POST", "/v1/orders", order({"MUG": 4}))
    found = (await shop.get("/v1/inventory/why", params={"node": "EAST", "sku": "MUG"})).json()
    assert found["adds_up"] is True
    if not found["balance"]["reserved"]:
        found = (await shop.get("/v1/inventory/why", params={"node": "WEST", "sku": "MUG"})).json()
    assert found["balance"]["reserved"] == 4
    reserved = next(claims for claims in found["claims"] if claims["bucket"] == "reserved")
    assert (reserved["units"], reserved["by_claims"]) == (4, 4)
    assert reserved["claims"][0]["reference"] == taken["number"]
    [web] = found["channels"]
    assert web["steps"][-1] == {"says": "may sell", "units": 16, "total": True}
    assert web["quantity"] == 16
    assert found["buckets"][0]["kinds"] == {"counted": 10}
    assert found["movements"][0]["order_number"] == taken["number"]


async def test_why_of_a_key_bound_to_a_channel_names_no_other_channels_orders(shop):
    made = await shop.ok("PUT", "/v1/channels/other", {"name": "Other", "type": "site", "currency": "USD"})
    await shop.ok("POST", "/v1/orders", order({"MUG": 4}))
    other = await shop.limited(channels=[unwire("channel", made["id"])])
    for code in ("EAST", "WEST"):
        found = (await other.get("/v1/inventory/why", params={"node": code, "sku": "MUG"})).json()
        assert found["adds_up"] is True
        assert [channel["channel"] for channel in found["channels"]] == ["other"]
        assert all(claim["reference"] is None for claims in found["claims"] for claim in claims["claims"])


async def test_why_of_what_is_not_there_is_not_found(shop):
    for asked in ({"node": "NOWHERE", "sku": "MUG"}, {"node": "EAST", "sku": "NOTHING"}):
        assert (await shop.get("/v1/inventory/why", params=asked)).status_code == 404


# --- safety ---------------------------------------------------------------------------------------------------


async def test_safety_stock_is_computed_tried_first_and_put_in_place(shop, worker):
    body = {"target": 0.001, "node": "EAST", "lag_seconds": 60}
    dry = await shop.post("/v1/inventory/safety/compute?dry_run=true", body)
    assert dry.status_code == 200, dry.text
    wanted = {row["sku"]: row["units"] for row in dry.json()["results"]}
    assert wanted["MUG"] > 0
    level = (await shop.get("/v1/inventory/levels", params={"sku": "MUG", "node": "EAST"})).json()["data"][0]
    assert level["safety_stock"] == 0, "a dry run changes nothing"
    end = (await told(shop, worker))["after"]
    done = await shop.ok("POST", "/v1/inventory/safety/compute", body)
    assert done["changed"] == 2
    level = (await shop.get("/v1/inventory/levels", params={"sku": "MUG", "node": "EAST"})).json()["data"][0]
    assert level["safety_stock"] == wanted["MUG"]
    page = await told(shop, worker, {"MUG"}, end)
    numbers = {row["sku"]: row["quantity"] for row in page["data"]}
    assert numbers["MUG"] == 20 - wanted["MUG"], "the channels are told"
    why = (await shop.get("/v1/inventory/why", params={"node": "EAST", "sku": "MUG"})).json()
    assert (why["safety_rule"]["source"], why["safety_rule"]["of"]) == ("computed", "node and sku")
    report = (await shop.get("/v1/inventory/safety/report")).json()["targets"]
    assert [(row["target"], row["rules"], row["exposures"]) for row in report] == [(0.001, 2, 0)]
