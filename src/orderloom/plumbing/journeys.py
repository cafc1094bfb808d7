"""Journeys: ordered tables of durable steps, and what may be done to a subject that travels along one.

A subject (an order, a fulfillment order, a return) is one narrow row: its journey, its step, its state and when
it is due. `plumbing.runner` claims due subjects in sets and takes them along. Commands here are set-based and run
in the caller's transaction, so that starting or waking a journey commits with the fact that called for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from orderloom.plumbing.database import Db

WORK_CHANNEL = "orderloom_work"

# --- what a step answers for a subject ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay at this step until somebody wakes the subject; past the step's `gives_up_after` it is parked."""

    awaiting: str


@dataclass(frozen=True, slots=True)
class Later:
    """Come again to this step at a time, or sooner when woken."""

    at: datetime
    awaiting: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go on at another step of the same journey."""

    step: str


@dataclass(frozen=True, slots=True)
class Park:
    """Stop here until a person settles it; the journey's `parked` hook opens an exception."""

    problem: str


@dataclass(frozen=True, slots=True)
class Again:
    """This step cannot go on just now: come again after a backoff, parked once the attempts are used up."""

    problem: str


@dataclass(frozen=True, slots=True)
class End:
    """The journey ends here, before its last step."""


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Undo from this step backwards to the beginning: the journey is given up."""

    reason: str


Outcome: TypeAlias = Wait | Later | GoTo | Park | Again | End | TurnBack
# A subject that is absent from the mapping advances to the next step.
Outcomes: TypeAlias = Mapping[UUID, Outcome]
Local: TypeAlias = Callable[[Db, Sequence[UUID], datetime], Awaitable[Outcomes]]
Answer: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Outward:
    """A step that talks to the outside: intents are committed, then the call is made, then its answer recorded.

    prepare: writes intents with stable keys for the subjects and returns the calls to make, each an object with
        `subject: UUID` and `provider: str`. Run again after a crash it returns the same keys, and marks the calls
        whose outcome is unknown, so that `call` asks the provider first.
    call: one call, with no transaction open. An expected refusal is a returned value; `plumbing.http.Unavailable`
        means nobody knows, and the subject comes again after a backoff.
    record: stores the answers `(call, answer)` of all subjects whose calls came through, and says what follows.
    at_once: how many calls may be in flight to one provider from one process.
    lanes: how many sets of this step a process has in hand side by side. More than one keeps a slow provider from
        delaying others, where `together`, the most subjects of a set, is 1.
    """

    prepare: Callable[[Db, Sequence[UUID], datetime], Awaitable[Sequence[Any]]]
    call: Callable[[Any], Awaitable[Any]]
    record: Callable[[Db, Sequence[UUID], Sequence[Answer], datetime], Awaitable[Outcomes]]
    at_once: int = 16
    lanes: int = 1
    together: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of a journey's table.

    Either `undo` takes back what `do` did (only that, and harmless when repeated or when `do` never ran), or
    `no_undo` says why there is nothing to take back.
    """

    name: str
    do: Local | Outward
    undo: Local | Outward | None = None
    no_undo: str = ""
    waits_for: str | None = None
    gives_up_after: timedelta = timedelta(days=14)
    means: str = ""

    def __post_init__(self) -> None:
        if (self.undo is None) != bool(self.no_undo):
            msg = f"step {self.name}: name its undo, or say in no_undo why it has none"
            raise ValueError(msg)


