"""A small sound world for the audit: one open order, part reserved and part released, with its stock and its log."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from orderloom import catalog, network
from orderloom.catalog import Item
from orderloom.network import Channel, Node
from orderloom.plumbing.database import Db
from orderloom.terms import Address, new_id


@dataclass(frozen=True)
class World:
    """The ids of what is there."""

    node: UUID
    channel: UUID
    order: UUID
    line: UUID
    fulfillment: UUID
    reserved: UUID  # the slice at rank 200: one unit
    released: UUID  # the slice at rank 400: two units


async def build(db: Db) -> World:
    """Three units of MUG ordered; of ten there, one is reserved and two are released to node N."""
    node = Node(code="N", name="N", type="store", address=Address(), time_zone="UTC")
    channel = Channel(code="web", name="Web", type="site", currency="USD")
    await catalog.put_items(
        db, items=[Item(sku="MUG", name="Mug", weight_g=1, length_mm=1, width_mm=1, height_mm=1)]
    )
    await network.put_nodes(db, nodes=[node])
    await network.put_channels(db, channels=[channel])
    world = World(node.id, channel.id, new_id(), new_id(), new_id(), new_id(), new_id())
    await _stock(db, world)
    await _order(db, world)
    return world


async def _stock(db: Db, world: World) -> None:
    await db.execute(
        "INSERT INTO inventory.stock (node_id, sku, on_hand, reserved, allocated) VALUES ($1, 'MUG', 10, 1, 2)",
        world.node,
    )
    await db.execute(
        "INSERT INTO inventory.movements (node_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, "
        "cause_type, cause_id, actor) VALUES ($1, 'MUG', 'received', 10, 0, 0, 'test', NULL, 'test'), "
        "($1, 'MUG', 'reserved', 0, 3, 0, 'order', $2, 'test'), "
        "($1, 'MUG', 'allocated', 0, -2, 2, 'order', $2, 'test')",
        world.node,
        world.order,
    )


async def _order(db: Db, world: World) -> None:
    await db.execute(
        "INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, "
        "ship_to, subtotal, discount, shipping, tax, total, min_rank, max_rank) "
        "VALUES ($1, 'OL-1', $2, 'X1', '', now(), 'USD', '{}', '{}', 3000, 0, 500, 0, 3500, 200, 400)",
        world.order,
        world.channel,
    )
    await db.execute(
        "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total, min_rank, max_rank) "
        "VALUES ($1, $2, 1, 'MUG', 'Mug', 3, 1000, 3000, 200, 400)",
        world.line,
        world.order,
    )
    await db.execute(
        "INSERT INTO orders.fulfillments (id, number, order_id, node_id) VALUES ($1, 'F-1', $2, $3)",
        world.fulfillment,
        world.order,
        world.node,
    )
    await db.execute(
        "INSERT INTO orders.slices (id, order_id, line_id, sku, quantity, rank, node_id, fulfillment_id) "
        "VALUES ($1, $3, $4, 'MUG', 1, 200, $5, NULL), ($2, $3, $4, 'MUG', 2, 400, $5, $6)",
        world.reserved,
        world.released,
        world.order,
        world.line,
        world.node,
        world.fulfillment,
    )
    await db.execute(
        "INSERT INTO plumbing.subjects (journey, subject_id, step) VALUES ('order', $1, 'route'), "
        "('fulfillment', $2, 'submit')",
        world.order,
        world.fulfillment,
    )
    await db.execute(
        "INSERT INTO plumbing.events (type, entity, entity_id, order_id, version, actor) "
        "VALUES ('order.captured', 'order', $1, $1, 1, 'test')",
        world.order,
    )
