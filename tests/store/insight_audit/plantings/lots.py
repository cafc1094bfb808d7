"""Violations of what lots and snapshots promise. Where a constraint stands in the way, it is dropped first."""

from orderloom.terms import new_id


async def lot(db, world, name="A", on_hand=2, allocated=0, serial=False):
    """A lot with its movement."""
    await db.execute(
        "INSERT INTO inventory.lots (node_id, sku, lot, on_hand, allocated, serial) VALUES ($1, 'MUG', $2, $3, $4, $5)",
        world.node,
        name,
        on_hand,
        allocated,
        serial,
    )
    await db.execute(
        "INSERT INTO inventory.lot_movements (node_id, sku, lot, on_hand_delta, allocated_delta, cause_type, actor) "
        "VALUES ($1, 'MUG', $2, $3, $4, 'test', 'test')",
        world.node,
        name,
        on_hand,
        allocated,
    )


async def pick(db, world, units, shipped=False):
    await db.execute(
        "INSERT INTO inventory.lot_picks (fulfillment_id, line_id, node_id, sku, lot, quantity, shipped) "
        "VALUES ($1, $2, $3, 'MUG', 'A', $4, $5)",
        world.fulfillment,
        world.line,
        world.node,
        units,
        shipped,
    )


async def tracked_units_in_no_lot(db, world):
    await lot(db, world, on_hand=9)
    await db.execute("UPDATE catalog.items SET tracked_by = 'lot'")


async def a_lot_without_a_movement(db, world):
    await lot(db, world)
    await db.execute("UPDATE inventory.lots SET on_hand = on_hand + 1")


async def a_lot_bound_to_nobody(db, world):
    await lot(db, world, allocated=1)


async def more_picked_than_is_to_ship(db, world):
    await lot(db, world, on_hand=5, allocated=3)
    await pick(db, world, 3)


async def work_without_a_lot_that_is_there(db, world):
    await lot(db, world, on_hand=10)
    await db.execute("UPDATE catalog.items SET tracked_by = 'lot'")
    await db.execute("UPDATE inventory.lots SET updated_at = now() - interval '1 hour'")
    await db.execute(
        "UPDATE orders.fulfillments SET request_status = 'submitted', updated_at = now() - interval '1 hour'"
    )


async def a_serial_number_twice(db, world):
    await db.execute("DROP INDEX inventory.serial_once")
    await lot(db, world, on_hand=1, serial=True)
    other = new_id()
    await db.execute(
        "INSERT INTO network.nodes (id, code, name, type, address, time_zone) VALUES ($1, 'X', 'X', 'store', '{}', 'UTC')",
        other,
    )
    await db.execute(
        "INSERT INTO inventory.lots (node_id, sku, lot, on_hand, serial) VALUES ($1, 'MUG', 'A', 1, true)",
        other,
    )


async def counted(db, world, *hours):
    for ago in hours:
        await db.execute(
            "INSERT INTO inventory.movements (node_id, sku, kind, on_hand_delta, cause_type, actor, reason, as_of) "
            "VALUES ($1, 'MUG', 'counted', 0, 'snapshot', 'test', 'snapshot of wms', now() - $2 * interval '1 hour')",
            world.node,
            ago,
        )


async def an_older_snapshot_applied(db, world):
    await counted(db, world, 1, 2)


async def an_old_word_kept(db, world):
    await counted(db, world, 1)
    await db.execute(
        "INSERT INTO inventory.snapshots (source, node_id, sku, as_of, on_hand) "
        "VALUES ('wms', $1, 'MUG', now() - interval '2 hours', 5)",
        world.node,
    )


PLANTINGS = {
    "S1.lots": tracked_units_in_no_lot,
    "S1.lot_ledger": a_lot_without_a_movement,
    "S1.lot_picks": a_lot_bound_to_nobody,
    "S2.lot_picks": more_picked_than_is_to_ship,
    "S2.lots_for_work": work_without_a_lot_that_is_there,
    "S2.serials": a_serial_number_twice,
    "S7.in_order": an_older_snapshot_applied,
    "S7.last_word": an_old_word_kept,
}
