"""A node closes: what it has not begun is shipped from elsewhere, and what nobody else has waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from orderloom import network
from orderloom.journey import outages, working
from orderloom.orders.model import LineDraft
from orderloom.terms import Rank
from tests.journey.house import House


async def close(house: House, code: str, *, hours: int | None = None) -> outages.Closed:
    now = datetime.now(UTC)
    async with house.database.transaction() as db:
        [node] = (await network.nodes_of(db, codes=[code])).values()
        return await outages.close(
            db,
            node_id=node.id,
            reason="power cut",
            now=now,
            reopens_at=now + timedelta(hours=hours) if hours else None,
        )


async def reopen(house: House, *codes: str) -> list[UUID]:
    async with house.database.transaction() as db:
        nodes = await network.nodes_of(db, codes=codes)
        return await outages.reopen(db, node_ids=list(nodes), reason="power is back")


async def look_after(house: House, *, in_hours: int = 0) -> None:
    async with house.database.transaction() as db:
        await outages.look_after(db, datetime.now(UTC) + timedelta(hours=in_hours))


async def test_what_it_has_not_begun_is_shipped_from_elsewhere(house: House) -> None:
    mug, bowl = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(bowl, {"RNO": 9})
    released, begun = await house.place(house.draft({mug: 2}), house.draft({bowl: 1}))
    held = (await house.place(house.draft({mug: 1})))[0]
    await house.hold(held, "release")
    await house.settle()
    await house.pack(begun)
    [work] = await house.works(released)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    closed = await close(house, "RNO")
    assert closed.changed
    assert set(closed.standing.movable) == {released, held}
    assert len(closed.standing.begun) == 1
    await house.settle()
    assert await house.node_codes(released) == ["ATL"]
    assert await house.node_codes(begun) == ["RNO"], "it lies packed there"
    # Held, it is not released; what is kept for it lies elsewhere by now.
    assert await house.ranks(held) == {Rank.ALLOCATED: 1}
    assert (await house.level("ATL", mug)).allocated == 3
    assert (await house.level("RNO", mug)).allocated == 0
    assert "order.recalled" in await house.told(released)
    await house.sound()
    assert not (await close(house, "RNO")).changed, "closed twice it is closed once"
    assert len(await reopen(house, "RNO")) == 1
    assert await reopen(house, "RNO") == []
    await house.pack(released)
    await house.collect()
    await house.deliver(released, begun)
    assert (await house.order(released)).lifecycle == "closed"
    await house.sound()


async def test_what_nobody_else_has_waits_until_it_opens_by_itself(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    await close(house, "RNO", hours=3)
    await house.settle()
    assert await house.ranks(order_id) == {Rank.BACKORDERED: 2}
    assert await house.cases(order_id) == ["out_of_stock"]
    await look_after(house, in_hours=2)
    await house.settle()
    assert await house.ranks(order_id) == {Rank.BACKORDERED: 2}
    await look_after(house, in_hours=3)
    await house.settle()
    assert await house.node_codes(order_id) == ["RNO"]
    assert await house.cases(order_id) == []
    await house.ship(order_id)
    await house.sound()


async def test_what_its_channel_bound_to_it_waits_there(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    line = LineDraft(sku=mug, quantity=1, unit_price=1000)
    await close(house, "ATL")
    [bound] = await house.place(house.draft(lines_=(replace(line, node_code="RNO"),)))
    await house.settle()
    closed = await close(house, "RNO")
    assert (set(closed.standing.bound), set(closed.standing.movable)) == ({bound}, set())
    await house.settle()
    assert await house.ranks(bound) == {Rank.RELEASED: 1}
    await reopen(house, "RNO", "ATL")
    await house.ship(bound)
    await house.sound()


async def test_what_came_to_it_while_it_was_closed_is_found(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    async with house.database.transaction() as db:
        # Closed by one whose transaction did not see the order yet.
        [node] = (await network.nodes_of(db, codes=["RNO"])).values()
        await network.close(
            db,
            node_id=node.id,
            because="flood",
            since=datetime.now(UTC) - timedelta(hours=1),
            reopens_at=None,
        )
    await house.settle()
    assert await house.node_codes(order_id) == ["RNO"]
    await look_after(house)
    await house.settle()
    assert await house.node_codes(order_id) == ["ATL"]
    await house.sound()


async def test_what_its_buyer_no_longer_wants_is_not_moved(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    [order_id] = await house.place(house.draft({mug: 1}))
    await house.settle()
    [code] = await house.node_codes(order_id)
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.accept(db, works=[work.id])
    assert (await house.cancel(order_id)).requested
    await close(house, code)
    await house.settle()
    assert (await house.order(order_id)).lifecycle == "cancelled"
    await house.sound()
