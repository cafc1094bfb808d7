"""What ships long after it was paid for: the promise has run out, is made anew, and the shipment is paid once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from orderloom.journey.paying import pay_again
from orderloom.orders.model import TenderDraft
from tests.journey.house import House

DAY_S = 86_400


@pytest.fixture(autouse=True)
async def on_time_after(house: House) -> AsyncIterator[None]:
    """The gateway is everybody's: its clock is right again afterwards."""
    yield
    await house.mischief("gateway", clock_ahead_s=0, next=[])


async def test_a_promise_that_ran_out_is_made_anew_and_captured(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(lamp, {})
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}, channel="market"))
    await house.settle()
    await house.ship(order_id)
    await house.deliver(order_id)
    await house.mischief("gateway", clock_ahead_s=8 * DAY_S)
    await house.shelve(lamp, {"ATL": 1})
    await house.settle()
    await house.ship(order_id)
    await house.settle_in_time()
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    money = await house.money(order_id)
    assert sum(money["capture"]) == order.total
    assert money["authorize"] == [order.total, money["capture"][1]]
    letters = await house.letters(order.number)
    assert len([x for x in letters if "confirmed" in x]) == 1
    await house.sound()


async def test_a_promise_that_is_not_made_again_needs_another_means_of_payment(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    await house.mischief("gateway", clock_ahead_s=8 * DAY_S, next=["fine", "decline"])
    await house.collect()
    order = await house.order(order_id)
    assert order.status == "shipped"
    assert await house.cases(order_id) == ["payment_declined"]
    async with house.database.transaction() as db:
        tender = TenderDraft(method="card", token="tok_ok", amount=order.total)
        assert await pay_again(db, order_id=order_id, tender=tender) is None
    await house.settle()
    assert (await house.money(order_id))["capture"] == [order.total]
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert await house.cases(order_id) == []
    await house.sound()
