"""The promise: whether dates were kept, what was learnt of lateness, and how well that has told the weeks after it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight import deliveries
from orderloom.plumbing import clock

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
LEVELS = ("p50", "p80", "p95")


@router.get("/promise")
async def show(request: Request, who: May) -> Response:
    async with reading(request) as db:
        kept = await deliveries.kept_by_week(db, scope=who.scope, now=clock.now())
        found = await deliveries.calibration(db)
    return page(request, "promise.html", kept=kept, found=found, levels=LEVELS)
