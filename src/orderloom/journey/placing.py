"""Steps 1 and 2: an order is validated, given its id, and stored with its stock reserved, in one transaction.

The same set-based statements serve one order and a thousand: drafts in, one outcome each out, in the same order. A
draft that is refused leaves nothing behind and touches no neighbour.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from orderloom import catalog, inventory, network, payments
from orderloom.catalog.model import Item
from orderloom.inventory import reservations
from orderloom.inventory.availability import Demand, Key, Shelves, reserve_legs
from orderloom.inventory.availability import place as keep
from orderloom.inventory.keeping import Reservation
from orderloom.inventory.model import Posting
from orderloom.journey import backordering, promising
from orderloom.journey.backordering import Ahead, NotComing
from orderloom.journey.offering import open_to
from orderloom.journey.order import ORDER
from orderloom.journey.twins import first_of_each_key, with_twins
from orderloom.network.model import Channel, Node
from orderloom.orders import capture, promises
from orderloom.orders.capture import NewLine, NewOrder, NewSlice
from orderloom.orders.checking import check
from orderloom.orders.model import Fault, OrderDraft, Placed, Refused
from orderloom.orders.waiting import waited_for
from orderloom.payments.model import Tender
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db, new_ids
from orderloom.plumbing.events import Actor, News
from orderloom.routing.binding import Dates
from orderloom.terms import Rank

# So many orders are planned in a breath, some three milliseconds.
_BREATH = 50
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the drafts refer to, read once for all of them."""

    channels: Mapping[str, Channel]
    items: Mapping[str, Item]
    kits: Mapping[str, Mapping[str, int]]
    nodes: Mapping[str, Node]
    dates: Dates | None
    holding: dict[UUID, Node]
    """By id the nodes that hold any of it, once the stock is locked."""


class _Carts:
    """The reservations that the drafts name, locked; each gives its units to one order."""

    def __init__(self, found: Mapping[UUID, Reservation]) -> None:
        self._found = found
        self.consumed: dict[UUID, UUID] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def skus(self) -> set[str]:
        return {unit.sku for r in self._found.values() for unit in r.units if r.state == "open"}

    def named(self, draft: OrderDraft) -> Reservation | None:
        return self._found.get(draft.reservation_id) if draft.reservation_id else None

    def of(self, draft: OrderDraft, channel: Channel) -> Reservation | None:
        """The draft's reservation, as long as it keeps units for it."""
        found = self.named(draft)
        if (
            found is None
            or found.state != "open"
            or found.channel_id != channel.id
            or found.id in self.consumed
        ):
            return None
        return found

    def state(self, draft: OrderDraft, order_id: UUID) -> str | None:
        """What has become of the draft's reservation, for its receipt."""
        found = self.named(draft)
        if found is None or self.consumed.get(found.id) == order_id:
            return "consumed" if found else None
        return (
            "consumed_by_another" if found.id in self.consumed or found.state == "consumed" else found.state
        )


async def place(
    db: Db, *, drafts: Sequence[OrderDraft], actors: Sequence[Actor] = ()
) -> list[Placed | Refused]:
    """Take the orders that can be taken; one outcome a draft, in their order.

    `actors` names who sent each draft, where they are not all of whoever is acting. A repeat of a natural key (channel, external id) answers with the order already there. Raises `capture.Raced`
    when another transaction took one of the keys meanwhile: run the whole set again in a new transaction.
    """
    world = await _look_up(db, drafts)
    outcomes: list[Placed | Refused | None] = [_refusal(draft, world) for draft in drafts]
    repeats = await _repeats(db, drafts, world)
    for index, placed in repeats.items():
        outcomes[index] = placed
    fresh = first_of_each_key(drafts, [i for i, outcome in enumerate(outcomes) if outcome is None])
    carts = await _carts(db, [drafts[i] for i in fresh])
    for index in fresh:
        outcomes[index] = _foreign(drafts[index], world, carts)
    fresh = [index for index in fresh if outcomes[index] is None]
    coming = {i: drafts[i] for i in fresh}
    senders = {i: actors[i] for i in fresh} if actors else {}
    if coming:
        found = await _place_at_ease(db, coming, senders, world, carts)
        found = found or await _place_locked(db, coming, senders, world, carts)
        for index, outcome in found.items():
            outcomes[index] = outcome
    return with_twins(drafts, outcomes)


