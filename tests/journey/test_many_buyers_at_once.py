"""A flash sale: two hundred buyers, each in a transaction of their own, for fifty units."""

from __future__ import annotations

import asyncio

from orderloom.journey.placing import place
from orderloom.orders.model import OrderDraft, Placed, Refused
from orderloom.plumbing.database import Database
from tests.journey.house import House

BUYERS, UNITS, CONNECTIONS = 200, 50, 40


async def rush(house: House, drafts: list[OrderDraft]) -> list[Placed | Refused]:
    pool = await Database.open(house.database.url, max_size=CONNECTIONS)

    async def buy(draft: OrderDraft) -> Placed | Refused:
        async with pool.transaction() as db:
            [said] = await place(db, drafts=[draft])
        return said

    said = await asyncio.gather(*(buy(draft) for draft in drafts))
    await pool.close()
    return said


async def test_two_hundred_buyers_get_exactly_the_fifty_units_there_are(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 30, "ATL": 20})
    said = await rush(house, [house.draft({mug: 1}) for _ in range(BUYERS)])
    taken = [one for one in said if isinstance(one, Placed)]
    refused = [one for one in said if isinstance(one, Refused)]
    assert (len(taken), len(refused)) == (UNITS, BUYERS - UNITS)
    assert all(one.short and one.available == {mug: 0} for one in refused)
    assert sum([(await house.level(code, mug)).reserved for code in ("RNO", "ATL")]) == UNITS
    await house.sound()


async def test_orders_of_several_hot_items_never_lock_each_other_out(house: House) -> None:
    hot = [house.item(n) for n in range(6)]
    for sku in hot:
        await house.shelve(sku, {"RNO": 20, "ATL": 20})
    drafts = [
        house.draft({hot[(n * step) % 6]: 1 for step in (1, 5, 3)} if n % 2 else {hot[n % 6]: 2})
        for n in range(120)
    ]
    said = await rush(house, drafts)
    placed = [draft for draft, one in zip(drafts, said, strict=True) if isinstance(one, Placed)]
    for sku in hot:
        wanted = sum(line.quantity for draft in placed for line in draft.lines if line.sku == sku)
        kept = sum([(await house.level(code, sku)).reserved for code in ("RNO", "ATL")])
        assert wanted == kept <= 40
    await house.sound()


async def test_the_same_order_sent_many_times_at_once_is_taken_once(house: House) -> None:
    from orderloom.orders.capture import Raced

    mug = house.item()
    await house.shelve(mug, {"RNO": 30})
    draft = house.draft({mug: 1})
    pool = await Database.open(house.database.url, max_size=CONNECTIONS)

    async def send() -> Placed | Refused:
        for _ in range(3):
            try:
                async with pool.transaction() as db:
                    [said] = await place(db, drafts=[draft])
            except Raced:
                continue
            return said
        raise AssertionError

    said = await asyncio.gather(*(send() for _ in range(30)))
    await pool.close()
    assert len({one.order_id for one in said}) == 1
    assert sum(not one.duplicate for one in said) == 1
    assert (await house.level("RNO", mug)).reserved == 1
    await house.sound()
