"""Orders not yet released are planned anew together, never dearer; what is scarce has its price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom.journey import reoptimising
from orderloom.journey.reoptimising import Applied, Planned
from orderloom.plumbing.settings import settings
from orderloom.routing import store
from orderloom.terms import Address, Rank
from tests.journey.house import House

WEST = Address(name="Will", line1="1 Pine St", city="Reno", region="NV", postcode="89501", country="US")
SOUTH = Address(name="Sue", line1="1 Peach St", city="Atlanta", region="GA", postcode="30303", country="US")


async def again(house: House, *, expected: int = 0) -> tuple[Planned, Applied]:
    now = datetime.now(UTC)
    async with house.database.transaction() as db:
        batch = await reoptimising.read(db, now=now, expected=expected)
    planned = reoptimising.plan(batch)
    async with house.database.transaction() as db:
        return planned, await reoptimising.apply(db, batch=batch, planned=planned, now=now)


async def crossed(house: House) -> tuple[str, UUID, UUID]:
    """One unit at each end of the country, taken by the wrong buyers: the first had no other choice then."""
    mug = house.item()
    promise: dict[str, Any] = {"promise_at": datetime.now(UTC) + timedelta(days=30)}
    await house.shelve(mug, {"RNO": 1})
    [south] = await house.place(house.draft({mug: 1}, ship_to=SOUTH, **promise))
    await house.hold(south, "release")
    await house.settle()
    await house.shelve(mug, {"RNO": 1, "ATL": 1})
    [west] = await house.place(house.draft({mug: 1}, ship_to=WEST, **promise))
    await house.hold(west, "release")
    await house.settle()
    return mug, west, south


async def at(house: House, code: str, sku: str) -> int:
    return int((await house.level(code, sku)).allocated)


async def test_two_orders_change_places_where_that_is_cheaper(house: House) -> None:
    mug, west, south = await crossed(house)
    planned, applied = await again(house)
    assert planned.orders == 2
    assert planned.whole.saving > 0
    assert planned.whole.bound <= planned.whole.cost
    assert set(applied.changed) == {west, south}
    told = [reoptimising.why(change, planned.changes) for change in planned.changes]
    assert all("given up by" in why and "wanted by" in why for why in told)
    assert (await again(house))[0].changes == (), "nothing is left to save"
    assert [await at(house, code, mug) for code in ("RNO", "ATL")] == [1, 1]
    assert await house.ranks(west) == {Rank.ALLOCATED: 1}
    assert "order.rerouted" in await house.told(west)
    await house.sound()
    async with house.database.transaction() as db:
        holds = await db.fetch("SELECT id FROM orders.holds WHERE cleared_at IS NULL")
    for hold in holds:
        await house.clear(hold["id"])
    assert (await house.node_codes(west), await house.node_codes(south)) == (["RNO"], ["ATL"])
    await house.ship(west, south)
    await house.sound()


async def test_an_order_that_moved_meanwhile_is_passed_over_with_those_it_is_linked_to(house: House) -> None:
    _mug, west, south = await crossed(house)
    now = datetime.now(UTC)
    async with house.database.transaction() as db:
        batch = await reoptimising.read(db, now=now, expected=0)
    planned = reoptimising.plan(batch)
    await house.cancel(west)
    await house.settle()
    async with house.database.transaction() as db:
        applied = await reoptimising.apply(db, batch=batch, planned=planned, now=now)
    assert (applied.changed, set(applied.passed_over)) == ((), {west, south})
    await house.sound()


async def test_the_last_unit_is_priced_by_who_is_expected_and_kept_for_them(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 6, "ATL": 60})
    await house.place(*(house.draft({mug: 1}, ship_to=WEST) for _ in range(5)))
    await house.settle()
    # One is left in the west, where five were asked for lately.
    planned, _ = await again(house, expected=50)
    prices = {key: price for key, price in planned.prices.items() if key[1] == mug}
    assert prices[("RNO", mug)] > 0
    assert ("ATL", mug) not in prices
    async with house.database.transaction() as db:
        assert await store.scarcity(db, since=datetime.now(UTC) - timedelta(hours=1), skus=[mug])
        assert not await store.scarcity(db, since=datetime.now(UTC) + timedelta(hours=1), skus=[mug])
    [asked] = await house.place(house.draft({mug: 1}, ship_to=WEST))
    await house.settle()
    async with house.database.transaction() as db:
        kept = (await store.last_decisions(db, orders=[asked]))[asked]["request"]["nodes"]
    [reno] = [node for node in kept if node["node"] == "RNO"]
    assert reno["scarcity"][mug] == prices[("RNO", mug)]
    await house.sound()


async def test_a_worker_does_it_when_it_is_due(house: House, monkeypatch: Any) -> None:
    _mug, west, south = await crossed(house)
    now = datetime.now(UTC)
    async with house.database.transaction() as db:
        await reoptimising.when_due(db, now)
    monkeypatch.setenv("ORDERLOOM_REOPTIMISE_MINUTES", "30")
    settings.cache_clear()
    for _ in range(2):
        async with house.database.transaction() as db:
            await reoptimising.when_due(db, now)
    monkeypatch.undo()
    settings.cache_clear()
    async with house.database.transaction() as db:
        [run] = await store.batches(db, limit=10)
    assert (run["orders"], run["changed"], run["last_order"]) == (2, 2, None)
    assert run["cost"] < run["cost_before"]
    told = [await house.told(order) for order in (west, south)]
    assert [types.count("order.rerouted") for types in told] == [1, 1]
    await house.sound()
