"""Orders edited over the API: what is done, previewed, refused, and what a repeat or a stale version meets."""

from __future__ import annotations

from tests.api.shop import order, usd

REASON = {"reason": "the buyer asked"}


async def content(database) -> dict[str, str]:
    """Every row of every table that an edit could touch, as a digest a table."""
    async with database.transaction() as db:
        tables = await db.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname IN ('orders', 'inventory', 'payments', 'routing', 'plumbing') ORDER BY 1"
        )
        digest = "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM "
        return {row["name"]: await db.fetchval(digest + row["name"] + " AS t") for row in tables}


async def placed(shop, lines=None, **more) -> dict:
    receipt = await shop.ok("POST", "/v1/orders", order(lines, **more))
    return await shop.ok("GET", f"/v1/orders/{receipt['id']}")


def change(body: dict, **what) -> list[dict]:
    return [{"line_id": body["lines"][0]["id"], **what}]


async def test_a_preview_tells_money_stock_and_promise_and_writes_nothing(shop):
    body = await placed(shop, {"MUG": 2})
    asked = {"lines": change(body, quantity=3), "add": [{"sku": "SET", "quantity": 1}], **REASON}
    url = f"/v1/orders/{body['id']}/edit"
    before = await content(shop.database)
    dry = await shop.post(f"{url}?dry_run=true", asked)
    assert dry.status_code == 200, dry.text
    assert await content(shop.database) == before
    done = await shop.post(url, asked, key="edit")
    assert done.status_code == 200, done.text
    answer = done.json()
    same = (
        "total_before",
        "total",
        "owed_before",
        "owed",
        "to_authorize",
        "promise_at",
        "stock",
        "requested",
    )
    assert {name: dry.json()[name] for name in same} == {name: answer[name] for name in same}
    assert (answer["total_before"], answer["total"]) == (usd(2000), usd(4000))
    assert answer["to_authorize"] == usd(2000)
    assert {held["sku"]: held["units"] for held in answer["stock"]} == {"MUG": 3, "LAMP": 1}
    assert answer["order"]["money"]["total"] == usd(4000)
    assert [(x["sku"], x["quantity"]) for x in answer["order"]["lines"]] == [
        ("MUG", 3),
        ("SET", 1),
        ("LAMP", 1),
        ("MUG", 2),
    ]
    again = await shop.post(url, asked, key="edit")
    assert (again.content, again.headers["idempotent-replayed"]) == (done.content, "true")


async def test_a_stale_version_edits_nothing(shop):
    body = await placed(shop)
    url = f"/v1/orders/{body['id']}/edit"
    asked = {"lines": change(body, quantity=2), **REASON}
    stale = await shop.post(url, {**asked, "expected_version": body["version"] + 1}, key="a")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_moved")
    done = await shop.post(url, {**asked, "expected_version": body["version"]}, key="b")
    assert done.status_code == 200
    moved = await shop.post(url, asked, key="c", headers={"If-Match": f'"{body["version"]}"'})
    assert moved.status_code == 412


async def test_all_faults_are_told_at_once_with_their_places(shop):
    body = await placed(shop)
    asked = {
        "lines": [*change(body, quantity=1), *change(body, quantity=2)],
        "add": [{"sku": "NONE", "quantity": 1}, {"sku": "RUG", "quantity": 1, "node": "MOON"}],
        "service_level": "teleport",
        **REASON,
    }
    answer = await shop.post(f"/v1/orders/{body['id']}/edit", asked, key="a")
    assert answer.status_code == 422
    assert {(fault["path"], fault["code"]) for fault in answer.json()["errors"]} == {
        ("/lines/1", "repeated"),
        ("/add/0/sku", "unknown_sku"),
        ("/add/1/node", "unknown_node"),
        ("/service_level", "unknown_service_level"),
    }
    euros = {"add": [{"sku": "MUG", "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}], **REASON}
    foreign = await shop.post(f"/v1/orders/{body['id']}/edit", euros, key="b")
    assert [fault["path"] for fault in foreign.json()["errors"]] == ["/add/0/unit_price/currency"]


async def test_more_than_there_is_says_what_is_left_and_an_order_that_is_over_says_what_else(shop):
    body = await placed(shop, {"LAMP": 1})
    url = f"/v1/orders/{body['id']}/edit"
    short = await shop.post(url, {"lines": change(body, quantity=30), **REASON}, key="a")
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    assert short.json()["available"][0]["available"] == 19
    assert short.json()["errors"][0]["path"] == "/lines/0/quantity"
    await shop.ok("POST", f"/v1/orders/{body['id']}/cancel", REASON)
    over = await shop.post(url, {"lines": change(body, quantity=2), **REASON}, key="b")
    assert (over.status_code, over.json()["code"]) == (409, "edit_refused")
    assert over.json()["errors"][0]["code"] == "order_is_over"
    assert (
        await shop.post(url.replace(body["id"], "ord_" + "0" * 32), {**REASON}, key="c")
    ).status_code == 404


async def test_a_channels_rules_refuse_what_the_matrix_would_allow(shop):
    body = await placed(shop)
    channel = await shop.ok("GET", f"/v1/channels/{body['channel']}")
    names = (
        "name",
        "type",
        "currency",
        "time_zone",
        "on_shortage",
        "promise_days",
        "promise_confidence",
        "notices",
    )
    rule = {"change": "price", "from": "created", "roles": ["api_key"]}
    wanted = {name: channel[name] for name in names} | {"edit_rules": [rule]}
    url = f"/v1/channels/{body['channel']}"
    bad = await shop.put(
        url, json=wanted | {"edit_rules": [{"change": "colour", "from": "packed", "roles": ["king"]}]}
    )
    assert {fault["path"].removeprefix("/edit_rules/0") for fault in bad.json()["errors"]} == {
        "/change",
        "/from",
        "/roles/0",
    }
    kept = await shop.ok("PUT", url, wanted)
    assert kept["edit_rules"] == [rule]
    asked = {"lines": change(body, quantity=2, unit_price=usd(1)), **REASON}
    refused = await shop.post(f"/v1/orders/{body['id']}/edit", asked, key="a")
    assert refused.status_code == 409
    assert [(f["path"], f["code"]) for f in refused.json()["errors"]] == [("/lines/0", "by_rule")]
    await shop.ok("PUT", url, wanted | {"edit_rules": []})
    done = await shop.post(f"/v1/orders/{body['id']}/edit", asked, key="b")
    assert done.status_code == 200, done.text


async def test_date_node_and_means_are_edited_over_the_api(shop):
    body = await placed(shop)
    url = f"/v1/orders/{body['id']}/edit"
    asked = {
        "promise_at": "2099-03-09T12:00:00Z",
        "tender": {"method": "card", "token": "tok_approve", "instead": True},
        "lines": change(body, node="MOON"),
        **REASON,
    }
    moon = await shop.post(url, asked, key="a")
    assert [fault["path"] for fault in moon.json()["errors"]] == ["/lines/0/node"]
    done = await shop.post(url, asked | {"lines": change(body, node="")}, key="b")
    assert done.status_code == 200, done.text
    assert done.json()["promise_at"] == "2099-03-09T12:00:00Z"
    assert done.json()["to_authorize"] == done.json()["owed"]
    assert done.json()["replanned"]
