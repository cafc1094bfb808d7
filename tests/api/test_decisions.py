"""Decisions over HTTP and on the command line: one JSON, over what is given or what is present; nothing is stored."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from orderloom.api import decisions
from orderloom.cli import application
from orderloom.journey import deciding
from orderloom.plumbing import clock
from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import QUESTIONS
from orderloom.routing.world import EMPTY
from tests.api import shop as small

KINDS = {
    "route": examples.ROUTE,
    "pack": examples.PACK,
    "rate": examples.RATE,
    "promise": examples.PROMISE,
}


def command(kind: str, question, *, code=0):
    """What `orderloom decide KIND` prints for a question on stdin."""
    result = CliRunner().invoke(application(asked="decide"), ["decide", kind], input=json.dumps(question))
    assert result.exit_code == code, result.output + result.stderr
    return json.loads(result.stdout if code == 0 else result.stderr)


@pytest.mark.parametrize("kind", KINDS)
async def test_python_http_and_command_line_say_the_same(api, kind):
    asked = {**KINDS[kind], "as_of": "2026-03-02T15:00:00Z"}
    over_http = await api.ok("POST", f"/v1/decisions/{kind}", asked)
    question = QUESTIONS[kind].model_validate(asked)
    assert not deciding.needs_present(question)
    in_python = decide(question, present=EMPTY, now=clock.now())
    assert over_http == json.loads(json.dumps(in_python))
    assert over_http == _in_a_thread(kind, asked)


def _in_a_thread(kind, asked):
    """The command runs a loop of its own, which a test's loop does not allow in its own thread."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(command, kind, asked).result()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_command_line_names_the_same_faults(api, kind):
    asked = {**KINDS[kind], "ship_to": {"country": "usa"}, "colour": "red"}
    refused = (await api.post(f"/v1/decisions/{kind}", asked)).json()
    assert refused["code"] == "invalid"
    assert _faults(kind, asked) == {(f["path"], f["code"]) for f in refused["errors"]}


def _faults(kind, asked):
    found = command(kind, asked, code=2)
    return {(f["path"], f["code"]) for f in found["errors"]}


def test_what_is_no_json_is_said():
    result = CliRunner().invoke(application(asked="decide"), ["decide", "pack"], input="{")
    assert result.exit_code == 2
    assert "malformed" in result.stderr


async def test_a_door_full_of_hard_questions_says_so(api, monkeypatch):
    monkeypatch.setattr(decisions, "WAIT_S", 0.01)
    monkeypatch.setattr(decisions, "_turns", asyncio.Semaphore(0))
    answer = await api.post("/v1/decisions/pack", KINDS["pack"])
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "busy", True)


