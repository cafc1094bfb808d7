"""Tracked items: first expired goes first, what has expired is put aside, and a lot can be followed to its buyers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from orderloom import catalog, network
from orderloom.insight import lot_pages
from orderloom.insight.scope import EVERYTHING
from orderloom.inventory import lots
from orderloom.inventory.model import LotUnits
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.journey import lotting, recounting, snapshotting, working
from orderloom.packing.model import Refused, Short
from orderloom.plumbing import clock
from orderloom.terms import Rank
from tests.journey.house import House

NOBODY = UUID(int=0)


def day(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


async def stock(house: House, sku: str, code: str, named: Sequence[LotUnits], *, by: str = "lot") -> UUID:
    """The item is tracked from now on, and these lots are all there is of it."""
    await house.shelve(sku, {})
    async with house.database.transaction() as db:
        item = (await catalog.items_of(db, skus=[sku]))[sku]
        await catalog.put_items(db, items=[replace(item, tracked_by=by)])
        await lots.begin(db, skus=[sku])
        [node] = await network.nodes_of(db, codes=[code])
    await recount(house, node, sku, named)
    return node


async def recount(house: House, node: UUID, sku: str, named: Sequence[LotUnits]) -> None:
    async with house.database.transaction() as db:
        await recounting.set_on_hand(
            db,
            node_id=node,
            sku=sku,
            quantity=sum(x.quantity for x in named),
            reason="count",
            now=datetime.now(UTC),
            lots=named,
        )


async def there(house: House, sku: str) -> dict[str, tuple[int, int]]:
    """(On hand, allocated) by lot."""
    async with house.database.transaction() as db:
        rows = await db.fetch("SELECT lot, on_hand, allocated FROM inventory.lots WHERE sku = $1", sku)
    return {row["lot"]: (row["on_hand"], row["allocated"]) for row in rows if row["on_hand"]}


async def went(house: House, sku: str, lot: str) -> list[Any]:
    async with house.database.transaction() as db:
        return await lot_pages.trace(db, scope=EVERYTHING, sku=sku, lot=lot, after=NOBODY, limit=10)


async def test_the_first_to_expire_ships_first_and_is_followed_to_its_buyer(house: House) -> None:
    mug = house.item()
    await stock(house, mug, "RNO", [LotUnits("LATE", 5, day(90)), LotUnits("SOON", 2, day(9))])
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    assert await there(house, mug) == {"LATE": (5, 1), "SOON": (2, 2)}
    await house.sound()
    await house.ship(order_id)
    assert await there(house, mug) == {"LATE": (4, 0)}
    [trace] = await went(house, mug, "SOON")
    assert (trace["order"], trace["quantity"], trace["shipped"]) == (order_id, 2, True)
    await house.deliver(order_id)
    await house.sound()
    said = await house.ask_back(order_id, {mug: 2})
    await house.take_back(said.return_id)
    assert await there(house, mug) == {"LATE": (5, 0), "SOON": (1, 0)}
    await house.sound()


async def test_units_called_off_give_their_lots_back(house: House) -> None:
    mug = house.item()
    await stock(house, mug, "RNO", [LotUnits("A", 2, day(9)), LotUnits("B", 5, day(30))])
    [order_id] = await house.place(house.draft({mug: 4}))
    await house.settle()
    lines = await house.lines(order_id)
    await house.cancel(order_id, {lines[mug].id: 1})
    await house.settle()
    assert await there(house, mug) == {"A": (2, 2), "B": (5, 1)}
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        assert isinstance(
            await working.report_short(db, work=work.id, sku=mug, quantity=1, reason="bin is empty"), Short
        )
    assert await there(house, mug) == {"A": (2, 2), "B": (4, 0)}
    await house.cancel(order_id)
    await house.settle()
    assert {lot: bound for lot, (_, bound) in (await there(house, mug)).items()} == {"A": 0, "B": 0}
    await house.sound()


@pytest.mark.parametrize("turns", [(0, 1), (1, 0)])
async def test_what_has_expired_is_put_aside_and_its_buyer_gets_another_lot(
    house: House, turns: tuple[int, int]
) -> None:
    """Whatever the order in which the work was made, and whoever's units were planned to come from which lot."""
    mug = house.item()
    await stock(house, mug, "RNO", [LotUnits("OLD", 3, day(2)), LotUnits("NEW", 2, day(60))])
    now = datetime.now(UTC)
    drafts = [house.draft({mug: 1}, placed_at=now - timedelta(hours=1)), house.draft({mug: 3}, placed_at=now)]
    placed = {}
    for which in turns:
        [placed[which]] = await house.place(drafts[which])
        await house.settle()
    first, second = placed[0], placed[1]
    assert await there(house, mug) == {"OLD": (3, 3), "NEW": (2, 1)}
    async with house.database.transaction() as db:
        await lotting.put_expired_aside(db, datetime.now(UTC) + timedelta(days=4))
    level = await house.level("RNO", mug)
    assert (level.on_hand, level.quality_control, level.allocated) == (5, 3, 2)
    assert await there(house, mug) == {"OLD": (3, 0), "NEW": (2, 2)}
    units = {rank: n for order in (first, second) for rank, n in (await house.ranks(order)).items()}
    assert units[Rank.SHORT] == 2
    assert [(await house.ranks(order)).get(Rank.RELEASED) for order in (first, second)] == [1, 1]
    await house.sound()
    async with house.database.transaction() as db:
        await lotting.put_expired_aside(db, datetime.now(UTC) + timedelta(days=4))
    assert (await house.level("RNO", mug)).quality_control == 3
    await house.settle()
    await house.ship(first)
    await house.sound()


