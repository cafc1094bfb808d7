"""Scanning: right units count, wrong ones are refused with the way out, and each scan is on record."""

import pytest

from orderloom.orders import holds
from orderloom.packing.model import Accepted, Refused
from orderloom.packing.packages import close_package
from orderloom.packing.scanning import scan, take_back
from orderloom.packing.work import NoSuchWork
from orderloom.terms import Quantities, Rank, new_id
from tests.store.packing import released as world
from tests.store.packing.released import MUG_GTIN


async def pick(db, put, code, quantity=None):
    return await scan(db, fulfillment_id=put.fulfillment, kind="pick", code=code, quantity=quantity)


async def pack(db, put, code, quantity=None, package=None):
    return await scan(
        db, fulfillment_id=put.fulfillment, kind="pack", code=code, quantity=quantity, package=package
    )


class TestPicking:
    async def test_the_first_scan_begins_the_work_and_the_last_completes_it(self, db):
        put = await world.released(db, ("MUG", 1), ("TEA", 2))
        first = await pick(db, put, "MUG")
        assert (first.done, first.remaining) == (Quantities({"MUG": 1}), Quantities({"TEA": 2}))
        assert await world.ranks(db, put) == {Rank.PICKING: 3}
        last = await pick(db, put, "TEA", 2)
        assert last.complete
        assert await world.ranks(db, put) == {Rank.PICKED: 3}
        assert [t for t in await world.told(db, put) if t != "fulfillment.scanned"] == [
            "fulfillment.picking",
            "fulfillment.picked",
        ]

    async def test_a_scan_taken_back_is_wanted_again(self, db):
        put = await world.released(db, ("TEA", 2))
        await pick(db, put, "TEA")
        back = await take_back(db, fulfillment_id=put.fulfillment, kind="pick", sku="TEA")
        assert back.remaining == {"TEA": 2}
        again = await take_back(db, fulfillment_id=put.fulfillment, kind="pick", sku="TEA")
        assert again.code == "not_scanned"


@pytest.mark.parametrize(
    "code",
    [
        "MUG",
        MUG_GTIN,
        "0" + MUG_GTIN,
        "01" + "0" + MUG_GTIN,
        f"]C1010{MUG_GTIN}10LOT7",
        f"]E0{MUG_GTIN}",
        f" {MUG_GTIN} ",
    ],
    ids=["sku", "gtin13", "gtin14", "gs1", "gs1-128", "ean13", "with spaces"],
)
async def test_an_item_is_known_by_any_of_its_codes(db, code):
    put = await world.released(db, ("MUG", 1))
    assert (await pack(db, put, code)).sku == "MUG"


async def test_a_code_may_say_how_many_units_it_stands_for(db):
    put = await world.released(db, ("MUG", 8))
    assert (await pick(db, put, f"]C1020{MUG_GTIN}376")).quantity == 6


class TestRefusals:
    async def test_an_item_not_ordered(self, db):
        put = await world.released(db, ("MUG", 2))
        refused = await pack(db, put, "BOOK")
        assert refused.code == "wrong_item"
        assert "wants 2 of MUG: put it back" in refused.message

    async def test_an_item_not_ordered_by_its_gtin(self, db):
        put = await world.released(db, ("MUG", 2))
        assert (await pack(db, put, "036000291452")).code == "wrong_item"

    async def test_one_too_many(self, db):
        put = await world.released(db, ("MUG", 2))
        await pack(db, put, "MUG", 2)
        refused = await pack(db, put, "MUG")
        assert refused.code == "surplus"
        assert "2 of MUG are ordered and 2 packed already" in refused.message

    @pytest.mark.parametrize(
        ("code", "looks_like"),
        [
            ("4006381333930", "a GTIN with a wrong check digit"),
            ("340123450000000017", "an SSCC"),
            ("XYZ", "a SKU"),
            ("FO-500001", "one of our own numbers"),
            ("1Z999AA10123456784", "a UPS tracking number"),
            ("]C1999", "a barcode of the kind ]C1"),
            ("  ", "nothing"),
        ],
    )
    async def test_an_unknown_code_says_what_it_looks_like(self, db, code, looks_like):
        put = await world.released(db, ("MUG", 2))
        refused = await pack(db, put, code)
        assert refused.code == "unknown_code"
        assert looks_like in refused.message

    async def test_on_hold_until_the_hold_is_cleared(self, db):
        put = await world.released(db, ("MUG", 1))
        held = await world.hold(db, put)
        assert (await pick(db, put, "MUG")).code == "on_hold"
        await holds.clear(db, hold_id=held)
        assert isinstance(await pick(db, put, "MUG"), Accepted)

    async def test_packed_already(self, db):
        put = await world.released(db, ("MUG", 1), rank=Rank.PACKED)
        assert (await pack(db, put, "MUG")).code == "closed"

    async def test_into_a_closed_package(self, db):
        put = await world.released(db, ("MUG", 2))
        await pack(db, put, "MUG")
        await close_package(db, fulfillment_id=put.fulfillment, package=1, carton="S")
        refused = await pack(db, put, "MUG", package=1)
        assert (refused.code, refused.message) == ("package_closed", "package 1 is closed: begin another, 2")
        assert (await pack(db, put, "MUG")).package == 2

    async def test_no_unit_at_all(self, db):
        put = await world.released(db, ("MUG", 2))
        assert (await pack(db, put, "MUG", 0)).code == "no_quantity"

    async def test_are_on_record_too(self, db):
        put = await world.released(db, ("MUG", 1))
        await pack(db, put, "BOOK")
        await pack(db, put, "MUG")
        rows = await db.fetch(
            "SELECT kind, code, sku, quantity, accepted, refusal, actor FROM packing.scans "
            "WHERE fulfillment_id = $1 ORDER BY id",
            put.fulfillment,
        )
        assert [tuple(row) for row in rows] == [
            ("pack", "BOOK", "BOOK", 1, False, "wrong_item", "system"),
            ("pack", "MUG", "MUG", 1, True, None, "system"),
        ]
        assert "fulfillment.scan_refused" in await world.told(db, put)
        assert await world.violations(db) == []

    async def test_of_work_that_is_not_there(self, db):
        with pytest.raises(NoSuchWork):
            await scan(db, fulfillment_id=new_id(), kind="pick", code="MUG")


class TestPacking:
    async def test_two_lines_of_one_item_fill_in_turn(self, db):
        put = await world.released(db, ("MUG", 1), ("MUG", 2))
        await pack(db, put, "MUG", 2)
        await pack(db, put, "MUG")
        rows = await db.fetch(
            "SELECT line_id, quantity FROM packing.package_items WHERE sku = 'MUG' AND line_id = ANY($1::uuid[])",
            put.lines,
        )
        assert {row["line_id"]: row["quantity"] for row in rows} == dict(zip(put.lines, (1, 2), strict=True))
        assert await world.violations(db) == []

    async def test_a_unit_can_be_taken_out_again(self, db):
        put = await world.released(db, ("MUG", 2))
        await pack(db, put, "MUG", 2)
        back = await take_back(
            db, fulfillment_id=put.fulfillment, kind="pack", sku="MUG", quantity=2, package=1
        )
        assert back.remaining == {"MUG": 2}
        assert await world.violations(db) == []
        assert isinstance(
            await take_back(db, fulfillment_id=put.fulfillment, kind="pack", sku="MUG", package=1), Refused
        )

    async def test_packages_are_numbered_as_the_packer_says(self, db):
        put = await world.released(db, ("MUG", 2))
        assert (await pack(db, put, "MUG", package=1)).package == 1
        assert (await pack(db, put, "MUG", package=2)).package == 2
