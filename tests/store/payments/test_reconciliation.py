"""Against a gateway that loses three answers in ten, its books and ours agree to the operation."""

import asyncio
import contextlib
import random

import pytest

from orderloom.insight import audit
from orderloom.insight.invariants.payments import INVARIANTS
from orderloom.payments import (
    perform,
    prepare_authorizations,
    prepare_captures,
    prepare_refunds,
    prepare_voids,
    record_authorizations,
    record_captures,
    record_refunds,
    record_voids,
    request_refund,
)
from orderloom.payments.gateways.sandbox import Sandbox
from orderloom.payments.model import Breakdown, Charge, RefundDue
from orderloom.plumbing import http
from orderloom.plumbing.http import Unavailable
from tests.conformance.gateway_process import control, free_port, sandbox_command, started
from tests.store.ordered import an_order
from tests.store.payments.paying import tender

ORDERS = 60
ATTEMPTS = 60
RUDE = dict.fromkeys(("error", "throttle", "lost", "error_after", "garbage", "wrong_amount"), 0.05)


@pytest.fixture
def gateway(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = started(sandbox_command(port, tmp_path), f"{url}/health", tmp_path)
    control(url, seed=7, decline=0.05, **RUDE)
    yield Sandbox(url=url, timeout_s=5), url
    process.kill()
    process.wait()


async def carried(database, gateway, prepare, record, subjects):
    """Prepare, call and record, as the runner does, until every subject has an outcome."""
    outcomes, left = {}, list(subjects)
    for _ in range(ATTEMPTS):
        async with database.transaction() as db:
            calls = await prepare(db, left)

        async def one(call):
            with contextlib.suppress(Unavailable):
                return call, await perform(call, gateway=gateway)

        answers = [a for a in await asyncio.gather(*(one(call) for call in calls)) if a is not None]
        async with database.transaction() as db:
            said = await record(db, left, answers)
        # What could not go on now is asked for again, as a journey would.
        outcomes |= {s: o for s, o in said.items() if not getattr(o, "retryable", False)}
        left = [s for s in left if s not in outcomes]
        if not left:
            return outcomes
    raise AssertionError(f"{len(left)} never settled")


async def test_books_agree_after_a_rude_day(database, gateway):
    sandbox, url = gateway
    dice = random.Random(1)
    async with database.transaction() as db:
        puts = [await an_order(db) for _ in range(ORDERS)]
        for put in puts:
            await tender(db, put.order, 2000, 1000)
    orders = [put.order for put in puts]
    await carried(
        database,
        sandbox,
        lambda db, left: prepare_authorizations(db, order_ids=left),
        lambda db, left, answers: record_authorizations(db, order_ids=left, answers=answers),
        orders,
    )
    charges = {put.fulfillment: charge_of(put, dice.choice([900, 2500, 3000])) for put in puts}
    await carried(
        database,
        sandbox,
        lambda db, left: prepare_captures(db, charges=[charges[s] for s in left]),
        lambda db, left, answers: record_captures(db, charges=[charges[s] for s in left], answers=answers),
        charges,
    )
    due = {}
    async with database.transaction() as db:
        for put in puts:
            asked = await request_refund(
                db, order_id=put.order, amount=700, reason="r", return_id=None, key=put.order.hex
            )
            if hasattr(asked, "refund_id"):
                due[asked.refund_id] = RefundDue(subject=asked.refund_id, refund_id=asked.refund_id)
    await carried(
        database,
        sandbox,
        lambda db, left: prepare_refunds(db, refunds=[due[s] for s in left]),
        lambda db, left, answers: record_refunds(db, refunds=[due[s] for s in left], answers=answers),
        due,
    )
    await carried(
        database,
        sandbox,
        lambda db, left: prepare_voids(db, order_ids=left),
        lambda db, left, answers: record_voids(db, order_ids=left, answers=answers),
        orders,
    )
    assert due
    await agree(database, url)


async def agree(database, url):
    """Every operation that succeeded there succeeded here, once, for the same amount, and the reverse."""
    _, said = await http.call("GET", f"{url}/ledger?limit=1000000")
    theirs = {o["key"]: (o["kind"], o["amount"]) for o in said["operations"] if o["status"] == "succeeded"}
    async with database.transaction() as db:
        rows = await db.fetch(
            "SELECT key, kind, amount FROM payments.transactions WHERE status = 'succeeded'"
        )
        ours = {row["key"]: (row["kind"], row["amount"]) for row in rows}
        assert ours == theirs
        assert await db.fetchval("SELECT count(*) FROM payments.transactions WHERE status = 'unknown'") == 0
        findings = await audit.run(db, invariants=INVARIANTS)
    assert [finding.json() for finding in findings if finding.count] == []


def charge_of(put, amount):
    return Charge(
        subject=put.fulfillment,
        order_id=put.order,
        shipment_id=put.fulfillment,
        amount=amount,
        breakdown=Breakdown(sales=amount),
        currency="USD",
    )
