"""Violations of what supply promises."""

from orderloom.terms import new_id


async def on_its_way(db, world, kind="purchase_order", expected=5, from_node=None, **line):
    """A supply of one line, with nothing come of it unless said."""
    supply = new_id()
    await db.execute(
        "INSERT INTO inventory.supplies (id, kind, reference, node_id, from_node, due_at, updated_at) "
        "VALUES ($1, $2, ($1::uuid)::text, $3, $4, now(), now() - interval '1 hour')",
        supply,
        kind,
        world.node,
        from_node,
    )
    await db.execute(
        "INSERT INTO inventory.supply_lines (supply_id, position, sku, expected, received, lost, of_supply, of_position) "
        "VALUES ($1, 1, 'MUG', $2, $3, $4, $5, $6)",
        supply,
        expected,
        line.get("received", 0),
        line.get("lost", 0),
        line.get("of"),
        1 if line.get("of") else None,
    )
    return supply


async def received_without_a_movement(db, world):
    await on_its_way(db, world, received=2)


async def in_transit_without_having_left(db, world):
    sender = await db.fetchval(
        "INSERT INTO network.nodes (code, name, type, address, time_zone) "
        "VALUES ('M', 'M', 'store', '{}', 'UTC') RETURNING id"
    )
    await on_its_way(db, world, kind="transfer", from_node=sender)


async def closed_with_units_still_open(db, world):
    supply = await on_its_way(db, world)
    await db.execute("UPDATE inventory.supplies SET state = 'closed' WHERE id = $1", supply)


async def announced_twice(db, world):
    order = await on_its_way(db, world)
    for _ in range(2):
        await on_its_way(db, world, kind="ship_notice", expected=3, of=order)


async def sold_ahead_of_nothing(db, world):
    await db.execute("UPDATE catalog.items SET backorder = 'from_supply'")
    await db.execute("UPDATE orders.orders SET updated_at = now() - interval '1 hour'")
    await db.execute(
        "INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank) VALUES ($1, $2, 'MUG', 50, 150)",
        world.order,
        world.line,
    )


PLANTINGS = {
    "S8.received": received_without_a_movement,
    "S8.in_transit": in_transit_without_having_left,
    "S8.lost": closed_with_units_still_open,
    "S8.taken_over": announced_twice,
    "S8.sold_ahead": sold_ahead_of_nothing,
}
