"""Why a number of stock is so, and putting it right; what channels are told; what is on its way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from orderloom import network
from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.insight import availability_pages, inventory_grid, supply_pages, why_stock
from orderloom.insight.why_stock import Why
from orderloom.inventory.counting import Stale
from orderloom.journey import limiting, publishing_stock, recounting
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db

router = APIRouter()
May = Annotated[Visitor, Depends(needs("inventory:read"))]
MayWrite = Annotated[Visitor, Depends(needs("inventory:write"))]
Name = Annotated[str, Query(max_length=100)]
PAGE, LAG_OF = 50, timedelta(hours=24)
SUPPLY_KINDS = ("purchase_order", "ship_notice", "transfer")
DONE = {
    "changed": "The balance was put right; the ledger says why.",
    "ahead": "It holds from now on; channels are told.",
}
NUMBERS = ("all", "out", "waiting")

# --- why ------------------------------------------------------------------------------------------------------


@router.get("/inventory-why")
async def why(request: Request, who: May, node: Name, sku: Name, did: str = "") -> Response:
    async with reading(request) as db:
        found = await why_stock.why(db, scope=who.scope, node=node, sku=sku)
        tracked = await inventory_grid.item(db, sku=sku)
    if found is None or tracked is None:
        raise HTTPException(404)
    return _why(request, found, tracked=tracked["tracked_by"], did=DONE.get(did))


def _why(
    request: Request, found: Why, *, tracked: str | None, did: str | None = None, problem: str = ""
) -> Response:
    return page(
        request,
        "why.html",
        status=409 if problem else 200,
        why=found,
        tracked=tracked,
        did=did,
        problem=problem,
    )


@router.post("/inventory-why")
async def put_right(
    request: Request,
    who: MayWrite,
    node: Annotated[str, Form(max_length=100)],
    sku: Annotated[str, Form(max_length=100)],
    kind: Annotated[Literal["set", "adjust", "damaged"], Form()],
    units: Annotated[int, Form(ge=-1_000_000, le=1_000_000)],
    expected: Annotated[int, Form(ge=0)],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    async with reading(request) as db:
        item = await inventory_grid.item(db, sku=sku)
        node_id = await _node(db, who, node)
    if item is None or node_id is None:
        raise HTTPException(404)
    tracked = item["tracked_by"]
    problem = f"{sku} is tracked by {tracked}: say which over the API" if tracked else ""
    if kind == "set" and units < 0:
        problem = "A count cannot be below nought."
    if not problem:
        problem = await _change(request, who, node_id, sku, kind, units, expected, reason.strip())
    if problem:
        return await _kept(request, who, node, sku, problem)
    back = urlencode({"node": node, "sku": sku, "did": "changed"})
    return RedirectResponse(f"/console/inventory-why?{back}", status_code=303)


async def _change(
    request: Request,
    who: Visitor,
    node_id: UUID,
    sku: str,
    kind: str,
    units: int,
    expected: int,
    reason: str,
) -> str:
    """Put the balance right; returns what is in the way, or nothing."""
    now = clock.now()
    try:
        async with changing(request, who) as db:
            if kind == "set":
                outcome = await recounting.set_on_hand(
                    db, node_id=node_id, sku=sku, quantity=units, reason=reason, now=now, expected=expected
                )
            else:
                bucket = "damaged" if kind == "damaged" else "on_hand"
                outcome = await recounting.adjust(
                    db,
                    node_id=node_id,
                    sku=sku,
                    changes={bucket: units},
                    reason=reason,
                    now=now,
                    expected=expected,
                )
    except recounting.StockInMotion as moving:
        return str(moving)
    if isinstance(outcome, Stale):
        return f"{outcome.on_hand} are on hand now, not the {expected} you saw: look again and decide anew."
    return ""


@router.post("/inventory-why/ahead")
async def sell_ahead(
    request: Request,
    who: MayWrite,
    node: Annotated[str, Form(max_length=100)],
    sku: Annotated[str, Form(max_length=100)],
    limit: Annotated[int, Form(ge=0, le=1_000_000)],
) -> Response:
    """How far the node may be sold ahead of supply; no less than it is already."""
    async with changing(request, who) as db:
        node_id = await _node(db, who, node)
        if node_id is None or not await limiting.stocked_itself(db, sku=sku):
            raise HTTPException(404)
        said = await limiting.sell_ahead(db, node_id=node_id, sku=sku, units=limit)
    if said is not None:
        problem = f"{said.units} are promised beyond those there already: set no less, or receive them first."
        return await _kept(request, who, node, sku, problem)
    back = urlencode({"node": node, "sku": sku, "did": "ahead"})
    return RedirectResponse(f"/console/inventory-why?{back}", status_code=303)


async def _kept(request: Request, who: Visitor, node: str, sku: str, problem: str) -> Response:
    """The page once more, with what was in the way."""
    async with reading(request) as db:
        found = await why_stock.why(db, scope=who.scope, node=node, sku=sku)
        item = await inventory_grid.item(db, sku=sku)
    if found is None or item is None:
        raise HTTPException(404)
    return _why(request, found, tracked=item["tracked_by"], problem=problem)


async def _node(db: Db, who: Visitor, code: str) -> UUID | None:
    found = (await network.nodes_of(db, codes=[code])).values()
    return next((n.id for n in found if who.scope.nodes is None or n.id in who.scope.nodes), None)


# --- channels -------------------------------------------------------------------------------------------------


@router.get("/inventory-channels")
async def channels(request: Request, who: May) -> Response:
    """What every channel is told, and how far behind it is."""
    async with reading(request) as db:
        rows = await availability_pages.channels(db, scope=who.scope, since=clock.now() - LAG_OF)
    return page(request, "channel_feeds.html", rows=rows)


@router.get("/inventory-channels/{code}")
async def channel(
    request: Request, code: str, who: May, q: Name = "", show: str = "all", after: Name = "", did: str = ""
) -> Response:
    """One channel: its numbers, and how its own listing compared."""
    shown = show if show in NUMBERS else "all"
    async with reading(request) as db:
        rows = await availability_pages.channels(db, scope=who.scope, since=clock.now() - LAG_OF, code=code)
        if not rows:
            raise HTTPException(404)
        numbers = await availability_pages.numbers(
            db, channel=rows[0]["id"], text=q.strip().replace("\0", ""), show=shown, after=after, limit=PAGE
        )
        compared = await availability_pages.reconciliations(db, channel=rows[0]["id"], limit=10)
    return page(
        request,
        "channel_feed.html",
        channel=rows[0],
        numbers=numbers[:PAGE],
        compared=compared,
        params={"q": q, "show": shown},
        more=numbers[PAGE - 1]["sku"] if len(numbers) > PAGE else None,
        did="The channel will be compared in a moment." if did == "asked" else None,
    )


@router.post("/inventory-channels/{code}/reconcile")
async def reconcile(request: Request, code: str, who: MayWrite) -> Response:
    async with changing(request, who) as db:
        found = (await network.channels_of(db, codes=[code])).values()
        known = next((c for c in found if who.scope.channels is None or c.id in who.scope.channels), None)
        if known is None or not known.availability_feed:
            raise HTTPException(404)
        await publishing_stock.ask_to_compare(db, channel_id=known.id)
    return RedirectResponse(f"/console/inventory-channels/{code}?did=asked", status_code=303)


# --- on its way --------------------------------------------------------------------------------------


@router.get("/inventory-supplies")
async def supplies(
    request: Request,
    who: May,
    kind: str = "",
    state: str = "open",
    node: Name = "",
    at: datetime | None = None,
    key: UUID | None = None,
) -> Response:
    wanted = kind if kind in SUPPLY_KINDS else None
    standing = state if state in {"open", "closed", "cancelled"} else "open"
    async with reading(request) as db:
        rows = await supply_pages.supplies(
            db,
            scope=who.scope,
            kind=wanted,
            state=standing,
            nodes=[node] if node else None,
            after=(at, key) if at and key else None,
            limit=PAGE,
        )
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return page(
        request,
        "supplies.html",
        rows=rows[:PAGE],
        kinds=SUPPLY_KINDS,
        params={"kind": wanted or "", "state": standing, "node": node},
        more={"at": last["due_at"].isoformat(), "key": str(last["id"])} if last else None,
    )
