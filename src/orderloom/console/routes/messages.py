"""What buyers were told."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
PAGE = 50
STATUSES = ("queued", "sending", "sent", "failed")


@router.get("/notices")
async def listing(request: Request, who: May, status: str = "", before: UUID | None = None) -> Response:
    chosen = status if status in STATUSES else ""
    async with reading(request) as db:
        rows = await work_lists.notices(db, scope=who.scope, status=chosen, before=before, limit=PAGE)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return page(
        request,
        "notices.html",
        rows=rows[:PAGE],
        status_chosen=chosen,
        statuses=STATUSES,
        more=more,
        params={"status": chosen},
    )


@router.get("/notices/{key}")
async def show(request: Request, key: UUID, who: May) -> Response:
    async with reading(request) as db:
        found = await work_lists.notice(db, scope=who.scope, key=key)
    if found is None:
        raise HTTPException(404)
    return page(request, "notice.html", n=found)