class _Overtaken(Exception):
    """What was planned without a lock does not hold any more: nothing of it is kept."""


async def _place_at_ease(
    db: Db, drafts: Mapping[int, OrderDraft], senders: Mapping[int, Actor], world: _Known, carts: _Carts
) -> dict[int, Placed | Refused]:
    """Store orders that there is ample stock for, which is locked last: whoever wants the same SKUs waits only for that.

    Returns none when it takes a lock to plan: units are short, somebody waits for them, or a limit or a cart comes in.
    """
    if carts:
        return {}
    shelves, open_nodes = await _shelves(db, drafts.values(), world, inventory.look)
    nobody = backordering.nobody()
    plan = await _plan(drafts, senders, world, shelves, open_nodes, carts, nobody, in_breaths=True)
    if shelves.limits or plan.short:
        return {}
    try:
        async with db.transaction():
            numbers = await _store(db, plan.new, senders, world)
            await _claim(db, shelves)
    except _Overtaken:
        return {}
    return {i: Placed(order.id, numbers[order.id]) for i, order in plan.new.items()}


async def _claim(db: Db, shelves: Shelves) -> None:
    """Raises _Overtaken where the stock is not there any more, or somebody waits for it, as is asked under its lock.

    Nor is it waited for while another set that has stock locked may be waiting for one of these orders' keys.
    """
    if not await capture.keys_first(db):
        raise _Overtaken
    skus = sorted({sku for _, sku in shelves.reserved()})
    if not await inventory.claim(db, shelves=shelves) or await waited_for(db, skus=skus):
        raise _Overtaken


async def _place_locked(
    db: Db, drafts: Mapping[int, OrderDraft], senders: Mapping[int, Actor], world: _Known, carts: _Carts
) -> dict[int, Placed | Refused]:
    """Store what can be had of stock, supply and carts, each unit under a lock from before it is looked at."""
    await capture.stock_first(db)
    shelves, open_nodes = await _shelves(db, drafts.values(), world, inventory.lock_skus, carts.skus)
    ahead = await _look_ahead(db, drafts.values(), world, shelves, open_nodes)
    # In one breath: whoever wants the same stock, in any process, would wait for everybody else's turn here as well.
    plan = await _plan(drafts, senders, world, shelves, open_nodes, carts, ahead, in_breaths=False)
    numbers = await _store(db, plan.new, senders, world)
    await inventory.write(db, shelves=shelves)
    await reservations.consumed(db, by=carts.consumed)
    return {
        **plan.refused,
        **{
            i: Placed(order.id, numbers[order.id], reservation=carts.state(drafts[i], order.id))
            for i, order in plan.new.items()
        },
    }


async def extend(db: Db, *, order_id: UUID, draft: OrderDraft) -> NewOrder | Refused:
    """Keep stock for lines that an order stored before gets on top, as a new one's; the caller has it locked, and checked."""
    world = await _look_up(db, [draft])
    shelves, open_nodes = await _shelves(db, [draft], world, inventory.lock_skus)
    ahead = await _look_ahead(db, [draft], world, shelves, open_nodes)
    ids = iter(new_ids(len(draft.lines)))
    taken = _reserve(draft, world, shelves, open_nodes, _Carts({}), ahead, order_id, ids)
    if isinstance(taken, NewOrder):
        await inventory.write(db, shelves=shelves)
    return taken


