"""A declined payment: a case opens, the buyer is told, another means of payment settles it."""

from __future__ import annotations

from uuid import uuid4

from orderloom.journey.paying import CannotPay, pay_again
from orderloom.orders.model import TenderDraft
from orderloom.terms import wire
from tests.api.client import open_client
from tests.journey.house import House


def card(amount: int, *said: str) -> TenderDraft:
    return TenderDraft(method="card", token="tok_" + "_".join(said or ("ok",)), amount=amount)


async def test_another_means_of_payment_settles_what_was_declined(house: House) -> None:
    draft = house.draft()
    total = draft.computed_total
    [order_id] = await house.place(house.draft(tenders=(card(total, "decline"),)))
    await house.settle()
    order = await house.order(order_id)
    assert order.payment_status == "unpaid"
    assert await house.cases(order_id) == ["payment_declined"]
    assert not await house.works(order_id)
    assert await house.letters(order.number)
    async with house.database.transaction() as db:
        assert await pay_again(db, order_id=order_id, tender=card(total)) is None
    await house.settle()
    order = await house.order(order_id)
    assert (order.payment_status, order.status) == ("authorized", "released")
    assert await house.cases(order_id) == []
    assert f"Order {order.number} is confirmed" in await house.letters(order.number)
    await house.ship(order_id)
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    assert (await house.money(order_id))["capture"] == [total]
    await house.sound()


async def test_one_of_two_tenders_declined_is_replaced_alone(house: House) -> None:
    total = house.draft().computed_total
    tenders = (
        TenderDraft(method="voucher", token="tok_ok", amount=500),
        card(total - 500, "decline"),
    )
    [order_id] = await house.place(house.draft(tenders=tenders))
    await house.settle()
    assert (await house.order(order_id)).payment_status == "pending"
    async with house.database.transaction() as db:
        wrong = await pay_again(db, order_id=order_id, tender=card(total))
        assert isinstance(wrong, CannotPay)
        assert wrong.code == "wrong_amount"
        assert await pay_again(db, order_id=order_id, tender=card(total - 500)) is None
    await house.settle()
    assert (await house.order(order_id)).payment_status == "authorized"
    assert (await house.money(order_id))["authorize"] == [500, total - 500]
    await house.sound()


async def test_a_second_decline_opens_no_second_case(house: House) -> None:
    total = house.draft().computed_total
    [order_id] = await house.place(house.draft(tenders=(card(total, "decline"),)))
    await house.settle()
    async with house.database.transaction() as db:
        await pay_again(db, order_id=order_id, tender=card(total, "decline"))
    await house.settle()
    assert await house.cases(order_id) == ["payment_declined"]
    assert (await house.told(order_id)).count("order.payment_declined") == 2
    await house.sound()


async def test_nothing_was_declined_so_nothing_is_paid_again(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    async with house.database.transaction() as db:
        refused = await pay_again(db, order_id=order_id, tender=card(1499))
        assert isinstance(refused, CannotPay)
        assert refused.code == "nothing_declined"
        assert (await pay_again(db, order_id=uuid4(), tender=card(1))) == CannotPay(
            "no_order", "there is no such order"
        )
    await house.sound()


async def test_a_payment_declined_once_by_chance_is_tried_again(house: House) -> None:
    total = house.draft().computed_total
    [order_id] = await house.place(house.draft(tenders=(card(total, "decline", "once"),)))
    await house.settle_in_time()
    order = await house.order(order_id)
    assert order.payment_status == "authorized"
    assert (await house.money(order_id))["authorize"] == [total]
    assert await house.cases(order_id) == []
    await house.sound()


async def test_a_declined_order_is_given_up(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    total = house.draft().computed_total
    [order_id] = await house.place(house.draft(tenders=(card(total, "decline"),)))
    await house.settle()
    await house.cancel(order_id)
    await house.settle()
    order = await house.order(order_id)
    assert order.lifecycle == "cancelled"
    assert await house.cases(order_id) == []
    assert (await house.level("RNO", mug)).reserved == 0
    await house.sound()


async def test_over_the_api_another_tender_is_taken_once_and_of_the_right_amount(house: House) -> None:
    total = house.draft().computed_total
    [order_id] = await house.place(house.draft(tenders=(card(total, "decline"),)))
    await house.settle()
    async with open_client(house.database) as api:
        path = f"/v1/orders/{wire('order', order_id)}/payments"

        def tender(amount: int) -> dict:
            money = {"amount": amount, "currency": "USD"}
            return {"tender": {"method": "card", "token": "tok_ok", "amount": money}}

        less = await api.post(path, tender(total - 1))
        assert (less.status_code, less.json()["code"]) == (409, "wrong_amount")
        taken = await api.post(path, tender(total), key="once")
        assert taken.status_code == 200, taken.text
        again = await api.post(path, tender(total), key="once")
        assert again.headers["Idempotent-Replayed"] == "true"
        late = await api.post(path, tender(total))
        assert (late.status_code, late.json()["code"]) == (409, "nothing_declined")
    await house.settle()
    assert (await house.order(order_id)).payment_status == "authorized"
    assert (await house.money(order_id))["authorize"] == [total]
    await house.sound()
