"""Carts on a real PostgreSQL: what they keep, how they end, and races of carts and orders for the last units."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from orderloom import catalog, inventory, network
from orderloom.inventory import reading, reservations
from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.keeping import Reservation
from orderloom.inventory.model import Leg, Posting
from orderloom.inventory.reservations import Ended, Made, NotKept
from orderloom.inventory.store import allotments
from orderloom.journey import carts, limiting, placing
from orderloom.journey.carts import CartDraft, Wrong
from orderloom.journey.offering import offers
from orderloom.network.model import Channel
from orderloom.orders.model import LineDraft, OrderDraft, Placed, Refused
from orderloom.plumbing import clock
from orderloom.plumbing.database import Database, Db, Deadlock
from orderloom.terms import Address
from tests.store.inventory.test_posting import balances_are_their_movements, furnish

SKU, OTHER, KIT = "SKU-0", "SKU-1", "SET"
HERE = Address(line1="1 Main St", city="Reno", region="NV", postcode="89501")


async def shop(db: Db, **changes: object) -> dict[str, UUID]:
    """Two nodes with fifty of each item, a kit of two and one, and two channels."""
    nodes = await furnish(db)
    await catalog.put_items(
        db, items=[catalog.Item(sku=KIT, name=KIT, weight_g=1, length_mm=1, width_mm=1, height_mm=1)]
    )
    await catalog.put_kits(db, kits={KIT: {SKU: 2, OTHER: 1}})
    for code in ("web", "pos"):
        channel = Channel(code=code, name=code, type="site", currency="USD")
        await network.put_channels(db, channels=[replace(channel, **changes)])  # type: ignore[arg-type]
    found = await network.channels_of(db)
    return nodes | {channel.code: channel.id for channel in found.values()}


async def leave(db: Db, units: Mapping[tuple[UUID, str], int]) -> None:
    """Take stock away until so many are left."""
    legs = tuple(
        Leg(node_id=node, sku=sku, kind="adjusted", on_hand=left - 50) for (node, sku), left in units.items()
    )
    [short] = await inventory.post(db, postings=[Posting(cause_type="test", cause_id=None, legs=legs)])
    assert short is None


async def keep(
    db: Db,
    *lines: tuple[str, int],
    channel: str = "web",
    owner: str | None = None,
    partly: bool = False,
    ttl_s: int = 600,
) -> Made | NotKept | Wrong:
    draft = CartDraft(channel=channel, lines=lines, owner=owner, partly=partly, ttl_s=ttl_s)
    [made] = await carts.keep(db, drafts=[draft], now=clock.now())
    return made


async def kept(
    db: Db, *lines: tuple[str, int], channel: str = "web", owner: str | None = None
) -> Reservation:
    made = await keep(db, *lines, channel=channel, owner=owner)
    assert isinstance(made, Made)
    return made.reservation


def order(
    *lines: tuple[str, int], channel: str = "web", cart: UUID | None = None, name: str = "O-1"
) -> OrderDraft:
    return OrderDraft(
        channel=channel,
        external_id=name,
        placed_at=clock.now(),
        currency="USD",
        buyer={"name": "Ada"},
        ship_to=HERE,
        lines=tuple(LineDraft(sku=sku, quantity=n, unit_price=0) for sku, n in lines),
        reservation_id=cart,
    )


async def place(db: Db, draft: OrderDraft) -> Placed | Refused:
    [outcome] = await placing.place(db, drafts=[draft])
    return outcome


async def reserved(db: Db, sku: str = SKU) -> int:
    return sum(level.reserved for level in await reading.levels(db, skus=[sku]))


async def state(db: Db, key: UUID) -> str:
    return (await reservations.of(db, keys=[key]))[key].state


async def drawn(db: Db, channel: UUID) -> int:
    return next((a.drawn for a in await allotments.of(db, skus=[SKU], channels=[channel])), 0)


async def allot(db: Db, channel: UUID, units: int) -> None:
    await allotments.put(
        db,
        sku=SKU,
        channel_id=channel,
        units=units,
        permille=None,
        takes_shared=True,
        ends_at=None,
        afresh=False,
    )


class TestACart:
    async def test_keeps_all_or_nothing(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 60), (KIT, 10))
        assert (cart.version, cart.state) == (1, "open")
        assert [(line.sku, line.quantity) for line in cart.lines] == [(SKU, 60), (KIT, 10)]
        assert await reserved(db) == 80
        assert await reserved(db, OTHER) == 10
        refused = await keep(db, (SKU, 21), (OTHER, 3))
        assert isinstance(refused, NotKept)
        assert [(short.sku, short.asked, short.available) for short in refused.lacking] == [(SKU, 21, 20)]
        assert await reserved(db) == 80
        await balances_are_their_movements(db)

    async def test_keeps_what_there_is_and_names_what_is_short(self, db: Db) -> None:
        ids = await shop(db)
        await leave(db, {(ids["A"], SKU): 5, (ids["B"], SKU): 0})
        made = await keep(db, (KIT, 4), (OTHER, 1), partly=True)
        assert isinstance(made, Made)
        assert [(line.position, line.quantity) for line in made.reservation.lines] == [(1, 2), (2, 1)]
        assert [(short.position, short.available) for short in made.lacking] == [(1, 2)]
        assert (await reserved(db), await reserved(db, OTHER)) == (4, 3)

    async def test_of_the_same_buyer_takes_the_place_of_the_one_before(self, db: Db) -> None:
        await shop(db)
        first = await kept(db, (SKU, 90), owner="ada")
        assert isinstance(await keep(db, (SKU, 90), owner="bob"), NotKept)
        second = await kept(db, (SKU, 95), owner="ada")
        assert await state(db, first.id) == "cancelled"
        assert await reserved(db) == 95
        third, fourth = await carts.keep(
            db,
            drafts=[CartDraft(channel="web", lines=((SKU, n),), owner="ada") for n in (100, 3)],
            now=clock.now(),
        )
        assert isinstance(third, Made)
        assert isinstance(fourth, Made)
        assert await state(db, second.id) == await state(db, third.reservation.id) == "cancelled"
        assert await reserved(db) == 3
        await balances_are_their_movements(db)

    async def test_grows_and_shrinks_where_it_is(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 3))
        [home] = {unit.node_id for unit in cart.units}
        more = await carts.change(db, now=clock.now(), reservation=cart, lines=[(SKU, 45), (OTHER, 2)])
        assert isinstance(more, Made)
        assert sum(u.quantity for u in more.reservation.units if u.node_id == home and u.sku == SKU) >= 3
        assert (await reserved(db), await reserved(db, OTHER)) == (45, 2)
        fewer = await carts.change(db, now=clock.now(), reservation=cart, lines=[(OTHER, 1)], ttl_s=86_400)
        assert isinstance(fewer, Made)
        assert (await reserved(db), await reserved(db, OTHER)) == (0, 1)
        assert fewer.reservation.version == 3
        assert fewer.reservation.expires_at > cart.expires_at
        too_many = await carts.change(db, now=clock.now(), reservation=cart, lines=[(OTHER, 101)])
        assert isinstance(too_many, NotKept)
        assert await reserved(db, OTHER) == 1
        await balances_are_their_movements(db)

    async def test_moves_only_where_there_is_enough(self, db: Db) -> None:
        ids = await shop(db)
        cart = await kept(db, (SKU, 4), (OTHER, 1))
        [home] = {unit.node_id for unit in cart.units}
        away = "B" if home == ids["A"] else "A"
        moved = await carts.relocate(db, now=clock.now(), reservation=cart, moves={1: away})
        assert isinstance(moved, Made)
        assert {(u.sku, u.node_id) for u in moved.reservation.units} == {(SKU, ids[away]), (OTHER, home)}
        big = await kept(db, (SKU, 50))
        assert isinstance(
            await carts.relocate(db, now=clock.now(), reservation=big, moves={1: away}), NotKept
        )
        assert isinstance(
            await carts.relocate(db, now=clock.now(), reservation=cart, moves={9: "nowhere"}), Wrong
        )
        await balances_are_their_movements(db)

    async def test_ends_once_and_for_good(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 4))
        assert await carts.cancel(db, reservation=cart, reason="emptied")
        assert not await carts.cancel(db, reservation=cart, reason="emptied")
        assert isinstance(await reservations.extend(db, key=cart.id), Ended)
        assert isinstance(await carts.change(db, now=clock.now(), reservation=cart, lines=[(SKU, 1)]), Ended)
        assert await reserved(db) == 0
        events = await db.fetch(
            "SELECT type, version FROM plumbing.events WHERE entity = 'reservation' ORDER BY id"
        )
        assert [tuple(row) for row in events] == [("reservation.created", 1), ("reservation.cancelled", 2)]

    async def test_expires_by_the_databases_clock(self, db: Db) -> None:
        await shop(db)
        late, due = await kept(db, (SKU, 4)), await kept(db, (SKU, 3))
        await db.execute(
            "UPDATE inventory.reservations SET expires_at = clock_timestamp() WHERE id = $1", due.id
        )
        await carts.expire(db, clock.now())
        assert (await state(db, due.id), await state(db, late.id)) == ("expired", "open")
        assert await reserved(db) == 4
        extended = await reservations.extend(db, key=late.id, ttl_s=3600)
        assert isinstance(extended, Made)
        assert extended.reservation.expires_at > late.expires_at
        await balances_are_their_movements(db)


class TestAnOrderOutOfACart:
    async def test_has_the_carts_units_where_they_are(self, db: Db) -> None:
        ids = await shop(db)
        cart = await kept(db, (SKU, 100))
        placed = await place(db, order((SKU, 70), (OTHER, 1), cart=cart.id))
        assert isinstance(placed, Placed)
        assert placed.reservation == "consumed"
        after = (await reservations.of(db, keys=[cart.id]))[cart.id]
        assert (after.state, after.order_id) == ("consumed", placed.order_id)
        assert await reserved(db) == 70
        assert len(ids) == 4
        await balances_are_their_movements(db)

    async def test_is_refused_whole_and_leaves_the_cart_as_it_was(self, db: Db) -> None:
        await shop(db)
        cart, _ = await kept(db, (SKU, 60)), await kept(db, (SKU, 30), owner="bob")
        refused = await place(db, order((SKU, 71), cart=cart.id))
        assert isinstance(refused, Refused)
        assert refused.available == {SKU: 70}
        assert await state(db, cart.id) == "open"
        assert await reserved(db) == 90

    async def test_that_has_ended_does_without(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 60))
        await carts.cancel(db, reservation=cart, reason="emptied")
        placed = await place(db, order((SKU, 71), cart=cart.id))
        assert isinstance(placed, Placed)
        assert placed.reservation == "cancelled"

    async def test_gives_its_units_once(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 60))
        both = await placing.place(
            db, drafts=[order((SKU, 60), cart=cart.id, name=n) for n in ("O-1", "O-2")]
        )
        first, second = both
        assert isinstance(first, Placed)
        assert isinstance(second, Refused)
        assert second.available == {SKU: 40}

    async def test_of_another_channel_is_unknown(self, db: Db) -> None:
        await shop(db)
        cart = await kept(db, (SKU, 60))
        refused = await place(db, order((SKU, 1), channel="pos", cart=cart.id))
        assert isinstance(refused, Refused)
        assert [fault.code for fault in refused.faults] == ["unknown_reservation"]
        assert not refused.short


class TestAnAllotment:
    async def test_is_kept_from_other_channels_carts_and_orders(self, db: Db) -> None:
        ids = await shop(db)
        await allot(db, ids["web"], 30)
        refused = await place(db, order((SKU, 71), channel="pos"))
        assert isinstance(refused, Refused)
        assert refused.available == {SKU: 70}
        assert isinstance(await place(db, order((SKU, 40), channel="pos")), Placed)
        assert isinstance(await keep(db, (SKU, 31), channel="pos"), NotKept)
        cart = await kept(db, (SKU, 25))
        assert (await drawn(db, ids["web"]), await drawn(db, ids["pos"])) == (25, 40)
        found = await offers(db, skus=[SKU])
        assert found[ids["web"], SKU].quantity == 35
        assert found[ids["pos"], SKU].quantity == 30
        await carts.cancel(db, reservation=cart, reason="emptied")
        assert (await drawn(db, ids["web"]), await drawn(db, ids["pos"])) == (0, 40)

    async def test_counts_an_orders_units_once_when_they_come_from_a_cart(self, db: Db) -> None:
        ids = await shop(db)
        await allot(db, ids["web"], 30)
        cart = await kept(db, (SKU, 25))
        assert isinstance(await place(db, order((SKU, 20), cart=cart.id)), Placed)
        assert await drawn(db, ids["web"]) == 20

    async def test_goes_with_the_count_of_who_drew_on_it(self, db: Db) -> None:
        ids = await shop(db)
        await allot(db, ids["web"], 30)
        await kept(db, (SKU, 25), channel="pos")
        assert await allotments.delete(db, sku=SKU, channel_id=ids["web"])
        assert await allotments.of(db, skus=[SKU]) == []
        assert not await allotments.delete(db, sku=SKU, channel_id=ids["web"])


async def test_a_channel_never_draws_on_nodes_it_excludes(db: Db) -> None:
    await shop(db, excluded_nodes=("A",))
    assert isinstance(await place(db, order((SKU, 51))), Refused)
    assert isinstance(await keep(db, (SKU, 51)), NotKept)
    cart = await kept(db, (SKU, 50))
    assert isinstance(await carts.relocate(db, now=clock.now(), reservation=cart, moves={1: "A"}), Wrong)


@pytest.mark.parametrize("allotted", [0, 20])
async def test_carts_and_orders_race_for_the_last_units(database: Database, allotted: int) -> None:
    async with database.transaction() as db:
        ids = await shop(db)
        await leave(db, {(ids["A"], SKU): 30, (ids["B"], SKU): 20})
        if allotted:
            await allot(db, ids["web"], allotted)
    many = await Database.open(database.url, max_size=16)
    # Nobody waits for a connection: on a busy machine it would be for longer than anybody waits.
    room = asyncio.Semaphore(14)
    sold = {"web": 0, "pos": 0}

    async def buy(n: int) -> None:
        async with room:
            await buy_at_last(n)

    async def buy_at_last(n: int) -> None:
        channel = ("web", "pos")[n % 2]
        async with many.transaction() as db:
            cart = await keep(db, (SKU, 1), channel=channel, owner=f"buyer {n}")
        if not isinstance(cart, Made):
            return
        await asyncio.sleep(n % 3 / 1000)
        async with many.transaction() as db:
            if n % 5 == 0:
                await carts.cancel(db, reservation=cart.reservation, reason="changed its mind")
                return
            if n % 5 == 1:
                await carts.change(db, now=clock.now(), reservation=cart.reservation, lines=[(SKU, 2)])
        # A transaction of its own, as at the doors: capture takes its turn (`stock_first`) before it has any stock.
        async with many.transaction() as db:
            key = cart.reservation.id
            placed = await place(db, order((SKU, 1), (OTHER, 1), channel=channel, cart=key, name=f"O-{n}"))
            assert isinstance(placed, Placed)
            sold[channel] += 1

    outcomes = await asyncio.gather(*(buy(n) for n in range(150)), return_exceptions=True)
    assert not [fault for fault in outcomes if isinstance(fault, Deadlock)]
    assert [fault for fault in outcomes if fault is not None] == []
    async with many.transaction() as db:
        assert await reserved(db) == sum(sold.values()) <= 50
        assert sold["pos"] <= 50 - allotted
        if allotted:
            assert (await drawn(db, ids["web"]), await drawn(db, ids["pos"])) == (sold["web"], sold["pos"])
        await balances_are_their_movements(db)
    await many.close()


async def test_a_new_balance_has_the_safety_stock_that_its_rules_say(db: Db) -> None:
    ids = await shop(db)
    await catalog.put_items(
        db, items=[catalog.Item(sku="NEW", name="NEW", weight_g=1, length_mm=1, width_mm=1, height_mm=1)]
    )
    rules = [
        SafetyRule(units=1),
        SafetyRule(units=2, node_id=ids["A"]),
        SafetyRule(units=3, sku="NEW"),
        SafetyRule(units=4, sku=SKU, node_id=ids["A"]),
    ]
    await limiting.secure(db, rules=rules)
    leg = Leg(node_id=ids["A"], sku="NEW", kind="received", on_hand=5)
    await inventory.post(db, postings=[Posting(cause_type="test", cause_id=None, legs=(leg,))])
    found = await reading.levels(db, skus=["NEW", SKU, OTHER])
    assert {(level.sku, level.node_id): level.safety_stock for level in found} == {
        ("NEW", ids["A"]): 3,
        (SKU, ids["A"]): 4,
        (SKU, ids["B"]): 1,
        (OTHER, ids["A"]): 2,
        (OTHER, ids["B"]): 1,
    }
