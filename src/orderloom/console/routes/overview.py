"""The overview: the seven steps with live counts, what needs a person, orders an hour, money, nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from orderloom.console.access import LoginNeeded, Visitor, needs, reading, the_database, visitor
from orderloom.console.page import page, templates
from orderloom.insight import overview
from orderloom.insight.scope import Scope
from orderloom.insight.search import palette
from orderloom.plumbing import clock
from orderloom.plumbing.database import Database, DatabaseAway, Db, Row

router = APIRouter()
LOOK_EVERY_S = 2.0
# Times move on the page too, so it is told anew now and then though nothing changed.
TELL_EVERY_S = 30.0
SESSION_CHECK_S = 60.0
REMEMBER_S = 10.0

May = Annotated[Visitor, Depends(needs("orders:read"))]


@router.get("/overview")
async def show(request: Request, who: May) -> Response:
    figures = await _figures(request, who.scope)
    return page(request, "overview.html", **figures)


@router.get("/overview/live")
async def live(request: Request, who: May) -> Response:
    """A stream of the page's body, sent when something has changed. One a page; it ends with the session."""
    return StreamingResponse(
        _stream(request, the_database(request), who),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _stream(request: Request, database: Database, who: Visitor) -> AsyncIterator[str]:
    seen, told, checked = -1, 0.0, 0.0
    loop = asyncio.get_running_loop()
    yield "retry: 3000\n\n"
    while not await request.is_disconnected():
        try:
            if loop.time() - checked > SESSION_CHECK_S:
                checked = loop.time()
                await visitor(request)
            async with database.transaction(readonly=True) as db:
                latest = await overview.pulse(db)
            if latest != seen or loop.time() - told > TELL_EVERY_S:
                seen, told = latest, loop.time()
                figures = await _figures(request, who.scope)
                text = (
                    templates()
                    .get_template("_overview.html")
                    .render(visitor=who, here="/console/overview", now=clock.now(), **figures)
                )
                yield "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
        except (LoginNeeded, DatabaseAway):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _figures(request: Request, scope: Scope) -> dict[str, Any]:
    now = clock.now()
    async with the_database(request).transaction(readonly=True) as db:
        return {
            **await overview.overview(db, scope=scope, now=now),
            "ever": await _remembered(request, db, scope),
            "needing": await overview.needing_people(db, scope=scope, now=now),
            "hours": await overview.by_hour(db, scope=scope, now=now),
            "takings": await overview.money(db, scope=scope, now=now),
            "nodes": await overview.by_node(db, scope=scope, now=now),
            "news": await overview.latest_news(db, scope=scope),
        }


async def _remembered(request: Request, db: Db, scope: Scope) -> Row:
    """The counts over all history, asked for anew now and then: the page must not slow down as years go by."""
    kept: dict[str, tuple[float, Row]] = request.app.state.ever
    key, at = repr(scope), asyncio.get_running_loop().time()
    if key not in kept or at - kept[key][0] > REMEMBER_S:
        kept[key] = (at, await overview.ever(db, scope=scope))
    return kept[key][1]


@router.get("/find")
async def find(request: Request, who: Annotated[Visitor, Depends(visitor)], q: str = "") -> Response:
    """What the palette offers for a text: screens are known to the page, orders and items are looked up."""
    text = q.strip()[:100]
    rows = []
    if len(text) >= 2:
        async with reading(request) as db:
            rows = await palette(db, scope=who.scope, text=text)
    allowed = {"order": who.may("orders:read"), "item": who.may("inventory:read")}
    return page(request, "_found.html", rows=[row for row in rows if allowed[row["kind"]]])
