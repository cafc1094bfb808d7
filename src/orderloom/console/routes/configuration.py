"""How the house is set up, to look at; changes go by the API and `orderloom apply`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orderloom.console.access import Visitor, needs, reading
from orderloom.console.page import page
from orderloom.insight.configuration import configuration

router = APIRouter()
PARTS = ("nodes", "channels", "carriers", "cartons", "packing", "webhooks", "api_keys", "users")
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
