"""Shipments that leave and arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.shipping.store import labels as store
from orderloom.shipping.store.labels import LabelRow, Planned, ShipmentRow


async def shipped(db: Db, *, fulfillments: Sequence[UUID], at: datetime) -> list[ShipmentRow]:
    """The carrier has them: labels are used. Those said so before are left as they are; returns the others."""
    gone = await store.mark_shipped(db, fulfillments, at)
    ids = [one.fulfillment_id for one in gone]
    await mark_used(db, subjects=ids)
    numbers = await store.tracking_of(db, ids)
    await events.append(
        db, [_news("shipment.shipped", one, numbers.get(one.fulfillment_id, []), at) for one in gone]
    )
    return gone


async def unshipped(db: Db, *, fulfillments: Sequence[UUID]) -> list[ShipmentRow]:
    """They did not leave after all: labels can be used, or voided, again."""
    back = await store.unmark_shipped(db, fulfillments)
    ids = [one.fulfillment_id for one in back]
    await store.turn_labels(db, subjects=ids, was="used", to="purchased")
    numbers = await store.tracking_of(db, ids)
    await events.append(
        db, [_news("shipment.unshipped", one, numbers.get(one.fulfillment_id, []), None) for one in back]
    )
    return back


async def delivered(db: Db, *, arrivals: Mapping[UUID, datetime]) -> list[ShipmentRow]:
    """All parcels of these fulfillment orders arrived, each at its moment; returns those not said so before.

    Nothing is told here: `shipment.delivered` is told by delivery, which learnt of it.
    """
    return await store.mark_delivered(db, list(arrivals), list(arrivals.values()))


async def labels_of(
    db: Db, *, subjects: Sequence[UUID], statuses: Sequence[str] = ("purchased", "used")
) -> list[LabelRow]:
    """The labels of these fulfillment orders or returns in these statuses: by default those that are good."""
    return await store.live_labels(db, subjects=subjects, statuses=statuses)


async def planned(db: Db, *, fulfillments: Sequence[UUID]) -> dict[UUID, Planned]:
    """How the shipments of these fulfillment orders travel and when their contracts have them arrive."""
    return await store.planned_of(db, fulfillments)


async def handed_over(db: Db, *, fulfillments: Sequence[UUID]) -> set[UUID]:
    """Those of which every good label stands on a closed manifest: the carrier collects them."""
    return await store.handed_over(db, fulfillments)


async def mark_used(db: Db, *, subjects: Sequence[UUID]) -> None:
    """The bought labels of these fulfillment orders or returns stick on parcels under way."""
    await store.turn_labels(db, subjects=subjects, was="purchased", to="used")


def _news(type_: str, one: ShipmentRow, numbers: Sequence[str], at: datetime | None) -> News:
    return News(
        type=type_,
        entity="shipment",
        entity_id=one.id,
        order_id=one.order_id,
        node_id=one.node_id,
        version=one.version,
        data={
            "number": one.number,
            "fulfillment": one.fulfillment_id.hex,
            "carrier": one.carrier,
            "service": one.service,
            "tracking_numbers": list(numbers),
            "cost": one.cost,
            "currency": one.currency,
            "at": at.isoformat() if at else None,
        },
    )
