"""The work of the nodes: fulfillment orders, the pick list of one, and the station where it is picked and packed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from orderloom import packing
from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page, wants_fragment
from orderloom.insight import catalogue_pages, work_lists
from orderloom.insight.orders_list import choices
from orderloom.journey import outages, working
from orderloom.packing.model import Accepted, Closed, PackPlan, Refused
from orderloom.packing.picture import isometric, steps
from orderloom.packing.work import works_of
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db, Row
from orderloom.terms import Rank

router = APIRouter()
May = Annotated[Visitor, Depends(needs("fulfillment:read"))]
MayWork = Annotated[Visitor, Depends(needs("fulfillment:write"))]
SHOWN = ("open", "to_pick", "picking", "to_pack", "packed", "overdue", "all")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a station says of the last thing done there."""

    right: bool
    text: str


@router.get("/work")
async def listing(
    request: Request, who: May, node: Annotated[str, Query(max_length=100)] = "", show: str = "open"
) -> Response:
    shown = show if show in SHOWN else "open"
    async with reading(request) as db:
        rows = await work_lists.fulfillments(db, scope=who.scope, now=clock.now(), node=node, show=shown)
        nodes = (await choices(db, scope=who.scope)).get("node", [])
        chosen = await catalogue_pages.nodes(db, scope=who.scope, code=node) if node else []
    return page(
        request,
        "work.html",
        rows=rows,
        nodes=nodes,
        node=node,
        chosen=chosen[0] if chosen else None,
        show=shown,
        shown=SHOWN,
        params={"node": node},
    )


@router.post("/nodes/{code}/close")
async def close_node(
    request: Request,
    code: str,
    who: MayWork,
    reason: Annotated[str, Form(min_length=1, max_length=300)],
    hours: Annotated[str, Form(pattern=r"^\d{0,4}$")] = "",
) -> Response:
    """For so many hours, or until somebody opens it again."""
    now = clock.now()
    end = now + timedelta(hours=int(hours)) if hours.strip("0") else None
    async with changing(request, who) as db:
        node = await _node(db, who, code)
        await outages.close(db, node_id=node, reason=reason, now=now, reopens_at=end)
    return RedirectResponse(f"/console/work?{urlencode({'node': code})}", status_code=303)


@router.post("/nodes/{code}/reopen")
async def reopen_node(request: Request, code: str, who: MayWork) -> Response:
    async with changing(request, who) as db:
        await outages.reopen(db, node_ids=[await _node(db, who, code)], reason="opened again by hand")
    return RedirectResponse(f"/console/work?{urlencode({'node': code})}", status_code=303)


async def _node(db: Db, who: Visitor, code: str) -> UUID:
    for row in await catalogue_pages.nodes(db, scope=who.scope, code=code):
        return cast("UUID", row["id"])
    raise HTTPException(404)


@router.get("/work/{number}")
async def pick_list(request: Request, number: str, who: May) -> Response:
    return page(request, "pick_list.html", **await _work(request, who, number))


@router.get("/work/{number}/slip")
async def packing_slip(request: Request, number: str, who: May) -> Response:
    """A sheet for each parcel: what lies in it, and how it is packed step by step."""
    return page(request, "packing_slip.html", **await _work(request, who, number))


@router.get("/work/{number}/plan/{at}.svg")
async def planned_parcel(
    request: Request, number: str, at: int, who: May, step: Annotated[int, Query(ge=0, le=1_000)] = 0
) -> Response:
    """How a parcel is planned, drawn; with `step`, as far as it is packed then."""
    async with reading(request) as db:
        found = await work_lists.fulfillment(db, scope=who.scope, number=number)
    if found is None or found["plan"] is None:
        raise HTTPException(404)
    parcels = PackPlan.of(found["plan"]).parcels
    if not 0 <= at < len(parcels):
        raise HTTPException(404)
    parcel = parcels[at]
    if not step:
        return Response(isometric(parcel), media_type="image/svg+xml")
    if step > len(steps(parcel)):
        raise HTTPException(404)
    return Response(isometric(parcel, step=step), media_type="image/svg+xml")


# --- the station ----------------------------------------------------------------------------------------------


@router.get("/work/{number}/station")
async def station(request: Request, number: str, who: MayWork) -> Response:
    return await _station(request, who, number, None)


