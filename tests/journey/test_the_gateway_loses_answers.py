"""The gateway times out, loses answers, talks nonsense: the buyer pays once whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from orderloom.orders.model import TenderDraft
from tests.journey.house import House

FAULTS = ("lost", "error", "error_after", "garbage", "throttle", "wrong_amount")


@pytest.fixture(autouse=True)
async def behaving_after(house: House) -> AsyncIterator[None]:
    """The gateway is everybody's: it behaves again afterwards."""
    await house.mischief("gateway", hang_s=0.1)
    yield
    await house.mischief("gateway", hang_s=30, next=[], **dict.fromkeys(FAULTS, 0))


@pytest.mark.parametrize("fault", ["lost", "error", "error_after", "garbage", "throttle"])
async def test_an_authorisation_that_got_lost_is_found_and_not_made_again(house: House, fault: str) -> None:
    await house.mischief("gateway", next=[fault])
    [order_id] = await house.place(house.draft())
    await house.settle_in_time()
    order = await house.order(order_id)
    assert order.payment_status == "authorized"
    assert (await house.money(order_id))["authorize"] == [order.total]
    await house.sound()


@pytest.mark.parametrize("fault", ["lost", "error", "error_after", "garbage", "throttle"])
async def test_a_capture_that_got_lost_is_found_and_not_made_again(house: House, fault: str) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    await house.mischief("gateway", next=[fault])
    await house.collect()
    await house.settle_in_time()
    order = await house.order(order_id)
    assert order.payment_status == "paid"
    assert (await house.money(order_id))["capture"] == [order.total]
    await house.sound()


async def test_a_token_that_times_out_after_success_is_charged_once(house: House) -> None:
    total = house.draft().computed_total
    late = TenderDraft(method="card", token="tok_timeout_after_success", amount=total)
    [order_id] = await house.place(house.draft(tenders=(late,)))
    await house.settle_in_time()
    await house.ship(order_id)
    await house.settle_in_time()
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    money = await house.money(order_id)
    assert (money["authorize"], money["capture"]) == ([total], [total])
    await house.sound()


async def test_a_gateway_that_stays_down_becomes_a_persons_case(house: House) -> None:
    total = house.draft().computed_total
    broken = TenderDraft(method="card", token="tok_5xx", amount=total)
    [order_id] = await house.place(house.draft(tenders=(broken,)))
    await house.settle_in_time()
    assert (await house.at(order_id)).state == "parked"
    assert await house.cases(order_id) == ["order_stopped_at_authorize"]
    await house.sound()


async def test_a_cancelled_order_releases_a_promise_nobody_was_told_of(house: House) -> None:
    await house.mischief("gateway", next=["lost"])
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.cancel(order_id)
    await house.settle_in_time()
    order = await house.order(order_id)
    assert order.lifecycle == "cancelled"
    money = await house.money(order_id)
    assert money["authorize"] == [order.total] == money["void"]
    await house.sound()
