"""Carts' reservations: made, extended, changed, moved, turned into an order, cancelled, expired.

A buyer has one open reservation a channel: a new one of the same owner takes the place of the one before, whose units
it may keep, so that nobody is ever in their own way (S6). The database's clock alone says when one ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.availability import Key, Shelves, reserve_legs, unreserve_legs
from orderloom.inventory.keeping import Kept, Lacking, Line, Reservation, keep
from orderloom.inventory.model import Posting
from orderloom.inventory.store import reservations as store
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import new_id

TTL_S = 600
TTL_MOST_S = 86_400
# What is to be known of shelves once they are locked: which nodes count, what belongs to those in line (by SKU).
Ready: TypeAlias = Callable[[Shelves, Collection[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What a channel asks to be kept. `partly`: as far as there is stock, instead of all or nothing."""

    channel_id: UUID
    open_nodes: Collection[UUID]
    lines: tuple[Line, ...]
    owner: str | None = None
    ttl_s: int = TTL_S
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The reservation as it stands now; `lacking` names the lines that are not kept as asked."""

    reservation: Reservation
    lacking: tuple[Lacking, ...] = ()


@dataclass(frozen=True, slots=True)
class NotKept:
    """Nothing was kept, and nothing has changed: these lines cannot be. `coming`: by SKU when more is to be had."""

    lacking: tuple[Lacking, ...]
    coming: Mapping[str, tuple[datetime, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """It has ended before, and an end is final."""

    reservation: Reservation


async def create(
    db: Db,
    *,
    carts: Sequence[Cart],
    kits: Mapping[str, Mapping[str, int]],
    ready: Ready | None = None,
) -> list[Made | NotKept]:
    """Keep what these carts ask, one outcome a cart in their order: a few statements, however many carts."""
    outcomes: dict[int, Made | NotKept] = {}
    left = list(range(len(carts)))
    while left:
        # A second cart of one owner replaces the first: it has its turn once that one is stored.
        turn: dict[tuple[UUID, str | int], int] = {}
        for i in left:
            turn.setdefault((carts[i].channel_id, carts[i].owner or i), i)
        now = sorted(turn.values())
        made = await _create(db, [carts[i] for i in now], kits, ready)
        outcomes |= dict(zip(now, made, strict=True))
        left = [i for i in left if i not in outcomes]
    return [outcomes[i] for i in range(len(carts))]


async def _create(
    db: Db,
    carts: Sequence[Cart],
    kits: Mapping[str, Mapping[str, int]],
    ready: Ready | None,
) -> list[Made | NotKept]:
    before = await _owned(db, carts)
    lines = [line for cart in carts for line in cart.lines]
    shelves = await _shelves(db, lines, list(before.values()), kits, ready)
    new: dict[int, _New] = {}
    refused: dict[int, NotKept] = {}
    for i, cart in enumerate(carts):
        old = before.get((cart.channel_id, cart.owner)) if cart.owner else None
        kept, lacking = keep(
            cart.lines,
            shelves,
            kits=kits,
            channel_id=cart.channel_id,
            open_nodes=cart.open_nodes,
            own=old.own() if old else {},
        )
        if lacking and not (cart.partly and kept.lines):
            refused[i] = NotKept(tuple(lacking))
            continue
        new[i] = _New(new_id(), cart, kept, tuple(lacking), old)
        if old is not None:
            free(shelves, old, reason="the same buyer's next reservation took its place")
        _keep(shelves, cart.channel_id, new[i].id, kept, own=old is not None)
    made = dict(zip(new, await _store(db, shelves, list(new.values())), strict=True))
    return [made.get(i) or refused[i] for i in range(len(carts))]


@dataclass(frozen=True, slots=True)
class _New:
    """A reservation about to be stored, and the one whose place it takes."""

    id: UUID
    cart: Cart
    kept: Kept
    lacking: tuple[Lacking, ...]
    old: Reservation | None


async def _owned(db: Db, carts: Sequence[Cart]) -> dict[tuple[UUID, str | None], Reservation]:
    owners = sorted({(cart.channel_id, cart.owner) for cart in carts if cart.owner})
    await store.take_turns(db, owners)
    found = await store.lock(db, await store.of_owners(db, owners))
    return {(r.channel_id, r.owner): r for r in found.values() if r.state == "open"}


async def _shelves(
    db: Db,
    lines: Sequence[Line],
    own: Sequence[Reservation],
    kits: Mapping[str, Mapping[str, int]],
    ready: Ready | None,
) -> Shelves:
    skus = {leaf for line in lines for leaf in (kits.get(line.sku) or (line.sku,))}
    shelves = await inventory.lock_skus(db, skus=skus | {unit.sku for r in own for unit in r.units})
    if ready is not None:
        await ready(shelves, skus)
    return shelves


async def _store(db: Db, shelves: Shelves, new: Sequence[_New]) -> list[Made]:
    if not new:
        return []
    await inventory.write(db, shelves=shelves)
    times = await store.insert(db, [(n.id, n.cart.channel_id, n.cart.owner, n.cart.ttl_s) for n in new])
    await store.insert_content(db, [(n.id, n.kept) for n in new])
    replaced = [n.old for n in new if n.old is not None]
    if replaced:
        await store.end(db, [old.id for old in replaced], state="cancelled")
    made = [
        Reservation(
            id=n.id,
            channel_id=n.cart.channel_id,
            owner=n.cart.owner,
            state="open",
            expires_at=times[n.id][0],
            order_id=None,
            version=1,
            created_at=times[n.id][1],
            updated_at=times[n.id][1],
            lines=n.kept.lines,
            units=n.kept.units,
        )
        for n in new
    ]
    await events.append(
        db,
        [_ended(old, "cancelled", "the same buyer's next reservation took its place") for old in replaced]
        + [_told("created", r) for r in made],
    )
    return [Made(r, n.lacking) for r, n in zip(made, new, strict=True)]


async def change(
    db: Db,
    *,
    key: UUID,
    lines: Sequence[Line] | None,
    at: Mapping[int, UUID] | None = None,
    open_nodes: Collection[UUID],
    kits: Mapping[str, Mapping[str, int]],
    partly: bool = False,
    ttl_s: int | None = None,
    ready: Ready | None = None,
) -> Made | NotKept | Ended:
    """Keep these lines instead, None meaning the same ones, some `at` nodes named: more, fewer, others, elsewhere.

    The check is that of `create`; what the cart keeps already counts as its own. With `ttl_s` it lives so many
    seconds from now, if that is longer.
    """
    found = (await store.lock(db, [key]))[key]
    if found.state != "open":
        return Ended(found)
    wanted = found.lines if lines is None else lines
    shelves = await _shelves(db, wanted, [found], kits, ready)
    kept, lacking = keep(
        wanted,
        shelves,
        kits=kits,
        channel_id=found.channel_id,
        open_nodes=open_nodes,
        own=found.own(),
        at=at,
    )
    if lacking and not (partly and kept.lines):
        return NotKept(tuple(lacking))
    free(shelves, found, reason="changed")
    _keep(shelves, found.channel_id, key, kept, own=True)
    await inventory.write(db, shelves=shelves)
    await store.replace_content(db, key, kept)
    return Made(await _touched(db, key, ttl_s), tuple(lacking))


async def extend(db: Db, *, key: UUID, ttl_s: int = TTL_S) -> Made | Ended:
    """Let it live so many seconds from now; never shorter than it would have."""
    found = (await store.lock(db, [key]))[key]
    if found.state != "open":
        return Ended(found)
    return Made(await _touched(db, key, ttl_s))


async def _touched(db: Db, key: UUID, ttl_s: int | None) -> Reservation:
    held = await store.touch(db, key, ttl_s=ttl_s or 0)
    assert held  # noqa: S101 - it is locked and open
    now = (await store.of(db, [key]))[key]
    await events.append(db, [_told("changed", now)])
    return now


async def cancel(db: Db, *, keys: Sequence[UUID], reason: str) -> set[UUID]:
    """Give up those that are open; returns them. Those that have ended stay as they ended."""
    return {r.id for r in await _end(db, keys, "cancelled", reason)}


async def expire(db: Db, *, limit: int = 1000) -> list[Reservation]:
    """End those whose time is over by the database's clock, and give their units back; returns them."""
    return await _end(db, await store.claim_overdue(db, limit), "expired", "its time was over")


