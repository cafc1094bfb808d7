"""Violations of what delivery promises."""

from datetime import UTC, datetime


async def _parcel(db, world, *, status="in_transit"):
    await db.execute(
        "INSERT INTO delivery.parcels (carrier, tracking_number, order_id, fulfillment_id, status) "
        "VALUES ('swift', '1Z', $1, $2, $3)",
        world.order,
        world.fulfillment,
        status,
    )


async def _told(db, *statuses):
    for hours, status in enumerate(statuses):
        await db.execute(
            "INSERT INTO delivery.tracking_events (carrier, tracking_number, code, status, occurred_at, raw) "
            "VALUES ('swift', '1Z', $1, $1, timestamptz '2026-03-02' + $2 * interval '1 hour', '{}')",
            status,
            hours,
        )


async def the_same_event_twice(db, world):
    await db.execute(
        "ALTER TABLE delivery.tracking_events "
        "DROP CONSTRAINT tracking_events_carrier_tracking_number_code_occurred_at_key"
    )
    for _ in range(2):
        await _told(db, "in_transit")


async def a_delivery_taken_back_without_correction(db, world):
    await _told(db, "in_transit", "delivered", "exception")
    await _parcel(db, world, status="exception")


async def a_scan_forgotten(db, world):
    await _told(db, "info_received", "in_transit")
    await _parcel(db, world)


async def an_arrival_untold(db, world):
    await _parcel(db, world, status="delivered")


async def _slipped(db, world, *, was, to):
    await db.execute(
        "INSERT INTO orders.repromises (order_id, was, promise_at, why, slip) "
        "VALUES ($1, $2::timestamptz, $3::timestamptz, 'planted', true)",
        world.order,
        was,
        to,
    )


async def a_date_that_the_order_is_not_bound_to(db, world):
    await _slipped(db, world, was=datetime(2026, 3, 1, tzinfo=UTC), to=datetime(2026, 3, 3, tzinfo=UTC))


PLANTINGS = {
    "P4.once": the_same_event_twice,
    "P4.final": a_delivery_taken_back_without_correction,
    "P4.scanned": a_scan_forgotten,
    "P4.told": an_arrival_untold,
    "P5.dates": a_date_that_the_order_is_not_bound_to,
    "P5.told": a_date_that_the_order_is_not_bound_to,
}
