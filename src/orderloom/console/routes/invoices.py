"""Carriers' invoices as they were audited: what differs, by cause and line by line, and the file to dispute it with."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.plumbing.database import Db, Row
from orderloom.shipping import auditing
from orderloom.shipping.store import contracts, invoices

router = APIRouter()
May = Annotated[Visitor, Depends(needs("config:read"))]
PAGE = 50


@router.get("/carrier-invoices")
async def listing(request: Request, who: May, carrier: str = "", before: UUID | None = None) -> Response:
    _whole(who)
    async with reading(request) as db:
        carriers = sorted(await contracts.carriers(db))
        chosen = carrier if carrier in carriers else ""
        rows = await invoices.invoices(db, carrier=chosen or None, before=before, limit=PAGE + 1)
    return page(
        request,
        "carrier_invoices.html",
        rows=rows[:PAGE],
        carriers=carriers,
        params={"carrier": chosen},
        more=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        first=before is None,
    )


@router.get("/carrier-invoices/{key}")
async def show(request: Request, key: UUID, who: May, show: str = "disputed", after: int = 0) -> Response:
    _whole(who)
    async with reading(request) as db:
        invoice = await _invoice(db, key)
        lines = await invoices.lines(
            db, invoice=key, disputed_only=show != "all", after=after, limit=PAGE + 1
        )
    return page(
        request,
        "carrier_invoice.html",
        i=invoice,
        lines=[line["answer"] for line in lines[:PAGE]],
        params={"show": "all" if show == "all" else ""},
        more=lines[PAGE - 1]["line"] if len(lines) > PAGE else None,
        first=after == 0,
    )


@router.get("/carrier-invoices/{key}/disputes.csv")
async def disputes(request: Request, key: UUID, who: May) -> Response:
    """Every line that is contested, with its causes, to send to the carrier."""
    _whole(who)
    async with reading(request) as db:
        await _invoice(db, key)
        lines = await invoices.lines(db, invoice=key, disputed_only=True)
    return Response(
        auditing.dispute_file(line["answer"] for line in lines),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="disputes.csv"'},
    )


def _whole(who: Visitor) -> None:
    """Invoices are of all nodes and channels: whoever may see some only sees none."""
    if who.credential.limited:
        raise HTTPException(404)


async def _invoice(db: Db, key: UUID) -> Row:
    found = await invoices.invoices(db, key=key)
    if not found:
        raise HTTPException(404)
    return found[0]
