"""A channel's first claim adds a row to a SKU's allotments while others wait to lock them: nobody waits in a circle."""

from __future__ import annotations

import asyncio

from orderloom import catalog, network
from orderloom.catalog.model import Item
from orderloom.inventory.store import allotments
from orderloom.network.model import Channel
from orderloom.plumbing.database import Database

SKU = "MUG"


async def furnish(database: Database) -> list:
    """Two channels by id; the second has an allotment, the first gets its row by its first claim."""
    async with database.transaction() as db:
        await catalog.put_items(
            db, items=[Item(sku=SKU, name=SKU, weight_g=1, length_mm=1, width_mm=1, height_mm=1)]
        )
        codes = ("one", "two")
        await network.put_channels(
            db, channels=[Channel(code=c, name=c, type="site", currency="USD") for c in codes]
        )
        ids = sorted(channel.id for channel in (await network.channels_of(db, codes=codes)).values())
        await allotments.put(
            db,
            sku=SKU,
            channel_id=ids[1],
            units=5,
            permille=None,
            takes_shared=True,
            ends_at=None,
            afresh=False,
        )
    return ids


async def test_a_row_that_came_while_others_waited_is_locked_in_its_place(database: Database) -> None:
    first, second = await furnish(database)

    async def draw(held: asyncio.Event, go_on: asyncio.Event, channel) -> None:
        async with database.transaction() as db:
            await db.execute("SET LOCAL deadlock_timeout = '100ms'")
            limits = await allotments.lock(db, [SKU])
            held.set()
            await go_on.wait()
            limits.draw(channel, SKU, 1)
            await allotments.note_drawn(db, limits.drawn())

    events = [(asyncio.Event(), asyncio.Event()) for _ in range(3)]
    # The first holds the only row there is, and adds another; the second waits for it and knows of one row alone.
    adding = asyncio.create_task(draw(*events[0], first))
    await events[0][0].wait()
    waiting = asyncio.create_task(draw(*events[1], first))
    await asyncio.sleep(0.3)
    events[0][1].set()
    await adding
    await events[1][0].wait()
    # The third sees both, and the new one comes first.
    third = asyncio.create_task(draw(*events[2], second))
    await asyncio.sleep(0.3)
    events[1][1].set()
    events[2][1].set()
    await asyncio.wait_for(asyncio.gather(waiting, third), 60)
    async with database.transaction() as db:
        found = await allotments.of(db, skus=[SKU])
    assert {a.channel_id: a.drawn for a in found} == {first: 2, second: 1}


async def test_whoever_waits_goes_on_once_a_savepoint_lets_go(database: Database) -> None:
    """A count that has to lock orders first rolls its savepoint back and locks anew: nobody may wait for its end."""
    await furnish(database)
    locked, let_go = asyncio.Event(), asyncio.Event()

    async def wider() -> None:
        async with database.transaction() as db:
            attempt = db.transaction()
            await attempt.start()
            async with db.transaction():
                await allotments.lock(db, [SKU])
            locked.set()
            await asyncio.sleep(0.3)
            await attempt.rollback()
            await let_go.wait()

    holding = asyncio.create_task(wider())
    await locked.wait()
    async with asyncio.timeout(60), database.transaction() as db:
        assert (await allotments.lock(db, [SKU])).allotted(SKU)
    let_go.set()
    await holding
