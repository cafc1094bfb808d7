"""Editing an order's lines: what it would come to is shown first, and saved as it was shown."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.console.words import major, minor
from orderloom.insight import order_page
from orderloom.insight.order_page import OrderPage
from orderloom.journey.editing import CannotEdit, Edited, edit
from orderloom.journey.steering import hold_whole
from orderloom.orders.editing import Added, Edit, LineEdit
from orderloom.orders.model import Refused
from orderloom.plumbing import clock
from orderloom.plumbing.journeys import NoSuchSubject
from orderloom.terms import Rank

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:write"))]
_MOVED = "The order has changed meanwhile: this is how it stands now."


@dataclass(frozen=True, slots=True)
class Row:
    """A line as the form shows it: units that are not cancelled, and a price as people write it."""

    id: UUID
    sku: str
    name: str
    is_kit: bool
    units: int
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form as it was filled in."""

    lines: tuple[UUID, ...] = ()
    units: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    sku: str = ""
    more: str = ""
    price: str = ""
    reason: str = ""

    @property
    def digest(self) -> str:
        """Tells whether it is still filled in as it was when it was shown."""
        asked = (self.lines, self.units, self.prices, self.sku, self.more, self.price)
        return hashlib.sha256(repr(asked).encode()).hexdigest()

    def edit(self, rows: list[Row], currency: str) -> Edit:
        """What differs from the lines as they are. Raises ValueError where a number is none."""
        known = {row.id: row for row in rows}
        changes = []
        for id_, units, price in zip(self.lines, self.units, self.prices, strict=True):
            if (row := known.get(id_)) is None:
                raise ValueError(_MOVED)
            quantity = _whole(units) if units.strip() != str(row.units) else None
            money = minor(price, currency) if price.strip() != row.price else None
            if (quantity, money) != (None, None):
                changes.append(LineEdit(line_id=id_, quantity=quantity, unit_price=money))
        if not self.sku.strip():
            return Edit(lines=tuple(changes))
        money = minor(self.price, currency) if self.price.strip() else None
        added = Added(sku=self.sku.strip(), quantity=_whole(self.more), unit_price=money)
        return Edit(lines=tuple(changes), add=(added,))


def _whole(text: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > 7:
        msg = f"{text.strip()!r} is no number of units"
        raise ValueError(msg)
    return int(text)


def _rows(found: OrderPage) -> list[Row]:
    """The lines that may be edited: a kit's parts go with it, and what is cancelled whole is over."""
    live: Counter[UUID] = Counter()
    for piece in found.slices:
        live[piece["line_id"]] += piece["quantity"] * (piece["rank"] != Rank.CANCELLED)
    rows = []
    for line in found.lines:
        parts = [x for x in found.lines if x["kit_line_id"] == line["id"]] or [line]
        units = min(live[x["id"]] * line["quantity"] // x["quantity"] for x in parts)
        if line["kit_line_id"] is None and units:
            price = major(line["unit_price"], found.order["currency"])
            rows.append(Row(line["id"], line["sku"], line["name"], line["is_kit"], units, price))
    return rows


async def _page(request: Request, who: Visitor, number: str) -> OrderPage:
    async with reading(request) as db:
        found = await order_page.order_page(db, scope=who.scope, number=number)
    if found is None:
        raise HTTPException(404)
    return found


@router.get("/orders/{number}/edit")
async def form(request: Request, number: str, who: May) -> Response:
    return _shown(request, await _page(request, who, number), Filled())


@router.post("/orders/{number}/edit")
async def send(
    request: Request,
    number: str,
    who: May,
    version: Annotated[int, Form()],
    do: Annotated[Literal["preview", "save"], Form()] = "preview",
    line: Annotated[list[UUID], Form(max_length=2000)] = [],  # noqa: B006 - FastAPI copies it
    units: Annotated[list[str], Form(max_length=2000)] = [],  # noqa: B006
    unit_price: Annotated[list[str], Form(max_length=2000)] = [],  # noqa: B006
    sku: Annotated[str, Form(max_length=100)] = "",
    more: Annotated[str, Form(max_length=10)] = "1",
    price: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    shown: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """A preview is the edit itself, taken back; only what was shown is saved, to the order as it was then."""
    filled = Filled(
        lines=tuple(line),
        units=tuple(units),
        prices=tuple(unit_price),
        sku=sku,
        more=more,
        price=price,
        reason=reason,
    )
    save = do == "save" and shown == filled.digest
    found = await _page(request, who, number)
    if found.order["version"] != version:
        return _shown(request, found, Filled(reason=reason), problems=[_MOVED])
    try:
        wanted = filled.edit(_rows(found), found.order["currency"])
        outcome = await _done(request, who, found, wanted, reason.strip() or "by hand", save=save)
    except (ValueError, NoSuchSubject) as fault:
        return _shown(request, found, filled, problems=[str(fault)])
    if not isinstance(outcome, Edited):
        return _shown(request, found, filled, problems=outcome)
    if not save:
        return _shown(request, found, filled, preview=outcome)
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
            return [_MOVED]
        outcome = await edit(db, order_id=order["id"], edit=wanted, reason=reason, now=clock.now(), keep=save)
    if isinstance(outcome, CannotEdit | Refused):
        return [f"{fault.message[:1].upper()}{fault.message[1:]}." for fault in outcome.faults]
    return outcome or [_MOVED]


def _shown(
    request: Request,
    found: OrderPage,
    filled: Filled,
    *,
    preview: Edited | None = None,
    problems: list[str] | None = None,
) -> Response:
    rows = _rows(found)
    given = {
        id_: (units, price)
        for id_, units, price in zip(filled.lines, filled.units, filled.prices, strict=False)
    }
    return page(
        request,
        "edit.html",
        status=409 if problems else 200,
        o=found.order,
        rows=[(row, *given.get(row.id, (str(row.units), row.price))) for row in rows],
        filled=filled,
        preview=preview,
        problems=problems or [],
    )
