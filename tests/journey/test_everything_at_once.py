"""Several workers, buyers who cancel and carriers who collect, all at once: each order ends one way, and once."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

from orderloom.journey import cancelling, working
from orderloom.journey.cancelling import answer_request
from orderloom.worker import Worker
from tests.journey.house import House

ORDERS = 30


async def together(house: House) -> None:
    """Three workers at the same work."""
    await asyncio.gather(*(Worker(house.database, lease_s=5).run_until_idle() for _ in range(3)))
    await house.settle()


async def ends(house: House, orders: list[Any]) -> dict[str, int]:
    """How the orders ended; money is either taken or given back, never both and never twice."""
    found: dict[str, int] = {}
    for order_id in orders:
        order = await house.order(order_id)
        found[order.status] = found.get(order.status, 0) + 1
        money = await house.money(order_id)
        if order.status == "cancelled":
            assert money.get("authorize", []) == money.get("void", [])
        else:
            assert money == {"authorize": [order.total], "capture": [order.total]}
    await house.sound()
    return found


async def test_three_workers_do_each_thing_once(house: House) -> None:
    orders = await house.place(*(house.draft() for _ in range(ORDERS)))
    await together(house)
    works = [w.id for o in orders for w in await house.works(o)]
    assert len(works) == ORDERS
    async with house.database.transaction() as db:
        await working.pack(db, works=works)
    await together(house)
    async with house.database.transaction() as db:
        await working.close_manifests(db, ship_date=datetime.now(UTC).date(), by="test")
    await together(house)
    assert await ends(house, orders) == {"shipped": ORDERS}
    for order_id in orders:
        assert len(await house.labels(order_id)) == 1
    assert len(await house.letters("")) == 2 * ORDERS


async def test_buyers_cancel_while_workers_work(house: House) -> None:
    orders = await house.place(*(house.draft() for _ in range(ORDERS)))
    dice = random.Random(3)

    async def cancel(order_id: Any) -> None:
        await asyncio.sleep(dice.random() * 0.8)
        async with house.database.transaction() as db:
            await cancelling.cancel(db, order_id=order_id, reason="changed their mind")

    await asyncio.gather(together(house), *(cancel(order_id) for order_id in orders[::2]))
    await house.settle_in_time()
    await house.ship(*orders[1::2])
    assert await ends(house, orders) == {"cancelled": ORDERS // 2, "shipped": ORDERS // 2}


async def test_cancelling_and_shipping_race_and_one_of_them_wins(house: House) -> None:
    orders = await house.place(*(house.draft() for _ in range(ORDERS)))
    await house.settle()
    await house.pack(*orders)
    dice = random.Random(5)

    async def let_go(order_id: Any) -> None:
        await asyncio.sleep(dice.random() * 0.8)
        async with house.database.transaction() as db:
            await cancelling.cancel(db, order_id=order_id, reason="changed their mind")
        [work] = await house.works(order_id)
        async with house.database.transaction() as db:
            await answer_request(db, work=work.id, accept=True, reason="taken out")

    async def collect(order_id: Any) -> None:
        await asyncio.sleep(dice.random() * 0.8)
        await house.scan(await house.labels(order_id), "in_transit")

    # Each outcome once without a race, which alone might go one way throughout.
    await let_go(orders[0])
    await collect(orders[1])
    doings = [doing(order_id) for order_id in orders[2:] for doing in (let_go, collect)]
    await asyncio.gather(together(house), *doings)
    await house.settle_in_time()
    found = await ends(house, orders)
    assert found.keys() == {"cancelled", "shipped"}
    assert sum(found.values()) == ORDERS
