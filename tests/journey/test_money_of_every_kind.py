"""Vouchers beside cards, parts that add up, orders that cost nothing, and orders on account."""

from __future__ import annotations

from orderloom.orders.model import LineDraft, TenderDraft
from tests.journey.house import House


async def test_voucher_and_card_pay_two_shipments_to_the_cent(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(lamp, {"ATL": 5})
    lines = (
        LineDraft(sku=mug, quantity=3, unit_price=1333, discount=77, tax=311),
        LineDraft(sku=lamp, quantity=2, unit_price=899, tax=146),
    )
    total = sum(line.total for line in lines) + 499
    tenders = (
        TenderDraft(method="voucher", token="tok_ok", amount=2000),
        TenderDraft(method="card", token="tok_ok", amount=total - 2000),
    )
    [order_id] = await house.bring(house.draft(lines_=lines, tenders=tenders, total=total))
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    money = await house.money(order_id)
    assert sorted(money["authorize"]) == sorted([2000, total - 2000])
    assert sum(money["capture"]) == total
    assert "void" not in money
    async with house.database.transaction() as db:
        charged = await db.fetch(
            "SELECT amount, shipping FROM payments.charges WHERE order_id = $1 ORDER BY amount", order_id
        )
        [due] = await db.fetch(
            "SELECT sum(amount) FILTER (WHERE account = 'shipping') AS shipping, sum(amount) AS whole "
            "FROM payments.entries WHERE order_id = $1",
            order_id,
        )
    assert len(charged) == 2
    assert sum(row["amount"] for row in charged) == total
    assert sum(row["shipping"] for row in charged) == 499 == -due["shipping"]
    assert all(row["shipping"] for row in charged)
    assert due["whole"] == 0
    await house.sound()


async def test_a_free_order_goes_all_the_way_without_a_gateway(house: House) -> None:
    mug = house.item()
    free = LineDraft(sku=mug, quantity=2, unit_price=0)
    [order_id] = await house.bring(house.draft(lines_=(free,), tenders=(), shipping=0, total=0))
    order = await house.order(order_id)
    assert (order.lifecycle, order.status, order.total) == ("closed", "delivered", 0)
    assert await house.money(order_id) == {}
    await house.sound()


async def test_an_order_on_account_stays_open_until_it_is_paid(house: House) -> None:
    [order_id] = await house.bring(house.draft(tenders=()))
    order = await house.order(order_id)
    assert (order.lifecycle, order.status, order.payment_status) == ("open", "delivered", "unpaid")
    at = await house.at(order_id)
    assert (at.step, at.state) == ("close", "waiting")
    async with house.database.transaction() as db:
        owed = await db.fetchval(
            "SELECT sum(amount) FROM payments.entries WHERE order_id = $1 AND account = 'receivable'",
            order_id,
        )
    assert owed == order.total
    assert await house.money(order_id) == {}
    await house.sound()


async def test_goods_on_account_come_back_without_a_refund(house: House) -> None:
    mug = house.item()
    [order_id] = await house.bring(house.draft({mug: 1}, tenders=()))
    asked = await house.ask_back(order_id, {mug: 1}, label=False)
    await house.take_back(asked.return_id)
    assert (await house.returned(asked.return_id))[0].status == "closed"
    assert await house.cases(order_id) == ["nothing_refunded"]
    assert await house.money(order_id) == {}
    await house.sound()


async def test_an_item_sold_before_it_exists_ships_when_it_arrives(house: House) -> None:
    sku = next(i.sku for i in house.world.items if i.backorder != "refuse" and not i.hazmat_class)
    await house.shelve(sku, {})
    [order_id] = await house.place(house.draft({sku: 2}))
    await house.settle()
    order = await house.order(order_id)
    assert order.status == "backordered"
    assert [x for x in await house.letters(order.number) if "confirmed" not in x]
    await house.shelve(sku, {"CMH": 5})
    await house.settle()
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert (await house.level("CMH", sku)).on_hand == 3
    await house.sound()
