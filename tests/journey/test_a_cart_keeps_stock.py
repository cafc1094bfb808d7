"""A cart keeps stock for a while: it becomes an order, grows, moves, or runs out and serves who waits."""

from __future__ import annotations

from uuid import UUID

from orderloom import network
from orderloom.inventory import reservations
from orderloom.inventory.keeping import Reservation
from orderloom.inventory.reservations import Made, NotKept
from orderloom.journey import carts, limiting
from orderloom.journey.carts import CartDraft, Wrong
from orderloom.journey.placing import place
from orderloom.orders.model import Placed
from orderloom.plumbing import clock
from orderloom.simulate.demo_data import MARKET
from orderloom.terms import Rank
from tests.journey.house import House


async def keep(house: House, sku: str, units: int, **more: object) -> Made | NotKept | Wrong:
    draft = CartDraft(channel="web", lines=((sku, units),), **more)  # type: ignore[arg-type]
    async with house.database.transaction() as db:
        [said] = await carts.keep(db, drafts=[draft], now=clock.now())
    return said


async def kept(house: House, sku: str, units: int, **more: object) -> Reservation:
    said = await keep(house, sku, units, **more)
    assert isinstance(said, Made), said
    return said.reservation


async def state(house: House, key: UUID) -> str:
    async with house.database.transaction() as db:
        return (await reservations.of(db, keys=[key]))[key].state


async def run_out(house: House, cart: Reservation) -> None:
    """The cart's time is over, and the worker's chore has come by."""
    async with house.database.transaction() as db:
        await db.execute(
            "UPDATE inventory.reservations SET expires_at = clock_timestamp() WHERE id = $1", cart.id
        )
    async with house.database.transaction() as db:
        await carts.expire(db, clock.now())


async def test_a_cart_becomes_an_order_with_its_own_units_and_is_shipped(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 3})
    cart = await kept(house, mug, 3, owner="ann")
    assert isinstance(await keep(house, mug, 1, owner="bob"), NotKept)
    [order] = await house.place(house.draft({mug: 2}, reservation_id=cart.id))
    assert await state(house, cart.id) == "consumed"
    level = await house.level("RNO", mug)
    assert (level.reserved, level.on_hand) == (2, 3)
    await kept(house, mug, 1, owner="bob")
    await house.settle()
    await house.ship(order)
    level = await house.level("RNO", mug)
    assert (level.reserved, level.allocated, level.on_hand) == (1, 0, 1)
    await house.sound()


async def test_a_cart_that_runs_out_serves_the_order_that_waits(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 1})
    cart = await kept(house, mug, 1)
    [order] = await house.place(house.draft({mug: 1}, channel=MARKET))
    await house.settle()
    assert set(await house.ranks(order)) == {Rank.BACKORDERED}
    await run_out(house, cart)
    await house.settle()
    assert await state(house, cart.id) == "expired"
    assert set(await house.ranks(order)) == {Rank.RELEASED}
    await house.sound()


async def test_a_cart_grows_moves_and_shrinks_and_nobody_else_loses_a_unit(house: House) -> None:
    mug, lamp = house.item(), house.item(1)
    await house.shelve(mug, {"RNO": 4, "ATL": 6})
    await house.shelve(lamp, {"RNO": 5})
    cart = await kept(house, mug, 2)
    async with house.database.transaction() as db:
        grown = await carts.change(db, reservation=cart, lines=[(mug, 5), (lamp, 1)], now=clock.now())
        assert isinstance(grown, Made), grown
    async with house.database.transaction() as db:
        too_much = await carts.relocate(db, reservation=cart, moves={1: "RNO"}, now=clock.now())
        assert isinstance(too_much, NotKept)
    async with house.database.transaction() as db:
        moved = await carts.relocate(db, reservation=cart, moves={1: "ATL"}, now=clock.now())
        assert isinstance(moved, Made), moved
    assert [(await house.level(code, mug)).reserved for code in ("RNO", "ATL")] == [0, 5]
    async with house.database.transaction() as db:
        await carts.change(db, reservation=cart, lines=[(mug, 1)], now=clock.now())
    assert [(await house.level(code, mug)).reserved for code in ("RNO", "ATL")] == [0, 1]
    assert (await house.level("RNO", lamp)).reserved == 0
    await house.sound()


async def test_what_one_channel_has_set_aside_no_other_can_sell(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 10})
    async with house.database.transaction() as db:
        other = next(c for c in (await network.channels_of(db)).values() if c.code != "web" and c.active)
        await limiting.allot(db, sku=mug, channel_id=other.id, units=8)
    assert isinstance(await keep(house, mug, 3), NotKept)
    cart = await kept(house, mug, 2)
    [order] = await house.place(house.draft({mug: 2}, reservation_id=cart.id))
    await house.settle()
    await house.cancel(order)
    async with house.database.transaction() as db:
        assert await limiting.unallot(db, sku=mug, channel_id=other.id)
        [said] = await place(db, drafts=[house.draft({mug: 10})])
    assert isinstance(said, Placed)
    await house.sound()
