"""A cycle count: begun, recorded line by line, posted; and then who lost what the count did not find."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom import network
from orderloom.catalog.store import items_of, tracked_of
from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.insight import count_pages
from orderloom.inventory import cycle_counts
from orderloom.inventory.cycle_counts import Ended, Found, NotOnIt, Sheet
from orderloom.journey import approving
from orderloom.journey.approving import Unready
from orderloom.journey.recounting import StockInMotion
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db

router = APIRouter()
May = Annotated[Visitor, Depends(needs("inventory:read"))]
MayWrite = Annotated[Visitor, Depends(needs("inventory:write"))]
LINES_MOST = 1000
SAID = {
    "begun": "The count is begun: record what is found.",
    "recorded": "What was found is recorded.",
    "posted": "The count is posted; the ledger says why.",
    "cancelled": "The count is given up; nothing of it is posted.",
}


@router.get("/inventory-counts")
async def listing(request: Request, who: May, state: str = "open", node: str = "", sku: str = "") -> Response:
    return await _listing(request, who, state=state, node=node[:100], given={"sku": sku[:100]})


async def _listing(
    request: Request, who: Visitor, *, state: str, node: str, given: dict[str, str], problem: str = ""
) -> Response:
    standing = state if state in {"open", "posted", "cancelled", "all"} else "open"
    async with reading(request) as db:
        rows = await count_pages.counts(db, scope=who.scope, node=node, state=standing)
        nodes = sorted(
            n.code for n in (await network.nodes_of(db)).values() if who.credential.sees(node=n.id)
        )
    return page(
        request,
        "counts.html",
        status=409 if problem else 200,
        rows=rows,
        nodes=nodes,
        params={"state": standing, "node": node},
        given=given,
        problem=problem,
    )


@router.post("/inventory-counts")
async def begin(
    request: Request,
    who: MayWrite,
    node: Annotated[str, Form(max_length=100)],
    skus: Annotated[str, Form(min_length=1, max_length=100_000)],
    blind: Annotated[bool, Form()] = False,  # noqa: FBT002 - a checkbox
    tolerance: Annotated[int, Form(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Have items counted, named one a line or with commas."""
    wanted = list(
        dict.fromkeys(sku for part in skus.splitlines() for s in part.split(",") if (sku := s.strip()))
    )
    async with reading(request) as db:
        found = [
            n.id
            for n in (await network.nodes_of(db, codes=[node])).values()
            if who.credential.sees(node=n.id)
        ]
        unknown = sorted(set(wanted) - set(await items_of(db, skus=wanted)))
    problem = f"There is no node {node}." if not found else ""
    if not wanted or len(wanted) > LINES_MOST:
        problem = f"Name between 1 and {LINES_MOST} items."
    if unknown:
        problem = f"These are no items: {', '.join(unknown[:5])}."
    if problem:
        return await _listing(
            request, who, state="open", node="", given={"sku": skus, "node": node}, problem=problem
        )
    async with changing(request, who) as db:
        sheet = await cycle_counts.begin(db, node_id=found[0], skus=wanted, blind=blind, tolerance=tolerance)
    return RedirectResponse(f"/console/inventory-counts/{sheet.count.id}?did=begun", status_code=303)


@router.get("/inventory-counts/{key}")
async def show(request: Request, key: UUID, who: May, did: str = "") -> Response:
    return await _show(request, who, key, did=SAID.get(did))


async def _show(request: Request, who: Visitor, key: UUID, **said: Any) -> Response:
    async with reading(request) as db:
        sheet = await _sheet(db, who, key)
        [node] = (await network.nodes_of(db, ids={sheet.count.node_id})).values()
        tracked = await tracked_of(db, skus=[line.sku for line in sheet.lines])
        lost = await count_pages.lost(db, scope=who.scope, count_id=key)
    return page(
        request,
        "count.html",
        status=409 if said.get("problem") else 200,
        c=sheet.count,
        lines=sheet.lines,
        node=node.code,
        tracked=tracked,
        lost=lost,
        shown=not sheet.count.blind or sheet.count.state == "posted",
        left=len(sheet.open_lines),
        **({"problem": "", "given": {}} | said),
    )


