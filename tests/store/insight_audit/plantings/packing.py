"""Violations of what packing promises."""

from orderloom.terms import new_id


async def _package(db, world, *, units, status="packed"):
    package = new_id()
    await db.execute(
        "INSERT INTO packing.packages (id, fulfillment_id, order_id, sequence, status, length_mm, width_mm, height_mm, "
        "weight_g) VALUES ($1, $2, $3, 1, $4, 1, 1, 1, 1)",
        package,
        world.fulfillment,
        world.order,
        status,
    )
    if units:
        await db.execute(
            "INSERT INTO packing.package_items (package_id, line_id, sku, quantity) VALUES ($1, $2, 'MUG', $3)",
            package,
            world.line,
            units,
        )


async def a_unit_packed_without_a_scan(db, world):
    await _package(db, world, units=1)


async def a_unit_shipped_without_a_package(db, world):
    await db.execute("UPDATE orders.slices SET rank = 700 WHERE id = $1", world.released)


async def more_packed_than_ordered(db, world):
    await _package(db, world, units=4)


async def an_empty_shell(db, world):
    await _package(db, world, units=0)


async def _carton(db, world, stock):
    await db.execute(
        "INSERT INTO packing.cartons (code, name, outer_mm, inner_mm, tare_g, max_weight_g) "
        "VALUES ('S', 'Small', '{1,1,1}', '{1,1,1}', 0, 1)"
    )
    await db.execute("INSERT INTO packing.node_cartons VALUES ($1, 'S', $2)", world.node, stock)


async def fewer_cartons_than_none(db, world):
    await db.execute("ALTER TABLE packing.node_cartons DROP CONSTRAINT node_cartons_stock_check")
    await _carton(db, world, -1)


async def a_parcel_planned_into_a_carton_used_up(db, world):
    await _carton(db, world, 0)
    await db.execute(
        "INSERT INTO packing.plans (fulfillment_id, plan) VALUES ($1, $2)",
        world.fulfillment,
        {"parcels": [{"carton": "S"}]},
    )


PLANTINGS = {
    "P3.scanned": a_unit_packed_without_a_scan,
    "P3.shipped": a_unit_shipped_without_a_package,
    "P3.refused": more_packed_than_ordered,
    "P3.filled": an_empty_shell,
    "P4.cartons": fewer_cartons_than_none,
    "P4.planned": a_parcel_planned_into_a_carton_used_up,
}
