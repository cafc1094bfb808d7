"""Balances and ledger as they stand, read without a lock: to show and to count with, not to promise on."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.inventory.model import Level, Movement
from orderloom.inventory.store import stock as store
from orderloom.plumbing.database import Db


async def levels(
    db: Db, *, skus: Sequence[str] = (), nodes: Sequence[UUID] = (), keys: Sequence[tuple[UUID, str]] = ()
) -> list[Level]:
    """Balances of SKUs, of nodes, or of single (node, sku) pairs."""
    return await store.levels(db, skus=skus, nodes=nodes, keys=keys)


async def to_promise(db: Db, *, skus: Sequence[str]) -> dict[tuple[UUID, str], int]:
    """What may be promised at each node of these SKUs, by (node, SKU)."""
    found = await store.levels(db, skus=skus) if skus else []
    return {(level.node_id, level.sku): level.to_promise for level in found}


async def missed(db: Db, *, works: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """(fulfillment order, node, SKU) that its node did not find, and got none of since: look elsewhere for it."""
    return await store.missed(db, works)


async def movements(
    db: Db, *, node_id: UUID, sku: str, before: int | None = None, limit: int = 50
) -> list[Movement]:
    """The ledger of one (node, sku), latest first: why the number is what it is."""
    return await store.movements(db, node_id=node_id, sku=sku, before=before, limit=limit)
