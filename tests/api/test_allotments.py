"""Allotments and safety stock over the API: what each channel may claim, and is told that it may sell."""

from uuid import uuid4

from tests.api.shop import order


async def sells(api, sku: str = "MUG") -> dict[str, int]:
    found = await api.ok("GET", f"/v1/inventory/availability?sku={sku}")
    return {offer["channel"]: offer["quantity"] for offer in found["offers"]}


async def two_channels(api) -> None:
    await api.ok("PUT", "/v1/channels/pos", {"name": "Tills", "type": "store", "currency": "USD"})


class TestAnAllotment:
    async def test_keeps_units_for_its_channel(self, shop):
        await two_channels(shop)
        put = await shop.ok("PUT", "/v1/inventory/allotments/MUG/web", {"units": 15})
        assert (put["kind"], put["drawn"], put["unused"], put["shared"]) == ("fixed", 0, 15, 5)
        assert await sells(shop) == {"web": 20, "pos": 5}
        refused = await shop.post("/v1/orders", order({"MUG": 6}, channel="pos"))
        assert refused.json()["code"] == "insufficient_stock"
        assert refused.json()["available"][0]["available"] == 5
        await shop.ok("POST", "/v1/orders", order({"MUG": 18}))
        [stands] = (await shop.ok("GET", "/v1/inventory/allotments?sku=MUG"))["data"]
        assert (stands["drawn"], stands["unused"], stands["shared"]) == (18, 0, 2)
        assert await sells(shop) == {"web": 2, "pos": 2}

    async def test_is_given_back_what_is_cancelled(self, shop):
        await shop.ok("PUT", "/v1/inventory/allotments/MUG/web", {"permille": 500, "takes_shared": False})
        placed = await shop.ok("POST", "/v1/orders", order({"MUG": 10}))
        assert await sells(shop) == {"web": 0}
        await shop.ok("POST", f"/v1/orders/{placed['id']}/cancel", {"reason": "changed their mind"})
        assert await sells(shop) == {"web": 10}

    async def test_is_taken_away_and_not_found_then(self, shop):
        await shop.ok("PUT", "/v1/inventory/allotments/MUG/web", {"units": 15})
        await shop.ok("GET", "/v1/inventory/allotments/MUG/web")
        await shop.ok("DELETE", "/v1/inventory/allotments/MUG/web")
        assert (await shop.delete("/v1/inventory/allotments/MUG/web")).status_code == 404
        assert (await shop.get("/v1/inventory/allotments/MUG/web")).status_code == 404

    async def test_that_cannot_be_says_why(self, shop):
        await two_channels(shop)
        await shop.ok("PUT", "/v1/inventory/allotments/MUG/web", {"permille": 700})
        refused = await shop.put("/v1/inventory/allotments/MUG/pos", json={"permille": 400})
        assert [fault["code"] for fault in refused.json()["errors"]] == ["too_much"]
        both = await shop.put("/v1/inventory/allotments/MUG/pos", json={"permille": 1, "units": 1})
        assert both.status_code == 422
        for place in ("SET/web", "NONE/web", "MUG/nowhere"):
            assert (await shop.put(f"/v1/inventory/allotments/{place}", json={})).status_code == 404
        other = await shop.limited(channels=[uuid4()])
        assert (await other.ok("GET", "/v1/inventory/allotments"))["data"] == []
        assert (await other.get("/v1/inventory/allotments/MUG/web")).status_code == 404

    async def test_is_read_on_by_page(self, shop):
        await two_channels(shop)
        for sku in ("MUG", "LAMP"):
            for channel in ("web", "pos"):
                await shop.ok("PUT", f"/v1/inventory/allotments/{sku}/{channel}", {"units": 1})
        seen, after = [], ""
        while after is not None:
            page = await shop.ok("GET", f"/v1/inventory/allotments?limit=3{after and '&after=' + after}")
            seen += [(found["sku"], found["channel"]) for found in page["data"]]
            after = page["after"]
        assert sorted(seen) == [("LAMP", "pos"), ("LAMP", "web"), ("MUG", "pos"), ("MUG", "web")]


