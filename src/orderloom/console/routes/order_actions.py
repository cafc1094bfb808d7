"""What an operator does to an order: each form is one call of the function the API calls too."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs
from orderloom.console.routes.order import HOLDS, order_response
from orderloom.insight import order_page, work_lists
from orderloom.journey import working
from orderloom.journey.cancelling import Cancelled, cancel
from orderloom.journey.roster import JOURNEYS
from orderloom.journey.steering import steer
from orderloom.orders import holds
from orderloom.orders.holds import BLOCKABLE, NewHold
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db, Row
from orderloom.plumbing.journeys import IllegalMove, NoSuchSubject

router = APIRouter()
BY_NAME = {journey.of: journey for journey in JOURNEYS}
SELECTED_MAX = 200
REASONS = ("customer", "fraud", "inventory", "address", "duplicate", "other")
May = Annotated[Visitor, Depends(needs("orders:write"))]


@router.post("/orders/{number}/hold")
async def hold(
    request: Request,
    number: str,
    who: May,
    type: Annotated[str, Form(max_length=60)],  # noqa: A002 - the word of the form
    blocks: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    note: Annotated[str, Form(max_length=500)] = "",
    due_hours: Annotated[int, Form(ge=1, le=720)] = 24,
) -> Response:
    wanted = [step for step in BLOCKABLE if step in blocks]
    if type not in HOLDS or not wanted:
        return await order_response(
            request, who, number, refusal="Choose a reason and at least one step to hold back."
        )
    async with changing(request, who) as db:
        order = await _order(db, who, number)
        await holds.raise_holds(
            db,
            holds=[
                NewHold(
                    order_id=order["id"],
                    type=type,
                    blocks=wanted,
                    note=note.strip() or None,
                    due_at=clock.now() + timedelta(hours=due_hours),
                )
            ],
        )
    return _back(number, "held")


@router.post("/orders/hold-all")
async def hold_all(
    request: Request,
    who: May,
    type: Annotated[str, Form(max_length=60)],  # noqa: A002 - the word of the form
    number: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """The orders selected in the list, held back from routing, release and shipping; those out of sight are left out."""
    if type in HOLDS and number:
        async with changing(request, who) as db:
            found = [await order_page.find(db, scope=who.scope, number=one) for one in number[:SELECTED_MAX]]
            due_at = clock.now() + timedelta(hours=24)
            await holds.raise_holds(
                db,
                holds=[
                    NewHold(
                        order_id=order["id"], type=type, blocks=("route", "release", "ship"), due_at=due_at
                    )
                    for order in found
                    if order is not None and order["lifecycle"] == "open"
                ],
            )
    return RedirectResponse("/console/orders?view=held", status_code=303)


@router.post("/orders/{number}/cancel")
async def cancel_order(
    request: Request,
    number: str,
    who: May,
    reason: Annotated[str, Form(max_length=40)],
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    if reason not in REASONS:
        return await order_response(request, who, number, refusal="Choose a reason.")
    async with changing(request, who) as db:
        order = await _order(db, who, number)
        outcome = await cancel(
            db, order_id=order["id"], reason=f"{reason}: {note.strip()}" if note.strip() else reason
        )
    if isinstance(outcome, Cancelled):
        return _back(number, "asked" if outcome.requested else "cancelled")
    if outcome is None:
        raise HTTPException(404)
    return await order_response(
        request, who, number, refusal=f"{outcome.message.capitalize()}. {outcome.way_out}"
    )


@router.post("/holds/{key}/clear")
async def clear_hold(request: Request, key: UUID, who: May) -> Response:
    async with changing(request, who) as db:
        found = await work_lists.hold(db, scope=who.scope, key=key)
        if found is None:
            raise HTTPException(404)
        await working.clear_hold(db, hold_id=key)
    return _back(found["number"], "cleared")


@router.post("/orders/{number}/journey")
async def move_journey(
    request: Request,
    number: str,
    who: May,
    journey: Annotated[str, Form(max_length=40)],
    subject: Annotated[UUID, Form()],
    move: Annotated[Literal["pause", "resume", "retry", "skip"], Form()],
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    if journey not in BY_NAME:
        raise HTTPException(404)
    try:
        async with changing(request, who) as db:
            order = await _order(db, who, number)
            await _belongs(db, order, journey, subject)
            await steer(
                db, journey=BY_NAME[journey], subject=subject, verb=move, reason=reason.strip() or "by hand"
            )
    except (IllegalMove, NoSuchSubject) as refused:
        return await order_response(request, who, number, refusal=str(refused))
    return _back(
        number, {"pause": "paused", "resume": "resumed", "retry": "retried", "skip": "skipped"}[move]
    )


async def _order(db: Db, who: Visitor, number: str) -> Row:
    found = await order_page.find(db, scope=who.scope, number=number)
    if found is None:
        raise HTTPException(404)
    return found


async def _belongs(db: Db, order: Row, journey: str, subject: UUID) -> None:
    """The subject must be this order's own: its id comes from the form."""
    if not any(
        (row["journey"], row["subject_id"]) == (journey, subject)
        for row in await order_page.subjects(db, order_id=order["id"])
    ):
        raise HTTPException(404)


def _back(number: str, did: str) -> Response:
    return RedirectResponse(f"/console/orders/{number}?did={did}", status_code=303)
