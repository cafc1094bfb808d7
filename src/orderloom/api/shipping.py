"""Shipments with their labels, manifests, and what carriers tell of parcels."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from orderloom import network, shipping
from orderloom.api.door import Call, Here, Routes
from orderloom.api.fulfillment import ReasonIn
from orderloom.api.problems import Fault, invalid, not_found, refused
from orderloom.api.wire import (
    Code,
    FulfillmentId,
    In,
    LabelId,
    Limit,
    ManifestId,
    Moment,
    Money,
    OrderId,
    Out,
    PackageId,
    Page,
    PlainJson,
    ShipmentId,
    Text,
    Versioned,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.delivery.model import Proof, TrackingEvent
from orderloom.insight import parcel_pages
from orderloom.insight.scope import EVERYTHING
from orderloom.journey import steering, working
from orderloom.journey.fulfillment import FULFILLMENT
from orderloom.network.calendar import local
from orderloom.plumbing.database import Row

routes = Routes("shipping")
OPEN = "Open list: accept values you do not know"
TRACKING_MOST = 100


class LabelOut(Out):
    """A label and the parcel that bears it."""

    label_id: LabelId
    package_id: PackageId | None
    label_status: str = Field(description=OPEN)
    carrier: str
    service: str
    tracking_number: str | None
    cost: Money | None
    problem: str | None
    tracking_status: str | None = Field(description=OPEN)
    delivered_at: AwareDatetime | None
    manifest_id: ManifestId | None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        cost = stored["cost"]
        ids = {n: UUID(stored[n]) for n in ("label_id", "package_id", "manifest_id") if stored[n]}
        return cls(**{**stored, **ids, "cost": None if cost is None else Money.of(cost, stored["currency"])})


class ShipmentOut(Versioned):
    """What one node hands to one carrier for one order."""

    id: ShipmentId
    number: str
    order_id: OrderId
    order_number: str
    fulfillment_id: FulfillmentId
    node: str
    carrier: str
    service: str
    cost: Money
    parcels: list[LabelOut]
    promise_at: AwareDatetime | None
    shipped_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        parcels = [LabelOut.of(parcel) for parcel in row["parcels"]]
        return cls(**{**some(row, cls), "cost": Money.of(row["cost"], row["currency"]), "parcels": parcels})


@routes.get("/shipments", scope="fulfillment:read")
async def list_shipments(
    call: Here,
    *,
    node: Code | None = None,
    carrier: Code | None = None,
    order_id: OrderId | None = None,
    tracking_number: Code | None = None,
    shipped: bool | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[ShipmentOut]:
    """Shipments, newest first"""
    begin = place(after, UUID)
    rows = await parcel_pages.shipments(
        call.db,
        scope=call.scope,
        node=node,
        carrier=carrier,
        order_id=order_id,
        tracking_number=tracking_number,
        shipped=shipped,
        before=begin[0] if begin else None,
        limit=limit,
    )
    return page_of([ShipmentOut.of(row) for row in rows], limit, lambda s: cursor(s.id.hex))


@routes.get("/shipments/{shipment_id}", scope="fulfillment:read")
async def get_shipment(call: Here, shipment_id: ShipmentId) -> ShipmentOut:
    """One shipment"""
    rows = await parcel_pages.shipments(call.db, scope=call.scope, key=shipment_id, limit=1)
    if not rows:
        raise not_found("shipment")
    return ShipmentOut.of(rows[0])


class ScanOut(Out):
    """What a carrier told, and what we read it as."""

    carrier: str
    tracking_number: str
    code: str
    status: str = Field(description=OPEN)
    occurred_at: AwareDatetime
    received_at: AwareDatetime


class ScansOut(Out):
    """All that carriers told of a shipment, oldest first."""

    scans: list[ScanOut]


@routes.get("/shipments/{shipment_id}/tracking", scope="fulfillment:read")
async def get_tracking(call: Here, shipment_id: ShipmentId) -> ScansOut:
    """What carriers told of a shipment's parcels, oldest first"""
    await call.reach("shipment", shipment_id)
    rows = await parcel_pages.scans(call.db, shipment_id=shipment_id)
    return ScansOut(scans=[ScanOut(**dict(row)) for row in rows])


