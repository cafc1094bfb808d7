"""Statements on absolute counts: what each source said last, and what was there at a moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The last absolute quantity that a source had applied to a balance, and the moment or sequence it spoke of."""

    source: str
    node_id: UUID
    sku: str
    as_of: datetime | None
    sequence: int | None
    on_hand: int
    applied_at: datetime

    @property
    def moment(self) -> datetime:
        """When it was so: a sequence tells no moment, so that is when it came."""
        return self.as_of or self.applied_at


_SAID = ", ".join(Said.__dataclass_fields__)


async def said(db: Db, keys: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[Said]]:
    """The last words of every source on these balances."""
    pairs = sorted(keys)
    rows = await db.fetch(
        "SELECT " + _SAID + " FROM inventory.snapshots "
        "WHERE (node_id, sku) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))",
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
    )
    found: dict[tuple[UUID, str], list[Said]] = {}
    for row in rows:
        found.setdefault((row["node_id"], row["sku"]), []).append(Said(**dict(row)))
    return found


# Only what has happened since is summed: the past is long, and what is there now is known.
_SINCE = """
SELECT t.node_id, t.sku, sum(m.on_hand_delta)::int AS on_hand, sum(m.damaged_delta)::int AS damaged,
       sum(m.quality_control_delta)::int AS quality_control
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS t (node_id, sku, as_of)
JOIN inventory.movements AS m ON m.node_id = t.node_id AND m.sku = t.sku AND coalesce(m.as_of, m.moved_at) > t.as_of
WHERE m.on_hand_delta <> 0 OR m.damaged_delta <> 0 OR m.quality_control_delta <> 0
GROUP BY t.node_id, t.sku
"""


async def moved_since(
    db: Db, moments: Mapping[tuple[UUID, str], datetime]
) -> dict[tuple[UUID, str], tuple[int, int, int]]:
    """Net units that came on hand, into damaged, into quality control after each balance's moment; none is absent."""
    rows = await db.fetch(
        _SINCE, [key[0] for key in moments], [key[1] for key in moments], list(moments.values())
    )
    return {
        (row["node_id"], row["sku"]): (row["on_hand"], row["damaged"], row["quality_control"]) for row in rows
    }


_KEEP = """
INSERT INTO inventory.snapshots AS s (source, node_id, sku, as_of, sequence, on_hand, applied_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::int[], $7::timestamptz[])
ON CONFLICT (source, node_id, sku) DO UPDATE
SET as_of = excluded.as_of, sequence = excluded.sequence, on_hand = excluded.on_hand, applied_at = excluded.applied_at
"""


async def keep(db: Db, words: Sequence[Said]) -> None:
    """Note what was said last. Its balances are locked by this transaction."""
    if words:
        await db.execute(_KEEP, *([getattr(w, name) for w in words] for name in Said.__dataclass_fields__))
