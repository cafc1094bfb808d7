"""Violations of what orders promise."""

from orderloom.terms import new_id


async def the_same_order_twice(db, world):
    await db.execute("ALTER TABLE orders.orders DROP CONSTRAINT orders_channel_id_external_id_key")
    await db.execute(
        "INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, "
        "ship_to, subtotal, discount, shipping, tax, total) "
        "VALUES ($1, 'OL-2', $2, 'X1', '', now(), 'USD', '{}', '{}', 0, 0, 0, 0, 0)",
        new_id(),
        world.channel,
    )


async def a_unit_lost_in_a_split(db, world):
    await db.execute("UPDATE orders.slices SET quantity = 1 WHERE id = $1", world.released)


async def a_slice_at_a_node_that_is_not_there(db, world):
    await db.execute("UPDATE orders.slices SET node_id = $2 WHERE id = $1", world.reserved, new_id())


async def a_kit_without_components(db, world):
    await db.execute(
        "INSERT INTO orders.lines (id, order_id, position, is_kit, sku, name, quantity, unit_price, total) "
        "VALUES ($1, $2, 2, true, 'MUG', 'Kit', 1, 0, 0)",
        new_id(),
        world.order,
    )


async def more_back_than_went_out(db, world):
    back = new_id()
    await db.execute(
        "INSERT INTO returns.returns (id, number, order_id, node_id, requested_by, currency) "
        "VALUES ($1, 'R-1', $2, $3, 'test', 'USD')",
        back,
        world.order,
        world.node,
    )
    await db.execute(
        "INSERT INTO returns.lines (return_id, line_id, sku, quantity, received, reason) "
        "VALUES ($1, $2, 'MUG', 1, 1, 'wrong')",
        back,
        world.line,
    )


async def a_line_set_by_hand(db, world):
    await db.execute("UPDATE orders.lines SET max_rank = 800")


async def a_fulfillment_set_by_hand(db, world):
    await db.execute("UPDATE orders.fulfillments SET max_rank = 700")


async def an_order_cancelled_by_hand(db, world):
    await db.execute("UPDATE orders.orders SET lifecycle = 'cancelled'")


async def an_order_closed_too_early(db, world):
    await db.execute("UPDATE orders.orders SET lifecycle = 'closed'")


async def a_slice_at_another_node(db, world):
    elsewhere = new_id()
    await db.execute(
        "INSERT INTO network.nodes (id, code, name, type, address, time_zone) "
        "VALUES ($1, 'M', 'M', 'store', '{}', 'UTC')",
        elsewhere,
    )
    await db.execute("UPDATE orders.slices SET node_id = $2 WHERE id = $1", world.released, elsewhere)


async def hazmat_from_a_node_that_may_not(db, world):
    await db.execute("UPDATE catalog.items SET hazmat_class = '3'")


async def an_order_nobody_works_on(db, world):
    await db.execute("UPDATE plumbing.subjects SET state = 'done'")


async def parked_without_a_word(db, world):
    await db.execute("UPDATE plumbing.subjects SET state = 'parked'")


async def cancelled_while_on_its_way(db, world):
    await db.execute("UPDATE orders.fulfillments SET status = 'cancelled'")
    await db.execute(
        "INSERT INTO delivery.parcels (carrier, tracking_number, order_id, fulfillment_id, first_scan_at) "
        "VALUES ('swift', '1Z', $1, $2, now())",
        world.order,
        world.fulfillment,
    )


async def a_line_that_does_not_add_up(db, world):
    await db.execute("UPDATE orders.lines SET total = total + 1")


async def an_order_that_does_not_add_up(db, world):
    await db.execute("UPDATE orders.orders SET subtotal = subtotal + 1, total = total + 1")


async def a_job_that_nobody_takes(db, world):
    await db.execute(
        "INSERT INTO orders.bulk_jobs (id, state, on_error, created_by) "
        "VALUES (gen_random_uuid(), 'running', 'reject_failed', 'test')"
    )


async def units_left_at_a_closed_node(db, world):
    await db.execute(
        "UPDATE network.nodes SET closed_since = now() - interval '1 hour', closed_because = 'flood' WHERE id = $1",
        world.node,
    )
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step, state, updated_at) VALUES "
        "('order', $1, 'follow', 'waiting', now() - interval '1 hour'), ('order', $2, 'follow', 'done', now()) "
        "ON CONFLICT (journey, subject_id) DO UPDATE SET step = 'follow', state = 'waiting', "
        "updated_at = excluded.updated_at",
        world.order,
        new_id(),
    )


PLANTINGS = {
    "O1.natural_key": the_same_order_twice,
    "O2.slices": a_unit_lost_in_a_split,
    "O2.strays": a_slice_at_a_node_that_is_not_there,
    "O2.kits": a_kit_without_components,
    "O2.returned": more_back_than_went_out,
    "O3.lines": a_line_set_by_hand,
    "O3.fulfillments": a_fulfillment_set_by_hand,
    "O3.orders": an_order_cancelled_by_hand,
    "O3.closed": an_order_closed_too_early,
    "O4.one_place": a_slice_at_another_node,
    "O4.able": hazmat_from_a_node_that_may_not,
    "O5.stuck": an_order_nobody_works_on,
    "O5.parked": parked_without_a_word,
    "O5.jobs": a_job_that_nobody_takes,
    "O7.cancelled_or_shipped": cancelled_while_on_its_way,
    "M5.lines": a_line_that_does_not_add_up,
    "M5.orders": an_order_that_does_not_add_up,
    "O9.closed_node": units_left_at_a_closed_node,
}
