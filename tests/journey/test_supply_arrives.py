"""What is sold ahead of stock is promised from what comes, filled in its order when it comes, and never beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from orderloom import catalog, network
from orderloom.inventory import supplies
from orderloom.inventory.model import Short
from orderloom.inventory.supply import Arrived, Supply, SupplyLine
from orderloom.journey import limiting, recounting, repromising
from orderloom.journey.placing import place
from orderloom.orders.model import Placed, Refused
from orderloom.terms import Rank, new_id
from tests.journey.house import House

NOW = datetime.now(UTC)


def day(n: int) -> datetime:
    return NOW + timedelta(days=n)


async def sell_ahead(house: House, *, policy: str = "from_supply", sold_from: int | None = None) -> str:
    """An item with no stock anywhere, and how it may be sold ahead."""
    sku = house.item()
    async with house.database.transaction() as db:
        item = (await catalog.items_of(db, skus=[sku]))[sku]
        first = (NOW + timedelta(days=sold_from)).date() if sold_from is not None else None
        await catalog.put_items(db, items=[replace(item, backorder=policy, sold_from=first)])
    await house.shelve(sku, {})
    await house.settle()
    return sku


async def node(house: House, index: int = 0) -> UUID:
    """A node that ships for the web shop, and has been able to ship this item."""
    async with house.database.transaction() as db:
        nodes = (await network.nodes_of(db)).values()
    able = [n.id for n in sorted(nodes, key=lambda n: n.code) if n.type == "fulfillment_center"]
    return able[index]


async def order_in(house: House, sku: str, units: int, *, due: int, reference: str = "PO-1") -> Supply:
    """A purchase order of so many units, due in some days."""
    supply = Supply(
        id=new_id(),
        kind="purchase_order",
        reference=reference,
        node_id=await node(house),
        from_node=None,
        due_at=day(due),
        lines=(SupplyLine(position=1, sku=sku, expected=units),),
    )
    async with house.database.transaction() as db:
        made = await supplies.expect(db, supply=supply)
    assert isinstance(made, Supply)
    return made


def transfer(sender: UUID, receiver: UUID, sku: str, units: int) -> Supply:
    """So many units that leave one node for another."""
    return Supply(
        id=new_id(),
        kind="transfer",
        reference="TR-1",
        node_id=receiver,
        from_node=sender,
        due_at=day(2),
        lines=(SupplyLine(position=1, sku=sku, expected=units),),
    )


async def receive(house: House, supply: Supply, units: int, **more: int) -> Any:
    async with house.database.transaction() as db:
        said = await supplies.receive(
            db, supply_id=supply.id, arrived=[Arrived(position=1, received=units, **more)]
        )
    await house.settle()
    return said


async def statuses(house: House, orders: list[UUID]) -> list[str]:
    return [(await house.order(order)).status for order in orders]


async def test_backorders_are_taken_up_to_what_comes_and_filled_when_it_does(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 3, due=10)
    [placed] = await house.place(house.draft({sku: 2}))
    async with house.database.transaction() as db:
        [refused] = await place(db, drafts=[house.draft({sku: 2})])
    assert isinstance(refused, Refused)
    assert (refused.available, refused.coming) == ({sku: 0}, {sku: (supply.due_at, 1)})
    order = await house.order(placed)
    assert order.promise_at is not None
    assert order.promise_at > supply.due_at
    await house.settle()
    assert await house.cases(placed) == [], "it is covered: nobody has to do anything"
    assert (await house.order(placed)).status == "backordered"

    await receive(house, supply, 3)
    assert (await house.order(placed)).status == "released"
    await house.ship(placed)
    await house.deliver(placed)
    assert (await house.order(placed)).status == "delivered"
    await house.sound()


async def test_any_number_is_taken_without_a_date_where_the_item_says_so(house: House) -> None:
    sku = await sell_ahead(house, policy="always")
    [placed] = await house.place(house.draft({sku: 40}))
    await house.settle()
    assert (await house.order(placed)).promise_at is None
    assert await house.cases(placed) == ["out_of_stock"]

    await order_in(house, sku, 40, due=5)
    await house.settle()
    order = await house.order(placed)
    assert order.promise_at is not None
    assert order.promise_at > day(5)
    await house.sound()


async def test_what_comes_goes_by_priority_then_age_over_the_whole_line(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 6, due=10)
    first, second, third, urgent = await house.place(
        *(house.draft({sku: 1}, placed_at=day(-5 + n)) for n in range(3)),
        house.draft({sku: 1}, priority=9, placed_at=day(-1)),
    )
    await house.settle()
    await receive(house, supply, 2)
    assert await statuses(house, [first, second, third, urgent]) == [
        "released",
        "backordered",
        "backordered",
        "released",
    ]
    await receive(house, supply, 1)
    assert await statuses(house, [second, third]) == ["released", "backordered"]
    await house.sound()


@pytest.mark.parametrize("anybodys", [0, 8])
async def test_a_new_buyer_never_overtakes_those_who_wait(house: House, anybodys: int) -> None:
    """`anybodys`: units that come besides, of which this channel may have none, since two are set aside for it."""
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 2 + anybodys, due=10)
    if anybodys:
        async with house.database.transaction() as db:
            [web] = (await network.channels_of(db, codes=["web"])).values()
            await limiting.allot(db, sku=sku, channel_id=web.id, units=2, takes_shared=False)
    [waiting] = await house.place(house.draft({sku: 2}))
    await house.settle()
    async with house.database.transaction() as db:
        # Received, and no worker has run since: the units are free on the shelf.
        arrived = [Arrived(position=1, received=2 + anybodys)]
        await supplies.receive(db, supply_id=supply.id, arrived=arrived)
        [refused] = await place(db, drafts=[house.draft({sku: 1})])
        [urgent] = await place(db, drafts=[house.draft({sku: 1}, priority=5)])
    assert isinstance(refused, Refused)
    assert refused.available == {sku: 0}
    assert isinstance(urgent, Placed), "but for one with more priority"
    await house.settle()
    assert (await house.order(urgent.order_id)).status == "released"
    assert (await house.ranks(waiting))[Rank.BACKORDERED] == 1
    await house.sound()


async def test_cancelled_units_go_to_the_next_in_line_and_to_nobody_else(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 3, due=10)
    orders = await house.place(*(house.draft({sku: 1}, placed_at=day(-3 + n)) for n in range(3)))
    await house.settle()
    await receive(house, supply, 1)
    assert await statuses(house, orders) == ["released", "backordered", "backordered"]

    # Editing one that waits gives its place to the next, and takes nobody's unit (spree#7328).
    await house.cancel(orders[1])
    await house.settle()
    assert await statuses(house, orders) == ["released", "cancelled", "backordered"]
    await receive(house, supply, 1)
    assert await statuses(house, orders) == ["released", "cancelled", "released"]

    # The unit of one that had it goes to whoever waits.
    [late] = await house.place(house.draft({sku: 1}))
    await house.settle()
    assert (await house.order(late)).status == "backordered"
    await house.cancel(orders[2])
    await house.settle()
    assert (await house.order(late)).status == "released"
    await house.sound()


async def test_supply_slips_and_comes_sooner_and_buyers_are_told(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 5, due=10)
    [placed] = await house.place(house.draft({sku: 2}))
    await house.settle()
    promised = (await house.order(placed)).promise_at

    async with house.database.transaction() as db:
        await supplies.change(db, supply_id=supply.id, due_at=day(20), reason="vessel delayed")
    await house.settle()
    later = (await house.order(placed)).promise_at
    assert later >= promised + timedelta(days=8)
    async with house.database.transaction() as db:
        await supplies.change(db, supply_id=supply.id, due_at=day(3), reason="sent by air")
    await house.settle()
    order = await house.order(placed)
    assert order.promise_at < promised
    told = await house.told(placed)
    assert (told.count("order.delayed"), told.count("order.brought_forward")) == (1, 1)
    letters = await house.letters(order.number)
    assert any("later than promised" in letter for letter in letters)
    assert any("sooner" in letter for letter in letters)
    await house.sound()


async def test_supply_that_never_comes_becomes_a_persons_case(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 5, due=10)
    [placed] = await house.place(house.draft({sku: 2}))
    await house.settle()
    async with house.database.transaction() as db:
        await supplies.cancel(db, supply_id=supply.id, reason="supplier is bankrupt")
    await house.settle()
    assert await house.cases(placed) == ["out_of_stock"]
    assert "order.delayed" in await house.told(placed)
    await order_in(house, sku, 5, due=15, reference="PO-2")
    await house.settle()
    assert (await house.order(placed)).promise_at > day(15)
    assert not (await house.order(placed)).late
    await house.sound()


async def test_supply_that_is_overdue_is_told_once_and_without_a_date(house: House) -> None:
    sku = await sell_ahead(house)
    supply = await order_in(house, sku, 5, due=3)
    [placed] = await house.place(house.draft({sku: 2}))
    await house.settle()

    for now in (day(0), day(30), day(31)):
        async with house.database.transaction() as db:
            await repromising.tell_overdue(db, now)
        await house.settle()
        assert (await house.order(placed)).late == (now > day(0))
    order = await house.order(placed)
    assert (await house.told(placed)).count("order.delayed") == 1
    [letter] = [x for x in await house.letters(order.number) if "later than promised" in x]
    assert "You will have it by" not in letter

    async with house.database.transaction() as db:
        await supplies.change(db, supply_id=supply.id, due_at=day(40), reason="found at the port")
    await house.settle()
    order = await house.order(placed)
    assert (order.late, order.promise_at > day(40)) == (False, True)
    assert (await house.told(placed)).count("order.delayed") == 2
    await house.sound()


async def test_supply_is_promised_where_stock_is_set_aside_for_another_channel(house: House) -> None:
    sku = await sell_ahead(house)
    await house.shelve(sku, {(await node_code(house)): 10})
    async with house.database.transaction() as db:
        [market] = (await network.channels_of(db, codes=["market"])).values()
        await limiting.allot(db, sku=sku, channel_id=market.id, units=8)
    supply = await order_in(house, sku, 5, due=12)
    [placed] = await house.place(house.draft({sku: 4}))
    await house.settle()
    order = await house.order(placed)
    assert order.promise_at is not None
    assert order.promise_at > supply.due_at, "two are there, two are on their way"
    assert await house.cases(placed) == []

    async with house.database.transaction() as db:
        await supplies.change(db, supply_id=supply.id, due_at=day(30), reason="vessel delayed")
    await house.settle()
    assert (await house.order(placed)).promise_at > day(30)
    await house.sound()


async def test_units_that_follow_in_months_are_waited_for_that_long(house: House) -> None:
    sku = await sell_ahead(house)
    await house.shelve(sku, {(await node_code(house)): 1})
    await order_in(house, sku, 5, due=200)
    [placed] = await house.place(house.draft({sku: 3}))
    await house.settle()
    assert (await house.ranks(placed))[Rank.BACKORDERED] == 2
    at = await house.at(placed)
    assert (at.step, at.state, at.awaiting) == ("follow", "due", "stock to arrive")
    assert at.due_at > day(200), "longer than any order is followed without news"
    await house.sound()


async def test_a_pre_order_waits_for_its_day_with_the_stock_it_has(house: House) -> None:
    sku = await sell_ahead(house, sold_from=9)
    await house.shelve(sku, {(await node_code(house)): 3})
    await house.settle()
    [placed] = await house.place(house.draft({sku: 2}))
    await house.settle()
    order = await house.order(placed)
    assert order.status == "reserved"
    assert order.promise_at > day(9)
    at = await house.at(placed)
    assert (at.step, at.awaiting) == ("reserve", "the day it is sold from")
    assert at.due_at.date() >= day(8).date()

    async with house.database.transaction() as db:
        item = (await catalog.items_of(db, skus=[sku]))[sku]
        await catalog.put_items(db, items=[replace(item, sold_from=day(-1).date())])
        await db.execute("UPDATE plumbing.subjects SET due_at = now() WHERE subject_id = $1", placed)
    await house.settle()
    assert (await house.order(placed)).status == "released"
    await house.sound()


async def node_code(house: House) -> str:
    async with house.database.transaction() as db:
        return (await network.nodes_of(db, ids={await node(house)}))[await node(house)].code


async def test_a_transfer_serves_those_who_wait_once_it_arrives_and_what_is_lost_does_not(
    house: House,
) -> None:
    sku = await sell_ahead(house)
    sender, receiver = await node(house, 1), await node(house, 0)
    supply = await order_in(house, sku, 3, due=30)
    waiting = await house.place(*(house.draft({sku: 1}, placed_at=day(-4 + n)) for n in range(3)))
    await house.settle()
    async with house.database.transaction() as db:
        await supplies.cancel(db, supply_id=supply.id, reason="not needed")
        none = await supplies.ship(db, supply=transfer(sender, receiver, sku, 1), reason="rebalance")
    assert isinstance(none, Short), "nothing is there to be sent"
    async with house.database.transaction() as db:
        await recounting.set_on_hand(
            db, node_id=sender, sku=sku, quantity=3, reason="found", now=datetime.now(UTC)
        )
        made = await supplies.ship(db, supply=transfer(sender, receiver, sku, 3), reason="rebalance")
    assert isinstance(made, Supply)
    await house.settle()
    assert {(await house.order(order)).status for order in waiting} == {"backordered"}
    said = await receive(house, made, 2, lost=1)
    assert said.state == "closed"
    assert await statuses(house, waiting) == ["released", "released", "backordered"]
    await house.settle()
    assert await house.cases(waiting[2]) == ["out_of_stock"]
    await house.sound()
