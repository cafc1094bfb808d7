"""What every route has from its door, shown on routes made for the purpose."""

import asyncio
import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from pydantic import Field

from orderloom.api.door import Here, Routes, UndeclaredScope
from orderloom.api.problems import Problem, refused
from orderloom.api.wire import Code, Count, In, Money, OrderId, Text, Versioned, Weight, cursor, place
from orderloom.plumbing.database import DatabaseAway, Db
from orderloom.plumbing.events import News, append, of_order
from orderloom.plumbing.http import Unavailable
from tests.api.client import open_client

ORDER = uuid4()
PATH = f"/v1/toys/ord_{ORDER.hex}"
JSON = {"Content-Type": "application/json"}


class ToyIn(In):
    word: Text = "hello"
    count: Count = 1
    price: Money | None = None
    weight: Weight | None = None
    code: Code | None = None
    parts: list["ToyIn"] = Field(default=[], max_length=3)
    expected_version: int | None = None


class ToyOut(Versioned):
    word: str


class Toys:
    """Routes whose effect is one event in the log."""

    def __init__(self) -> None:
        self.routes = Routes("toys")
        self.gate = asyncio.Event()
        self.gate.set()
        self.runs = 0
        self.begun = asyncio.Event()

        @self.routes.post(
            "/toys/{order_id}", scope="orders:write", dry_run=True, conditional=True, refuses=(409,)
        )
        async def write_toy(call: Here, order_id: OrderId, body: ToyIn) -> ToyOut:
            """Write one"""
            self.runs += 1
            self.begun.set()
            await append(call.db, [News("toy.written", "toy", order_id, order_id=order_id)])
            await self.gate.wait()
            call.expect(3, body.expected_version)
            match body.word:
                case "refuse":
                    raise refused("hold_blocks_step", "held")
                case "break":
                    raise RuntimeError("the secret inside")
                case "away":
                    raise DatabaseAway("gone")
                case "provider":
                    raise Unavailable("gone")
            return ToyOut(version=4, word=body.word)

        @self.routes.post("/toys/{order_id}/stock", scope="inventory:write", key="required")
        async def write_stock(call: Here, order_id: OrderId) -> ToyOut:
            """Cost something"""
            return ToyOut(version=1, word="")

        @self.routes.get("/toys/{order_id}", scope="orders:read")
        async def read_toy(call: Here, order_id: OrderId) -> ToyOut:
            """Read one"""
            return ToyOut(version=7, word="")


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def api(database, toys):
    async with open_client(database, routes=[toys.routes]) as client:
        yield client


async def written(database) -> int:
    async with database.transaction() as db:
        return len(await of_order(db, ORDER))


class TestAnIdempotencyKey:
    async def test_gives_the_same_answer_again_and_has_one_effect(self, api, toys):
        first = await api.post(PATH, {"word": "a"}, key="k")
        again = await api.post(PATH, {"word": "a"}, key="k")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert toys.runs == await written(api.database) == 1

    async def test_is_refused_with_another_body_or_object(self, api):
        await api.post(PATH, {"word": "a"}, key="k")
        other = await api.post(PATH, {"word": "b"}, key="k")
        elsewhere = await api.post(f"/v1/toys/ord_{uuid4().hex}", {"word": "a"}, key="k")
        for answer in (other, elsewhere):
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    async def test_still_at_work_is_said_so_at_once(self, api, toys):
        toys.gate.clear()
        first = asyncio.create_task(api.post(PATH, {}, key="k"))
        await toys.begun.wait()
        second = await api.post(PATH, {}, key="k")
        toys.gate.set()
        assert (await first).status_code == 200
        assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
        assert second.headers["retry-after"] == "1"
        assert second.json()["retryable"]

    async def test_keeps_a_refusal_whose_effect_was_undone(self, api, toys):
        first = await api.post(PATH, {"word": "refuse"}, key="k")
        again = await api.post(PATH, {"word": "refuse"}, key="k")
        assert first.status_code == again.status_code == 409
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["content-type"] == "application/problem+json"
        assert toys.runs == 1
        assert await written(api.database) == 0

    @pytest.mark.parametrize(("word", "status"), [("break", 500), ("away", 503), ("provider", 503)])
    async def test_runs_again_after_what_we_could_not_do(self, api, toys, word, status):
        for _ in range(2):
            answer = await api.post(PATH, {"word": word}, key="k")
            assert answer.status_code == status
            assert ("retry-after" in answer.headers) == (status == 503)
        assert toys.runs == 2
        assert await written(api.database) == 0

    async def test_is_not_used_up_by_a_request_that_was_never_begun(self, api, toys):
        assert (await api.post(PATH, {"count": 0}, key="k")).status_code == 422
        assert (await api.post(PATH, {"count": 1}, key="k")).status_code == 200

    async def test_belongs_to_one_credential(self, api):
        other = await api.limited(scopes=["orders:write"])
        await api.post(PATH, {"word": "a"}, key="k")
        assert "idempotent-replayed" not in (await other.post(PATH, {"word": "a"}, key="k")).headers

    async def test_is_required_where_a_repeat_costs_something(self, api):
        answer = await api.request("POST", PATH + "/stock")
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
        assert (await api.post(PATH + "/stock", key="x" * 256)).status_code == 422
        assert (await api.post(PATH + "/stock")).status_code == 200

    async def test_that_comes_twice_at_once_has_one_effect(self, api, toys):
        answers = await asyncio.gather(*(api.post(PATH, {"word": "a"}, key="k") for _ in range(8)))
        assert {a.status_code for a in answers} <= {200, 409}
        assert await written(api.database) == 1