class TestASafetyRule:
    async def test_that_names_more_is_stronger_and_a_channels_own_is_on_top(self, shop):
        await two_channels(shop)
        rules = [
            {"units": 1},
            {"units": 2, "sku": "MUG"},
            {"units": 4, "sku": "MUG", "node": "EAST"},
            {"units": 3, "sku": "MUG", "channel": "web"},
        ]
        made = (await shop.ok("POST", "/v1/inventory/safety-rules", {"rules": rules}))["rules"]
        levels = (await shop.ok("GET", "/v1/inventory/levels"))["data"]
        assert {(x["node"], x["sku"]): x["safety_stock"] for x in levels} == {
            ("EAST", "MUG"): 4,
            ("WEST", "MUG"): 2,
            ("EAST", "LAMP"): 1,
            ("WEST", "LAMP"): 1,
        }
        assert await sells(shop) == {"web": 11, "pos": 14}
        refused = await shop.post("/v1/orders", order({"MUG": 12}))
        assert refused.json()["available"][0]["available"] == 11
        [east] = [rule for rule in made if rule["node"]]
        await shop.ok("DELETE", f"/v1/inventory/safety-rules/{east['id']}")
        assert await sells(shop) == {"web": 13, "pos": 16}
        left = (await shop.ok("GET", "/v1/inventory/safety-rules?sku=MUG"))["data"]
        assert {rule["units"] for rule in left} == {2, 3}

    async def test_names_what_exists(self, shop):
        rules = [{"units": 1, "sku": "NONE", "node": "NOWHERE", "channel": "nobody"}]
        answer = await shop.post("/v1/inventory/safety-rules", {"rules": rules})
        assert {fault["path"] for fault in answer.json()["errors"]} == {
            "/rules/0/sku",
            "/rules/0/node",
            "/rules/0/channel",
        }
        assert (await shop.delete(f"/v1/inventory/safety-rules/sfr_{uuid4().hex}")).status_code == 404

    async def test_of_a_limited_key_is_within_its_limits(self, shop):
        other = await shop.limited(nodes=[uuid4()])
        answer = await other.post("/v1/inventory/safety-rules", {"rules": [{"units": 1}]})
        assert [fault["code"] for fault in answer.json()["errors"]] == ["limited_credential"]


async def test_a_node_is_sold_ahead_of_its_supply_up_to_its_limit_and_what_is_promised_keeps_it_there(shop):
    path = "/v1/inventory/backorder-limits/MUG/EAST"
    await shop.ok("PUT", f"{path}?dry_run=true", {"units": 5})
    assert await sells(shop) == {"web": 20}
    assert (await shop.ok("PUT", path, {"units": 5}))["backorder_limit"] == 5
    assert await sells(shop) == {"web": 25}
    await shop.ok("POST", "/v1/orders", order({"MUG": 23}))
    refused = await shop.post("/v1/orders", order({"MUG": 3}))
    assert refused.json()["available"][0]["available"] == 2
    lower = await shop.put(path, json={"units": 2})
    assert (lower.status_code, lower.json()["code"], lower.json()["sold_ahead"]) == (409, "sold_ahead", 5)
    moved = await shop.put(path, json={"units": 9}, headers={"If-Match": '"1"'})
    assert moved.status_code == 412
    for place in ("SET/EAST", "NONE/EAST", "MUG/NOWHERE"):
        wrong = await shop.put(f"/v1/inventory/backorder-limits/{place}", json={"units": 1})
        assert wrong.status_code == 404


async def test_a_kit_is_offered_by_its_scarcest_component_node_by_node(shop):
    found = await shop.ok("GET", "/v1/inventory/availability?sku=SET&sku=LAMP&channel=web&detail=true")
    lamp, kit = found["offers"]
    assert (kit["sku"], kit["quantity"], lamp["quantity"]) == ("SET", 10, 20)
    assert {unit["node"]: unit["quantity"] for unit in kit["nodes"]} == {"EAST": 5, "WEST": 5}


async def test_nodes_a_channel_excludes_are_not_offered(shop):
    channel = {"name": "Web", "type": "site", "currency": "USD", "excluded_nodes": ["EAST"]}
    put = await shop.ok("PUT", "/v1/channels/web", channel)
    assert put["excluded_nodes"] == ["EAST"]
    assert await sells(shop) == {"web": 10}
    refused = await shop.post("/v1/orders", order({"MUG": 11}))
    assert refused.json()["available"][0]["available"] == 10
