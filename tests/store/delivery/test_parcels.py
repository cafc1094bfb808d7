"""Parcels in the database: followed, told of, late."""

import asyncio
from datetime import UTC, datetime, timedelta

from orderloom import delivery
from orderloom.delivery import store
from orderloom.delivery.model import Parcel, Proof, Status, TrackingEvent
from orderloom.plumbing import events as log
from tests.store.ordered import an_order

T = datetime(2026, 3, 3, 12, tzinfo=UTC)


def scan(number, code, hours=0.0, **more):
    return TrackingEvent(
        carrier="swift",
        tracking_number=number,
        code=code,
        occurred_at=T + timedelta(hours=hours),
        raw={"as": "told"},
        **more,
    )


def parcels(put, *numbers, promise_at=None):
    return [
        Parcel(
            carrier="swift",
            tracking_number=number,
            order_id=put.order,
            package_id=package,
            fulfillment_id=put.fulfillment,
            promise_at=promise_at,
        )
        for number, package in zip(numbers, put.packages, strict=True)
    ]


async def told(db, put):
    return [event.type for event in await log.of_order(db, put.order)]


async def test_a_parcel_goes_its_way(db):
    put = await an_order(db)
    await delivery.follow(db, parcels=parcels(put, "1Z"))
    taken = await delivery.take_events(db, events=[scan("1Z", "info_received"), scan("1Z", "picked_up", 3)])
    [change] = taken.changes
    assert (change.before, change.after, change.first_scan) == (Status.PENDING, Status.IN_TRANSIT, True)
    assert change.first_scan_at == T + timedelta(hours=3)
    out = await delivery.take_events(db, events=[scan("1Z", "out_for_delivery", 20)])
    assert [c.first_scan for c in out.changes] == [False]
    proof = Proof(kind="signature", signed_by="A. Byron", taken_at=T + timedelta(hours=24))
    done = await delivery.take_events(db, events=[scan("1Z", "delivered", 24, proof=proof)])
    assert done.progress[0].done
    assert await store.proofs_of(db, put.order) == {("swift", "1Z"): [proof]}
    assert await told(db, put) == [
        "parcel.status",
        "parcel.status",
        "parcel.out_for_delivery",
        "parcel.status",
        "shipment.delivered",
    ]


async def test_the_same_event_counts_once(db):
    put = await an_order(db)
    await delivery.follow(db, parcels=parcels(put, "1Z"))
    event = scan("1Z", "delivered")
    first = await delivery.take_events(db, events=[event, event])
    again = await delivery.take_events(db, events=[event])
    assert (first.repeated, len(first.changes)) == (1, 1)
    assert (again.repeated, again.changes) == (1, ())
    assert (await told(db, put)).count("shipment.delivered") == 1


async def test_a_shipment_is_delivered_when_its_last_parcel_is(db):
    put = await an_order(db, packages=2)
    await delivery.follow(db, parcels=parcels(put, "1Z", "2Z"))
    one = await delivery.take_events(db, events=[scan("1Z", "delivered", 1)])
    assert (one.progress[0].delivered, one.progress[0].done) == (1, False)
    assert "shipment.delivered" not in await told(db, put)
    both = await delivery.take_events(db, events=[scan("2Z", "delivered", 2)])
    assert both.progress[0].last_delivered_at == T + timedelta(hours=2)
    assert (await told(db, put)).count("shipment.delivered") == 1


async def test_what_overtakes_its_parcel_waits_for_it(db):
    put = await an_order(db)
    proof = Proof(kind="photo", reference="p1", taken_at=T)
    early = await delivery.take_events(db, events=[scan("1Z", "delivered", proof=proof)])
    assert ([e.tracking_number for e in early.unknown], early.changes) == (["1Z"], ())
    followed = await delivery.follow(db, parcels=parcels(put, "1Z"))
    assert followed.changes[0].after is Status.DELIVERED
    assert await store.proofs_of(db, put.order) == {("swift", "1Z"): [proof]}
    again = await delivery.follow(db, parcels=parcels(put, "1Z"))
    assert again.changes == ()


