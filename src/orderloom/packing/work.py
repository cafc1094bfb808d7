"""The state of fulfillment orders as a station sees it: what is ordered, picked, packed, and whether work may go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom.orders import holds, reading
from orderloom.orders.model import Fulfillment, Slice
from orderloom.orders.store.rows import lock_fulfillments
from orderloom.packing import store
from orderloom.packing.model import Package, Refused
from orderloom.plumbing.database import Db
from orderloom.terms import Quantities, Rank

_ENDED = frozenset({"closed", "cancelled", "incomplete"})


class NoSuchWork(LookupError):
    """There is no fulfillment order of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One fulfillment order and how far it has come. `slices` are those still to be shipped by it."""

    fulfillment: Fulfillment
    slices: Sequence[Slice]
    picked: Quantities
    packages: Sequence[Package]
    hold: str | None

    @property
    def ordered(self) -> Quantities:
        """Units to be shipped, by SKU."""
        return Quantities((s.sku, s.quantity) for s in self.slices)

    @property
    def packed(self) -> Quantities:
        """Units in packages, open and closed, by SKU."""
        return sum((p.contents for p in self.packages), Quantities())

    @property
    def lines_left(self) -> dict[UUID, int]:
        """Units not yet in a package, by line."""
        left: dict[UUID, int] = defaultdict(int)
        for s in self.slices:
            left[s.line_id] += s.quantity
        for package in self.packages:
            for line, units in package.lines.items():
                left[line] -= units
        return left

    def share(self, sku: str, quantity: int) -> list[tuple[UUID, int]]:
        """Which lines units of a SKU are for, in the order of the lines, as far as there are any left."""
        left = self.lines_left
        parts = []
        for line in dict.fromkeys(s.line_id for s in self.slices if s.sku == sku):
            units = min(left[line], quantity)
            if units > 0:
                parts.append((line, units))
                quantity -= units
        return parts

    def barred(self) -> Refused | None:
        """Why nobody may pick or pack for it now, if so."""
        work = self.fulfillment
        if work.status in _ENDED or not self.slices:
            return Refused(
                code="closed",
                message=f"{work.number} is {work.status}: put the goods back, and scan the next order",
            )
        if all(s.rank >= Rank.PACKED for s in self.slices):
            return Refused(
                code="closed", message=f"{work.number} is packed already: reprint its label instead"
            )
        if self.hold is not None:
            return Refused(
                code="on_hold",
                message=f"{work.number} is on hold ({self.hold}): set it aside until the hold is cleared",
            )
        return None


async def works_of(db: Db, *, fulfillments: Sequence[UUID], lock: bool = True) -> dict[UUID, Work]:
    """Fulfillment orders, locked in key order, with what has been done for them. One not there is absent."""
    ids = sorted(set(fulfillments))
    found = await (lock_fulfillments(db, ids) if lock else reading.fulfillments_of(db, ids=ids))
    slices: dict[UUID | None, list[Slice]] = defaultdict(list)
    for s in await reading.slices_of(db, fulfillments=ids):
        if s.rank < Rank.CANCELLED:
            slices[s.fulfillment_id].append(s)
    packages: dict[UUID, list[Package]] = defaultdict(list)
    for package in await store.read_packages(db, fulfillments=ids):
        if package.status != "cancelled":
            packages[package.fulfillment_id].append(package)
    picked = await store.picked(db, ids)
    blocked = await _holds(db, found)
    return {
        work_id: Work(
            fulfillment=work,
            slices=slices[work_id],
            picked=picked.get(work_id, Quantities()),
            packages=packages[work_id],
            hold=blocked.get(work.order_id),
        )
        for work_id, work in found.items()
    }


async def work_of(db: Db, fulfillment_id: UUID) -> Work:
    """One of them. Raises NoSuchWork."""
    found = await works_of(db, fulfillments=[fulfillment_id])
    if fulfillment_id not in found:
        msg = f"there is no fulfillment order {fulfillment_id}"
        raise NoSuchWork(msg)
    return found[fulfillment_id]


async def _holds(db: Db, found: Mapping[UUID, Fulfillment]) -> dict[UUID, str]:
    return await holds.blocked(db, orders=sorted({work.order_id for work in found.values()}), step="pick")
