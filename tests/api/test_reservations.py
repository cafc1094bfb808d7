"""Reservations over the API: carts kept, changed, moved, turned into orders, given up."""

import asyncio
from uuid import uuid4

import pytest

from orderloom.journey import carts
from orderloom.plumbing import clock
from tests.api.shop import open_shop, order


def cart(*lines: tuple[str, int], **more) -> dict:
    return {"channel": "web", "lines": [{"sku": sku, "quantity": n} for sku, n in lines], **more}


async def kept(api, *lines: tuple[str, int], **more) -> dict:
    return await api.ok("POST", "/v1/reservations", cart(*lines, **more))


async def reserved(api, sku: str = "MUG") -> int:
    levels = await api.ok("GET", f"/v1/inventory/levels?sku={sku}")
    return sum(level["reserved"] for level in levels["data"])


class TestAReservation:
    async def test_is_made_whole_shown_and_listed(self, shop):
        answer = await shop.post("/v1/reservations", cart(("MUG", 2), ("SET", 3), owner="ada"))
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert (made["state"], made["short"]) == ("open", [])
        assert {(unit["position"], unit["sku"]): unit["quantity"] for unit in made["units"]} == {
            (1, "MUG"): 2,
            (2, "MUG"): 6,
            (2, "LAMP"): 3,
        }
        shown = await shop.get(answer.headers["location"])
        assert shown.json() == made
        assert shown.headers["etag"] == answer.headers["etag"]
        listed = await shop.ok("GET", "/v1/reservations?owner=ada&state=open&channel=web")
        assert [found["id"] for found in listed["data"]] == [made["id"]]
        assert await reserved(shop) == 8

    async def test_of_more_than_there_is_keeps_nothing_or_what_there_is(self, shop):
        refused = await shop.post("/v1/reservations", cart(("LAMP", 21), ("MUG", 1)))
        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
        assert refused.json()["available"] == [
            {"sku": "LAMP", "position": 1, "available": 20, "next_at": None, "next_units": 0}
        ]
        assert refused.json()["errors"][0]["path"] == "/lines/0/quantity"
        assert await reserved(shop) == 0
        made = await kept(shop, ("LAMP", 21), ("MUG", 1), policy="best_effort")
        assert made["short"] == [{"position": 1, "sku": "LAMP", "asked": 21, "available": 20}]
        assert await reserved(shop, "LAMP") == 20

    async def test_of_too_many_kits_says_when_more_can_be_made(self, shop):
        coming = {
            "kind": "purchase_order",
            "reference": "PO-1",
            "node": "EAST",
            "due_at": "2027-03-09T00:00:00Z",
            "lines": [{"sku": "MUG", "quantity": 5}],
        }
        await shop.ok("POST", "/v1/inventory/supplies", coming, status=(201,))
        refused = await shop.ok("POST", "/v1/reservations", cart(("SET", 11)), status=(409,))
        [kit] = refused["available"]
        assert (kit["sku"], kit["available"], kit["next_units"]) == ("SET", 10, 2)
        assert kit["next_at"].startswith("2027-03-09")

    async def test_under_the_same_key_is_answered_as_before(self, shop):
        body = cart(("MUG", 2))
        first = await shop.post("/v1/reservations", body, key="k")
        again = await shop.post("/v1/reservations", body, key="k")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        other = await shop.post("/v1/reservations", cart(("MUG", 3)), key="k")
        assert other.json()["code"] == "idempotency_key_reused"
        assert await reserved(shop) == 2

    async def test_tried_out_changes_nothing(self, shop):
        answer = await shop.post("/v1/reservations?dry_run=true", cart(("MUG", 2)))
        assert (answer.status_code, answer.headers["dry-run"]) == (201, "true")
        assert await reserved(shop) == 0
        assert (await shop.ok("GET", "/v1/reservations"))["data"] == []

    async def test_names_all_that_is_wrong(self, shop):
        answer = await shop.post("/v1/reservations", cart(("NONE", 2), channel="nowhere"))
        assert answer.status_code == 422
        assert {fault["path"] for fault in answer.json()["errors"]} == {"/channel", "/lines/0/sku"}

    async def test_grows_shrinks_moves_lives_longer_and_is_given_up(self, shop):
        made = await kept(shop, ("MUG", 2))
        place = f"/v1/reservations/{made['id']}"
        lines = [{"sku": "MUG", "quantity": 12}, {"sku": "LAMP", "quantity": 1}]
        grown = await shop.ok("POST", f"{place}/change", {"lines": lines})
        assert (grown["version"], await reserved(shop), await reserved(shop, "LAMP")) == (2, 12, 1)
        too_far = await shop.post(f"{place}/move", {"lines": [{"position": 1, "node": "EAST"}]})
        assert too_far.json()["code"] == "insufficient_stock"
        shrunk = await shop.ok("POST", f"{place}/change", {"lines": lines[1:]})
        away = "EAST" if shrunk["units"][0]["node"] == "WEST" else "WEST"
        moved = await shop.ok("POST", f"{place}/move", {"lines": [{"position": 1, "node": away}]})
        assert [unit["node"] for unit in moved["units"]] == [away]
        unknown = await shop.post(f"{place}/move", {"lines": [{"position": 7, "node": "NOWHERE"}]})
        assert {fault["code"] for fault in unknown.json()["errors"]} == {"unknown_line", "unknown_node"}
        longer = await shop.ok("POST", f"{place}/extend", {"ttl_seconds": 3600})
        assert longer["expires_at"] > made["expires_at"]
        ended = await shop.ok("POST", f"{place}/cancel", {"reason": "emptied"})
        assert (ended["state"], ended["supported_actions"]) == ("cancelled", [])
        assert (await reserved(shop), await reserved(shop, "LAMP")) == (0, 0)
        for verb, body in (("cancel", {}), ("extend", {}), ("change", {"lines": lines})):
            refused = await shop.post(f"{place}/{verb}", body)
            assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition"), verb

    async def test_becomes_an_order_once(self, shop):
        made = await kept(shop, ("MUG", 15), owner="ada")
        receipt = await shop.ok("POST", "/v1/orders", order({"MUG": 15}, reservation_id=made["id"]))
        assert receipt["reservation"] == "consumed"
        shown = await shop.ok("GET", f"/v1/reservations/{made['id']}")
        assert (shown["state"], shown["order_id"]) == ("consumed", receipt["id"])
        assert await reserved(shop) == 15
        late = await shop.ok("POST", "/v1/orders", order({"MUG": 5}, reservation_id=made["id"]))
        assert late["reservation"] == "consumed_by_another"

    async def test_expires(self, shop):
        made = await kept(shop, ("MUG", 15), ttl_seconds=1)
        await asyncio.sleep(1.1)
        async with shop.database.transaction() as db:
            await carts.expire(db, clock.now())
        assert (await shop.ok("GET", f"/v1/reservations/{made['id']}"))["state"] == "expired"
        assert await reserved(shop) == 0

    async def test_of_a_channel_out_of_the_keys_reach_is_not_there(self, shop):
        made = await kept(shop, ("MUG", 1))
        for limits in ({"channels": [uuid4()]}, {"nodes": [uuid4()]}):
            other = await shop.limited(**limits)
            assert (await other.get(f"/v1/reservations/{made['id']}")).status_code == 404
            assert (await other.ok("GET", "/v1/reservations"))["data"] == []
            assert (await other.post("/v1/reservations", cart(("MUG", 1)))).status_code in {403, 422}


async def test_a_hundred_at_once_each_have_their_own_outcome(shop):
    carts_in = [cart(("MUG", 6), owner=f"buyer {n}") for n in range(4)]
    batch = {"reservations": [*carts_in, cart(("MUG", 0)), cart(("MUG", 9), policy="best_effort")]}
    results = (await shop.ok("POST", "/v1/reservations/batch", batch))["results"]
    assert [result["status"] for result in results] == [201, 201, 201, 409, 422, 201]
    assert results[5]["short"] == [{"position": 1, "sku": "MUG", "asked": 9, "available": 2}]
    assert await reserved(shop) == 20


@pytest.mark.parametrize("buyers", [60])
async def test_many_carts_at_once_keep_exactly_what_there_is(api, buyers):
    await open_shop(api, stock=10)
    answers = await asyncio.gather(
        *(api.post("/v1/reservations", cart(("MUG", 1), owner=f"buyer {n}")) for n in range(buyers))
    )
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(409)) == (20, buyers - 20)
    assert await reserved(api) == 20