async def _look_up(db: Db, drafts: Sequence[OrderDraft]) -> _Known:
    skus = {line.sku for draft in drafts for line in draft.lines}
    kits = await catalog.kits_of(db, skus=skus)
    skus |= {component for parts in kits.values() for component in parts}
    codes = {line.node_code for draft in drafts for line in draft.lines if line.node_code}
    channels = await network.channels_of(db, codes={draft.channel for draft in drafts})
    return _Known(
        channels={channel.code: channel for channel in channels.values()},
        items=await catalog.items_of(db, skus=skus),
        kits=kits,
        nodes={node.code: node for node in (await network.nodes_of(db, codes=codes)).values()}
        if codes
        else {},
        dates=await promising.dates_for(db, drafts),
        holding={},
    )


def _refusal(draft: OrderDraft, world: _Known) -> Refused | None:
    faults = check(draft, channel=world.channels.get(draft.channel), items=world.items, nodes=world.nodes)
    return Refused(tuple(faults)) if faults else None


async def _repeats(db: Db, drafts: Sequence[OrderDraft], world: _Known) -> dict[int, Placed]:
    """The drafts whose natural key is stored already, whatever else is wrong with them now."""
    keys = {
        i: (world.channels[d.channel].id, d.external_id)
        for i, d in enumerate(drafts)
        if d.channel in world.channels
    }
    stored = await capture.known(db, keys=sorted(set(keys.values())))
    found = {i: stored[key] for i, key in keys.items() if key in stored}
    unlike = {i: found[i][0] for i in found if found[i][2] != drafts[i].digest()}
    differs = await capture.differences(db, pairs=[(order_id, drafts[i]) for i, order_id in unlike.items()])
    return {
        i: Placed(order_id, number, duplicate=True, differs=differs[order_id] if i in unlike else ())
        for i, (order_id, number, _) in found.items()
    }


async def _carts(db: Db, drafts: Sequence[OrderDraft]) -> _Carts:
    """The reservations that drafts name, locked before any stock is."""
    named = {draft.reservation_id for draft in drafts if draft.reservation_id}
    return _Carts(await reservations.lock(db, keys=sorted(named)) if named else {})


def _foreign(draft: OrderDraft, world: _Known, carts: _Carts) -> Refused | None:
    """A reservation that is not there, or another channel's: to this one they are the same."""
    if draft.reservation_id is None:
        return None
    found = carts.named(draft)
    if found is not None and found.channel_id == world.channels[draft.channel].id:
        return None
    message = f"no such reservation of {draft.channel}: correct the id, or leave it out"
    return Refused((Fault("/reservation_id", "unknown_reservation", message),))


async def _shelves(
    db: Db,
    drafts: Collection[OrderDraft],
    world: _Known,
    read: Callable[..., Awaitable[Shelves]],
    more: Collection[str] = (),
) -> tuple[Shelves, dict[str, set[UUID]]]:
    """Every balance the drafts may draw on, looked at or locked in key order, and the nodes open to each channel."""
    skus = {line.sku for draft in drafts for line in draft.lines}
    skus |= {component for kit in skus & world.kits.keys() for component in world.kits[kit]}
    shelves = await read(db, skus=skus | set(more))
    holding = {node for sku in skus for node in shelves.nodes(sku)}
    nodes = await network.nodes_of(db, ids=holding) if holding else {}
    world.holding.update(nodes)
    shelves.selling = {node.id for node in nodes.values() if node.open}
    return shelves, {code: open_to(channel, nodes) for code, channel in world.channels.items()}


async def _look_ahead(
    db: Db,
    drafts: Collection[OrderDraft],
    world: _Known,
    shelves: Shelves,
    open_nodes: Mapping[str, set[UUID]],
) -> Ahead:
    """Who is in line before these drafts, and what comes of that which they want more of than there is."""
    wanted: Counter[str] = Counter()
    for line in (line for draft in drafts for line in draft.lines):
        for sku, each in world.kits.get(line.sku, {line.sku: 1}).items():
            wanted[sku] += each * line.quantity
    return await backordering.look(
        db,
        shelves=shelves,
        wanted=wanted,
        channels={world.channels[code].id: nodes for code, nodes in open_nodes.items()},
        fixed=any(line.node_code for draft in drafts for line in draft.lines),
        now=min((draft.placed_at for draft in drafts), default=_EVER),
    )


