"""How the house is set up, to look at; changes go by the API and `orderloom apply`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight.configuration import configuration
from orderloom.plumbing import clock
from orderloom.shipping.contracts import newest_contract
from orderloom.shipping.spending import earnings

router = APIRouter()
PARTS = ("nodes", "channels", "carriers", "cartons", "packing", "webhooks", "api_keys", "users")
# Of a table of days by lane, origins on the page.
LANES_SHOWN = 100
# Who holds keys and logins is for those who manage them.
GUARDED = {"api_keys": "users:write", "users": "users:write"}


@router.get("/settings")
async def show(
    request: Request, who: Annotated[Visitor, Depends(needs("config:read"))], part: str = "nodes"
) -> Response:
    open_to = [name for name in PARTS if name not in GUARDED or who.may(GUARDED[name])]
    chosen = part if part in open_to else open_to[0]
    async with reading(request) as db:
        found = await configuration(db)
    return page(
        request,
        "settings.html",
        part=chosen,
        parts=open_to,
        rows=found[chosen],
        counts={name: len(rows) for name, rows in found.items()},
    )


@router.get("/settings/carriers/{code}")
async def show_contract(
    request: Request, code: str, who: Annotated[Visitor, Depends(needs("config:read"))]
) -> Response:
    """What was agreed last with a carrier: its services with their charts, days by zone and lane, and what has been earned."""
    async with reading(request) as db:
        contract = await newest_contract(db, carrier=code)
        # What is spent is of all nodes and channels: whoever may see some only sees none of it.
        earned = None if who.credential.limited else await earnings(db, carrier=code, at=clock.now())
    if contract is None:
        raise HTTPException(404)
    tables = {
        one.code: sum(not table.services or one.code in table.services for table in contract.terms.transit)
        for one in contract.terms.services
    }
    return page(
        request,
        "contract.html",
        contract=contract,
        terms=contract.terms,
        tables=tables,
        lanes_shown=LANES_SHOWN,
        earned=earned,
    )
