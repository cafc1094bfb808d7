"""What Stripe's answers mean, shown on the answers themselves: what localstripe cannot say is said here."""

import json
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

from orderloom.payments import gateways
from orderloom.payments.model import Absent, Approved, GatewayCall, Kind, Refused
from orderloom.plumbing import http
from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.http import Unavailable

pytest.importorskip("stripe", reason="Stripe's gateway is not tested: the extra `stripe` is not installed")

from orderloom.payments.gateways import stripe as adapter

INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1000,
    "status": "requires_capture",
    "metadata": {},
}


class Wire:
    """Stands where plumbing goes out: answers in turn, and keeps what was asked."""

    def __init__(self, monkeypatch):
        self.answers = []
        self.asked = []
        monkeypatch.setattr(http, "exchange", self.exchange)

    async def exchange(self, method, url, *, content=None, headers=None, timeout_s=0):
        form = {name: value[0] for name, value in parse_qs((content or b"").decode()).items()}
        self.asked.append((method, url.removeprefix("https://api.stripe.com/v1"), form, dict(headers)))
        status, body = self.answers.pop(0)
        return status, {}, json.dumps(body).encode()


@pytest.fixture
def wire(monkeypatch):
    return Wire(monkeypatch)


@pytest.fixture
def gateway():
    return adapter.Stripe(api_key="sk_test_unit")


def asks(kind, amount=1000, *, left=0):
    return GatewayCall(
        subject=uuid4(),
        provider="stripe",
        kind=kind,
        transaction_id=uuid4(),
        intent_id=uuid4(),
        order_id=uuid4(),
        key=f"ol_{uuid4().hex}",
        amount=amount,
        currency="USD",
        method="card",
        token="pm_1",
        authorization=None if kind is Kind.AUTHORIZE else "pi_1",
        left=left,
    )


def error(kind, **more):
    return {"error": {"type": kind, "message": "said Stripe"} | more}


async def test_a_promise_bears_its_key_twice_and_asks_for_several_captures(gateway, wire):
    call = asks(Kind.AUTHORIZE)
    wire.answers = [(200, INTENT)]
    assert await gateway.authorize(call) == Approved("pi_1", 1000)
    ((method, path, form, headers),) = wire.asked
    assert (method, path) == ("POST", "/payment_intents")
    assert headers["Idempotency-Key"] == call.key == form["metadata[orderloom_key]"]
    assert form["capture_method"] == "manual"
    assert form["payment_method_options[card][request_multicapture]"] == "if_available"


@pytest.mark.parametrize(
    ("status", "more", "expected"),
    [
        (
            "requires_action",
            {},
            Refused("authentication_required", "the buyer must authenticate the payment"),
        ),
        (
            "requires_payment_method",
            {"last_payment_error": {"decline_code": "try_again_later", "message": "m"}},
            Refused("try_again_later", "m", retryable=True),
        ),
        ("requires_payment_method", {}, Refused("card_declined", "the card was declined")),
    ],
)
async def test_a_promise_that_was_not_made_is_refused(gateway, wire, status, more, expected):
    wire.answers = [(200, INTENT | {"status": status} | more)]
    assert await gateway.authorize(asks(Kind.AUTHORIZE)) == expected


async def test_a_declined_card_says_why(gateway, wire):
    wire.answers = [(402, error("card_error", code="card_declined", decline_code="insufficient_funds"))]
    assert await gateway.authorize(asks(Kind.AUTHORIZE)) == Refused("insufficient_funds", "said Stripe")


@pytest.mark.parametrize(
    "answer",
    [
        (500, error("api_error")),
        (503, {}),
        (429, error("rate_limit_error")),
        (409, error("idempotency_error")),
        (200, INTENT | {"status": "processing"}),
    ],
)
async def test_what_nobody_knows_is_unavailable(gateway, wire, answer):
    wire.answers = [answer]
    with pytest.raises(Unavailable):
        await gateway.authorize(asks(Kind.AUTHORIZE))


async def test_a_request_stripe_will_not_take_is_refused(gateway, wire):
    wire.answers = [(400, error("invalid_request_error", code="amount_too_small"))]
    assert await gateway.authorize(asks(Kind.AUTHORIZE)) == Refused("amount_too_small", "said Stripe")


