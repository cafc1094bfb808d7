"""What is sold ahead of stock: backorders covered by supply on its way, pre-orders, and when they will be ready.

`from_supply` units are taken only as far as what comes is not spoken for; supply is read under the lock on the SKU's
balances, so that two buyers never share a unit that comes. `always` units are taken without a date when none is known.
A pre-order is ready on its day at the earliest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from orderloom.catalog.model import Item
from orderloom.inventory.allotting import NOTHING_CLAIMED, Claimed
from orderloom.inventory.availability import Demand, Key, Shelves
from orderloom.inventory.expecting import look_ahead, look_forward, nodes_open, shelves_of
from orderloom.inventory.promising import Coming, Covered, Outlook, Wanted
from orderloom.journey.queueing import Line, before_new, line_up
from orderloom.network.calendar import zone
from orderloom.orders.waiting import InLine, all_in_line, waited_by
from orderloom.plumbing.database import Db

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SoldAhead:
    """Units that were accepted ahead of stock, and when the last of them is there; `undated`: nobody knows."""

    ready_at: datetime | None = None
    undated: bool = False


_IN_STOCK = SoldAhead()


@dataclass(frozen=True, slots=True)
class NotComing:
    """Demand indexes that no stock, no supply and no policy covers: nothing was taken."""

    indexes: tuple[int, ...]


class Ahead:
    """What orders being captured must leave to those in line before them, and what they may have of supply."""

    def __init__(self, outlook: Outlook, line: Line) -> None:
        self._outlook = outlook
        self._line = line
        self._claimed: dict[int, Claimed] = {}

    def claimed(self, priority: int) -> Claimed:
        """What a new order of this priority may not have."""
        if not self._line.claims:
            return NOTHING_CLAIMED
        if priority not in self._claimed:
            self._claimed[priority] = before_new(self._line, priority=priority)
        return self._claimed[priority]

    def sell(
        self,
        demands: Sequence[Demand],
        short: Mapping[int, int],
        *,
        items: Mapping[str, Item],
        open_nodes: Collection[UUID],
        whatever: bool,
    ) -> SoldAhead | NotComing:
        """Take the units short of stock from supply, all or none; `whatever`: the channel takes what nothing covers."""
        if not short:
            return _IN_STOCK
        mark = self._outlook.mark()
        ready: list[datetime | None] = []
        uncovered = []
        for index, units in short.items():
            demand = demands[index]
            policy = items[demand.sku].backorder
            nodes = frozenset([demand.fixed_node] if demand.fixed_node else open_nodes)
            found = self._outlook.take(Wanted(sku=demand.sku, units=units, nodes=nodes), only_coming=True)
            if policy != "refuse" or not found.missing:
                # What a channel takes against the item's policy is a person's case, with the promise any order gets.
                ready.append(found.ready_at)
            if policy == "refuse" or (policy == "from_supply" and found.missing):
                uncovered.append(index)
        if uncovered and not whatever:
            self._outlook.back_to(mark)
            return NotComing(tuple(uncovered))
        if None in ready:
            return SoldAhead(undated=True)
        return SoldAhead(max((at for at in ready if at is not None), default=None))

    def next_of(self, sku: str, nodes: Collection[UUID]) -> Coming | None:
        """The next units that come to these nodes and are not spoken for."""
        return next(iter(self._outlook.left(sku, nodes=nodes)), None)


def nobody() -> Ahead:
    """Nobody is in line, and nothing comes."""
    return Ahead(Outlook(here={}, coming=(), now=_EVER), Line())


async def look(
    db: Db,
    *,
    shelves: Shelves,
    wanted: Mapping[str, int],
    channels: Mapping[UUID, Collection[UUID]],
    fixed: bool,
    now: datetime,
) -> Ahead:
    """Read what new orders wanting these units by SKU have to know, after the balances were locked.

    Supply is asked after only where stock may not do: for more than one of their channels (`channels`, with the nodes
    open to each) may claim, or (`fixed`) for single nodes.
    """
    line = await line_up(db, shelves=shelves, skus=wanted)
    left = {
        sku: min((shelves.allowance(c, sku, nodes) for c, nodes in channels.items()), default=0)
        for sku in wanted
    }
    for claim in line.claims:
        left[claim.sku] -= claim.units
    scarce = [sku for sku, units in sorted(wanted.items()) if fixed or units > left[sku]]
    if not scarce:
        return Ahead(Outlook(here={}, coming=(), now=now), line)
    # What nobody in line can take now, a new buyer may: only what is claimed covers those who wait.
    claimed: dict[Key, int] = defaultdict(int)
    for claim in line.claims:
        claimed[claim.node_id, claim.sku] += claim.units
    return Ahead(await look_ahead(db, skus=scarce, now=now, here=claimed), line)


async def ready_dates(
    db: Db, *, skus: Collection[str], now: datetime
) -> dict[UUID, tuple[datetime | None, set[str]]]:
    """When the last unit that each order waits for is there, by order; None where nothing known brings it.

    Served by priority, then age. Of every order that waits for one of the SKUs; with the SKUs it waits for.
    """
    ready: dict[UUID, tuple[datetime | None, set[str]]] = {}
    for piece, found in await served(db, skus=skus, now=now):
        at, waits_for = ready.setdefault(piece.order_id, (now, set()))
        waits_for.add(piece.sku)
        both = at is not None and found.ready_at is not None
        ready[piece.order_id] = max(at, found.ready_at) if both else None, waits_for  # type: ignore[type-var]
    return ready


async def served(db: Db, *, skus: Collection[str], now: datetime) -> list[tuple[InLine, Covered]]:
    """How each slice fares of every order that waits for one of the SKUs, with all that it waits for."""
    mine = await all_in_line(db, skus=sorted(skus))
    wanted = {piece.order_id for piece in mine}
    others = await waited_by(db, orders=sorted(wanted)) - set(skus) if wanted else set()
    pieces = mine if not others else await all_in_line(db, skus=sorted({*skus, *others}))
    open_nodes = await nodes_open(db, channels={piece.channel_id for piece in pieces}) if pieces else {}
    outlook = await look_forward(db, skus=sorted({*skus, *others}), now=now)
    shelves = await shelves_of(db, skus=sorted({*skus, *others}))
    # What is set aside for other channels is nothing they wait for: more of it will not become theirs by waiting.
    claimable: dict[tuple[UUID, str], int] = {}
    fares: list[tuple[InLine, Covered]] = []
    for piece in pieces:
        fixed = frozenset([piece.fixed_node_id]) if piece.fixed_node_id else open_nodes[piece.channel_id]
        key = (piece.channel_id, piece.sku)
        if key not in claimable:
            claimable[key] = shelves.allowance(*key, open_nodes[piece.channel_id])
        found = outlook.take(
            Wanted(sku=piece.sku, units=piece.quantity, nodes=fixed, most_here=claimable[key])
        )
        claimable[key] -= found.of_here
        if piece.order_id in wanted:
            fares.append((piece, found))
    return fares


def sold_from(skus: Collection[str], *, days: Mapping[str, date], time_zone: str) -> datetime | None:
    """The moment from which all of these may be sold: the latest first day of any of them, in the channel's zone."""
    mine = [days[sku] for sku in skus if sku in days]
    return datetime.combine(max(mine), time.min, zone(time_zone)) if mine else None