@dataclass(slots=True)
class _Plan:
    """What becomes of the drafts, by their place in the set."""

    new: dict[int, NewOrder] = field(default_factory=dict)
    refused: dict[int, Refused] = field(default_factory=dict)

    @property
    def short(self) -> bool:
        """Whether stock alone does not do for all of them: what an order is short of are its last slices."""
        return bool(self.refused) or any(order.slices[-1].node_id is None for order in self.new.values())


async def _plan(
    drafts: Mapping[int, OrderDraft],
    senders: Mapping[int, Actor],
    world: _Known,
    shelves: Shelves,
    open_nodes: Mapping[str, set[UUID]],
    carts: _Carts,
    ahead: Ahead,
    *,
    in_breaths: bool,
) -> _Plan:
    plan = _Plan()
    ids = iter(new_ids(sum(1 + len(draft.lines) for draft in drafts.values())))
    for count, (index, draft) in enumerate(drafts.items()):
        if in_breaths and count % _BREATH == _BREATH - 1:
            # Whoever else the process serves has a turn.
            await asyncio.sleep(0)
        shelves.actor = senders[index].name if senders else None
        taken = _reserve(draft, world, shelves, open_nodes, carts, ahead, next(ids), ids)
        if isinstance(taken, Refused):
            plan.refused[index] = taken
        else:
            plan.new[index] = taken
    return plan


def _reserve(
    draft: OrderDraft,
    world: _Known,
    shelves: Shelves,
    open_nodes: Mapping[str, set[UUID]],
    carts: _Carts,
    ahead: Ahead,
    order_id: UUID,
    ids: Iterator[UUID],
) -> NewOrder | Refused:
    """Keep stock for the whole order on the shelves, or say what is short. Demand is summed, kits are exploded.

    What the buyer's cart has kept is the order's own, at the same nodes; what the order does not ask goes back.
    """
    channel = world.channels[draft.channel]
    lines = capture.explode(draft, items=world.items, kits=world.kits, ids=ids)
    leaves = [line for line in lines if not line.is_kit]
    demands = [
        Demand(v.sku, v.quantity, world.nodes[v.node_code].id if v.node_code else None) for *_, v in leaves
    ]
    cart = carts.of(draft, channel)
    own = cart.own() if cart else None
    shelves.claimed = ahead.claimed(draft.priority)
    kept, short = keep(demands, shelves, open_nodes[channel.code], channel.id, own)
    sold = ahead.sell(
        demands,
        short,
        items=world.items,
        open_nodes=open_nodes[channel.code],
        whatever=channel.on_shortage != "refuse",
    )
    if isinstance(sold, NotComing):
        lacking = [leaves[i] for i in sold.indexes]
        return _insufficient(draft, lacking, demands, channel, shelves, open_nodes[channel.code], own, ahead)
    legs = reserve_legs((k.node_id, demands[k.index].sku, k.quantity) for k in kept)
    if cart is not None:
        reservations.free(shelves, cart, reason="its order has come")
        carts.consumed[cart.id] = order_id
    if legs:
        posting = Posting(
            cause_type="order",
            cause_id=order_id,
            legs=legs,
            # What a cart had it may keep, though safety stock has been raised above it since.
            within_safety=cart is None,
            channel_id=channel.id,
        )
        unborne = shelves.post(posting)
        assert unborne is None, unborne  # noqa: S101 - `keep` planned on these very shelves
    slices = [NewSlice(leaves[k.index], k.quantity, Rank.RESERVED, k.node_id) for k in kept]
    for i, units in short.items():
        rank = Rank.BACKORDERED if world.items[demands[i].sku].backorder != "refuse" else Rank.CREATED
        slices.append(NewSlice(leaves[i], units, rank, None))
    made = promising.promise(
        draft,
        channel=channel,
        items=[world.items[line.values.sku] for line in lines],
        sold=sold,
        nodes=None if short else [world.holding[node_id] for node_id in {k.node_id for k in kept}],
        dates=world.dates,
    )
    return NewOrder(
        order_id, channel.id, draft, tuple(lines), tuple(slices), made.at, made.ready_at, made.why
    )


