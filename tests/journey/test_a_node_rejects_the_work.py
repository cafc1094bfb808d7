"""A node will not do it: the order is routed without it, or waits when nobody else can."""

from __future__ import annotations

from orderloom.journey import working
from orderloom.terms import Rank
from tests.journey.house import House


async def test_rejected_work_goes_to_another_node(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    [work] = await house.works(order_id)
    [first] = await house.node_codes(order_id)
    async with house.database.transaction() as db:
        assert (await working.reject(db, work=work.id, reason="no staff")).done == (work.id,)
    await house.settle()
    [second] = await house.node_codes(order_id)
    assert {first, second} == {"RNO", "ATL"}
    assert (await house.level(first, mug)).allocated == 0
    await house.ship(order_id)
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()


async def test_rejected_by_the_only_node_the_order_waits_for_another(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.reject(db, work=work.id, reason="closed for stocktaking")
    await house.settle()
    assert await house.ranks(order_id) == {Rank.BACKORDERED: 1}
    assert await house.cases(order_id) == ["out_of_stock"]
    await house.shelve(mug, {"RNO": 5, "SEA": 1})
    await house.settle()
    assert await house.node_codes(order_id) == ["SEA"]
    await house.sound()


async def test_packed_work_is_not_rejected_any_more(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        answered = await working.reject(db, work=work.id, reason="changed our mind")
    assert work.id in answered.refused
    await house.sound()


async def test_a_node_that_rejects_what_was_to_be_cancelled_cancels_it(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    assert (await house.cancel(order_id)).requested
    async with house.database.transaction() as db:
        await working.reject(db, work=work.id, reason="no staff")
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("cancelled", "voided")
    assert (await house.money(order_id))["void"] == [order.total]
    await house.sound()
