"""Every payment gateway keeps the same promises: the sandbox in its own process, Stripe's library on localstripe.

localstripe ignores idempotency keys, lets a refund exceed the charge and takes one capture a promise; what it cannot
show is shown by the sandbox alone.
"""

import asyncio
import importlib.util
import sys
from dataclasses import replace
from uuid import uuid4

import pytest

from orderloom.payments import perform
from orderloom.payments.gateways.sandbox import Sandbox
from orderloom.payments.model import Absent, Approved, GatewayCall, Kind, Refused
from orderloom.plumbing import http
from orderloom.plumbing.http import Unavailable
from tests.conformance.gateway_process import control, free_port, sandbox_command, started

STRIPE_KEY = "sk_test_orderloom"


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory):
    port, place = free_port(), tmp_path_factory.mktemp("gateway")
    command = sandbox_command(port, place)
    url = f"http://127.0.0.1:{port}"
    process = started(command, f"{url}/health", place)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory):
    if importlib.util.find_spec("localstripe") is None or importlib.util.find_spec("stripe") is None:
        pytest.skip("Stripe's gateway is not tested: localstripe or the extra `stripe` is not installed")
    port, place = free_port(), tmp_path_factory.mktemp("localstripe")
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    url = f"http://127.0.0.1:{port}"
    process = started(command, f"{url}/v1/customers", place)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(params=["sandbox", "stripe"])
def gateway(request):
    url = request.getfixturevalue(f"{request.param}_url")
    if request.param == "sandbox":
        return Sandbox(url=url, timeout_s=30)
    from orderloom.payments.gateways.stripe import Stripe

    return Stripe(api_key=STRIPE_KEY, url=url)


@pytest.fixture
def sandbox(sandbox_url):
    control(sandbox_url, seed=0, next=[], hang_s=5, clock_ahead_s=0)
    return Sandbox(url=sandbox_url, timeout_s=30)


@pytest.fixture
def hasty(sandbox, sandbox_url):
    """Somebody who waits for an answer that is to be lost, and not for long: no good answer may be asked of it."""
    return Sandbox(url=sandbox_url, timeout_s=0.5)


TOKENS = {"Sandbox": ("tok_ok", "tok_decline"), "Stripe": ("pm_card_visa", "pm_card_chargeCustomerFail")}


def good(gateway):
    return TOKENS[type(gateway).__name__][0]


def bad(gateway):
    return TOKENS[type(gateway).__name__][1]


def asks(kind, amount, *, token="", authorization=None, **more):
    return GatewayCall(
        subject=uuid4(),
        provider="any",
        kind=kind,
        transaction_id=uuid4(),
        intent_id=uuid4(),
        order_id=uuid4(),
        key=f"ol_{uuid4().hex}",
        amount=amount,
        currency="USD",
        method="card",
        token=token,
        authorization=authorization,
        **more,
    )


async def ledger(url, *, keys):
    _, said = await http.call("GET", f"{url}/ledger?limit=100000")
    return [one for one in said["operations"] if one["key"] in keys]


async def promised(gateway, amount=1000):
    answer = await perform(asks(Kind.AUTHORIZE, amount, token=good(gateway)), gateway=gateway)
    assert isinstance(answer, Approved)
    assert answer.amount == amount
    return answer.reference


async def test_a_promise_is_made_taken_in_part_and_paid_back(gateway):
    promise = await promised(gateway)
    taken = await perform(asks(Kind.CAPTURE, 600, authorization=promise, left=400), gateway=gateway)
    assert taken.amount == 600
    back = await perform(asks(Kind.REFUND, 250, authorization=promise), gateway=gateway)
    assert (back.amount, back.reference != taken.reference) == (250, True)


