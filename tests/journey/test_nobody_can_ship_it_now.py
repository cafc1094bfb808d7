"""Stock is there and yet nobody may ship it: a day's capacity used up, goods no node carries, a node closed since."""

from __future__ import annotations

from dataclasses import replace

from orderloom import network
from orderloom.journey.order import ORDER
from orderloom.journey.steering import steer
from tests.journey.house import House


async def change(house: House, code: str, **values: object) -> None:
    async with house.database.transaction() as db:
        [node] = (await network.nodes_of(db, codes=[code])).values()
        await network.put_nodes(db, nodes=[replace(node, **values)])


async def test_a_node_takes_no_more_than_its_day_allows(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 9})
    await change(house, "RNO", daily_capacity=2)
    orders = await house.place(*(house.draft({mug: 1}) for _ in range(5)))
    await house.settle()
    statuses = [(await house.order(o)).status for o in orders]
    assert (statuses.count("released"), statuses.count("reserved")) == (2, 3)
    waiting = [o for o, status in zip(orders, statuses, strict=True) if status == "reserved"]
    assert {(await house.at(o)).awaiting for o in waiting} == {"a node to have capacity again"}
    await house.sound()
    await change(house, "RNO", daily_capacity=None)
    for order_id in waiting:
        async with house.database.transaction() as db:
            await steer(db, journey=ORDER, subject=order_id, verb="retry", reason="more hands")
    await house.settle()
    assert {(await house.order(o)).status for o in orders} == {"released"}
    await house.sound()


async def test_what_no_open_node_may_ship_is_a_case_and_not_a_circle(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 9})
    [order_id] = await house.place(house.draft({mug: 1}))
    hold = await house.hold(order_id, "route")
    await house.settle()
    await change(house, "RNO", active=False)
    await house.clear(hold)
    at = await house.at(order_id)
    assert (at.step, at.state) == ("route", "parked")
    assert "RNO: the node is not active" in at.problem
    assert await house.cases(order_id) == ["order_stopped_at_route"]
    await house.sound()
    await change(house, "RNO", active=True)
    async with house.database.transaction() as db:
        await steer(db, journey=ORDER, subject=order_id, verb="retry", reason="open again")
    await house.settle()
    assert (await house.order(order_id)).status == "released"
    assert await house.cases(order_id) == []
    await house.sound()


async def test_part_of_it_goes_while_the_rest_waits_for_hands(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 9})
    await house.shelve(lamp, {"ATL": 9})
    await change(house, "ATL", daily_capacity=0)
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}))
    await house.settle()
    assert await house.node_codes(order_id) == ["RNO"]
    assert (await house.order(order_id)).status == "partially_released"
    await house.ship(order_id)
    await house.deliver(order_id)
    await change(house, "ATL", daily_capacity=None)
    async with house.database.transaction() as db:
        await steer(db, journey=ORDER, subject=order_id, verb="retry", reason="more hands")
    await house.settle()
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    await house.sound()
