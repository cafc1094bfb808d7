"""Violations of what notices promise."""

from orderloom.terms import new_id


async def _notice(db, world, *, key="k", trigger=None, status="queued"):
    await db.execute(
        "INSERT INTO notices.notices (order_id, event, trigger_id, channel, recipient, subject, body, key, status) "
        "VALUES ($1, 'shipped', $2, 'email', 'a@b.c', 's', 'b', $3, $4)",
        world.order,
        trigger or new_id(),
        key,
        status,
    )


async def told_twice_of_one_thing(db, world):
    await db.execute(
        "ALTER TABLE notices.notices DROP CONSTRAINT notices_order_id_event_trigger_id_channel_key"
    )
    trigger = new_id()
    await _notice(db, world, key="1", trigger=trigger)
    await _notice(db, world, key="2", trigger=trigger)


async def one_key_for_two(db, world):
    await db.execute("ALTER TABLE notices.notices DROP CONSTRAINT notices_key_key")
    await _notice(db, world)
    await _notice(db, world)


async def sent_and_untold(db, world):
    await _notice(db, world, status="sent")


async def history_awake(db, world):
    await db.execute("UPDATE orders.orders SET flags = $1", [{"code": "no_notices"}])
    await _notice(db, world)


async def forgotten(db, world):
    await _notice(db, world)


PLANTINGS = {
    "N1.once": told_twice_of_one_thing,
    "N1.key": one_key_for_two,
    "N1.sent": sent_and_untold,
    "N1.silent": history_awake,
    "N1.under_way": forgotten,
}
