"""The journeys as a page: their tables and diagrams, written from the very objects that workers run.

`python -m orderloom.journey.drawn > docs/journey.md`; a test compares the two.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

from orderloom.journey import (
    fulfillment,
    handing,
    importing,
    notifying,
    order,
    publishing,
    publishing_stock,
    returning,
)
from orderloom.journey.roster import JOURNEYS
from orderloom.plumbing.journeys import Journey, Local, Outward, Step
from orderloom.plumbing.runner import ATTEMPTS_MAX

# Where each journey is told. `GoTo` is a value a step returns, so the ways back are told here too; a test looks for others.
HOMES: dict[str, ModuleType] = {
    "job": importing,
    "order": order,
    "fulfillment": fulfillment,
    "return": returning,
    "manifest": handing,
    "notice": notifying,
    "webhook": publishing,
    "availability": publishing_stock,
    "reconciliation": publishing_stock,
}
WAYS_BACK = {
    ("order", "follow"): (
        ("reserve", "units rejected or not found"),
        ("authorize", "a promise of money ran out"),
    )
}
_INTRODUCTION = """\
# Journeys

A journey is an ordered table of durable steps for one kind of subject. Workers claim due subjects in sets and take each set as far as
it goes ([the runner](../src/orderloom/plumbing/runner.py), [what a step may answer](../src/orderloom/plumbing/journeys.py)). This page is
written by `make docs` from the tables themselves.

- A **local** step runs in one transaction with its advance and its events; consecutive local steps run together on the same set.
- An **outward** step talks to somebody else's system: it commits its intents under stable keys, calls with no transaction open, and
  records the answers in a second transaction. Where an answer was lost, the next attempt asks by the key before it calls again.
- A step **waits** until it is woken by what it waits for. After the time in the last but one column it stops as an exception that a
  person sees, as does a step that failed {attempts} times.
- **Undo** takes back the step's own effect when the subject turns back or is rewound, the last step first. Where there is none, the
  table says why.
- An operator can pause, resume, retry, skip or rewind any subject ([steering](../src/orderloom/journey/steering.py)).
"""


def page() -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(attempts=ATTEMPTS_MAX)
    return "\n".join([introduction, *(line for journey in JOURNEYS for line in _chapter(journey))]) + "\n"


def _chapter(journey: Journey) -> Iterator[str]:
    home = HOMES[journey.of]
    name = home.__name__.rpartition(".")[2]
    yield f"## {journey.of.capitalize()}"
    yield ""
    yield f"{_first_sentence(home)} Told in [`journey/{name}.py`](../src/orderloom/journey/{name}.py)."
    yield ""
    yield "| step | what it means | kind | waits for | gives up after | undo |"
    yield "|---|---|---|---|---|---|"
    for step in journey.steps:
        yield _row(step)
    yield ""
    yield from _diagram(journey)
    yield ""


def _row(step: Step) -> str:
    kind = "outward" if isinstance(step.do, Outward) else "local"
    waits = step.waits_for or ""
    given_up = _span(step.gives_up_after) if step.waits_for else ""
    undo = _first_sentence(_effect(step.undo)) if step.undo else f"none: {step.no_undo}"
    return f"| `{step.name}` | {step.means} | {kind} | {waits} | {given_up} | {undo} |"


def _effect(action: Local | Outward) -> Callable[..., Any]:
    """What does the work: of an outward step, the part that says what is called for."""
    return action.prepare if isinstance(action, Outward) else action


def _first_sentence(thing: object) -> str:
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return re.sub(r"^Undo of [^:]+: ", "", text).split(". ")[0].rstrip(".") + "."


def _span(time: timedelta) -> str:
    return f"{time.days} days" if time.days > 1 else f"{time.total_seconds() / 3600:.0f} hours"


def _diagram(journey: Journey) -> Iterator[str]:
    names = [step.name for step in journey.steps]
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    direction LR"
    yield f"    [*] --> {names[0]}"
    for here, there in zip(names, [*names[1:], "[*]"], strict=True):
        yield f"    {here} --> {there}"
    for (of, step), ways in WAYS_BACK.items():
        if of == journey.of:
            yield from (f"    {step} --> {to}: {why}" for to, why in ways)
    outward = [step.name for step in journey.steps if isinstance(step.do, Outward)]
    if outward:
        yield "    classDef outward stroke-dasharray: 4 3"
        yield f"    class {','.join(outward)} outward"
    yield "```"
    if outward:
        yield ""
        yield "Dashed steps are outward."


if __name__ == "__main__":
    sys.stdout.write(page())