async def test_a_promise_is_released(gateway):
    promise = await promised(gateway)
    call = asks(Kind.VOID, 1000, authorization=promise)
    assert isinstance(await perform(call, gateway=gateway), Approved)
    assert isinstance(await gateway.find(call), Approved)
    if isinstance(gateway, Sandbox):  # localstripe captures what was cancelled
        late = await perform(asks(Kind.CAPTURE, 1000, authorization=promise), gateway=gateway)
        assert isinstance(late, Refused)


async def test_a_bad_card_is_declined_as_a_value(gateway):
    call = asks(Kind.AUTHORIZE, 1000, token=bad(gateway))
    answer = await perform(call, gateway=gateway)
    assert isinstance(answer, Refused)
    assert answer.code == "card_declined"
    assert not answer.retryable
    assert isinstance(await gateway.find(call), Refused)


async def test_what_was_taken_whole_is_not_taken_again(gateway):
    promise = await promised(gateway)
    await perform(asks(Kind.CAPTURE, 1000, authorization=promise), gateway=gateway)
    again = await perform(asks(Kind.CAPTURE, 1000, authorization=promise), gateway=gateway)
    assert isinstance(again, Refused)


@pytest.mark.parametrize("kind", list(Kind))
async def test_an_operation_is_found_by_its_key_and_not_made_twice(gateway, kind):
    call = asks(Kind.AUTHORIZE, 1000, token=good(gateway))
    assert await gateway.find(call) == Absent()
    first = await perform(call, gateway=gateway)
    if kind is not Kind.AUTHORIZE:
        if kind is Kind.REFUND:
            await perform(asks(Kind.CAPTURE, 1000, authorization=first.reference), gateway=gateway)
        call = asks(kind, 1000, authorization=first.reference)
        assert await gateway.find(call) == Absent()
        first = await perform(call, gateway=gateway)
    assert isinstance(first, Approved)
    assert await gateway.find(call) == first
    assert await perform(replace(call, unsure=True), gateway=gateway) == first


async def test_a_promise_nobody_heard_of_is_looked_for_before_it_is_released(gateway):
    lost = asks(Kind.AUTHORIZE, 1000, token=good(gateway))
    void = asks(Kind.VOID, 1000, authorization_key=lost.key)
    assert await perform(void, gateway=gateway) == Absent()
    made = await perform(lost, gateway=gateway)
    released = await perform(replace(void, key=f"ol_{uuid4().hex}"), gateway=gateway)
    assert isinstance(released, Approved)
    assert released.authorization == made.reference


async def test_nothing_listening_is_unavailable_and_no_refusal():
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable):
        await perform(asks(Kind.AUTHORIZE, 1, token="t"), gateway=Sandbox(url=nobody))
    if importlib.util.find_spec("stripe"):
        from orderloom.payments.gateways.stripe import Stripe

        with pytest.raises(Unavailable):
            await perform(asks(Kind.AUTHORIZE, 1, token="t"), gateway=Stripe(api_key=STRIPE_KEY, url=nobody))


# --- what only a strict gateway shows -------------------------------------------------------------------------


async def test_the_same_key_twice_is_one_effect(sandbox, sandbox_url):
    call = asks(Kind.AUTHORIZE, 1000, token="tok_ok")
    answers = await asyncio.gather(*(perform(call, gateway=sandbox) for _ in range(5)))
    assert len(set(answers)) == 1
    assert len(await ledger(sandbox_url, keys={call.key})) == 1


async def test_the_same_key_with_another_request_is_nobodys_success(sandbox):
    call = asks(Kind.AUTHORIZE, 1000, token="tok_ok")
    await perform(call, gateway=sandbox)
    with pytest.raises(Unavailable):
        await perform(replace(call, amount=2000), gateway=sandbox)


@pytest.mark.parametrize("fault", ["lost", "late", "error_after", "garbage", "wrong_amount"])
async def test_a_lost_answer_is_unknown_and_then_found(sandbox, hasty, sandbox_url, fault):
    call = asks(Kind.AUTHORIZE, 1000, token="tok_ok")
    control(sandbox_url, next=[fault])
    with pytest.raises(Unavailable):
        await perform(call, gateway=hasty if fault == "late" else sandbox)
    answer = await perform(replace(call, unsure=True), gateway=sandbox)
    assert answer.amount == 1000
    assert len(await ledger(sandbox_url, keys={call.key})) == 1


