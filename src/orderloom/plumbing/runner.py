"""The runner of journeys: claims due subjects in sets and takes each set as far as it goes.

- Local steps: claim, do, advance in one transaction; consecutive local steps run fused on the same set.
- Outward steps: claim under a lease and commit the intents; call with no transaction open; record in a second
  transaction, under the lease's fencing token, so that a stale worker writes nothing.
- A set that fails is halved until the poison subject stands alone; that one backs off and is parked in the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from orderloom.plumbing import clock
from orderloom.plumbing.database import Database, DatabaseAway, Db, Deadlock
from orderloom.plumbing.events import Actor, acting
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.journeys import (
    WORK_CHANNEL,
    Again,
    Answer,
    End,
    GoTo,
    Journey,
    Later,
    Outcome,
    Outcomes,
    Outward,
    Park,
    Step,
    TurnBack,
    Wait,
)

log = structlog.get_logger()

SET_SIZE = 500
ATTEMPTS_MAX = 10
BACKOFF_FIRST_S = 0.5
BACKOFF_LAST_S = 300.0
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class _Claim:
    subject: UUID
    attempts: int
    token: int


@dataclass(slots=True)
class _Place:
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
_PLACE = """
UPDATE plumbing.subjects AS s
SET step = t.step, state = t.state, undoing = t.undoing, due_at = coalesce(t.due_at, clock_timestamp()),
    attempts = t.attempts, awaiting = t.awaiting, problem = t.problem, leased_until = NULL,
    undo_to = CASE WHEN t.clear_undo_to THEN NULL ELSE s.undo_to END, updated_at = clock_timestamp()
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[], $7::smallint[], $8::text[],
            $9::text[], $10::bool[])
  AS t (subject_id, step, state, undoing, due_at, attempts, awaiting, problem, clear_undo_to)
WHERE s.journey = $1 AND s.subject_id = t.subject_id
"""
# A wake-up of a subject that does not wait stays until it does: its fact may be newer than what the step read.
_DELIVER_WAKES = """
WITH woken AS (
  DELETE FROM plumbing.wakes AS w USING plumbing.subjects AS s
  WHERE w.journey = $1 AND s.journey = w.journey AND s.subject_id = w.subject_id
    AND (s.state <> 'due' OR s.due_at > clock_timestamp())
  RETURNING w.subject_id
)
UPDATE plumbing.subjects AS s
SET state = 'due', due_at = clock_timestamp(), awaiting = NULL, updated_at = clock_timestamp()
WHERE s.journey = $1 AND s.subject_id IN (SELECT subject_id FROM woken)
  AND (s.state = 'waiting' OR (s.state = 'due' AND s.due_at > clock_timestamp()))
