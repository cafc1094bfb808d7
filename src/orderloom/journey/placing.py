"""Steps 1 and 2: an order is validated, given its id, and stored with its stock reserved, in one transaction.

The same set-based statements serve one order and a thousand: drafts in, one outcome each out, in the same order. A
draft that is refused leaves nothing behind and touches no neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from orderloom import catalog, inventory, network, payments
from orderloom.catalog.model import Item
from orderloom.delivery.promise import policy_promise
from orderloom.inventory.availability import Demand, Shelves, reserve_legs
from orderloom.inventory.availability import place as keep
from orderloom.inventory.model import Posting
from orderloom.journey.order import ORDER
from orderloom.network.model import Channel, Node
from orderloom.orders import capture
from orderloom.orders.capture import NewLine, NewOrder, NewSlice
from orderloom.orders.checking import check
from orderloom.orders.model import Fault, OrderDraft, Placed, Refused
from orderloom.payments.model import Tender
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.terms import Rank, new_id


@dataclass(frozen=True, slots=True)
class _Known:
    """What the drafts refer to, read once for all of them."""

    channels: Mapping[str, Channel]
    items: Mapping[str, Item]
    kits: Mapping[str, Mapping[str, int]]
    nodes: Mapping[str, Node]


async def place(db: Db, *, drafts: Sequence[OrderDraft]) -> list[Placed | Refused]:
    """Take the orders that can be taken; one outcome a draft, in their order.

    A repeat of a natural key (channel, external id) answers with the order already there. Raises `capture.Raced`
    when another transaction took one of the keys meanwhile: run the whole set again in a new transaction.
    """
    world = await _look_up(db, drafts)
    outcomes: list[Placed | Refused | None] = [_refusal(draft, world) for draft in drafts]
    repeats = await _repeats(db, drafts, world)
    for index, placed in repeats.items():
        outcomes[index] = placed
    fresh = _first_of_each_key(drafts, [i for i, outcome in enumerate(outcomes) if outcome is None])
    shelves, open_nodes = await _lock(db, [drafts[i] for i in fresh], world)
    new: dict[int, NewOrder] = {}
    for index in fresh:
        taken = _reserve(drafts[index], world, shelves, open_nodes)
        if isinstance(taken, Refused):
            outcomes[index] = taken
        else:
            new[index] = taken
    numbers = await _store(db, list(new.values()), world, shelves)
    for index, order in new.items():
        outcomes[index] = Placed(order.id, numbers[order.id])
    return _with_twins(drafts, outcomes)


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


def _first_of_each_key(drafts: Sequence[OrderDraft], indexes: Sequence[int]) -> list[int]:
    first: dict[tuple[str, str], int] = {}
    for i in indexes:
        first.setdefault((drafts[i].channel, drafts[i].external_id), i)
    return sorted(first.values())


def _with_twins(
    drafts: Sequence[OrderDraft], outcomes: Sequence[Placed | Refused | None]
) -> list[Placed | Refused]:
    """A draft whose key came earlier in the same set gets that one's outcome, as a duplicate."""
    by_key: dict[tuple[str, str], Placed | Refused] = {}
    answers: list[Placed | Refused] = []
    for draft, outcome in zip(drafts, outcomes, strict=True):
        key = (draft.channel, draft.external_id)
        answer = outcome or by_key[key]
        if outcome is None and isinstance(answer, Placed):
            answer = replace(answer, duplicate=True)
        by_key.setdefault(key, answer)
        answers.append(answer)
    return answers


async def _lock(db: Db, drafts: Sequence[OrderDraft], world: _Known) -> tuple[Shelves, dict[str, set[UUID]]]:
    """Every balance the drafts may draw on, locked in key order, and the nodes open to each channel."""
    skus = {line.sku for draft in drafts for line in draft.lines}
    skus |= {component for kit in skus & world.kits.keys() for component in world.kits[kit]}
    shelves = await inventory.lock_skus(db, skus=skus)
    holding = {node for sku in skus for node in shelves.nodes(sku)}
    nodes = await network.nodes_of(db, ids=holding) if holding else {}
    open_nodes = {
        code: {node.id for node in nodes.values() if node.serves(channel=code)} for code in world.channels
    }
    return shelves, open_nodes


