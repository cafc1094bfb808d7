"""The rows of journeys' subjects as the runner handles them: claims, leases, places, wake-ups. One function a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db


@dataclass(slots=True, unsafe_hash=True)
class Claim:
    """A subject taken up: how often it was tried, and the fencing token its lease has. Never changed."""

    subject: UUID
    attempts: int
    token: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject goes: the row to be written."""

    step: str
    state: str
    undoing: bool
    due_at: datetime | None = None
    attempts: int = 0
    awaiting: str | None = None
    problem: str | None = None
    clear_undo_to: bool = False


_CLAIM = """
SELECT subject_id AS subject, attempts, token FROM plumbing.subjects
WHERE journey = $1 AND step = $2 AND undoing = $3 AND state = 'due' AND due_at <= clock_timestamp()
  AND (leased_until IS NULL OR leased_until < clock_timestamp()) AND ($5::uuid[] IS NULL OR subject_id = ANY($5))
ORDER BY priority DESC, due_at
LIMIT $4
FOR UPDATE SKIP LOCKED
"""
# In the order of the index: without, a planner that takes all rows to be due at the step (they were, when the table was
# analysed) reads the table to find the first, and from end to end, once a step, where nobody is due.
_DUE_STEPS = """
SELECT t.step, t.undoing FROM unnest($2::text[], $3::bool[]) AS t (step, undoing) CROSS JOIN LATERAL (
  SELECT FROM plumbing.subjects AS s
  WHERE s.journey = $1 AND s.step = t.step AND s.undoing = t.undoing AND s.state = 'due'
    AND s.due_at <= clock_timestamp() AND (s.leased_until IS NULL OR s.leased_until < clock_timestamp())
  ORDER BY s.priority DESC, s.due_at LIMIT 1) AS somebody
"""
# One question for all journeys, where asking each what is due, woken or overdue would be most of an idle pass.
_STIRRING = """
SELECT t.journey FROM unnest($1::text[]) AS t (journey) CROSS JOIN LATERAL (
  SELECT FROM plumbing.wakes AS w WHERE w.journey = t.journey
  UNION ALL SELECT FROM plumbing.subjects AS s
  WHERE s.journey = t.journey AND s.state = 'due' AND s.due_at <= clock_timestamp()
  UNION ALL SELECT FROM plumbing.subjects AS s
  WHERE s.journey = t.journey AND s.state = 'waiting' AND s.due_at < statement_timestamp()
  LIMIT 1) AS something
"""
_LEASE = """
UPDATE plumbing.subjects AS s
SET token = s.token + 1, attempts = s.attempts + 1, leased_until = clock_timestamp() + $3 * interval '1 second'
WHERE s.journey = $1 AND s.subject_id = ANY($2::uuid[])
RETURNING s.subject_id AS subject, s.attempts, s.token
"""
_RENEW = """
UPDATE plumbing.subjects AS s SET leased_until = clock_timestamp() + $4 * interval '1 second'
FROM unnest($2::uuid[], $3::bigint[]) AS t (subject_id, token)
WHERE s.journey = $1 AND s.subject_id = t.subject_id AND s.token = t.token
"""
_STILL_OURS = """
SELECT s.subject_id FROM plumbing.subjects AS s
JOIN unnest($2::uuid[], $3::bigint[]) AS t (subject_id, token) USING (subject_id)
WHERE s.journey = $1 AND s.token = t.token
ORDER BY s.subject_id FOR UPDATE OF s
"""
# Most of a set come to the same place: it is sent once, and each subject says which is its own.
_PUT = """
UPDATE plumbing.subjects AS s
SET step = p.step, state = p.state, undoing = p.undoing, due_at = coalesce(p.due_at, clock_timestamp()),
    attempts = p.attempts, awaiting = p.awaiting, problem = p.problem, leased_until = NULL,
    undo_to = CASE WHEN p.clear_undo_to THEN NULL ELSE s.undo_to END, updated_at = clock_timestamp()
FROM unnest($2::uuid[], $3::bigint[]) AS t (subject_id, place)
JOIN unnest($4::text[], $5::text[], $6::bool[], $7::timestamptz[], $8::smallint[], $9::text[], $10::text[],
            $11::bool[]) WITH ORDINALITY
  AS p (step, state, undoing, due_at, attempts, awaiting, problem, clear_undo_to, number) ON p.number = t.place
WHERE s.journey = $1 AND s.subject_id = t.subject_id
"""
# A wake-up of a subject that is due or at work stays until it waits: its fact may be newer than what the step read.
# A locked subject is passed over, so that neither a long step nor a door that holds several can block this.
_DELIVER_WAKES = """
WITH ready AS (
  SELECT s.subject_id, s.state FROM plumbing.subjects AS s
  WHERE s.journey = $1 AND s.subject_id IN (SELECT w.subject_id FROM plumbing.wakes AS w WHERE w.journey = $1)
    AND (s.state <> 'due' OR s.due_at > clock_timestamp())
  FOR UPDATE SKIP LOCKED
), heard AS (
  DELETE FROM plumbing.wakes AS w
  WHERE w.journey = $1 AND (w.subject_id IN (SELECT r.subject_id FROM ready AS r) OR NOT EXISTS
    (SELECT FROM plumbing.subjects AS s WHERE s.journey = w.journey AND s.subject_id = w.subject_id))
)
UPDATE plumbing.subjects AS s
SET state = 'due', due_at = clock_timestamp(), awaiting = NULL, updated_at = clock_timestamp()
FROM ready AS r
WHERE s.journey = $1 AND s.subject_id = r.subject_id AND r.state IN ('waiting', 'due')
"""
# Against a time that stands still for the statement, which the index can be asked for: a clock that goes on is read for
# every subject that waits.
_OVERDUE = """
SELECT subject_id, step, awaiting FROM plumbing.subjects AS s
WHERE journey = $1 AND state = 'waiting' AND due_at < statement_timestamp()
  AND NOT EXISTS (SELECT FROM plumbing.wakes AS w WHERE w.journey = s.journey AND w.subject_id = s.subject_id)
ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED
"""


