"""What has left or is about to: shipments with their parcels, and the manifests they left on."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists
from orderloom.shipping.documents import label_document, manifest_document
from orderloom.terms import Address

router = APIRouter()
May = Annotated[Visitor, Depends(needs("fulfillment:read"))]
PAGE = 50
STATUSES = (
    "info_received", "in_transit", "out_for_delivery", "attempt_failed", "available_for_pickup", "delivered",
    "exception", "return_to_sender", "expired",
)  # fmt: skip


@router.get("/shipments")
async def shipments(request: Request, who: May, parcel: str = "", before: UUID | None = None) -> Response:
    status = parcel if parcel in STATUSES else ""
    async with reading(request) as db:
        rows = await work_lists.shipments(db, scope=who.scope, parcel=status, before=before, limit=PAGE)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return page(
        request,
        "shipments.html",
        rows=rows[:PAGE],
        parcel=status,
        statuses=STATUSES,
        more=more,
        params={"parcel": status},
    )


@router.get("/manifests")
async def manifests(request: Request, who: May) -> Response:
    async with reading(request) as db:
        rows = await work_lists.manifests(db, scope=who.scope)
    return page(request, "manifests.html", rows=rows)


@router.get("/labels/{key}.{form}")
async def label_paper(request: Request, key: UUID, form: Literal["zpl", "pdf"], who: May) -> Response:
    """The label to print, for a printer that speaks ZPL or for any other."""
    async with reading(request) as db:
        found = await work_lists.label(db, scope=who.scope, key=key)
        if found is None:
            raise HTTPException(404)
        paper = await label_document(db, label_id=key, form=form)
    return _attached(
        paper, f"{found['tracking_number']}.{form}", "application/pdf" if form == "pdf" else "text/plain"
    )


@router.get("/manifests/{key}.pdf")
async def manifest_paper(request: Request, key: UUID, who: May) -> Response:
    async with reading(request) as db:
        found = await work_lists.manifest(db, scope=who.scope, key=key)
        if found is None:
            raise HTTPException(404)
        paper = await manifest_document(db, manifest_id=key, sender=Address.of(found["address"]))
    return _attached(paper, f"{found['number']}.pdf", "application/pdf")


def _attached(paper: bytes, name: str, kind: str) -> Response:
    """Saved, never shown within the console: what a carrier sent is not ours to render."""
    safe = "".join(letter for letter in name if letter.isalnum() or letter in "-_.")
    return Response(paper, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{safe}"'})
