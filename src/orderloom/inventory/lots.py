"""Lots and serial numbers: which units of a tracked item are where, which work takes them, and what has expired.

The balance of a tracked item is the sum of its lots: whatever changes units on hand comes by `follow`, with the lots it
names or, where it names none, first expired first. An item that is not tracked never gets further than the first check.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from orderloom.catalog.store import tracked_of
from orderloom.inventory.lot_books import Books, Cause
from orderloom.inventory.model import Entry, LotUnits
from orderloom.inventory.store import lots as store
from orderloom.inventory.store import stock
from orderloom.inventory.store.lots import Pick
from orderloom.orders import claims
from orderloom.orders.reading import slices_of
from orderloom.plumbing.database import Db
from orderloom.terms import Rank

# Units whose lot nobody has told: such as were there before the item was tracked.
UNASSIGNED = "unassigned"
Key = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class LotsRequired:
    """The item is tracked and its lots were not named, or do not add up; `problem` says which and what to send."""

    sku: str
    problem: str


async def follow(db: Db, *, entries: Sequence[Entry]) -> None:
    """Book the lots behind changes of units on hand. Their balances are locked by this transaction."""
    physical = [e for e in entries if e.leg.on_hand or e.leg.lots]
    tracked = await tracked_of(db, skus={e.leg.sku for e in physical}) if physical else {}
    mine = [e for e in physical if e.leg.sku in tracked]
    if not mine:
        return
    works = {e.cause_id for e in mine if e.cause_type == "fulfillment" and e.cause_id}
    books = await _open(db, keys={(e.leg.node_id, e.leg.sku) for e in mine}, works=works)
    # What leaves comes first: a transfer's receiver gets the lots its sender gave.
    mine.sort(key=lambda e: e.leg.on_hand > 0)
    causes = {e.cause_id for e in mine if e.cause_id and not e.leg.lots and e.cause_type != "fulfillment"}
    net = await store.net_of(db, causes) if causes else {}
    for entry in mine:
        cause = Cause(entry.cause_type, entry.cause_id, entry.reason, entry.as_of)
        key = entry.leg.key
        for lot in books.fitting(key, entry.leg.lots or _lots_of(entry, books, net)):
            serial = tracked[entry.leg.sku] == "serial" and lot.lot != UNASSIGNED
            books.move(key, lot, cause, serial=serial)
    await _name_lines(db, books)
    await _let_go_surplus(db, books)
    await books.write(db)


async def _name_lines(db: Db, books: Books) -> None:
    """Units that shipped from lots nobody had planned are noted with their order's lines too: a recall must find them."""
    if not books.unplanned:
        return
    works = sorted({work for work, _, _ in books.unplanned})
    for piece in await slices_of(db, fulfillments=works):
        if piece.rank == Rank.PACKED and piece.fulfillment_id:
            books.note_shipped(piece.fulfillment_id, piece.line_id, piece.sku, piece.quantity)


def _lots_of(
    entry: Entry, books: Books, net: Mapping[Key, Mapping[tuple[str, date | None], int]]
) -> list[LotUnits]:
    """The lots of a change that names none: those its work was to take, those its cause had moved, or by FEFO."""
    leg = entry.leg
    if leg.on_hand > 0:
        return _coming(entry, books, net)
    units = -leg.on_hand
    found: list[LotUnits] = []
    if entry.cause_type == "fulfillment" and entry.cause_id:
        taken = books.take_picked(entry.cause_id, leg.key, units, shipped=leg.kind == "shipped")
        found = [LotUnits(lot, -n) for lot, n in taken]
    elif entry.cause_id:
        brought = books.net_by(net, entry.cause_id, leg.sku)
        found = _as_far_as(units, ((lot, day, n) for (lot, day), n in brought.items() if n > 0), sign=-1)
    units -= sum(-lot.quantity for lot in found)
    if units:
        others = books.any_out(leg.key, units, found)
        found += [LotUnits(lot.lot, -n) for lot, n in others]
        if leg.kind == "shipped" and entry.cause_id:
            books.unplanned += [(entry.cause_id, lot, n) for lot, n in others]
    return found


def _coming(
    entry: Entry, books: Books, net: Mapping[Key, Mapping[tuple[str, date | None], int]]
) -> list[LotUnits]:
    units = entry.leg.on_hand
    found: list[LotUnits] = []
    if entry.cause_id:
        sent = books.net_by(net, entry.cause_id, entry.leg.sku)
        found = _as_far_as(units, ((lot, day, -n) for (lot, day), n in sent.items() if n < 0), sign=1)
    units -= sum(lot.quantity for lot in found)
    return [*found, LotUnits(UNASSIGNED, units)] if units else found


def _as_far_as(units: int, lots: Iterable[tuple[str, date | None, int]], *, sign: int) -> list[LotUnits]:
    found = []
    for lot, day, there in lots:
        taken = min(units, there)
        if taken:
            found.append(LotUnits(lot, sign * taken, day))
            units -= taken
    return found


async def _open(db: Db, *, keys: Collection[Key], works: Collection[UUID] = ()) -> Books:
    lots = await store.lock(db, keys)
    return Books(lots, await store.picks_of(db, works) if works else [])


