"""Stock at every node: what is there, what is promised, and why every number is what it is.

Owns: balances a (node, sku), their ledger, the one primitive that changes them.
Promises: no posting ever leaves more promised than is there; every balance is the sum of its movements.
Never: decides which order gets what when not asked, talks to the outside.

The primitive: `lock` rows in key order, plan on the `Shelves` in memory, `write` what changed with its ledger. All
of it in the caller's transaction, so that a thousand orders cost three statements. What is only told, not promised,
is read in `reading`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from orderloom.inventory import lots
from orderloom.inventory.allotting import Limits
from orderloom.inventory.availability import Offer, Shelves, offer
from orderloom.inventory.model import Posting, Short
from orderloom.inventory.store import allotments
from orderloom.inventory.store import stock as store
from orderloom.plumbing.database import Db

__all__ = ["claim", "lock", "lock_skus", "look", "offers", "post", "write"]


async def lock(db: Db, *, keys: Iterable[tuple[UUID, str]]) -> Shelves:
    """These (node, sku) rows, locked in key order, after what allots their SKUs; a missing one is made, empty."""
    wanted = sorted(set(keys))
    limits = await allotments.lock(db, sorted({sku for _, sku in wanted}))
    return Shelves.locked(await store.lock_keys(db, wanted), limits)


async def lock_skus(db: Db, *, skus: Iterable[str]) -> Shelves:
    """All nodes' rows of these SKUs, locked in key order, after what allots them to channels."""
    wanted = sorted(set(skus))
    limits = await allotments.lock(db, wanted)
    return Shelves.locked(await store.lock_skus(db, wanted), limits)


async def look(db: Db, *, skus: Iterable[str]) -> Shelves:
    """All nodes' balances of these SKUs as they stand, without a lock: to tell, not to promise."""
    wanted = sorted(set(skus))
    limits = await allotments.look(db, wanted)
    return Shelves.locked(await store.glance(db, wanted), limits)


async def write(db: Db, *, shelves: Shelves) -> None:
    """Write what was posted on the shelves: one update of balances, one insert into the ledger."""
    await allotments.note_drawn(db, shelves.limits.drawn())
    await store.write(db, shelves.changed(), shelves.entries)
    await lots.follow(db, entries=shelves.entries)


async def claim(db: Db, *, shelves: Shelves) -> bool:
    """Write what was reserved on shelves only looked at. False when that does not hold now: take the transaction back.

    It does not where others had the units meanwhile, and where a channel's limits bear on a SKU: they are reckoned
    under the lock alone.
    """
    if not await store.claim(db, shelves.reserved()):
        return False
    await store.note_reserved(db, shelves.entries)
    return True


async def post(db: Db, *, postings: Sequence[Posting]) -> list[Short | None]:
    """Lock, post each posting whole or not at all, write; one answer a posting, None when it was posted."""
    keys = sorted({leg.key for posting in postings for leg in posting.legs})
    drawing = {sku for posting in postings if posting.channel_id for sku, n in posting.drawn().items() if n}
    limits = await allotments.lock(db, sorted(drawing)) if drawing else Limits()
    shelves = Shelves.locked(await store.lock_keys(db, keys), limits)
    answers = [shelves.post(posting) for posting in postings]
    await write(db, shelves=shelves)
    return answers


async def offers(
    db: Db,
    *,
    channels: Mapping[UUID, Collection[UUID]],
    skus: Collection[str],
    kits: Mapping[str, Mapping[str, int]] | None = None,
    selling: Collection[UUID] | None = None,
    awaiting: Mapping[str, int] | None = None,
) -> dict[tuple[UUID, str], Offer]:
    """What each channel may sell of each SKU now, without a lock: a promise of nothing.

    `channels` maps a channel to the nodes open to it; `kits` gives the components of the SKUs that are kits, units
    each; `selling` the nodes whose stock counts as the network's, None meaning all; `awaiting` units by SKU of orders
    accepted and not yet supplied. `journey.offering.offers` knows all of these.
    """
    kits = kits or {}
    leaves = {leaf for sku in skus for leaf in (kits.get(sku) or (sku,))}
    shelves = await look(db, skus=leaves)
    shelves.selling = selling
    return {
        (channel, sku): offer(
            shelves,
            channel_id=channel,
            sku=sku,
            open_nodes=nodes,
            components=kits.get(sku),
            awaiting=awaiting,
        )
        for channel, nodes in channels.items()
        for sku in skus
    }
