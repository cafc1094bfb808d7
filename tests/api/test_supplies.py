"""Supply over the API: ordered, announced, shipped between nodes, received; and sold ahead of, up to what comes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.client import Client
from tests.api.shop import item, open_shop, order

DUE = "2027-03-09T12:00:00Z"


@pytest.fixture
async def shop(api: Client) -> Client:
    await open_shop(api, stock=2)
    await api.ok("PUT", "/v1/items/POSTER", item("Poster", backorder="from_supply"))
    return api


def ordered(reference: str = "PO-1", *, kind: str = "purchase_order", **lines: int) -> dict:
    return {
        "kind": kind,
        "reference": reference,
        "node": "EAST",
        "due_at": DUE,
        "lines": [{"sku": sku, "quantity": units} for sku, units in (lines or {"POSTER": 5}).items()],
    }


async def post(api: Client, path: str, body: dict, expected: int = 200) -> dict:
    return await api.ok("POST", path, body, status=(expected,))


async def level(api: Client, sku: str, node: str = "EAST") -> dict:
    found = await api.ok("GET", f"/v1/inventory/levels?sku={sku}&node={node}")
    return found["data"][0]


async def test_a_purchase_order_is_noted_changed_received_in_parts_and_closed(shop: Client) -> None:
    made = await post(shop, "/v1/inventory/supplies", ordered(POSTER=5, MUG=10), 201)
    assert made["id"].startswith("sup_")
    assert [(line["sku"], line["open"]) for line in made["lines"]] == [("POSTER", 5), ("MUG", 10)]
    assert (await level(shop, "MUG"))["on_order"] == 10

    path = f"/v1/inventory/supplies/{made['id']}"
    later = await shop.ok("PATCH", path, {"due_at": "2027-03-20T12:00:00Z", "reason": "vessel delayed"})
    assert (later["due_at"], later["version"]) == ("2027-03-20T12:00:00Z", 2)

    part = await post(
        shop, f"{path}/receive", {"lines": [{"line": 2, "received": 6, "damaged": 1, "quality_control": 2}]}
    )
    assert (part["state"], part["lines"][1]["open"]) == ("open", 4)
    there = await level(shop, "MUG")
    assert {name: there[name] for name in ("on_hand", "damaged", "quality_control", "on_order")} == {
        "on_hand": 8,
        "damaged": 1,
        "quality_control": 2,
        "on_order": 4,
    }
    done = await post(
        shop, f"{path}/receive", {"lines": [{"sku": "POSTER", "received": 7}], "complete": True}
    )
    assert (done["state"], done["lines"][0]["over"], done["lines"][1]["lost"]) == ("closed", 2, 4)
    again = await post(shop, f"{path}/receive", {"lines": [{"line": 1, "received": 1}]}, 409)
    assert again["code"] == "illegal_transition"


async def test_the_same_receipt_sent_twice_counts_once(shop: Client) -> None:
    made = await post(shop, "/v1/inventory/supplies", ordered(), 201)
    path, key = f"/v1/inventory/supplies/{made['id']}/receive", uuid4().hex
    for _ in range(2):
        said = await shop.post(path, {"lines": [{"line": 1, "received": 3}]}, key=key)
        assert said.status_code == 200
    assert (await level(shop, "POSTER"))["on_hand"] == 3
    rehearsed = await shop.ok("POST", f"{path}?dry_run=true", {"lines": [{"line": 1, "received": 1}]})
    assert rehearsed["lines"][0]["received"] == 4
    assert (await level(shop, "POSTER"))["on_hand"] == 3


async def test_a_notice_takes_over_an_orders_units_and_none_is_counted_twice(shop: Client) -> None:
    await post(shop, "/v1/inventory/supplies", ordered(POSTER=10), 201)
    of = {"purchase_order": "PO-1", "line": 1}
    notice = {**ordered("ASN-1", kind="ship_notice"), "lines": [{"sku": "POSTER", "quantity": 6, "of": of}]}
    made = await post(shop, "/v1/inventory/supplies", notice, 201)
    assert (await level(shop, "POSTER"))["on_order"] == 10
    [first] = (await shop.ok("GET", "/v1/inventory/supplies?kind=purchase_order"))["data"]
    assert (first["lines"][0]["open"], first["lines"][0]["announced"]) == (4, 6)

    too_many = {**ordered("ASN-2", kind="ship_notice"), "lines": [{"sku": "POSTER", "quantity": 5, "of": of}]}
    assert (await post(shop, "/v1/inventory/supplies", too_many, 409))["code"] == "cannot_take_over"

    order_path = f"/v1/inventory/supplies/{first['id']}"
    past = await post(shop, f"{order_path}/receive", {"lines": [{"line": 1, "received": 5}]}, 409)
    assert past["code"] == "announced"

    path = f"/v1/inventory/supplies/{made['id']}"
    await post(shop, f"{path}/receive", {"lines": [{"line": 1, "received": 4}], "complete": True})
    there = await level(shop, "POSTER")
    assert (there["on_hand"], there["on_order"]) == (4, 6), "what the notice did not bring is open again"

    rest = {**notice, "reference": "ASN-3"}
    made = await post(shop, "/v1/inventory/supplies", rest, 201)
    await post(shop, f"/v1/inventory/supplies/{made['id']}/receive", {"lines": [{"line": 1, "received": 6}]})
    ended = await shop.ok("GET", order_path)
    assert (ended["state"], ended["lines"][0]["open"], ended["lines"][0]["over"]) == ("closed", 0, 0)


async def test_a_transfer_is_in_transit_until_it_is_received_and_some_is_lost(shop: Client) -> None:
    body = {
        "from_node": "EAST",
        "to_node": "WEST",
        "due_at": DUE,
        "lines": [{"sku": "MUG", "quantity": 2}],
        "reason": "rebalance",
    }
    made = await post(shop, "/v1/inventory/transfers", body, 201)
    assert ((await level(shop, "MUG"))["on_hand"], (await level(shop, "MUG", "WEST"))["in_transit"]) == (0, 2)
    assert (await post(shop, "/v1/inventory/transfers", body, 409))["code"] == "insufficient_stock"
    path = f"/v1/inventory/supplies/{made['id']}"
    assert (await post(shop, f"{path}/cancel", {"reason": "no"}, 409))["code"] == "under_way"
    more = await post(shop, f"{path}/receive", {"lines": [{"line": 1, "received": 3}]}, 409)
    assert more["code"] == "too_many"
    done = await post(shop, f"{path}/receive", {"lines": [{"line": 1, "received": 1, "lost": 1}]})
    assert done["state"] == "closed"
    there = await level(shop, "MUG", "WEST")
    assert (there["on_hand"], there["in_transit"]) == (3, 0)


async def test_units_are_sold_ahead_up_to_what_comes_and_the_refusal_says_when_more_does(
    shop: Client,
) -> None:
    none = await shop.ok("POST", "/v1/orders", order({"POSTER": 1}), status=(409,))
    assert none["available"] == [{"sku": "POSTER", "available": 0, "next_at": None, "next_units": 0}]

    await post(shop, "/v1/inventory/supplies", ordered(POSTER=5), 201)
    taken = await shop.ok("POST", "/v1/orders", order({"POSTER": 4}))
    found = await shop.ok("GET", f"/v1/orders/{taken['id']}")
    assert found["promise_at"] > "2027-03-09"
    refused = await shop.ok("POST", "/v1/orders", order({"POSTER": 2}), status=(409,))
    assert refused["code"] == "insufficient_stock"
    [left] = refused["available"]
    assert (left["available"], left["next_units"], left["next_at"][:10]) == (0, 1, "2027-03-09")

    [outlook] = (await shop.ok("GET", "/v1/inventory/supply-outlook?sku=POSTER"))["items"]
    assert (outlook["waiting"], [p["units"] for p in outlook["promisable"]]) == (4, [0, 1])
    # The same for a channel, which has nothing of what comes to a node that it excludes.
    asked = "/v1/inventory/availability?sku=POSTER&sku=NOPE&channel=web&detail=true"
    told = await shop.ok("GET", asked)
    assert told["unknown"] == ["NOPE"]
    assert [p["units"] for p in told["offers"][0]["by_date"]] == [0, 1]
    assert told["offers"][0]["by_date"][1]["at"][:10] == "2027-03-09"
    channel = {"name": "Web", "type": "site", "currency": "USD", "excluded_nodes": ["EAST"]}
    await shop.ok("PUT", "/v1/channels/web", channel)
    assert [p["units"] for p in (await shop.ok("GET", asked))["offers"][0]["by_date"]] == [0]


async def test_what_cannot_be_is_said_with_everything_wrong(shop: Client) -> None:
    body = {
        **ordered(),
        "node": "NOWHERE",
        "lines": [{"sku": "SET", "quantity": 1}, {"sku": "X", "quantity": 1}],
    }
    said = await post(shop, "/v1/inventory/supplies", body, 422)
    assert {fault["code"] for fault in said["errors"]} == {"unknown_node", "is_kit", "unknown_sku"}
    await post(shop, "/v1/inventory/supplies", ordered(), 201)
    assert (await post(shop, "/v1/inventory/supplies", ordered(), 409))["code"] == "reference_taken"
    await shop.ok("GET", f"/v1/inventory/supplies/sup_{uuid4().hex}", status=(404,))