async def _end(
    db: Db, keys: Sequence[UUID], state: Literal["cancelled", "expired"], reason: str
) -> list[Reservation]:
    found = [r for r in (await store.lock(db, keys)).values() if r.state == "open"]
    if not found:
        return []
    shelves = await inventory.lock(db, keys=[key for r in found for key in r.own()])
    for reservation in found:
        free(shelves, reservation, reason=reason)
    await inventory.write(db, shelves=shelves)
    await store.end(db, [r.id for r in found], state=state)
    await events.append(db, [_ended(r, state, reason) for r in found])
    return found


# --- into an order --------------------------------------------------------------------------------------------


async def lock(db: Db, *, keys: Sequence[UUID]) -> dict[UUID, Reservation]:
    """Reservations about to be used by orders, locked by id; those that do not exist are left out."""
    return await store.lock(db, sorted(set(keys)))


async def consumed(db: Db, *, by: Mapping[UUID, UUID]) -> None:
    """These locked and open reservations, their units freed on the shelves, have become orders: by id, the order's."""
    if not by:
        return
    known = await store.of(db, list(by))
    await store.end(db, list(by), state="consumed", orders=list(by.values()))
    await events.append(db, [_ended(known[key], "consumed", None, order) for key, order in by.items()])


async def of(db: Db, *, keys: Sequence[UUID]) -> dict[UUID, Reservation]:
    """Reservations as they stand, whatever their state."""
    return await store.of(db, keys)


