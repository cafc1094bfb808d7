"""Items, nodes, channels and stock over the API."""

import asyncio
from uuid import uuid4

import pytest

from orderloom.terms import unwire
from tests.api.shop import item, node


class TestAnItem:
    async def test_is_put_by_sku_and_kept_as_given(self, shop):
        body = await shop.ok("GET", "/v1/items/MUG")
        assert (body["weight_g"], body["length_mm"]) == (355, 102)
        assert body["as_given"]["length"] == {"value": 4, "unit": "in"}
        assert body["list_price"] == {"amount": 1000, "currency": "USD"}

    async def test_that_is_put_alike_does_not_change(self, shop):
        before = (await shop.ok("GET", "/v1/items/MUG"))["version"]
        assert (await shop.ok("PUT", "/v1/items/MUG", item("Mug")))["version"] == before
        changed = await shop.ok("PUT", "/v1/items/MUG", item("Big mug"))
        assert changed["version"] == before + 1

    async def test_is_changed_only_at_the_version_named(self, shop):
        refused = await shop.put("/v1/items/MUG", json=item("Big mug"), headers={"If-Match": '"9"'})
        assert refused.status_code == 412
        tag = (await shop.get("/v1/items/MUG")).headers["etag"]
        assert (
            await shop.put("/v1/items/MUG", json=item("Big mug"), headers={"If-Match": tag})
        ).status_code == 200

    async def test_is_changed_by_one_of_many_at_a_version(self, shop):
        tag = (await shop.get("/v1/items/MUG")).headers["etag"]
        puts = [shop.put("/v1/items/MUG", json=item(f"Mug {i}"), headers={"If-Match": tag}) for i in range(8)]
        assert sorted(answer.status_code for answer in await asyncio.gather(*puts)) == [200] + [412] * 7

    async def test_run_dry_is_not_put(self, shop):
        assert (await shop.ok("PUT", "/v1/items/NEW?dry_run=true", item("New")))["name"] == "New"
        assert (await shop.get("/v1/items/NEW")).status_code == 404

    async def test_may_be_a_kit_of_items_alone(self, shop):
        assert len((await shop.ok("GET", "/v1/items/SET"))["components"]) == 2
        for part, code in (("SET", "kit_of_kits"), ("NONE", "unknown_sku"), ("TWICE", "kit_of_kits")):
            body = item("Twice", components=[{"sku": part, "quantity": 1}])
            answer = await shop.put("/v1/items/TWICE", json=body)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
        body = item("Twice", components=[{"sku": "MUG", "quantity": 1}, {"sku": "MUG", "quantity": 1}])
        assert (await shop.put("/v1/items/TWICE", json=body)).json()["errors"][0]["code"] == "repeated"
        emptied = await shop.ok("PUT", "/v1/items/SET", item("Set", components=[]))
        assert emptied["components"] == []

    async def test_comes_by_the_hundred(self, shop):
        items = [{"sku": f"B{i:03}", **item(f"Batch {i}")} for i in range(120)]
        assert len((await shop.ok("POST", "/v1/items/batch", {"items": items}))["changed"]) == 120
        assert (await shop.ok("POST", "/v1/items/batch", {"items": items}))["changed"] == []
        first = await shop.ok("GET", "/v1/items?text=Batch&limit=100")
        rest = await shop.ok("GET", f"/v1/items?text=Batch&limit=100&after={first['after']}")
        assert (len(first["data"]), len(rest["data"]), rest["after"]) == (100, 20, None)


class TestANode:
    async def test_is_put_by_code(self, shop):
        body = await shop.ok(
            "PUT", "/v1/nodes/EAST", node("East", cutoffs={"*": "15:00"}, holidays=["2026-12-25"])
        )
        assert (body["cutoffs"], body["holidays"], body["version"]) == ({"*": "15:00"}, ["2026-12-25"], 2)
        assert [n["code"] for n in (await shop.ok("GET", "/v1/nodes"))["data"]] == ["EAST", "WEST"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("time_zone", "Mars/Olympus"), ("cutoffs", {"*": "25:00"}), ("type", "ship"), ("working_days", [0])],
    )
    async def test_that_cannot_be_is_refused(self, shop, field, value):
        answer = await shop.put("/v1/nodes/EAST", json=node("East", **{field: value}))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"].startswith(f"/{field}")

    async def test_of_others_is_not_seen(self, shop):
        east = unwire("node", (await shop.ok("GET", "/v1/nodes/EAST"))["id"])
        limited = await shop.limited(nodes=[east])
        assert [n["code"] for n in (await limited.ok("GET", "/v1/nodes"))["data"]] == ["EAST"]
        assert (await limited.get("/v1/nodes/WEST")).status_code == 404


