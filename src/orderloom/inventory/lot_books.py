"""Lots in memory, under a lock: what is moved, bound and let go on them, and written in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from orderloom.inventory.fefo import Lot, first_out
from orderloom.inventory.model import LotUnits
from orderloom.inventory.store import lots as store
from orderloom.inventory.store.lots import LotEntry, Pick
from orderloom.plumbing.database import Db

Key = tuple[UUID, str]
PickKey = tuple[UUID, UUID, str]


@dataclass(frozen=True, slots=True)
class Cause:
    """What brings a movement of a lot about."""

    type: str
    id: UUID | None
    reason: str | None = None
    as_of: datetime | None = None


class Books:
    """The lots of some balances, locked, and what has been done to them since. Nothing is stored until it is written."""

    def __init__(self, lots: Iterable[Lot], picks: Iterable[Pick] = ()) -> None:
        self._lots = {lot.key: lot for lot in lots}
        self._before = dict(self._lots)
        self._picks: dict[PickKey, Pick] = {}
        self._stored: dict[PickKey, Pick] = {}
        self._shipped: dict[PickKey, Pick] = {}
        self._entries: list[LotEntry] = []
        self.unplanned: list[tuple[UUID, Lot, int]] = []
        """(Fulfillment order, lot, units) that shipped without having been bound."""
        self.know(picks)

    def know(self, picks: Iterable[Pick]) -> None:
        """Add picks that were read; one that is known already stays as it is."""
        for pick in picks:
            key = _key(pick)
            if key not in self._stored:
                self._stored[key] = pick
                self._picks.setdefault(key, pick)

    # --- what is there ----------------------------------------------------------------------------------------

    def all(self) -> list[Lot]:
        """Every lot as it is now, in key order."""
        return [self._lots[key] for key in sorted(self._lots)]

    def lot(self, key: Key, name: str) -> Lot | None:
        """One lot of a balance."""
        return self._lots.get((*key, name))

    def on_hand(self, key: Key) -> int:
        """Units of a balance over all its lots."""
        return sum(lot.on_hand for lot in self._of(key))

    def picked(self, work: UUID, line: UUID) -> int:
        """Units that a line of a fulfillment order takes from lots."""
        return sum(p.quantity for (w, x, _), p in self._picks.items() if (w, x) == (work, line))

    def net_by(
        self, stored: Mapping[Key, Mapping[tuple[str, date | None], int]], cause: UUID, sku: str
    ) -> dict[tuple[str, date | None], int]:
        """What a cause has put into each lot of a SKU, less what it took, with what stands here unwritten."""
        net: dict[tuple[str, date | None], int] = dict(stored.get((cause, sku), {}))
        for entry in self._entries:
            if entry.cause_id == cause and entry.sku == sku:
                name = (entry.lot, self._lots[entry.node_id, sku, entry.lot].expires_on)
                net[name] = net.get(name, 0) + entry.on_hand
        return net

    def _of(self, key: Key) -> list[Lot]:
        return [lot for lot in self._lots.values() if (lot.node_id, lot.sku) == key]

    # --- units come and go ------------------------------------------------------------------------------------

    def move(self, key: Key, units: LotUnits, cause: Cause, *, serial: bool) -> None:
        """Add units to a lot, or take some; a lot not known yet begins."""
        lot = self._lots.get((*key, units.lot)) or Lot(
            node_id=key[0], sku=key[1], lot=units.lot, serial=serial
        )
        after = lot.with_(on_hand=units.quantity)
        # What is gone is gone from what was put aside too.
        after = replace(after, expired=min(after.expired, max(0, after.on_hand)))
        if units.expires_on is not None:
            after = replace(after, expires_on=units.expires_on)
        self._lots[lot.key] = after
        if units.quantity:
            self._enter(lot, cause, on_hand=units.quantity)

    def fitting(self, key: Key, lots: Sequence[LotUnits]) -> list[LotUnits]:
        """The same units in all, none from a lot beyond what it holds: those are taken from where most is then.

        Late word of a moment may name lots otherwise than the units that have left since were booked.
        """
        wanted: dict[str, LotUnits] = {}
        for lot in lots:
            before = wanted.get(lot.lot)
            wanted[lot.lot] = replace(lot, quantity=lot.quantity + before.quantity) if before else lot
        after = {lot.lot: lot.on_hand for lot in self._of(key)}
        for name, lot in wanted.items():
            after[name] = after.get(name, 0) + lot.quantity
        lacking = 0
        for name, units in after.items():
            if units < 0:
                wanted[name] = replace(wanted[name], quantity=wanted[name].quantity - units)
                lacking -= units
        for name, units in sorted(after.items(), key=lambda x: (-x[1], x[0])):
            gone = min(lacking, max(0, units))
            if gone:
                lot = wanted.get(name) or LotUnits(name, 0)
                wanted[name] = replace(lot, quantity=lot.quantity - gone)
                lacking -= gone
        return [lot for lot in wanted.values() if lot.quantity or lot.expires_on]

    def any_out(self, key: Key, quantity: int, taken: Sequence[LotUnits]) -> list[tuple[Lot, int]]:
        """Units to take where nobody said which: free ones first expired first, then such as were put aside or bound."""
        gone = {lot.lot: -lot.quantity for lot in taken}
        lots = [lot.with_(on_hand=-gone.get(lot.lot, 0)) for lot in self._of(key)]
        found = first_out(lots, quantity, today=None)
        left = quantity - sum(units for _, units in found)
        also = {lot.lot: units for lot, units in found}
        for lot in sorted(lots, key=lambda x: (-x.expired, x.lot)):
            units = min(left, lot.on_hand - also.get(lot.lot, 0))
            if units > 0:
                also[lot.lot] = also.get(lot.lot, 0) + units
                left -= units
        by_name = {lot.lot: lot for lot in lots}
        return [(by_name[name], units) for name, units in also.items()]

    def put_aside(self, lot: Lot, units: int) -> None:
        """Units of an expired lot are in quality control now."""
        self._lots[lot.key] = self._lots[lot.key].with_(expired=units)

    def overdrawn(self) -> dict[tuple[UUID, str, str], int]:
        """The lots from which more is to be taken than they hold, and by how much."""
        return {key: -lot.free for key, lot in self._lots.items() if lot.free < 0}

    # --- work ---------------------------------------------------------------------------------------------------

    def pick(self, work: UUID, line: UUID, key: Key, quantity: int, *, today: date | None) -> None:
        """Bind units for a line of a fulfillment order, first expired first, as many as there are."""
        for lot, units in first_out(self._of(key), quantity, today=today):
            self._bind(work, line, lot, units)

    def _bind(self, work: UUID, line: UUID, lot: Lot, units: int) -> None:
        name = (work, line, lot.lot)
        pick = self._picks.get(name) or Pick(
            fulfillment_id=work, line_id=line, node_id=lot.node_id, sku=lot.sku, lot=lot.lot, quantity=0
        )
        self._picks[name] = replace(pick, quantity=pick.quantity + units)
        self._lots[lot.key] = self._lots[lot.key].with_(allocated=units)
        self._enter(lot, Cause("fulfillment", work), allocated=units)

    def unpick(self, pick: Pick, units: int) -> None:
        """Let so many units of a pick go."""
        if not units:
            return
        present = self._picks[_key(pick)]
        lot = self._lots[pick.node_id, pick.sku, pick.lot]
        self._picks[_key(pick)] = replace(present, quantity=present.quantity - units)
        self._lots[lot.key] = lot.with_(allocated=-units)
        self._enter(lot, Cause("fulfillment", pick.fulfillment_id), allocated=-units)

    def keep_only(self, units: Mapping[tuple[UUID, UUID], int]) -> None:
        """Let go what lines of fulfillment orders take beyond these units, the last to expire first."""
        for work, line in sorted({(p.fulfillment_id, p.line_id) for p in self._picks.values()}):
            surplus = self.picked(work, line) - units.get((work, line), 0)
            for pick in reversed(
                self._in_order(
                    p for p in self._picks.values() if (p.fulfillment_id, p.line_id) == (work, line)
                )
            ):
                gone = min(surplus, pick.quantity)
                if gone > 0:
                    self.unpick(pick, gone)
                    surplus -= gone

    def drop_surplus(self, over: Mapping[tuple[UUID, str, str], int]) -> list[Pick]:
        """Let the youngest work go of lots that hold too little; returns what it lost."""
        dropped = []
        for key, surplus in over.items():
            left = surplus
            mine = [p for p in self._picks.values() if (p.node_id, p.sku, p.lot) == key]
            for pick in sorted(mine, key=lambda p: p.fulfillment_id, reverse=True):
                gone = min(left, pick.quantity)
                if gone > 0:
                    self.unpick(pick, gone)
                    dropped.append(replace(pick, quantity=gone))
                    left -= gone
        return dropped

    def take_picked(self, work: UUID, key: Key, quantity: int, *, shipped: bool) -> list[tuple[str, int]]:
        """The units a fulfillment order had bound, used up: shipped, or not found. Returns how many of each lot."""
        mine = self._in_order(
            p for p in self._picks.values() if p.fulfillment_id == work and (p.node_id, p.sku) == key
        )
        taken = []
        # What was not found is looked for where the picker would have come last.
        for pick in mine if shipped else reversed(mine):
            units = min(quantity, pick.quantity)
            if units > 0:
                self.unpick(pick, units)
                taken.append((pick.lot, units))
                quantity -= units
                if shipped:
                    self._shipped[_key(pick)] = replace(pick, quantity=units, shipped=True)
        # All of it leaves at once: what was bound beyond that is free again.
        for pick in mine if shipped else ():
            self.unpick(pick, self._picks[_key(pick)].quantity)
        return taken

    def note_shipped(self, work: UUID, line: UUID, sku: str, quantity: int) -> None:
        """A line of so many units ships: what none of its picks told of comes from the lots nobody had planned."""
        told = sum(p.quantity for (w, x, _), p in self._shipped.items() if (w, x) == (work, line))
        left = []
        for at, lot, units in self.unplanned:
            taken = min(units, quantity - told) if (at, lot.sku) == (work, sku) else 0
            if taken > 0:
                told += taken
                name = (work, line, lot.lot)
                before = self._shipped[name].quantity if name in self._shipped else 0
                self._shipped[name] = Pick(
                    fulfillment_id=work,
                    line_id=line,
                    node_id=lot.node_id,
                    sku=sku,
                    lot=lot.lot,
                    quantity=before + taken,
                    shipped=True,
                )
            if units > max(0, taken):
                left.append((at, lot, units - max(0, taken)))
        self.unplanned = left

    def swap_in(self, work: UUID, lot_key: tuple[UUID, str, str], quantity: int) -> bool:
        """Bind this very lot for the work instead of others it had; who had it gets those. False: it cannot be had."""
        lot = self._lots[lot_key]
        mine = [
            p for p in self._picks.values() if p.fulfillment_id == work and (p.node_id, p.sku) == lot_key[:2]
        ]
        has = sum(p.quantity for p in mine if p.lot == lot.lot)
        others = [p for p in reversed(self._in_order(mine)) if p.lot != lot.lot]
        wanted = min(quantity - has, sum(p.quantity for p in others))
        if wanted <= 0:
            return True
        theirs = [
            p
            for p in self._picks.values()
            if p.fulfillment_id != work and (p.node_id, p.sku, p.lot) == lot_key
        ]
        if lot.free + sum(p.quantity for p in theirs) < wanted:
            return False
        lost: list[tuple[Pick, int]] = []
        needed = wanted - max(0, lot.free)
        for pick in theirs:
            gone = min(needed, pick.quantity)
            if gone > 0:
                self.unpick(pick, gone)
                lost.append((pick, gone))
                needed -= gone
        for pick in others:
            gone = min(wanted, pick.quantity)
            if gone > 0:
                self.unpick(pick, gone)
                self._bind(work, pick.line_id, self._lots[lot_key], gone)
                wanted -= gone
        for pick, gone in lost:
            self.pick(pick.fulfillment_id, pick.line_id, lot_key[:2], gone, today=None)
        return True

    def _in_order(self, picks: Iterable[Pick]) -> list[Pick]:
        """By the day their lots expire."""

        def last_day(pick: Pick) -> tuple[date, str]:
            return self._lots[pick.node_id, pick.sku, pick.lot].expires_on or date.max, pick.lot

        return sorted(picks, key=last_day)

    # --- writing ------------------------------------------------------------------------------------------------

    def _enter(self, lot: Lot, cause: Cause, *, on_hand: int = 0, allocated: int = 0) -> None:
        self._entries.append(
            LotEntry(
                node_id=lot.node_id,
                sku=lot.sku,
                lot=lot.lot,
                on_hand=on_hand,
                allocated=allocated,
                cause_type=cause.type,
                cause_id=cause.id,
                reason=cause.reason,
                as_of=cause.as_of,
            )
        )

    async def write(self, db: Db) -> None:
        """Store what changed: lots, their ledger, and the picks."""
        lots = [lot for key, lot in self._lots.items() if self._before.get(key) != lot]
        if lots:
            await store.put(db, lots)
        if self._entries:
            await store.enter(db, self._entries)
        picks = [p for key, p in self._picks.items() if self._stored.get(key) != p]
        if picks:
            await store.put_picks(db, picks)
        if self._shipped:
            await store.put_picks(db, list(self._shipped.values()))


def _key(pick: Pick) -> PickKey:
    return pick.fulfillment_id, pick.line_id, pick.lot