# --- labels ---------------------------------------------------------------------------------------------------


@routes.get("/labels/{label_id}.zpl", scope="fulfillment:read", media_type="application/zpl")
async def get_label_zpl(call: Here, label_id: LabelId) -> Response:
    """The label as ZPL"""
    await call.reach("label", label_id)
    label = await shipping.label_document(call.db, label_id=label_id, form="zpl")
    return _paper(label, "application/zpl", f"{label_id.hex}.zpl")


@routes.get("/labels/{label_id}.pdf", scope="fulfillment:read", media_type="application/pdf")
async def get_label_pdf(call: Here, label_id: LabelId) -> Response:
    """The label as PDF, 4 by 6 inches"""
    await call.reach("label", label_id)
    label = await shipping.label_document(call.db, label_id=label_id, form="pdf")
    return _paper(label, "application/pdf", f"{label_id.hex}.pdf")


def _paper(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class VoidOut(Out):
    """The labels are being given up; the work stands at its label step again."""

    fulfillment_id: FulfillmentId
    step: str
    state: str


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/labels/void",
    scope="fulfillment:write",
    key="required",
    status=202,
    dry_run=True,
    refuses=(409,),
)
async def void_labels(call: Here, fulfillment_id: FulfillmentId, body: ReasonIn) -> VoidOut:
    """Give up the labels of a fulfillment order at the carrier; others are bought in their place"""
    await call.reach("fulfillment", fulfillment_id)
    at = await steering.steer(
        call.db, journey=FULFILLMENT, subject=fulfillment_id, verb="rewind", reason=body.reason, to="label"
    )
    return VoidOut(fulfillment_id=fulfillment_id, step=at.step, state=at.state)


# --- manifests ------------------------------------------------------------------------------------------------


class ManifestIn(In):
    """The end of a node's day: for one carrier, or for all with bought labels."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"node": "EAST", "carrier": "ups", "ship_date": "2026-03-02"}]}
    )
    node: Code
    carrier: Code | None = None
    ship_date: date | None = Field(default=None, description="The node's local day; today when left out")


class ManifestOut(Out):
    """A closed list of labels that a carrier collects."""

    id: ManifestId
    number: str
    node: str
    carrier: str
    ship_date: date
    tracking_numbers: list[str]
    closed_by: str
    closed_at: AwareDatetime


class ManifestsOut(Out):
    """The manifests that were closed, one a carrier."""

    manifests: list[ManifestOut]


@routes.post("/manifests", scope="fulfillment:write", status=201, dry_run=True, refuses=(409,))
async def close_manifests(call: Here, body: ManifestIn) -> ManifestsOut:
    """Close a node's day: every bought label goes on a manifest, and the carriers are told"""
    nodes = await network.nodes_of(call.db, codes=[body.node])
    node = next((n for n in nodes.values() if call.credential.sees(node=n.id)), None)
    if node is None:
        raise invalid([Fault("/node", "unknown_node", f"no node {body.node!r}: correct the code")])
    closed = await working.close_manifests(
        call.db,
        ship_date=body.ship_date or local(node, call.now).date(),
        by=call.credential.actor,
        nodes=[node.id],
        carriers=[body.carrier] if body.carrier else None,
    )
    if not closed:
        raise refused("nothing_to_manifest", "no bought label waits at that node: pack and label first")
    return ManifestsOut(manifests=[await _manifest(call, one.id, limited=False) for one in closed])


@routes.get("/manifests", scope="fulfillment:read")
async def list_manifests(
    call: Here, *, node: Code | None = None, limit: Limit = 50, after: str | None = None
) -> Page[ManifestOut]:
    """Manifests, newest first"""
    begin = place(after, UUID)
    rows = await parcel_pages.manifests(
        call.db, scope=call.scope, node=node, before=begin[0] if begin else None, limit=limit
    )
    return page_of([ManifestOut(**some(row, ManifestOut)) for row in rows], limit, lambda m: cursor(m.id.hex))