class TestADryRun:
    async def test_answers_as_the_real_call_and_changes_nothing(self, api):
        real = await api.post(PATH, {"word": "a"})
        before = await written(api.database)
        dry = await api.post(PATH + "?dry_run=true", {"word": "a"})
        assert (dry.status_code, dry.json()) == (real.status_code, real.json())
        assert dry.headers["dry-run"] == "true"
        assert await written(api.database) == before

    async def test_leaves_its_key_unused(self, api):
        await api.post(PATH + "?dry_run=true", {"word": "a"}, key="k")
        assert "idempotent-replayed" not in (await api.post(PATH, {"word": "a"}, key="k")).headers


class TestAVersion:
    async def test_is_the_etag(self, api):
        assert (await api.get(PATH)).headers["etag"] == '"7"'

    @pytest.mark.parametrize("send", [{"headers": {"If-Match": '"2"'}}, {"json": {"expected_version": 2}}])
    async def test_that_has_moved_is_told(self, api, send):
        answer = await api.post(PATH, send.pop("json", {}), **send)
        assert (answer.status_code, answer.json()["version"]) == (412, 3)
        assert answer.headers["etag"] == '"3"'

    async def test_that_is_present_lets_the_write_go_on(self, api):
        assert (await api.post(PATH, {}, headers={"If-Match": '"3"'})).status_code == 200
        assert (await api.post(PATH, {}, headers={"If-Match": "tuesday"})).status_code == 422


