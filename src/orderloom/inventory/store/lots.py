"""Statements on lots, their ledger, and which units of which work come from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from orderloom.inventory.fefo import Lot
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting

_LOT = ", ".join(Lot.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Units of a line that a fulfillment order takes from a lot, or has taken."""

    fulfillment_id: UUID
    line_id: UUID
    node_id: UUID
    sku: str
    lot: str
    quantity: int
    shipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LotEntry:
    """A ledger entry of a lot to be written."""

    node_id: UUID
    sku: str
    lot: str
    on_hand: int
    allocated: int
    cause_type: str
    cause_id: UUID | None
    reason: str | None
    as_of: datetime | None = None


async def lock(db: Db, keys: Collection[tuple[UUID, str]]) -> list[Lot]:
    """The lots of these balances, locked in key order: after stock, the last of all locks."""
    pairs = sorted(keys)
    rows = await db.fetch(
        "SELECT " + _LOT + " FROM inventory.lots "
        "WHERE (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) "
        "ORDER BY node_id, sku, lot FOR NO KEY UPDATE",
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
    )
    return [Lot(**dict(row)) for row in rows]


async def of(db: Db, keys: Collection[tuple[UUID, str]]) -> list[Lot]:
    """The same without a lock."""
    pairs = sorted(keys)
    rows = await db.fetch(
        "SELECT " + _LOT + " FROM inventory.lots "
        "WHERE (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) ORDER BY node_id, sku, lot",
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
    )
    return [Lot(**dict(row)) for row in rows]


async def serials_about(db: Db, serials: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Which of these serial numbers, by (SKU, serial), are in stock, and at which node."""
    rows = await db.fetch(
        "SELECT sku, lot, node_id FROM inventory.lots WHERE serial AND on_hand > 0 "
        "AND (sku, lot) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        [sku for sku, _ in serials],
        [lot for _, lot in serials],
    )
    return {(row["sku"], row["lot"]): row["node_id"] for row in rows}


# A serial number leaves one node before it is written at another: those with fewer units go first.
_PUT = """
INSERT INTO inventory.lots AS l (node_id, sku, lot, expires_on, on_hand, allocated, expired, serial)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::int[], $6::int[], $7::int[], $8::bool[])
ON CONFLICT (node_id, sku, lot) DO UPDATE
SET expires_on = excluded.expires_on, on_hand = excluded.on_hand, allocated = excluded.allocated,
    expired = excluded.expired, serial = excluded.serial, version = l.version + 1, updated_at = clock_timestamp()
"""


async def put(db: Db, lots: Sequence[Lot]) -> None:
    """Write lots as they are now. Raises UniqueViolation for a serial number that is in stock elsewhere."""
    rows = sorted(lots, key=lambda lot: (lot.on_hand, lot.key))
    await db.execute(_PUT, *([getattr(lot, name) for lot in rows] for name in Lot.__dataclass_fields__))


_ENTER = """
INSERT INTO inventory.lot_movements (node_id, sku, lot, on_hand_delta, allocated_delta, cause_type, cause_id, reason,
                                     as_of, actor)
SELECT t.*, $10 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::uuid[],
                           $8::text[], $9::timestamptz[]) AS t
"""


async def enter(db: Db, entries: Sequence[LotEntry]) -> None:
    """Append to the lots' ledger."""
    names = LotEntry.__dataclass_fields__
    await db.execute(_ENTER, *([getattr(e, name) for e in entries] for name in names), acting.get().name)


async def moved_since(
    db: Db, keys: Collection[tuple[UUID, str]], moment: datetime
) -> dict[tuple[UUID, str, str], int]:
    """Net units that came into each lot after the moment; none is absent."""
    pairs = sorted(keys)
    rows = await db.fetch(
        "SELECT node_id, sku, lot, sum(on_hand_delta)::int AS units FROM inventory.lot_movements "
        "WHERE (sku, node_id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) "
        "AND coalesce(as_of, moved_at) > $3 AND on_hand_delta <> 0 GROUP BY node_id, sku, lot",
        [pair[1] for pair in pairs],
        [pair[0] for pair in pairs],
        moment,
    )
    return {(row["node_id"], row["sku"], row["lot"]): row["units"] for row in rows}


# --- whose units come from which lot --------------------------------------------------------------------------

_PICK = ", ".join(Pick.__dataclass_fields__)


async def picks_of(db: Db, works: Collection[UUID]) -> list[Pick]:
    """What fulfillment orders take from lots and have not shipped, in key order."""
    rows = await db.fetch(
        "SELECT "
        + _PICK
        + " FROM inventory.lot_picks WHERE fulfillment_id = ANY($1::uuid[]) AND NOT shipped "
        "ORDER BY fulfillment_id, line_id, lot",
        sorted(works),
    )
    return [Pick(**dict(row)) for row in rows]


