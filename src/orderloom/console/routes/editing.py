"""Editing an order: what it would come to is shown first, and saved as it was shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.edit_form import MOVED, Filled, Sent, shown
from orderloom.console.page import page
from orderloom.insight import order_page
from orderloom.insight.order_page import OrderPage
from orderloom.journey.editing import CannotEdit, Edited, edit
from orderloom.journey.steering import hold_whole
from orderloom.orders import editing
from orderloom.orders.editing import Edit, Verdict
from orderloom.orders.model import Refused
from orderloom.plumbing import clock
from orderloom.plumbing.journeys import NoSuchSubject

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:write"))]


async def _page(request: Request, who: Visitor, number: str) -> OrderPage:
    async with reading(request) as db:
        found = await order_page.order_page(db, scope=who.scope, number=number)
    if found is None:
        raise HTTPException(404)
    return found


def _matrix(found: OrderPage, who: Visitor) -> list[tuple[str, tuple[Verdict, ...]]]:
    """What whoever is looking may change of such an order, by its channel's rules."""
    barred = editing.barred(found.order["edit_rules"], role=who.session.user.role)
    return [(str(change), row) for change, row in editing.matrix(barred).items()]


@router.get("/orders/{number}/edit")
async def form(request: Request, number: str, who: May) -> Response:
    return _shown(request, who, await _page(request, who, number), Filled())


@router.post("/orders/{number}/edit")
async def send(request: Request, number: str, who: May, sent: Annotated[Sent, Form()]) -> Response:
    """A preview is the edit itself, taken back; only what was shown is saved, to the order as it was then."""
    save = sent.do == "save" and sent.shown == sent.digest
    found = await _page(request, who, number)
    if found.order["version"] != sent.version:
        return _shown(request, who, found, Filled(), reason=sent.reason, problems=[MOVED])
    try:
        wanted = sent.edit(found)
        outcome = await _done(request, who, found, wanted, sent.reason.strip() or "by hand", save=save)
    except (ValueError, NoSuchSubject) as fault:
        return _shown(request, who, found, sent, reason=sent.reason, problems=[str(fault)])
    if not isinstance(outcome, Edited):
        return _shown(request, who, found, sent, reason=sent.reason, problems=outcome)
    if not save:
        return _shown(request, who, found, sent, reason=sent.reason, preview=outcome)
    return RedirectResponse(f"/console/orders/{number}?did=edited", status_code=303)


async def _done(
    request: Request, who: Visitor, found: OrderPage, wanted: Edit, reason: str, *, save: bool
) -> Edited | list[str]:
    """What the edit does to the order as it was shown, kept only where it is to be saved; or what stands in its way."""
    order = found.order
    async with changing(request, who) as db:
        await hold_whole(db, order_id=order["id"])
        now = await order_page.find(db, scope=who.scope, number=order["number"])
        if now is None or now["version"] != order["version"]:
            return [MOVED]
        outcome = await edit(
            db,
            order_id=order["id"],
            edit=wanted,
            reason=reason,
            now=clock.now(),
            role=who.session.user.role,
            keep=save,
        )
    if isinstance(outcome, CannotEdit | Refused):
        return [f"{fault.message[:1].upper()}{fault.message[1:]}." for fault in outcome.faults]
    return outcome or [MOVED]


def _shown(
    request: Request,
    who: Visitor,
    found: OrderPage,
    filled: Filled,
    *,
    reason: str = "",
    preview: Edited | None = None,
    problems: list[str] | None = None,
) -> Response:
    return page(
        request,
        "edit.html",
        status=409 if problems else 200,
        o=found.order,
        **shown(found, filled),
        matrix=_matrix(found, who),
        filled=filled,
        reason=reason,
        preview=preview,
        problems=problems or [],
    )
