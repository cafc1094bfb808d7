"""What each channel may sell now: nodes open to it, kits, allotments and safety stock together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from orderloom import catalog, inventory, network
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


def open_to(channel: Channel, nodes: Mapping[UUID, Node]) -> set[UUID]:
    """The nodes a channel may draw on: they serve it, and it has not excluded them."""
    return {node.id for node in nodes.values() if channel.draws_on(node)}