class TestWhoComesIn:
    @pytest.mark.parametrize("header", [None, "Basic eDp5", "Bearer ", "Bearer sk_1", "Bearer ol_test_a_b"])
    async def test_nobody_without_a_valid_key(self, api, header):
        api.headers.pop("authorization")
        answer = await api.get(PATH, headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert "www-authenticate" in answer.headers

    async def test_nobody_without_the_scope(self, api):
        reader = await api.limited(scopes=["orders:read"])
        assert (await reader.get(PATH)).status_code == 200
        answer = await reader.post(PATH, {"count": "bad"})
        assert (answer.status_code, answer.json()["scope"]) == (403, "orders:write")

    async def test_nobody_too_often(self, database, toys):
        async with open_client(database, routes=[toys.routes], lanes={"office": "2/minute"}) as api:
            assert (await api.get(PATH)).headers["ratelimit-remaining"] == "1"
            await api.get(PATH)
            answer = await api.get(PATH)
        assert (answer.status_code, answer.json()["retryable"]) == (429, True)
        assert int(answer.headers["retry-after"]) >= 1

    async def test_no_route_without_a_declared_scope(self, database):
        routes = Routes("bad")
        with pytest.raises(UndeclaredScope):

            @routes.get("/bad", scope="bad:read")
            async def bad() -> None: ...

        with pytest.raises(TypeError):
            routes.get("/bad")(bad_handler)


async def bad_handler() -> None: ...


class TestAFault:
    async def test_is_told_with_all_others_and_where_it_is(self, api):
        answer = await api.post(
            PATH,
            {"count": "2", "price": {"amount": 1.5, "currency": "usd"}, "parts": [{"wordd": 1}], "x/y": 1},
        )
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        found = {(e["path"], e["code"]) for e in answer.json()["errors"]}
        assert found == {
            ("/count", "int_type"),
            ("/price/amount", "int_type"),
            ("/price/currency", "wrong_form"),
            ("/parts/0/wordd", "unknown_field"),
            ("/x~1y", "unknown_field"),
        }

    async def test_of_an_id_says_what_was_expected(self, api):
        answer = await api.get(f"/v1/toys/itm_{uuid4().hex}")
        assert answer.status_code == 422
        error = answer.json()["errors"][0]
        assert (error["path"], error["code"], error["in"]) == ("/order_id", "wrong_id", "path")
        assert "ord_" in error["message"]

    @pytest.mark.parametrize("word", ["4111 1111 1111 1111", "4111-1111-1111-1111", "a\x00b", "\ud800"])
    async def test_text_that_we_never_take(self, api, word):
        answer = await api.post(PATH, json=None, content=json.dumps({"word": word}), headers=JSON)
        assert answer.status_code == 422, answer.text

    @pytest.mark.parametrize("code", ["4111111111111111", "85123A"])
    async def test_codes_may_look_like_anything(self, api, code):
        assert (await api.post(PATH, {"code": code})).status_code == 200

    @pytest.mark.parametrize(
        ("content", "headers", "status"),
        [
            (b"{", {}, 400),
            (b"\xff{}", {}, 400),
            (b'{"count": 1e999}', {}, 422),
            (b'{"weight": {"value": NaN, "unit": "g"}}', {}, 422),
            (b'{"parts":' * 40 + b"1" + b"}" * 40, {}, 400),
            (b"[" * 100_000, {}, 400),
            (b'{"count": ' + b"9" * 5000 + b"}", {}, 400),
            (b"{}", {"Content-Type": "text/plain"}, 415),
            (b"{}", {"Content-Type": ""}, 415),
            (b'{"word": "' + b"x" * 1_000_001 + b'"}', {}, 413),
            (b"", {}, 422),
            (b"[]", {}, 422),
        ],
    )
    async def test_of_the_body(self, api, content, headers, status):
        answer = await api.post(PATH, json=None, content=content, headers={**JSON, **headers})
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == status

    async def test_of_the_address(self, api):
        assert (await api.get("/v1/nowhere")).json()["code"] == "not_found"
        answer = await api.delete(PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_of_ours_is_counted_and_tells_nothing(self, api):
        answer = await api.post(PATH, {"word": "break"})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert api.app.state.meters.defects._value.get() == 1


class TestARequest:
    async def test_keeps_its_id_into_the_events(self, api):
        answer = await api.post(PATH, {}, headers={"X-Request-Id": "my-1"})
        assert answer.headers["x-request-id"] == "my-1"
        async with api.database.transaction() as db:
            event = (await of_order(db, ORDER))[0]
        assert event.request_id == "my-1"
        assert event.actor.startswith("key:ol_test_")

    async def test_with_an_id_that_is_none_gets_one(self, api):
        assert (
            (await api.get(PATH, headers={"X-Request-Id": "a b"})).headers["x-request-id"].startswith("req_")
        )

    async def test_is_answered_with_security_headers(self, api):
        for url in (PATH, "/nowhere"):
            headers = (await api.get(url)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"

    async def test_meets_a_database_that_is_away(self, api, monkeypatch):
        def gone(**_) -> Db:
            raise DatabaseAway("gone")

        monkeypatch.setattr(api.database, "transaction", gone)
        answer = await api.get(PATH)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_cursor_comes_back_as_it_went():
    moment, some = datetime.now(UTC), uuid4()
    assert place(cursor(moment, some, "x", 3), datetime, UUID, str, int) == [moment, some, "x", 3]
    for strange in ("x", "bnVsbA", cursor(moment), cursor(1, 2, 3, 4), cursor(moment, some, "x", 2**70)):
        with pytest.raises(Problem):
            place(strange, datetime, UUID, str, int)
