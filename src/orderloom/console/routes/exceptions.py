"""The queue of exceptions: each with its way out first, resolved without leaving the page."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists
from orderloom.orders import exceptions

router = APIRouter()
QUEUE_MAX = 200


@router.get("/exceptions")
async def queue(
    request: Request, who: Annotated[Visitor, Depends(needs("orders:read"))], kind: str = "", did: str = ""
) -> Response:
    async with reading(request) as db:
        rows = await work_lists.exceptions(db, scope=who.scope, limit=QUEUE_MAX)
    kinds = Counter(row["kind"] for row in rows)
    shown = [row for row in rows if not kind or row["kind"] == kind]
    return page(
        request,
        "exceptions.html",
        rows=shown,
        kinds=sorted(kinds.items(), key=lambda item: (-item[1], item[0])),
        kind=kind,
        total=len(rows),
        did="The exception is resolved." if did == "resolved" else None,
    )


@router.post("/exceptions/{key}/resolve")
async def resolve(
    request: Request,
    key: UUID,
    who: Annotated[Visitor, Depends(needs("orders:write"))],
    resolution: Annotated[str, Form(min_length=1, max_length=500)],
    kind: Annotated[str, Form(max_length=60)] = "",
    back: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    async with changing(request, who) as db:
        found = await work_lists.exception(db, scope=who.scope, key=key)
        if found is None:
            raise HTTPException(404)
        await exceptions.resolve(db, exception_id=key, resolution=resolution.strip())
    if back == "order" and found["number"]:
        return RedirectResponse(f"/console/orders/{found['number']}?did=resolved", status_code=303)
    suffix = f"&kind={kind}" if kind.replace("_", "").isalnum() else ""
    return RedirectResponse(f"/console/exceptions?did=resolved{suffix}", status_code=303)
