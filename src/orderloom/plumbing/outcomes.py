"""What a step's answer does to its subject: where it stands next, and when it is tried again. Pure but for its dice."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from orderloom.plumbing.journeys import Again, End, GoTo, Journey, Later, Outcome, Park, Step, TurnBack, Wait
from orderloom.plumbing.subjects import Place

BACKOFF_FIRST_S = 0.5
BACKOFF_LAST_S = 300.0


def placed(journey: Journey, step: Step, outcome: Outcome | None, *, undoing: bool, now: datetime) -> Place:
    """Where a subject stands after this outcome; None is to advance. Park and Again are the runner's own to settle."""
    match outcome:
        case None:
            following = journey.after(step.name)
            return Place(following or step.name, "due" if following else "done", undoing=False)
        case Wait(awaiting):
            return Place(step.name, "waiting", undoing, now + step.gives_up_after, 0, awaiting)
        case Later(at, awaiting):
            return Place(step.name, "due", undoing, at, 0, awaiting)
        case GoTo(name):
            return Place(journey.step(name).name, "due", undoing=False)
        case End():
            return Place(step.name, "done", undoing=False)
        case TurnBack(reason):
            return Place(step.name, "due", undoing=True, problem=reason, clear_undo_to=True)
        case Park() | Again():
            raise AssertionError(outcome)


def undone(journey: Journey, step: Step, back_to: str | None) -> Place:
    """Where a subject stands once the step was undone: a step further back, or forward again from its goal."""
    if step.name == back_to:
        return Place(step.name, "due", undoing=False, clear_undo_to=True)
    before = journey.before(step.name)
    return Place(before or step.name, "due" if before else "undone", undoing=True)


def backoff(attempts: int) -> timedelta:
    """Full jitter over an exponential ceiling (Brooker, "Exponential Backoff And Jitter", AWS 2015)."""
    ceiling = min(BACKOFF_LAST_S, BACKOFF_FIRST_S * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(ceiling / 4, ceiling))  # noqa: S311 - spreading load, not a secret
