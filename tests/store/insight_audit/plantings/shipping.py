"""Violations of what labels and manifests promise."""

from uuid import uuid4

from orderloom.terms import new_id


async def a_label(db, world, *, status="purchased", attempt=1, package=None, reference=None, cost=900):
    """A label of the world's fulfillment order; its shipment is opened when there is none."""
    shipment = await db.fetchval(
        "INSERT INTO shipping.shipments (number, order_id, fulfillment_id, node_id, carrier, service, currency, cost) "
        "VALUES ('SHP-1', $1, $2, $3, 'acme', 'ground', 'USD', 900) "
        "ON CONFLICT (fulfillment_id) DO UPDATE SET updated_at = now() RETURNING id",
        world.order,
        world.fulfillment,
        world.node,
    )
    label, package = new_id(), package or new_id()
    await db.execute(
        "INSERT INTO shipping.labels (id, order_id, shipment_id, package_id, attempt, reference, carrier, service, "
        "status, request, tracking_number, cost, currency) "
        "VALUES ($1, $2, $3, $4, $5, $6, 'acme', 'ground', $7, '{}', $8, $9, 'USD')",
        label,
        world.order,
        shipment,
        package,
        attempt,
        reference or f"{package.hex}-{attempt}",
        status,
        uuid4().hex,
        cost,
    )
    return label, package


async def a_manifest(db, world, labels, *, carrier="acme"):
    manifest = await db.fetchval(
        "INSERT INTO shipping.manifests (number, node_id, carrier, ship_date, closed_by) "
        "VALUES ($1, $2, $3, now(), 'test') RETURNING id",
        uuid4().hex,
        world.node,
        carrier,
    )
    for label in labels:
        await db.execute(
            "INSERT INTO shipping.manifest_labels (label_id, manifest_id) VALUES ($1, $2)", label, manifest
        )


async def two_labels_for_one_package(db, world):
    await db.execute("DROP INDEX shipping.labels_one_live_a_package")
    _, package = await a_label(db, world)
    await a_label(db, world, package=package, attempt=2)


async def a_reference_of_chance(db, world):
    await a_label(db, world, reference="chance")


async def a_bought_label_without_a_price(db, world):
    await a_label(db, world, cost=None)


async def a_shipment_gone_with_a_label_unused(db, world):
    await a_label(db, world)
    await db.execute("UPDATE shipping.shipments SET shipped_at = now()")


async def a_journey_ended_with_a_good_label(db, world):
    await a_label(db, world)
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step, state) VALUES ('fulfillment', $1, 'pack', 'undone') "
        "ON CONFLICT (journey, subject_id) DO UPDATE SET state = 'undone'",
        world.fulfillment,
    )


async def a_shipment_that_costs_something_else(db, world):
    await a_label(db, world, cost=901)


async def a_label_on_two_manifests(db, world):
    label, _ = await a_label(db, world)
    await db.execute("ALTER TABLE shipping.manifest_labels DROP CONSTRAINT manifest_labels_pkey")
    await a_manifest(db, world, [label, label])


async def a_voided_label_on_a_manifest(db, world):
    label, _ = await a_label(db, world, status="voided")
    await a_manifest(db, world, [label])


PLANTINGS = {
    "P1.one_label": two_labels_for_one_package,
    "P1.reference": a_reference_of_chance,
    "P1.complete": a_bought_label_without_a_price,
    "P1.used": a_shipment_gone_with_a_label_unused,
    "P1.settled": a_journey_ended_with_a_good_label,
    "P1.cost": a_shipment_that_costs_something_else,
    "P2.once": a_label_on_two_manifests,
    "P2.good": a_voided_label_on_a_manifest,
}
