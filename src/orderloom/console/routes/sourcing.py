"""Sourcing profiles: versions with their rules and tests, the difference they would make, and which one is active."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from orderloom.console import rule_form
from orderloom.console.access import Visitor, changing, needs, reading
from orderloom.console.page import page
from orderloom.console.rule_form import Shown
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
async def listing(
    request: Request,
    who: May,
    before: UUID | None = None,
    did: str = "",
    start: Annotated[UUID | None, Query(alias="from")] = None,
) -> Response:
    """`from`: the version whose JSON a new one begins with."""
    given = {}
    if start is not None:
        async with reading(request) as db:
            row = await _row(db, start)
        given = {"name": row["name"], "text": json.dumps(row["document"], indent=2)}
    return await _listing(request, who, before=before, did=SAID.get(did), given=given)


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


# --- one rule, in a form --------------------------------------------------------------------------------------


@router.get("/sourcing-rule")
async def rule(
    request: Request, who: MayWrite, version: UUID | None = None, number: Annotated[int, Query(ge=1)] = 1
) -> Response:
    """A rule of a version in fields; a number beyond the last, or no version, is a new one."""
    _whole(who)
    row, rules = await _rules(request, version)
    return _rule(request, row, number, rule_form.shown(rules[number - 1] if number <= len(rules) else {}))


def _rule(request: Request, row: Row | None, number: int, shown: Shown, **given: Any) -> Response:
    rules = row["document"].get("rules", []) if row else []
    first: dict[str, Any] = {
        "faults": [],
        "place": min(number, len(rules) + 1),
        "profile": "",
        "note": "",
    }
    return page(
        request,
        "sourcing_rule.html",
        status=422 if given.get("faults") else 200,
        v=row,
        shown=shown,
        fresh=number > len(rules),
        conditions=rule_form.CONDITIONS,
        sets=rule_form.SETS,
        numbers=rule_form.NUMBERS,
        flags=rule_form.FLAGS,
        blank_conditions=rule_form.BLANK_CONDITIONS,
        blank_strategies=rule_form.BLANK_STRATEGIES,
        **(first | given),
    )


@router.post("/sourcing-rule")
async def put_rule(
    request: Request, who: MayWrite, version: UUID | None = None, number: Annotated[int, Query(ge=1)] = 1
) -> Response:
    """Keep a version with the rule as the fields say, or without it; what is wrong is told above what was given."""
    _whole(who)
    row, rules = await _rules(request, version)
    form = await request.form()
    given = {name: [str(one) for one in form.getlist(name)] for name in form}
    base = rules[number - 1] if number <= len(rules) else {}
    try:
        told, faults = rule_form.read(given, base=base)
        place = int(given["place"][0]) if given["place"][0].isdecimal() else len(rules) + 1
        note, name = given["note"][0].strip(), row["name"] if row else given["profile"][0].strip()
    except (KeyError, ValueError):
        raise HTTPException(422) from None
    others = [one for i, one in enumerate(rules, start=1) if i != number]
    dropped = "drop" in given
    at = max(1, min(place, len(others) + 1))
    after = others if dropped else [*others[: at - 1], told, *others[at - 1 :]]
    document = {**(row["document"] if row else {}), "rules": after}
    profile = None
    try:
        profile = Profile.model_validate_json(json.dumps(document))
    except ValidationError as invalid:
        faults += [_in_words(one, at) for one in invalid.errors()]
    if not 0 < len(name) <= 100 or len(note) > 500:
        faults.append("a profile has a name of at most 100 characters, a note has at most 500")
    if profile is None or (faults and not dropped):
        shown = rule_form.shown(told)
        return _rule(request, row, number, shown, faults=faults, place=place, profile=name, note=note)
    async with changing(request, who) as db:
        made = await profiling.draft(db, name=name, profile=profile, note=note or None)
    return RedirectResponse(f"/console/sourcing/{made['id']}?did=drafted", status_code=303)


def _in_words(fault: Mapping[str, Any], at: int) -> str:
    """Where in the rule, and what; the place of the rule itself is where one is looking."""
    path = [str(part) for part in fault["loc"]]
    where = path[2:] if path[:2] == ["rules", str(at - 1)] else path
    return f"{' '.join(where)}: {fault['msg']}".removeprefix(": ")


async def _rules(request: Request, version: UUID | None) -> tuple[Row | None, list[dict[str, Any]]]:
    if version is None:
        return None, []
    async with reading(request) as db:
        row = await _row(db, version)
    return row, row["document"].get("rules", [])


# --- one version ----------------------------------------------------------------------------------------------


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