async def _let_go_surplus(db: Db, books: Books) -> None:
    """Lots that hold less than is to be taken from them lose their youngest work, which gets other lots."""
    over = books.overdrawn()
    if not over:
        return
    await _know_works_on(db, books, list(over))
    dropped = books.drop_surplus(over)
    for pick in dropped:
        books.pick(pick.fulfillment_id, pick.line_id, (pick.node_id, pick.sku), pick.quantity, today=None)


async def _know_works_on(db: Db, books: Books, lots: Collection[tuple[UUID, str, str]]) -> None:
    """All picks of the work that takes from these lots, those on other lots too: it may be bound to more of them."""
    works = {pick.fulfillment_id for pick in await store.picks_on(db, lots)}
    books.know(await store.picks_of(db, works))


# --- the work's lots ------------------------------------------------------------------------------------------


async def assign(db: Db, *, keys: Collection[Key], today: Mapping[UUID, date]) -> None:
    """Give the work at these balances of tracked items the lots it lacks, first expired first, the oldest order first.

    It lacks them as long as it is new, and when it lost them to their last day or there were too few. `today` is each
    node's own.
    """
    books = await _open(db, keys=keys)
    pieces = await claims.handed_out(db, keys=keys)
    books.know(await store.picks_of(db, {p.fulfillment_id for p in pieces if p.fulfillment_id}))
    units: dict[tuple[UUID, UUID, Key], int] = defaultdict(int)
    for piece in pieces:
        if piece.fulfillment_id and piece.node_id:
            units[piece.fulfillment_id, piece.line_id, (piece.node_id, piece.sku)] += piece.quantity
    for (work, line, key), wanted in units.items():
        lacking = wanted - books.picked(work, line)
        if lacking > 0:
            books.pick(work, line, key, lacking, today=today[key[0]])
    await books.write(db)


async def unassigned(db: Db, *, today: Mapping[UUID, date]) -> set[Key]:
    """Balances where more is allocated than is bound to lots, while lots that have not expired have free units."""
    return await store.unassigned(db, today)


async def settle(db: Db, *, works: Collection[UUID]) -> None:
    """Give lots back that fulfillment orders no longer take: their units were recalled, cancelled, or found missing."""
    if not works or not (picks := await store.picks_of(db, works)):
        return
    books = await _open(db, keys={(p.node_id, p.sku) for p in picks}, works=works)
    units: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for piece in await slices_of(db, fulfillments=sorted(works)):
        if piece.fulfillment_id and Rank.RELEASED <= piece.rank < Rank.SHIPPED:
            units[piece.fulfillment_id, piece.line_id] += piece.quantity
    books.keep_only(units)
    await books.write(db)


@dataclass(frozen=True, slots=True)
class WrongLot:
    """This lot cannot be taken for the work, and why."""

    code: str
    message: str


async def bind(
    db: Db, *, work: UUID, node_id: UUID, sku: str, lot: str, quantity: int, today: date
) -> WrongLot | None:
    """The very lot that was scanned is the work's; what was planned for it goes to whoever had this one."""
    if sku not in await tracked_of(db, skus=[sku]):
        return None
    books = await _open(db, keys=[(node_id, sku)], works=[work])
    found = books.lot((node_id, sku), lot)
    if found is None or not found.on_hand:
        return WrongLot("unknown_lot", f"{lot} of {sku} is not in stock here: count it in, or take another")
    if found.past(today) or found.on_hand <= found.expired:
        return WrongLot("expired_lot", f"{lot} of {sku} expired on {found.expires_on}: put it aside")
    await _know_works_on(db, books, [found.key])
    if not books.swap_in(work, found.key, quantity):
        return WrongLot("lot_taken", f"all of {lot} of {sku} is packed for other orders: take another lot")
    await books.write(db)
    return None


# --- what people say of lots ----------------------------------------------------------------------------------


def check(*, sku: str, tracked_by: str | None, total: int, lots: Sequence[LotUnits]) -> LotsRequired | None:
    """Whether the lots named fit the item and add up to the units."""
    if tracked_by is None:
        return LotsRequired(sku, f"{sku} is not tracked by lot: leave lots out") if lots else None
    if not lots and total:
        return LotsRequired(sku, f"{sku} is tracked by {tracked_by}: name the lots of all {abs(total)} units")
    if len({lot.lot for lot in lots}) < len(lots):
        return LotsRequired(sku, f"a lot of {sku} is named twice: name each once")
    if (told := sum(lot.quantity for lot in lots)) != total:
        return LotsRequired(sku, f"the lots of {sku} add up to {told}, not {total}")
    several = [x.lot for x in lots if abs(x.quantity) > 1 and x.lot != UNASSIGNED]
    if tracked_by == "serial" and several:
        return LotsRequired(sku, f"{several[0]} is a serial number of {sku}: it is one unit")
    return None


