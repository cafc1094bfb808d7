"""Stock at every node: what is there, what is promised, and why every number is what it is.

Owns: balances a (node, sku), their ledger, the one primitive that changes them.
Promises: no posting ever leaves more promised than is there; every balance is the sum of its movements.
Never: decides which order gets what when not asked, talks to the outside.

The primitive: `lock` rows in key order, plan on the `Shelves` in memory, `write` what changed with its ledger. All
of it in the caller's transaction, so that a thousand orders cost three statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from orderloom.inventory.availability import Shelves
from orderloom.inventory.model import Level, Movement, Posting, Short
from orderloom.inventory.store import stock as store
from orderloom.plumbing.database import Db

__all__ = ["levels", "lock", "lock_skus", "missed", "movements", "post", "write"]


async def lock(db: Db, *, keys: Iterable[tuple[UUID, str]]) -> Shelves:
    """These (node, sku) rows, locked in key order; a missing one is made, empty."""
    return Shelves(await store.lock_keys(db, sorted(set(keys))))


async def lock_skus(db: Db, *, skus: Iterable[str]) -> Shelves:
    """All nodes' rows of these SKUs, locked in key order."""
    return Shelves(await store.lock_skus(db, sorted(set(skus))))


async def write(db: Db, *, shelves: Shelves) -> None:
    """Write what was posted on the shelves: one update of balances, one insert into the ledger."""
    await store.write(db, shelves.changed(), shelves.entries)


async def post(db: Db, *, postings: Sequence[Posting]) -> list[Short | None]:
    """Lock, post each posting whole or not at all, write; one answer a posting, None when it was posted."""
    shelves = await lock(db, keys=(leg.key for posting in postings for leg in posting.legs))
    answers = [shelves.post(posting) for posting in postings]
    await write(db, shelves=shelves)
    return answers


async def levels(
    db: Db, *, skus: Sequence[str] = (), nodes: Sequence[UUID] = (), keys: Sequence[tuple[UUID, str]] = ()
) -> list[Level]:
    """Balances as they stand, without a lock: of SKUs, of nodes, or of single (node, sku) pairs."""
    return await store.levels(db, skus=skus, nodes=nodes, keys=keys)


async def missed(db: Db, *, works: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """(fulfillment order, node, SKU) that its node did not find, and got none of since: look elsewhere for it."""
    return await store.missed(db, works)


async def movements(
    db: Db, *, node_id: UUID, sku: str, before: int | None = None, limit: int = 50
) -> list[Movement]:
    """The ledger of one (node, sku), latest first: why the number is what it is."""
    return await store.movements(db, node_id=node_id, sku=sku, before=before, limit=limit)
