"""Against a carrier that refuses, fails, loses answers and talks nonsense: its ledger and our labels agree in the end."""

import asyncio

import pytest

from orderloom import shipping
from orderloom.plumbing.http import Unavailable
from orderloom.shipping import performing
from orderloom.shipping.carriers.simulated import Simulated
from orderloom.shipping.model import Labelled, Refused, Voided
from tests.conformance.carrier_process import CarrierProcess
from tests.store.shipping.conftest import asked, put_contracts

ORDERS, ROUNDS_MAX = 30, 60


@pytest.fixture
def process(tmp_path, monkeypatch):
    running = CarrierProcess(tmp_path)
    running.start()
    monkeypatch.setattr(performing, "adapter", lambda _: Simulated(url=running.url, timeout_s=5))
    yield running
    running.kill()


async def ask(calls):
    """As the runner does: many at once, the unknown left out."""

    async def one(call):
        try:
            return call, await shipping.perform(call)
        except Unavailable:
            return None

    return [answer for answer in await asyncio.gather(*(one(call) for call in calls)) if answer is not None]


async def buy_all(database, requests):
    open_ = {request.subject: request for request in requests}
    for _ in range(ROUNDS_MAX):
        if not open_:
            return
        async with database.transaction() as db:
            calls = await shipping.prepare_labels(db, requests=list(open_.values()))
        answers = await ask(calls)
        async with database.transaction() as db:
            outcomes = await shipping.record_labels(db, subjects=list(open_), answers=answers)
        for subject, outcome in outcomes.items():
            assert isinstance(outcome, Labelled | Refused)
            if isinstance(outcome, Labelled):
                del open_[subject]
    raise AssertionError(f"{len(open_)} were never labelled")


async def void_all(database, subjects):
    for _ in range(ROUNDS_MAX):
        async with database.transaction() as db:
            calls = await shipping.prepare_voids(db, subjects=subjects)
        if not calls:
            return
        answers = await ask(calls)
        async with database.transaction() as db:
            outcomes = await shipping.record_voids(db, answers=answers)
        assert all(isinstance(outcome, Voided) for outcome in outcomes.values())
    raise AssertionError("never voided")


async def ours(database):
    async with database.transaction() as db:
        rows = await db.fetch("SELECT reference, status, tracking_number FROM shipping.labels")
    return {row["reference"]: (row["status"], row["tracking_number"]) for row in rows}


async def test_its_ledger_and_ours_agree(database, process):
    async with database.transaction() as db:
        await put_contracts(db)
        requests = [(await asked(db, packages=1 + n % 3))[1] for n in range(ORDERS)]
    process.control(refusal=0.1, server_error=0.1, lost_response=0.3, garbage=0.1, seed=11)
    await buy_all(database, requests)
    process.kill()
    process.start()
    process.control(server_error=0.1, lost_response=0.3, garbage=0.1, seed=12)
    given_up = [request.subject for request in requests[::2]]
    await void_all(database, given_up)

    theirs = {row["reference"]: row for row in process.get("/ledger")["labels"]}
    mine = await ours(database)
    packages = sum(len(request.packages) for request in requests)
    assert all(row["bought"] <= 1 for row in theirs.values())
    bought = {reference for reference, (status, _) in mine.items() if status in ("purchased", "voided")}
    assert {reference for reference, row in theirs.items() if row["bought"]} == bought
    assert len({reference.split("-")[0] for reference in bought}) == len(bought) == packages
    for reference in bought:
        status, number = mine[reference]
        assert (theirs[reference]["status"], theirs[reference]["tracking_number"]) == (status, number)
    assert sum(status == "voided" for status, _ in mine.values()) == sum(
        len(request.packages) for request in requests[::2]
    )
