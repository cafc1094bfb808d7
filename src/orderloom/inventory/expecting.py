"""What can be expected of SKUs: stock and supply, less what orders that wait already have a claim on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom import network
from orderloom.inventory.availability import Shelves
from orderloom.inventory.promising import Coming, Outlook, Wanted
from orderloom.inventory.store import allotments, stock, supplies
from orderloom.orders.waiting import WaitingUnits, units_waiting
from orderloom.plumbing.database import Db


async def look_ahead(
    db: Db,
    *,
    skus: Sequence[str],
    now: datetime,
    here: Mapping[tuple[UUID, str], int] | None = None,
) -> Outlook:
    """Stock and supply after every waiting unit has taken of them, the urgent first.

    `here`: what may be promised now by (node, SKU), for those who have the balances before them. Read after
    `inventory.lock_skus` it stays true until the transaction ends: whoever changes supply locks these balances too.
    """
    coming = await supplies.coming(db, skus=skus)
    if not coming:
        return Outlook(here={}, coming=(), now=now)
    expected = sorted({supply.sku for supply in coming})
    if here is None:
        levels = await stock.levels(db, skus=expected)
        here = {(level.node_id, level.sku): level.to_promise for level in levels}
    return Outlook(here=here, coming=coming, now=now, wanted=await _wanted(db, expected))


async def look_forward(db: Db, *, skus: Sequence[str], now: datetime) -> Outlook:
    """Stock and supply with nobody's claim on it yet: for who hands it out along the line."""
    levels = await stock.levels(db, skus=skus)
    here = {(level.node_id, level.sku): level.to_promise for level in levels}
    return Outlook(here=here, coming=await supplies.coming(db, skus=skus), now=now)


async def shelves_of(db: Db, *, skus: Sequence[str]) -> Shelves:
    """Balances of these SKUs and what limits channels there, as they are now, without a lock: to plan on only."""
    return Shelves(await stock.levels(db, skus=skus), await allotments.look(db, list(skus)))


async def outlook(
    db: Db, *, skus: Sequence[str], now: datetime, nodes: Collection[UUID] | None = None
) -> dict[str, list[Coming]]:
    """What is on its way of these SKUs to the nodes, earliest first, less what waiting orders have a claim on."""
    ahead = await look_ahead(db, skus=skus, now=now)
    return {sku: ahead.left(sku, nodes=nodes) for sku in skus}


async def _wanted(db: Db, skus: Sequence[str]) -> Iterable[Wanted]:
    waiting = await units_waiting(db, skus=skus)
    allowed = await nodes_open(db, channels={units.channel_id for units in waiting}) if waiting else {}
    return [
        Wanted(sku=units.sku, units=units.units, nodes=_nodes(units, allowed[units.channel_id]))
        for units in waiting
    ]


def _nodes(units: WaitingUnits, allowed: frozenset[UUID]) -> frozenset[UUID]:
    return frozenset([units.fixed_node_id]) if units.fixed_node_id else allowed


async def nodes_open(db: Db, *, channels: set[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The nodes that ship for each channel."""
    nodes = (await network.nodes_of(db)).values()
    return {
        channel.id: frozenset(node.id for node in nodes if channel.draws_on(node))
        for channel in (await network.channels_of(db, ids=channels)).values()
    }
