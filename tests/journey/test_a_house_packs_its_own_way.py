"""Rules, costs and a node's own cartons bind what is planned at release, and cartons run out as parcels are closed."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from orderloom import network, packing, routing
from orderloom.journey import boxing, deciding, working
from orderloom.packing import store
from orderloom.packing.houserules import HouseRules
from orderloom.packing.landed import Costs
from orderloom.packing.model import PackPlan, PackRules
from tests.journey.house import House


async def test_work_is_planned_by_the_rules_into_the_cartons_its_node_has(house: House) -> None:
    sku = house.item()
    await house.shelve(sku, {"RNO": 9})
    [node] = [n.id for n in house.world.nodes if n.code == "RNO"]
    async with house.database.transaction() as db:
        rules = HouseRules(rules=PackRules(clearance_mm=5), landed=Costs(fill_per_litre=3, per_parcel=75))
        await store.put_house_rules(db, node_id=None, channel_id=None, rules=rules)
        await packing.put_node_cartons(db, node_id=node, stock={"L": 1, "CUBE": None})
    orders = [await house.place(house.draft({sku: 1})) for _ in range(2)]
    await house.settle()
    works = [(await house.works(order))[0].id for [order] in orders]
    async with house.database.transaction() as db:
        plans = await packing.plans_of(db, fulfillments=works)
        for plan in plans.values():
            [parcel] = plan.parcels
            assert min(min(p.x, p.y, p.z) for p in parcel.placements) >= 5
        first, second = sorted(works, key=lambda work: plans[work].parcels[0].carton != "L")
        await packing.pick_as_listed(db, fulfillment_ids=works)
        await working.pack(db, works=[first])
        # Whatever was planned before, there is no other left.
        assert (await store.node_cartons(db, nodes=[node]))[node] == {"CUBE": None, "L": 0}
        [parcel] = (await packing.plans_of(db, fulfillments=[second]))[second].parcels
        assert parcel.carton == "CUBE"
        await working.pack(db, works=[second])
    await house.settle()
    await house.sound()


async def test_routing_prices_what_the_node_will_pack_and_passes_one_without_cartons_by(house: House) -> None:
    skus = [house.item(at) for at in range(3)]
    for sku in skus:
        await house.shelve(sku, {"RNO": 9, "ATL": 9})
    codes = {node.code: node.id for node in house.world.nodes}
    async with house.database.transaction() as db:
        rules = HouseRules(rules=PackRules(clearance_mm=15))
        await store.put_house_rules(db, node_id=None, channel_id=None, rules=rules)
        await store.put_house_rules(
            db, node_id=codes["ATL"], channel_id=None, rules=HouseRules(rules=PackRules(centred=True))
        )
        await packing.put_node_cartons(db, node_id=codes["RNO"], stock={"S": 0})
        await packing.put_node_cartons(db, node_id=codes["ATL"], stock={"CUBE": None, "L": 1, "M": 0})
    [order] = await house.place(house.draft(dict.fromkeys(skus, 1)))
    await house.settle()
    [work] = await house.works(order)
    async with house.database.transaction() as db:
        record = (await routing.last_decisions(db, orders=[order]))[order]
        [planned] = (await packing.plans_of(db, fulfillments=[work.id])).values()
        again = await deciding.replay(db, decision_id=record["id"])
    assert work.node_id == codes["ATL"]
    asked = {node["node"]: node for node in record["request"]["nodes"]}
    assert asked["ATL"]["cartons"] == {"CUBE": None, "L": 1, "M": 0}
    assert asked["ATL"]["packing"]["centred"]
    assert record["request"]["packing"]["clearance_mm"] == 15
    [told] = [one for one in again.answer["candidates"] if one["node"] == "RNO"]
    assert told["reasons"] == ["no service carries it: no carton is left there that takes it"]
    promised = record["answer"]["plan"]["shipments"][0]["parcels"]
    assert [(p["carton"], p["contents"], p["weight_g"]) for p in promised] == [
        (p.carton, dict(p.contents), p.weight_g) for p in planned.parcels
    ]
    assert again is not None
    assert again.same
    await house.sound()


async def test_what_routing_foresaw_is_what_release_packs_by_either_aim(house: House) -> None:
    skus = [house.item(at) for at in range(4)]
    for sku in skus:
        await house.shelve(sku, {"RNO": 99, "ATL": 99})
    baskets = [dict.fromkeys(skus[:n], units) for n in (1, 2, 4) for units in (1, 3)]
    cartons = {}
    for aim in (None, Costs(fill_per_litre=2, per_parcel=10)):
        async with house.database.transaction() as db:
            await store.put_house_rules(db, node_id=None, channel_id=None, rules=HouseRules(landed=aim))
        orders = await house.place(*[house.draft(basket) for basket in baskets])
        await house.settle()
        works = [work for order in orders for work in await house.works(order)]
        async with house.database.transaction() as db:
            records = await routing.last_decisions(db, orders=orders)
            plans = await packing.plans_of(db, fulfillments=[work.id for work in works])
            replays = [await deciding.replay(db, decision_id=records[order]["id"]) for order in orders]
            nodes = {node.id: node.code for node in (await network.nodes_of(db)).values()}
        foreseen = {
            (order, part["node"]): [(p["carton"], p["contents"], p["weight_g"]) for p in part["parcels"]]
            for order in orders
            for part in records[order]["answer"]["plan"]["shipments"]
        }
        assert foreseen == {
            (work.order_id, nodes[work.node_id]): [
                (p.carton, dict(p.contents), p.weight_g) for p in plans[work.id].parcels
            ]
            for work in works
        }
        assert all(again is not None and again.same for again in replays)
        cartons[aim] = list(foreseen.values())
    # Two aims, and not the same cartons for all.
    assert cartons[None] != cartons[aim]
    await house.sound()


async def test_what_is_planned_anew_at_the_least_landed_cost_is_what_the_next_order_is_planned_as(
    house: House,
) -> None:
    skus = [house.item(at) for at in range(4)]
    for sku in skus:
        await house.shelve(sku, {"RNO": 99})
    [node] = [n.id for n in house.world.nodes if n.code == "RNO"]
    baskets = [dict.fromkeys(skus[:n], units) for n in (1, 2) for units in (3, 7, 11)]
    async with house.database.transaction() as db:
        every = dict.fromkeys((carton.code for carton in await packing.cartons(db)), None)
        rules = HouseRules(landed=Costs(fill_per_litre=40))
        await store.put_house_rules(db, node_id=None, channel_id=None, rules=rules)
    before = await _planned(house, baskets)
    gone = Counter(p.carton for _, plan in before.values() for p in plan.parcels).most_common(1)[0][0]
    async with house.database.transaction() as db:
        await packing.put_node_cartons(db, node_id=node, stock={**every, gone: 0}, prices=boxing.prices)
        anew = await packing.plans_of(db, fulfillments=list(before))
    after = await _planned(house, baskets)
    pairs = [
        (anew[work].parcels, mine.parcels)
        for (work, (way, plan)), (other, mine) in zip(before.items(), after.values(), strict=True)
        if way == other and gone in [parcel.carton for parcel in plan.parcels]
    ]
    assert pairs
    assert all(one == mine for one, mine in pairs)
    await house.sound()


async def _planned(house: House, baskets: list[dict[str, int]]) -> dict[UUID, tuple[object, PackPlan]]:
    """By work its service and its plan, in the order of the baskets."""
    orders = await house.place(*[house.draft(basket) for basket in baskets])
    await house.settle()
    works = [work for order in orders for work in await house.works(order)]
    async with house.database.transaction() as db:
        plans = await packing.plans_of(db, fulfillments=[work.id for work in works])
    return {work.id: ((work.carrier, work.service), plans[work.id]) for work in works}