class TestOverWhatIsPresent:
    async def test_a_route_over_the_shops_own_stock(self, shop):
        asked = {
            "lines": [{"sku": "MUG", "quantity": 2}, {"sku": "SET", "quantity": 1}],
            "ship_to": small.ADDRESS | {"country": "US"},
            "channel": "web",
            "contracts": examples.ROUTE["contracts"],
        }
        found = await shop.ok("POST", "/v1/decisions/route", asked)
        assert found["outcome"] == "routed"
        [part] = found["answer"]["plan"]["shipments"]
        assert part["node"] in {"EAST", "WEST"}
        # The kit is there by its components, and the mug's own line beside them.
        assert {(line["line"], line["sku"], line["quantity"]) for line in part["lines"]} == {
            ("1", "MUG", 2),
            ("2.MUG", "MUG", 2),
            ("2.LAMP", "LAMP", 1),
        }
        assert found["answer"]["promise_at"] is not None

    async def test_nothing_is_stored_and_no_stock_is_kept(self, shop):
        before = await shop.ok("GET", "/v1/inventory/levels")
        asked = {"lines": [{"sku": "MUG"}], "ship_to": small.ADDRESS | {"country": "US"}}
        await shop.ok("POST", "/v1/decisions/route", asked)
        await shop.ok("POST", "/v1/decisions/promise", asked)
        assert await shop.ok("GET", "/v1/inventory/levels") == before
        async with shop.database.transaction(readonly=True) as db:
            assert await db.fetchval("SELECT count(*) FROM routing.decisions") == 0

    async def test_no_contract_in_force_is_a_reason(self, shop):
        asked = {"lines": [{"sku": "MUG"}], "ship_to": small.ADDRESS | {"country": "US"}}
        found = await shop.ok("POST", "/v1/decisions/route", asked)
        assert found["outcome"] == "unroutable"
        reasons = {reason for c in found["answer"]["candidates"] for reason in c["reasons"]}
        assert reasons == {"no service carries it: there is no contract"}

    async def test_rates_from_a_node(self, shop):
        asked = {k: v for k, v in examples.RATE.items() if k not in {"ship_from", "ship_on"}}
        found = await shop.ok("POST", "/v1/decisions/rate", {**asked, "node": "EAST"})
        assert found["answer"]["chosen"]["carrier"] == "acme"

    async def test_a_rate_heeds_limits_and_what_was_known(self, shop):
        asked = {k: v for k, v in examples.RATE.items() if k not in {"contracts", "as_of"}}
        [given] = examples.RATE["contracts"]
        limited = {**given["terms"], "day_limits": [{"services": ["ground"], "shipments": 0}]}
        carrier = {"name": "Limited", "adapter": "simulated", "terms": limited}
        await shop.ok("PUT", "/v1/carriers/limited", carrier)
        found = (await shop.ok("POST", "/v1/decisions/rate", asked))["answer"]
        assert (found["chosen"]["carrier"], found["chosen"]["service"]) == ("limited", "air")
        [closed] = [one for one in found["rejected"] if one["service"] == "ground"]
        assert closed["reasons"] == [f"its 0 shipments of {examples.RATE['ship_on']} are used up"]
        before = await shop.ok("POST", "/v1/decisions/rate", {**asked, "known_at": "2020-01-01T00:00:00Z"})
        assert (before["outcome"], before["answer"]["quotes"]) == ("ineligible", [])

    async def test_items_are_packed_by_their_sku(self, shop):
        asked = {"lines": [{"sku": "MUG", "quantity": 3}], "cartons": examples.PACK["cartons"]}
        found = await shop.ok("POST", "/v1/decisions/pack", asked)
        assert [parcel["contents"] for parcel in found["answer"]["parcels"]] == [{"MUG": 3}]

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"channel": "nowhere"}, ("/channel", "unknown_channel")),
            ({"lines": [{"sku": "NIL"}]}, ("/lines/0/sku", "unknown_sku")),
            ({"channel": "web", "service_level": "teleport"}, ("/service_level", "unknown_value")),
        ],
    )
    async def test_what_is_not_there_is_named(self, shop, change, fault):
        asked = {"lines": [{"sku": "MUG"}], "ship_to": small.ADDRESS | {"country": "US"}, **change}
        answer = await shop.post("/v1/decisions/route", asked)
        assert answer.status_code == 422
        assert [(f["path"], f["code"]) for f in answer.json()["errors"]] == [fault]

    async def test_a_key_bound_to_a_node_sees_no_other(self, shop):
        east = (await shop.ok("GET", "/v1/nodes/EAST"))["id"]
        bound = await shop.limited(nodes=[_uuid(east)])
        asked = {"lines": [{"sku": "MUG"}], "ship_to": small.ADDRESS | {"country": "US"}}
        found = await bound.ok("POST", "/v1/decisions/route", asked)
        assert [c["node"] for c in found["answer"]["candidates"]] == ["EAST"]


def _uuid(text: str):
    from orderloom.terms import unwire

    return unwire("node", text)


async def test_the_date_asked_for_a_page_and_a_cart_is_the_one_an_order_is_bound_to(shop):
    path = "/v1/promises?channel=web&sku=MUG&quantity=2&sku=SET&postcode=43215&region=OH&quantity=1"
    asked = await shop.ok("GET", path)
    assert (asked["time_zone"], asked["short"]) == ("America/New_York", [])
    # No contract goes there: the channel's own days.
    assert {(one["service_level"], one["why"]) for one in asked["promises"]} == {
        ("standard", None),
        ("expedited", None),
        ("overnight", None),
    }
    dates = [one["promise_at"] for one in asked["promises"]]
    assert dates == sorted(dates)
    placed = await shop.ok("POST", "/v1/orders", small.order({"MUG": 2, "SET": 1}))
    promise = await shop.ok("GET", f"/v1/orders/{placed['id']}/promise")
    order = await shop.ok("GET", f"/v1/orders/{placed['id']}")
    assert (promise["promise_at"], promise["first_promise_at"]) == (order["promise_at"],) * 2
    assert (promise["moves"], promise["why"], promise["late"]) == ([], None, False)
    short = await shop.ok("GET", "/v1/promises?channel=web&sku=MUG&quantity=9000")
    assert (short["promises"], short["short"]) == ([], [{"sku": "MUG", "expected_at": None}])


@pytest.mark.parametrize(
    ("query", "status", "codes"),
    [
        ("channel=web&sku=GHOST", 422, {"unknown_sku"}),
        ("channel=web&sku=MUG&quantity=1&quantity=2", 422, {"wrong_length"}),
        ("channel=web&sku=MUG&service_level=drone", 422, {"unknown_value"}),
        ("channel=nowhere&sku=MUG", 404, set()),
    ],
)
async def test_a_question_for_a_date_that_names_what_is_not_there(shop, query, status, codes):
    answer = await shop.get(f"/v1/promises?{query}")
    assert answer.status_code == status
    assert {fault["code"] for fault in answer.json().get("errors", [])} == codes
