"""Balances and their ledger. Rows are locked here and nowhere else, always in (node, sku) order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from orderloom.inventory.model import BUCKETS, Balance, Entry, Level, Movement
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting

_LEVEL = ", ".join(Level.__dataclass_fields__)
_MOVEMENT = ", ".join(Movement.__dataclass_fields__)

# The safety rule that holds for a balance `t`: one look into the index for each, for there may be one a balance.
SAFETY_BY_RULE = """
coalesce(
  (SELECT r.units FROM inventory.safety_rules AS r
   WHERE r.channel_id IS NULL AND r.node_id = t.node_id AND r.sku = t.sku),
  (SELECT r.units FROM inventory.safety_rules AS r
   WHERE r.channel_id IS NULL AND r.node_id IS NULL AND r.sku = t.sku),
  (SELECT r.units FROM inventory.safety_rules AS r
   WHERE r.channel_id IS NULL AND r.node_id = t.node_id AND r.sku IS NULL),
  (SELECT r.units FROM inventory.safety_rules AS r
   WHERE r.channel_id IS NULL AND r.node_id IS NULL AND r.sku IS NULL), 0)
"""
_MAKE = (
    "INSERT INTO inventory.stock (node_id, sku, version, safety_stock) SELECT t.node_id, t.sku, 0, "
    + SAFETY_BY_RULE
    + "FROM unnest($1::uuid[], $2::text[]) AS t (node_id, sku) ORDER BY t.node_id, t.sku ON CONFLICT DO NOTHING"
)


async def lock_keys(db: Db, keys: Sequence[tuple[UUID, str]]) -> list[Balance]:
    """The rows of these keys, made when missing, locked in key order."""
    if not keys:
        return []
    nodes, skus = [k[0] for k in keys], [k[1] for k in keys]
    found = await _lock_pairs(db, nodes, skus)
    if len(found) < len(keys):
        await db.execute(_MAKE, nodes, skus)
        found = await _lock_pairs(db, nodes, skus)
    return found


async def make(db: Db, keys: Sequence[tuple[UUID, str]]) -> None:
    """Rows for these keys where there are none, so that there is something to lock; locks none that were there."""
    await db.execute(_MAKE, [k[0] for k in keys], [k[1] for k in keys])


async def _lock_pairs(db: Db, nodes: list[UUID], skus: list[str]) -> list[Balance]:
    rows = await db.fetch(
        "SELECT " + _LEVEL + " FROM inventory.stock "
        "WHERE (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) "
        "ORDER BY node_id, sku FOR NO KEY UPDATE",
        nodes,
        skus,
    )
    return [Balance(*row) for row in rows]


async def lock_skus(db: Db, skus: Sequence[str]) -> list[Balance]:
    """All rows of these SKUs, locked in key order."""
    rows = await db.fetch(
        "SELECT "
        + _LEVEL
        + " FROM inventory.stock WHERE sku = ANY($1::text[]) ORDER BY node_id, sku FOR NO KEY UPDATE",
        list(skus),
    )
    return [Balance(*row) for row in rows]


# In one statement, for every word said under a lock keeps others waiting for it. Rows that changed while they were waited
# for are judged as they are then. Nothing is reserved where a channel's limits bear on a SKU.
_CLAIM = """
WITH locked AS MATERIALIZED (
  SELECT FROM inventory.stock WHERE (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
  ORDER BY node_id, sku FOR NO KEY UPDATE
)
UPDATE inventory.stock AS s SET reserved = s.reserved + t.units, version = s.version + 1, updated_at = clock_timestamp()
FROM unnest($1::uuid[], $2::text[], $3::int[]) AS t (node_id, sku, units)
WHERE s.node_id = t.node_id AND s.sku = t.sku
  AND s.on_hand - s.damaged - s.quality_control - s.reserved - s.allocated + s.backorder_limit - t.units >= s.safety_stock
  AND NOT EXISTS (SELECT FROM inventory.allotments WHERE sku = ANY($2::text[]))
  AND NOT EXISTS (SELECT FROM inventory.safety_rules WHERE channel_id IS NOT NULL)
  AND (SELECT count(*) FROM locked) = cardinality($1::uuid[])
"""


async def claim(db: Db, units: Mapping[tuple[UUID, str], int]) -> bool:
    """Reserve units by (node, SKU), safety stock left alone. False when one has not that many, or limits bear on it.

    Take all back then.
    """
    keys = sorted(units)
    done = await db.execute(
        _CLAIM, [node for node, _ in keys], [sku for _, sku in keys], [units[key] for key in keys]
    )
    return int(done.rpartition(" ")[2]) == len(keys)


async def glance(db: Db, skus: Sequence[str]) -> list[Balance]:
    """All rows of these SKUs as they stand, without a lock."""
    rows = await db.fetch(
        "SELECT " + _LEVEL + " FROM inventory.stock WHERE sku = ANY($1::text[]) ORDER BY node_id, sku",
        list(skus),
    )
    return [Balance(*row) for row in rows]


_WRITE = """
UPDATE inventory.stock AS s
SET on_hand = t.on_hand, reserved = t.reserved, allocated = t.allocated, damaged = t.damaged,
    quality_control = t.quality_control, version = s.version + 1, updated_at = clock_timestamp()
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[])
  AS t (node_id, sku, on_hand, reserved, allocated, damaged, quality_control)
