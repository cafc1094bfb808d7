"""A count finds fewer than are claimed: it is recorded, and the youngest orders are served from elsewhere or wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orderloom import network
from orderloom.inventory.snapshots import Line, Snapshot
from orderloom.journey import recounting, working
from orderloom.journey.recounting import Counted
from orderloom.journey.reserving import COUNTED_SHORT
from orderloom.journey.snapshotting import LineOutcome, take
from orderloom.terms import Rank
from tests.journey.house import House


async def count(house: House, code: str, sku: str, units: int) -> Counted:
    async with house.database.transaction() as db:
        [node] = await network.nodes_of(db, codes=[code])
        said = await recounting.set_on_hand(
            db, node_id=node, sku=sku, quantity=units, reason="cycle count", now=datetime.now(UTC)
        )
    assert isinstance(said, Counted)
    return said


async def snapshot(house: House, code: str, sku: str, units: int) -> LineOutcome:
    async with house.database.transaction() as db:
        [node] = await network.nodes_of(db, codes=[code])
        given = Snapshot(
            source="wms", node_id=node, lines=[Line(sku=sku, on_hand=units)], as_of=datetime.now(UTC)
        )
        [outcome] = await take(db, snapshot=given, now=datetime.now(UTC))
    return outcome


async def test_the_youngest_order_is_served_from_another_node(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 4})
    now = datetime.now(UTC)
    old, young = await house.place(
        house.draft({mug: 2}, placed_at=now - timedelta(hours=2)),
        house.draft({mug: 2}, placed_at=now - timedelta(hours=1)),
    )
    await house.settle()
    assert (await house.node_codes(old), await house.node_codes(young)) == (["RNO"], ["RNO"])
    await house.shelve(mug, {"RNO": 4, "ATL": 2})
    said = await snapshot(house, "RNO", mug, 2)
    assert (said.outcome, said.loss.orders) == ("applied", 2)
    assert COUNTED_SHORT in await house.cases(young)
    assert await house.ranks(young) == {Rank.SHORT: 2}
    await house.sound()
    await house.settle()
    assert await house.node_codes(young) == ["ATL"]
    assert await house.node_codes(old) == ["RNO"]
    assert COUNTED_SHORT not in await house.cases(young)
    await house.ship(old, young)
    await house.deliver(old, young)
    assert {(await house.order(o)).lifecycle for o in (old, young)} == {"closed"}
    await house.sound()


async def test_nothing_is_left_anywhere_and_the_buyer_is_told(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 3})
    [order_id] = await house.place(house.draft({mug: 3}))
    await house.settle()
    await count(house, "RNO", mug, 1)
    await house.settle()
    assert await house.ranks(order_id) == {Rank.RELEASED: 1, Rank.BACKORDERED: 2}
    assert "order.backordered" in await house.told(order_id)
    await house.settle()
    number = (await house.order(order_id)).number
    assert f"Order {number} has to wait a little" in await house.letters(number)
    await house.sound()


async def test_units_being_picked_go_last_and_packed_ones_stay_counted(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 6})
    now = datetime.now(UTC)
    packed, picked, loose = [
        (await house.place(house.draft({mug: 2}, placed_at=now - timedelta(hours=h))))[0] for h in (1, 2, 3)
    ]
    await house.settle()
    await house.pack(packed)
    [work] = await house.works(picked)
    async with house.database.transaction() as db:
        await working.scan(db, work=work.id, kind="pick", code=mug, quantity=2, now=now)
    said = await count(house, "RNO", mug, 3)
    assert (said.loss.orders, said.loss.packed) == (3, 0)
    assert await house.ranks(loose) == {Rank.SHORT: 2}
    assert (await house.ranks(picked))[Rank.SHORT] == 1
    said = await count(house, "RNO", mug, 0)
    assert (said.loss.packed, said.level.on_hand) == (2, 2)
    await house.sound()
    await house.collect()
    assert (await house.level("RNO", mug)).on_hand == 0
    await house.sound()