def _insufficient(
    draft: OrderDraft,
    short: Sequence[NewLine],
    demands: Sequence[Demand],
    channel: Channel,
    shelves: Shelves,
    open_nodes: set[UUID],
    own: Mapping[Key, int] | None,
    ahead: Ahead,
) -> Refused:
    """What the channel may still have of each, what the buyer's cart keeps included, and when more comes."""
    available = {
        sku: shelves.allowance(channel.id, sku, open_nodes)
        + sum(units for (_, kept), units in (own or {}).items() if kept == sku)
        for sku in {line.values.sku for line in short}
    }
    coming = {sku: (c.at, c.units) for sku in available if (c := ahead.next_of(sku, open_nodes))}
    asked = {sku: sum(d.quantity for d in demands if d.sku == sku) for sku in available}
    faults = tuple(
        Fault(
            f"/lines/{line.draft_index}/quantity",
            "insufficient_stock",
            f"{available[line.values.sku]} of {_named(line, draft)} are left for {channel.code}, "
            f"{asked[line.values.sku]} were asked for: order fewer, another item, or wait for supply",
        )
        for line in short
    )
    return Refused(faults, available, coming)


def _named(line: NewLine, draft: OrderDraft) -> str:
    """The line's SKU; a component's with the kit that the buyer asked for."""
    sku = line.values.sku
    return f"{sku} (a part of {draft.lines[line.draft_index].sku})" if line.kit_line_id else sku


async def _store(
    db: Db, new: Mapping[int, NewOrder], senders: Mapping[int, Actor], world: _Known
) -> dict[UUID, str]:
    """All of the orders but their stock; returns their numbers."""
    if not new:
        return {}
    orders = list(new.values())
    numbers = await capture.store(
        db, orders=orders, node_ids={code: node.id for code, node in world.nodes.items()}
    )
    await payments.open_tenders(
        db,
        tenders=[
            Tender(
                order_id=order.id,
                sequence=i,
                gateway=tender.gateway,
                method=tender.method,
                token=tender.token,
                amount=tender.amount,
                currency=order.draft.currency,
            )
            for order in orders
            for i, tender in enumerate(order.draft.tenders, start=1)
        ],
        of_new_orders=True,
    )
    await events.append(db, [_captured(order, numbers[order.id], senders.get(i)) for i, order in new.items()])
    await promises.tell_first(
        db,
        promised=[
            promises.Promised(o.id, o.channel_id, o.promise_at, o.ready_at)
            for o in orders
            if o.ready_at and o.promise_at
        ],
    )
    await journeys.start(
        db, ORDER, [order.id for order in orders], priorities=[order.draft.priority for order in orders]
    )
    return numbers


def _captured(order: NewOrder, number: str, actor: Actor | None) -> News:
    draft = order.draft
    return News(
        type="order.captured",
        entity="order",
        entity_id=order.id,
        order_id=order.id,
        channel_id=order.channel_id,
        version=1,
        data={
            "number": number,
            "channel": draft.channel,
            "external_id": draft.external_id,
            "total": {"amount": draft.computed_total, "currency": draft.currency},
            "placed_at": draft.placed_at.isoformat(),
            **({"promise": order.why} if order.why else {}),
        },
        actor=actor,
    )
