"""One order: its page with tabs, and the panel beside the list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.maps import picture
from orderloom.console.page import page
from orderloom.console.words import money
from orderloom.insight import order_page
from orderloom.insight.order_page import OrderPage
from orderloom.insight.order_promise import OrderPromise
from orderloom.journey import deciding
from orderloom.orders.holds import TYPES
from orderloom.plumbing.database import Row
from orderloom.terms import Rank

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]

TABS = ("order", "routing", "parcels", "money", "messages", "history", "raw")
# Said once after a redirect; the address carries only the key.
DONE: Mapping[str, str] = {
    "cancelled": "The order is cancelled: stock and money are given back.",
    "asked": "The nodes are asked to stop; what they have not shipped comes back.",
    "edited": "The order is changed, and goes on as it is now.",
    "held": "The hold is raised. Steps it blocks do not begin from now on.",
    "cleared": "The hold is cleared. The order goes on.",
    "paused": "The journey is paused.",
    "resumed": "The journey goes on.",
    "retried": "The step is tried again now.",
    "skipped": "The step is passed over.",
    "resolved": "The exception is resolved.",
}
# Request states in which a node is asked to let go, not told.
ASKED = frozenset({"accepted", "cancellation_requested"})
HOLDS = tuple(kind for kind in TYPES if kind != "edit_in_progress")


@router.get("/orders/{number}")
async def show(request: Request, number: str, who: May, tab: str = "order", did: str = "") -> Response:
    return await order_response(request, who, number, tab=tab, did=DONE.get(did))


@router.get("/orders/{number}/panel")
async def panel(request: Request, number: str, who: May) -> Response:
    found, decision = await _found(request, who, number, reasons=True)
    return page(request, "_panel.html", **_values(found, "order", decision))


async def order_response(
    request: Request,
    who: Visitor,
    number: str,
    *,
    tab: str = "order",
    did: str | None = None,
    refusal: str | None = None,
) -> Response:
    """The page; with a refusal it is a 409 that says what stood in the way."""
    found, decision = await _found(request, who, number, reasons=tab == "routing")
    return page(
        request,
        "order.html",
        fragment="_order_tab.html",
        status=409 if refusal else 200,
        did=did,
        refusal=refusal,
        **_values(found, tab if tab in TABS else "order", decision),
    )


async def _found(
    request: Request, who: Visitor, number: str, *, reasons: bool
) -> tuple[OrderPage, dict[str, Any] | None]:
    """The order, and how it was routed last; with the reasons where they are shown."""
    async with reading(request) as db:
        found = await order_page.order_page(db, scope=who.scope, number=number)
        if found is None:
            raise HTTPException(404)
        decision = next((d for d in found.decisions if d["kind"] == "route"), None)
        if decision and reasons:
            decision = await deciding.with_reasons(db, decision=decision)
    return found, decision


def _values(found: OrderPage, tab: str, decision: dict[str, Any] | None) -> dict[str, Any]:
    answer = decision["answer"] if decision else {}
    return {
        "p": found,
        "o": found.order,
        "tab": tab,
        "tabs": TABS,
        "hold_types": HOLDS,
        "slices_of": _grouped(found.slices, "line_id"),
        "packages_of": _grouped(found.packages, "fulfillment"),
        "scans_of": _grouped(found.scans, "tracking_number"),
        "children_of": _grouped(found.lines, "kit_line_id"),
        "decision": decision,
        "answer": answer,
        "picture": picture(answer, _destination(found, decision["request"])) if decision else None,
        "active_holds": [hold for hold in found.holds if hold["cleared_at"] is None],
        "open_exceptions": [case for case in found.exceptions if case["resolved_at"] is None],
        "ledger_sum": sum(entry["amount"] for entry in found.entries),
        "raw": _raw(found) if tab == "raw" else {},
        "effects": _effects(found),
    }


def _effects(found: OrderPage) -> list[str]:
    """What cancelling would do, in numbers, as `journey.cancelling` decides it; nothing left to cancel is no effect."""
    asked = {f["number"]: f["node"] for f in found.fulfillments if f["request_status"] in ASKED}
    open_ = [s for s in found.slices if s["rank"] < Rank.SHIPPED]
    at_once = sum(s["quantity"] for s in open_ if s["fulfillment"] not in asked)
    requested: Counter[str] = Counter()
    for piece in open_:
        if piece["fulfillment"] in asked:
            requested[asked[piece["fulfillment"]]] += piece["quantity"]
    gone = sum(s["quantity"] for s in found.slices if Rank.SHIPPED <= s["rank"] < Rank.CANCELLED)
    if not open_:
        return []
    effects = [f"{_units(at_once)} cancelled at once; the stock is free again."] if at_once else []
    effects += [
        f"{node} is asked to stop {_units(n)}; what it ships first has shipped."
        for node, n in requested.items()
    ]
    if gone:
        effects.append(f"{_units(gone)} already shipped: kept. Ask for a return instead.")
    elif found.order["payment_status"] == "authorized":
        effects.append(f"{money(found.order['total'], found.order['currency'])} authorised is given up.")
    return effects


def _units(count: int) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def _destination(found: OrderPage, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the decision thought the buyer is: an address without a position got one from its postcode."""
    known = request.get("destination") or {}
    return known if known.get("latitude") is not None else found.order["ship_to"]


def _grouped(rows: Sequence[Row], name: str) -> dict[UUID | str | None, list[Row]]:
    groups: dict[UUID | str | None, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups


def _raw(found: OrderPage) -> dict[str, Any]:
    """Everything as stored, except what stands for a card."""
    hidden = {"token", "body_hash", "known"}
    parts = {name: getattr(found, name) for name in OrderPage.__dataclass_fields__}
    return {
        name: [_shown(row, hidden) for row in rows] if isinstance(rows, list) else _shown(rows, hidden)
        for name, rows in parts.items()
    }


def _shown(row: Row | OrderPromise, hidden: set[str]) -> dict[str, Any]:
    if isinstance(row, OrderPromise):
        plain = {name: getattr(row, name) for name in OrderPromise.__dataclass_fields__}
        return plain | {"moves": [dict(move) for move in row.moves]}
    return {name: value for name, value in dict(row).items() if name not in hidden}
