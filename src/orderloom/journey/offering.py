"""What each channel may sell now: nodes open to it, kits, allotments and safety stock together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom import catalog, inventory, network
from orderloom.inventory.allotting import Allotment
from orderloom.inventory.availability import Offer
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
