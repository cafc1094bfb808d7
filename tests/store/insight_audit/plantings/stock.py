"""Violations of what stock promises. Where a constraint stands in the way, it is dropped first."""

from orderloom.terms import new_id


async def units_without_a_movement(db, world):
    await db.execute("UPDATE inventory.stock SET on_hand = on_hand + 1")


async def a_reservation_nobody_holds(db, world):
    await db.execute("UPDATE inventory.stock SET reserved = reserved + 1")


async def an_allocation_lost(db, world):
    await db.execute("UPDATE inventory.stock SET allocated = allocated - 1")


async def more_promised_than_there(db, world):
    await db.execute("ALTER TABLE inventory.stock DROP CONSTRAINT never_oversold")
    await db.execute("UPDATE inventory.stock SET reserved = 9")


async def the_guard_taken_away(db, world):
    await db.execute("ALTER TABLE inventory.stock DROP CONSTRAINT never_oversold")


async def a_slice_of_a_kit(db, world):
    kit = new_id()
    await db.execute(
        "INSERT INTO orders.lines (id, order_id, position, is_kit, sku, name, quantity, unit_price, total) "
        "VALUES ($1, $2, 2, true, 'MUG', 'Kit', 1, 0, 0)",
        kit,
        world.order,
    )
    await db.execute("UPDATE orders.slices SET line_id = $2 WHERE id = $1", world.reserved, kit)


PLANTINGS = {
    "S1.ledger": units_without_a_movement,
    "S1.reserved": a_reservation_nobody_holds,
    "S1.allocated": an_allocation_lost,
    "S2.oversold": more_promised_than_there,
    "S2.guard": the_guard_taken_away,
    "S3.kits_exploded": a_slice_of_a_kit,
}
