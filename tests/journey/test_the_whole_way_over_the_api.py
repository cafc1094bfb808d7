"""The whole way over the API alone: bought, accepted, picked and packed by scan, labelled, delivered, sent back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from orderloom.terms import unwire
from tests.api.client import Client, open_client
from tests.journey.house import House


@pytest.fixture
async def api(house: House):
    async with open_client(house.database) as client:
        yield client


def cart(house: House, units: dict[str, int], **more) -> dict:
    total = sum(units.values()) * 1000
    return {
        "channel": "web",
        "external_id": f"W-{uuid4().hex[:10]}",
        "placed_at": datetime.now(UTC).isoformat(),
        "currency": "USD",
        "buyer": {"name": "Ann Buyer", "email": house.email},
        "ship_to": {"line1": "500 W 2nd St", "city": "Austin", "region": "TX", "postcode": "78701"},
        "lines": [{"sku": s, "quantity": n, "unit_price": usd(1000)} for s, n in units.items()],
        "tenders": [{"method": "card", "token": "tok_ok", "amount": usd(total)}],
        "total": usd(total),
        **more,
    }


def usd(amount: int) -> dict:
    return {"amount": amount, "currency": "USD"}


async def work_of(api: Client, order_id: str) -> dict:
    [work] = (await api.ok("GET", f"/v1/fulfillment-orders?order_id={order_id}"))["data"]
    return work


async def deliver(house: House, api: Client, order_id: str) -> None:
    """Pack as planned, close the day, and let the carrier scan."""
    await house.settle()
    works = [w["id"] for w in (await api.ok("GET", f"/v1/fulfillment-orders?order_id={order_id}"))["data"]]
    for action in ("accept", "pack"):
        body = {"action": action, "fulfillment_ids": works}
        done = await api.ok("POST", "/v1/fulfillment-orders/batch", body)
        assert {r["status"] for r in done["results"]} == {200}, done
    await house.settle()
    for node in {w["node"] for w in (await api.ok("GET", f"/v1/shipments?order_id={order_id}"))["data"]}:
        await api.ok("POST", "/v1/manifests", {"node": node})
    await house.settle()
    await carry(house, api, order_id)


async def carry(house: House, api: Client, order_id: str) -> None:
    parcels = (await api.ok("GET", f"/v1/orders/{order_id}"))["parcels"]
    now = datetime.now(UTC)
    scans = [
        {
            "carrier": parcel["carrier"],
            "tracking_number": parcel["tracking_number"],
            "code": code,
            "occurred_at": (now + timedelta(minutes=i)).isoformat(),
        }
        for parcel in parcels
        for i, code in enumerate(("in_transit", "out_for_delivery", "delivered"))
    ]
    answer = await api.ok("POST", "/v1/tracking/batch", {"events": scans})
    assert {r["outcome"] for r in answer["results"]} == {"taken"}
    await house.settle()


async def test_an_order_is_packed_by_scan_and_delivered(house: House, api: Client) -> None:
    sku = house.item()
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {sku: 2})))["id"]
    await house.settle()
    work = await work_of(api, order_id)
    path = f"/v1/fulfillment-orders/{work['id']}"
    assert "accept" in work["supported_actions"]
    assert (await api.ok("POST", f"{path}/accept"))["request_status"] == "accepted"
    wave = await api.ok("POST", "/v1/waves", {"node": work["node"], "fulfillment_ids": [work["id"]]})
    assert [(row["sku"], row["quantity"]) for row in wave["rows"]] == [(sku, 2)]
    assert (await api.ok("GET", f"{path}/pick-list"))["rows"] == wave["rows"]

    wrong = await api.post(f"{path}/scans", {"kind": "pick", "code": house.item(1)})
    assert wrong.status_code == 409
    async with house.database.transaction() as db:
        assert await db.fetchval("SELECT count(*) FROM packing.scans WHERE NOT accepted") == 1
    for _ in range(2):
        picked = await api.ok("POST", f"{path}/scans", {"kind": "pick", "code": sku})
    assert picked["complete"]
    assert (await api.post(f"{path}/scans", {"kind": "pick", "code": sku})).status_code == 409
    await api.ok("POST", f"{path}/scans/take-back", {"kind": "pick", "sku": sku})
    await api.ok("POST", f"{path}/scans", {"kind": "pick", "code": sku})
    packed = await api.ok("POST", f"{path}/scans", {"kind": "pack", "code": sku, "quantity": 2})
    assert (packed["package"], packed["complete"]) == (1, True)
    size = {edge: {"value": 60, "unit": "cm"} for edge in ("length", "width", "height")}
    off = await api.post(f"{path}/packages/1/close", {"size": size, "weight": {"value": 90, "unit": "kg"}})
    assert (off.status_code, off.json()["code"]) == (409, "weight_off")
    closed = await api.ok("POST", f"{path}/packages/1/close", {"size": size})
    assert (closed["status"], closed["contents"]) == ("packed", {sku: 2})
    assert len((await api.ok("GET", f"{path}/packages"))["packages"]) == 1
    await house.settle()

    [shipment] = (await api.ok("GET", f"/v1/shipments?order_id={order_id}"))["data"]
    [parcel] = shipment["parcels"]
    assert (await api.get(f"/v1/labels/{parcel['label_id']}.zpl")).text.startswith("^XA")
    paper = await api.get(f"/v1/labels/{parcel['label_id']}.pdf")
    assert paper.content.startswith(b"%PDF")
    assert paper.headers["content-disposition"].startswith("attachment")
    [manifest] = (await api.ok("POST", "/v1/manifests", {"node": shipment["node"]}))["manifests"]
    assert manifest["tracking_numbers"] == [parcel["tracking_number"]]
    assert (await api.get(f"/v1/manifests/{manifest['id']}.pdf")).content.startswith(b"%PDF")
    assert (await api.post("/v1/manifests", {"node": shipment["node"]})).json()[
        "code"
    ] == "nothing_to_manifest"
    await house.settle()
    await carry(house, api, order_id)
    order = await api.ok("GET", f"/v1/orders/{order_id}")
    assert (order["lifecycle"], order["status"], order["payment_status"]) == ("closed", "delivered", "paid")
    assert order["money"]["captured"] == usd(2000)
    assert len((await api.ok("GET", f"/v1/shipments/{shipment['id']}/tracking"))["scans"]) == 3
    timeline = (await api.ok("GET", f"/v1/orders/{order_id}/timeline?limit=200"))["data"]
    assert {"order.captured", "order.confirmed", "shipment.shipped"} <= {e["type"] for e in timeline}
    await house.sound()


async def test_goods_come_back_and_so_does_the_money(house: House, api: Client) -> None:
    sku = house.item()
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {sku: 2})))["id"]
    await deliver(house, api, order_id)
    [line] = (await api.ok("GET", f"/v1/orders/{order_id}/returnable"))["lines"]
    assert line["returnable"] == 2
    asked = {
        "lines": [{"line_id": line["line_id"], "quantity": 1, "reason": "too_small"}],
        "needs_label": False,
    }
    too_many = {"lines": [{**asked["lines"][0], "quantity": 3}]}
    assert (await api.post(f"/v1/orders/{order_id}/returns", too_many)).status_code == 422
    back = await api.ok("POST", f"/v1/orders/{order_id}/returns", asked)
    assert back["status"] == "requested"
    await house.settle()
    path = f"/v1/returns/{back['id']}"
    units = {"return_line_id": back["lines"][0]["id"], "quantity": 1}
    assert (await api.ok("POST", f"{path}/receive", {"lines": [units]}))["status"] == "received"
    found = {"return_line_id": units["return_line_id"], "disposition": "restock", "grade": "A"}
    await api.ok("POST", f"{path}/inspect", {"lines": [found]})
    await house.settle()
    assert (await api.ok("GET", path))["status"] == "closed"
    [refund] = (await api.ok("GET", f"/v1/refunds?return_id={back['id']}"))["data"]
    assert refund["amount"] == usd(1000)
    assert [t["status"] for t in refund["transactions"]] == ["succeeded"]
    assert (await api.ok("GET", f"/v1/refunds/{refund['id']}")) == refund
    again = await api.post(f"{path}/receive", {"lines": [units]})
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    await house.sound()


async def test_an_order_is_held_steered_and_cancelled(house: House, api: Client) -> None:
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {house.item(): 2})))["id"]
    path = f"/v1/orders/{order_id}"
    hold = await api.ok("POST", f"{path}/holds", {"blocks": ["route"], "note": "look at this"})
    await house.settle()
    at = await api.ok("GET", f"/v1/journeys/{order_id}")
    assert (at["step"], at["state"]) == ("route", "waiting")
    for verb, state in (("pause", "paused"), ("resume", "due")):
        moved = await api.ok("POST", f"/v1/journeys/{order_id}/{verb}", {"reason": "trying"})
        assert moved["state"] == state
    refused = await api.post(f"/v1/journeys/{order_id}/resume", {"reason": "again"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert (await api.ok("POST", f"/v1/holds/{hold['id']}/clear"))["cleared_at"]
    assert (await api.ok("POST", f"/v1/holds/{hold['id']}/clear"))["cleared_at"]
    edited = await api.ok("PATCH", path, {"tags": ["vip"], "priority": 5, "reason": "key account"})
    assert (edited["tags"], edited["priority"]) == (["vip"], 5)
    stale = await api.post(f"{path}/cancel", {"reason": "x", "expected_version": 1})
    assert stale.status_code == 412
    await house.settle()

    line = next(line for line in (await api.ok("GET", path))["lines"])
    body = {"reason": "one is enough", "lines": [{"line_id": line["id"], "quantity": 1}]}
    before = await house.level(line["slices"][0]["node"], line["sku"])
    dry = await api.ok("POST", f"{path}/cancel?dry_run=true", body)
    assert sum(dry["cancelled"].values()) == 1
    assert await house.level(line["slices"][0]["node"], line["sku"]) == before
    assert sum((await api.ok("POST", f"{path}/cancel", body))["cancelled"].values()) == 1
    work = await work_of(api, order_id)
    await api.ok("POST", f"/v1/fulfillment-orders/{work['id']}/accept")
    asked = await api.ok("POST", f"{path}/cancel", {"reason": "none is better"})
    assert (asked["outcome"], sum(asked["requested"].values())) == ("requested", 1)
    answer = {"accept": True, "reason": "not begun"}
    await api.ok("POST", f"/v1/fulfillment-orders/{work['id']}/answer-cancellation", answer)
    await house.settle()
    order = await api.ok("GET", path)
    assert (order["lifecycle"], order["payment_status"]) == ("cancelled", "voided")
    gone = await api.post(f"/v1/fulfillment-orders/{work['id']}/answer-cancellation", answer)
    assert gone.status_code == 409
    await house.sound()


async def test_a_node_that_rejects_or_runs_short_is_routed_around(house: House, api: Client) -> None:
    sku = house.item()
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {sku: 2})))["id"]
    await house.settle()
    work = await work_of(api, order_id)
    gone = await api.ok("POST", f"/v1/fulfillment-orders/{work['id']}/reject", {"reason": "flooded"})
    assert gone["request_status"] == "rejected"
    again = await api.post(f"/v1/fulfillment-orders/{work['id']}/reject", {"reason": "flooded"})
    assert again.status_code == 409
    await house.settle()
    works = (await api.ok("GET", f"/v1/fulfillment-orders?order_id={order_id}&request_status=submitted"))[
        "data"
    ]
    assert works
    assert all(w["node"] != work["node"] for w in works)
    short = {"sku": sku, "quantity": 1, "reason": "bin is empty"}
    await api.ok("POST", f"/v1/fulfillment-orders/{works[0]['id']}/report-short", short)
    too_many = await api.post(
        f"/v1/fulfillment-orders/{works[0]['id']}/report-short", {**short, "quantity": 9}
    )
    assert too_many.status_code == 409
    await house.settle()
    await house.sound()


async def test_the_log_is_read_whole_and_webhooks_are_registered(house: House, api: Client) -> None:
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {house.item(): 1})))["id"]
    await house.settle()
    seen, after = [], "0-0"
    while True:
        page = await api.ok("GET", f"/v1/events?after={after}&type=order.*&limit=2")
        if not page["data"] and page["after"] == after:
            break
        seen, after = seen + page["data"], page["after"]
    types = [event["type"] for event in seen]
    assert types[0] == "order.captured"
    assert {e["order_id"] for e in seen} == {order_id}
    assert (await api.ok("GET", f"/v1/events?after={after}&wait=1"))["data"] == []
    assert (await api.get("/v1/events?after=9-x")).status_code == 422

    made = await api.ok("POST", "/v1/webhooks", {"url": "https://example.com/hook", "types": ["order.*"]})
    assert made["secret"].startswith("whsec_")
    for url in ("http://example.com/", "https://127.0.0.1/", "https://10.0.0.1/x"):
        refused = await api.post("/v1/webhooks", {"url": url})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/url")
    path = f"/v1/webhooks/{made['id']}"
    assert "secret" not in await api.ok("GET", path)
    assert len((await api.ok("GET", "/v1/webhooks"))["data"]) == 1
    await api.ok("POST", f"{path}/rotate-secret")
    off = await api.ok("PATCH", path, {"active": False, "reason": "moving"})
    assert (off["active"], off["problem"]) == (False, "moving")
    assert (await api.ok("PATCH", path, {"active": True, "types": []}))["active"]
    assert (await api.ok("GET", f"{path}/deliveries"))["data"] == []
    assert (await api.ok("POST", f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}))["replayed"] == 0


async def test_cases_are_settled_and_the_audit_is_clean(house: House, api: Client) -> None:
    body = cart(house, {house.item(): 1})
    body["tenders"][0]["token"] = "tok_decline"
    order_id = (await api.ok("POST", "/v1/orders", body))["id"]
    await house.settle()
    [case] = (await api.ok("GET", f"/v1/exceptions?order_id={order_id}"))["data"]
    assert case["kind"] == "payment_declined"
    done = await api.ok(
        "POST", f"/v1/exceptions/{case['id']}/resolve", {"resolution": "buyer pays otherwise"}
    )
    assert done["resolved_at"]
    assert (await api.ok("GET", f"/v1/exceptions?order_id={order_id}"))["data"] == []
    assert (await api.ok("GET", f"/v1/exceptions/{case['id']}"))["resolution"] == "buyer pays otherwise"
    report = await api.ok("GET", "/v1/audit")
    assert report["violations"] == 0
    assert len(report["invariants"]) > 10


def by_id(
    order_id: str, hold: dict, work: dict, parcel: dict, manifest: dict, back: dict, asked: dict
) -> list:
    """Every request that names one thing."""
    why = {"reason": "x"}
    return [
        ("GET", f"/v1/orders/{order_id}", None),
        ("GET", f"/v1/orders/{order_id}/timeline", None),
        ("GET", f"/v1/orders/{order_id}/returnable", None),
        ("PATCH", f"/v1/orders/{order_id}", {"priority": 1}),
        ("POST", f"/v1/orders/{order_id}/cancel", why),
        ("POST", f"/v1/orders/{order_id}/holds", {"blocks": ["pick"]}),
        ("POST", f"/v1/orders/{order_id}/returns", asked),
        ("POST", f"/v1/holds/{hold['id']}/clear", None),
        ("GET", f"/v1/journeys/{order_id}", None),
        ("POST", f"/v1/journeys/{work['id']}/pause", why),
        ("GET", f"/v1/fulfillment-orders/{work['id']}", None),
        ("GET", f"/v1/fulfillment-orders/{work['id']}/pick-list", None),
        ("GET", f"/v1/fulfillment-orders/{work['id']}/packages", None),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/accept", None),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/reject", why),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/answer-cancellation", {"accept": True, **why}),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/scans", {"kind": "pick", "code": "x"}),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/scans/take-back", {"kind": "pick", "sku": "x"}),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/report-short", {"sku": "x", "quantity": 1, **why}),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/packages/1/close", {}),
        ("POST", f"/v1/fulfillment-orders/{work['id']}/labels/void", why),
        ("GET", f"/v1/shipments/{parcel['shipment_id']}", None),
        ("GET", f"/v1/shipments/{parcel['shipment_id']}/tracking", None),
        ("GET", f"/v1/labels/{parcel['label_id']}.zpl", None),
        ("GET", f"/v1/labels/{parcel['label_id']}.pdf", None),
        ("GET", f"/v1/manifests/{manifest['id']}", None),
        ("GET", f"/v1/manifests/{manifest['id']}.pdf", None),
        ("GET", f"/v1/returns/{back['id']}", None),
        ("POST", f"/v1/returns/{back['id']}/approve", None),
        ("POST", f"/v1/returns/{back['id']}/decline", why),
        ("POST", f"/v1/returns/{back['id']}/cancel", why),
        ("POST", f"/v1/returns/{back['id']}/close", None),
        (
            "POST",
            f"/v1/returns/{back['id']}/receive",
            {"lines": [{"return_line_id": "rtl_" + "0" * 32, "quantity": 1}]},
        ),
        ("GET", "/v1/audit", None),
        ("GET", "/v1/webhooks", None),
    ]


async def test_a_key_of_another_node_or_channel_reaches_nothing(house: House, api: Client) -> None:
    order_id = (await api.ok("POST", "/v1/orders", cart(house, {house.item(): 1})))["id"]
    hold = await api.ok("POST", f"/v1/orders/{order_id}/holds", {"blocks": ["capture"]})
    await api.ok("POST", f"/v1/holds/{hold['id']}/clear")
    await deliver(house, api, order_id)
    order = await api.ok("GET", f"/v1/orders/{order_id}")
    [work], [parcel] = order["fulfillments"], order["parcels"]
    [line] = order["lines"]
    asked = {"lines": [{"line_id": line["id"], "quantity": 1, "reason": "other"}]}
    back = await api.ok("POST", f"/v1/orders/{order_id}/returns", asked)
    [manifest] = (await api.ok("GET", "/v1/manifests"))["data"]
    requests = by_id(order_id, hold, work, parcel, manifest, back, asked)
    lists = ["orders", "fulfillment-orders", "shipments", "manifests", "returns", "refunds", "exceptions"]
    lists += ["inventory/levels", "inventory/movements", "events"]
    before = await digest(house)
    other = unwire("channel", (await api.ok("GET", "/v1/channels"))["data"][0]["id"])
    if (await api.ok("GET", "/v1/channels"))["data"][0]["code"] == order["channel"]:
        other = unwire("channel", (await api.ok("GET", "/v1/channels"))["data"][1]["id"])
    for limits in ({"nodes": [uuid4()]}, {"channels": [other]}):
        stranger = await api.limited(**limits)
        for method, path, body in requests:
            answer = await stranger.request(method, path, json=body, headers={"Idempotency-Key": uuid4().hex})
            assert answer.status_code == 404, f"{limits} {method} {path}: {answer.status_code} {answer.text}"
        for name in lists:
            if name.startswith("inventory") and "channels" in limits:
                continue  # stock belongs to nodes, and serves all channels
            assert (await stranger.ok("GET", f"/v1/{name}"))["data"] == [], f"{limits} {name}"
        batch = await stranger.ok(
            "POST", "/v1/fulfillment-orders/batch", {"action": "pack", "fulfillment_ids": [work["id"]]}
        )
        assert [r["status"] for r in batch["results"]] == [404]
    assert await digest(house) == before


async def digest(house: House) -> list:
    """What a stranger must not have changed."""
    async with house.database.transaction() as db:
        return await db.fetch(
            "SELECT (SELECT max(id) FROM plumbing.events), (SELECT max(id) FROM inventory.movements), "
            "(SELECT sum(version) FROM orders.orders), (SELECT count(*) FROM packing.scans), "
            "(SELECT sum(token) FROM plumbing.subjects), (SELECT sum(version) FROM returns.returns)"
        )
