"""What has left or is about to: shipments with their parcels, and the manifests they left on."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists

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
