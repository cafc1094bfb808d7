"""Statements on who claims stock at a node: the slices that would lose it first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.plumbing.database import Db
from orderloom.terms import Rank

# What is packed lies in a box: nobody takes it out again by counting shelves.
_YOUNGEST = """
SELECT id, order_id, line_id, sku, quantity, rank, node_id, fulfillment_id, placed_at, wanted - before AS wanted
FROM (
  SELECT s.id, s.order_id, s.line_id, s.sku, s.quantity, s.rank, s.node_id, s.fulfillment_id, o.placed_at,
         t.units AS wanted,
         sum(s.quantity) OVER (PARTITION BY s.node_id, s.sku ORDER BY s.rank >= 500, s.rank >= 400, o.placed_at DESC,
                               s.order_id DESC, s.id DESC) - s.quantity AS before
  FROM unnest($1::uuid[], $2::text[], $3::int[]) AS t (node_id, sku, units)
  JOIN orders.slices AS s ON s.node_id = t.node_id AND s.sku = t.sku AND s.rank BETWEEN 200 AND 550
    AND ($4::uuid[] IS NULL OR s.order_id = ANY($4))
  JOIN orders.orders AS o ON o.id = s.order_id
) AS claims
WHERE before < wanted
ORDER BY node_id, sku, before
"""

_HANDED_OUT = """
SELECT s.id, s.order_id, s.line_id, s.sku, s.quantity, s.rank, s.node_id, s.fulfillment_id
FROM orders.slices AS s JOIN orders.orders AS o ON o.id = s.order_id
WHERE (s.node_id, s.sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) AND s.rank BETWEEN 400 AND 600
ORDER BY o.placed_at, s.order_id, s.id FOR SHARE OF s SKIP LOCKED
"""


async def handed_out(db: Db, keys: Collection[tuple[UUID, str]]) -> list[Slice]:
    """Units that work at these (node, SKU) has to ship, the oldest order's first, locked against being moved.

    What another transaction is moving is left out: this may follow stock in the order of locks.
    """
    pairs = sorted(keys)
    rows = await db.fetch(_HANDED_OUT, [pair[0] for pair in pairs], [pair[1] for pair in pairs])
    return [Slice(**dict(row) | {"rank": Rank(row["rank"])}) for row in rows]


async def youngest(
    db: Db, wanted: Mapping[tuple[UUID, str], int], among: Collection[UUID] | None
) -> list[tuple[Slice, datetime, int]]:
    """(slice, placed, units to take of it): the youngest orders' claims that add up to the units wanted, by balance.

    `among`: of these orders alone. Not begun before begun at the node, so that what a person has in hand goes last.
    """
    keys = sorted(wanted)
    rows = await db.fetch(
        _YOUNGEST,
        [k[0] for k in keys],
        [k[1] for k in keys],
        [wanted[key] for key in keys],
        None if among is None else sorted(among),
    )
    columns = Slice.__dataclass_fields__
    return [
        (
            Slice(**{name: row[name] for name in columns} | {"rank": Rank(row["rank"])}),
            row["placed_at"],
            min(row["quantity"], int(row["wanted"])),
        )
        for row in rows
    ]
