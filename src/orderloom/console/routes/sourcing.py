"""Sourcing profiles: versions with their rules and tests, the difference they would make, and which one is active."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.journey import profiling, trials
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db, Row
from orderloom.routing import store
from orderloom.routing.profiles import Profile

router = APIRouter()
May = Annotated[Visitor, Depends(needs("config:read"))]
MayWrite = Annotated[Visitor, Depends(needs("config:write"))]
PAGE, DIFFERENCES, TRIALS, LAST = 50, 50, 10, 500
TEXT_MOST = 900_000
SAID = {
    "drafted": "The version is kept as a draft; it takes no effect.",
    "tested": "Its tests have run.",
    "activated": "Decisions follow this version from now on.",
    "retired": "The version is out of use.",
    "shadowed": "It decides beside the active version from now on, without effect.",
    "ended": "There is no shadow any more.",
}


@router.get("/sourcing")
async def listing(request: Request, who: May, before: UUID | None = None, did: str = "") -> Response:
    return await _listing(request, who, before=before, did=SAID.get(did))


async def _listing(request: Request, who: Visitor, *, before: UUID | None = None, **said: Any) -> Response:
    _whole(who)
    async with reading(request) as db:
        rows = await store.versions(db, before=before, limit=PAGE + 1)
        shadow = await _shadow(db)
    return page(
        request,
        "sourcing.html",
        status=422 if said.get("faults") else 200,
        rows=rows[:PAGE],
        more=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        first=before is None,
        shadow=shadow,
        **({"faults": [], "given": {}, "did": None} | said),
    )


@router.post("/sourcing")
async def draft(
    request: Request,
    who: MayWrite,
    name: Annotated[str, Form(min_length=1, max_length=100)],
    text: Annotated[str, Form(min_length=1, max_length=TEXT_MOST)],
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Keep a new version; what is wrong with it is told beside what was given."""
    _whole(who)
    try:
        profile = Profile.model_validate_json(text)
    except ValidationError as invalid:
        faults = [("/" + "/".join(str(part) for part in one["loc"]), one["msg"]) for one in invalid.errors()]
        given = {"name": name, "text": text, "note": note}
        return await _listing(request, who, faults=faults, given=given)
    async with changing(request, who) as db:
        row = await profiling.draft(db, name=name.strip(), profile=profile, note=note.strip() or None)
    return RedirectResponse(f"/console/sourcing/{row['id']}?did=drafted", status_code=303)


@router.get("/sourcing/{key}")
async def show(request: Request, key: UUID, who: May, did: str = "") -> Response:
    return await _show(request, who, key, did=SAID.get(did))


async def _show(request: Request, who: Visitor, key: UUID, *, status: int = 200, **said: Any) -> Response:
    _whole(who)
    async with reading(request) as db:
        row = await _row(db, key)
        tried = [
            await trials.report(db, trial_id=one["id"])
            for one in await store.trials_of(db, key, limit=TRIALS)
        ]
        shadow = await _shadow(db)
    return page(
        request,
        "sourcing_version.html",
        status=status,
        v=row,
        document=row["document"],
        text=json.dumps(row["document"], indent=2),
        tried=tried,
        shadow=shadow,
        last=LAST,
        **({"problem": "", "did": None} | said),
    )


@router.post("/sourcing/{key}/test")
async def test(request: Request, key: UUID, who: MayWrite) -> Response:
    _whole(who)
    async with changing(request, who) as db:
        await profiling.examine(db, row=await _row(db, key), now=clock.now())
    return _back(key, "tested")


@router.post("/sourcing/{key}/activate")
async def activate(
    request: Request, key: UUID, who: MayWrite, reason: Annotated[str, Form(min_length=1, max_length=500)]
) -> Response:
    """Refused where a test fails: the page shows which."""
    _whole(who)
    async with changing(request, who) as db:
        row = await _row(db, key)
        untested = await profiling.activate(db, row=row, now=clock.now(), reason=reason.strip())
    if untested is None:
        return _back(key, "activated")
    problem = (
        "It is not activated: its tests fail." if untested.tests else "It is not activated: it has no tests."
    )
    return await _show(request, who, key, status=409, problem=problem)


@router.post("/sourcing/{key}/retire")
async def retire(
    request: Request, key: UUID, who: MayWrite, reason: Annotated[str, Form(min_length=1, max_length=500)]
) -> Response:
    _whole(who)
    async with changing(request, who) as db:
        await profiling.retire(db, row=await _row(db, key), reason=reason.strip())
    return _back(key, "retired")


@router.post("/sourcing/{key}/try")
async def try_out(
    request: Request, key: UUID, who: MayWrite, last: Annotated[int, Form(ge=1, le=trials.LAST_MOST)]
) -> Response:
    """A worker goes on with it, whether somebody looks or not."""
    _whole(who)
    async with changing(request, who) as db:
        await _row(db, key)
        trial = await trials.begin(db, profile_id=key, last=last)
    return RedirectResponse(f"/console/sourcing-trials/{trial}", status_code=303)


@router.post("/sourcing/{key}/shadow")
async def shadow(
    request: Request, key: UUID, who: MayWrite, permille: Annotated[int, Form(ge=1, le=1000)]
) -> Response:
    _whole(who)
    async with changing(request, who) as db:
        await _row(db, key)
        await trials.begin_shadow(db, profile_id=key, permille=permille)
    return _back(key, "shadowed")


@router.post("/sourcing-shadow/end")
async def end_shadow(request: Request, who: MayWrite) -> Response:
    _whole(who)
    async with changing(request, who) as db:
        await store.end_shadow(db)
    return RedirectResponse("/console/sourcing?did=ended", status_code=303)


@router.get("/sourcing-trials/{key}")
async def trial(request: Request, key: UUID, who: May, after: UUID | None = None) -> Response:
    _whole(who)
    async with reading(request) as db:
        found = await trials.report(db, trial_id=key)
        if found is None:
            raise HTTPException(404)
        rows = await trials.differences(db, trial_id=key, after=after, limit=DIFFERENCES + 1)
        version = await _row(db, found["profile_id"])
    return page(
        request,
        "sourcing_trial.html",
        fragment="_sourcing_trial.html",
        t=found,
        v=version,
        rows=rows[:DIFFERENCES],
        more=rows[DIFFERENCES - 1]["decision_id"] if len(rows) > DIFFERENCES else None,
        first=after is None,
    )


def _whole(who: Visitor) -> None:
    """Rules and trials concern orders of all channels and nodes: whoever sees some only sees none."""
    if who.credential.limited:
        raise HTTPException(404)


def _back(key: UUID, did: str) -> Response:
    return RedirectResponse(f"/console/sourcing/{key}?did={did}", status_code=303)


async def _shadow(db: Db) -> Row | None:
    found = (await store.in_use(db)).shadow
    return await store.trial(db, found) if found else None


async def _row(db: Db, key: UUID) -> Row:
    row = await store.version_of(db, key)
    if row is None:
        raise HTTPException(404)
    return row