@pytest.mark.parametrize("fault", ["hang", "error", "throttle"])
async def test_what_never_arrived_is_made_under_the_same_key(sandbox, hasty, sandbox_url, fault):
    call = asks(Kind.AUTHORIZE, 1000, token="tok_ok")
    control(sandbox_url, next=[fault])
    with pytest.raises(Unavailable):
        await perform(call, gateway=hasty if fault == "hang" else sandbox)
    assert await ledger(sandbox_url, keys={call.key}) == []
    assert isinstance(await perform(replace(call, unsure=True), gateway=sandbox), Approved)
    assert len(await ledger(sandbox_url, keys={call.key})) == 1


@pytest.mark.parametrize(
    ("token", "outcome"),
    [("tok_5xx", Unavailable), ("tok_timeout_after_success", Unavailable), ("tok_decline_once", Refused)],
)
async def test_tokens_misbehave_by_themselves(sandbox, hasty, token, outcome):
    call = asks(Kind.AUTHORIZE, 1000, token=token)
    if outcome is Unavailable:
        with pytest.raises(Unavailable):
            await perform(call, gateway=hasty)
    else:
        assert (await perform(call, gateway=sandbox)).retryable
        assert isinstance(await perform(replace(call, key=f"ol_{uuid4().hex}"), gateway=sandbox), Approved)


async def test_nothing_is_taken_beyond_the_promise_or_paid_back_beyond_the_taking(sandbox):
    promise = await promised(sandbox)
    too_much = await perform(asks(Kind.CAPTURE, 1001, authorization=promise), gateway=sandbox)
    assert too_much.code == "exceeds_authorized"
    for part in (400, 600):
        assert isinstance(
            await perform(asks(Kind.CAPTURE, part, authorization=promise), gateway=sandbox), Approved
        )
    assert (await perform(asks(Kind.REFUND, 1001, authorization=promise), gateway=sandbox)).code == (
        "exceeds_captured"
    )


async def test_a_promise_runs_out_after_seven_days(sandbox, sandbox_url):
    promise = await promised(sandbox)
    control(sandbox_url, clock_ahead_s=7 * 86400 + 1)
    answer = await perform(asks(Kind.CAPTURE, 1000, authorization=promise), gateway=sandbox)
    control(sandbox_url, clock_ahead_s=0)
    assert answer.code == "authorization_expired"


async def test_a_killed_sandbox_forgets_nothing_it_said(tmp_path):
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "orderloom.simulate.gateway",
        "--port",
        str(port),
        "--data",
        str(tmp_path),
    ]
    url = f"http://127.0.0.1:{port}"
    gateway = Sandbox(url=url)
    process = started(command, f"{url}/health", tmp_path)
    promise = await promised(gateway)
    process.kill()
    process.wait()
    with (tmp_path / "gateway.jsonl").open("a") as journal:
        journal.write('{"sequence": 2, "cut sh')
    process = started(command, f"{url}/health", tmp_path)
    taken = await perform(asks(Kind.CAPTURE, 1000, authorization=promise), gateway=gateway)
    assert isinstance(taken, Approved)
    _, said = await http.call("GET", f"{url}/ledger")
    assert said["totals"] == {"authorize": 1000, "capture": 1000, "void": 0, "refund": 0}
    process.kill()
    process.wait()


async def test_a_wrong_control_changes_nothing(sandbox_url):
    status, said = await http.call(
        "POST", f"{sandbox_url}/control", json={"lost": 2, "unheard_of": 1, "next": ["flood"]}
    )
    assert (status, len(said["wrong"])) == (400, 3)
    _, now = await http.call("GET", f"{sandbox_url}/control")
    assert now["lost"] == 0
