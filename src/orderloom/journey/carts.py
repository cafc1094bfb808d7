"""Carts keep stock: what a channel may draw on, kits taken apart, and orders woken by what a cart gives back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from orderloom import catalog, network
from orderloom.inventory import reservations
from orderloom.inventory.availability import Shelves
from orderloom.inventory.keeping import Line, Reservation
from orderloom.inventory.reservations import TTL_S, Cart, Ended, Made, NotKept
from orderloom.journey.offering import expected, open_to
from orderloom.journey.queueing import before_new, line_up, wake_line
from orderloom.network.model import Channel, Node
from orderloom.orders.model import Fault
from orderloom.plumbing.database import Db

AT_ONCE = 1000
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class CartDraft:
    """A cart as it comes in. `partly`: keep what there is, instead of all or nothing."""

    channel: str
    lines: tuple[tuple[str, int], ...]
    owner: str | None = None
    ttl_s: int = TTL_S
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """The cart names what does not exist: nothing was kept."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _World:
    channels: Mapping[str, Channel]
    nodes: Mapping[UUID, Node]
    kits: Mapping[str, Mapping[str, int]]
    known: Collection[str]


async def keep(db: Db, *, drafts: Sequence[CartDraft], now: datetime) -> list[Made | NotKept | Wrong]:
    """Keep what these carts ask; one outcome a draft, in their order. One refused touches no neighbour."""
    world = await _look_up(
        db, {d.channel for d in drafts}, {sku for draft in drafts for sku, _ in draft.lines}
    )
    outcomes: dict[int, Made | NotKept | Wrong] = {
        i: Wrong(tuple(faults)) for i, draft in enumerate(drafts) if (faults := _faults(draft, world))
    }
    sound = [i for i in range(len(drafts)) if i not in outcomes]
    asked = [_cart(drafts[i], world) for i in sound]
    made = await reservations.create(db, carts=asked, kits=world.kits, ready=_ready(db, world))
    for i, cart, outcome in zip(sound, asked, made, strict=True):
        outcomes[i] = await _later(db, outcome, cart.open_nodes, now)
    return [outcomes[i] for i in range(len(drafts))]


def _ready(db: Db, world: _World) -> reservations.Ready:
    """What a cart leaves alone: units that orders in line before it have a claim on."""

    async def ready(shelves: Shelves, skus: Collection[str]) -> None:
        shelves.selling = {node.id for node in world.nodes.values() if node.open}
        shelves.claimed = before_new(await line_up(db, shelves=shelves, skus=skus), priority=0)

    return ready


async def _later(db: Db, outcome: Outcome, open_nodes: Collection[UUID], now: datetime) -> Outcome | NotKept:
    """A refusal says when more comes that nobody waits for."""
    if not isinstance(outcome, NotKept):
        return outcome
    skus = {short.sku for short in outcome.lacking}
    more = await expected(db, skus=skus, now=now)
    days = {sku: more.at(open_nodes, sku) for sku in sorted(skus)}
    return replace(outcome, coming={sku: of[0] for sku, of in days.items() if of})


async def _look_up(db: Db, channels: Collection[str], skus: Collection[str]) -> _World:
    return _World(
        channels={c.code: c for c in (await network.channels_of(db, codes=channels)).values()},
        nodes=await network.nodes_of(db),
        kits=await catalog.kits_of(db, skus=set(skus)),
        known={sku for sku, item in (await catalog.items_of(db, skus=set(skus))).items() if item.active},
    )


def _faults(draft: CartDraft, world: _World) -> list[Fault]:
    found = []
    channel = world.channels.get(draft.channel)
    if channel is None or not channel.active:
        found.append(
            Fault("/channel", "unknown_channel", f"no active channel {draft.channel!r}: correct the code")
        )
    return found + _unknown(draft.lines, world)


def _unknown(lines: Sequence[tuple[str, int]], world: _World) -> list[Fault]:
    return [
        Fault(f"/lines/{i}/sku", "unknown_sku", f"no active item {sku!r} in the catalogue")
        for i, (sku, _) in enumerate(lines)
        if sku not in world.known
    ]


def _cart(draft: CartDraft, world: _World) -> Cart:
    channel = world.channels[draft.channel]
    return Cart(
        channel_id=channel.id,
        open_nodes=open_to(channel, world.nodes),
        lines=_numbered(draft.lines),
        owner=draft.owner,
        ttl_s=draft.ttl_s,
        partly=draft.partly,
    )


def _numbered(lines: Iterable[tuple[str, int]]) -> tuple[Line, ...]:
    return tuple(Line(i, sku, quantity) for i, (sku, quantity) in enumerate(lines, start=1))


async def change(
    db: Db,
    *,
    reservation: Reservation,
    lines: Sequence[tuple[str, int]],
    partly: bool = False,
    ttl_s: int | None = None,
    now: datetime,
) -> Made | NotKept | Ended | Wrong:
    """Keep these lines instead of those it has: grown, shrunk, others. What stays stays at its node."""
    channel, world = await _of(db, reservation, {sku for sku, _ in lines})
    if faults := _unknown(lines, world):
        return Wrong(tuple(faults))
    made = await reservations.change(
        db,
        key=reservation.id,
        lines=_numbered(lines),
        open_nodes=open_to(channel, world.nodes),
        kits=world.kits,
        partly=partly,
        ttl_s=ttl_s,
        ready=_ready(db, world),
    )
    await _wake(db, [reservation])
    return await _later(db, made, open_to(channel, world.nodes), now)


async def relocate(
    db: Db, *, reservation: Reservation, moves: Mapping[int, str], now: datetime
) -> Made | NotKept | Ended | Wrong:
    """Keep lines, by position, at the nodes named, if those are open to the channel and have all of them."""
    channel, world = await _of(db, reservation, {line.sku for line in reservation.lines})
    nodes = {node.code: node for node in world.nodes.values()}
    positions = {line.position for line in reservation.lines}
    faults = []
    for position, code in moves.items():
        if position not in positions:
            faults.append(Fault("/lines", "unknown_line", f"it has no line {position}"))
        if code not in nodes:
            faults.append(Fault("/lines", "unknown_node", f"no node {code!r}: correct the code"))
        elif not channel.draws_on(nodes[code]):
            faults.append(
                Fault("/lines", "node_not_open", f"{code} does not ship for {channel.code}: choose another")
            )
    if faults:
        return Wrong(tuple(faults))
    made = await reservations.change(
        db,
        key=reservation.id,
        lines=None,
        at={position: nodes[code].id for position, code in moves.items()},
        open_nodes=open_to(channel, world.nodes),
        kits=world.kits,
        ready=_ready(db, world),
    )
    await _wake(db, [reservation])
    return await _later(db, made, open_to(channel, world.nodes), now)


async def _of(db: Db, reservation: Reservation, skus: Collection[str]) -> tuple[Channel, _World]:
    [channel] = (await network.channels_of(db, ids=[reservation.channel_id])).values()
    return channel, await _look_up(db, [channel.code], skus)


async def cancel(db: Db, *, reservation: Reservation, reason: str) -> bool:
    """Give it up; False when it had ended before."""
    ended = await reservations.cancel(db, keys=[reservation.id], reason=reason)
    await _wake(db, [reservation])
    return bool(ended)


async def expire(db: Db, _now: datetime) -> None:
    """End the reservations whose time is over, by the database's clock, and offer their units to waiting orders."""
    await _wake(db, await reservations.expire(db, limit=AT_ONCE))


async def _wake(db: Db, freed: Sequence[Reservation]) -> None:
    await wake_line(db, skus={unit.sku for reservation in freed for unit in reservation.units})
