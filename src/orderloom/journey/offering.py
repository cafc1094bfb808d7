"""What each channel may sell now, and when more comes: nodes open to it, kits, allotments and safety stock together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.inventory import expecting, reading
from orderloom.inventory.allotting import Allotment
from orderloom.inventory.availability import Key, Offer
from orderloom.inventory.promising import Outlook, Promisable, by_date, kits_expected
from orderloom.network.model import Channel, Node
from orderloom.orders.reading import unsupplied
from orderloom.plumbing.database import Db


async def offers(
    db: Db,
    *,
    skus: Collection[str],
    channels: Collection[UUID] | None = None,
    within: Collection[UUID] | None = None,
) -> dict[tuple[UUID, str], Offer]:
    """By (channel, SKU) what may be published, of active channels, all of them where none are named.

    `within`: the nodes whose stock the asker may see, None meaning all. Reads without a lock, in a few statements however many SKUs are asked for.
    """
    asked = await network.channels_of(db, ids=channels)
    nodes = await network.nodes_of(db)
    kits = await catalog.kits_of(db, skus=set(skus))
    leaves = sorted({leaf for sku in skus for leaf in (kits.get(sku) or (sku,))})
    return await inventory.offers(
        db,
        channels={
            c.id: open_to(c, nodes) if within is None else open_to(c, nodes) & set(within)
            for c in asked.values()
            if c.active
        },
        skus=skus,
        kits=kits,
        selling={node.id for node in nodes.values() if node.open},
        awaiting=await unsupplied(db, skus=leaves),
    )


class Expected:
    """What is on its way of SKUs and kits that nobody waits for."""

    def __init__(
        self, ahead: Outlook, kits: Mapping[str, Mapping[str, int]], free: Mapping[Key, int]
    ) -> None:
        self._ahead, self._kits, self._free = ahead, kits, free

    def at(self, nodes: Collection[UUID], sku: str) -> list[tuple[datetime, int]]:
        """The days on which more comes to these nodes, and how many more; a kit is whole at one node or not at all."""
        parts = self._kits.get(sku)
        coming = [supply for part in parts or (sku,) for supply in self._ahead.left(part, nodes=nodes)]
        if parts:
            return kits_expected(parts, here=self._free, coming=coming)
        units: Counter[datetime] = Counter()
        for supply in coming:
            units[supply.at] += supply.units
        return sorted(units.items())

    def by_date(
        self, nodes: Collection[UUID], sku: str, offered: Offer, *, now: datetime
    ) -> list[Promisable]:
        """From each moment on so many in all; what is overdue counts as arriving now."""
        coming = [(max(at, now), units) for at, units in self.at(nodes, sku)]
        return by_date(available=offered.quantity, coming=[(now, 0), *coming], wanted=())


async def expected(db: Db, *, skus: Collection[str], now: datetime) -> Expected:
    """Read what is on its way of these SKUs, and of the components of kits among them."""
    kits = await catalog.kits_of(db, skus=set(skus))
    leaves = {leaf for sku in skus for leaf in (kits.get(sku) or (sku,))}
    parts = {leaf for of in kits.values() for leaf in of}
    return Expected(
        await expecting.look_ahead(db, skus=sorted(leaves), now=now),
        kits,
        await reading.to_promise(db, skus=sorted(parts)),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """An allotment as it stands: its channel's code, and what that channel may sell; None where it is closed."""

    allotment: Allotment
    channel: str
    offer: Offer | None


async def standing(
    db: Db, *, allotments: Sequence[Allotment], within: Collection[UUID] | None = None
) -> list[Standing]:
    """How these allotments stand now."""
    ids = {allotment.channel_id for allotment in allotments}
    codes = {c.id: c.code for c in (await network.channels_of(db, ids=ids)).values()}
    found = await offers(db, skus={allotment.sku for allotment in allotments}, channels=ids, within=within)
    return [Standing(a, codes[a.channel_id], found.get((a.channel_id, a.sku))) for a in allotments]


def open_to(channel: Channel, nodes: Mapping[UUID, Node]) -> set[UUID]:
    """The nodes a channel may draw on: they serve it, and it has not excluded them."""
    return {node.id for node in nodes.values() if channel.draws_on(node)}
