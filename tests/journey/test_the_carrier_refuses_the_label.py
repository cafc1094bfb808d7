"""A carrier says no, or loses its answer: a person sees to it, or the label is found; never two labels for a parcel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from orderloom.journey.fulfillment import FULFILLMENT
from orderloom.journey.steering import steer
from tests.journey.house import House

QUIET = {"refusal": 0, "server_error": 0, "lost_response": 0, "garbage": 0}


@pytest.fixture(autouse=True)
async def behaving_after(house: House) -> AsyncIterator[None]:
    """The carrier is everybody's: it behaves again afterwards."""
    yield
    await house.mischief("carrier", **QUIET)


async def test_a_refused_label_is_a_case_and_bought_once_it_can_be(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.mischief("carrier", refusal=1)
    await house.pack(order_id)
    [work] = await house.works(order_id)
    at = await house.at(work.id)
    assert (at.step, at.state) == ("label", "parked")
    assert await house.cases(order_id) == ["fulfillment_stopped_at_label"]
    await house.sound()
    async with house.database.transaction() as db:
        await steer(db, journey=FULFILLMENT, subject=work.id, verb="retry", reason="try again")
    await house.settle()
    assert await house.cases(order_id) == ["fulfillment_stopped_at_label"]
    await house.mischief("carrier", **QUIET)
    async with house.database.transaction() as db:
        await steer(db, journey=FULFILLMENT, subject=work.id, verb="retry", reason="the carrier is back")
    await house.settle()
    assert await house.cases(order_id) == []
    await house.collect()
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()


@pytest.mark.parametrize("fault", ["lost_response", "garbage", "server_error"])
async def test_a_label_whose_answer_was_lost_is_found(house: House, fault: str) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.mischief("carrier", **{fault: 1})
    await house.pack(order_id)
    await house.mischief("carrier", **QUIET)
    await house.settle_in_time()
    [label] = await house.labels(order_id)
    books = await house.ledger("carrier")
    mine = [row for row in books["labels"] if row["tracking_number"] == label.tracking_number]
    assert [row["bought"] for row in mine] == [1]
    await house.sound()


async def test_a_cancelled_order_leaves_no_label_though_its_answer_was_lost(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.mischief("carrier", lost_response=1)
    await house.pack(order_id)
    await house.cancel(order_id)
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        from orderloom.journey.cancelling import answer_request

        assert await answer_request(db, work=work.id, accept=True, reason="taken out")
    await house.mischief("carrier", **QUIET)
    await house.settle_in_time()
    assert (await house.order(order_id)).lifecycle == "cancelled"
    assert await house.labels(order_id, ("requested", "purchased", "used", "unknown")) == []
    [voided] = await house.labels(order_id, ("voided",))
    books = await house.ledger("carrier")
    assert [r["status"] for r in books["labels"] if r["reference"] == voided.reference] == ["voided"]
    await house.sound()
