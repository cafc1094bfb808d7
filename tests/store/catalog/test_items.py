"""Items and kits in the database."""

from dataclasses import replace

from orderloom import catalog
from orderloom.catalog import Item
from orderloom.terms import Quantities

MUG = Item(sku="MUG", name="Mug", weight_g=400, length_mm=100, width_mm=90, height_mm=110, fragile=True)
BOX = Item(
    sku="BOX", name="Gift box", weight_g=100, length_mm=200, width_mm=200, height_mm=150, gtin="4006381333931"
)
SET = Item(
    sku="SET",
    name="Gift set",
    weight_g=0,
    length_mm=0,
    width_mm=0,
    height_mm=0,
    as_given={"weight": {"value": 1, "unit": "lb"}},
)


async def test_what_was_put_is_read_back(db):
    assert await catalog.put_items(db, items=[MUG, BOX, SET]) == {"MUG", "BOX", "SET"}
    assert await catalog.items_of(db, skus=["MUG", "SET", "?"]) == {"MUG": MUG, "SET": SET}
    assert await catalog.by_gtin(db, gtins=["4006381333931"]) == {"4006381333931": BOX}


async def test_putting_the_same_again_changes_nothing(db):
    await catalog.put_items(db, items=[MUG, BOX])
    assert await catalog.put_items(db, items=[MUG, BOX]) == set()
    assert (await catalog.items_of(db, skus=["MUG"]))["MUG"].version == 1


async def test_a_change_raises_the_version_by_one(db):
    await catalog.put_items(db, items=[MUG])
    assert await catalog.put_items(db, items=[replace(MUG, weight_g=410), BOX]) == {"MUG", "BOX"}
    mug = (await catalog.items_of(db, skus=["MUG"]))["MUG"]
    assert (mug.version, mug.weight_g, mug.id) == (2, 410, MUG.id)


async def test_of_two_alike_the_last_counts(db):
    await catalog.put_items(db, items=[MUG, replace(MUG, name="Cup")])
    assert (await catalog.items_of(db, skus=["MUG"]))["MUG"].name == "Cup"


async def test_kits_are_set_changed_and_taken_apart(db):
    await catalog.put_items(db, items=[MUG, BOX, SET])
    assert await catalog.put_kits(db, kits={"SET": {"MUG": 2, "BOX": 1}}) == {"SET"}
    assert await catalog.put_kits(db, kits={"SET": {"MUG": 2, "BOX": 1}}) == set()
    assert await catalog.kits_of(db, skus=["SET", "MUG"]) == {"SET": Quantities({"MUG": 2, "BOX": 1})}
    assert await catalog.put_kits(db, kits={"SET": {"MUG": 4}}) == {"SET"}
    assert await catalog.kits_of(db) == {"SET": Quantities({"MUG": 4})}
    assert (await catalog.items_of(db, skus=["SET"]))["SET"].version == 3
    assert await catalog.put_kits(db, kits={"SET": {}}) == {"SET"}
    assert await catalog.kits_of(db, skus=["SET"]) == {}
