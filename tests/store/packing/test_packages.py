"""Packages: closed against their weight, or reported whole; what is scanned is what is packed."""

from orderloom.packing.packages import cancel_packages, close_package, pack_as_planned, packages_of
from orderloom.packing.scanning import scan
from orderloom.packing.store import cartons, plans_of, put_cartons, read_packages
from orderloom.terms import Dimensions, Rank, new_id
from tests.store.packing import released as world


async def packed_into_one(db, *wanted):
    put = await world.released(db, *wanted)
    for sku, quantity in wanted:
        await scan(db, fulfillment_id=put.fulfillment, kind="pack", code=sku, quantity=quantity, package=1)
    return put


async def close(db, put, package=1, carton="S", **said):
    return await close_package(db, fulfillment_id=put.fulfillment, package=package, carton=carton, **said)


class TestClosing:
    async def test_with_the_last_package_the_order_is_packed(self, db):
        put = await packed_into_one(db, ("MUG", 1), ("TEA", 1))
        closed = await close(db, put)
        assert closed.complete
        assert (closed.package.weight_g, closed.package.length_mm) == (350 + 120 + 100, 206)
        assert await world.ranks(db, put) == {Rank.PACKED: 2}
        assert await world.violations(db) == []
        assert (await world.told(db, put))[-2:] == ["package.packed", "fulfillment.packed"]

    async def test_before_the_last_it_is_not(self, db):
        put = await world.released(db, ("MUG", 2))
        await scan(db, fulfillment_id=put.fulfillment, kind="pack", code="MUG", package=1)
        assert not (await close(db, put)).complete
        await scan(db, fulfillment_id=put.fulfillment, kind="pack", code="MUG", package=2)
        assert await world.ranks(db, put) == {Rank.PICKING: 2}
        assert (await close(db, put, 2)).complete
        assert await world.violations(db) == []

    async def test_a_weight_that_is_off_stops(self, db):
        put = await packed_into_one(db, ("MUG", 1))
        refused = await close(db, put, weight_g=800)
        assert refused.code == "weight_off"
        assert "the contents come to 450 g" in refused.message
        assert (await close(db, put, weight_g=800, confirmed=True)).package.weight_g == 800

    async def test_a_weight_within_tolerance_is_kept_as_weighed(self, db):
        put = await packed_into_one(db, ("MUG", 1))
        assert (await close(db, put, weight_g=470)).package.weight_g == 470

    async def test_a_weight_the_carton_does_not_bear_stops(self, db):
        put = await packed_into_one(db, ("MUG", 1))
        assert (await close(db, put, weight_g=5_001)).code == "too_heavy"

    async def test_without_a_carton_the_size_must_be_said(self, db):
        put = await packed_into_one(db, ("POLE", 1))
        assert (await close(db, put, carton=None)).code == "no_size"
        closed = await close(db, put, carton=None, dimensions=Dimensions(1500, 30, 30))
        assert (closed.package.carton, closed.package.length_mm, closed.package.weight_g) == (None, 1500, 900)

    async def test_what_cannot_be_closed_says_why(self, db):
        put = await packed_into_one(db, ("MUG", 2))
        assert (await close(db, put, 2)).code == "no_package"
        assert "in use are L, S" in (await close(db, put, carton="XXL")).message
        await db.execute(
            "UPDATE orders.slices SET quantity = 1 WHERE order_id = $1", put.order
        )  # a unit was cancelled meanwhile
        assert "1 of MUG were taken from the order" in (await close(db, put)).message


class TestReportedWhole:
    async def test_packages_items_and_scans_follow_the_kept_plan(self, db):
        put = await world.released(db, ("MUG", 4), ("TEA", 3), ("MUG", 2))
        plan = await world.planned(db, put, {"MUG": 6, "TEA": 3})
        done = await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        boxes = done.packed[put.fulfillment]
        assert [box.carton for box in boxes] == [parcel.carton for parcel in plan.parcels]
        assert await packages_of(db, fulfillments=[put.fulfillment]) == {put.fulfillment: list(boxes)}
        assert await world.ranks(db, put) == {Rank.PACKED: 9}
        assert await world.violations(db) == []

    async def test_without_a_plan_one_is_made(self, db):
        put = await world.released(db, ("MUG", 1))
        await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        assert [
            p.carton for p in (await plans_of(db, fulfillments=[put.fulfillment]))[put.fulfillment].parcels
        ] == ["S"]

    async def test_a_plan_that_no_longer_covers_the_goods_is_made_anew(self, db):
        put = await world.released(db, ("MUG", 1))
        await world.planned(db, put, {"MUG": 9})
        done = await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        assert [box.contents for box in done.packed[put.fulfillment]] == [{"MUG": 1}]

    async def test_what_fits_no_carton_leaves_in_its_own_packaging(self, db):
        put = await world.released(db, ("POLE", 1), ("MUG", 1))
        done = await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        assert [(box.carton, box.contents) for box in done.packed[put.fulfillment]] == [
            (None, {"POLE": 1}),
            ("S", {"MUG": 1}),
        ]
        assert await world.violations(db) == []

    async def test_each_refusal_leaves_the_others_going_on(self, db):
        at = await world.house(db)
        good, held, begun, ended = [await world.released(db, ("TEA", 1), at=at) for _ in range(4)]
        await world.hold(db, held)
        await scan(db, fulfillment_id=begun.fulfillment, kind="pack", code="TEA")
        await db.execute("UPDATE orders.slices SET rank = 900 WHERE order_id = $1", ended.order)
        nowhere = new_id()
        works = [put.fulfillment for put in (good, held, begun, ended)]
        done = await pack_as_planned(db, fulfillment_ids=[*works, nowhere])
        assert set(done.packed) == {good.fulfillment}
        assert {work: refused.code for work, refused in done.refused.items()} == {
            held.fulfillment: "on_hold",
            begun.fulfillment: "begun",
            ended.fulfillment: "closed",
            nowhere: "unknown",
        }

    async def test_dangerous_goods_are_marked(self, db):
        put = await world.released(db, ("LAMP OIL", 1), ("TEA", 1))
        await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        boxes = (await packages_of(db, fulfillments=[put.fulfillment]))[put.fulfillment]
        assert {sku: (box.hazmat, box.dimensions.length) for box in boxes for sku in box.contents} == {
            "LAMP OIL": (True, 206),
            "TEA": (False, 206),
        }

    async def test_said_twice_it_happens_once(self, db):
        put = await world.released(db, ("MUG", 1))
        await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        again = await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        assert again.refused[put.fulfillment].code == "closed"
        assert [len(boxes) for boxes in (await packages_of(db, fulfillments=[put.fulfillment])).values()] == [
            1
        ]

    async def test_unpacked_again_it_holds_nothing(self, db):
        put = await world.released(db, ("MUG", 1))
        await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
        (cancelled,) = await cancel_packages(db, fulfillment_ids=[put.fulfillment])
        assert [p.status for p in await read_packages(db, ids=[cancelled])] == ["cancelled"]
        assert await packages_of(db, fulfillments=[put.fulfillment]) == {}
        assert await cancel_packages(db, fulfillment_ids=[put.fulfillment]) == []


class TestCartons:
    async def test_come_back_as_they_were_put(self, db):
        assert await put_cartons(db, cartons=world.CARTONS) == {"S", "L"}
        assert await cartons(db) == tuple(sorted(world.CARTONS, key=lambda carton: carton.code))

    async def test_put_again_nothing_changes(self, db):
        await put_cartons(db, cartons=world.CARTONS)
        assert await put_cartons(db, cartons=world.CARTONS) == set()
