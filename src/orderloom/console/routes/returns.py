"""Goods on their way back: the list, and one return with its lines, label and refunds."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.insight import work_lists
from orderloom.journey import asking_back
from orderloom.plumbing.database import Db
from orderloom.returns.model import Disposition, Finding, Illegal, Moved, Outcome

router = APIRouter()
May = Annotated[Visitor, Depends(needs("returns:read"))]
MayWrite = Annotated[Visitor, Depends(needs("returns:write"))]
DONE = {
    "approved": "The return is approved; its label is on the way to the buyer.",
    "declined": "The return is declined.",
    "received": "What arrived is counted and waits for inspection.",
    "inspected": "The finding is kept; stock follows it, and the refund once all is judged.",
}
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
async def show(request: Request, number: str, who: May, did: str = "") -> Response:
    return await _shown(request, who, number, did=DONE.get(did))


async def _shown(
    request: Request, who: Visitor, number: str, *, did: str | None = None, refusal: str | None = None
) -> Response:
    async with reading(request) as db:
        rows = await work_lists.returns(db, scope=who.scope, number=number, limit=1)
        if not rows:
            raise HTTPException(404)
        parts = await work_lists.return_parts(db, return_id=rows[0]["id"])
    return page(
        request,
        "return.html",
        status=409 if refusal else 200,
        r=rows[0],
        parts=parts,
        did=did,
        refusal=refusal,
        dispositions=[str(one) for one in Disposition if one is not Disposition.NEEDS_INSPECTION],
    )


# --- what is done to one ----------------------------------------------------------------------------------------


@router.post("/returns/{number}/approve")
async def approve(request: Request, number: str, who: MayWrite) -> Response:
    async with changing(request, who) as db:
        outcome = await asking_back.approve(db, return_id=await _key(db, who, number))
    return await _answer(request, who, number, outcome, "approved")


@router.post("/returns/{number}/decline")
async def decline(
    request: Request, number: str, who: MayWrite, reason: Annotated[str, Form(min_length=1, max_length=300)]
) -> Response:
    async with changing(request, who) as db:
        outcome = await asking_back.decline(db, return_id=await _key(db, who, number), reason=reason.strip())
    return await _answer(request, who, number, outcome, "declined")


@router.post("/returns/{number}/receive")
async def receive(
    request: Request,
    number: str,
    who: MayWrite,
    line: Annotated[list[UUID], Form()],
    units: Annotated[list[Annotated[int, Field(ge=0, le=100_000)]], Form()],
) -> Response:
    arrived = [(key, count) for key, count in zip(line, units, strict=False) if count]
    async with changing(request, who) as db:
        outcome = await asking_back.receive(db, return_id=await _key(db, who, number), lines=arrived)
    return await _answer(request, who, number, outcome, "received")


@router.post("/returns/{number}/inspect")
async def inspect(
    request: Request,
    number: str,
    who: MayWrite,
    line: Annotated[UUID, Form()],
    disposition: Annotated[Disposition, Form()],
    grade: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    finding = Finding(return_line_id=line, disposition=disposition, grade=grade.strip() or None)
    async with changing(request, who) as db:
        outcome = await asking_back.inspect(db, return_id=await _key(db, who, number), findings=[finding])
    return await _answer(request, who, number, outcome, "inspected")


async def _key(db: Db, who: Visitor, number: str) -> UUID:
    rows = await work_lists.returns(db, scope=who.scope, number=number, limit=1)
    if not rows:
        raise HTTPException(404)
    key: UUID = rows[0]["id"]
    return key


async def _answer(request: Request, who: Visitor, number: str, outcome: Outcome, did: str) -> Response:
    if isinstance(outcome, Moved):
        return RedirectResponse(f"/console/returns/{number}?did={did}", status_code=303)
    if isinstance(outcome, Illegal):
        possible = ", ".join(outcome.possible) or "nothing more"
        refusal = f"The return is {outcome.status}: possible now is {possible}."
    else:
        refusal = "; ".join(fault.message for fault in outcome.faults)
    return await _shown(request, who, number, refusal=refusal)