"""
_OVERDUE = """
SELECT subject_id, step, awaiting FROM plumbing.subjects
WHERE journey = $1 AND state = 'waiting' AND due_at < clock_timestamp()
ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED
"""


class Runner:
    """Takes subjects along their journeys. Any number of processes may run one against the same database."""

    def __init__(
        self, database: Database, journeys: Sequence[Journey], *, lease_s: float = 30, set_size: int = SET_SIZE
    ) -> None:
        self._database = database
        self._journeys = tuple(journeys)
        self._lease_s = lease_s
        self._set_size = set_size
        self._roused = asyncio.Event()

    # --- running ----------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop: one lane for a journey's local steps, one for each outward step."""
        lanes = [self._lane(stop, journey, None) for journey in self._journeys]
        lanes += [
            self._lane(stop, journey, step)
            for journey in self._journeys
            for step in journey.steps
            if isinstance(step.do, Outward) or isinstance(step.undo, Outward)
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(stop))
            for lane in lanes:
                group.create_task(lane)

    async def run_until_idle(self) -> int:
        """Work until nothing is due; returns how many subjects were handled. Waiting subjects stay."""
        handled = 0
        while True:
            found = 0
            for journey in self._journeys:
                found += await self.tend(journey)
                found += await self._sweep(journey, None)
                for step in journey.steps:
                    found += await self._outward_of(journey, step)
            handled += found
            if found == 0:
                return handled

    async def _lane(self, stop: asyncio.Event, journey: Journey, step: Step | None) -> None:
        rest = 0.05
        while not stop.is_set():
            try:
                if step is None:
                    found = await self.tend(journey) + await self._sweep(journey, None)
                else:
                    found = await self._outward_of(journey, step)
            except (DatabaseAway, OSError) as away:
                log.warning("database away, waiting", problem=str(away))
                found, rest = 0, POLL_S
            if found:
                rest = 0.05
                continue
            rest = min(POLL_S, rest * 2)
            await self._rest(stop, rest)

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        roused = asyncio.create_task(self._roused.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({roused, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        roused.cancel()
        stopped.cancel()

    async def _listen(self, stop: asyncio.Event) -> None:
        def rouse(*_: object) -> None:
            self._roused.set()

        while not stop.is_set():
            with suppress(DatabaseAway, OSError):
                async with self._database.connection() as connection:
                    await connection.add_listener(WORK_CHANNEL, rouse)
                    while not stop.is_set() and not connection.is_closed():
                        await self._rest(stop, POLL_S)
                        self._roused.clear()
                    await connection.remove_listener(WORK_CHANNEL, rouse)
            await self._rest(stop, POLL_S / 5)

    # --- waking, giving up ------------------------------------------------------------------------------------

    async def tend(self, journey: Journey) -> int:
        """Deliver wake-ups, and park what has waited too long. Returns how many were woken or parked."""
        async with self._database.transaction() as db:
            woken = _count(await db.execute(_DELIVER_WAKES, journey.of))
        async with self._database.transaction() as db:
            rows = await db.fetch(_OVERDUE, journey.of)
            stops = [(r["subject_id"], r["step"], f"gave up waiting for {r['awaiting']}") for r in rows]
            await self._park(db, journey, stops)
        return woken + len(stops)

    async def _park(self, db: Db, journey: Journey, stops: Sequence[tuple[UUID, str, str]]) -> None:
        if stops:
            await db.execute(
                "UPDATE plumbing.subjects AS s SET state = 'parked', step = t.step, problem = t.problem, "
                "leased_until = NULL, updated_at = clock_timestamp() "
                "FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t (id, step, problem) "
                "WHERE s.journey = $1 AND s.subject_id = t.id",
                journey.of,
                [s[0] for s in stops],
                [s[1] for s in stops],
                [s[2] for s in stops],
            )
            await journey.parked(db, stops)

    # --- local steps ------------------------------------------------------------------------------------------

    async def _sweep(self, journey: Journey, only: Sequence[UUID] | None) -> int:
        """Every local step of the journey once: undoing first, then the late steps before the early ones."""
        found = 0
        for step in reversed(journey.steps):
            if not isinstance(step.undo, Outward):
                found += await self._local_set(journey, step, undoing=True, only=only)
            if not isinstance(step.do, Outward):
                found += await self._local_set(journey, step, undoing=False, only=only)
        return found

    async def _local_set(
        self, journey: Journey, step: Step, *, undoing: bool, only: Sequence[UUID] | None = None
    ) -> int:
        claimed: list[_Claim] = []
        try:
            async with self._database.transaction() as db:
                claimed = await self._claim(db, journey, step, undoing=undoing, only=only)
                if claimed:
                    await self._run_fused(db, journey, step, claimed, undoing=undoing)
        except DatabaseAway:
            raise
        except Deadlock:
            log.warning("deadlock, set taken again", journey=journey.of, step=step.name, size=len(claimed))
        except Exception as fault:  # noqa: BLE001 - the runner is where a step's defects end
            await self._halve(journey, step, claimed, fault, undoing=undoing)
        return len(claimed)

    async def _halve(
        self, journey: Journey, step: Step, claimed: Sequence[_Claim], fault: Exception, *, undoing: bool
    ) -> None:
        """Find the poison by halving, so that a neighbour never suffers; back the poison off."""
        if len(claimed) > 1:
            middle = len(claimed) // 2
            for part in (claimed[:middle], claimed[middle:]):
                await self._local_set(journey, step, undoing=undoing, only=[c.subject for c in part])
            return
        if not claimed:
            raise fault
        log.exception("step failed", journey=journey.of, step=step.name, subject=str(claimed[0].subject), exc_info=fault)
        async with self._database.transaction() as db:
            await self._fail(db, journey, step, claimed[0], f"{type(fault).__name__}: {fault}", undoing=undoing)

    async def _fail(
        self, db: Db, journey: Journey, step: Step, claim: _Claim, problem: str, *, undoing: bool, counted: int = 1
    ) -> None:
        attempts = claim.attempts + counted
        if attempts >= ATTEMPTS_MAX:
            await self._park(db, journey, [(claim.subject, step.name, problem)])
            return
        place = _Place(step.name, "due", undoing, clock.now() + _backoff(attempts), attempts, None, problem)
        await self._write(db, journey, {claim.subject: place})

    async def _run_fused(
        self, db: Db, journey: Journey, first: Step, claimed: Sequence[_Claim], *, undoing: bool
    ) -> None:
        """Run the step on the set, and the local steps after it on whoever advances, then write all places."""
        places: dict[UUID, _Place] = {}
        attempts = {c.subject: c.attempts for c in claimed}
        travelling, step = [c.subject for c in claimed], first
        while travelling:
            action = step.undo if undoing else step.do
            outcomes: Outcomes = {}
            if action is not None:
                assert not isinstance(action, Outward)  # noqa: S101 - the loop below ends before an outward step
                with _acting_as(journey, step):
                    outcomes = await action(db, travelling, clock.now())
            moved = await self._settle(db, journey, step, travelling, outcomes, attempts, undoing=undoing)
            places |= moved
            following = journey.before(step.name) if undoing else journey.after(step.name)
            if following is None or undoing:
                break
            step = journey.step(following)
            if isinstance(step.do, Outward):
                break
            travelling = [s for s in travelling if s not in outcomes]
        await self._write(db, journey, places)

    # --- outward steps ----------------------------------------------------------------------------------------

    async def _outward_of(self, journey: Journey, step: Step) -> int:
        found = 0
        if isinstance(step.undo, Outward):
            found += await self._outward_set(journey, step, step.undo, undoing=True)
        if isinstance(step.do, Outward):
            found += await self._outward_set(journey, step, step.do, undoing=False)
        return found

    async def _outward_set(
        self,
        journey: Journey,
        step: Step,
        action: Outward,
        *,
        undoing: bool,
        only: Sequence[UUID] | None = None,
    ) -> int:
        claimed: list[_Claim] = []
        try:
            async with self._database.transaction() as db:
                claimed = await self._claim(db, journey, step, undoing=undoing, only=only, most=action.at_once * 8)
                if not claimed:
                    return 0
                leased = await db.fetch(_LEASE, journey.of, [c.subject for c in claimed], self._lease_s)
                leases = {row["subject"]: _Claim(**dict(row)) for row in leased}
                with _acting_as(journey, step):
                    calls = await action.prepare(db, [c.subject for c in claimed], clock.now())
            async with self._renewing(journey, leases):
                answers, unknown = await self._call_all(action, calls)
            await self._record(journey, step, action, leases, answers, unknown, undoing=undoing)
        except DatabaseAway:
            raise
        except Deadlock:
            log.warning("deadlock, set taken again", journey=journey.of, step=step.name, size=len(claimed))
        except Exception as fault:  # noqa: BLE001 - the runner is where a step's defects end
            await self._halve_outward(journey, step, action, claimed, fault, undoing=undoing)
        return len(claimed)

    async def _halve_outward(
        self,
        journey: Journey,
        step: Step,
        action: Outward,
        claimed: Sequence[_Claim],
        fault: Exception,
        *,
        undoing: bool,
    ) -> None:
        if not claimed:
            raise fault
        subjects = [c.subject for c in claimed]
        async with self._database.transaction() as db:
            # Give the leases back; the attempt stays counted, so that a poison subject cannot go round for ever.
            await db.execute(
                "UPDATE plumbing.subjects SET leased_until = NULL WHERE journey = $1 AND subject_id = ANY($2::uuid[])",
                journey.of,
                subjects,
            )
            if len(claimed) == 1:
                await self._fail(db, journey, step, claimed[0], f"{type(fault).__name__}: {fault}", undoing=undoing)
        if len(claimed) == 1:
            log.exception("step failed", journey=journey.of, step=step.name, subject=str(subjects[0]), exc_info=fault)
            return
        middle = len(subjects) // 2
        for part in (subjects[:middle], subjects[middle:]):
            await self._outward_set(journey, step, action, undoing=undoing, only=part)

    async def _call_all(self, action: Outward, calls: Sequence[object]) -> tuple[list[Answer], dict[UUID, str]]:
        """Make the calls, so many at once to each provider; say whose outcome nobody knows, and why."""
        bulkheads: dict[str, asyncio.Semaphore] = {}
        unknown: dict[UUID, str] = {}

        async def one(call: object) -> Answer | None:
            provider: str = getattr(call, "provider", "")
            async with bulkheads.setdefault(provider, asyncio.Semaphore(action.at_once)):
                try:
                    return call, await action.call(call)
                except Unavailable as fault:
                    unknown[getattr(call, "subject")] = str(fault)  # noqa: B009 - an Outward's calls are duck-typed
                    return None

        answers = await asyncio.gather(*(one(call) for call in calls))
        return [answer for answer in answers if answer is not None], unknown

    async def _record(
        self,
        journey: Journey,
        step: Step,
        action: Outward,
        leases: dict[UUID, _Claim],
        answers: Sequence[Answer],
        unknown: dict[UUID, str],
        *,
        undoing: bool,
    ) -> None:
        async with self._database.transaction() as db:
            held = list(leases.values())
            rows = await db.fetch(_STILL_OURS, journey.of, [c.subject for c in held], [c.token for c in held])
            ours = {row["subject_id"] for row in rows}
            mine = [a for a in answers if getattr(a[0], "subject") in ours]  # noqa: B009
            settled = [s for s in leases if s in ours and s not in unknown]
            with _acting_as(journey, step):
                # What was answered is recorded even for a subject whose other call stayed unknown.
                outcomes = dict(await action.record(db, [s for s in leases if s in ours], mine, clock.now()))
            attempts = {c.subject: c.attempts for c in held}
            places = await self._settle(db, journey, step, settled, outcomes, attempts, undoing=undoing)
            await self._write(db, journey, places)
            for subject in unknown.keys() & ours:
                claim = leases[subject]
                await self._fail(db, journey, step, claim, unknown[subject], undoing=undoing, counted=0)

    @asynccontextmanager
    async def _renewing(self, journey: Journey, leases: dict[UUID, _Claim]) -> AsyncIterator[None]:
        """Keep the leases while slow calls run."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._lease_s / 3)
                with suppress(DatabaseAway):
                    async with self._database.transaction() as db:
                        held = list(leases.values())
                        await db.execute(
                            _RENEW, journey.of, [c.subject for c in held], [c.token for c in held], self._lease_s
                        )

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()

    # --- rows -------------------------------------------------------------------------------------------------

    async def _claim(
        self,
        db: Db,
        journey: Journey,
        step: Step,
        *,
        undoing: bool,
        only: Sequence[UUID] | None,
        most: int | None = None,
    ) -> list[_Claim]:
        limit = min(self._set_size, most or self._set_size)
        rows = await db.fetch(_CLAIM, journey.of, step.name, undoing, limit, list(only) if only is not None else None)
        return [_Claim(**dict(row)) for row in rows]

    async def _settle(
        self,
        db: Db,
        journey: Journey,
        step: Step,
        subjects: Sequence[UUID],
        outcomes: Outcomes,
        attempts: dict[UUID, int],
        *,
        undoing: bool,
    ) -> dict[UUID, _Place]:
        """Turn outcomes into places; parks by itself what asks for it."""
        places: dict[UUID, _Place] = {}
        back_to: dict[UUID, str | None] = {}
        if undoing:
            rows = await db.fetch(
                "SELECT subject_id, undo_to FROM plumbing.subjects WHERE journey = $1 AND subject_id = ANY($2::uuid[])",
                journey.of,
                list(subjects),
            )
            back_to = {row["subject_id"]: row["undo_to"] for row in rows}
        for subject in subjects:
            outcome = outcomes.get(subject)
            if isinstance(outcome, Park):
                await self._park(db, journey, [(subject, step.name, outcome.problem)])
            elif isinstance(outcome, Again):
                claim = _Claim(subject, attempts[subject], 0)
                await self._fail(db, journey, step, claim, outcome.problem, undoing=undoing)
            elif outcome is None and undoing:
                places[subject] = _undone(journey, step, back_to[subject])
            else:
                places[subject] = _placed(journey, step, outcome, undoing=undoing)
        return places

    async def _write(self, db: Db, journey: Journey, places: dict[UUID, _Place]) -> None:
        if not places:
            return
        rows = list(places.values())
        await db.execute(
            _PLACE,
            journey.of,
            list(places),
            [p.step for p in rows],
            [p.state for p in rows],
            [p.undoing for p in rows],
            [p.due_at for p in rows],
            [p.attempts for p in rows],
            [p.awaiting for p in rows],
            [p.problem for p in rows],
            [p.clear_undo_to for p in rows],
        )


def _placed(journey: Journey, step: Step, outcome: Outcome | None, *, undoing: bool) -> _Place:
    match outcome:
        case None:
            following = journey.after(step.name)
            return _Place(following or step.name, "due" if following else "done", undoing=False)
        case Wait(awaiting):
            return _Place(step.name, "waiting", undoing, clock.now() + step.gives_up_after, 0, awaiting)
        case Later(at, awaiting):
            return _Place(step.name, "due", undoing, at, 0, awaiting)
        case GoTo(name):
            return _Place(journey.step(name).name, "due", undoing=False)
        case End():
            return _Place(step.name, "done", undoing=False)
        case TurnBack(reason):
            return _Place(step.name, "due", undoing=True, problem=reason)
        case Park() | Again():
            raise AssertionError(outcome)


def _undone(journey: Journey, step: Step, back_to: str | None) -> _Place:
    if step.name == back_to:
        return _Place(step.name, "due", undoing=False, clear_undo_to=True)
    before = journey.before(step.name)
    return _Place(before or step.name, "due" if before else "undone", undoing=True)


def _backoff(attempts: int) -> timedelta:
    """Full jitter over an exponential ceiling (Brooker, "Exponential Backoff And Jitter", AWS 2015)."""
    ceiling = min(BACKOFF_LAST_S, BACKOFF_FIRST_S * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(ceiling / 4, ceiling))  # noqa: S311 - spreading load, not a secret


@contextmanager
def _acting_as(journey: Journey, step: Step) -> Iterator[None]:
    """Name the journey's step as actor of what happens inside."""
    mark = acting.set(Actor(f"journey:{journey.of}.{step.name}"))
    try:
        yield
    finally:
        acting.reset(mark)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2] or 0)