WHERE s.node_id = t.node_id AND s.sku = t.sku
"""
_ENTRY = (
    "node_id", "sku", "kind", "on_hand_delta", "reserved_delta", "allocated_delta", "damaged_delta",
    "quality_control_delta", "cause_type", "cause_id", "reason", "as_of", "actor",
)  # fmt: skip


async def write(db: Db, levels: Sequence[Level], entries: Sequence[Entry]) -> None:
    """Store balances that are locked by this transaction, and the ledger entries that explain the change."""
    if levels:
        await db.execute(
            _WRITE,
            [level.node_id for level in levels],
            [level.sku for level in levels],
            *([getattr(level, bucket) for level in levels] for bucket in BUCKETS),
        )
    if entries:
        actor = acting.get().name
        await db.copy_records_to_table(
            "movements",
            schema_name="inventory",
            columns=_ENTRY,
            records=[
                (leg.node_id, leg.sku, leg.kind, leg.on_hand, leg.reserved, leg.allocated, leg.damaged,
                 leg.quality_control, e.cause_type, e.cause_id, e.reason, e.as_of, e.actor or actor)
                for e in entries for leg in (e.leg,)
            ],
        )  # fmt: skip


_RESERVED = ("node_id", "sku", "kind", "reserved_delta", "cause_type", "cause_id", "actor")


async def note_reserved(db: Db, entries: Sequence[Entry]) -> None:
    """The ledger entries of balances that `claim` has changed: what reserves alone says of itself."""
    actor = acting.get().name
    await db.copy_records_to_table(
        "movements",
        schema_name="inventory",
        columns=_RESERVED,
        records=[
            (leg.node_id, leg.sku, leg.kind, leg.reserved, e.cause_type, e.cause_id, e.actor or actor)
            for e in entries for leg in (e.leg,)
        ],
    )  # fmt: skip


async def levels(
    db: Db, *, skus: Sequence[str] = (), nodes: Sequence[UUID] = (), keys: Sequence[tuple[UUID, str]] = ()
) -> list[Level]:
    """Balances of SKUs (at nodes, when both are given), of nodes, or of single pairs; no lock."""
    rows = await db.fetch(
        "SELECT " + _LEVEL + " FROM inventory.stock "
        "WHERE (sku = ANY($1::text[]) AND (cardinality($2::uuid[]) = 0 OR node_id = ANY($2::uuid[]))) "
        "OR (cardinality($1::text[]) = 0 AND node_id = ANY($2::uuid[])) "
        "OR (node_id, sku) IN (SELECT * FROM unnest($3::uuid[], $4::text[])) ORDER BY sku, node_id",
        list(skus),
        list(nodes),
        [k[0] for k in keys],
        [k[1] for k in keys],
    )
    return [Level(**dict(row)) for row in rows]


_MISSED = """
SELECT DISTINCT m.cause_id, m.node_id, m.sku FROM inventory.movements AS m
WHERE m.cause_id = ANY($1::uuid[]) AND m.cause_type = 'fulfillment' AND m.kind = 'counted' AND m.on_hand_delta < 0
  AND NOT EXISTS (SELECT FROM inventory.movements AS later
                  WHERE later.node_id = m.node_id AND later.sku = m.sku AND later.id > m.id
                    AND later.on_hand_delta > 0)
"""


async def missed(db: Db, works: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """(fulfillment order, node, SKU) not found there when picked for it, and none has come in since."""
    rows = await db.fetch(_MISSED, list(works))
    return [(row["cause_id"], row["node_id"], row["sku"]) for row in rows]


async def set_backorder_limit(db: Db, *, node_id: UUID, sku: str, units: int) -> None:
    """Set how many units a balance, locked by this transaction, may have promised beyond those it has."""
    await db.execute(
        "UPDATE inventory.stock SET backorder_limit = $3, version = version + 1, updated_at = clock_timestamp() "
        "WHERE node_id = $1 AND sku = $2",
        node_id,
        sku,
        units,
    )


async def movements(db: Db, *, node_id: UUID, sku: str, before: int | None, limit: int) -> list[Movement]:
    """Ledger entries of one balance, latest first, before a given entry."""
    rows = await db.fetch(
        "SELECT " + _MOVEMENT + " FROM inventory.movements "
        "WHERE node_id = $1 AND sku = $2 AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        node_id,
        sku,
        before,
        limit,
    )
    return [Movement(**dict(row)) for row in rows]


async def stocked(db: Db) -> list[str]:
    """Every SKU that has a balance somewhere."""
    rows = await db.fetch("SELECT DISTINCT sku FROM inventory.stock ORDER BY sku")
    return [row["sku"] for row in rows]


async def stocked_part(db: Db, *, part: int, of: int) -> list[str]:
    """The SKUs of one part out of so many, always the same ones: all parts together are all that have a balance."""
    rows = await db.fetch(
        "SELECT DISTINCT sku FROM inventory.stock WHERE abs(hashtext(sku)::bigint) % $2 = $1 ORDER BY sku",
        part,
        of,
    )
    return [row["sku"] for row in rows]