async def picks_on(db: Db, lots: Collection[tuple[UUID, str, str]]) -> list[Pick]:
    """What is taken from these lots and has not shipped, the youngest work first."""
    keys = sorted(lots)
    rows = await db.fetch(
        "SELECT " + _PICK + " FROM inventory.lot_picks WHERE NOT shipped "
        "AND (node_id, sku, lot) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])) "
        "ORDER BY fulfillment_id DESC, line_id, lot",
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
    )
    return [Pick(**dict(row)) for row in rows]


async def shipped_for(db: Db, lines: Collection[UUID]) -> list[Pick]:
    """What has left for these order lines, by lot."""
    rows = await db.fetch(
        "SELECT " + _PICK + " FROM inventory.lot_picks WHERE line_id = ANY($1::uuid[]) AND shipped "
        "ORDER BY line_id, lot",
        sorted(lines),
    )
    return [Pick(**dict(row)) for row in rows]


_PUT_PICKS = """
INSERT INTO inventory.lot_picks AS p (fulfillment_id, line_id, node_id, sku, lot, quantity, shipped)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bool[])
ON CONFLICT (fulfillment_id, line_id, lot) DO UPDATE SET quantity = excluded.quantity, shipped = excluded.shipped
"""


async def put_picks(db: Db, picks: Sequence[Pick]) -> None:
    """Write picks over what stood there; one of nought units is taken away."""
    gone = [p for p in picks if not p.quantity]
    if gone:
        await db.execute(
            "DELETE FROM inventory.lot_picks WHERE (fulfillment_id, line_id, lot) IN "
            "(SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]))",
            [p.fulfillment_id for p in gone],
            [p.line_id for p in gone],
            [p.lot for p in gone],
        )
    kept = [p for p in picks if p.quantity]
    if kept:
        await db.execute(
            _PUT_PICKS, *([getattr(p, name) for p in kept] for name in Pick.__dataclass_fields__)
        )


async def net_of(
    db: Db, causes: Collection[UUID]
) -> dict[tuple[UUID, str], dict[tuple[str, date | None], int]]:
    """By (cause, SKU) the units that its movements have put into each lot, less what they took, over all nodes."""
    rows = await db.fetch(
        "SELECT m.cause_id, m.sku, m.lot, max(l.expires_on) AS expires_on, sum(m.on_hand_delta)::int AS units "
        "FROM inventory.lot_movements AS m JOIN inventory.lots AS l USING (node_id, sku, lot) "
        "WHERE m.cause_id = ANY($1::uuid[]) GROUP BY m.cause_id, m.sku, m.lot ORDER BY m.lot",
        sorted(causes),
    )
    found: dict[tuple[UUID, str], dict[tuple[str, date | None], int]] = {}
    for row in rows:
        found.setdefault((row["cause_id"], row["sku"]), {})[row["lot"], row["expires_on"]] = row["units"]
    return found


# --- what has expired -----------------------------------------------------------------------------------------

_EXPIRED = (
    "SELECT " + _LOT + " FROM inventory.lots AS l "
    "JOIN unnest($1::uuid[], $2::date[]) AS t (node, today) ON t.node = l.node_id "
    "WHERE l.on_hand > l.expired AND l.expires_on < t.today ORDER BY node_id, sku, lot LIMIT $3"
)

_UNASSIGNED = """
SELECT node_id, sku
FROM (
  SELECT l.node_id, l.sku, sum(l.allocated) AS bound,
         bool_or(l.on_hand > l.allocated + l.expired AND coalesce(l.expires_on >= t.today, true)) AS more
  FROM inventory.lots AS l JOIN unnest($1::uuid[], $2::date[]) AS t (node, today) ON t.node = l.node_id
  WHERE l.on_hand > 0 GROUP BY l.node_id, l.sku
) AS lots
JOIN inventory.stock AS s USING (node_id, sku)
WHERE s.allocated > lots.bound AND lots.more
"""


async def unassigned(db: Db, today: Mapping[UUID, date]) -> set[tuple[UUID, str]]:
    """Balances with more units allocated than bound to lots, and lots with free units; `today` is each node's own."""
    rows = await db.fetch(_UNASSIGNED, list(today), list(today.values()))
    return {(row["node_id"], row["sku"]) for row in rows}


async def expired(db: Db, today: Mapping[UUID, date], *, limit: int) -> list[Lot]:
    """Lots past their last day with units not put aside yet; `today` is each node's own."""
    rows = await db.fetch(_EXPIRED, list(today), list(today.values()), limit)
    return [Lot(**dict(row)) for row in rows]
