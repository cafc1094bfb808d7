"""Statements that store new orders, in sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.orders.model import OrderDraft
from orderloom.plumbing.database import Db, Row

_KNOWN = """
SELECT o.id, o.number, o.channel_id, o.external_id, o.body_hash
FROM orders.orders AS o
JOIN unnest($1::uuid[], $2::text[]) AS t (channel_id, external_id) USING (channel_id, external_id)
"""


async def known(db: Db, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Row]:
    """Orders already stored under these natural keys."""
    rows = await db.fetch(_KNOWN, [k[0] for k in keys], [k[1] for k in keys])
    return {(row["channel_id"], row["external_id"]): row for row in rows}


# Lists travel as JSON text: the driver would take a list within an array for another dimension.
_INSERT_ORDERS = """
INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, decide_as_of, currency, buyer,
  ship_to, service_level, priority, tags, flags, subtotal, discount, shipping, tax, adjustment, total, promise_at,
  ship_complete, min_rank, max_rank, payment_status)
SELECT t.id, 'OL-' || nextval('orders.order_number'), t.channel_id, t.external_id, t.body_hash, t.placed_at,
  t.decide_as_of, t.currency, t.buyer, t.ship_to, t.service_level, t.priority,
  ARRAY(SELECT jsonb_array_elements_text(t.tags::jsonb)), t.flags::jsonb, t.subtotal, t.discount, t.shipping, t.tax, t.adjustment,
  t.total, t.promise_at, t.ship_complete, t.min_rank, t.max_rank, t.payment_status
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::jsonb[], $9::jsonb[], $10::text[], $11::smallint[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
  $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::bool[], $22::smallint[],
  $23::smallint[], $24::text[])
  AS t (id, channel_id, external_id, body_hash, placed_at, decide_as_of, currency, buyer, ship_to, service_level,
    priority, tags, flags, subtotal, discount, shipping, tax, adjustment, total, promise_at, ship_complete, min_rank,
    max_rank, payment_status)
ORDER BY t.channel_id, t.external_id
ON CONFLICT (channel_id, external_id) DO NOTHING
RETURNING id, number
"""


async def insert_orders(
    db: Db, orders: Sequence[tuple[UUID, UUID, OrderDraft, dict[str, int], tuple[int, int]]]
) -> dict[UUID, str]:
    """Store order rows (id, channel, draft, sums, ranks); returns the numbers of those that were new."""
    drafts = [o[2] for o in orders]
    rows = await db.fetch(
        _INSERT_ORDERS,
        [o[0] for o in orders],
        [o[1] for o in orders],
        [d.external_id for d in drafts],
        [d.digest() for d in drafts],
        [d.placed_at for d in drafts],
        [d.decide_as_of for d in drafts],
        [d.currency for d in drafts],
        [dict(d.buyer) for d in drafts],
        [d.ship_to.json() for d in drafts],
        [d.service_level for d in drafts],
        [d.priority for d in drafts],
        [json.dumps(d.tags) for d in drafts],
        [json.dumps([dict(f) for f in d.flags]) for d in drafts],
        *(
            [o[3][name] for o in orders]
            for name in ("subtotal", "discount", "shipping", "tax", "adjustment", "total")
        ),
        [d.promise_at for d in drafts],
        [d.ship_complete for d in drafts],
        [o[4][0] for o in orders],
        [o[4][1] for o in orders],
        ["pending" if d.tenders else "unpaid" for d in drafts],
    )
    return {row["id"]: row["number"] for row in rows}


_INSERT_LINES = """
INSERT INTO orders.lines (id, order_id, position, kit_line_id, is_kit, external_id, sku, name, quantity, unit_price,
  discount, tax, total, fixed_node_id, min_rank, max_rank)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::bool[], $6::text[], $7::text[],
  $8::text[], $9::int[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::uuid[], $15::smallint[],
  $16::smallint[])
"""
LINE_COLUMNS = (
    "id", "order_id", "position", "kit_line_id", "is_kit", "external_id", "sku", "name", "quantity", "unit_price",
    "discount", "tax", "total", "fixed_node_id", "min_rank", "max_rank",
)  # fmt: skip


async def insert_lines(db: Db, lines: Sequence[dict[str, Any]]) -> None:
    """Store lines, each a mapping of LINE_COLUMNS."""
    await db.execute(_INSERT_LINES, *([line[name] for line in lines] for name in LINE_COLUMNS))


_INSERT_SLICES = """
INSERT INTO orders.slices (id, order_id, line_id, sku, quantity, rank, node_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::smallint[], $7::uuid[])
"""
SLICE_COLUMNS = ("id", "order_id", "line_id", "sku", "quantity", "rank", "node_id")


async def insert_slices(db: Db, slices: Sequence[dict[str, Any]]) -> None:
    """Store the slices of new lines, each a mapping of SLICE_COLUMNS."""
    await db.execute(_INSERT_SLICES, *([piece[name] for piece in slices] for name in SLICE_COLUMNS))


async def stored_content(db: Db, order_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What a repeat is compared with: the plain columns of orders already stored."""
    rows = await db.fetch(
        "SELECT id, currency, buyer, ship_to, service_level, priority, tags, shipping, adjustment, total, "
        "ship_complete FROM orders.orders WHERE id = ANY($1::uuid[])",
        list(order_ids),
    )
    return {row["id"]: row for row in rows}


async def shift_promises(db: Db, promises: Sequence[tuple[UUID, datetime]]) -> list[Row]:
    """Bind new promise dates; returns (id, version) of the orders changed."""
    return await db.fetch(
        "UPDATE orders.orders AS o SET promise_at = t.at, version = o.version + 1, updated_at = clock_timestamp() "
        "FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at) "
        "WHERE o.id = t.id AND o.promise_at IS DISTINCT FROM t.at RETURNING o.id, o.version",
        [p[0] for p in promises],
        [p[1] for p in promises],
    )