async def page(
    db: Db,
    *,
    channels: Sequence[UUID] | None = None,
    owner: str | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Reservation]:
    """Reservations, latest first."""
    ids = await store.page(db, channels=channels, owner=owner, state=state, after=after, limit=limit)
    return sorted((await store.of(db, ids)).values(), key=lambda r: r.id, reverse=True)


# --- postings and events --------------------------------------------------------------------------------------


def free(shelves: Shelves, reservation: Reservation, *, reason: str) -> None:
    """Give the units of an open reservation back on the shelves; its channel gets them back."""
    legs = unreserve_legs((node, sku, n) for (node, sku), n in reservation.own().items())
    if legs:
        unborne = shelves.post(
            Posting(
                cause_type="reservation",
                cause_id=reservation.id,
                legs=legs,
                reason=reason,
                channel_id=reservation.channel_id,
            )
        )
        assert unborne is None, unborne  # noqa: S101 - S1 has it that they are kept there


def _keep(shelves: Shelves, channel_id: UUID, key: UUID, kept: Kept, *, own: bool) -> None:
    units: dict[Key, int] = {}
    for unit in kept.units:
        units[unit.node_id, unit.sku] = units.get((unit.node_id, unit.sku), 0) + unit.quantity
    posting = Posting(
        cause_type="reservation",
        cause_id=key,
        legs=reserve_legs((node, sku, n) for (node, sku), n in sorted(units.items())),
        # What it had it may keep, though safety stock has been raised above it since.
        within_safety=not own,
        channel_id=channel_id,
    )
    unborne = shelves.post(posting)
    assert unborne is None, unborne  # noqa: S101 - `keep` planned on these very shelves


def _told(verb: Literal["created", "changed"], r: Reservation) -> News:
    return News(
        f"reservation.{verb}",
        "reservation",
        r.id,
        channel_id=r.channel_id,
        version=r.version,
        data={
            "owner": r.owner,
            "expires_at": r.expires_at.isoformat(),
            "lines": [
                {"position": line.position, "sku": line.sku, "quantity": line.quantity} for line in r.lines
            ],
        },
    )


def _ended(before: Reservation, state: str, reason: str | None, order: UUID | None = None) -> News:
    return News(
        f"reservation.{state}",
        "reservation",
        before.id,
        order_id=order,
        channel_id=before.channel_id,
        version=before.version + 1,
        reason=reason,
        data={"owner": before.owner},
    )
