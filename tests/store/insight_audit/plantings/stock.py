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


async def a_cart(db, world, owner=None, expires="clock_timestamp() + interval '1 hour'"):
    """An open cart that keeps nothing, as sound as can be."""
    cart = new_id()
    await db.execute(
        "INSERT INTO inventory.reservations (id, channel_id, owner, expires_at) VALUES ($1, $2, $3, "
        + expires
        + ")",
        cart,
        world.channel,
        owner,
    )
    return cart


async def a_cart_that_keeps_what_no_movement_kept(db, world):
    await db.execute(
        "INSERT INTO inventory.reservation_units (reservation_id, position, node_id, sku, quantity) "
        "VALUES ($1, 1, $2, 'MUG', 1)",
        await a_cart(db, world),
        world.node,
    )


async def a_cart_in_an_order_of_another_channel(db, world):
    other = new_id()
    await db.execute(
        "INSERT INTO network.channels (id, code, name, type, currency) VALUES ($1, 'other', '', 'site', 'USD')",
        other,
    )
    await db.execute(
        "UPDATE inventory.reservations SET channel_id = $2, state = 'consumed', order_id = $3 WHERE id = $1",
        await a_cart(db, world),
        other,
        world.order,
    )


async def a_cart_nobody_ended(db, world):
    await a_cart(db, world, expires="clock_timestamp() - interval '61 seconds'")


async def two_carts_of_one_buyer(db, world):
    await a_cart(db, world, owner="ada")
    await a_cart(db, world, owner="ada")


async def more_drawn_than_was_ever_claimed(db, world):
    await db.execute(
        "INSERT INTO inventory.allotments (sku, channel_id, kind, units, drawn) VALUES ('MUG', $1, 'fixed', 9, 1000)",
        world.channel,
    )


async def shares_of_more_than_all(db, world):
    other = new_id()
    await db.execute(
        "INSERT INTO network.channels (id, code, name, type, currency) VALUES ($1, 'other', '', 'site', 'USD')",
        other,
    )
    await db.execute(
        "INSERT INTO inventory.allotments (sku, channel_id, kind, permille) "
        "VALUES ('MUG', $1, 'share', 600), ('MUG', $2, 'share', 600)",
        world.channel,
        other,
    )


async def a_sum_that_is_not_the_ledgers(db, world):
    await db.execute(
        "INSERT INTO inventory.tallies SELECT $1, 'MUG', 'received', max(id), 1, 11, 0, 0, 0, 0 "
        "FROM inventory.movements",
        world.node,
    )


PLANTINGS = {
    "S1.tallies": a_sum_that_is_not_the_ledgers,
    "S1.ledger": units_without_a_movement,
    "S1.reserved": a_reservation_nobody_holds,
    "S1.allocated": an_allocation_lost,
    "S2.oversold": more_promised_than_there,
    "S2.guard": the_guard_taken_away,
    "S3.kits_exploded": a_slice_of_a_kit,
    "S4.drawn": more_drawn_than_was_ever_claimed,
    "S4.shares": shares_of_more_than_all,
    "S5.ended_once": a_cart_that_keeps_what_no_movement_kept,
    "S5.consumed": a_cart_in_an_order_of_another_channel,
    "S6.expired": a_cart_nobody_ended,
    "S6.own": two_carts_of_one_buyer,
}
