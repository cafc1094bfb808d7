"""No node has everything: two ship a part each, at their own time, and the buyer pays for each as it leaves."""

from __future__ import annotations

from orderloom.terms import Rank
from tests.journey.house import House


async def test_an_order_that_no_node_has_whole_is_split_over_two(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 10})
    await house.shelve(lamp, {"ATL": 10})
    [order_id] = await house.place(house.draft({mug: 2, lamp: 1}))
    await house.settle()
    assert await house.node_codes(order_id) == ["ATL", "RNO"]
    first, second = await house.works(order_id)
    await house.pack(order_id)
    labels = await house.labels(order_id)
    first_labels = [label for label in labels if label.subject == first.id]
    await house.scan(first_labels, "in_transit")
    await house.settle()
    order = await house.order(order_id)
    assert (order.status, order.payment_status) == ("partially_shipped", "partially_paid")
    await house.scan(first_labels, "delivered")
    await house.scan([label for label in labels if label.subject == second.id], "in_transit", "delivered")
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.status, order.payment_status) == ("closed", "delivered", "paid")
    money = await house.money(order_id)
    assert len(money["capture"]) == 2
    assert sum(money["capture"]) == order.total == money["authorize"][0]
    assert await house.ranks(order_id) == {Rank.DELIVERED: 3}
    await house.sound()


async def test_an_order_that_must_ship_complete_waits_for_all_of_it(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 10})
    await house.shelve(lamp, {})
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}, channel="market", ship_complete=True))
    await house.settle()
    assert not await house.works(order_id)
    assert (await house.at(order_id)).awaiting == "stock to arrive"
    assert await house.cases(order_id) == ["out_of_stock"]
    await house.shelve(lamp, {"ATL": 1})
    await house.settle()
    assert await house.node_codes(order_id) == ["ATL", "RNO"]
    assert await house.cases(order_id) == []
    await house.sound()
