"""Manifests: closed at the end of a node's day, handed to the carrier under our number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from orderloom.plumbing import events
from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.shipping.carriers import ManifestOrder, adapter
from orderloom.shipping.model import Manifest, ManifestAccepted, NothingToManifest, Refused
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import manifests as store
from orderloom.terms import Address


async def close_manifest(
    db: Db, *, node_id: UUID, carrier: str, ship_date: date, by: str
) -> Manifest | NothingToManifest:
    """List the bought labels of one node and carrier that no manifest has yet."""
    closed = await close_manifests(db, ship_date=ship_date, by=by, nodes=[node_id], carriers=[carrier])
    return closed[0] if closed else NothingToManifest(node_id, carrier)


async def close_manifests(
    db: Db,
    *,
    ship_date: date,
    by: str,
    nodes: Sequence[UUID] | None = None,
    carriers: Sequence[str] | None = None,
    without_orders: Sequence[UUID] = (),
) -> list[Manifest]:
    """The same for many nodes and carriers at once; all of them when none is named. One manifest each.

    Parcels of `without_orders` stay behind.
    """
    codes = list(carriers) if carriers is not None else list(await contract_store.carriers(db))
    await contract_store.lock_carriers(db, codes)
    ids = await store.close(
        db, nodes=nodes, carriers=carriers, without_orders=without_orders, ship_date=ship_date, by=by
    )
    manifests = await store.manifests_by_id(db, ids)
    closed = [manifests[one] for one in ids]
    await events.append(
        db,
        [
            News(
                type="manifest.closed",
                entity="manifest",
                entity_id=one.id,
                node_id=one.node_id,
                version=1,
                data={
                    "number": one.number,
                    "carrier": one.carrier,
                    "ship_date": one.ship_date.isoformat(),
                    "labels": len(one.labels),
                },
            )
            for one in closed
        ],
    )
    return closed


async def manifest_of(db: Db, *, manifest_id: UUID) -> Manifest | None:
    """A closed manifest with its labels."""
    return (await store.manifests_by_id(db, [manifest_id])).get(manifest_id)


async def works_on(db: Db, *, manifests: Sequence[UUID]) -> list[UUID]:
    """The fulfillment orders whose labels stand on these manifests."""
    return await store.works_on(db, manifests)


async def hand_over(*, manifest: Manifest, adapter_name: str, sender: Address) -> ManifestAccepted | Refused:
    """Tell the carrier, with no transaction open; telling it again changes nothing. Raises Unavailable."""
    try:
        carrier = adapter(adapter_name)
    except NoSuchAdapter as missing:
        return Refused(str(missing), code="no_adapter")
    return await carrier.manifest(
        ManifestOrder(
            number=manifest.number,
            carrier=manifest.carrier,
            ship_date=manifest.ship_date,
            sender=sender,
            tracking_numbers=tuple(label.tracking_number for label in manifest.labels),
        )
    )
