"""What was counted is always recorded: a set, an adjustment, a snapshot, a cycle count, units that have expired.

Where fewer units are left than are claimed, the youngest claims lose theirs in the same transaction: carts first, then
orders, those whose work has begun last. These units are short; their orders go back to routing, with a case for a
person. Units in closed packages stay counted until they ship: they lie in a box, whatever a shelf count says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from orderloom import inventory, packing
from orderloom.inventory import counting
from orderloom.inventory import lots as lot_books
from orderloom.inventory.availability import Shelves, unreserve_legs
from orderloom.inventory.counting import Change, Stale, tell_changed
from orderloom.inventory.model import Level, LotUnits, Posting
from orderloom.inventory.snapshots import note_by_hand
from orderloom.inventory.store import cart_units
from orderloom.inventory.store.cart_units import CartUnits
from orderloom.journey.giving_back import freeing
from orderloom.journey.reserving import COUNTED_SHORT
from orderloom.orders import claims, exceptions
from orderloom.orders.claims import Claim
from orderloom.orders.exceptions import NewException
from orderloom.orders.reading import fulfillments_of, lock, sellers_of
from orderloom.orders.slices import Move, move
from orderloom.orders.store.rows import lock_fulfillments
from orderloom.packing.model import Refused
from orderloom.packing.work import work_of
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import Rank

TRIES = 5
Key: TypeAlias = tuple[UUID, str]
# Says what is to be recorded, once the balances stand still.
Judge: TypeAlias = Callable[[Shelves], Awaitable[Sequence[Change]]]


class StockInMotion(RuntimeError):
    """Claims came and went faster than they could be locked: the same call may succeed in a moment."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a count cost at one balance: units that carts and orders lost, and such as stay counted since packed."""

    carts: int = 0
    orders: int = 0
    packed: int = 0


