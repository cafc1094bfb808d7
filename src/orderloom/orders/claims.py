"""Who claims stock at a node, the youngest first: they lose it when less is there than was thought."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom.orders.model import Slice
from orderloom.orders.store import claiming
from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True)
class Claim:
    """A slice that keeps stock, of an order placed then; `units` of it are to go."""

    slice: Slice
    placed_at: datetime
    units: int

    @property
    def part(self) -> Slice:
        """The slice as if it were only these units."""
        return replace(self.slice, quantity=self.units)


async def handed_out(db: Db, *, keys: Collection[tuple[UUID, str]]) -> list[Slice]:
    """Units that work at these (node, SKU) has to ship, the oldest order's first; none that is being moved."""
    return await claiming.handed_out(db, keys) if keys else []


async def youngest(
    db: Db, *, wanted: Mapping[tuple[UUID, str], int], among: Collection[UUID] | None = None
) -> list[Claim]:
    """The youngest orders' claims at these (node, SKU) that add up to the units wanted; packed units are never named.

    `among` names the orders to look at; None means all.
    """
    return [Claim(*found) for found in await claiming.youngest(db, wanted, among)] if wanted else []