async def test_work_without_a_lot_gets_one_when_there_is_one(house: House) -> None:
    mug = house.item()
    node = await stock(house, mug, "RNO", [LotUnits("OLD", 2, day(-2)), LotUnits("NEW", 1, day(9))])
    first, second = [(await house.place(house.draft({mug: 1})))[0] for _ in range(2)]
    await house.settle()
    assert await there(house, mug) == {"OLD": (2, 0), "NEW": (1, 1)}
    for waits in (True, False):
        async with house.database.transaction() as db:
            await lotting.assign_left_out(db, datetime.now(UTC))
        assert await there(house, mug) == {"OLD": (2, 0), "NEW": (1 if waits else 2, 1 if waits else 2)}
        await house.sound()
        if waits:
            await recount(house, node, mug, [LotUnits("OLD", 2), LotUnits("NEW", 2)])
    for order in (first, second):
        await house.ship(order)
    assert {row["order"] for row in await went(house, mug, "NEW")} == {first, second}


async def test_a_serial_number_is_one_unit_and_ships_once(house: House) -> None:
    mug = house.item()
    node = await stock(house, mug, "RNO", [LotUnits("S1", 1), LotUnits("S2", 1)], by="serial")
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    assert await there(house, mug) == {"S1": (1, 1), "S2": (1, 0)}
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        wrong = await lots.bind(db, work=work.id, node_id=node, sku=mug, lot="S9", quantity=1, today=day(0))
        assert isinstance(wrong, lots.WrongLot)
        assert (
            await lots.bind(db, work=work.id, node_id=node, sku=mug, lot="S2", quantity=1, today=day(0))
            is None
        )
    assert await there(house, mug) == {"S1": (1, 0), "S2": (1, 1)}
    await house.ship(order_id)
    assert await there(house, mug) == {"S1": (1, 0)}
    async with house.database.transaction() as db:
        wrong = await lots.bind(db, work=work.id, node_id=node, sku=mug, lot="S2", quantity=1, today=day(0))
        assert isinstance(wrong, lots.WrongLot)
    await house.deliver(order_id)
    said = await house.ask_back(order_id, {mug: 1})
    await house.take_back(said.return_id)
    assert await there(house, mug) == {"S1": (1, 0), "S2": (1, 0)}
    await house.sound()


