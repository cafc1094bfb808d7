"""Units of orders that no stock is kept for, and the order they are served in: priority, then age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.orders.store import waiting as store
from orderloom.plumbing.database import Db, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUnits:
    """How many units of a SKU wait on one channel, for one node where the channel has fixed it."""

    sku: str
    channel_id: UUID
    fixed_node_id: UUID | None
    priority: int
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """A slice that waits, and its place in the queue."""

    slice_id: UUID
    order_id: UUID
    line_id: UUID
    sku: str
    quantity: int
    channel_id: UUID
    fixed_node_id: UUID | None
    priority: int
    placed_at: datetime

    @property
    def place(self) -> tuple[int, datetime, UUID]:
        """Smaller is served sooner."""
        return -self.priority, self.placed_at, self.order_id


async def waited_for(db: Db, *, skus: Sequence[str]) -> set[str]:
    """Which of these SKUs somebody waits for."""
    return await store.skus(db, skus) if skus else set()


async def waited_by(db: Db, *, orders: Sequence[UUID]) -> set[str]:
    """The SKUs that these orders wait for."""
    return await store.skus_of(db, orders) if orders else set()


async def units_waiting(db: Db, *, skus: Sequence[str]) -> list[WaitingUnits]:
    """What waits for these SKUs in sums, the urgent first: cheap however many orders wait."""
    return [WaitingUnits(**dict(row)) for row in await store.sums(db, skus)] if skus else []


async def in_line(
    db: Db, *, skus: Sequence[str], nodes: Sequence[UUID], after: InLine | None = None, limit: int = 500
) -> list[InLine]:
    """The next waiting slices of these SKUs that stock at one of the nodes might serve, in their order."""
    place = (after.priority, after.placed_at, after.order_id, after.slice_id) if after else None
    return list(_told(await store.queue(db, skus, nodes, place, limit)))


async def all_in_line(db: Db, *, skus: Sequence[str]) -> list[InLine]:
    """Every waiting slice of these SKUs, in its order."""
    return list(_told(await store.everything(db, skus))) if skus else []


def _told(rows: Sequence[Row]) -> Iterator[InLine]:
    for row in rows:
        yield InLine(**dict(row))
