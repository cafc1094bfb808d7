"""Statements that write what an edit makes of a stored order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from orderloom.orders.model import LineDraft
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Address

_LINES = """
UPDATE orders.lines AS l SET quantity = t.quantity, unit_price = t.unit_price, discount = t.discount, tax = t.tax,
       total = t.total
FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
  AS t (id, quantity, unit_price, discount, tax, total)
WHERE l.id = t.id
"""


async def rewrite_lines(db: Db, lines: Mapping[UUID, LineDraft]) -> None:
    """Write quantity and money of lines anew."""
    values = lines.values()
    await db.execute(
        _LINES,
        list(lines),
        [v.quantity for v in values],
        [v.unit_price for v in values],
        [v.discount for v in values],
        [v.tax for v in values],
        [v.total for v in values],
    )


async def fix_lines(db: Db, nodes: Mapping[UUID, UUID | None]) -> None:
    """Write which node must ship each line."""
    await db.execute(
        "UPDATE orders.lines AS l SET fixed_node_id = t.node_id FROM unnest($1::uuid[], $2::uuid[]) AS t (id, node_id) "
        "WHERE l.id = t.id",
        list(nodes),
        list(nodes.values()),
    )


_ORDER = """
UPDATE orders.orders AS o
SET ship_to = $2, service_level = $3, shipping = $4, adjustment = $5, subtotal = l.subtotal, discount = l.discount,
    tax = l.tax, total = l.subtotal - l.discount + l.tax + $4 + $5, version = o.version + 1,
    updated_at = clock_timestamp()
FROM (SELECT coalesce(sum(unit_price * quantity), 0)::bigint AS subtotal, coalesce(sum(discount), 0)::bigint AS discount,
             coalesce(sum(tax), 0)::bigint AS tax
      FROM orders.lines WHERE order_id = $1 AND NOT is_kit) AS l
WHERE o.id = $1
RETURNING o.id, o.version, o.channel_id
"""


async def rewrite_order(
    db: Db, order_id: UUID, *, ship_to: Address, service_level: str, shipping: int, adjustment: int
) -> Sequence[Row]:
    """Write where it goes and what it comes to, its lines' money summed anew; returns (id, version, channel_id)."""
    return await db.fetch(_ORDER, order_id, ship_to.json(), service_level, shipping, adjustment)
