"""An operator pauses, resumes, skips and rewinds an order, each with a reason on record."""

from __future__ import annotations

import pytest

from orderloom.journey.order import ORDER
from orderloom.journey.steering import steer
from orderloom.plumbing.journeys import IllegalMove
from orderloom.terms import Rank
from tests.journey.house import House


async def steered(house: House, order_id: object, verb: str, **more: object) -> object:
    async with house.database.transaction() as db:
        return await steer(db, journey=ORDER, subject=order_id, verb=verb, reason="says Op", **more)


async def test_a_paused_order_stands_still_until_it_is_resumed(house: House) -> None:
    [order_id] = await house.place(house.draft())
    await steered(house, order_id, "pause")
    await house.settle()
    assert (await house.order(order_id)).status == "reserved"
    await steered(house, order_id, "resume")
    await house.settle()
    assert (await house.order(order_id)).status == "released"
    assert {"journey.paused", "journey.resumed"} <= set(await house.told(order_id))
    await house.sound()


async def test_an_order_rewound_is_routed_and_packed_anew(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5, "ATL": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    await house.pack(order_id)
    [label] = await house.labels(order_id)
    [first] = await house.works(order_id)
    await steered(house, order_id, "rewind", to="route")
    await house.settle()
    assert await house.ranks(order_id) == {Rank.RELEASED: 2}
    old, new = sorted(await house.works(order_id), key=lambda w: w.id != first.id)
    assert (old.status, new.status) == ("cancelled", "open")
    assert [x.id for x in await house.labels(order_id, ("voided",))] == [label.id]
    await house.ship(order_id)
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    assert (await house.money(order_id)) == {"authorize": [order.total], "capture": [order.total]}
    assert len([x for x in await house.letters(order.number) if "confirmed" in x]) == 1
    await house.sound()


async def test_what_a_carrier_has_is_not_rewound(house: House) -> None:
    mug, lamp = house.item(0), house.item(1)
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(lamp, {"ATL": 5})
    [order_id] = await house.place(house.draft({mug: 1, lamp: 1}))
    await house.settle()
    await house.pack(order_id)
    first, second = await house.labels(order_id)
    await house.scan([first], "in_transit")
    await steered(house, order_id, "rewind", to="release")
    await house.settle()
    assert (await house.ranks(order_id)) == {Rank.SHIPPED: 1, Rank.RELEASED: 1}
    assert [x.id for x in await house.labels(order_id, ("voided",))] == [second.id]
    await house.sound()


async def test_a_step_is_skipped(house: House) -> None:
    total = house.draft().computed_total
    from orderloom.orders.model import TenderDraft

    card = TenderDraft(method="card", token="tok_decline", amount=total)
    [order_id] = await house.place(house.draft(tenders=(card,)))
    await house.settle()
    assert (await house.at(order_id)).step == "authorize"
    await steered(house, order_id, "skip")
    await house.settle()
    assert (await house.order(order_id)).status == "released"
    await house.sound()


async def test_what_has_ended_is_not_steered(house: House) -> None:
    [order_id] = await house.bring(house.draft())
    for verb in ("pause", "resume", "retry", "skip"):
        with pytest.raises(IllegalMove):
            await steered(house, order_id, verb)
    await house.sound()
