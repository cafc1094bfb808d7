"""What is copied in goes in a page at a time: one volatile default of a column left out, and PostgreSQL writes row by row."""

import pytest

from orderloom.inventory.store import stock
from orderloom.orders.store import capturing, rows
from orderloom.plumbing import events

# `nextval` is the one volatile function that COPY bears.
_VOLATILE = """
SELECT a.attname FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = $1::text::regclass AND NOT a.attname = ANY($2::text[])
  AND pg_get_expr(d.adbin, d.adrelid) ~ '(clock_timestamp|uuidv7|uuidv4|random)'
"""
COPIED = {
    "orders.orders": capturing.ORDER_COLUMNS,
    "orders.lines": capturing.LINE_COLUMNS,
    "orders.slices": ("id", *capturing.SLICE_COLUMNS),
    "inventory.movements": stock._ENTRY,
    "plumbing.events": events._COLUMNS,
    "plumbing.idempotency": (),
    "payments.intents": ("id",),
    "payments.transactions": ("id",),
    "orders.fulfillments": rows.NEW_FULFILLMENT,
    "routing.decisions": ("id",),
}


@pytest.mark.parametrize("table", COPIED)
async def test_no_default_is_volatile(db, table):
    assert await db.fetch(_VOLATILE, table, COPIED[table]) == []


async def test_a_volatile_default_would_be_seen(db):
    assert [row["attname"] for row in await db.fetch(_VOLATILE, "plumbing.events", [])] == ["event_id"]
