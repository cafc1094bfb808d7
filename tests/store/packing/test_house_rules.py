"""A node's own cartons run out, and the house's rules are kept, most specific first."""

from orderloom.packing import close_package, pack_as_planned, packages_of, plans_of, put_node_cartons, store
from orderloom.packing.houserules import HouseRules, in_force
from orderloom.packing.landed import Costs
from orderloom.packing.model import PackRules
from orderloom.packing.scanning import scan
from orderloom.terms import Quantities, new_id
from tests.store.packing import released as world


async def planned(db, put):
    (plan,) = (await plans_of(db, fulfillments=[put.fulfillment])).values()
    return [parcel.carton for parcel in plan.parcels]


async def test_a_carton_used_up_is_offered_no_more_and_what_waits_for_it_is_planned_anew(db):
    at = await world.house(db)
    first, second = [await world.released(db, ("MUG", 1), at=at) for _ in range(2)]
    await put_node_cartons(db, node_id=at[0], stock={"S": 1, "L": None})
    for put in (first, second):
        assert [p.carton for p in (await world.planned(db, put, {"MUG": 1})).parcels] == ["S"]
    await pack_as_planned(db, fulfillment_ids=[first.fulfillment])
    assert await store.node_cartons(db, nodes=[at[0]]) == {at[0]: {"L": None, "S": 0}}
    assert await planned(db, first) == ["S"]
    assert await planned(db, second) == ["L"]
    assert await world.violations(db) == []


async def test_of_a_set_only_so_many_are_planned_into_a_carton_as_there_are(db):
    at = await world.house(db)
    put = await world.released(db, ("MUG", 2), at=at)
    await put_node_cartons(db, node_id=at[0], stock={"S": 1})
    plan = await world.planned(db, put, {"POLE": 1})
    assert [sku for sku, _ in plan.unpackable] == ["POLE"]
    await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
    boxes = (await packages_of(db, fulfillments=[put.fulfillment]))[put.fulfillment]
    assert sum((box.contents for box in boxes), Quantities()) == {"MUG": 2}
    assert sum(box.carton == "S" for box in boxes) <= 1


async def test_a_packer_may_know_better_than_the_count(db):
    put = await world.released(db, ("MUG", 1))
    await put_node_cartons(db, node_id=put.node, stock={"S": 0, "L": 5})
    await scan(db, fulfillment_id=put.fulfillment, kind="pack", code="MUG")
    await close_package(db, fulfillment_id=put.fulfillment, package=1, carton="S", confirmed=True)
    assert await store.node_cartons(db, nodes=[put.node]) == {put.node: {"L": 5, "S": 0}}


async def test_a_node_without_cartons_of_its_own_counts_none(db):
    put = await world.released(db, ("MUG", 1))
    await put_node_cartons(db, node_id=put.node, stock={"L": 5})
    assert [p.carton for p in (await world.planned(db, put, {"MUG": 1})).parcels] == ["L"]
    await put_node_cartons(db, node_id=put.node, stock={})
    assert [p.carton for p in (await world.planned(db, put, {"MUG": 1})).parcels] == ["S"]
    await pack_as_planned(db, fulfillment_ids=[put.fulfillment])
    assert await store.node_cartons(db, nodes=[put.node]) == {}


async def test_the_most_specific_rules_hold_whole(db):
    node, channel = await world.house(db)
    said = {
        (None, None): HouseRules(rules=PackRules(clearance_mm=1), landed=Costs(per_parcel=75)),
        (None, channel): HouseRules(rules=PackRules(clearance_mm=2, segregated=(("", "3"),))),
        (node, None): HouseRules(rules=PackRules(clearance_mm=3, limited_g={"3": 900})),
        (node, channel): HouseRules(rules=PackRules(clearance_mm=4)),
    }
    for (of_node, of_channel), rules in said.items():
        await store.put_house_rules(db, node_id=of_node, channel_id=of_channel, rules=rules)
    stored = await store.house_rules(db)
    assert {(one.node_id, one.channel_id): one.rules for one in stored} == said
    for (of_node, of_channel), rules in said.items():
        found = in_force(stored, node_id=of_node or new_id(), channel_id=of_channel or new_id())
        assert found == rules


async def test_rules_bind_what_is_planned(db):
    put = await world.released(db, ("MUG", 1))
    await store.put_house_rules(
        db, node_id=put.node, channel_id=None, rules=HouseRules(rules=PackRules(clearance_mm=40))
    )
    plan = await world.planned(db, put, {"MUG": 8})
    assert min(min(p.x, p.y, p.z) for parcel in plan.parcels for p in parcel.placements) == 40
