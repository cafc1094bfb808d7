"""What routing is asked for each order of a set: one snapshot for all of them, and each one's question made from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from orderloom import catalog, inventory, network, packing, shipping
from orderloom.catalog.model import Item
from orderloom.delivery import learning
from orderloom.delivery.transit import BY_CONTRACT, Assured, Learnt
from orderloom.inventory.availability import Shelves
from orderloom.journey.again import asker_of
from orderloom.journey.consolidating import Lacking
from orderloom.journey.queueing import let_down
from orderloom.network.calendar import local, zone
from orderloom.network.model import Channel, Node
from orderloom.network.places import located
from orderloom.orders.model import Line, Order, Slice
from orderloom.orders.reading import released_since, works_ahead
from orderloom.packing.houserules import HouseRules, Houses
from orderloom.packing.model import Article
from orderloom.plumbing.database import Db
from orderloom.routing.model import Decision, Policy, Request, Rest, Source, Want
from orderloom.routing.store import InUse, in_use, scarcity
from orderloom.shipping.quota import Limits
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Quantities

# Prices of scarce units that nobody has renewed since are those of another day's stock.
_PRICES_LAST = timedelta(hours=24)


class Door(NamedTuple):
    """A node as it stands to a channel. `cartons`: whether it keeps cartons of its own."""

    node: Node
    barred: str | None
    packing: HouseRules | None
    cartons: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What every order of the set is decided on, read once."""

    items: Mapping[str, Item]
    nodes: Mapping[UUID, Node]
    channels: Mapping[UUID, Channel]
    houses: Houses
    tariffs: tuple[Tariff, ...]
    shelves: Shelves
    room: dict[UUID, int]
    sourcing: InUse
    refusing: Mapping[UUID, set[UUID]]
    missed: Mapping[tuple[UUID, str], frozenset[UUID]]
    learnt: Learnt
    limits: Limits
    scarcity: Mapping[tuple[UUID, str], int]
    articles: dict[tuple[str, int], Article] = field(default_factory=dict)
    """Units of items as packing sees them, made as orders ask for them: by SKU and number."""
    _doors: dict[UUID, list[Door]] = field(default_factory=dict, init=False)
    _policies: dict[tuple[UUID, bool], Policy] = field(default_factory=dict, init=False)

    def policy(self, channel: Channel, *, ship_complete: bool) -> Policy:
        """The channel's policy for splits."""
        key = channel.id, ship_complete
        if key not in self._policies:
            self._policies[key] = Policy.of(channel.split_policy, ship_complete=ship_complete)
        return self._policies[key]

    def doors(self, channel: Channel) -> Sequence[Door]:
        """The nodes by their codes, with what is the same for all orders of the channel."""
        if channel.id not in self._doors:
            houses = self.houses
            self._doors[channel.id] = [
                Door(
                    node,
                    barred(node, channel),
                    houses.own(node.id, channel.id),
                    cartons=node.id in houses.offered.own,
                )
                for node in sorted(self.nodes.values(), key=attrgetter("code"))
            ]
        return self._doors[channel.id]

    def take_room(self, decision: Decision) -> None:
        """Count the decision against what its nodes still take today and have of cartons, and what its carriers take."""
        for part in decision.plan.parts if decision.plan else ():
            self.limits.take(part.quote.carrier, part.quote.service, part.ship_by.date())
            self.houses.offered.take(part.node.id, part.parcels)
            if part.node.id in self.room:
                self.room[part.node.id] -= 1


async def take_snapshot(db: Db, *, skus: set[str], orders: Sequence[Order], now: datetime) -> Snapshot:
    """Items, stock, nodes with their room, cartons and contracts, as they are now, without a lock."""
    shelves = await inventory.look(db, skus=skus)
    nodes = await network.nodes_of(db, ids={node for sku in skus for node in shelves.nodes(sku)})
    tariffs = tuple(await shipping.tariffs(db, at=now))
    refusing, missed = await let_down(db, orders=[order.id for order in orders])
    return Snapshot(
        items=await catalog.items_of(db, skus=skus),
        nodes=nodes,
        channels=await network.channels_of(db, ids={order.channel_id for order in orders}),
        houses=await packing.houses(db, nodes=nodes),
        tariffs=tariffs,
        shelves=shelves,
        room=await _room(db, nodes, now),
        sourcing=await in_use(db),
        refusing=refusing,
        missed=missed,
        learnt=await learning.learnt(db),
        limits=await _limits(db, tariffs, now),
        scarcity=await scarcity(db, since=now - _PRICES_LAST, skus=skus),
    )


async def _limits(db: Db, tariffs: Sequence[Tariff], now: datetime) -> Limits:
    """What carriers with limits a day may still take and are owed, by what was planned and, before, what has a label."""
    yesterday = now - timedelta(days=1)
    bound = [tariff.carrier for tariff in tariffs if tariff.day_limits or tariff.commitments]
    planned = await works_ahead(db, carriers=bound, since=yesterday) if bound else []
    nodes = await network.nodes_of(db, ids={work.node_id for work in planned}) if planned else {}
    made: Counter[tuple[str, str, date]] = Counter()
    for work in planned:
        made[work.carrier, work.service, local(nodes[work.node_id], work.ship_by).date()] += work.many
    if owed := [tariff for tariff in tariffs if tariff.commitments]:
        # A shipment of today may be planned and have its label: whichever are more of a day, counts.
        made |= await shipping.made_since(db, contracts=owed, day=now.date())
    return Limits(tariffs, today=yesterday.date(), planned=made)


