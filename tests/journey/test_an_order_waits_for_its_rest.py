"""What is there of an order waits for its rest inside the promise where that saves parcels, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom import catalog, network
from orderloom.inventory import supplies
from orderloom.inventory.supply import Arrived, Supply, SupplyLine
from orderloom.journey import deciding
from orderloom.orders import holds
from orderloom.routing import store
from orderloom.terms import Rank, new_id
from tests.journey.house import House

NOW = datetime.now(UTC)
PROMISED, EXPECTED = NOW + timedelta(days=20), NOW + timedelta(days=3)


async def half_there(house: House, *, day_cost: int | None = 10) -> tuple[UUID, Supply, str, str]:
    """An order of two things: one lies at a node, the other comes to it in three days; and what a day of waiting counts."""
    there, coming = house.item(0), house.item(1)
    async with house.database.transaction() as db:
        [web] = (await network.channels_of(db, codes=["web"])).values()
        policy = {"max_shipments": 4, **({} if day_cost is None else {"consolidate_day_cost": day_cost})}
        await network.put_channels(db, channels=[replace(web, split_policy=policy)])
        nodes = (await network.nodes_of(db)).values()
        item = (await catalog.items_of(db, skus=[coming]))[coming]
        await catalog.put_items(db, items=[replace(item, backorder="from_supply")])
    node = min((n for n in nodes if n.type == "fulfillment_center"), key=lambda n: n.code)
    await house.shelve(coming, {})
    await house.shelve(there, {node.code: 5})
    supply = Supply(
        id=new_id(),
        kind="purchase_order",
        reference="PO-1",
        node_id=node.id,
        from_node=None,
        due_at=EXPECTED,
        lines=(SupplyLine(position=1, sku=coming, expected=5),),
    )
    async with house.database.transaction() as db:
        await supplies.expect(db, supply=supply)
    await house.settle()
    [order] = await house.place(house.draft({there: 1, coming: 1}, promise_at=PROMISED))
    await house.settle()
    return order, supply, there, coming


async def waits(house: House, order: UUID) -> list[Any]:
    async with house.database.transaction() as db:
        found = await holds.holds_of(db, orders=[order])
    return [hold for hold in found if hold.type == holds.CONSOLIDATION]


async def decision(house: House, order: UUID) -> dict[str, Any]:
    async with house.database.transaction() as db:
        return (await store.last_decisions(db, orders=[order]))[order]


async def test_it_waits_and_leaves_whole_when_the_rest_arrives(house: House) -> None:
    order, supply, _, coming = await half_there(house)
    [wait] = await waits(house, order)
    assert EXPECTED < wait.due_at < PROMISED
    assert await house.ranks(order) == {Rank.BACKORDERED: 1, Rank.RESERVED: 1}
    held = await decision(house, order)
    told = held["answer"]["consolidation"]
    assert (held["outcome"], told["held"]) == ("held", True)
    assert told["waits_for"] == [{"sku": coming, "quantity": 1}]
    assert told["saving"] > told["waiting"] > 0
    assert datetime.fromisoformat(told["until"]) == wait.due_at
    async with house.database.transaction() as db:
        assert (await deciding.replay(db, decision_id=held["id"])).same

    async with house.database.transaction() as db:
        await supplies.receive(db, supply_id=supply.id, arrived=[Arrived(position=1, received=5)])
    await house.settle()
    [work] = await house.works(order)
    assert (work.status, await house.ranks(order)) == ("open", {Rank.RELEASED: 2})
    [shipment] = (await decision(house, order))["answer"]["plan"]["shipments"]
    assert len(shipment["lines"]) == 2
    assert (await waits(house, order))[0].cleared_at is not None
    await house.ship(order)
    await house.sound()


async def test_somebody_lets_it_go_and_it_waits_no_more(house: House) -> None:
    order, supply, _, _ = await half_there(house)
    [wait] = await waits(house, order)
    await house.clear(wait.id)
    assert await house.ranks(order) == {Rank.BACKORDERED: 1, Rank.RELEASED: 1}
    async with house.database.transaction() as db:
        await supplies.receive(db, supply_id=supply.id, arrived=[Arrived(position=1, received=5)])
    await house.settle()
    assert [work.status for work in await house.works(order)] == ["open", "open"]
    assert len(await waits(house, order)) == 1
    await house.sound()


async def test_it_goes_at_once_where_the_rest_would_come_too_late(house: House) -> None:
    order, supply, _, _ = await half_there(house)
    [wait] = await waits(house, order)
    async with house.database.transaction() as db:
        await supplies.change(
            db, supply_id=supply.id, reason="the boat is late", due_at=NOW + timedelta(days=40)
        )
    await house.settle()
    assert await house.ranks(order) == {Rank.BACKORDERED: 1, Rank.RELEASED: 1}
    [wait] = await waits(house, order)
    assert wait.cleared_at is not None
    await house.sound()


async def test_its_last_moment_lets_it_go(house: House) -> None:
    order, _, _, _ = await half_there(house)
    async with house.database.transaction() as db:
        await db.execute(
            "UPDATE orders.holds SET due_at = clock_timestamp() - interval '1 second' WHERE order_id = $1",
            order,
        )
        await db.execute(
            "UPDATE plumbing.subjects SET due_at = clock_timestamp() WHERE subject_id = $1", order
        )
    await house.settle()
    assert await house.ranks(order) == {Rank.BACKORDERED: 1, Rank.RELEASED: 1}
    await house.sound()


async def test_it_goes_as_it_is_where_waiting_counts_more_or_is_not_asked_for(house: House) -> None:
    dear, _, _, _ = await half_there(house, day_cost=100_000)
    told = (await decision(house, dear))["answer"]["consolidation"]
    assert told["saving"] < told["waiting"]
    assert await house.ranks(dear) == {Rank.BACKORDERED: 1, Rank.RELEASED: 1}
    plain, _, _, _ = await half_there(house, day_cost=None)
    assert "consolidation" not in (await decision(house, plain))["answer"]
    assert await house.ranks(plain) == {Rank.BACKORDERED: 1, Rank.RELEASED: 1}
    await house.sound()