@router.post("/inventory-counts/{key}/record")
async def record(
    request: Request,
    key: UUID,
    who: MayWrite,
    sku: Annotated[list[str], Form()],
    units: Annotated[list[str], Form()],
) -> Response:
    """What was found; a line left empty was not counted."""
    given = {s: text.strip() for s, text in zip(sku, units, strict=False) if text.strip()}
    bad = sorted(s for s, text in given.items() if not text.isdecimal() or int(text) > 1_000_000)
    if bad or not given:
        problem = (
            f"Give whole units for {', '.join(bad[:5])}." if bad else "Give the units of one item at least."
        )
        return await _show(request, who, key, problem=problem, given=given)
    now = clock.now()
    async with changing(request, who) as db:
        await _sheet(db, who, key)
        if tracked := sorted(s for s, kind in (await tracked_of(db, skus=list(given))).items() if kind):
            raise HTTPException(409, f"{', '.join(tracked[:5])}: record its lots over the API")
        found = [Found(sku=s, quantity=int(text), counted_at=now) for s, text in given.items()]
        said = await cycle_counts.record(db, count_id=key, found=found, now=now)
    if isinstance(said, Ended | NotOnIt):
        return await _show(request, who, key, problem=_in_the_way(said), given=given)
    return RedirectResponse(f"/console/inventory-counts/{key}?did=recorded", status_code=303)


@router.post("/inventory-counts/{key}/approve")
async def approve(
    request: Request,
    key: UUID,
    who: MayWrite,
    version: Annotated[int, Form()],
    as_it_is: Annotated[bool, Form()] = False,  # noqa: FBT002 - a checkbox
) -> Response:
    """Post it, as it was seen."""
    problem = ""
    try:
        async with changing(request, who) as db:
            sheet = await _sheet(db, who, key)
            if sheet.count.version != version:
                problem = "Somebody has recorded more since you looked: look again and decide anew."
            else:
                said = await approving.approve(db, count_id=key, now=clock.now(), as_it_is=as_it_is)
                problem = _in_the_way(said) if isinstance(said, Ended | Unready) else ""
    except StockInMotion as moving:
        problem = str(moving)
    if problem:
        return await _show(request, who, key, problem=problem)
    return RedirectResponse(f"/console/inventory-counts/{key}?did=posted", status_code=303)


@router.post("/inventory-counts/{key}/cancel")
async def cancel(
    request: Request, key: UUID, who: MayWrite, reason: Annotated[str, Form(min_length=1, max_length=500)]
) -> Response:
    async with changing(request, who) as db:
        await _sheet(db, who, key)
        said = await cycle_counts.cancel(db, count_id=key, reason=reason.strip())
    if isinstance(said, Ended):
        return await _show(request, who, key, problem=_in_the_way(said))
    return RedirectResponse(f"/console/inventory-counts/{key}?did=cancelled", status_code=303)


def _in_the_way(said: Ended | NotOnIt | Unready) -> str:
    match said:
        case Ended(state):
            return f"The count was {state} before: begin another."
        case NotOnIt(skus):
            return f"Not on this count: {', '.join(skus[:5])}."
        case Unready(skus):
            return f"{len(skus)} items are still to be counted, or counted again: do so, or post it as it is."


async def _sheet(db: Db, who: Visitor, key: UUID) -> Sheet:
    """The count, within the visitor's nodes."""
    try:
        sheet = await cycle_counts.sheet(db, count_id=key, now=clock.now())
    except cycle_counts.NoSuchCount:
        raise HTTPException(404) from None
    if not who.credential.sees(node=sheet.count.node_id):
        raise HTTPException(404)
    return sheet