async def _room(db: Db, nodes: Mapping[UUID, Node], now: datetime) -> dict[UUID, int]:
    """How many more fulfillment orders each limited node takes today."""
    limited = {node.id: node for node in nodes.values() if node.daily_capacity is not None}
    if not limited:
        return {}
    starts = {
        node_id: now.astimezone(zone(node.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        for node_id, node in limited.items()
    }
    taken = await released_since(db, starts=starts)
    return {node_id: (node.daily_capacity or 0) - taken.get(node_id, 0) for node_id, node in limited.items()}


def request_of(
    order: Order,
    pieces: Sequence[Slice],
    lines: Mapping[UUID, Line],
    snapshot: Snapshot,
    now: datetime,
    lacks: Lacking | None = None,
) -> Request:
    """The question for one order: its units, what each node could give it, the promise it bears, what it still lacks."""
    wanted: dict[UUID, int] = defaultdict(int)
    own: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for piece in pieces:
        wanted[piece.line_id] += piece.quantity
        if piece.node_id:
            own[piece.node_id].append((piece.sku, piece.quantity))
    skus = {lines[line_id].sku for line_id in wanted}
    channel = snapshot.channels[order.channel_id]
    nodes = {node for sku in skus for node in snapshot.shelves.nodes(sku)}
    if lacks:
        nodes |= lacks.expected.keys()
    history = order.decide_as_of is not None
    destination, promise_at = _placed(order, channel)
    return Request(
        wants=tuple([_want(lines[line_id], units, snapshot) for line_id, units in wanted.items()]),
        sources=tuple(_sources(nodes, skus, own, sum(wanted.values()), order, channel, snapshot)),
        destination=destination,
        tariffs=snapshot.tariffs,
        cartons=snapshot.houses.offered.cartons,
        packing=snapshot.houses.usual(channel.id),
        now=order.decide_as_of or now,
        promise_at=promise_at,
        policy=snapshot.policy(channel, ship_complete=order.ship_complete and not history),
        value=order.subtotal - order.discount,
        order=asker_of(order, channel) if snapshot.sourcing.watched else None,
        # What came of it later, nobody knew then.
        assured=BY_CONTRACT if history else Assured(snapshot.learnt, channel.promise_confidence),
        closed=frozenset() if history else snapshot.limits.closed,
        credits=frozenset() if history else snapshot.limits.credits,
        rest=_rest(lacks, lines, snapshot) if lacks else None,
    )


def _rest(lacks: Lacking, lines: Mapping[UUID, Line], snapshot: Snapshot) -> Rest:
    return Rest(
        wants=tuple(_want(lines[line_id], units, snapshot) for line_id, units in lacks.units.items()),
        expected={snapshot.nodes[node].code: units for node, units in lacks.expected.items()},
        ready_at=lacks.ready_at,
    )


def _want(line: Line, units: int, snapshot: Snapshot) -> Want:
    fixed = snapshot.nodes.get(line.fixed_node_id) if line.fixed_node_id else None
    article = snapshot.articles.get((line.sku, units))
    if article is None:
        [article] = packing.articles(items=snapshot.items, units={line.sku: units})
        snapshot.articles[line.sku, units] = article
    return Want(
        key=str(line.position),
        article=article,
        quantity=units,
        fixed_node=fixed.code if fixed else None,
    )


def _sources(
    nodes: set[UUID],
    skus: set[str],
    own: Mapping[UUID, Sequence[tuple[str, int]]],
    units: int,
    order: Order,
    channel: Channel,
    snapshot: Snapshot,
) -> Iterator[Source]:
    shelves, missed, scarcity = snapshot.shelves, snapshot.missed, snapshot.scarcity
    free, guarded = shelves.for_channel, channel.id if shelves.limits.guards_nodes else None
    refusing = snapshot.refusing.get(order.id, ())
    for door in snapshot.doors(channel):
        node_id = door.node.id
        if node_id not in nodes:
            continue
        there = [(sku, free(node_id, sku, guarded)) for sku in skus]
        if missed:
            there = [one for one in there if node_id not in missed.get((order.id, one[0]), ())]
        if node_id in own:
            there += own[node_id]
        yield Source(
            node=door.node,
            available=Quantities(there),
            capacity_left=snapshot.room.get(node_id),
            refused="it has rejected this order before" if node_id in refusing else door.barred,
            scarcity={sku: scarcity[node_id, sku] for sku in skus if (node_id, sku) in scarcity}
            if scarcity
            else {},
            cartons=snapshot.houses.cartons(node_id, units=units) if door.cartons else None,
            packing=door.packing,
        )


def barred(node: Node, channel: Channel | None) -> str | None:
    """Why a node may not ship for the channel, or for anybody, just now."""
    if node.closed_because:
        return f"it is closed: {node.closed_because}"
    if channel and node.active and not channel.draws_on(node):
        return f"it does not ship for {channel.code}"
    return None


def _placed(order: Order, channel: Channel) -> tuple[Address, datetime | None]:
    """The address with its position, looked up from the postcode when the channel sent none, and the promise.

    The promise is a moment of the buyer's day: a date promised is kept until that day ends there.
    """
    found = located(order.ship_to)
    address = order.ship_to
    if found and address.latitude is None:
        address = address.at(found.latitude, found.longitude)
    promise = order.promise_at
    if promise is not None:
        promise = promise.astimezone(zone(found.time_zone if found else channel.time_zone))
    return address, promise