@pytest.mark.parametrize(("available", "final"), [("available", "false"), ("unavailable", None)])
async def test_a_part_is_captured_as_not_the_last_where_stripe_allows(gateway, wire, available, final):
    charge = {"object": "charge", "payment_method_details": {"card": {"multicapture": {"status": available}}}}
    wire.answers = [(200, INTENT | {"latest_charge": charge}), (200, INTENT)]
    call = asks(Kind.CAPTURE, 400, left=600)
    assert await gateway.capture(call) == Approved(f"pi_1/{call.key}", 400)
    _, path, form, _ = wire.asked[-1]
    assert path == "/payment_intents/pi_1/capture"
    assert form.get("final_capture") == final
    assert form[f"metadata[{call.key}]"] == "400"


@pytest.mark.parametrize(
    ("status", "code"), [("succeeded", "authorization_expired"), ("requires_capture", "amount_too_large")]
)
async def test_a_capture_of_what_is_gone_is_told_as_expired(gateway, wire, status, code):
    wire.answers = [
        (400, error("invalid_request_error", code="amount_too_large")),
        (200, INTENT | {"status": status}),
    ]
    assert (await gateway.capture(asks(Kind.CAPTURE))).code == code


@pytest.mark.parametrize(
    ("status", "released"), [("canceled", True), ("succeeded", True), ("processing", False)]
)
async def test_what_was_released_before_is_released(gateway, wire, status, released):
    wire.answers = [(400, error("invalid_request_error")), (200, INTENT | {"status": status})]
    assert isinstance(await gateway.void(asks(Kind.VOID)), Approved) is released


async def test_a_refund_that_failed_is_refused(gateway, wire):
    wire.answers = [(200, {"id": "re_1", "object": "refund", "amount": 5, "status": "failed"})]
    assert (await gateway.refund(asks(Kind.REFUND, 5))).retryable


async def test_a_promise_is_found_by_search_before_the_newest(gateway, wire):
    call = asks(Kind.AUTHORIZE)
    mine = INTENT | {"metadata": {"orderloom_key": call.key}}
    found = {"object": "search_result", "data": [mine]}
    wire.answers = [(200, found), (200, {"object": "list", "data": [INTENT]})]
    assert await gateway.find(call) == Approved("pi_1", 1000)


async def test_a_promise_not_yet_searchable_is_found_among_the_newest(gateway, wire):
    call = asks(Kind.AUTHORIZE)
    mine = INTENT | {"metadata": {"orderloom_key": call.key}}
    wire.answers = [
        (200, {"object": "search_result", "data": []}),
        (200, {"object": "list", "data": [INTENT, mine]}),
    ]
    assert await gateway.find(call) == Approved("pi_1", 1000)


async def test_two_captures_of_one_promise_are_told_apart(gateway, wire):
    first, second = asks(Kind.CAPTURE, 400), asks(Kind.CAPTURE, 400)
    wire.answers = [(200, INTENT | {"metadata": {first.key: "400"}})] * 2
    assert await gateway.find(first) == Approved(f"pi_1/{first.key}", 400)
    assert await gateway.find(second) == Absent()


@pytest.mark.parametrize("kind", list(Kind))
async def test_looking_at_a_stripe_that_is_down_finds_nothing_out(gateway, wire, kind):
    wire.answers = [(500, error("api_error"))] * 2
    with pytest.raises(Unavailable):
        await gateway.find(asks(kind))


async def test_without_a_key_stripe_is_not_set_up(monkeypatch):
    monkeypatch.setattr(adapter, "settings", type("Bare", (), {"gateway_secret": None}))
    with pytest.raises(adapter.KeyMissing):
        adapter.configured()


def test_a_gateway_nobody_installed_is_named():
    with pytest.raises(NoSuchAdapter, match="sandbox, stripe"):
        gateways.gateway_named("abacus")


def test_the_sandbox_is_set_up_from_the_settings():
    assert gateways.gateway_named("sandbox") is gateways.gateway_named("sandbox")
