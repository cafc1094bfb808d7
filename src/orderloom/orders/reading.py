"""What is stored, read back in sets."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.orders.store import slicing
from orderloom.orders.store.rows import (
    fulfillments_of,
    heads_of,
    lines_of,
    open_at,
    order_id,
    orders_of,
    released_since,
    sellers_of,
    works_ahead,
)
from orderloom.plumbing.database import Db
from orderloom.terms import Rank

__all__ = [
    "fulfillments_of",
    "heads_of",
    "lines_of",
    "lock",
    "open_at",
    "order_id",
    "orders_of",
    "orders_short_of",
    "ranks_of",
    "released_since",
    "sellers_of",
    "slices_between",
    "slices_of",
    "unreleased",
    "unsupplied",
    "works_ahead",
]


async def slices_of(db: Db, *, orders: Sequence[UUID] = (), fulfillments: Sequence[UUID] = ()) -> list[Slice]:
    """The slices of orders, or of fulfillment orders, oldest first."""
    if fulfillments:
        return await slicing.of_fulfillments(db, fulfillments)
    return await slicing.of_orders(db, orders) if orders else []


async def slices_between(db: Db, *, orders: Sequence[UUID], lowest: Rank, highest: Rank) -> list[Slice]:
    """Those slices of orders that stand from one rank to another, oldest first."""
    return await slicing.between(db, orders, lowest, highest) if orders else []


async def ranks_of(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, set[Rank]]:
    """Where the slices of each of these orders stand, for whoever need not know more of them."""
    return await slicing.ranks_of(db, orders) if orders else {}


async def orders_short_of(db: Db, *, skus: Sequence[str]) -> list[UUID]:
    """The orders with units of these SKUs that no stock is kept for."""
    return await slicing.orders_short_of(db, skus)


async def unsupplied(db: Db, *, skus: Sequence[str]) -> dict[str, int]:
    """Units by SKU of orders accepted that no stock is kept for: whoever counts what is to be had takes these off."""
    return await slicing.unsupplied(db, skus) if skus else {}


async def unreleased(db: Db, *, most: int, after: UUID | None = None) -> list[UUID]:
    """Open orders with units that are kept at a node and not handed to it yet: the urgent first, or those after one."""
    return await slicing.unreleased(db, most, after)


async def lock(db: Db, *, orders: Sequence[UUID]) -> None:
    """Lock orders in key order, before their slices and before stock (invariant L2): whoever changes one, first."""
    await slicing.lock_orders(db, orders)
