"""What is on its way: supplies and their lines. Changed only under the locks of their SKUs' balances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from orderloom.inventory.promising import Coming
from orderloom.inventory.supply import Supply, SupplyLine
from orderloom.plumbing.database import Db

_SUPPLY = "id, kind, reference, node_id, from_node, state, due_at, version, created_at, updated_at"
_LINES = """
SELECT l.*, t.taken, t.announced
FROM inventory.supply_lines AS l CROSS JOIN LATERAL (
  SELECT coalesce(sum(CASE n.state WHEN 'open' THEN greatest(a.expected, a.received) ELSE a.received END), 0)::int AS taken,
         coalesce(sum(greatest(0, a.expected - a.received - a.lost)) FILTER (WHERE n.state = 'open'), 0)::int AS announced
  FROM inventory.supply_lines AS a JOIN inventory.supplies AS n ON n.id = a.supply_id
  WHERE a.of_supply = l.supply_id AND a.of_position = l.position
) AS t
WHERE l.supply_id = ANY($1::uuid[]) ORDER BY l.supply_id, l.position
"""

_INSERT = """
INSERT INTO inventory.supplies (id, kind, reference, node_id, from_node, due_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, reference) DO NOTHING
"""
_INSERT_LINES = """
INSERT INTO inventory.supply_lines (supply_id, position, sku, expected, due_at, of_supply, of_position)
SELECT $1, * FROM unnest($2::smallint[], $3::text[], $4::int[], $5::timestamptz[], $6::uuid[], $7::smallint[])
"""


async def insert(db: Db, supply: Supply) -> bool:
    """Store a supply with its lines; False when its kind has one of this reference already."""
    tag = await db.execute(
        _INSERT, supply.id, supply.kind, supply.reference, supply.node_id, supply.from_node, supply.due_at
    )
    if tag != "INSERT 0 1":
        return False
    await db.execute(
        _INSERT_LINES,
        supply.id,
        *([getattr(line, name) for line in supply.lines] for name in (
            "position", "sku", "expected", "due_at", "of_supply", "of_position"
        )),
    )  # fmt: skip
    return True


async def supplies_of(
    db: Db, *, ids: Sequence[UUID] = (), references: Sequence[tuple[str, str]] = (), lock: bool = False
) -> dict[UUID, Supply]:
    """Supplies by id, or by (kind, reference), with their lines; locked in key order when asked for."""
    rows = await db.fetch(
        "SELECT " + _SUPPLY + " FROM inventory.supplies WHERE id = ANY($1::uuid[]) "
        "OR (kind, reference) IN (SELECT * FROM unnest($2::text[], $3::text[])) ORDER BY id"
        + (" FOR NO KEY UPDATE" if lock else ""),
        list(ids),
        [kind for kind, _ in references],
        [reference for _, reference in references],
    )
    lines: dict[UUID, list[SupplyLine]] = defaultdict(list)
    for row in await db.fetch(_LINES, [row["id"] for row in rows]):
        lines[row["supply_id"]].append(SupplyLine(**{k: row[k] for k in SupplyLine.__dataclass_fields__}))
    return {row["id"]: Supply(**dict(row), lines=tuple(lines[row["id"]])) for row in rows}


_PUT = """
UPDATE inventory.supplies SET state = $2, due_at = $3, version = version + 1, updated_at = clock_timestamp()
WHERE id = $1
"""
_PUT_LINES = """
UPDATE inventory.supply_lines AS l SET expected = t.expected, received = t.received, lost = t.lost, due_at = t.due_at
FROM unnest($2::smallint[], $3::int[], $4::int[], $5::int[], $6::timestamptz[])
  AS t (position, expected, received, lost, due_at)
WHERE l.supply_id = $1 AND l.position = t.position
"""


async def put(db: Db, supply: Supply) -> None:
    """Write a supply that is locked by this transaction over its rows."""
    await db.execute(_PUT, supply.id, supply.state, supply.due_at)
    await db.execute(
        _PUT_LINES,
        supply.id,
        *([getattr(line, name) for line in supply.lines] for name in (
            "position", "expected", "received", "lost", "due_at"
        )),
    )  # fmt: skip


async def coming(db: Db, *, skus: Sequence[str], nodes: Sequence[UUID] | None = None) -> list[Coming]:
    """Every unit on its way of these SKUs, to these nodes or to all, earliest first."""
    rows = await db.fetch(
        "SELECT due_at AS at, units, node_id, sku, kind, reference FROM inventory.coming "
        "WHERE sku = ANY($1::text[]) AND ($2::uuid[] IS NULL OR node_id = ANY($2)) ORDER BY due_at, supply_id, position",
        list(skus),
        None if nodes is None else list(nodes),
    )
    return [Coming(**dict(row)) for row in rows]


async def open_units(db: Db, lines: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    """What these lines still bring themselves, what notices have taken over left out."""
    rows = await db.fetch(
        "SELECT supply_id, position, units FROM inventory.coming "
        "WHERE (supply_id, position) IN (SELECT * FROM unnest($1::uuid[], $2::smallint[]))",
        [supply for supply, _ in lines],
        [position for _, position in lines],
    )
    return {(row["supply_id"], row["position"]): row["units"] for row in rows}
