"""`orderloom decide route|pack|rate|promise`: a decision as a dry run, JSON in and JSON out; `decide replay`: one again."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from pydantic import ValidationError

from orderloom.api.problems import faults_of
from orderloom.cli import session
from orderloom.journey import deciding
from orderloom.journey.deciding import Replay, Within
from orderloom.plumbing import clock
from orderloom.routing.deciding import decide
from orderloom.routing.questions import QUESTIONS, Question
from orderloom.routing.world import EMPTY, Unanswerable
from orderloom.terms import WrongId, unwire, wire

_HELP = {
    "route": "From which nodes to ship, by which services, in which cartons.",
    "pack": "Into which cartons units go, and where each lies.",
    "rate": "What parcels cost by every service, and which to take.",
    "promise": "By when a buyer can have it, by service and by node.",
}
DIFFERS, FAULTY = 1, 2


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Decide as a dry run: the question as JSON on stdin, the decision record on stdout. Nothing is stored.",
        no_args_is_help=True,
    )
    for kind, says in _HELP.items():
        group.command(kind, help=says)(_asking(kind))
    group.command("replay")(replay)
    app.add_typer(group, name="decide")


def _asking(kind: str) -> Any:
    def command() -> None:
        question = _read(kind, sys.stdin.read())
        try:
            record = session.run(_decide(question))
        except Unanswerable as unanswerable:
            _refuse([{"path": f.path, "code": f.code, "message": f.message} for f in unanswerable.faults])
        print(json.dumps(record, indent=2))

    return command


def _read(kind: str, text: str) -> Question:
    try:
        return QUESTIONS[kind].model_validate(json.loads(text))
    except json.JSONDecodeError as broken:
        _refuse([{"path": "", "code": "malformed", "message": f"the question is not JSON: {broken}"}])
    except ValidationError as invalid:
        _refuse([fault.json() for fault in faults_of(invalid.errors(), whole=False)])


def _refuse(faults: list[dict[str, str]]) -> NoReturn:
    print(json.dumps({"errors": faults}, indent=2), file=sys.stderr)
    raise typer.Exit(FAULTY)


async def _decide(question: Question) -> dict[str, Any]:
    now = clock.now()
    if not deciding.needs_present(question):
        return decide(question, present=EMPTY, now=now)
    async with session.opened() as database, database.transaction(readonly=True) as db:
        found = await deciding.present(db, question, now=now, within=Within())
    return decide(question, present=found, now=now)


def replay(
    decision: Annotated[
        str, typer.Argument(help="The decision's id, `dec_…`, as the order's page and the API show it.")
    ],
) -> None:
    """Make a stored routing decision again from its kept request; exits 1 when the answer is another one."""
    try:
        found = session.run(_replay(unwire("decision", decision)))
    except WrongId as wrong:
        raise typer.BadParameter(str(wrong)) from None
    if found is None:
        raise typer.BadParameter(f"there is no decision {decision}")
    print(json.dumps({"decision_id": wire("decision", found.decision_id), **found.json()}, indent=2))
    raise typer.Exit(0 if found.same else DIFFERS)


async def _replay(decision_id: UUID) -> Replay | None:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        return await deciding.replay(db, decision_id=decision_id)
