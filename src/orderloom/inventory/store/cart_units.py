"""Statements on the units kept for carts, where a count takes them away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True, kw_only=True)
class CartUnits:
    """Units of a cart at one balance, of which `taken` are to go."""

    reservation_id: UUID
    channel_id: UUID
    position: int
    node_id: UUID
    sku: str
    quantity: int
    taken: int


_YOUNGEST = """
SELECT reservation_id, channel_id, position, node_id, sku, quantity, least(quantity, wanted - before)::int AS taken
FROM (
  SELECT u.*, r.channel_id, t.units AS wanted,
         sum(u.quantity) OVER (PARTITION BY u.node_id, u.sku ORDER BY r.created_at DESC, r.id DESC, u.position)
           - u.quantity AS before
  FROM unnest($1::uuid[], $2::text[], $3::int[]) AS t (node_id, sku, units)
  JOIN inventory.reservation_units AS u ON u.node_id = t.node_id AND u.sku = t.sku
  JOIN inventory.reservations AS r ON r.id = u.reservation_id AND r.state = 'open'
    AND ($4::uuid[] IS NULL OR r.id = ANY($4))
) AS claims
WHERE before < wanted
ORDER BY node_id, sku, before
"""


async def youngest(
    db: Db, wanted: Mapping[tuple[UUID, str], int], among: Collection[UUID] | None = None
) -> list[CartUnits]:
    """The youngest open carts' units that add up to those wanted, by balance, as far as carts have so many."""
    keys = sorted(wanted)
    rows = await db.fetch(
        _YOUNGEST,
        [k[0] for k in keys],
        [k[1] for k in keys],
        [wanted[key] for key in keys],
        None if among is None else sorted(among),
    )
    return [CartUnits(**dict(row)) for row in rows]


async def lock(db: Db, carts: Sequence[UUID]) -> None:
    """Lock carts in key order: after orders, before stock."""
    await db.execute(
        "SELECT 1 FROM inventory.reservations WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        sorted(carts),
    )


_SHRINK = """
UPDATE inventory.reservation_units AS u SET quantity = u.quantity - t.taken
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[]) AS t (id, position, node_id, sku, taken)
WHERE u.reservation_id = t.id AND u.position = t.position AND u.node_id = t.node_id AND u.sku = t.sku
  AND u.quantity > t.taken
"""
_DROP = """
DELETE FROM inventory.reservation_units AS u
USING unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[]) AS t (id, position, node_id, sku, taken)
WHERE u.reservation_id = t.id AND u.position = t.position AND u.node_id = t.node_id AND u.sku = t.sku
  AND u.quantity <= t.taken
"""
# What the cart was asked to keep shrinks to what it keeps; of a kit it goes on asking for the whole.
_LINES = """
WITH kept AS (
  SELECT l.reservation_id, l.position, l.sku, coalesce(sum(u.quantity), 0)::int AS units,
         coalesce(bool_and(u.sku = l.sku), true) AS plain
  FROM inventory.reservation_lines AS l
  LEFT JOIN inventory.reservation_units AS u USING (reservation_id, position)
  WHERE l.reservation_id = ANY($1::uuid[]) GROUP BY l.reservation_id, l.position
), gone AS (
  DELETE FROM inventory.reservation_lines AS l USING kept AS k
  WHERE l.reservation_id = k.reservation_id AND l.position = k.position AND k.units = 0
)
UPDATE inventory.reservation_lines AS l SET quantity = k.units FROM kept AS k
WHERE l.reservation_id = k.reservation_id AND l.position = k.position AND k.plain AND k.units > 0
  AND k.units < l.quantity
"""
_TOUCH = """
UPDATE inventory.reservations AS r
SET version = r.version + 1, updated_at = clock_timestamp(),
    state = CASE WHEN EXISTS (SELECT FROM inventory.reservation_units AS u WHERE u.reservation_id = r.id)
                 THEN r.state ELSE 'cancelled' END
WHERE r.id = ANY($1::uuid[])
RETURNING r.id, r.channel_id, r.version, r.state
"""


async def take(db: Db, units: Sequence[CartUnits]) -> dict[UUID, tuple[UUID, int, str]]:
    """Take these units out of their carts, which are locked; returns (channel, version, state) by cart.

    A cart that has nothing left is cancelled.
    """
    given = (
        [u.reservation_id for u in units],
        [u.position for u in units],
        [u.node_id for u in units],
        [u.sku for u in units],
        [u.taken for u in units],
    )
    # What is used up goes before the rest shrinks: a row that shrank might then look used up as well.
    await db.execute(_DROP, *given)
    await db.execute(_SHRINK, *given)
    await db.execute(_LINES, sorted({u.reservation_id for u in units}))
    rows = await db.fetch(_TOUCH, sorted({u.reservation_id for u in units}))
    return {row["id"]: (row["channel_id"], row["version"], row["state"]) for row in rows}
