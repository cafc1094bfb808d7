"""Orders over the API: taken, refused, read, listed."""

import asyncio
from uuid import uuid4

from orderloom.terms import unwire
from tests.api.shop import order, usd


class TestAnOrder:
    async def test_is_taken_with_its_stock_and_shown_as_it_stands(self, shop):
        answer = await shop.post("/v1/orders", order({"MUG": 2, "SET": 1}))
        assert answer.status_code == 201, answer.text
        receipt = answer.json()
        assert not receipt["duplicate"]
        shown = await shop.get(answer.headers["location"])
        assert shown.headers["etag"] == f'"{shown.json()["version"]}"'
        body = shown.json()
        assert (body["number"], body["status"]) == (receipt["number"], "reserved")
        assert body["money"]["total"] == usd(3000)
        assert {line["sku"]: line["quantity"] for line in body["lines"] if not line["is_kit"]} == {
            "MUG": 2,
            "LAMP": 1,
        }
        assert {"cancel", "hold"} <= set(body["supported_actions"])
        levels = await shop.ok("GET", "/v1/inventory/levels?sku=MUG")
        assert sum(level["reserved"] for level in levels["data"]) == 4
        [first, *_] = (await shop.ok("GET", f"{answer.headers['location']}/timeline"))["data"]
        assert first["type"] == "order.captured"
        assert first["request_id"] == answer.headers["x-request-id"]
        assert first["actor"].startswith("key:")

    async def test_that_comes_again_is_a_duplicate_and_says_where_it_differs(self, shop):
        body = order({"MUG": 2})
        first = await shop.post("/v1/orders", body)
        again = await shop.post("/v1/orders", {**body, "priority": 5})
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        assert again.json()["id"] == first.json()["id"]
        assert again.json()["differs"] == ["/priority"]

    async def test_under_the_same_key_is_answered_as_before(self, shop):
        body = order()
        first = await shop.post("/v1/orders", body, key="k")
        again = await shop.post("/v1/orders", body, key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        other = await shop.post("/v1/orders", order(), key="k")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    async def test_of_more_than_there_is_takes_nothing(self, shop):
        answer = await shop.post("/v1/orders", order({"MUG": 1, "LAMP": 21}))
        assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
        left = {"sku": "LAMP", "available": 20, "next_at": None, "next_units": 0}
        assert answer.json()["available"] == [left]
        assert answer.json()["errors"][0]["path"] == "/lines/1/quantity"
        levels = await shop.ok("GET", "/v1/inventory/levels")
        assert sum(level["reserved"] for level in levels["data"]) == 0

    async def test_with_faults_is_told_all_of_them(self, shop):
        body = order({"MUG": 1, "NONE": 1}, channel="nowhere", total=usd(5))
        answer = await shop.post("/v1/orders", body)
        assert answer.status_code == 422
        paths = {error["path"] for error in answer.json()["errors"]}
        assert {"/channel", "/lines/1/sku", "/total"} <= paths

    async def test_in_two_currencies_is_refused(self, shop):
        answer = await shop.post("/v1/orders", order(shipping={"amount": 1, "currency": "EUR"}))
        assert [e["code"] for e in answer.json()["errors"]] == ["wrong_currency"]


class TestManyAtOnce:
    async def test_never_sell_more_than_there_is(self, shop):
        answers = await asyncio.gather(*(shop.post("/v1/orders", order({"LAMP": 1})) for _ in range(40)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201] * 20 + [409] * 20
        levels = await shop.ok("GET", "/v1/inventory/levels?sku=LAMP")
        assert sum(level["available"] for level in levels["data"]) == 0

    async def test_of_one_key_take_one_order(self, shop):
        body = order()
        answers = await asyncio.gather(*(shop.post("/v1/orders", body, key="k") for _ in range(10)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1

    async def test_of_one_natural_key_take_one_order(self, shop):
        body = order()
        answers = await asyncio.gather(*(shop.post("/v1/orders", body) for _ in range(10)))
        assert sorted(a.status_code for a in answers) == [200] * 9 + [201]
        assert len({a.json()["id"] for a in answers}) == 1

    async def test_are_told_apart_by_key_in_the_log(self, shop):
        other = await shop.limited()
        await asyncio.gather(
            *(client.post("/v1/orders", order()) for client in (shop, other) for _ in range(3))
        )
        async with shop.database.transaction() as db:
            rows = await db.fetch(
                "SELECT actor, count(*) FROM plumbing.events WHERE type = 'order.captured' GROUP BY 1"
            )
        assert [row["count"] for row in rows] == [3, 3]


class TestABatch:
    async def test_gives_each_order_its_own_outcome(self, shop):
        good, again = order(), order()
        await shop.ok("POST", "/v1/orders", again)
        bad = order({"LAMP": 1, "NONE": 1})
        body = {"orders": [good, {"channel": 3}, again, bad, order({"MUG": 100})]}
        answer = await shop.ok("POST", "/v1/orders/batch", body)
        assert [r["status"] for r in answer["results"]] == [201, 422, 200, 422, 409]
        assert answer["results"][2]["duplicate"]
        assert {e["path"] for e in answer["results"][3]["errors"]} >= {"/lines/1/sku"}

    async def test_run_dry_takes_nothing(self, shop):
        answer = await shop.ok("POST", "/v1/orders/batch?dry_run=true", {"orders": [order()]})
        assert answer["results"][0]["status"] == 201
        assert (await shop.ok("GET", "/v1/orders"))["data"] == []

    async def test_has_at_most_a_hundred(self, shop):
        answer = await shop.post("/v1/orders/batch", {"orders": [{}] * 101})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many")


class TestACancellation:
    async def test_at_a_version_is_done_by_one_of_many(self, shop):
        answer = await shop.post("/v1/orders", order({"MUG": 5}))
        path = answer.headers["location"]
        tag = (await shop.get(path)).headers["etag"]
        [line] = (await shop.ok("GET", path))["lines"]
        body = {"reason": "fewer", "lines": [{"line_id": line["id"], "quantity": 1}]}
        posts = [shop.post(f"{path}/cancel", body, headers={"If-Match": tag}) for _ in range(6)]
        assert sorted(a.status_code for a in await asyncio.gather(*posts)) == [200] + [412] * 5
        after = await shop.ok("GET", path)
        assert sum(s["quantity"] for s in after["lines"][0]["slices"] if s["status"] == "cancelled") == 1

    async def test_of_lines_that_are_not_there_or_too_many_is_refused(self, shop):
        path = (await shop.post("/v1/orders", order({"MUG": 2}))).headers["location"]
        [line] = (await shop.ok("GET", path))["lines"]
        unknown = {"reason": "x", "lines": [{"line_id": "orl_" + "0" * 32, "quantity": 1}]}
        assert (await shop.post(f"{path}/cancel", unknown)).status_code == 422
        too_many = {"reason": "x", "lines": [{"line_id": line["id"], "quantity": 3}]}
        assert (await shop.post(f"{path}/cancel", too_many)).status_code == 409
        twice = {"reason": "x", "lines": [{"line_id": line["id"], "quantity": 1}] * 2}
        assert (await shop.post(f"{path}/cancel", twice)).json()["errors"][0]["code"] == "repeated"
        done = await shop.ok("POST", f"{path}/cancel", {"reason": "x"})
        assert done["order"]["lifecycle"] == "cancelled"
        held = await shop.post(f"{path}/holds", {"blocks": ["route"]})
        assert (held.status_code, held.json()["code"]) == (409, "illegal_transition")


class TestTheList:
    async def test_filters_and_goes_on_by_key(self, shop):
        ids = [
            (await shop.ok("POST", "/v1/orders", order(tags=["a" if i % 2 else "b"])))["id"] for i in range(5)
        ]
        first = await shop.ok("GET", "/v1/orders?limit=2&count=true")
        assert first["count"] == 5
        seen, after = [o["id"] for o in first["data"]], first["after"]
        while after:
            page = await shop.ok("GET", f"/v1/orders?limit=2&after={after}")
            seen += [o["id"] for o in page["data"]]
            after = page["after"]
        assert sorted(seen) == sorted(ids)
        tagged = await shop.ok(
            "GET", "/v1/orders?tag=a&status=reserved&sku=MUG&channel=web&customer=ada@example.com"
        )
        assert len(tagged["data"]) == 2
        every = "lowest_rank=100&highest_rank=900&lifecycle=open&payment_status=pending&return_status=none&late=false"
        every += "&placed_from=2026-01-01T00:00:00Z&updated_from=2026-01-01T00:00:00Z&open_exceptions=false&text=ada"
        every += "&promised_from=2020-01-01T00:00:00Z&sort=placed_at"
        assert len((await shop.ok("GET", f"/v1/orders?{every}"))["data"]) == 5
        none = (
            "hold=manual&node=NOWHERE&external_id=x&number=x&tracking_number=x&placed_to=2020-01-01T00:00:00Z"
        )
        assert (await shop.ok("GET", f"/v1/orders?{none}&updated_to=2020-01-01T00:00:00Z"))["data"] == []
        assert (await shop.get("/v1/orders?status=flying")).status_code == 422
        assert (await shop.get("/v1/orders?after=tuesday")).status_code == 422
        assert (await shop.get("/v1/orders?limit=201")).status_code == 422


class TestAKeyOfAnotherChannelOrNode:
    async def test_sees_no_order(self, shop):
        await shop.ok("PUT", "/v1/channels/other", {"name": "Other", "type": "site", "currency": "USD"})
        other = unwire("channel", (await shop.ok("GET", "/v1/channels/other"))["id"])
        order_id = (await shop.ok("POST", "/v1/orders", order()))["id"]
        for limits in ({"channels": [other]}, {"nodes": [uuid4()]}):
            stranger = await shop.limited(**limits)
            for path in ("", "/timeline"):
                answer = await stranger.get(f"/v1/orders/{order_id}{path}")
                missing = await stranger.get(f"/v1/orders/ord_{uuid4().hex}{path}")
                assert answer.status_code == missing.status_code == 404
                assert answer.json()["detail"] == missing.json()["detail"]
            assert (await stranger.ok("GET", "/v1/orders"))["data"] == []
        assert (await (await shop.limited(nodes=[uuid4()])).ok("GET", "/v1/inventory/levels"))["data"] == []

    async def test_knows_no_other_channel(self, shop):
        await shop.ok("PUT", "/v1/channels/other", {"name": "Other", "type": "site", "currency": "USD"})
        other = unwire("channel", (await shop.ok("GET", "/v1/channels/other"))["id"])
        limited = await shop.limited(channels=[other])
        answer = await limited.post("/v1/orders", order())
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_channel")
        assert (await limited.post("/v1/orders", order(channel="other"))).status_code == 201
