"""The date a new order is promised for: the channel's own if it brings one, else by stock, calendars and what was learnt.

The same words are said to a buyer who only asks (`ask`): units are laid aside on shelves that nobody else sees, at the
nodes where an order's would be kept, and its date follows from those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from orderloom import catalog, inventory, network, shipping
from orderloom.catalog.model import Item
from orderloom.delivery import learning
from orderloom.delivery.promise import policy_promise
from orderloom.inventory.availability import Demand, place
from orderloom.inventory.expecting import outlook
from orderloom.inventory.keeping import Reservation
from orderloom.journey.backordering import SoldAhead, sold_from
from orderloom.journey.offering import open_to
from orderloom.journey.queueing import before_new, line_up
from orderloom.network.model import Channel, Node
from orderloom.orders.model import OrderDraft
from orderloom.plumbing.database import Db
from orderloom.routing.binding import Asked, Dates
from orderloom.terms import Address, Quantities


class Promise(NamedTuple):
    """The date, since when it counts for units that are not there yet, and why it is this one."""

    at: datetime | None
    ready_at: datetime | None = None
    why: Mapping[str, Any] | None = None


async def dates(db: Db, *, at: datetime) -> Dates:
    """What dates follow from at a moment."""
    return Dates(await shipping.tariffs(db, at=at), await learning.learnt(db))


async def dates_for(db: Db, drafts: Sequence[OrderDraft]) -> Dates | None:
    """The same for drafts; nothing is read where each brings its date, or is history, whose dates were its channel's."""
    wanting = [draft.placed_at for draft in drafts if draft.promise_at is None and draft.decide_as_of is None]
    return await dates(db, at=max(wanting)) if wanting else None


def promise(
    draft: OrderDraft,
    *,
    channel: Channel,
    items: Iterable[Item],
    sold: SoldAhead,
    nodes: Sequence[Node] | None,
    dates: Dates | None,
) -> Promise:
    """When an order is to arrive. `nodes`: those that keep its units, None where not all of them are kept.

    Counted from when the last unit is there and may be sold; nothing is promised while nobody knows when that is. What waits
    for supply is promised by the channel's days, since nobody knows yet where it will be.
    """
    if draft.promise_at is not None or sold.undated or draft.service_level not in channel.promise_days:
        return Promise(draft.promise_at)
    goods, ready_at = list(items), sold.ready_at
    if days := {item.sku: item.sold_from for item in goods if item.sold_from}:
        opens = sold_from(days, days=days, time_zone=channel.time_zone)
        ready_at = max((at for at in (ready_at, opens) if at is not None), default=None)
    wish = Wish(draft.ship_to, draft.service_level, draft.placed_at, ready_at)
    history = draft.decide_as_of is not None
    return _dated(wish, channel, goods, None if history else nodes, dates)


class Wish(NamedTuple):
    """To have something there by a speed; `ready_at`: when what is not there yet is."""

    to: Address
    level: str
    at: datetime
    ready_at: datetime | None = None


def _dated(
    wish: Wish, channel: Channel, goods: Sequence[Item], nodes: Sequence[Node] | None, dates: Dates | None
) -> Promise:
    since = max(wish.at, wish.ready_at or wish.at)
    at_most = policy_promise(
        placed_at=since,
        service_level=wish.level,
        promise_days=channel.promise_days,
        time_zone=channel.time_zone,
    )
    if dates is None or not nodes:
        return Promise(at_most, wish.ready_at)
    hazmat, heaviest_g = False, 0
    for item in goods:
        hazmat = hazmat or bool(item.hazmat_class)
        heaviest_g = max(heaviest_g, item.weight_g)
    asked = Asked(
        to=wish.to,
        level=wish.level,
        since=since,
        at_most=at_most,
        confidence=channel.promise_confidence,
        hazmat=hazmat,
        heaviest_g=heaviest_g,
    )
    bound = dates.bind(asked, nodes)
    return (
        Promise(bound.promise_at, wish.ready_at, bound.json()) if bound else Promise(at_most, wish.ready_at)
    )


# --- asked before there is an order ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What an order placed now would be promised, by speed, the soonest first; or by SKU when more comes of what is short.

    None: nobody knows.
    """

    levels: Mapping[str, Promise]
    short: Mapping[str, datetime | None]


async def ask(
    db: Db,
    *,
    channel: Channel,
    lines: Mapping[str, int],
    to: Address,
    levels: Collection[str],
    now: datetime,
    reservation: Reservation | None = None,
) -> Answer | tuple[str, ...]:
    """Promise as capture would, without a lock; `reservation`: the cart that keeps units. Or the SKUs nobody knows."""
    kits = await catalog.kits_of(db, skus=set(lines))
    wanted = Quantities(
        (sku, each * many)
        for line, many in lines.items()
        for sku, each in (kits.get(line) or {line: 1}).items()
    )
    items = await catalog.items_of(db, skus={*lines, *wanted})
    if unknown := sorted(sku for sku in lines if sku not in items or not items[sku].active):
        return tuple(unknown)
    shelves = await inventory.look(db, skus=set(wanted))
    nodes = await network.nodes_of(db, ids={node for sku in wanted for node in shelves.nodes(sku)})
    shelves.selling = {node.id for node in nodes.values() if node.open}
    shelves.claimed = before_new(await line_up(db, shelves=shelves, skus=set(wanted)), priority=0)
    demands = [Demand(sku, units) for sku, units in sorted(wanted.items())]
    own = reservation.own() if reservation else None
    open_nodes = open_to(channel, nodes)
    kept, short = place(demands, shelves, open_nodes, channel.id, own)
    if short:
        skus = sorted({demands[index].sku for index in short})
        coming = await outlook(db, skus=skus, now=now, nodes=open_nodes)
        return Answer({}, {sku: coming[sku][0].at if coming.get(sku) else None for sku in skus})
    read = await dates(db, at=now)
    goods = [items[sku] for sku in wanted]
    keeping = [nodes[node_id] for node_id in {k.node_id for k in kept}]
    opens = sold_from(
        wanted, days={i.sku: i.sold_from for i in items.values() if i.sold_from}, time_zone=channel.time_zone
    )
    found = {level: _dated(Wish(to, level, now, opens), channel, goods, keeping, read) for level in levels}
    return Answer(dict(sorted(found.items(), key=lambda one: (one[1].at or now, one[0]))), {})
