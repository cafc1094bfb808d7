"""Planning: unreleased orders planned anew together, seen before it is done; and the last times it was."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.journey import reoptimising
from orderloom.journey.reoptimising import Batch, Planned, nodes_of, why
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.routing import store

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
MayWrite = Annotated[Visitor, Depends(needs("orders:write"))]
SHOWN, RUNS = 100, 20


@router.get("/planning")
async def show(request: Request, who: May, *, preview: bool = False, done: bool = False) -> Response:
    """The last runs; with `preview`, what a run would change now."""
    _whole(who)
    async with reading(request) as db:
        runs = await store.batches(db, limit=RUNS)
        found = await _planned(db, clock.now()) if preview else None
    changes = found[1].changes if found else ()
    return page(
        request,
        "planning.html",
        runs=runs,
        done=done,
        whole=found[1].whole if found else None,
        orders=found[1].orders if found else 0,
        priced=len(found[1].prices) if found else 0,
        currency=found[0].currency if found else None,
        moved=len(changes),
        changes=[
            (one, nodes_of(one.before), nodes_of(one.after), why(one, changes)) for one in changes[:SHOWN]
        ],
    )


@router.post("/planning")
async def run(request: Request, who: MayWrite) -> Response:
    """Plan as things stand now and put it in force."""
    _whole(who)
    now = clock.now()
    async with changing(request, who) as db:
        batch, planned = await _planned(db, now)
        await reoptimising.apply(db, batch=batch, planned=planned, now=now)
    return RedirectResponse("/console/planning?done=true", status_code=303)


async def _planned(db: Db, now: datetime) -> tuple[Batch, Planned]:
    batch = await reoptimising.read(db, now=now)
    return batch, await asyncio.to_thread(reoptimising.plan, batch)


def _whole(who: Visitor) -> None:
    """Orders are planned over all channels and nodes: whoever sees some only sees none."""
    if who.credential.limited:
        raise HTTPException(404)
