"""Counts over the API: set, adjust, snapshots, cycle counts, lots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.shop import item, order


async def count(api, quantity, **more):
    return await api.post(
        "/v1/inventory/set",
        {"node": "EAST", "sku": "MUG", "quantity": quantity, "reason": "count", **more},
    )


async def level(api, sku="MUG"):
    [found] = (await api.ok("GET", f"/v1/inventory/levels?sku={sku}&node=EAST"))["data"]
    return found


def ago(**how):
    return (datetime.now(UTC) - timedelta(**how)).isoformat()


class TestACountIsAlwaysRecorded:
    async def test_below_what_is_claimed_the_youngest_order_loses_its_units(self, shop):
        await shop.ok(
            "POST", "/v1/inventory/set", {"node": "WEST", "sku": "MUG", "quantity": 0, "reason": "count"}
        )
        await shop.ok("POST", "/v1/orders", order({"MUG": 8}))
        answer = (await count(shop, 5)).json()
        assert (answer["on_hand"], answer["reserved"], answer["taken_from_orders"]) == (5, 5, 3)
        [case] = (await shop.ok("GET", "/v1/exceptions?kind=counted_short"))["data"]
        assert "3 of MUG" in case["detail"]

    async def test_a_dry_run_says_what_it_would_cost(self, shop):
        await shop.ok(
            "POST", "/v1/inventory/set", {"node": "WEST", "sku": "MUG", "quantity": 0, "reason": "count"}
        )
        await shop.ok("POST", "/v1/orders", order({"MUG": 8}))
        body = {"node": "EAST", "sku": "MUG", "quantity": 0, "reason": "count"}
        answer = await shop.ok("POST", "/v1/inventory/set?dry_run=true", body)
        assert answer["taken_from_orders"] == 8
        assert (await level(shop))["on_hand"] == 10


class TestSnapshots:
    def snapshot(self, *lines, **more):
        return {"source": "wms", "node": "EAST", "as_of": ago(days=1), "lines": list(lines), **more}

    async def test_each_line_has_its_outcome(self, shop):
        lines = [
            {"sku": "MUG", "on_hand": 7, "damaged": 1},
            {"sku": "NONE", "on_hand": 1},
            {"sku": "LAMP", "on_hand": -1},
            {"sku": "LAMP", "on_hand": 4},
        ]
        # The shop itself was counted later than that.
        body = {**self.snapshot(*lines), "as_of": None, "sequence": 1}
        answer = await shop.ok("POST", "/v1/inventory/snapshots", body)
        assert [line["outcome"] for line in answer["lines"]] == [
            "applied",
            "unknown_sku",
            "invalid",
            "applied",
        ]
        assert answer["counts"] == {"applied": 2, "unknown_sku": 1, "invalid": 1}
        assert (answer["lines"][0]["delta"], answer["lines"][0]["on_hand"]) == (-3, 7)
        assert (await level(shop))["damaged"] == 1
        again = await shop.ok("POST", "/v1/inventory/snapshots", body)
        assert again["counts"]["older"] == 2

    async def test_one_as_of_before_the_last_count_is_older(self, shop):
        answer = await shop.ok("POST", "/v1/inventory/snapshots", self.snapshot({"sku": "MUG", "on_hand": 1}))
        assert answer["lines"][0]["outcome"] == "older"
        assert (await level(shop))["on_hand"] == 10

    @pytest.mark.parametrize("time", [{}, {"sequence": 1}, {"as_of": ago(days=-1)}])
    async def test_it_speaks_of_one_time_that_has_been(self, shop, time):
        body = {**self.snapshot({"sku": "MUG", "on_hand": 1}), **time}
        if not time:
            del body["as_of"]
        assert (await shop.post("/v1/inventory/snapshots", body)).status_code == 422

    async def test_thousands_of_lines_in_a_dry_run_change_nothing(self, shop):
        items = [{"sku": f"S{n}", **item(f"S{n}")} for n in range(300)]
        await shop.ok("POST", "/v1/items/batch", {"items": items})
        lines = [{"sku": f"S{n}", "on_hand": n} for n in range(300)]
        body = self.snapshot(*lines)
        answer = await shop.ok("POST", "/v1/inventory/snapshots?dry_run=true", body)
        assert answer["counts"] == {"applied": 299, "unchanged": 1}
        assert (await shop.ok("GET", "/v1/inventory/levels?sku=S9"))["data"] == []

    async def test_a_key_of_another_node_counts_nothing_here(self, shop):
        [west] = [n for n in (await shop.ok("GET", "/v1/nodes"))["data"] if n["code"] == "WEST"]
        async with shop.database.transaction() as db:
            node = await db.fetchval("SELECT id FROM network.nodes WHERE code = $1", west["code"])
        limited = await shop.limited(nodes=[node])
        answer = await limited.post("/v1/inventory/snapshots", self.snapshot({"sku": "MUG", "on_hand": 1}))
        assert answer.json()["errors"][0]["code"] == "unknown_node"


class TestCycleCounts:
    async def begin(self, api, **more):
        body = {"node": "EAST", "skus": ["MUG", "LAMP"], **more}
        return await api.ok("POST", "/v1/inventory/counts", body)

    async def record(self, api, found, **units):
        lines = [{"sku": sku, "quantity": n} for sku, n in units.items()]
        return await api.ok("POST", f"/v1/inventory/counts/{found['id']}/record", {"lines": lines})

    async def test_a_difference_is_counted_twice_and_then_posted(self, shop):
        made = await self.begin(shop)
        assert {line["expected"] for line in made["lines"]} == {None}
        assert made["id"].startswith("cnt_")
        after = await self.record(shop, made, MUG=8, LAMP=10)
        assert {line["sku"]: line["status"] for line in after["lines"]} == {
            "MUG": "to_recount",
            "LAMP": "counted",
        }
        refused = await shop.post(f"/v1/inventory/counts/{made['id']}/approve", {})
        assert (refused.status_code, refused.json()["skus"]) == (409, ["MUG"])
        await self.record(shop, made, MUG=9)
        posted = await shop.ok("POST", f"/v1/inventory/counts/{made['id']}/approve", {})
        assert posted["state"] == "posted"
        assert {line["sku"]: line["variance"] for line in posted["lines"]} == {"MUG": -1, "LAMP": 0}
        assert (await level(shop))["on_hand"] == 9
        [movement] = (await shop.ok("GET", "/v1/inventory/movements?sku=MUG&node=EAST&kind=counted&limit=1"))[
            "data"
        ]
        assert (movement["cause_type"], movement["on_hand_delta"]) == ("cycle_count", -1)
        shown = await shop.ok("GET", f"/v1/inventory/counts/{made['id']}")
        assert {line["sku"]: line["variance"] for line in shown["lines"]} == {"MUG": -1, "LAMP": 0}

    async def test_what_moved_after_the_counting_stays_on_top(self, shop):
        made = await self.begin(shop, skus=["MUG"], tolerance=5)
        await self.record(shop, made, MUG=8)
        moved = {"node": "EAST", "sku": "MUG", "on_hand": 3, "reason": "found"}
        await shop.ok("POST", "/v1/inventory/adjust", moved)
        await shop.ok("POST", f"/v1/inventory/counts/{made['id']}/approve", {})
        assert (await level(shop))["on_hand"] == 11

    async def test_what_was_counted_anew_since_is_left_as_it_is(self, shop):
        made = await self.begin(shop, skus=["MUG"], tolerance=5)
        await self.record(shop, made, MUG=8)
        await count(shop, 6)
        posted = await shop.ok("POST", f"/v1/inventory/counts/{made['id']}/approve", {})
        assert posted["superseded"] == ["MUG"]
        assert (await level(shop))["on_hand"] == 6

    async def test_as_it_is_leaves_out_what_nobody_counted(self, shop):
        made = await self.begin(shop)
        await self.record(shop, made, MUG=2)
        await shop.ok("POST", f"/v1/inventory/counts/{made['id']}/approve", {"as_it_is": True})
        assert [(await level(shop, sku))["on_hand"] for sku in ("MUG", "LAMP")] == [2, 10]

    async def test_by_rule_what_was_never_counted_or_moved_most(self, shop):
        rule = {"kind": "most_moved", "days": 1, "items": 1}
        made = await shop.ok("POST", "/v1/inventory/counts", {"node": "EAST", "rule": rule, "blind": False})
        assert len(made["lines"]) == 1
        assert made["lines"][0]["expected"] == 10
        rule = {"kind": "not_counted", "days": 1}
        answer = await shop.post("/v1/inventory/counts", {"node": "EAST", "rule": rule})
        # Both were counted when the shop opened.
        assert answer.json()["errors"][0]["code"] == "nothing_to_count"

    async def test_cancelled_it_posts_nothing_and_has_ended(self, shop):
        made = await self.begin(shop)
        await self.record(shop, made, MUG=2)
        await shop.ok("POST", f"/v1/inventory/counts/{made['id']}/cancel", {"reason": "wrong aisle"})
        answer = await shop.post(f"/v1/inventory/counts/{made['id']}/approve", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "count_ended")
        listed = (await shop.ok("GET", "/v1/inventory/counts?state=cancelled&node=EAST"))["data"]
        assert [found["id"] for found in listed] == [made["id"]]


class TestLots:
    async def track(self, api, by="lot"):
        await api.ok("PUT", "/v1/items/MUG", item("Mug", tracked_by=by))

    async def test_stock_that_was_there_is_in_no_lot_until_it_is_counted(self, shop):
        await self.track(shop)
        [east, _] = (await shop.ok("GET", "/v1/inventory/lots?sku=MUG"))["data"]
        assert (east["lot"], east["on_hand"]) == ("unassigned", 10)
        answer = await count(shop, 9)
        [fault] = answer.json()["errors"]
        assert (fault["path"], fault["code"]) == ("/lots", "lots_required")
        lots = [{"lot": "A", "quantity": 6, "expires_on": "2031-01-01"}, {"lot": "B", "quantity": 3}]
        assert (await count(shop, 9, lots=lots)).status_code == 200
        found = (await shop.ok("GET", "/v1/inventory/lots?sku=MUG&node=EAST"))["data"]
        assert {x["lot"]: (x["on_hand"], x["expires_on"]) for x in found} == {
            "A": (6, "2031-01-01"),
            "B": (3, None),
        }
        [soon] = (await shop.ok("GET", "/v1/inventory/lots?expires_before=2031-06-01"))["data"]
        assert soon["lot"] == "A"

    async def test_an_adjustment_and_a_snapshot_name_lots_too(self, shop):
        await self.track(shop)
        body = {"node": "EAST", "sku": "MUG", "on_hand": 2, "reason": "found"}
        assert (await shop.post("/v1/inventory/adjust", body)).status_code == 422
        body["lots"] = [{"lot": "A", "on_hand": 2}]
        assert (await shop.post("/v1/inventory/adjust", body)).status_code == 200
        lines = [{"sku": "MUG", "on_hand": 5}]
        told = {"source": "wms", "node": "EAST", "sequence": 1, "lines": lines}
        answer = await shop.ok("POST", "/v1/inventory/snapshots", told)
        assert answer["lines"][0]["outcome"] == "lots_required"
        lines[0]["lots"] = [{"lot": "A", "quantity": 5}]
        answer = await shop.ok("POST", "/v1/inventory/snapshots", told)
        assert answer["lines"][0]["outcome"] == "applied"
        found = (await shop.ok("GET", "/v1/inventory/lots?sku=MUG&node=EAST"))["data"]
        assert [(x["lot"], x["on_hand"]) for x in found] == [("A", 5)]

    async def test_a_serial_number_is_at_one_node(self, shop):
        await self.track(shop, "serial")
        assert (await count(shop, 1, lots=[{"lot": "S1", "quantity": 1}])).status_code == 200
        body = {"node": "WEST", "sku": "MUG", "quantity": 1, "reason": "count"}
        answer = await shop.post("/v1/inventory/set", {**body, "lots": [{"lot": "S1", "quantity": 1}]})
        [fault] = answer.json()["errors"]
        assert "another node" in fault["message"]
        answer = await shop.post(
            "/v1/inventory/set", {**body, "quantity": 2, "lots": [{"lot": "S2", "quantity": 2}]}
        )
        assert answer.status_code == 422

    async def test_a_transfer_takes_its_lots_along(self, shop):
        await self.track(shop)
        await count(shop, 4, lots=[{"lot": "A", "quantity": 4, "expires_on": "2031-01-01"}])
        moved = {"from_node": "EAST", "to_node": "WEST", "sku": "MUG", "quantity": 3, "reason": "rebalance"}
        await shop.ok("POST", "/v1/inventory/transfer", moved)
        found = (await shop.ok("GET", "/v1/inventory/lots?sku=MUG&lot=A"))["data"]
        assert {x["node"]: x["on_hand"] for x in found} == {"EAST": 1, "WEST": 3}
        assert {x["expires_on"] for x in found} == {"2031-01-01"}

    async def test_a_lot_nobody_had_leads_nowhere(self, shop):
        assert (await shop.ok("GET", "/v1/inventory/lots/trace?sku=MUG&lot=A"))["data"] == []
