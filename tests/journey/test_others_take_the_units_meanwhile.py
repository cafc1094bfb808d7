"""Between the plan and its binding somebody else takes what it was planned on."""

from __future__ import annotations

from orderloom.journey import sourcing
from orderloom.routing.store import decisions_of
from tests.journey.house import House


async def test_the_order_is_planned_again_and_its_neighbour_goes_on(house: House, monkeypatch) -> None:
    sku, other = house.item(0), house.item(1)
    # Kept where most is, and cheaper to ship from next to the buyer.
    await house.shelve(sku, {"RNO": 50, "DFW": 2})
    await house.shelve(other, {"DFW": 50})
    unlucky, neighbour = await house.place(house.draft({sku: 2}), house.draft({other: 1}))
    record, calls = sourcing._record, []

    async def while_it_is_written(*args):
        if not calls:
            await house.shelve(sku, {"RNO": 50})
        calls.append(set(args[3]))
        await record(*args)

    monkeypatch.setattr(sourcing, "_record", while_it_is_written)
    await house.settle_in_time()
    # First both together; then, with the stock bound first, the neighbour alone; the other one after a pause.
    assert calls == [{unlucky, neighbour}, {neighbour}, {unlucky}]
    assert await house.node_codes(neighbour) == ["DFW"]
    assert await house.node_codes(unlucky) == ["RNO"]
    assert (await house.level("DFW", sku)).allocated == 0
    async with house.database.transaction() as db:
        decisions = await decisions_of(db, unlucky)
    assert len(decisions) == 1, "what was not carried out is no decision"
    await house.sound()
