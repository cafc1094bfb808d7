"""The date a new order is promised for: the channel's own if it brings one, else by stock, calendars and what was learnt.

The same words are said to a buyer who only asks (`ask`): units are laid aside on shelves that nobody else sees, at the
nodes where an order's would be kept, and its date follows from those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orderloom import shipping
from orderloom.catalog.model import Item
from orderloom.delivery import learning
from orderloom.delivery.promise import policy_promise
from orderloom.journey.backordering import SoldAhead, sold_from
from orderloom.network.model import Channel, Node
from orderloom.orders.model import OrderDraft
from orderloom.plumbing.database import Db
from orderloom.routing.binding import Asked, Bound, Dates
from orderloom.terms import Address


@dataclass(frozen=True, slots=True)
class Promise:
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
    goods = list(items)
    days = {item.sku: item.sold_from for item in goods if item.sold_from}
    opens = sold_from(days, days=days, time_zone=channel.time_zone) if days else None
    ready_at = max((at for at in (sold.ready_at, opens) if at is not None), default=None)
    since = max(draft.placed_at, ready_at or draft.placed_at)
    at_most = policy_promise(
        placed_at=since,
        service_level=draft.service_level,
        promise_days=channel.promise_days,
        time_zone=channel.time_zone,
    )
    if dates is None or not nodes or draft.decide_as_of is not None:
        return Promise(at_most, ready_at)
    bound = _bound(dates, goods, nodes, draft.ship_to, draft.service_level, since, at_most, channel)
    return Promise(bound.promise_at, ready_at, bound.json()) if bound else Promise(at_most, ready_at)


def _bound(
    dates: Dates,
    goods: Sequence[Item],
    nodes: Sequence[Node],
    to: Address,
    level: str,
    since: datetime,
    at_most: datetime,
    channel: Channel,
) -> Bound | None:
    asked = Asked(
        to=to,
        level=level,
        since=since,
        at_most=at_most,
        confidence=channel.promise_confidence,
        hazmat=any(item.hazmat_class for item in goods),
        heaviest_g=max(item.weight_g for item in goods),
    )
    return dates.bind(asked, nodes)
