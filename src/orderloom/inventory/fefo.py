"""First expired, first out: which lots units are taken from. Pure.

An earlier day goes before a later one, and a lot that never expires goes last. Among lots of the same day whole ones are
preferred to splitting: the largest that are used up wholly, then the smallest that holds the rest, so that few lots lie
about half empty and a buyer's units come from few lots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Units of a SKU at a node that share a lot number, or the one unit that has a serial number.

    `allocated` units are bound to work not yet shipped; `expired` ones have been put into quality control.
    """

    node_id: UUID
    sku: str
    lot: str
    expires_on: date | None = None
    on_hand: int = 0
    allocated: int = 0
    expired: int = 0
    serial: bool = False

    @property
    def key(self) -> tuple[UUID, str, str]:
        """Where it lies and what it is."""
        return self.node_id, self.sku, self.lot

    @property
    def free(self) -> int:
        """Units that are bound to no work and have not been put aside."""
        return self.on_hand - self.allocated - self.expired

    def past(self, today: date) -> bool:
        """Whether it may not be sold any more: its last day is a good one."""
        return self.expires_on is not None and self.expires_on < today

    def with_(self, *, on_hand: int = 0, allocated: int = 0, expired: int = 0) -> Lot:
        """The lot after so many units more, or less."""
        return replace(
            self,
            on_hand=self.on_hand + on_hand,
            allocated=self.allocated + allocated,
            expired=self.expired + expired,
        )


def first_out(lots: Iterable[Lot], quantity: int, *, today: date | None) -> list[tuple[Lot, int]]:
    """The free units to take, first expired first, as many as there are. `today` None takes expired ones too."""
    able = [lot for lot in lots if lot.free > 0 and not (today is not None and lot.past(today))]
    able.sort(key=lambda lot: (_last_day(lot), -lot.free, lot.lot))
    taken: list[tuple[Lot, int]] = []
    for _, same_day in groupby(able, key=_last_day):
        for lot, units in _of_one_day(list(same_day), quantity):
            taken.append((lot, units))
            quantity -= units
    return taken


def _last_day(lot: Lot) -> date:
    return lot.expires_on or date.max


def _of_one_day(lots: list[Lot], quantity: int) -> list[tuple[Lot, int]]:
    """Whole lots, the largest first; the rest from the smallest that holds it, or else from what is left."""
    taken: list[tuple[Lot, int]] = []
    left = []
    for lot in lots:
        if 0 < lot.free <= quantity:
            taken.append((lot, lot.free))
            quantity -= lot.free
        else:
            left.append(lot)
    # What is left holds more than is wanted, each lot of it: the smallest is opened.
    if quantity and left:
        taken.append((left[-1], quantity))
    return taken
