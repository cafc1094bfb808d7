"""Goods on their way back: the list, and one return with its lines, label and refunds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists

router = APIRouter()
May = Annotated[Visitor, Depends(needs("returns:read"))]
STATUSES = (
    "requested", "open", "in_transit", "partially_received", "received", "inspected", "closed", "declined", "cancelled",
    "expired",
)  # fmt: skip


@router.get("/returns")
async def listing(request: Request, who: May, status: str = "") -> Response:
    chosen = status if status in STATUSES else ""
    async with reading(request) as db:
        rows = await work_lists.returns(db, scope=who.scope, status=chosen)
    return page(request, "returns.html", rows=rows, status_chosen=chosen, statuses=STATUSES)


@router.get("/returns/{number}")
async def show(request: Request, number: str, who: May) -> Response:
    async with reading(request) as db:
        rows = await work_lists.returns(db, scope=who.scope, number=number, limit=1)
        if not rows:
            raise HTTPException(404)
        parts = await work_lists.return_parts(db, return_id=rows[0]["id"])
    return page(request, "return.html", r=rows[0], parts=parts)
