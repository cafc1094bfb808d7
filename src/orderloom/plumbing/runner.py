"""The runner of journeys: claims due subjects in sets and takes each set as far as it goes.

- Local steps: claim, do, advance in one transaction; consecutive local steps run fused on the same set.
- Outward steps: claim under a lease and commit the intents; call with no transaction open; record in a second
  transaction, under the lease's fencing token, so that a stale worker writes nothing.
- A set that fails is halved until the poison subject stands alone; that one backs off and is parked in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

import structlog

from orderloom.plumbing import clock, subjects
from orderloom.plumbing.database import Database, DatabaseAway, Db, Deadlock, LockTimeout
from orderloom.plumbing.events import Actor, acting
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.journeys import (
    WORK_CHANNEL,
    Again,
    Answer,
    Journey,
    Outcome,
    Outcomes,
    Outward,
    Park,
    Step,
)
from orderloom.plumbing.outcomes import backoff, placed, undone
from orderloom.plumbing.subjects import Claim, Place

log = structlog.get_logger()

SET_SIZE = 500
ATTEMPTS_MAX = 10
POLL_S = 1.0


class Runner:
    """Takes subjects along their journeys. Any number of processes may run one against the same database."""

    def __init__(
        self,
        database: Database,
        journeys: Sequence[Journey],
        *,
        lease_s: float = 30,
        set_size: int = SET_SIZE,
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
            for _ in range(step.do.lanes if isinstance(step.do, Outward) else 1)
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
            async with self._database.connection() as db:
                stirring = await subjects.stirring(db, [journey.of for journey in self._journeys])
            for journey in self._journeys:
                if journey.of not in stirring:
                    continue
                found += await self.tend(journey)
                found += await self._sweep(journey)
                due = {name for name, _ in await self._due(journey)}
                for step in journey.steps:
                    found += await self._outward_of(journey, step) if step.name in due else 0
            handled += found
            if found == 0:
                return handled

    async def _lane(self, stop: asyncio.Event, journey: Journey, step: Step | None) -> None:
        rest = 0.05
        while not stop.is_set():
            try:
                if step is None:
                    found = await self.tend(journey) + await self._sweep(journey)
                else:
                    found = await self._outward_of(journey, step)
            except (DatabaseAway, OSError) as away:
                log.warning("database away, waiting", problem=str(away))
                found, rest = 0, POLL_S
            except Exception:  # a lane outlives what one pass runs into, or one defect would stop all work
                log.exception("lane stumbled", journey=journey.of, step=step.name if step else None)
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
                    try:
                        while not stop.is_set() and not connection.is_closed():
                            await self._rest(stop, POLL_S)
                            self._roused.clear()
                    finally:
                        await connection.remove_listener(WORK_CHANNEL, rouse)
            await self._rest(stop, POLL_S / 5)

    # --- waking, giving up ------------------------------------------------------------------------------------

    async def tend(self, journey: Journey) -> int:
        """Deliver wake-ups, and park what has waited too long. Returns how many were woken or parked."""
        async with self._database.transaction() as db:
            woken = await subjects.deliver_wakes(db, journey.of)
        async with self._database.transaction() as db:
            stops = [
                (subject, step, f"gave up waiting for {awaiting}")
                for subject, step, awaiting in await subjects.overdue(db, journey.of)
            ]
            await self._park(db, journey, stops)
        return woken + len(stops)

    async def _park(self, db: Db, journey: Journey, stops: Sequence[tuple[UUID, str, str]]) -> None:
        if stops:
            await subjects.park(db, journey.of, stops)
            await journey.parked(db, stops)

    # --- local steps ------------------------------------------------------------------------------------------

    async def _sweep(self, journey: Journey) -> int:
        """Every local step of the journey once: undoing first, then the late steps before the early ones."""
        found = 0
        due = await self._due(journey)
        for step in reversed(journey.steps):
            if (step.name, True) in due and not isinstance(step.undo, Outward):
                found += await self._local_set(journey, step, undoing=True)
            if (step.name, False) in due and not isinstance(step.do, Outward):
                found += await self._local_set(journey, step, undoing=False)
        return found

    async def _local_set(
        self,
        journey: Journey,
        step: Step,
        *,
        undoing: bool,
        only: Sequence[UUID] | None = None,
        fuse: bool = True,
    ) -> int:
        claimed: list[Claim] = []
        try:
            async with self._database.transaction() as db:
                claimed = await self._claim(db, journey, step, undoing=undoing, only=only)
                if claimed:
                    await self._run_fused(db, journey, step, claimed, undoing=undoing, fuse=fuse)
        except DatabaseAway:
            raise
        except Deadlock:
            log.warning("deadlock, set taken again", journey=journey.of, step=step.name, size=len(claimed))
        except Exception as fault:  # noqa: BLE001 - the runner is where a step's defects end
            await self._halve(journey, step, claimed, fault, undoing=undoing, fuse=fuse)
        return len(claimed)

    async def _halve(
        self,
        journey: Journey,
        step: Step,
        claimed: Sequence[Claim],
        fault: Exception,
        *,
        undoing: bool,
        fuse: bool,
    ) -> None:
        """Find the poison by halving, so that a neighbour never suffers; back the poison off."""
        if not claimed:
            raise fault
        ids = [c.subject for c in claimed]
        if len(ids) > 1:
            middle = len(ids) // 2
            for part in (ids[:middle], ids[middle:]):
                await self._local_set(journey, step, undoing=undoing, only=part)
        elif fuse and not undoing and self._fuses_on(journey, step):
            # Perhaps a later step is at fault: it is to fail under its own name, with what went before it kept.
            await self._local_set(journey, step, undoing=undoing, only=ids, fuse=False)
        else:
            await self._put_off(journey, step, ids[0], fault, undoing=undoing)

    async def _put_off(
        self, journey: Journey, step: Step, subject: UUID, fault: Exception, *, undoing: bool
    ) -> None:
        log.error("step failed", journey=journey.of, step=step.name, subject=str(subject), exc_info=fault)
        async with self._database.transaction() as db:
            # The failed transaction gave it free: whoever took it up meanwhile has the say.
            for claim in await self._claim(db, journey, step, undoing=undoing, only=[subject]):
                await self._fail(
                    db, journey, step, claim, f"{type(fault).__name__}: {fault}", undoing=undoing
                )

    def _fuses_on(self, journey: Journey, step: Step) -> bool:
        following = journey.after(step.name)
        return following is not None and not isinstance(journey.step(following).do, Outward)

    async def _fail(
        self,
        db: Db,
        journey: Journey,
        step: Step,
        claim: Claim,
        problem: str,
        *,
        undoing: bool,
        counted: int = 1,
    ) -> None:
        attempts = claim.attempts + counted
        if attempts >= ATTEMPTS_MAX:
            await self._park(db, journey, [(claim.subject, step.name, problem)])
            return
        place = Place(step.name, "due", undoing, clock.now() + backoff(attempts), attempts, None, problem)
        await subjects.put(db, journey.of, {claim.subject: place})

    async def _run_fused(
        self, db: Db, journey: Journey, step: Step, claimed: Sequence[Claim], *, undoing: bool, fuse: bool
    ) -> None:
        """Run the step on the set, and the local steps after it on whoever advances, then write all places."""
        places: dict[UUID, Place] = {}
        attempts = {c.subject: c.attempts for c in claimed}
        travelling = list(attempts)
        while travelling:
            action = step.undo if undoing else step.do
            outcomes: Outcomes = {}
            if action is not None:
                assert not isinstance(action, Outward)  # noqa: S101 - the loop below ends before an outward step
                with _acting_as(journey, step):
                    outcomes = await action(db, travelling, clock.now())
            moved = await self._settle(db, journey, step, travelling, outcomes, attempts, undoing=undoing)
            # Whoever was parked or put off here has its row written: the place it came from must not undo that.
            here = set(travelling)
            places = {subject: place for subject, place in places.items() if subject not in here} | moved
            if undoing or not fuse or not self._fuses_on(journey, step):
                break
            step = journey.steps[journey.at[step.name] + 1]
            travelling = [subject for subject in travelling if subject not in outcomes]
            attempts = dict.fromkeys(travelling, 0)
        await subjects.put(db, journey.of, places)

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
        claimed: list[Claim] = []
        leases: dict[UUID, Claim] = {}
        try:
            async with self._database.transaction() as db:
                most = action.together or action.at_once * 8
                claimed = await self._claim(db, journey, step, undoing=undoing, only=only, most=most)
                ids = await self._park_killers(db, journey, step, claimed)
                if not ids:
                    return len(claimed)
                taken = await subjects.lease(db, journey.of, ids, self._lease_s)
                with _acting_as(journey, step):
                    calls = await action.prepare(db, ids, clock.now())
            # Only now: had the transaction failed, the same tokens might be another worker's.
            leases = taken
            async with self._renewing(journey, leases):
                answers, unknown = await self._call_all(action, calls)
            await self._record(journey, step, action, leases, answers, unknown, undoing=undoing)
        except DatabaseAway:
            raise
        except Deadlock:
            log.warning("deadlock, set taken again", journey=journey.of, step=step.name, size=len(claimed))
            await self._let_go(journey, leases)
        except Exception as fault:
            if not claimed:
                raise
            await self._let_go(journey, leases)
            await self._halve_outward(
                journey, step, action, [c.subject for c in claimed], fault, undoing=undoing
            )
        return len(claimed)

    async def _park_killers(
        self, db: Db, journey: Journey, step: Step, claimed: Sequence[Claim]
    ) -> list[UUID]:
        """Park those whose every attempt ended with its worker, which could not count it; returns the others."""
        spent = [c.subject for c in claimed if c.attempts >= ATTEMPTS_MAX]
        problem = f"each of {ATTEMPTS_MAX} workers that took it up ended before it was done"
        await self._park(db, journey, [(subject, step.name, problem) for subject in spent])
        return [c.subject for c in claimed if c.attempts < ATTEMPTS_MAX]

    async def _let_go(self, journey: Journey, leases: dict[UUID, Claim]) -> None:
        """Give up the leases that are still ours."""
        if leases:
            async with self._database.transaction() as db:
                ours = await subjects.still_ours(db, journey.of, leases)
                await subjects.give_up_leases(db, journey.of, sorted(ours))

    async def _halve_outward(
        self,
        journey: Journey,
        step: Step,
        action: Outward,
        ids: Sequence[UUID],
        fault: Exception,
        *,
        undoing: bool,
    ) -> None:
        if len(ids) == 1:
            await self._put_off(journey, step, ids[0], fault, undoing=undoing)
            return
        middle = len(ids) // 2
        for part in (ids[:middle], ids[middle:]):
            await self._outward_set(journey, step, action, undoing=undoing, only=part)

    async def _call_all(
        self, action: Outward, calls: Sequence[object]
    ) -> tuple[list[Answer], dict[UUID, str]]:
        """Make the calls, so many at once to each provider; say whose outcome nobody knows, and why."""
        answers: dict[int, Answer] = {}
        unknown: dict[UUID, str] = {}
        waiting: dict[str, list[tuple[int, object]]] = {}
        for number, call in enumerate(calls):
            waiting.setdefault(getattr(call, "provider", ""), []).append((number, call))

        async def serve(provider: str, line: Iterator[tuple[int, object]]) -> None:
            for number, call in line:
                subject: UUID = getattr(call, "subject")  # noqa: B009 - an Outward's calls are duck-typed
                try:
                    answers[number] = call, await action.call(call)
                except Unavailable as fault:
                    unknown[subject] = str(fault)
                except Exception as fault:
                    # A call's defect is its own subject's, never a neighbour's.
                    log.exception("call failed", provider=provider, subject=str(subject))
                    unknown[subject] = f"{type(fault).__name__}: {fault}"

        await asyncio.gather(
            *(
                serve(provider, line)
                for provider, mine in waiting.items()
                for line in [iter(mine)]
                for _ in range(min(action.at_once, len(mine)))
            )
        )
        return [answers[number] for number in sorted(answers)], unknown

    async def _record(
        self,
        journey: Journey,
        step: Step,
        action: Outward,
        leases: dict[UUID, Claim],
        answers: Sequence[Answer],
        unknown: dict[UUID, str],
        *,
        undoing: bool,
    ) -> None:
        async with self._database.transaction() as db:
            ours = await subjects.still_ours(db, journey.of, leases)
            mine = [a for a in answers if getattr(a[0], "subject") in ours]  # noqa: B009
            settled = [s for s in leases if s in ours and s not in unknown]
            with _acting_as(journey, step):
                # What was answered is recorded even for a subject whose other call stayed unknown.
                outcomes = dict(await action.record(db, [s for s in leases if s in ours], mine, clock.now()))
            # The lease has counted this attempt already; `_settle` counts it for whoever is to come again.
            attempts = {c.subject: c.attempts - 1 for c in leases.values()}
            places = await self._settle(db, journey, step, settled, outcomes, attempts, undoing=undoing)
            await subjects.put(db, journey.of, places)
            for subject in unknown.keys() & ours:
                claim = leases[subject]
                await self._fail(db, journey, step, claim, unknown[subject], undoing=undoing, counted=0)

    @asynccontextmanager
    async def _renewing(self, journey: Journey, leases: dict[UUID, Claim]) -> AsyncIterator[None]:
        """Keep the leases while slow calls run."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._lease_s / 3)
                # What keeps us from renewing costs a repetition at worst: the token guards what is recorded.
                with suppress(DatabaseAway, Deadlock, LockTimeout):
                    async with self._database.transaction() as db:
                        await subjects.renew(db, journey.of, leases, self._lease_s)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            # A renewal on its way must not lease what was recorded and given free since.
            await asyncio.gather(task, return_exceptions=True)

    async def _due(self, journey: Journey) -> set[tuple[str, bool]]:
        async with self._database.connection() as db:
            return await subjects.due_steps(db, journey.of, list(journey.at))

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
    ) -> list[Claim]:
        limit = min(self._set_size, most or self._set_size)
        return await subjects.claim(db, journey.of, step.name, undoing=undoing, limit=limit, only=only)

    async def _settle(
        self,
        db: Db,
        journey: Journey,
        step: Step,
        ids: Sequence[UUID],
        outcomes: Outcomes,
        attempts: dict[UUID, int],
        *,
        undoing: bool,
    ) -> dict[UUID, Place]:
        """Turn outcomes into places; parks by itself what asks for it."""
        places: dict[UUID, Place] = {}
        now = clock.now()
        # Most of a set answer alike: where that leads is worked out once.
        leads: dict[Outcome | None, Place] = {}
        back_to = await subjects.undo_targets(db, journey.of, ids) if undoing else {}
        for subject in ids:
            outcome = outcomes.get(subject)
            if isinstance(outcome, Park):
                await self._park(db, journey, [(subject, step.name, outcome.problem)])
            elif isinstance(outcome, Again):
                claim = Claim(subject, attempts[subject], 0)
                await self._fail(db, journey, step, claim, outcome.problem, undoing=undoing)
            elif outcome is None and undoing:
                places[subject] = undone(journey, step, back_to[subject])
            else:
                if outcome not in leads:
                    leads[outcome] = placed(journey, step, outcome, undoing=undoing, now=now)
                places[subject] = leads[outcome]
        return places


@contextmanager
def _acting_as(journey: Journey, step: Step) -> Iterator[None]:
    """Name the journey's step as actor of what happens inside."""
    mark = acting.set(Actor(f"journey:{journey.of}.{step.name}"))
    try:
        yield
    finally:
        acting.reset(mark)
