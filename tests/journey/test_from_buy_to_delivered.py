"""An order goes all the way: paid, routed, packed, labelled, dispatched, charged, delivered, told, closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orderloom.delivery.model import TrackingEvent
from orderloom.journey.working import accept, close_manifests, pack, track
from orderloom.shipping import labels_of
from orderloom.terms import Rank
from tests.journey.house import House


async def test_an_order_goes_all_the_way(house: House) -> None:
    [order_id] = await house.place(house.draft({house.item(0): 2, house.item(1): 1}))
    await house.settle()
    order = await house.order(order_id)
    assert (order.payment_status, order.status) == ("authorized", "released")
    works = await house.works(order_id)
    async with house.database.transaction() as db:
        await accept(db, works=[w.id for w in works])
        packed = await pack(db, works=[w.id for w in works])
    assert not packed.refused
    await house.settle()
    async with house.database.transaction() as db:
        labels = await labels_of(db, subjects=[w.id for w in works])
        assert labels
        manifests = await close_manifests(db, ship_date=datetime.now(UTC).date(), by="test")
    assert {label.id for label in labels} == {line.label_id for m in manifests for line in m.labels}
    await house.settle()
    order = await house.order(order_id)
    assert (order.payment_status, order.status) == ("paid", "shipped")
    now = datetime.now(UTC)
    async with house.database.transaction() as db:
        await track(
            db,
            scans=[
                TrackingEvent(
                    carrier=label.carrier,
                    tracking_number=label.tracking_number or "",
                    code=code,
                    occurred_at=now + timedelta(minutes=i),
                )
                for label in labels
                for i, code in enumerate(("in_transit", "out_for_delivery", "delivered"))
            ],
            now=now,
        )
    await house.settle()
    order = await house.order(order_id)
    assert (order.lifecycle, order.status, order.payment_status) == ("closed", "delivered", "paid")
    assert await house.ranks(order_id) == {Rank.DELIVERED: 3}
    assert sorted(await house.letters(order.number)) == [
        f"Order {order.number} is confirmed",
        f"Order {order.number} is on its way",
        f"Order {order.number} was delivered",
    ]
    await house.sound()