Parked: TypeAlias = Callable[[Db, Sequence[tuple[UUID, str, str]]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """An ordered table of steps for one kind of subject. `parked` is told (subject, step, problem) of each stop."""

    of: str
    steps: tuple[Step, ...]
    parked: Parked
    at: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", {step.name: i for i, step in enumerate(self.steps)})

    def step(self, name: str) -> Step:
        """The step of that name; KeyError when the journey has none."""
        return self.steps[self.at[name]]

    def after(self, name: str) -> str | None:
        """The next step's name, None at the end."""
        i = self.at[name] + 1
        return self.steps[i].name if i < len(self.steps) else None

    def before(self, name: str) -> str | None:
        """The step before, None at the beginning."""
        i = self.at[name] - 1
        return self.steps[i].name if i >= 0 else None


# --- commands, in the caller's transaction --------------------------------------------------------------------


async def start(
    db: Db, journey: Journey, subjects: Sequence[UUID], *, priorities: Sequence[int] = ()
) -> None:
    """Put subjects at the first step, due at once. One that is already travelling is left where it is."""
    await db.execute(
        "WITH started AS (INSERT INTO plumbing.subjects (journey, subject_id, step, priority) "
        "SELECT $1, t.id, $2, coalesce(t.priority, 0) FROM unnest($3::uuid[], $4::smallint[]) AS t (id, priority) "
        "ON CONFLICT DO NOTHING) SELECT pg_notify($5, '')",
        journey.of,
        journey.steps[0].name,
        list(subjects),
        list(priorities),
        WORK_CHANNEL,
    )


async def wake(db: Db, journey: str, subjects: Sequence[UUID]) -> None:
    """Tell that something a subject may wait for has happened. Takes no lock on the subject."""
    if subjects:
        await db.execute(
            "INSERT INTO plumbing.wakes (journey, subject_id) SELECT $1, unnest($2::uuid[])",
            journey,
            list(subjects),
        )
        await notify(db)


async def notify(db: Db) -> None:
    """Rouse the workers when the caller's transaction commits; polling backs it up."""
    await db.execute("SELECT pg_notify($1, '')", WORK_CHANNEL)


class NoSuchSubject(LookupError):
    """No subject of that id travels along that journey."""


class IllegalMove(ValueError):
    """The subject's present state does not allow the move; the message says what it is and what would."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Where a subject stands."""

    journey: str
    subject_id: UUID
    step: str
    state: str
    undoing: bool
    undo_to: str | None
    due_at: datetime
    attempts: int
    awaiting: str | None
    problem: str | None
    leased_until: datetime | None
    updated_at: datetime


_COLUMNS = (
    "journey, subject_id, step, state, undoing, undo_to, due_at, attempts, awaiting, problem, leased_until, "
    "updated_at"
)


async def look(db: Db, subjects: Sequence[UUID]) -> list[Subject]:
    """Where these subjects stand, on whatever journeys they travel."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM plumbing.subjects WHERE subject_id = ANY($1::uuid[])", list(subjects)
    )
    return [Subject(**dict(row)) for row in rows]


async def hold_still(db: Db, journey: str, subject: UUID) -> Subject:
    """Lock the subject for the caller's transaction, so that no step runs on it meanwhile.

    Waits for a local step that has it. Lock subjects before orders, orders before stock (invariant L2).
    """
    row = await db.fetchrow(
        "SELECT " + _COLUMNS + " FROM plumbing.subjects WHERE journey = $1 AND subject_id = $2 FOR UPDATE",
        journey,
        subject,
    )
    if row is None:
        msg = f"nothing travels as {journey} {subject}"
        raise NoSuchSubject(msg)
    return Subject(**dict(row))


async def pause(db: Db, journey: str, subject: UUID) -> None:
    """Let no further step begin until resumed. Raises IllegalMove when the journey has ended."""
    await _move(db, journey, subject, from_states=("due", "waiting", "parked"), to="paused")


async def resume(db: Db, journey: str, subject: UUID) -> None:
    """End a pause."""
    await _move(db, journey, subject, from_states=("paused",), to="due")


async def retry(db: Db, journey: str, subject: UUID) -> None:
    """Try the present step again at once, with all its attempts."""
    await _move(db, journey, subject, from_states=("parked", "waiting", "due"), to="due")


async def skip(db: Db, journey: Journey, subject: UUID) -> str | None:
    """Pass over the present step without its effect, or without its undo while undoing.

    Returns the step it is at now, None when that was the last one.
    """
    at = await hold_still(db, journey.of, subject)
    _refuse_ended(at, "skip")
    if at.undoing and at.step == at.undo_to:
        await _place(db, at, step=at.step, state="due", undoing=False)
        return at.step
    following = journey.before(at.step) if at.undoing else journey.after(at.step)
    ended = "undone" if at.undoing else "done"
    await _place(
        db,
        at,
        step=following or at.step,
        state="due" if following else ended,
        undoing=at.undoing,
        undo_to=at.undo_to,
    )
    return following


async def rewind(db: Db, journey: Journey, subject: UUID, *, to: str) -> None:
    """Undo the steps after and including `to`, in reverse, then go forward from there again."""
    at = await hold_still(db, journey.of, subject)
    if at.state == "undone" or (at.undoing and at.undo_to is None):
        msg = f"{journey.of} {subject} has been given up: it cannot go forward again"
        raise IllegalMove(msg)
    if to not in journey.at or journey.at[to] > journey.at[at.step]:
        msg = f"{at.step} cannot be rewound to {to}: choose one of {', '.join(journey.at)} up to {at.step}"
        raise IllegalMove(msg)
    await _place(db, at, step=at.step, state="due", undoing=True, undo_to=to)


async def take_up(db: Db, journey: Journey, subject: UUID, *, at: str) -> None:
    """Go on from an earlier step with nothing undone, where there is something new for it and those after it to do.

    Paused it stays paused. Raises IllegalMove when the journey has been given up.
    """
    here = await hold_still(db, journey.of, subject)
    if here.state == "undone" or here.undoing:
        msg = f"{journey.of} {subject} is being undone or has been given up: it cannot go forward"
        raise IllegalMove(msg)
    if journey.at[at] < journey.at[here.step]:
        await _place(db, here, step=at, state="paused" if here.state == "paused" else "due", undoing=False)


async def turn_back(db: Db, journey: str, subject: UUID, *, reason: str, furthest: str | None = None) -> None:
    """Undo everything in reverse to the beginning: the journey is given up. Does nothing when already ended so.

    `furthest` names the step to undo from where a journey may have gone back to an earlier one than it had reached.
    """
    at = await hold_still(db, journey, subject)
    if at.state != "undone":
        # A rewind under way is given up with the rest: nothing goes forward from its step again.
        await _place(db, at, step=furthest or at.step, state="due", undoing=True, problem=reason)


async def turn_back_idle(db: Db, journey: str, subjects: Sequence[UUID], *, reason: str) -> set[UUID]:
    """Give up in a set those that nobody has in hand this moment; returns them. Waits for no lock."""
    rows = await db.fetch(
        "WITH idle AS (SELECT journey, subject_id FROM plumbing.subjects "
        "WHERE journey = $1 AND subject_id = ANY($2::uuid[]) AND state <> 'undone' "
        "ORDER BY subject_id FOR UPDATE SKIP LOCKED) "
        "UPDATE plumbing.subjects AS s SET state = 'due', undoing = true, undo_to = NULL, problem = $3, attempts = 0, "
        "awaiting = NULL, token = s.token + 1, leased_until = NULL, due_at = clock_timestamp(), "
        "updated_at = clock_timestamp() FROM idle WHERE (s.journey, s.subject_id) = (idle.journey, idle.subject_id) "
        "RETURNING s.subject_id",
        journey,
        list(subjects),
        reason,
    )
    await notify(db)
    return {row["subject_id"] for row in rows}


def _refuse_ended(at: Subject, verb: str) -> None:
    if at.state in ("done", "undone"):
        msg = f"{at.journey} {at.subject_id} has ended ({at.state}): nothing to {verb}"
        raise IllegalMove(msg)


async def _move(db: Db, journey: str, subject: UUID, *, from_states: tuple[str, ...], to: str) -> None:
    at = await hold_still(db, journey, subject)
    if at.state not in from_states:
        msg = f"{journey} {subject} is {at.state}; this needs one of {', '.join(from_states)}"
        raise IllegalMove(msg)
    await _place(db, at, step=at.step, state=to, undoing=at.undoing, undo_to=at.undo_to)


async def _place(
    db: Db,
    at: Subject,
    *,
    step: str,
    state: str,
    undoing: bool,
    undo_to: str | None = None,
    problem: str | None = None,
) -> None:
    # The token moves on, so that a worker still calling out for this subject records nothing (W1).
    await db.execute(
        "UPDATE plumbing.subjects SET step = $3, state = $4, undoing = $5, undo_to = $6, "
        "problem = $7, attempts = 0, awaiting = NULL, token = token + 1, leased_until = NULL, "
        "due_at = clock_timestamp(), updated_at = clock_timestamp() WHERE journey = $1 AND subject_id = $2",
        at.journey,
        at.subject_id,
        step,
        state,
        undoing,
        undo_to,
        problem,
    )
    await notify(db)
