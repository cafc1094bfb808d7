"""`orderloom sourcing`: profiles drafted, tested, tried on past orders, run as a shadow, made active, retired.

A version is named `us@3`, or `us` for the latest of that name.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from orderloom.api.problems import faults_of
from orderloom.cli import session
from orderloom.journey import profiling, trials
from orderloom.plumbing import clock
from orderloom.plumbing.database import Database, Db, Row
from orderloom.routing import store
from orderloom.routing.examining import Tested, problem
from orderloom.routing.profiles import Profile
from orderloom.terms import wire

FAILED, FAULTY = 1, 2
_SHOWN = 20
_PAUSE = 0.2
Which = Annotated[str, typer.Argument(metavar="VERSION", help="us@3, or us for the latest of that name.")]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Why = Annotated[str | None, typer.Option(help="Why; kept with the event.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Sourcing profiles: which rules routing follows.", no_args_is_help=True)
    for command in (draft, list_all, show, examine, try_, shadow, report, activate, retire):
        name = {"list_all": "list", "examine": "test", "try_": "try"}.get(command.__name__, command.__name__)
        group.command(name)(command)
    app.add_typer(group, name="sourcing")


def draft(
    file: Annotated[typer.FileText, typer.Argument(help="The profile as JSON; - reads stdin.")],
    *,
    name: Annotated[str, typer.Option(help="What the profile is called; its versions are numbered.")],
    note: Annotated[str | None, typer.Option(help="What is new in this version.")] = None,
) -> None:
    """Keep a new version. It takes no effect."""
    profile = _read(file.read())

    async def work(db: Db) -> Row:
        return await profiling.draft(db, name=name, profile=profile, note=note)

    print(_called(_in_transaction(work)))


def list_all() -> None:
    """Versions, the newest first."""

    async def work(db: Db) -> list[Row]:
        return await store.versions(db, before=None, limit=200)

    for row in _in_transaction(work):
        print(f"{_called(row):30} {row['status']:8} {row['created_at']:%Y-%m-%d %H:%M} {row['note'] or ''}")


def show(version: Which) -> None:
    """What a version says, as JSON."""

    async def work(db: Db) -> Row:
        return await _found(db, version)

    print(json.dumps(_in_transaction(work)["document"], indent=2))


def examine(version: Which, *, as_json: Json = False) -> None:
    """Run a version's own tests; exits 1 when one fails or there is none."""

    async def work(db: Db) -> list[Tested]:
        return await profiling.examine(db, row=await _found(db, version), now=clock.now())

    _tell_tests(_in_transaction(work), as_json=as_json)


def activate(version: Which, *, reason: Why = None) -> None:
    """Let decisions follow a version from now on; exits 1 unless all of its tests pass."""

    async def work(db: Db) -> profiling.Untested | None:
        row = await _found(db, version)
        return await profiling.activate(db, row=row, now=clock.now(), reason=reason)

    untested = _in_transaction(work)
    if untested is not None:
        _tell_tests(list(untested.tests), as_json=False)
    print(f"{version} is active")


def retire(version: Which, *, reason: Why = None) -> None:
    """Take a version out of use."""

    async def work(db: Db) -> None:
        await profiling.retire(db, row=await _found(db, version), reason=reason)

    _in_transaction(work)
    print(f"{version} is retired")


def try_(
    version: Which,
    *,
    last: Annotated[int, typer.Option(min=1, max=trials.LAST_MOST, help="So many orders.")] = 200,
    as_json: Json = False,
) -> None:
    """Decide the last orders again by a version, and tell the difference it would have made. No order is touched."""
    print_report(session.run(_try(version, last)), as_json=as_json)


async def _try(version: str, last: int) -> dict[str, Any]:
    async with session.opened() as database:
        async with database.transaction() as db:
            row = await _found(db, version)
            trial = await trials.begin(db, profile_id=row["id"], last=last)
        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("deciding again", total=last)
            while True:
                async with database.transaction() as db:
                    done = await trials.go_on(db, trial_id=trial)
                found = await _reported(database, trial)
                shown.update(task, completed=found["answered"], total=found["asked"])
                if found["answered"] >= found["asked"]:
                    return found
                if not done:
                    # A worker has the rest in hand.
                    await asyncio.sleep(_PAUSE)


