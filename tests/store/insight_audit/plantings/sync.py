"""Violations of what webhooks promise."""

from orderloom.terms import new_id


async def _endpoint(db, *, active=True):
    return await db.fetchval(
        "INSERT INTO sync.webhooks (url, secret, active) VALUES ('https://a.example', 's', $1) RETURNING id",
        active,
    )


async def _delivery(db, *, status="queued", attempts=0):
    await db.execute(
        "INSERT INTO sync.deliveries (webhook_id, event_id, type, body, status, attempts) "
        "VALUES ($1, $2, 'order.captured', '{}', $3, $4)",
        await _endpoint(db),
        new_id(),
        status,
        attempts,
    )


async def an_event_that_never_was(db, world):
    await _delivery(db)


async def a_delivery_forgotten(db, world):
    await _delivery(db)


async def a_delivery_nobody_took(db, world):
    await _delivery(db, status="delivered", attempts=1)


async def an_endpoint_switched_off_in_silence(db, world):
    await _endpoint(db, active=False)


PLANTINGS = {
    "E3.webhooks": an_event_that_never_was,
    "E1.webhooks": a_delivery_forgotten,
    "E1.attempts": a_delivery_nobody_took,
    "E1.disabled": an_endpoint_switched_off_in_silence,
}
