"""Pick and pack by scan: the right item counts, the wrong, the surplus and the unknown are refused."""

from __future__ import annotations

from datetime import UTC, datetime

from orderloom.journey import working
from orderloom.packing.model import Accepted, Closed, Refused
from orderloom.terms import Rank
from tests.journey.house import House


async def test_a_work_is_scanned_from_bin_to_box(house: House) -> None:
    mug, lamp, other = (house.item(n) for n in range(3))
    gtins = {i.sku: i.gtin for i in house.world.items}
    await house.shelve(mug, {"RNO": 5})
    await house.shelve(lamp, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2, lamp: 1}))
    await house.settle()
    [work] = await house.works(order_id)

    async def scan(kind: str, code: str, quantity: int | None = None) -> Accepted | Refused:
        async with house.database.transaction() as db:
            return await working.scan(
                db, work=work.id, kind=kind, code=code, quantity=quantity, now=datetime.now(UTC)
            )

    wrong = await scan("pick", other)
    assert (type(wrong), wrong.code) == (Refused, "wrong_item")
    unknown = await scan("pick", "4006381333931")
    assert (type(unknown), unknown.code) == (Refused, "unknown_code")
    assert isinstance(await scan("pick", gtins[mug] or mug), Accepted)
    surplus = await scan("pick", mug, 2)
    assert (type(surplus), surplus.code) == (Refused, "surplus")
    await house.settle()
    assert (await house.at(work.id)).step == "pick"
    assert isinstance(await scan("pick", mug), Accepted)
    done = await scan("pick", lamp)
    assert isinstance(done, Accepted)
    assert done.complete
    await house.settle()
    assert (await house.at(work.id)).step == "pack"
    assert await house.ranks(order_id) == {Rank.PICKED: 3}
    for sku in (mug, mug, lamp):
        assert isinstance(await scan("pack", sku), Accepted)
    async with house.database.transaction() as db:
        closed = await working.close_package(db, work=work.id, package=1, carton="CUBE", confirmed=True)
    assert isinstance(closed, Closed)
    assert closed.complete
    await house.settle()
    assert (await house.at(work.id)).step == "dispatch"
    await house.collect()
    await house.deliver(order_id)
    order = await house.order(order_id)
    assert (order.lifecycle, order.payment_status) == ("closed", "paid")
    await house.sound()


async def test_a_quantity_cancelled_under_the_stations_hands_is_taken_out(house: House) -> None:
    mug = house.item()
    await house.shelve(mug, {"RNO": 5})
    [order_id] = await house.place(house.draft({mug: 2}))
    await house.settle()
    [work] = await house.works(order_id)
    async with house.database.transaction() as db:
        await working.scan(db, work=work.id, kind="pick", code=mug, quantity=2, now=datetime.now(UTC))
        await working.scan(db, work=work.id, kind="pack", code=mug, quantity=2, now=datetime.now(UTC))
    line = (await house.lines(order_id))[mug].id
    said = await house.cancel(order_id, {line: 1})
    # The node has begun without saying yes: it is asked all the same.
    assert said.requested.units() == 1
    async with house.database.transaction() as db:
        from orderloom import packing
        from orderloom.journey.cancelling import answer_request

        assert await answer_request(db, work=work.id, accept=True, reason="taken out")
        full = await working.close_package(db, work=work.id, package=1, carton="CUBE", confirmed=True)
        assert isinstance(full, Refused)
        assert full.code == "surplus"
        await packing.take_back(db, fulfillment_id=work.id, kind="pack", sku=mug, package=1)
        closed = await working.close_package(db, work=work.id, package=1, carton="CUBE", confirmed=True)
        assert isinstance(closed, Closed)
    await house.settle()
    await house.collect()
    await house.deliver(order_id)
    assert (await house.order(order_id)).lifecycle == "closed"
    await house.sound()
