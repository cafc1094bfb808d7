"""Cancelling, whole or in part, at every stage of the way: stock is free again, and only what ships is charged."""

from __future__ import annotations

from orderloom.journey import cancelling, working
from orderloom.journey.cancelling import Cancelled, CannotCancel
from orderloom.terms import Quantities, Rank
from tests.journey.house import House


async def answer(house: House, work: object, *, accept: bool) -> bool:
    async with house.database.transaction() as db:
        said = await cancelling.answer_request(db, work=work, accept=accept, reason="the node says")
    await house.settle()
    return said


async def test_before_anything_has_happened(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    said = await house.cancel(order_id)
    assert isinstance(said, Cancelled)
    assert said.cancelled == Quantities({mug: 2})
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.status) == ("cancelled", "cancelled")
    level = await house.level("RNO", mug)
    assert (level.on_hand, level.reserved, level.allocated) == (5, 0, 0)
    assert await house.money(order_id) == {}
    assert isinstance(await house.cancel(order_id), Cancelled)
    await house.settle()
    await house.sound()


async def test_after_it_was_allocated_and_paid_for(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    hold = await house.hold(order_id, "release")
    await house.settle()
    assert await house.ranks(order_id) == {Rank.ALLOCATED: 2}
    await house.cancel(order_id)
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("cancelled", "voided")
    assert (await house.money(order_id))["void"] == [order.total]
    assert (await house.level("RNO", mug)).allocated == 0
    await house.clear(hold)
    assert (await house.order(order_id)).lifecycle == "cancelled"
    await house.sound()


async def test_after_release_while_no_node_has_answered(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    [work] = await house.works(order_id)
    said = await house.cancel(order_id)
    assert not said.requested
    await house.settle()
    assert (await house.order(order_id)).lifecycle == "cancelled"
    [work] = await house.works(order_id)
    assert (work.status, work.request_status) == ("cancelled", "cancellation_accepted")
    assert (await house.at(work.id)).state == "undone"
    assert "order.cancelled" in await house.told(order_id)
    number = (await house.order(order_id)).number
    assert f"Order {number}: cancelled" in await house.letters(number)
    await house.sound()


async def test_after_acceptance_the_node_lets_go(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    [label] = await house.labels(order_id)
    said = await house.cancel(order_id)
    assert (bool(said.cancelled), bool(said.requested)) == (False, True)
    again = await house.cancel(order_id)
    assert again.requested == said.requested
    [work] = await house.works(order_id)
    assert await answer(house, work.id, accept=True)
    assert not await answer(house, work.id, accept=True)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("cancelled", "voided")
    assert [one.id for one in await house.labels(order_id, ("voided",))] == [label.id]
    assert await house.money(order_id) == {"authorize": [order.total], "void": [order.total]}
    await house.sound()


async def test_after_acceptance_the_node_refuses_and_ships(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    await house.cancel(order_id)
    assert await answer(house, work.id, accept=False)
    # Asked once more it is a request again: the node has the work, nobody cancels over its head.
    assert (await house.cancel(order_id)).requested
    await house.ship(order_id)
    order = await house.order(order_id)
    assert (order.status, order.payment_status) == ("shipped", "paid")
    assert not await answer(house, work.id, accept=True)
    said = await house.cancel(order_id)
    assert isinstance(said, CannotCancel)
    assert said.code == "shipped"
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()


async def test_a_carrier_that_has_the_parcel_wins_over_a_node_that_lets_go(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    await house.pack(order_id)
    await house.cancel(order_id)
    await house.scan(await house.labels(order_id), "in_transit")
    [work] = await house.works(order_id)
    assert await answer(house, work.id, accept=True)
    [work] = await house.works(order_id)
    assert work.request_status == "cancellation_rejected"
    order = await house.order(order_id)
    assert (order.status, order.payment_status) == ("shipped", "paid")
    await house.sound()


async def test_a_line_and_a_quantity_and_the_money_is_what_shipped(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 9})
    await house.shelve(lamp, {"RNO": 9})
    [order_id] = await house.place(house.draft({mug: 3, lamp: 2}))
    await house.settle()
    lines = await house.lines(order_id)
    said = await house.cancel(order_id, {lines[mug].id: 1, lines[lamp].id: 2})
    assert said.cancelled == Quantities({mug: 1, lamp: 2})
    await house.settle()
    assert (await house.order(order_id)).status == "released"
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    money = await house.money(order_id)
    # Two of five units of ten dollars, and their share of the shipping.
    assert money["capture"] == [2000 + 199]
    assert money["void"] == [order.total - 2199]
    assert await house.ranks(order_id) == {Rank.DELIVERED: 2, Rank.CANCELLED: 3}
    await house.sound()


async def test_a_quantity_of_what_a_node_has_accepted(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 9})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    line = (await house.lines(order_id))[mug].id
    assert (await house.cancel(order_id, {line: 1})).requested == Quantities({mug: 1})
    assert isinstance(await house.cancel(order_id, {line: 3}), CannotCancel)
    assert await answer(house, work.id, accept=True)
    assert await house.ranks(order_id) == {Rank.ACKNOWLEDGED: 2, Rank.CANCELLED: 1}
    assert (await house.works(order_id))[0].request_status == "accepted"
    await house.ship(order_id)
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    assert len((await house.money(order_id))["capture"]) == 1
    await house.sound()


async def test_a_quantity_of_what_is_packed_is_packed_anew(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 9})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    await house.pack(order_id)
    [label] = await house.labels(order_id)
    [work] = await house.works(order_id)
    line = (await house.lines(order_id))[mug].id
    await house.cancel(order_id, {line: 2})
    assert await answer(house, work.id, accept=True)
    assert [one.id for one in await house.labels(order_id, ("voided",))] == [label.id]
    assert await house.ranks(order_id) == {Rank.RELEASED: 1, Rank.CANCELLED: 2}
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    await house.sound()


async def test_backordered_units_cancelled_let_the_rest_go_on(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 9})
    await house.shelve(lamp, {})
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}, channel="market", ship_complete=True))
    await house.settle()
    assert not await house.works(order_id)
    await house.cancel(order_id, {(await house.lines(order_id))[lamp].id: 1})
    await house.settle()
    assert await house.cases(order_id) == []
    await house.ship(order_id)
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()


async def test_what_cannot_be_cancelled_says_so(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await house.settle()
    line = next(iter((await house.lines(order_id)).values()))
    unknown = await house.cancel(order_id, {order_id: 1})
    assert isinstance(unknown, CannotCancel)
    assert unknown.code == "unknown_line"
    many = await house.cancel(order_id, {line.id: 7})
    assert isinstance(many, CannotCancel)
    assert many.code == "not_so_many"
    assert await house.cancel(line.id) is None
    assert (await house.order(order_id)).status == "released"
    await house.sound()