async def differences(
    db: Db, *, counted: Mapping[Key, Sequence[LotUnits]], as_of: datetime | None = None
) -> dict[Key, tuple[LotUnits, ...]]:
    """What counts of whole balances, as of a moment, change in each lot; a lot that was not named was not there."""
    present: dict[Key, dict[str, int]] = defaultdict(dict)
    for lot in await store.lock(db, counted) if counted else []:
        present[lot.node_id, lot.sku][lot.lot] = lot.on_hand
    since = await store.moved_since(db, counted, as_of) if as_of and counted else {}
    for (node, sku, name), units in since.items():
        present[node, sku][name] = present[node, sku].get(name, 0) - units
    found = {}
    for key, lots in counted.items():
        told = {lot.lot: lot for lot in lots}
        there = present[key]
        names = [n for n in sorted({*told, *there}) if n in told or there[n]]
        changes = [
            LotUnits(
                name,
                (told[name].quantity if name in told else 0) - there.get(name, 0),
                told[name].expires_on if name in told else None,
            )
            for name in names
        ]
        found[key] = tuple(c for c in changes if c.quantity or c.expires_on)
    return found


async def in_stock_elsewhere(
    db: Db, *, node_id: UUID, lots: Mapping[str, Sequence[LotUnits]]
) -> dict[tuple[str, str], UUID]:
    """The serial numbers among these, by SKU, that another node has: the same unit cannot come in twice."""
    coming = [(sku, lot.lot) for sku, mine in lots.items() for lot in mine if lot.quantity > 0]
    found = await store.serials_about(db, coming) if coming else {}
    return {serial: node for serial, node in found.items() if node != node_id}


async def begin(db: Db, *, skus: Collection[str]) -> None:
    """Items that are tracked from now on: what is on hand and in no lot is put into one that says so."""
    tracked = await tracked_of(db, skus=skus) if skus else {}
    if not tracked:
        return
    await stock.lock_skus(db, sorted(tracked))
    levels = {(level.node_id, level.sku): level for level in await stock.levels(db, skus=sorted(tracked))}
    books = await _open(db, keys=levels)
    for key, level in levels.items():
        there = books.on_hand(key)
        cause = Cause("tracking", None, "tracked from now on")
        if level.on_hand > there:
            books.move(key, LotUnits(UNASSIGNED, level.on_hand - there), cause, serial=False)
        elif level.on_hand < there:
            for lot, units in books.any_out(key, there - level.on_hand, []):
                books.move(key, LotUnits(lot.lot, -units), cause, serial=lot.serial)
    await _let_go_surplus(db, books)
    await books.write(db)


# --- what has expired -----------------------------------------------------------------------------------------


async def expiring(db: Db, *, today: Mapping[UUID, date], limit: int) -> set[Key]:
    """Balances with units past their last day that still count as sellable."""
    return {(lot.node_id, lot.sku) for lot in await store.expired(db, today, limit=limit)}


async def let_go_expired(db: Db, *, keys: Collection[Key], today: Mapping[UUID, date]) -> dict[Key, int]:
    """Take expired lots away from work that is not packed, and say how many units are to be put aside, by balance."""
    books = await _open(db, keys=keys)
    past = [lot for lot in books.all() if lot.past(today[lot.node_id]) and lot.on_hand > lot.expired]
    picks = await store.picks_on(db, [lot.key for lot in past])
    works = sorted({p.fulfillment_id for p in picks})
    packed = {
        piece.fulfillment_id
        for piece in await slices_of(db, fulfillments=works)
        if Rank.PACKED <= piece.rank < Rank.CANCELLED
    }
    books.know(await store.picks_of(db, [work for work in works if work not in packed]))
    for pick in [p for p in picks if p.fulfillment_id not in packed]:
        books.unpick(pick, pick.quantity)
    await books.write(db)
    units: dict[Key, int] = defaultdict(int)
    for lot in books.all():
        if lot.past(today[lot.node_id]) and lot.free > 0:
            units[lot.node_id, lot.sku] += lot.free
    return units


async def note_expired(db: Db, *, units: Mapping[Key, int], today: Mapping[UUID, date]) -> None:
    """So many units of expired lots have been put into quality control, by balance."""
    books = await _open(db, keys=units)
    for key, moved in units.items():
        left = moved
        for lot in [x for x in books.all() if (x.node_id, x.sku) == key and x.past(today[x.node_id])]:
            taken = min(left, max(0, lot.free))
            books.put_aside(lot, taken)
            left -= taken
    await books.write(db)


async def returning(db: Db, *, units: Mapping[UUID, int]) -> dict[UUID, tuple[LotUnits, ...]]:
    """For units coming back, by order line: the lots they had left from, as far as these were told.

    A serial number that is in stock again has come back before.
    """
    left = dict(units)
    found: dict[UUID, list[LotUnits]] = defaultdict(list)
    picks: list[Pick] = await store.shipped_for(db, units) if units else []
    here = await store.serials_about(db, [(pick.sku, pick.lot) for pick in picks]) if picks else {}
    for pick in picks:
        if (pick.sku, pick.lot) in here:
            continue
        taken = min(pick.quantity, left[pick.line_id])
        if taken > 0:
            found[pick.line_id].append(LotUnits(pick.lot, taken))
            left[pick.line_id] -= taken
    return {line: tuple(mine) for line, mine in found.items()}
