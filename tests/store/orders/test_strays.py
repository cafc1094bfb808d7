"""What lines and slices refer to is there: looked at by the set as they come in, and never deleted."""

import asyncpg
import pytest

from orderloom.terms import new_id
from tests.store.insight_audit import sound

_LINE = (
    "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total) "
    "VALUES ($1, $2, 2, $3, 'Mug', 1, 0, 0)"
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


@pytest.mark.parametrize("table", ["orders.orders", "orders.lines", "catalog.items", "network.nodes"])
async def test_what_they_refer_to_stays(db, table):
    await sound.build(db)
    with pytest.raises(asyncpg.PostgresError, match="keeps its rows"):
        await db.execute("DELETE FROM " + table)