@pytest.mark.parametrize("kind", ["pick", "pack"])
async def test_units_scanned_one_by_one_are_each_of_the_lot_they_name(house: House, kind: str) -> None:
    mug = house.item()
    await stock(house, mug, "RNO", [LotUnits("SOON", 3, day(9)), LotUnits("LATE", 3, day(90))])
    async with house.database.transaction() as db:
        item = (await catalog.items_of(db, skus=[mug]))[mug]
        await catalog.put_items(db, items=[replace(item, gtin="09506000134352")])
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    [work] = await house.works(order_id)

    async def scan(lot: str) -> Any:
        async with house.database.transaction() as db:
            code = f"]C1010950600013435210{lot}"
            return await working.scan(db, work=work.id, kind=kind, code=code, now=datetime.now(UTC))

    assert await there(house, mug) == {"SOON": (3, 3), "LATE": (3, 0)}
    for lots_of_work in ((2, 1), (1, 2)):
        assert not isinstance(await scan("LATE"), Refused)
        assert await there(house, mug) == {"SOON": (3, lots_of_work[0]), "LATE": (3, lots_of_work[1])}
    assert (await scan("NONE")).code == "unknown_lot"
    assert not isinstance(await scan("SOON"), Refused)
    assert (await scan("LATE")).code == "surplus"
    assert await there(house, mug) == {"SOON": (3, 1), "LATE": (3, 2)}
    async with house.database.transaction() as db:
        told = await db.fetch(
            "SELECT refusal FROM packing.scans WHERE fulfillment_id = $1 AND NOT accepted", work.id
        )
    assert [row["refusal"] for row in told] == ["unknown_lot", "surplus"]
    await house.sound()


async def test_a_count_of_lots_takes_a_lot_from_work_that_has_others(house: House) -> None:
    mug = house.item()
    node = await stock(house, mug, "RNO", [LotUnits("A", 4, day(9)), LotUnits("B", 6, day(30))])
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    await recount(house, node, mug, [LotUnits("A", 1), LotUnits("B", 6)])
    assert await there(house, mug) == {"A": (1, 1), "B": (6, 2)}
    await house.sound()
    assert not isinstance(await house.at(order_id), Refused)


async def test_late_word_of_lots_that_were_booked_otherwise_since(house: House) -> None:
    """Six were there when it was said, two have left since from what was then thought to be another lot."""
    mug = house.item()
    node = await stock(house, mug, "RNO", [LotUnits("OLD", 6)])
    said_of = clock.now()
    async with house.database.transaction() as db:
        await recounting.adjust(
            db, node_id=node, sku=mug, changes={"on_hand": -2}, reason="broken", now=clock.now()
        )
        line = Line(sku=mug, on_hand=8, lots=(LotUnits("NEW", 8),))
        told = Snapshot(source="wms", node_id=node, lines=(line,), as_of=said_of)
        [outcome] = await snapshotting.take(db, snapshot=told, now=clock.now())
    assert outcome.outcome == "applied"
    assert await there(house, mug) == {"NEW": (6, 0)}
    await house.sound()


async def test_units_nobody_planned_a_lot_for_are_followed_as_well(house: House) -> None:
    mug = house.item()
    await stock(house, mug, "RNO", [LotUnits("OLD", 2, day(-2)), LotUnits("NEW", 1, day(9))])
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    assert await there(house, mug) == {"OLD": (2, 0), "NEW": (1, 1)}
    await house.ship(order_id)
    assert await there(house, mug) == {"OLD": (1, 0)}
    [trace] = await went(house, mug, "OLD")
    assert (trace["order"], trace["quantity"], trace["shipped"]) == (order_id, 1, True)
    await house.sound()