NO_LOSS = Loss()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was posted, by balance, and what that cost; a change of nothing posts nothing."""

    changes: Mapping[Key, Change] = field(default_factory=dict)
    losses: Mapping[Key, Loss] = field(default_factory=dict)
    levels: Mapping[Key, Level] = field(default_factory=dict)


@dataclass(slots=True)
class _Held:
    """Whose rows are locked before stock is."""

    orders: set[UUID] = field(default_factory=set)
    works: set[UUID] = field(default_factory=set)
    carts: set[UUID] = field(default_factory=set)
    last: bool = False


class _Wider(Exception):
    """Claims must be taken whose rows are not locked: stock is let go, and locked again after them."""


async def record(db: Db, *, keys: Collection[Key], judge: Judge, now: datetime) -> Recorded:
    """Record what `judge` says of these balances, at most one change each. Raises StockInMotion."""
    held = _Held()
    for left in range(TRIES, 0, -1):
        held.last = left == 1
        try:
            # A savepoint: what is locked in it is let go when it is rolled back.
            async with db.transaction():
                return await _record(db, keys, judge, held, now)
        except _Wider:
            continue
    raise AssertionError


async def _record(db: Db, keys: Collection[Key], judge: Judge, held: _Held, now: datetime) -> Recorded:
    if held.orders:
        await lock(db, orders=sorted(held.orders))
        await lock_fulfillments(db, sorted(held.works))
    if held.carts:
        await cart_units.lock(db, sorted(held.carts))
    shelves = await inventory.lock(db, keys=keys)
    said = [counting.possible(shelves.level(*c.key), c) for c in await judge(shelves) if not c.empty]
    wanted = {c.key: units for c in said if (units := counting.lost(shelves.level(*c.key), c))}
    losses: dict[Key, Loss] = {}
    if wanted:
        losses = await _free(db, shelves, wanted, held, {c.key: c.reason for c in said}, now)
    changes = {}
    for change in said:
        kept = losses[change.key].packed if change.key in losses else 0
        fits = counting.less(change, kept) if kept else change
        if not fits.empty:
            unborne = shelves.post(fits.posting())
            assert unborne is None, unborne  # noqa: S101 - made to fit on these very shelves
            changes[change.key] = fits
    await inventory.write(db, shelves=shelves)
    for reason in sorted({change.reason for change in changes.values()}):
        mine = [key for key, change in changes.items() if change.reason == reason]
        await tell_changed(db, keys=mine, reason=reason)
    return Recorded(changes, losses, {key: shelves.level(*key) for key in keys})


# --- whose units go -------------------------------------------------------------------------------------------


async def _free(
    db: Db,
    shelves: Shelves,
    wanted: Mapping[Key, int],
    held: _Held,
    reasons: Mapping[Key, str],
    now: datetime,
) -> dict[Key, Loss]:
    """Take the youngest claims off the shelves; what cannot be taken is packed. Raises _Wider, StockInMotion."""
    carts, taken = await _chosen(db, wanted, held)
    gone_carts = _sum(((u.node_id, u.sku), u.taken) for u in carts)
    await _take_from_carts(db, shelves, carts, reasons)
    freed = await _take_from_orders(db, shelves, taken, reasons, now)
    gone_orders = _sum((_place(claim), claim.units) for claim in freed)
    return {
        key: Loss(
            gone_carts.get(key, 0),
            gone_orders.get(key, 0),
            units - gone_carts.get(key, 0) - gone_orders.get(key, 0),
        )
        for key, units in wanted.items()
    }


def _sum(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = defaultdict(int)
    for key, units in pairs:
        total[key] += units
    return total


def _place(claim: Claim) -> Key:
    assert claim.slice.node_id is not None  # noqa: S101 - the table's CHECK has it
    return claim.slice.node_id, claim.slice.sku


async def _chosen(db: Db, wanted: Mapping[Key, int], held: _Held) -> tuple[list[CartUnits], list[Claim]]:
    """The youngest claims. Where younger ones came meanwhile, those locked will do: the latest comers are spared.

    Raises _Wider when locked claims are too few, and StockInMotion when they were so every time.
    """
    carts, taken = await _youngest(db, wanted)
    if _locked(carts, taken, held):
        return carts, taken
    mine = await _youngest(db, wanted, held)
    if _locked(*mine, held) and _units(*mine) == _units(carts, taken):
        return mine
    if held.last:
        msg = "claims on this stock come and go too fast: count again in a moment"
        raise StockInMotion(msg)
    # More than is wanted, for some may be gone before they are locked.
    carts, taken = await _youngest(db, {key: 2 * units for key, units in wanted.items()})
    held.carts |= {u.reservation_id for u in carts}
    held.orders |= {claim.slice.order_id for claim in taken}
    held.works |= {claim.slice.fulfillment_id for claim in taken if claim.slice.fulfillment_id}
    raise _Wider


async def _youngest(
    db: Db, wanted: Mapping[Key, int], held: _Held | None = None
) -> tuple[list[CartUnits], list[Claim]]:
    carts = await cart_units.youngest(db, wanted, held.carts if held else None)
    left = dict(wanted)
    for cart in carts:
        left[cart.node_id, cart.sku] -= cart.taken
    among = held.orders if held else None
    return carts, await claims.youngest(db, wanted={k: n for k, n in left.items() if n}, among=among)


def _locked(carts: Sequence[CartUnits], taken: Sequence[Claim], held: _Held) -> bool:
    works = {claim.slice.fulfillment_id for claim in taken if claim.slice.fulfillment_id}
    return (
        {claim.slice.order_id for claim in taken} <= held.orders
        and works <= held.works
        and {u.reservation_id for u in carts} <= held.carts
    )


def _units(carts: Sequence[CartUnits], taken: Sequence[Claim]) -> dict[Key, int]:
    return _sum([*(((u.node_id, u.sku), u.taken) for u in carts), *((_place(c), c.units) for c in taken)])


async def _take_from_carts(
    db: Db, shelves: Shelves, units: Sequence[CartUnits], reasons: Mapping[Key, str]
) -> None:
    if not units:
        return
    for unit in units:
        posting = Posting(
            cause_type="reservation",
            cause_id=unit.reservation_id,
            channel_id=unit.channel_id,
            reason=reasons[unit.node_id, unit.sku],
            legs=unreserve_legs([(unit.node_id, unit.sku, unit.taken)]),
        )
        unborne = shelves.post(posting)
        assert unborne is None, unborne  # noqa: S101 - these very units were kept there
    lost: dict[UUID, list[CartUnits]] = defaultdict(list)
    for unit in units:
        lost[unit.reservation_id].append(unit)
    told = await cart_units.take(db, units)
    await events.append(
        db,
        [
            News(
                "reservation.cancelled" if state == "cancelled" else "reservation.changed",
                "reservation",
                cart,
                channel_id=channel,
                version=version,
                reason=reasons[lost[cart][0].node_id, lost[cart][0].sku],
                data={"lost": [{"sku": u.sku, "quantity": u.taken} for u in lost[cart]]},
            )
            for cart, (channel, version, state) in told.items()
        ],
    )


async def _take_from_orders(
    db: Db, shelves: Shelves, taken: Sequence[Claim], reasons: Mapping[Key, str], now: datetime
) -> list[Claim]:
    """Make these units short; returns the claims that could be taken, the others being packed."""
    by_reason: dict[str, list[Claim]] = defaultdict(list)
    for claim in taken:
        by_reason[reasons[_place(claim)]].append(claim)
    freed: list[Claim] = []
    for reason, mine in sorted(by_reason.items()):
        loose = [claim for claim in mine if claim.slice.rank < Rank.RELEASED]
        await move(db, [_short(claim) for claim in loose], event="order.short", reason=reason)
        handed = [claim for claim in mine if Rank.RELEASED <= claim.slice.rank < Rank.PICKING]
        await _take_handed(db, handed, reason)
        begun = [claim for claim in mine if claim.slice.rank >= Rank.PICKING]
        freed += [*loose, *handed, *await _take_begun(db, begun, reason)]
    if not freed:
        return freed
    channels = await sellers_of(db, sorted({claim.part.order_id for claim in freed}))
    for posting in freeing([claim.part for claim in freed], reason="fewer were counted", channels=channels):
        unborne = shelves.post(posting)
        assert unborne is None, unborne  # noqa: S101 - these very units were claimed there
    works = sorted({claim.slice.fulfillment_id for claim in freed if claim.slice.fulfillment_id})
    await lot_books.settle(db, works=works)
    await _tell(db, freed, works, now)
    return freed


def _short(claim: Claim) -> Move:
    return Move(slice_id=claim.slice.id, to=Rank.SHORT, quantity=claim.units)


async def _take_handed(db: Db, handed: Sequence[Claim], reason: str) -> None:
    """Units of work that its node has not begun: told as a node would report them short."""
    by_work: dict[UUID, list[Claim]] = defaultdict(list)
    for claim in handed:
        if claim.slice.fulfillment_id:
            by_work[claim.slice.fulfillment_id].append(claim)
    for work, mine in sorted(by_work.items()):
        first = mine[0].slice
        data = {first.order_id: {"fulfillment": work.hex, "node": first.node_id.hex if first.node_id else ""}}
        await move(db, [_short(c) for c in mine], event="fulfillment.short", reason=reason, data=data)
    ended = [w for w in (await fulfillments_of(db, ids=sorted(by_work))).values() if w.status == "cancelled"]
    await packing.cancel_packages(db, fulfillment_ids=[work.id for work in ended])


async def _take_begun(db: Db, begun: Sequence[Claim], reason: str) -> list[Claim]:
    """Units that are being picked: scans are put right with them; what lies in a package already stays."""
    freed = []
    for claim in begun:
        work, sku = claim.slice.fulfillment_id, claim.slice.sku
        assert work is not None  # noqa: S101 - the table's CHECK has it
        at = await work_of(db, work)
        units = min(claim.units, at.ordered.get(sku, 0) - at.packed.get(sku, 0))
        if units <= 0:
            continue
        said = await packing.report_short(db, fulfillment_id=work, sku=sku, quantity=units, reason=reason)
        if not isinstance(said, Refused):
            freed.append(replace(claim, units=units))
    return freed


async def _tell(db: Db, freed: Sequence[Claim], works: Sequence[UUID], now: datetime) -> None:
    units: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for claim in freed:
        units[claim.slice.order_id][claim.slice.sku] += claim.units
    await exceptions.open_(db, cases_=[_case(order, lost, now) for order, lost in sorted(units.items())])
    await journeys.wake(db, "order", sorted(units))
    await journeys.wake(db, "fulfillment", works)


def _case(order: UUID, lost: Mapping[str, int], now: datetime) -> NewException:
    told = ", ".join(f"{units} of {sku}" for sku, units in sorted(lost.items()))
    return NewException(
        kind=COUNTED_SHORT,
        entity="order",
        entity_id=order,
        order_id=order,
        detail=f"{told} kept for it were not there when stock was counted",
        way_out="It is routed anew from what is left; count again, offer another item, or cancel the units.",
        due_at=now + timedelta(days=1),
    )


# --- one balance ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """The balance after it was put right, and what that cost."""

    level: Level
    loss: Loss


async def set_on_hand(
    db: Db,
    *,
    node_id: UUID,
    sku: str,
    quantity: int,
    reason: str,
    now: datetime,
    expected: int | None = None,
    lots: Sequence[LotUnits] = (),
) -> Counted | Stale:
    """Put the count right: the difference to the ledger is posted, never an overwrite."""

    async def judge(level: Level) -> Change:
        return Change(
            node_id=node_id,
            sku=sku,
            kind="counted",
            reason=reason,
            as_of=now,
            on_hand=quantity - level.on_hand,
            lots=await _lots(db, (node_id, sku), lots),
        )

    done = await _one(db, (node_id, sku), judge, expected, now)
    if isinstance(done, Counted):
        await note_by_hand(db, counted={(node_id, sku): (quantity, now)}, now=now)
    return done


async def adjust(
    db: Db,
    *,
    node_id: UUID,
    sku: str,
    changes: Mapping[str, int],
    reason: str,
    now: datetime,
    expected: int | None = None,
    lots: Sequence[LotUnits] = (),
) -> Counted | Stale:
    """Add to or take from buckets: `{"on_hand": -2}`, `{"damaged": 1}`, `{"on_hand": 5, "quality_control": 5}`."""

    async def judge(_level: Level) -> Change:
        return Change(
            node_id=node_id,
            sku=sku,
            kind="adjusted",
            reason=reason,
            on_hand=changes.get("on_hand", 0),
            damaged=changes.get("damaged", 0),
            quality_control=changes.get("quality_control", 0),
            lots=tuple(lots),
        )

    return await _one(db, (node_id, sku), judge, expected, now)


async def _lots(db: Db, key: Key, counted: Sequence[LotUnits]) -> tuple[LotUnits, ...]:
    return (await lot_books.differences(db, counted={key: counted}))[key] if counted else ()


async def _one(
    db: Db, key: Key, judge: Callable[[Level], Awaitable[Change]], expected: int | None, now: datetime
) -> Counted | Stale:
    stale: list[Stale] = []

    async def all_(shelves: Shelves) -> Sequence[Change]:
        level = shelves.level(*key)
        stale[:] = [Stale(level.on_hand)] if expected is not None and level.on_hand != expected else []
        return [] if stale else [await judge(level)]

    done = await record(db, keys=[key], judge=all_, now=now)
    if stale:
        return stale[0]
    return Counted(done.levels[key], done.losses.get(key, NO_LOSS))
