"""How a house packs, over the API: a node's cartons, bags, rules by node and channel, and what a question says of items."""

from orderloom.routing import examples

BAG = {
    edge: {"value": inches, "unit": "in"} for edge, inches in (("length", 20), ("width", 15), ("height", 6))
}


async def test_cartons_of_a_node_and_rules_hold_in_a_question_asked_of_it(shop):
    for code, inches in (("BOX-S", 10.5), ("BOX-L", 20)):
        size = {edge: {"value": inches, "unit": "in"} for edge in ("length", "width", "height")}
        said = {**examples.PACK["cartons"][0], "inner": size, "outer": size}
        del said["code"]
        made = await shop.ok("PUT", f"/v1/cartons/{code}", {**said, "name": code})
        # An inside is never rounded up: 10.5 in are 266.7 mm.
        assert made["inner_mm"] == [int(inches * 25.4)] * 3
    unknown = await shop.put("/v1/nodes/EAST/cartons", json={"cartons": [{"carton": "NONE"}]})
    assert unknown.json()["errors"][0]["code"] == "unknown_carton"
    body = {"cartons": [{"carton": "BOX-L", "stock": 2}, {"carton": "BOX-S", "stock": 0}]}
    assert (await shop.ok("PUT", "/v1/nodes/EAST/cartons", body))["node"] == "EAST"
    asked = {"lines": [{"sku": "MUG"}]}

    async def packed(**more):
        found = await shop.ok("POST", "/v1/decisions/pack", {**asked, **more})
        [parcel] = found["answer"]["parcels"]
        return parcel["carton"], min(parcel["placements"][0][1:4])

    assert await packed() == ("BOX-S", 0)
    assert await packed(node="EAST") == ("BOX-L", 0)
    rules = await shop.ok("PUT", "/v1/pack-rules", {"node": "EAST", "clearance_mm": 12, "landed": {}})
    assert (rules["node"], rules["version"], rules["rules"]["landed"]["per_parcel"]) == ("EAST", 1, 0)
    again = await shop.ok("PUT", "/v1/pack-rules", {"node": "EAST", "clearance_mm": 12, "landed": {}})
    assert again == rules
    assert [one["id"] for one in (await shop.ok("GET", "/v1/pack-rules"))["data"]] == [rules["id"]]
    assert await packed(node="EAST") == ("BOX-L", 12)
    assert await packed(node="EAST", rules={"clearance_mm": 3}) == ("BOX-L", 3)
    full = await shop.ok("POST", "/v1/decisions/pack", {**asked, "rules": {"fill_permille": 1}})
    assert full["answer"]["parcels"] == []
    middle = {**asked, "rules": {"off_centre_permille": 0}}
    [parcel] = (await shop.ok("POST", "/v1/decisions/pack", middle))["answer"]["parcels"]
    _, x, _, _, length, _, _ = parcel["placements"][0]
    assert abs(2 * x + length - parcel["inner_mm"][0]) <= 1
    assert (await shop.delete(f"/v1/pack-rules/{rules['id']}")).status_code == 204
    assert await packed(node="EAST") == ("BOX-L", 0)


async def test_a_question_says_how_items_are_handled_and_which_cartons_are_bags(shop):
    [item] = [one for one in examples.PACK["items"] if one["sku"] == "MUG"]
    asked = {**examples.PACK, "lines": [{"sku": "MUG", "quantity": 2}]}

    async def packed(handling, cartons=asked["cartons"], **flags):
        said = {**asked, "items": [{**item, **flags, "handling": handling}], "cartons": cartons}
        return (await shop.ok("POST", "/v1/decisions/pack", said))["answer"]["parcels"]

    assert len(await packed({})) == 1
    assert [parcel["carton"] for parcel in await packed({"own_container": True})] == [None, None]
    bag = {**asked["cartons"][0], "code": "BAG", "inner": BAG, "outer": BAG, "flexible": True}
    [parcel] = await packed({"compressed_mm": 10}, cartons=[bag], fragile=False)
    assert (parcel["carton"], {unit[6] for unit in parcel["placements"]}) == ("BAG", {10})
    assert await packed({}, cartons=[{**asked["cartons"][0], "stock": 0}]) == []
