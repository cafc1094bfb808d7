"""A kit explodes into its components: all of them ship, and their money is the kit's to the cent."""

from __future__ import annotations

from dataclasses import replace

from orderloom import catalog
from orderloom.journey.placing import place
from orderloom.orders.model import LineDraft, Refused, TenderDraft
from orderloom.terms import Rank
from tests.journey.house import House


def kit_of(house: House) -> tuple[str, dict[str, int]]:
    plain = {i.sku for i in house.world.items if not i.hazmat_class and not i.ships_alone}
    return next((sku, dict(parts)) for sku, parts in sorted(house.world.kits.items()) if set(parts) <= plain)


def draft_of(house: House, kit: str, units: int = 1, **more: object) -> object:
    line = LineDraft(sku=kit, quantity=units, unit_price=2999, discount=100, tax=241)
    total = line.total + 499
    card = TenderDraft(method="card", token="tok_ok", amount=total)
    return house.draft(lines_=(line,), tenders=(card,), total=total, **more)


async def test_a_kit_ships_as_its_components(house: House) -> None:
    kit, parts = kit_of(house)
    for sku, units in parts.items():
        await house.shelve(sku, {"RNO": units * 2})
    [order_id] = await house.bring(draft_of(house, kit, 2))
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert await house.ranks(order_id) == {Rank.DELIVERED: 2 * sum(parts.values())}
    assert sum((await house.money(order_id))["capture"]) == order.total
    lines = await house.lines(order_id)
    assert lines[kit].is_kit
    assert sum(line.total for line in lines.values() if not line.is_kit) == lines[kit].total
    for sku in parts:
        assert (await house.level("RNO", sku)).on_hand == 0
    await house.sound()


async def test_a_kit_short_of_one_component_is_refused_whole(house: House) -> None:
    kit, parts = kit_of(house)
    scarce, *rest = sorted(parts)
    await house.shelve(scarce, {})
    async with house.database.transaction() as db:
        [refused] = await place(db, drafts=[draft_of(house, kit)])
    assert isinstance(refused, Refused)
    assert refused.short
    assert refused.available == {scarce: 0}
    assert f"0 of {scarce} (a part of {kit}) are left for" in refused.faults[0].message
    for sku in rest:
        async with house.database.transaction() as db:
            assert not await db.fetchval("SELECT sum(reserved) FROM inventory.stock WHERE sku = $1", sku)
    await house.sound()


async def test_a_component_sold_ahead_is_waited_for_and_the_kit_leaves_whole(house: House) -> None:
    kit, parts = kit_of(house)
    scarce, *rest = sorted(parts)
    async with house.database.transaction() as db:
        item = (await catalog.items_of(db, skus=[scarce]))[scarce]
        await catalog.put_items(db, items=[replace(item, backorder="always")])
    await house.shelve(scarce, {})
    for sku in rest:
        await house.shelve(sku, {"RNO": parts[sku]})
    [order_id] = await house.place(draft_of(house, kit))
    await house.settle()
    assert set(await house.ranks(order_id)) == {Rank.RESERVED, Rank.BACKORDERED}
    assert (await house.at(order_id)).step == "reserve"
    await house.shelve(scarce, {"RNO": parts[scarce]})
    await house.settle()
    assert set(await house.ranks(order_id)) == {Rank.RELEASED}
    await house.sound()


async def test_where_shortage_is_accepted_the_missing_component_follows(house: House) -> None:
    kit, parts = kit_of(house)
    scarce, *rest = sorted(parts)
    await house.shelve(scarce, {})
    for sku in rest:
        await house.shelve(sku, {"RNO": parts[sku]})
    [order_id] = await house.place(draft_of(house, kit, channel="market"))
    await house.settle()
    await house.ship(order_id)
    assert (await house.order(order_id)).payment_status == "partially_paid"
    await house.shelve(scarce, {"ATL": parts[scarce]})
    await house.settle()
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert order.lifecycle == "closed"
    assert sum((await house.money(order_id))["capture"]) == order.total
    await house.sound()