def shadow(
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="us@3, or us; left out: no shadow any more.")
    ] = None,
    *,
    permille: Annotated[int, typer.Option(min=1, max=1000, help="Of so many orders in a thousand.")] = 1000,
) -> None:
    """Let a version decide beside the active one from now on, without effect."""

    async def work(db: Db) -> UUID | None:
        if version is None:
            return await store.end_shadow(db)
        row = await _found(db, version)
        return await trials.begin_shadow(db, profile_id=row["id"], permille=permille)

    found = _in_transaction(work)
    print(wire("trial", found) if found else "there was no shadow")


def report(version: Which, *, as_json: Json = False) -> None:
    """What a version's latest trial or shadow came to so far."""
    print_report(session.run(_latest(version)), as_json=as_json)


async def _latest(version: str) -> dict[str, Any]:
    async with session.opened() as database:
        async with database.transaction(readonly=True) as db:
            row = await _found(db, version)
            found = await store.trials_of(db, row["id"], limit=1)
        if not found:
            raise typer.BadParameter(f"{version} was never tried")
        return await _reported(database, found[0]["id"])


async def _reported(database: Database, trial: UUID) -> dict[str, Any]:
    async with database.transaction(readonly=True) as db:
        found = await trials.report(db, trial_id=trial)
        assert found is not None  # noqa: S101 - it was just begun or listed
        shown = await trials.differences(db, trial_id=trial, after=None, limit=_SHOWN)
        return {**found, "differences": shown}


def print_report(found: dict[str, Any], *, as_json: bool) -> None:
    """The difference a version would have made."""
    if as_json:
        print(json.dumps(found, indent=2, default=str))
        return
    print(
        f"{found['answered']} of {found['asked']} decided again: {found['changed']} come out otherwise, "
        f"{found['other_nodes']} at other nodes; {found['failed']} could not be, {found['moved']} on what has changed"
    )
    for one in found["sums"]:
        print(
            f"{one['currency'] or 'no plan'}: cost {one['cost_before']} -> {one['cost_after']} over {one['with_plan']}, "
            f"late {one['late_before']} -> {one['late_after']}, split {one['split_before']} -> {one['split_after']}, "
            f"without a plan {one['without_plan_before']} -> {one['without_plan_after']}"
        )
    for one in found["rules"]:
        by = f"{one['rule'] or 'no rule'} / {one['strategy'] or 'as the channel has it'}"
        print(f"{one['orders']:>7} {one['changed']:>7} changed  {by}")
    for one in found["differences"]:
        print(f"{one['number']}: {_side(one['before'])} -> {one['failed'] or _side(one['after'])}")


def _side(found: dict[str, Any] | None) -> str:
    if not found or found["cost"] is None:
        return found["outcome"] if found else "?"
    return f"{'+'.join(found['nodes'])} by {'+'.join(found['services'])} for {found['cost']}" + (
        ", late" if found["late"] else ""
    )


def _tell_tests(found: list[Tested], *, as_json: bool) -> None:
    failed = [test for test in found if test.misses]
    if as_json:
        print(json.dumps([one.json() for one in found], indent=2))
    else:
        for one in found:
            print(f"{'FAILED' if one.misses else 'passed'}  {one.name}")
            for miss in one.misses:
                print(f"        {problem(miss)}")
        print(f"{len(found) - len(failed)} of {len(found)} passed" if found else "it has no tests of its own")
    if failed or not found:
        raise typer.Exit(FAILED)


def _read(text: str) -> Profile:
    try:
        return Profile.model_validate_json(text)
    except ValidationError as invalid:
        _refuse([fault.json() for fault in faults_of(invalid.errors(), whole=False)])


def _refuse(faults: list[dict[str, str]]) -> NoReturn:
    print(json.dumps({"errors": faults}, indent=2))
    raise typer.Exit(FAULTY)


async def _found(db: Db, version: str) -> Row:
    name, _, number = version.partition("@")
    row = None
    if not number or number.isdecimal():
        row = await store.find_version(db, name=name, number=int(number) if number else None)
    if row is None:
        raise typer.BadParameter(
            f"there is no sourcing profile {version!r}: `orderloom sourcing list` shows them"
        )
    return row


def _called(row: Row) -> str:
    return f"{row['name']}@{row['version']}"


def _in_transaction(work: Any) -> Any:
    async def run() -> Any:
        async with session.opened() as database, database.transaction() as db:
            return await work(db)

    return session.run(run())
