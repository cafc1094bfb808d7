"""What lines and slices refer to is there: looked at by the set as they come in, and never deleted."""

import asyncpg
import pytest

from orderloom.terms import new_id
from tests.store.insight_audit import sound

_LINE = (
    "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total) "
    "VALUES ($1, $2, 2, $3, 'Mug', 1, 0, 0)"
)
_PART = (
    "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total, kit_line_id, "
    "fixed_node_id) VALUES ($1, $2, 2, 'MUG', 'Mug', 1, 0, 0, $3, $4)"
)
_ORDER = (
    "INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, "
    "ship_to, subtotal, discount, shipping, tax, total) "
    "VALUES ($1, 'OL-2', $2, 'X2', '', now(), 'USD', '{}', '{}', 0, 0, 0, 0, 0)"
)
_INTENT = (
    "INSERT INTO payments.intents (order_id, sequence, gateway, method, token, amount, currency) "
    "VALUES ($1, 9, 'sandbox', 'card', 't', 3500, 'USD')"
)
_TRANSACTION = (
    "INSERT INTO payments.transactions (intent_id, order_id, kind, subject_id, amount, currency, key) "
    "SELECT id, $2, 'authorize', $2, 3500, 'USD', 'k' FROM payments.intents WHERE order_id = $1"
)
_WORK = "INSERT INTO orders.fulfillments (id, number, order_id, node_id) VALUES ($1, 'F-2', $2, $3)"
_DECISION = (
    "INSERT INTO routing.decisions (order_id, profile_id, outcome, record, decided_as_of) "
    "VALUES ($1, $2, 'routed', '', now())"
)
_SLICE = (
    "INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank, node_id) "
    "VALUES ($1, $2, 'MUG', 1, 200, $3)"
)


async def test_a_line_of_no_order_or_no_item_is_refused(db):
    world = await sound.build(db)
    for values in ((new_id(), new_id(), "MUG"), (new_id(), world.order, "NONE")):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute(_LINE, *values)


async def test_an_order_of_no_channel_is_refused(db):
    world = await sound.build(db)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction():
            await db.execute(_ORDER, new_id(), new_id())
    await db.execute(_ORDER, new_id(), world.channel)


async def test_a_line_of_no_kit_or_fixed_to_no_node_is_refused(db):
    world = await sound.build(db)
    for kit, node in ((new_id(), None), (None, new_id())):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute(_PART, new_id(), world.order, kit, node)
    await db.execute(_PART, new_id(), world.order, world.line, world.node)


async def test_an_intent_of_no_order_is_refused(db):
    world = await sound.build(db)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction():
            await db.execute(_INTENT, new_id())
    await db.execute(_INTENT, world.order)


async def test_a_transaction_of_another_orders_intent_is_refused(db):
    world = await sound.build(db)
    await db.execute(_ORDER, other := new_id(), world.channel)
    await db.execute(_INTENT, world.order)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction():
            await db.execute(_TRANSACTION, world.order, other)
    await db.execute(_TRANSACTION, world.order, world.order)


async def test_a_fulfillment_order_of_no_order_or_at_no_node_is_refused(db):
    world = await sound.build(db)
    for order, node in ((new_id(), world.node), (world.order, new_id())):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute(_WORK, new_id(), order, node)
    await db.execute(_WORK, new_id(), world.order, world.node)


async def test_a_decision_of_no_order_or_by_no_profile_is_refused(db):
    world = await sound.build(db)
    for order, profile in ((new_id(), None), (world.order, new_id())):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute(_DECISION, order, profile)
    await db.execute(_DECISION, world.order, None)


async def test_a_slice_of_no_line_of_its_order_or_at_no_node_is_refused(db):
    world = await sound.build(db)
    strays = (
        (new_id(), world.line, world.node),
        (world.order, new_id(), world.node),
        (world.order, world.line, new_id()),
    )
    for values in strays:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute(_SLICE, *values)
    await db.execute(_SLICE, world.order, world.line, world.node)


@pytest.mark.parametrize(
    "table",
    [
        "orders.orders",
        "orders.lines",
        "catalog.items",
        "network.nodes",
        "network.channels",
        "payments.intents",
    ],
)
async def test_what_they_refer_to_stays(db, table):
    world = await sound.build(db)
    await db.execute(_INTENT, world.order)
    with pytest.raises(asyncpg.PostgresError, match="keeps its rows"):
        await db.execute("DELETE FROM " + table)


@pytest.mark.parametrize(
    "change",
    [
        "orders.orders SET channel_id = $1",
        "orders.lines SET order_id = $1",
        "orders.lines SET kit_line_id = $1",
        "orders.fulfillments SET node_id = $1",
        "payments.intents SET order_id = $1",
        "payments.transactions SET intent_id = $1",
        "routing.decisions SET order_id = $1",
        "network.channels SET id = $1",
    ],
)
async def test_they_never_refer_to_anything_else(db, change):
    await sound.build(db)
    with pytest.raises(asyncpg.PostgresError, match="keeps its rows"):
        await db.execute("UPDATE " + change, new_id())