class TestStock:
    async def test_is_set_adjusted_and_moved_with_a_reason(self, shop):
        moved = await shop.ok(
            "POST",
            "/v1/inventory/transfer",
            {"from_node": "EAST", "to_node": "WEST", "sku": "MUG", "quantity": 3, "reason": "rebalance"},
        )
        assert [level["on_hand"] for level in moved["levels"]] == [7, 13]
        broken = await shop.ok(
            "POST", "/v1/inventory/adjust", {"node": "EAST", "sku": "MUG", "damaged": 2, "reason": "dropped"}
        )
        assert (broken["on_hand"], broken["damaged"], broken["available"]) == (7, 2, 5)
        ledger = await shop.ok("GET", "/v1/inventory/movements?sku=MUG&node=EAST")
        assert [m["kind"] for m in ledger["data"]] == ["adjusted", "transferred", "counted"]
        assert all(m["reason"] and m["actor"].startswith("key:") for m in ledger["data"])

    async def test_that_is_not_as_expected_is_told(self, shop):
        body = {"node": "EAST", "sku": "MUG", "quantity": 5, "reason": "count", "expected_quantity": 9}
        answer = await shop.post("/v1/inventory/set", body)
        assert (answer.status_code, answer.json()["code"], answer.json()["on_hand"]) == (
            409,
            "stale_quantity",
            10,
        )
        assert (await shop.post("/v1/inventory/set", {**body, "expected_quantity": 10})).status_code == 200

    async def test_is_not_moved_beyond_what_there_is(self, shop):
        body = {"from_node": "EAST", "to_node": "WEST", "sku": "MUG", "quantity": 11, "reason": "rebalance"}
        answer = await shop.post("/v1/inventory/transfer", body)
        assert (answer.status_code, answer.json()["available"][0]["available"]) == (409, 10)
        assert (await shop.post("/v1/inventory/transfer", {**body, "to_node": "EAST"})).status_code == 422

    async def test_needs_a_key_a_reason_and_places_that_are(self, shop):
        body = {"node": "NOWHERE", "sku": "NONE", "quantity": 5, "reason": "count"}
        faults = (await shop.post("/v1/inventory/set", body)).json()["errors"]
        assert {f["path"] for f in faults} == {"/node", "/sku"}
        assert (await shop.post("/v1/inventory/set", {**body, "reason": ""})).status_code == 422
        assert (await shop.request("POST", "/v1/inventory/set", json=body)).status_code == 400

    async def test_at_a_node_out_of_reach_is_not_touched(self, shop):
        limited = await shop.limited(nodes=[uuid4()])
        body = {"node": "EAST", "sku": "MUG", "quantity": 5, "reason": "count"}
        assert (await limited.post("/v1/inventory/set", body)).json()["errors"][0]["code"] == "unknown_node"


class TestANodeClosesForAWhile:
    async def test_it_says_why_and_until_when_and_opens_again(self, shop):
        end = "2099-03-02T06:00:00Z"
        asked = {"reason": "power cut", "reopens_at": end}
        tried = await shop.ok("POST", "/v1/nodes/EAST/close?dry_run=true", asked)
        assert tried["node"]["closed"]["because"] == "power cut"
        assert (await shop.ok("GET", "/v1/nodes/EAST"))["closed"] is None
        said = await shop.ok("POST", "/v1/nodes/EAST/close", asked)
        assert said["standing"] == {"orders": 0, "units": 0, "moved": [], "bound": [], "begun": []}
        assert (said["node"]["closed"]["reopens_at"], said["node"]["supported_actions"]) == (
            end,
            ["close", "reopen"],
        )
        put = await shop.ok("PUT", "/v1/nodes/EAST", node("East again"))
        assert put["closed"]["because"] == "power cut", "an outage is no part of how a node is set up"
        opened = await shop.ok("POST", "/v1/nodes/EAST/reopen", {"reason": "power is back"})
        assert opened["closed"] is None
        again = await shop.post("/v1/nodes/EAST/reopen", {"reason": "power is back"})
        assert (again.status_code, again.json()["supported_actions"]) == (409, ["close"])

    async def test_an_end_in_the_past_and_another_version_are_refused(self, shop):
        past = await shop.post(
            "/v1/nodes/EAST/close", {"reason": "flood", "reopens_at": "2020-01-01T00:00:00Z"}
        )
        assert past.status_code == 422
        stale = await shop.post("/v1/nodes/EAST/close", {"reason": "flood"}, headers={"If-Match": '"99"'})
        assert stale.status_code == 412


async def test_orders_are_planned_anew_together_as_a_dry_run_and_for_good(shop):
    for path in ("/v1/routing/reoptimise?dry_run=true", "/v1/routing/reoptimise"):
        said = await shop.ok("POST", path, {"most": 10})
        assert said == {
            "orders": 0,
            "cost_before": 0,
            "cost": 0,
            "saving": 0,
            "bound": 0,
            "gap": 0,
            "changes": [],
            "priced": 0,
        }
    async with shop.database.transaction() as db:
        await db.execute(
            "INSERT INTO routing.scarcity (node_id, sku, price, priced_at) SELECT id, 'MUG', 120, now() FROM network.nodes"
        )
    limited = await shop.limited(nodes=[uuid4()])
    assert (await limited.post("/v1/routing/reoptimise", {"most": 10})).status_code == 403
    assert (await limited.get("/v1/routing/batches")).status_code == 403
    [run] = (await shop.ok("GET", "/v1/routing/batches"))["data"]
    assert (run["orders"], run["changed"], run["cost"]) == (0, 0, 0), "what was tried only left nothing"
    first = await shop.ok("GET", "/v1/routing/scarcity?limit=1")
    assert [(p["node"], p["sku"], p["price"]) for p in first["data"]] == [("EAST", "MUG", 120)]
    rest = await shop.ok("GET", f"/v1/routing/scarcity?after={first['after']}")
    assert [p["node"] for p in rest["data"]] == ["WEST"]