@routes.get("/manifests/{manifest_id}", scope="fulfillment:read")
async def get_manifest(call: Here, manifest_id: ManifestId) -> ManifestOut:
    """One manifest"""
    return await _manifest(call, manifest_id)


@routes.get("/manifests/{manifest_id}.pdf", scope="fulfillment:read", media_type="application/pdf")
async def get_manifest_pdf(call: Here, manifest_id: ManifestId) -> Response:
    """The manifest to print"""
    found = await call.reach("manifest", manifest_id)
    [node] = (await network.nodes_of(call.db, ids=[found["node_id"]])).values()
    paper = await shipping.manifest_document(call.db, manifest_id=manifest_id, sender=node.address)
    return _paper(paper, "application/pdf", f"{manifest_id.hex}.pdf")


async def _manifest(call: Call, manifest_id: UUID, *, limited: bool = True) -> ManifestOut:
    scope = call.scope if limited else EVERYTHING
    rows = await parcel_pages.manifests(call.db, scope=scope, key=manifest_id, limit=1)
    if not rows:
        raise not_found("manifest")
    return ManifestOut(**some(rows[0], ManifestOut))


# --- tracking -------------------------------------------------------------------------------------------------


class ProofIn(In):
    """What shows that the parcel was handed over."""

    kind: Annotated[str, Field(strict=True, pattern="^(signature|photo|pin|scan)$")]
    taken_at: Moment
    signed_by: Text | None = None
    reference: Text | None = None


class TrackingIn(In):
    """One scan as its carrier tells it; `dialect` names whose codes these are."""

    carrier: Code
    tracking_number: Code
    code: Code
    occurred_at: Moment
    dialect: Annotated[str, Field(strict=True, pattern="^(orderloom|easypost|aftership|karrio|shopify)$")] = (
        "orderloom"
    )
    proof: ProofIn | None = None
    raw: PlainJson = Field(default={}, max_length=100, description="The carrier's own message, kept as it is")


class TrackingBatchIn(In):
    """Up to 100 scans, in any order, told any number of times."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "carrier": "ups",
                            "tracking_number": "UP12345678901234567",
                            "code": "delivered",
                            "occurred_at": "2026-03-05T18:00:00Z",
                        }
                    ]
                }
            ]
        }
    )
    events: Annotated[list[TrackingIn], Field(min_length=1, max_length=TRACKING_MOST)]


class TrackingOutcome(Out):
    """What became of one scan."""

    index: int
    outcome: str = Field(
        description="taken, unknown_parcel (kept until we know it), unread (kept raw). " + OPEN
    )


class TrackingBatchOut(Out):
    """One outcome a scan, in their order, how many had been told before, and how many parcels moved."""

    results: list[TrackingOutcome]
    repeated: int
    parcels_changed: int


@routes.post("/tracking/batch", scope="tracking:write", lane="bulk", dry_run=True)
async def track(call: Here, body: TrackingBatchIn) -> TrackingBatchOut:
    """Tell what carriers scanned; each scan counts once, whatever the order"""
    scans = [_scan(event) for event in body.events]
    taken = await working.track(call.db, scans=scans, now=call.now)
    unknown, unread = (
        {id(scan) for scan in taken.unknown},
        {id(scan) for scan in (*taken.unread, *taken.faults)},
    )
    results = []
    for i, scan in enumerate(scans):
        outcome = "unread" if id(scan) in unread else "unknown_parcel" if id(scan) in unknown else "taken"
        results.append(TrackingOutcome(index=i, outcome=outcome))
    return TrackingBatchOut(results=results, repeated=taken.repeated, parcels_changed=len(taken.changes))


def _scan(event: TrackingIn) -> TrackingEvent:
    proof = event.proof
    return TrackingEvent(
        carrier=event.carrier,
        tracking_number=event.tracking_number,
        code=event.code,
        occurred_at=event.occurred_at,
        dialect=event.dialect,
        raw=event.raw,
        proof=Proof(**proof.model_dump()) if proof else None,
    )
