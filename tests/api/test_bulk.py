"""Orders by the thousand: NDJSON in, NDJSON out, row by row."""

import json

import pytest

from orderloom.plumbing.settings import Settings
from tests.api.client import Client
from tests.api.shop import order, set_stock

NDJSON = {"Content-Type": "application/x-ndjson"}
URL = "/v1/orders/bulk"


async def sent(api: Client, rows, *, query: str = "", status: int = 200):
    """The rows answered, and the summary."""
    body = rows if isinstance(rows, bytes) else b"\n".join(json.dumps(row).encode() for row in rows)
    answer = await api.post(URL + query, content=body, headers=NDJSON)
    assert answer.status_code == status, answer.text
    if status != 200:
        return answer.json(), None
    *told, summary = [json.loads(line) for line in answer.content.splitlines()]
    return told, summary


async def reserved(api: Client) -> int:
    levels = await api.ok("GET", "/v1/inventory/levels")
    return sum(level["reserved"] for level in levels["data"])


class TestAStream:
    async def test_is_answered_row_by_row(self, shop):
        rows = [order(), order({"NONE": 1}), order({"MUG": 2})]
        told, summary = await sent(shop, rows)
        assert [(r["row"], r["status"]) for r in told] == [(1, 201), (2, 422), (3, 201)]
        assert [r["external_id"] for r in told] == [r["external_id"] for r in rows]
        assert told[1]["errors"][0]["path"] == "/lines/0/sku"
        assert summary == {"rows": 3, "created": 2, "duplicates": 0, "failed": 1, "complete": True}
        found = await shop.ok("GET", f"/v1/orders/{told[0]['id']}")
        assert found["number"] == told[0]["number"]
        assert await reserved(shop) == 3

    async def test_of_more_than_a_set_is_all_there(self, shop):
        await set_stock(shop, "EAST", "MUG", 2000)
        told, summary = await sent(shop, [order() for _ in range(1203)])
        assert summary["created"] == 1203
        assert [r["row"] for r in told] == list(range(1, 1204))
        assert await reserved(shop) == 1203

    async def test_sent_again_stores_nothing_twice(self, shop):
        rows = [order() for _ in range(7)]
        first, _ = await sent(shop, rows)
        again, summary = await sent(shop, [*rows, order()])
        assert [r["id"] for r in again[:7]] == [r["id"] for r in first]
        assert summary == {"rows": 8, "created": 1, "duplicates": 7, "failed": 0, "complete": True}

    async def test_with_lines_that_are_no_orders_goes_on(self, shop):
        good = json.dumps(order()).encode()
        told, summary = await sent(shop, b"\n".join([b"{", b"", b'"x"', b"\xff", good, b""]))
        assert [(r["row"], r["status"]) for r in told] == [(1, 422), (3, 422), (4, 422), (5, 201)]
        assert told[0]["errors"][0]["code"] == "json_invalid"
        assert summary["failed"] == 3

    async def test_with_a_line_too_long_goes_on(self, shop):
        long = b'{"channel": "' + b"x" * 1_100_000 + b'"}'
        told, _ = await sent(shop, long + b"\n" + json.dumps(order()).encode())
        assert [(r["row"], r["status"]) for r in told] == [(1, 413), (2, 201)]

    async def test_larger_than_any_body_is_taken(self, shop):
        padded = [order(tags=["x" * 90] * 40) for _ in range(300)]
        await set_stock(shop, "EAST", "MUG", 2000)
        _, summary = await sent(shop, padded)
        assert summary["created"] == 300


class TestThePolicy:
    async def test_all_or_nothing_keeps_nothing(self, shop):
        told, summary = await sent(shop, [order(), order({"LAMP": 99})], query="?on_error=reject_all")
        assert [(r["status"], r["code"]) for r in told] == [(424, "not_kept"), (409, "insufficient_stock")]
        assert summary["created"] == 0
        assert await reserved(shop) == 0

    async def test_all_or_nothing_says_all_that_is_wrong_at_once(self, shop):
        rows = [json.dumps(order()).encode(), b"{", json.dumps(order({"LAMP": 99})).encode()]
        told, summary = await sent(shop, b"\n".join(rows), query="?on_error=reject_all")
        assert [r["code"] for r in told] == ["not_kept", "invalid", "insufficient_stock"]
        assert (summary["created"], summary["failed"], summary["complete"]) == (0, 3, True)
        assert await reserved(shop) == 0

    async def test_all_or_nothing_keeps_all(self, shop):
        told, _ = await sent(shop, [order(), order()], query="?on_error=reject_all")
        assert [r["status"] for r in told] == [201, 201]
        assert await reserved(shop) == 2

    async def test_all_or_nothing_has_a_limit(self, shop):
        rows = b"\n".join([json.dumps(order()).encode()] * 1001)
        problem, _ = await sent(shop, rows, query="?on_error=reject_all", status=413)
        assert problem["code"] == "too_large"

    async def test_failures_may_be_counted_alone(self, shop):
        told, summary = await sent(shop, [order({"NONE": 1}), order()], query="?on_error=ignore_failed")
        assert [r["row"] for r in told] == [2]
        assert summary["failed"] == 1

    async def test_is_one_of_three(self, shop):
        problem, _ = await sent(shop, [order()], query="?on_error=maybe", status=422)
        assert problem["errors"][0] | {"message": ""} == {
            "path": "/on_error",
            "code": "unknown_value",
            "message": "",
            "in": "query",
        }

    async def test_a_dry_run_changes_nothing(self, shop):
        told, _ = await sent(shop, [order(), order({"LAMP": 99})], query="?dry_run=true")
        assert [r["status"] for r in told] == [201, 409]
        assert await reserved(shop) == 0


class TestMoreStreamsThanAreTaken:
    @pytest.mark.parametrize("query", ["", "?on_error=reject_all"])
    async def test_are_told_to_come_again(self, shop, query):
        streams = shop.app.state.desk.streams
        taken = [await streams.acquire() for _ in range(Settings().bulk_streams)]
        answer = await shop.post(URL + query, content=json.dumps(order()).encode(), headers=NDJSON)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) > 0
        for _ in taken:
            streams.release()
        # As many as ever find room, one after another: each gives its place back.
        for _ in range(len(taken) + 1):
            await sent(shop, [order()], query=query)


class TestWhoSends:
    async def test_needs_the_scope(self, shop):
        reader = await shop.limited(scopes=["orders:read"])
        await sent(reader, [order()], status=403)

    async def test_says_what_it_sends(self, shop):
        answer = await shop.post(URL, content=b"{}", headers={"Content-Type": "text/csv"})
        assert answer.status_code == 415

    async def test_of_another_channel_is_told_row_by_row(self, shop):
        await shop.ok("PUT", "/v1/channels/other", {"name": "Other", "type": "site", "currency": "USD"})
        async with shop.database.transaction() as db:
            other = await db.fetchval("SELECT id FROM network.channels WHERE code = 'other'")
        limited = await shop.limited(channels=[other])
        told, _ = await sent(limited, [order(), order(channel="other")])
        assert [r["status"] for r in told] == [422, 201]

    @pytest.mark.parametrize("broken", ["Raced", "Deadlock"])
    async def test_is_stored_although_others_were_faster(self, shop, monkeypatch, broken):
        from orderloom.api import bulk

        place, failures = bulk.placing.place, [getattr(bulk, broken)]

        async def once_too_late(db, **given):
            if failures:
                raise failures.pop()
            return await place(db, **given)

        monkeypatch.setattr(bulk.placing, "place", once_too_late)
        told, _ = await sent(shop, [order()])
        assert told[0]["status"] == 201
