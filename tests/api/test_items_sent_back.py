"""What is told of an item may be sent back as it stands, changed or not."""

from tests.api.shop import item


async def test_an_item_goes_to_and_fro(shop):
    await shop.ok("PUT", "/v1/items/MUG", item("Mug", handling={"max_load_g": 2000}, fragile=True))
    for sku in ("MUG", "SET"):
        told = await shop.ok("GET", f"/v1/items/{sku}")
        assert await shop.ok("PUT", f"/v1/items/{sku}", told) == told
    every = (await shop.ok("GET", "/v1/items"))["data"]
    assert (await shop.ok("POST", "/v1/items/batch", {"items": every}))["changed"] == []

    mug = await shop.ok("GET", "/v1/items/MUG")
    changed = await shop.ok("PUT", "/v1/items/MUG", {**mug, "name": "Big mug"})
    assert (changed["name"], changed["version"]) == ("Big mug", mug["version"] + 1)
    late = await shop.put("/v1/items/MUG", json={**mug, "name": "Small mug"})
    assert (late.status_code, late.json()["code"]) == (412, "version_moved")
    late = await shop.post("/v1/items/batch", {"items": [mug]})
    assert (late.status_code, late.json()["code"]) == (412, "version_moved")
    elsewhere = await shop.put("/v1/items/LAMP", json=changed)
    assert elsewhere.json()["errors"][0]["code"] == "another_sku"
