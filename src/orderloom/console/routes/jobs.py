"""Files of orders: how far each is, and which of its rows failed and why."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.console.spreadsheet import csv_lines
from orderloom.orders import bulk
from orderloom.orders.bulk import Job
from orderloom.orders.store import bulk as store
from orderloom.plumbing.database import Db

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
PAGE, FAILED, EXPORT_MOST = 50, 100, 50_000


@router.get("/jobs")
async def listing(request: Request, who: May, before: UUID | None = None) -> Response:
    _whole(who)
    async with reading(request) as db:
        rows = await store.page(db, credential=None, state=None, before=before, limit=PAGE + 1)
    return page(
        request,
        "jobs.html",
        rows=[Job(**dict(row)) for row in rows[:PAGE]],
        more=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        first=before is None,
    )


@router.get("/jobs/{key}")
async def show(request: Request, key: UUID, who: May, after: int = 0, did: str = "") -> Response:
    _whole(who)
    async with reading(request) as db:
        job = await _job(db, key)
        failed = await store.rows(db, key, failed=True, after=after, limit=FAILED + 1)
    return page(
        request,
        "job.html",
        fragment="_job.html",
        job=job,
        failed=failed[:FAILED],
        more=failed[FAILED - 1]["row"] if len(failed) > FAILED else None,
        first=after == 0,
        did="No further row is taken." if did == "cancelled" else None,
    )


@router.get("/jobs/{key}/failed.csv")
async def failed_csv(request: Request, key: UUID, who: May) -> Response:
    """The rows that failed, to be put right and sent again."""
    _whole(who)
    async with reading(request) as db:
        await _job(db, key)
        rows = await store.rows(db, key, failed=True, limit=EXPORT_MOST)
    cells = [
        (row["row"], row["external_id"], row["outcome"], fault["path"], fault["message"])
        for row in rows
        for fault in row["faults"] or [{"path": "", "message": ""}]
    ]
    lines = csv_lines(("row", "external_id", "outcome", "path", "message"), cells)
    headers = {"Content-Disposition": 'attachment; filename="failed-rows.csv"'}
    return StreamingResponse(lines, media_type="text/csv", headers=headers)


@router.post("/jobs/{key}/cancel")
async def cancel(
    request: Request,
    key: UUID,
    who: Annotated[Visitor, Depends(needs("orders:write"))],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    _whole(who)
    async with changing(request, who) as db:
        if await bulk.cancel(db, job_id=key, reason=reason.strip()) is None:
            raise HTTPException(404)
    return RedirectResponse(f"/console/jobs/{key}?did=cancelled", status_code=303)


def _whole(who: Visitor) -> None:
    """A file may hold orders of any channel: whoever sees some channels only sees none."""
    if who.credential.limited:
        raise HTTPException(404)


async def _job(db: Db, key: UUID) -> Job:
    found = await bulk.jobs(db, ids=[key])
    if not found:
        raise HTTPException(404)
    return found[0]
