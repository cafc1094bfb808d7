"""Which events a change of parcels appends to the log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from orderloom.delivery.model import ParcelChange, Progress, Status
from orderloom.plumbing.events import News


def of(
    changes: Sequence[ParcelChange],
    progress: Sequence[Progress],
    *,
    versions: Mapping[tuple[str, str], int],
    first_outs: AbstractSet[tuple[str, str]],
) -> list[News]:
    """One for each status that changed, one for going out for delivery, one for a whole shipment delivered."""
    told: list[News] = []
    for change in changes:
        key = change.carrier, change.tracking_number
        if change.after != change.before:
            told.append(_news("parcel.status", change, versions[key]))
        # A parcel that went out and came back is not announced a second time, nor one that has already arrived.
        if key in first_outs and change.after == Status.OUT_FOR_DELIVERY:
            told.append(_news("parcel.out_for_delivery", change, versions[key]))
    arrived = {
        c.fulfillment_id for c in changes if c.after == Status.DELIVERED and c.before != Status.DELIVERED
    }
    told += [_delivered(p, changes) for p in progress if p.done and p.fulfillment_id in arrived]
    return told


def _news(kind: str, change: ParcelChange, version: int) -> News:
    entity, entity_id = _subject(change)
    return News(
        type=kind,
        entity=entity,
        entity_id=entity_id,
        order_id=change.order_id,
        # The version of the parcel, which has no id of its own: the entity counts its own versions elsewhere.
        data={
            "parcel_version": version,
            "carrier": change.carrier,
            "tracking_number": change.tracking_number,
            "fulfillment_id": str(change.fulfillment_id) if change.fulfillment_id else None,
            "return_id": str(change.return_id) if change.return_id else None,
            "before": change.before.value,
            "status": change.after.value,
            "delivered_at": change.delivered_at.isoformat() if change.delivered_at else None,
            "late": change.late,
        },
    )


def _delivered(progress: Progress, changes: Sequence[ParcelChange]) -> News:
    numbers = [c.tracking_number for c in changes if c.fulfillment_id == progress.fulfillment_id]
    at = progress.last_delivered_at
    return News(
        type="shipment.delivered",
        entity="fulfillment",
        entity_id=progress.fulfillment_id,
        order_id=progress.order_id,
        data={
            "fulfillment_id": str(progress.fulfillment_id),
            "parcels": progress.parcels,
            "tracking_numbers": numbers,
            "delivered_at": at.isoformat() if at else None,
        },
    )


def _subject(change: ParcelChange) -> tuple[str, UUID]:
    if change.return_id is not None:
        return "return", change.return_id
    if change.package_id is not None:
        return "package", change.package_id
    return "order", change.order_id
