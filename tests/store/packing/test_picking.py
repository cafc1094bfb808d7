"""Waves, pick lists, short picks."""

from orderloom.packing.packages import close_package
from orderloom.packing.picking import create_wave, pick_as_listed, pick_list, report_short
from orderloom.packing.scanning import scan
from orderloom.terms import Rank, new_id
from tests.store.packing import released as world


async def short(db, put, sku, quantity):
    return await report_short(
        db, fulfillment_id=put.fulfillment, sku=sku, quantity=quantity, reason="not on the shelf"
    )


class TestWaves:
    async def test_its_work_is_being_picked(self, db):
        at = await world.house(db)
        one, two = await world.released(db, ("MUG", 1), at=at), await world.released(db, ("TEA", 2), at=at)
        wave = await create_wave(db, node_id=at[0], fulfillment_ids=[one.fulfillment, two.fulfillment])
        assert wave.fulfillments == (one.fulfillment, two.fulfillment)
        assert wave.number.startswith("W-")
        assert await world.ranks(db, two) == {Rank.PICKING: 2}

    async def test_what_cannot_join_is_named(self, db):
        at = await world.house(db)
        good, held = await world.released(db, ("MUG", 1), at=at), await world.released(db, ("MUG", 1), at=at)
        await world.hold(db, held)
        elsewhere = await world.released(db, ("MUG", 1), at=((await world.house(db))[0], at[1]))
        nowhere = new_id()
        first = await create_wave(db, node_id=at[0], fulfillment_ids=[good.fulfillment])
        assert not first.left_out
        works = [good.fulfillment, held.fulfillment, elsewhere.fulfillment, nowhere]
        wave = await create_wave(db, node_id=at[0], fulfillment_ids=works)
        assert wave.fulfillments == ()
        assert [wave.left_out[work].code for work in works] == ["in_wave", "on_hold", "elsewhere", "unknown"]

    async def test_its_list_sums_items_and_says_for_whom(self, db):
        at = await world.house(db)
        one = await world.released(db, ("TEA", 1), ("MUG", 1), at=at)
        two = await world.released(db, ("TEA", 2), at=at)
        wave = await create_wave(db, node_id=at[0], fulfillment_ids=[one.fulfillment, two.fulfillment])
        await scan(db, fulfillment_id=two.fulfillment, kind="pick", code="TEA")
        rows = await pick_list(db, wave_id=wave.id)
        assert [(row.sku, row.name, row.quantity, row.picked) for row in rows] == [
            ("MUG", "Mug", 1, 0),
            ("TEA", "Tea", 3, 1),
        ]
        assert sorted(rows[1].fulfillments.values()) == [1, 2]

    async def test_a_node_that_does_not_scan_says_all_is_picked(self, db):
        at = await world.house(db)
        put, held = await world.released(db, ("TEA", 2), at=at), await world.released(db, ("TEA", 2), at=at)
        await world.hold(db, held)
        refused = await pick_as_listed(db, fulfillment_ids=[put.fulfillment, held.fulfillment])
        assert {work: why.code for work, why in refused.items()} == {held.fulfillment: "on_hold"}
        assert await world.ranks(db, put) == {Rank.PICKED: 2}
        assert await world.ranks(db, held) == {Rank.RELEASED: 2}


class TestShort:
    async def test_the_missing_units_leave_and_stock_is_to_be_corrected(self, db):
        put = await world.released(db, ("MUG", 3))
        answer = await short(db, put, "MUG", 2)
        assert (answer.node_id, answer.sku, answer.quantity) == (put.node, "MUG", 2)
        assert await world.ranks(db, put) == {Rank.SHORT: 2, Rank.RELEASED: 1}
        assert (await world.told(db, put))[-1] == "fulfillment.short"

    async def test_what_is_left_may_be_picked_with_that(self, db):
        put = await world.released(db, ("MUG", 1), ("TEA", 1))
        await scan(db, fulfillment_id=put.fulfillment, kind="pick", code="TEA")
        await short(db, put, "MUG", 1)
        assert await world.ranks(db, put) == {Rank.SHORT: 1, Rank.PICKED: 1}

    async def test_what_is_left_may_be_packed_with_that(self, db):
        put = await world.released(db, ("MUG", 1), ("TEA", 1))
        await scan(db, fulfillment_id=put.fulfillment, kind="pack", code="TEA")
        await close_package(db, fulfillment_id=put.fulfillment, package=1, carton="S")
        assert (await short(db, put, "MUG", 1)).complete
        assert await world.ranks(db, put) == {Rank.SHORT: 1, Rank.PACKED: 1}
        assert await world.violations(db) == []

    async def test_a_unit_picked_and_found_broken_is_short_too(self, db):
        put = await world.released(db, ("MUG", 2))
        await scan(db, fulfillment_id=put.fulfillment, kind="pick", code="MUG", quantity=2)
        assert (await short(db, put, "MUG", 1)).quantity == 1
        assert await world.ranks(db, put) == {Rank.SHORT: 1, Rank.PICKED: 1}
        (row,) = await pick_list(db, fulfillments=[put.fulfillment])
        assert (row.quantity, row.picked) == (1, 1)

    async def test_nothing_left_is_no_completion(self, db):
        put = await world.released(db, ("MUG", 1))
        assert not (await short(db, put, "MUG", 1)).complete

    async def test_no_more_than_is_still_to_be_packed(self, db):
        put = await world.released(db, ("MUG", 2))
        await scan(db, fulfillment_id=put.fulfillment, kind="pack", code="MUG")
        refused = await short(db, put, "MUG", 2)
        assert refused.code == "not_missing"
        assert "1 of MUG are still to be packed" in refused.message
        assert (await short(db, put, "BOOK", 1)).code == "not_missing"

    async def test_not_while_it_is_held(self, db):
        put = await world.released(db, ("MUG", 2))
        await world.hold(db, put)
        assert (await short(db, put, "MUG", 1)).code == "on_hold"
