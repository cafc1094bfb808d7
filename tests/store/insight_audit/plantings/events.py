"""Violations of what the event log and the ledgers promise."""

_TELL = "INSERT INTO plumbing.events (type, entity, entity_id, order_id, version, actor) VALUES ($1, $2, $3, $3, $4, $5)"


async def a_ledger_opened_for_changes(db, world):
    await db.execute("ALTER TABLE inventory.movements DISABLE TRIGGER append_only")


async def a_change_by_nobody(db, world):
    await db.execute(_TELL, "order.edited", "order", world.order, 2, "")


async def a_capture_untold(db, world):
    await db.execute("ALTER TABLE plumbing.events DISABLE TRIGGER append_only")
    await db.execute("DELETE FROM plumbing.events")


async def a_reader_beyond_the_end(db, world):
    await db.execute("INSERT INTO plumbing.cursors (reader, xid, id) VALUES ('x', '9999999999', 1)")


async def a_version_left_out(db, world):
    await db.execute("UPDATE orders.orders SET version = 3")
    await db.execute(_TELL, "order.edited", "order", world.order, 3, "test")


async def a_version_that_falls(db, world):
    await db.execute(_TELL, "order.edited", "order", world.order, 3, "test")
    await db.execute(_TELL, "order.edited", "order", world.order, 2, "test")


async def an_event_id_used_twice(db, world):
    await db.execute("ALTER TABLE plumbing.events DROP CONSTRAINT events_event_id_key")
    await db.execute(
        "INSERT INTO plumbing.events (type, entity, entity_id, actor, event_id) "
        "SELECT type, entity, entity_id, actor, event_id FROM plumbing.events LIMIT 1"
    )


PLANTINGS = {
    "A1.append_only": a_ledger_opened_for_changes,
    "A2.actor": a_change_by_nobody,
    "E1.captured": a_capture_untold,
    "E1.cursors": a_reader_beyond_the_end,
    "E2.dense": a_version_left_out,
    "E2.forward": a_version_that_falls,
    "E3.once": an_event_id_used_twice,
}