async def test_unread_codes_and_tracker_faults_are_shown_and_change_no_status(db):
    put = await an_order(db)
    await delivery.follow(db, parcels=parcels(put, "1Z"))
    strange = scan("1Z", "teleported", 1, dialect="easypost")
    broken = scan("1Z", "error", 2, dialect="easypost")
    taken = await delivery.take_events(db, events=[strange, broken])
    assert (taken.unread, taken.faults) == ((strange,), (broken,))
    assert all(change.before == change.after for change in taken.changes)
    assert await told(db, put) == []


async def test_going_out_a_second_time_is_not_announced_again(db):
    put = await an_order(db)
    await delivery.follow(db, parcels=parcels(put, "1Z"))
    for hours, code in enumerate(["out_for_delivery", "attempt_failed", "out_for_delivery"]):
        await delivery.take_events(db, events=[scan("1Z", code, hours)])
    assert (await told(db, put)).count("parcel.out_for_delivery") == 1


async def test_a_correction_takes_the_delivery_back(db):
    put = await an_order(db)
    await delivery.follow(db, parcels=parcels(put, "1Z"))
    await delivery.take_events(db, events=[scan("1Z", "in_transit"), scan("1Z", "delivered", 1)])
    taken = await delivery.take_events(db, events=[scan("1Z", "delivery_corrected", 2)])
    assert (taken.changes[0].before, taken.changes[0].after) == (Status.DELIVERED, Status.IN_TRANSIT)
    assert not taken.progress[0].done


async def test_late_is_delivered_after_the_promise_or_overdue(db):
    put = await an_order(db, packages=3)
    await delivery.follow(db, parcels=parcels(put, "ON", "LATE", "OVERDUE", promise_at=T))
    taken = await delivery.take_events(
        db, events=[scan("ON", "delivered", -1), scan("LATE", "delivered", 1), scan("OVERDUE", "in_transit")]
    )
    assert {c.tracking_number: c.late for c in taken.changes} == {"ON": False, "LATE": True, "OVERDUE": False}
    late = await delivery.late(db, now=T + timedelta(days=1), orders=[put.order])
    assert {p.tracking_number for p in late} == {"LATE", "OVERDUE"}
    overdue = await delivery.late(db, now=T + timedelta(days=1), delivered=False, limit=None)
    assert [p.tracking_number for p in overdue] == ["OVERDUE"]
    assert {p.tracking_number for p in await delivery.late(db, now=T, orders=[put.order])} == {"LATE"}
    await delivery.re_promise(db, promises={put.order: T + timedelta(days=2)})
    assert {p.tracking_number for p in await delivery.late(db, now=T + timedelta(days=1))} == {"LATE"}


async def test_a_voided_labels_parcel_is_forgotten_unless_scanned(db):
    put = await an_order(db, packages=2)
    await delivery.follow(db, parcels=parcels(put, "1Z", "2Z"))
    await delivery.take_events(db, events=[scan("1Z", "in_transit")])
    await delivery.unfollow(db, parcels=[("swift", "1Z"), ("swift", "2Z")])
    assert await store.known(db, [("swift", "1Z"), ("swift", "2Z")]) == {("swift", "1Z")}


async def test_hundreds_of_events_are_one_set(db):
    put = await an_order(db, packages=300)
    numbers = [f"N{i:03}" for i in range(300)]
    await delivery.follow(db, parcels=parcels(put, *numbers))
    taken = await delivery.take_events(
        db, events=[scan(n, code, i) for n in numbers for i, code in enumerate(["picked_up", "delivered"])]
    )
    assert len(taken.changes) == 300
    assert taken.progress[0].done


async def test_a_parcel_followed_while_it_is_told_of_misses_nothing(database):
    async with database.transaction() as db:
        put = await an_order(db)

    async def tell():
        async with database.transaction() as db:
            taken = await delivery.take_events(db, events=[scan("1Z", "delivered")])
            await asyncio.sleep(0.05)
            return taken.changes

    async def follow():
        async with database.transaction() as db:
            taken = await delivery.follow(db, parcels=parcels(put, "1Z"))
            await asyncio.sleep(0.05)
            return taken.changes

    told_of, followed = await asyncio.gather(tell(), follow())
    assert len(told_of) + len(followed) == 1