async def claim(
    db: Db, journey: str, step: str, *, undoing: bool, limit: int, only: Sequence[UUID] | None
) -> list[Claim]:
    """Due subjects of a step, locked for this transaction; those that another worker has are passed over."""
    rows = await db.fetch(_CLAIM, journey, step, undoing, limit, list(only) if only is not None else None)
    return [Claim(*row) for row in rows]


async def due_steps(db: Db, journey: str, steps: Sequence[str]) -> set[tuple[str, bool]]:
    """At which of these steps somebody is due: (step, undoing). One question instead of a claim for each."""
    rows = await db.fetch(
        _DUE_STEPS,
        journey,
        [s for s in steps for _ in (True, False)],
        [u for _ in steps for u in (True, False)],
    )
    return {(row["step"], row["undoing"]) for row in rows}


async def stirring(db: Db, journeys: Sequence[str]) -> set[str]:
    """The journeys of these in which something is due, woken or overdue."""
    return {row["journey"] for row in await db.fetch(_STIRRING, list(journeys))}


async def lease(db: Db, journey: str, subjects: Sequence[UUID], seconds: float) -> dict[UUID, Claim]:
    """Take a lease with a new fencing token; counts an attempt, so that a subject that kills workers is parked."""
    rows = await db.fetch(_LEASE, journey, list(subjects), seconds)
    return {row["subject"]: Claim(*row) for row in rows}


async def renew(db: Db, journey: str, leases: Mapping[UUID, Claim], seconds: float) -> None:
    """Keep leases that are still ours."""
    held = list(leases.values())
    await db.execute(_RENEW, journey, [c.subject for c in held], [c.token for c in held], seconds)


async def give_up_leases(db: Db, journey: str, subjects: Sequence[UUID]) -> None:
    """Let others claim them at once; the attempt that began with the lease is not counted."""
    await db.execute(
        "UPDATE plumbing.subjects SET leased_until = NULL, attempts = attempts - 1 "
        "WHERE journey = $1 AND subject_id = ANY($2::uuid[])",
        journey,
        list(subjects),
    )


async def still_ours(db: Db, journey: str, leases: Mapping[UUID, Claim]) -> set[UUID]:
    """The subjects whose token has not moved on, locked in key order (W1)."""
    held = list(leases.values())
    rows = await db.fetch(_STILL_OURS, journey, [c.subject for c in held], [c.token for c in held])
    return {row["subject_id"] for row in rows}


async def undo_targets(db: Db, journey: str, subjects: Sequence[UUID]) -> dict[UUID, str | None]:
    """The step each subject is rewound to; None when it is given up altogether."""
    rows = await db.fetch(
        "SELECT subject_id, undo_to FROM plumbing.subjects WHERE journey = $1 AND subject_id = ANY($2::uuid[])",
        journey,
        list(subjects),
    )
    return {row["subject_id"]: row["undo_to"] for row in rows}


async def deliver_wakes(db: Db, journey: str) -> int:
    """Make those due that were woken; returns how many."""
    tag = await db.execute(_DELIVER_WAKES, journey)
    return int(tag.rpartition(" ")[2] or 0)


async def overdue(db: Db, journey: str) -> list[tuple[UUID, str, str]]:
    """Subjects that have waited past their time, locked: (subject, step, what they waited for)."""
    rows = await db.fetch(_OVERDUE, journey)
    return [(row["subject_id"], row["step"], row["awaiting"]) for row in rows]


async def park(db: Db, journey: str, stops: Sequence[tuple[UUID, str, str]]) -> None:
    """Stop subjects (subject, step, problem) until a person settles them."""
    await db.execute(
        "UPDATE plumbing.subjects AS s SET state = 'parked', step = t.step, problem = t.problem, "
        "leased_until = NULL, updated_at = clock_timestamp() "
        "FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t (id, step, problem) "
        "WHERE s.journey = $1 AND s.subject_id = t.id",
        journey,
        [stop[0] for stop in stops],
        [stop[1] for stop in stops],
        [stop[2] for stop in stops],
    )


async def put(db: Db, journey: str, places: Mapping[UUID, Place]) -> None:
    """Write where subjects have come to, and end their leases."""
    if not places:
        return
    numbers: dict[Place, int] = {}
    mine = [numbers.setdefault(place, len(numbers) + 1) for place in places.values()]
    await db.execute(
        _PUT,
        journey,
        list(places),
        mine,
        [p.step for p in numbers],
        [p.state for p in numbers],
        [p.undoing for p in numbers],
        [p.due_at for p in numbers],
        [p.attempts for p in numbers],
        [p.awaiting for p in numbers],
        [p.problem for p in numbers],
        [p.clear_undo_to for p in numbers],
    )