@router.post("/work/{number}/scan")
async def scan(
    request: Request,
    number: str,
    who: MayWork,
    kind: Annotated[Literal["pick", "pack"], Form()],
    code: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    async with changing(request, who) as db:
        work = _there(await work_lists.fulfillment(db, scope=who.scope, number=number))
        outcome = await working.scan(db, work=work["id"], kind=kind, code=code, now=clock.now())
    return await _station(request, who, number, _said(outcome, kind))


@router.post("/work/{number}/take-back")
async def undo_scan(
    request: Request,
    number: str,
    who: MayWork,
    kind: Annotated[Literal["pick", "pack"], Form()],
    sku: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    async with changing(request, who) as db:
        work = _there(await work_lists.fulfillment(db, scope=who.scope, number=number))
        boxes = (await packing.packages_of(db, fulfillments=[work["id"]])).get(work["id"], [])
        open_ = [box for box in boxes if box.status == "open"]
        holding = next((box.sequence for box in open_ if box.contents.get(sku)), None)
        outcome = await packing.take_back(db, fulfillment_id=work["id"], kind=kind, sku=sku, package=holding)
    said = _said(outcome, kind) if isinstance(outcome, Refused) else Verdict(True, f"One {sku} taken back.")
    return await _station(request, who, number, said)


@router.post("/work/{number}/close")
async def close_parcel(
    request: Request,
    number: str,
    who: MayWork,
    package: Annotated[int, Form(ge=1, le=1000)],
    carton: Annotated[str, Form(max_length=60)],
    weight_g: Annotated[str, Form(pattern=r"^\d{0,7}$")] = "",
    confirmed: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    async with changing(request, who) as db:
        work = _there(await work_lists.fulfillment(db, scope=who.scope, number=number))
        outcome = await working.close_package(
            db,
            work=work["id"],
            package=package,
            carton=carton,
            weight_g=int(weight_g) if weight_g else None,
            confirmed=confirmed == "1",
        )
    return await _station(request, who, number, _said(outcome, "pack"))


@router.post("/work/{number}/short")
async def short_pick(
    request: Request,
    number: str,
    who: MayWork,
    sku: Annotated[str, Form(min_length=1, max_length=200)],
    quantity: Annotated[int, Form(ge=1, le=100_000)],
    reason: Annotated[Literal["not found", "damaged", "wrong item in the bin"], Form()],
) -> Response:
    """Units that are not there or not fit to be sent: the count is put right and they are routed from elsewhere."""
    async with changing(request, who) as db:
        work = _there(await work_lists.fulfillment(db, scope=who.scope, number=number))
        outcome = await working.report_short(db, work=work["id"], sku=sku, quantity=quantity, reason=reason)
    if isinstance(outcome, Refused):
        return await _station(request, who, number, _said(outcome, "pick"))
    text = f"{quantity} of {sku} {reason}: taken off the count, and routed from elsewhere."
    return await _station(request, who, number, Verdict(True, text))


def _said(outcome: Accepted | Closed | Refused, kind: str) -> Verdict:
    if isinstance(outcome, Refused):
        return Verdict(False, outcome.message[:1].upper() + outcome.message[1:])
    if isinstance(outcome, Closed):
        return Verdict(True, "All packed. Next: the label." if outcome.complete else "Parcel closed.")
    if outcome.complete:
        return Verdict(
            True,
            f"{outcome.sku}: right. " + ("Everything picked." if kind == "pick" else "Close the parcel."),
        )
    return Verdict(True, f"{outcome.sku}: right. {outcome.remaining.units()} to go.")


async def _station(request: Request, who: Visitor, number: str, verdict: Verdict | None) -> Response:
    """The page, or its body to htmx; without scripts a form comes back to the page."""
    found = await _work(request, who, number)
    async with reading(request) as db:
        boxes = (await packing.packages_of(db, fulfillments=[found["f"]["id"]])).get(found["f"]["id"], [])
        node = found["f"]["node_id"]
        offered = (await packing.offered(db, nodes=[node])).at(node)
    if verdict is not None and not wants_fragment(request) and verdict.right:
        return RedirectResponse(f"/console/work/{number}/station", status_code=303)
    plan = PackPlan.of(found["f"]["plan"]) if found["f"]["plan"] else None
    return page(
        request,
        "station.html",
        fragment="_station_alone.html",
        verdict=verdict,
        boxes=boxes,
        cartons=offered,
        plan=plan,
        **found,
    )


def _there(found: Row | None) -> Row:
    if found is None:
        raise HTTPException(404)
    return found


async def _work(request: Request, who: Visitor, number: str) -> dict[str, Any]:
    async with reading(request) as db:
        found = _there(await work_lists.fulfillment(db, scope=who.scope, number=number))
        work = (await works_of(db, fulfillments=[found["id"]], lock=False))[found["id"]]
        picks = await work_lists.picks(db, fulfillment_id=found["id"])
        scans = await work_lists.scans(db, fulfillment_id=found["id"])
    past_picking = found["min_rank"] >= Rank.PICKED
    # A pack station wants pieces, not people: address and price stay with those who need them.
    return {
        "f": found,
        "pieces": picks,
        "picked_of": work.ordered if past_picking else work.picked,
        "packed_of": work.ordered if found["min_rank"] >= Rank.PACKED else work.packed,
        "wanted": work.ordered.units(),
        "scans": scans,
        "drawn": _drawn(found["plan"]),
    }


def _drawn(plan: Any) -> list[dict[str, Any]]:
    """The planned parcels, each with the steps in which it is packed."""
    parcels = PackPlan.of(plan).parcels if plan else ()
    return [{"parcel": parcel, "steps": steps(parcel)} for parcel in parcels]
