"""The journeys' tables, changed for a proof: stopped before a step, only one step, a step that fails or is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from orderloom.journey.roster import JOURNEYS
from orderloom.plumbing.journeys import Journey, Outward, Step, Wait

STOP = "the proof"
# What the server knows the connections of a worker to be killed by.
KILLED = "killed"
EVERY_STEP = [(journey.of, step.name) for journey in JOURNEYS for step in journey.steps]
# The moments at which an outward step may be struck, and a local one.
OUTWARD = ("intended", "called", "recorded")
LOCAL = ("done",)


def journey(of: str) -> Journey:
    return next(each for each in JOURNEYS if each.of == of)


def step_of(of: str, name: str) -> Step:
    return journey(of).step(name)


async def stop(_db: Any, ids: Sequence[UUID], _now: Any) -> dict[UUID, Wait]:
    return {each: Wait(STOP) for each in ids}


def changed(table: Journey, change: Callable[[Step], Step]) -> Journey:
    return Journey(of=table.of, steps=tuple(change(step) for step in table.steps), parked=table.parked)


def stopped_before(of: str, name: str) -> list[Journey]:
    """Every journey as it is, but whoever comes to this step waits there."""
    return [
        changed(table, lambda step: replace(step, do=stop) if step.name == name else step)
        if table.of == of
        else table
        for table in JOURNEYS
    ]


def alone(of: str, name: str, strike: Callable[[Step], Step] = lambda step: step) -> Journey:
    """The journey in which this step alone does anything; all others stop whoever comes."""
    return changed(journey(of), lambda step: strike(step) if step.name == name else replace(step, do=stop))


def moments(step: Step) -> tuple[str, ...]:
    return OUTWARD if isinstance(step.do, Outward) else LOCAL


def struck(step: Step, moment: str, blow: Callable[[], None]) -> Step:
    """The step with a blow at that moment.

    intended: intents are committed, nothing was called yet; called: the other side did it, nothing is recorded;
    recorded: recorded and not committed; done: a local step has done all, and has not committed.
    """
    action = step.do

    def after(act: Callable[..., Any]) -> Callable[..., Any]:
        async def did(*args: Any) -> Any:
            said = await act(*args)
            blow()
            return said

        return did

    def before(act: Callable[..., Any]) -> Callable[..., Any]:
        async def does(*args: Any) -> Any:
            blow()
            return await act(*args)

        return does

    if not isinstance(action, Outward):
        return replace(step, do=after(action))
    match moment:
        case "intended":
            return replace(step, do=replace(action, call=before(action.call)))
        case "called":
            return replace(step, do=replace(action, call=after(action.call)))
        case _:
            return replace(step, do=replace(action, record=after(action.record)))


class Injected(RuntimeError):
    """The fault a proof puts into a step."""


def fail() -> None:
    """A blow that a transaction does not survive."""
    raise Injected("injected by the proof")


def kill() -> None:
    """A blow no process survives."""
    os.kill(os.getpid(), signal.SIGKILL)
