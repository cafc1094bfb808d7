"""A short pick: the rest comes from elsewhere, or is backordered until stock arrives."""

from __future__ import annotations

from datetime import UTC, datetime

from orderloom.journey import recounting, working
from orderloom.packing.model import Short
from orderloom.terms import Rank
from tests.journey.house import House


async def short(house: House, order_id: object, sku: str, units: int) -> None:
    [work] = [w for w in await house.works(order_id) if w.status != "cancelled"]
    async with house.database.transaction() as db:
        said = await working.report_short(db, work=work.id, sku=sku, quantity=units, reason="bin is empty")
        assert isinstance(said, Short)
    await house.settle()


async def test_what_is_missing_comes_from_another_node(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 3, "ATL": 3})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    [first] = await house.node_codes(order_id)
    await short(house, order_id, mug, 1)
    assert await house.node_codes(order_id) == ["ATL", "RNO"]
    assert (await house.level(first, mug)).on_hand == 2
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert sum((await house.money(order_id))["capture"]) == order.total
    await house.sound()


async def test_a_node_that_missed_units_is_not_asked_again_for_them(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 100, "ATL": 1})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    assert await house.node_codes(order_id) == ["RNO"]
    await short(house, order_id, mug, 1)
    assert await house.node_codes(order_id) == ["ATL", "RNO"]
    await house.sound()


async def test_what_nobody_has_is_backordered_and_filled_when_it_arrives(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 3})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    await short(house, order_id, mug, 2)
    assert await house.ranks(order_id) == {Rank.RELEASED: 1, Rank.BACKORDERED: 2}
    assert await house.cases(order_id) == ["out_of_stock"]
    order = await house.order(order_id)
    assert (await house.told(order_id)).count("order.backordered") == 1
    await house.ship(order_id)
    assert (await house.order(order_id)).payment_status == "partially_paid"
    await house.shelve(mug, {"RNO": 2})
    await house.settle()
    assert await house.cases(order_id) == []
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert sum((await house.money(order_id))["capture"]) == order.total
    await house.sound()


async def test_all_of_it_missing_ends_the_work_and_the_order_waits(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 2})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    [work] = await house.works(order_id)
    await short(house, order_id, mug, 2)
    assert (await house.works(order_id))[0].status == "cancelled"
    assert (await house.at(work.id)).state in ("done", "undone")
    assert (await house.order(order_id)).status == "backordered"
    await house.cancel(order_id)
    await house.settle()
    order = await house.order(order_id)
    assert order.lifecycle == "cancelled"
    assert (await house.money(order_id))["void"] == [order.total]
    assert await house.cases(order_id) == []
    await house.sound()


async def test_arriving_stock_goes_to_the_urgent_and_then_to_the_oldest(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {})
    first, second, urgent = await house.place(
        house.draft({mug: 1}, channel="market"),
        house.draft({mug: 1}, channel="market"),
        house.draft({mug: 1}, channel="market", priority=5),
    )
    await house.settle()
    assert {(await house.order(o)).status for o in (first, second, urgent)} == {"backordered"}
    await house.shelve(mug, {"RNO": 2})
    await house.settle()
    statuses = [(await house.order(o)).status for o in (first, second, urgent)]
    assert statuses == ["released", "backordered", "released"]
    async with house.database.transaction() as db:
        level = await house.level("RNO", mug)
        await recounting.adjust(
            db,
            node_id=level.node_id,
            sku=mug,
            changes={"on_hand": 1},
            reason="found behind the shelf",
            now=datetime.now(UTC),
        )
    await house.settle()
    assert (await house.order(second)).status == "released"
    await house.sound()
