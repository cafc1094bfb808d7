"""The ledger as a log: whose stock moved, in commit order, for whoever follows it by a cursor."""

from __future__ import annotations

from collections.abc import Sequence

from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Log, parted

# Bounded by the oldest running transaction, as the event log is: an entry of a lower xid may still commit.
_READ = """
WITH news AS MATERIALIZED (
  SELECT xid, id, sku FROM inventory.movements
  WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY xid, id LIMIT $3
), final AS (SELECT xid, id FROM news ORDER BY xid DESC, id DESC LIMIT 1)
SELECT final.xid, final.id, array(SELECT DISTINCT sku FROM news ORDER BY sku) AS skus FROM final
"""


async def _moved(db: Db, after: str, limit: int) -> tuple[Sequence[str], str]:
    row = await db.fetchrow(_READ, *parted(after), limit)
    return (row["skus"], f"{row['xid']}-{row['id']}") if row else ([], after)


async def _beyond(db: Db, after: str) -> bool:
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM inventory.movements WHERE (xid, id) > ($1::text::xid8, $2))",
        *parted(after),
    )
    return found


# Hands out SKUs, each once a pass however often it moved.
MOVED = Log(_moved, _beyond)


# A transaction that moves units about among claims frees none: only what it leaves free of a SKU counts.
_READ_FREED = """
WITH news AS MATERIALIZED (
  SELECT xid, id, sku, on_hand_delta - damaged_delta - quality_control_delta - reserved_delta - allocated_delta AS freed
  FROM inventory.movements
  WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY xid, id LIMIT $3
), final AS (SELECT xid, id FROM news ORDER BY xid DESC, id DESC LIMIT 1)
SELECT final.xid, final.id, array(
  SELECT DISTINCT sku FROM (SELECT sku FROM news GROUP BY xid, sku HAVING sum(freed) > 0) AS more ORDER BY sku
) AS skus FROM final
"""


async def _freed(db: Db, after: str, limit: int) -> tuple[Sequence[str], str]:
    row = await db.fetchrow(_READ_FREED, *parted(after), limit)
    return (row["skus"], f"{row['xid']}-{row['id']}") if row else ([], after)


# The same, of SKUs of which some transaction left more units free than before.
FREED = Log(_freed, _beyond)
