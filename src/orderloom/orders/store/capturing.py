"""Statements that store new orders, in sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row, UniqueViolation, new_ids

_KNOWN = "SELECT id, number, channel_id, external_id, body_hash FROM orders.known($1::uuid[], $2::text[])"


async def known(db: Db, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Row]:
    """Orders already stored under these natural keys."""
    rows = await db.fetch(_KNOWN, [k[0] for k in keys], [k[1] for k in keys])
    return {(row["channel_id"], row["external_id"]): row for row in rows}


# Sets that take their natural keys first and their stock last must not meet sets that do it the other way round: with
# a key in common each would wait for the other. Either kind is at ease with its own; the second takes one of several
# locks, all of which the first needs, so that it keeps out that kind and seldom one of its own.
_WAYS, _WAYS_MANY = 0x4F4C_4350, 16
_KEYS_FIRST = "SELECT bool_and(pg_try_advisory_xact_lock_shared($1, n)) FROM generate_series(0, $2 - 1) AS n"
_STOCK_FIRST = "SELECT pg_advisory_xact_lock($1, pg_backend_pid() % $2)"


async def keys_first(db: Db) -> bool:
    """Whether a set that holds its keys may go on to wait for stock: not while a set with its stock locked is stored."""
    found: bool = await db.fetchval(_KEYS_FIRST, _WAYS, _WAYS_MANY)
    return found


async def stock_first(db: Db) -> None:
    """Before stock is locked for a set whose keys come after it: wait for the sets that hold their keys already."""
    await db.execute(_STOCK_FIRST, _WAYS, _WAYS_MANY)


async def numbers(db: Db, count: int) -> list[str]:
    """So many new order numbers."""
    rows = await db.fetch(
        "SELECT 'OL-' || nextval('orders.order_number') AS number FROM generate_series(1, $1)", count
    )
    return [row["number"] for row in rows]


# Rows go in by COPY: of everything tried it costs both sides least, and all of them are new.
ORDER_COLUMNS = (
    "id", "number", "channel_id", "external_id", "body_hash", "placed_at", "decide_as_of", "currency", "buyer",
    "ship_to", "service_level", "priority", "tags", "flags", "subtotal", "discount", "shipping", "tax", "adjustment",
    "total", "promise_at", "ship_complete", "min_rank", "max_rank", "payment_status",
)  # fmt: skip
LINE_COLUMNS = (
    "id", "order_id", "position", "kit_line_id", "is_kit", "external_id", "sku", "name", "quantity", "unit_price",
    "discount", "tax", "total", "fixed_node_id", "min_rank", "max_rank",
)  # fmt: skip
SLICE_COLUMNS = ("order_id", "line_id", "sku", "quantity", "rank", "node_id")


async def insert_orders(db: Db, rows: Sequence[Sequence[Any]]) -> bool:
    """Store orders, each of ORDER_COLUMNS; False when one of the natural keys was there, and the transaction is lost."""
    try:
        await db.copy_records_to_table("orders", schema_name="orders", columns=ORDER_COLUMNS, records=rows)
    except UniqueViolation as taken:
        if taken.constraint_name != "orders_channel_id_external_id_key":
            raise
        return False
    return True


async def insert_lines(db: Db, rows: Sequence[Sequence[Any]]) -> None:
    """Store lines, each of LINE_COLUMNS."""
    await db.copy_records_to_table("lines", schema_name="orders", columns=LINE_COLUMNS, records=rows)


async def insert_slices(db: Db, rows: Sequence[Sequence[Any]]) -> None:
    """Store the slices of new lines, each of SLICE_COLUMNS. A line's first has the line's own id."""
    lines: set[UUID] = set()
    records = []
    for row in rows:
        line = row[1]
        records.append((new_ids(1)[0] if line in lines else line, *row))
        lines.add(line)
    await db.copy_records_to_table(
        "slices", schema_name="orders", columns=("id", *SLICE_COLUMNS), records=records
    )


async def stored_content(db: Db, order_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What a repeat is compared with: the plain columns of orders already stored."""
    rows = await db.fetch(
        "SELECT id, currency, buyer, ship_to, service_level, priority, tags, shipping, adjustment, total, "
        "ship_complete FROM orders.orders WHERE id = ANY($1::uuid[])",
        list(order_ids),
    )
    return {row["id"]: row for row in rows}