def _reserve(
    draft: OrderDraft, world: _Known, shelves: Shelves, open_nodes: Mapping[str, set[UUID]]
) -> NewOrder | Refused:
    """Keep stock for the whole order on the shelves, or say what is short. Demand is summed, kits are exploded."""
    channel = world.channels[draft.channel]
    lines = capture.explode(draft, items=world.items, kits=world.kits)
    leaves = [line for line in lines if not line.is_kit]
    demands = [
        Demand(v.sku, v.quantity, world.nodes[v.node_code].id if v.node_code else None)
        for v in (line.values for line in leaves)
    ]
    kept, short = keep(demands, shelves, open_nodes[channel.code])
    refused = [i for i in short if world.items[leaves[i].values.sku].backorder == "refuse"]
    if refused and channel.on_shortage == "refuse":
        return _insufficient([leaves[i] for i in refused], draft, shelves, open_nodes[channel.code])
    order_id = new_id()
    legs = reserve_legs((k.node_id, demands[k.index].sku, k.quantity) for k in kept)
    if legs:
        posting = Posting(cause_type="order", cause_id=order_id, legs=legs, within_safety=True)
        unborne = shelves.post(posting)
        assert unborne is None, unborne  # noqa: S101 - `keep` planned on these very shelves
    slices = [NewSlice(leaves[k.index], k.quantity, Rank.RESERVED, k.node_id) for k in kept]
    for i, units in short.items():
        rank = Rank.BACKORDERED if world.items[demands[i].sku].backorder != "refuse" else Rank.CREATED
        slices.append(NewSlice(leaves[i], units, rank, None))
    return NewOrder(order_id, channel.id, _bound(draft, world), tuple(lines), tuple(slices))


def _bound(draft: OrderDraft, world: _Known) -> OrderDraft:
    """The draft with the promise that the channel's service level makes, unless it brought its own."""
    if draft.promise_at is not None:
        return draft
    channel = world.channels[draft.channel]
    if draft.service_level not in channel.promise_days:
        return draft
    promised = policy_promise(
        placed_at=draft.placed_at,
        service_level=draft.service_level,
        promise_days=channel.promise_days,
        time_zone=channel.time_zone,
    )
    return replace(draft, promise_at=promised)


def _insufficient(
    short: Sequence[NewLine], draft: OrderDraft, shelves: Shelves, open_nodes: set[UUID]
) -> Refused:
    available = {
        line.values.sku: sum(
            shelves.to_promise(node, line.values.sku)
            for node in shelves.nodes(line.values.sku)
            if node in open_nodes
        )
        for line in short
    }
    faults = tuple(
        Fault(
            f"/lines/{line.draft_index}/quantity",
            "insufficient_stock",
            f"{available[line.values.sku]} of {line.values.sku} are left for {draft.channel}, "
            f"{line.values.quantity} were asked for: order fewer, another item, or wait for supply",
        )
        for line in short
    )
    return Refused(faults, available)


async def _store(db: Db, orders: Sequence[NewOrder], world: _Known, shelves: Shelves) -> dict[UUID, str]:
    if not orders:
        return {}
    numbers = await capture.store(
        db, orders=orders, node_ids={code: node.id for code, node in world.nodes.items()}
    )
    await inventory.write(db, shelves=shelves)
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
    )
    await events.append(db, [_captured(order, numbers[order.id]) for order in orders])
    await journeys.start(
        db, ORDER, [order.id for order in orders], priorities=[order.draft.priority for order in orders]
    )
    return numbers


def _captured(order: NewOrder, number: str) -> News:
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
        },
    )
