"""Tiny journeys for proving the engine: steps that write down what they did, and calls to an outside in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from orderloom.plumbing import journeys
from orderloom.plumbing.database import Database, Db, assert_no_transaction
from orderloom.plumbing.journeys import Journey, Outcome, Outward, Step, Subject
from orderloom.plumbing.runner import Runner
from orderloom.terms import new_id

HARMLESS = "it leaves nothing behind"


@dataclass
class Tiny:
    """A journey of its own on a database, with a record of what ran: rows roll back with their transaction."""

    database: Database
    journey: Journey
    stops: list[tuple[UUID, str, str]]

    @classmethod
    async def made(cls, database: Database, *steps: Step, of: str = "tiny") -> Tiny:
        stops: list[tuple[UUID, str, str]] = []

        async def parked(_db: Db, told: Sequence[tuple[UUID, str, str]]) -> None:
            stops.extend(told)

        async with database.transaction() as db:
            await db.execute(
                "CREATE TABLE IF NOT EXISTS plumbing.done_here (id bigint GENERATED ALWAYS AS IDENTITY, "
                "subject uuid, step text, xid xid8 DEFAULT pg_current_xact_id())"
            )
            await db.execute("CREATE TABLE IF NOT EXISTS plumbing.facts (subject uuid PRIMARY KEY)")
        return cls(database, Journey(of=of, steps=steps, parked=parked), stops)

    def runner(self, **more) -> Runner:
        return Runner(self.database, [self.journey], **{"lease_s": 5, **more})

    async def start(self, count: int = 1) -> list[UUID]:
        ids = [new_id() for _ in range(count)]
        async with self.database.transaction() as db:
            await journeys.start(db, self.journey, ids)
        return ids

    async def run(self, **more) -> int:
        return await self.runner(**more).run_until_idle()

    async def at(self, subject: UUID) -> Subject:
        async with self.database.transaction() as db:
            [found] = await journeys.look(db, [subject])
        return found

    async def done(self, *subjects: UUID) -> list[str]:
        """The steps that took effect, in order; of all subjects when none is named."""
        async with self.database.transaction() as db:
            rows = await db.fetch(
                "SELECT step FROM plumbing.done_here WHERE $1 OR subject = ANY($2::uuid[]) ORDER BY id",
                not subjects,
                list(subjects),
            )
        return [row["step"] for row in rows]

    async def states(self) -> Counter[str]:
        async with self.database.transaction() as db:
            rows = await db.fetch("SELECT state, count(*) AS n FROM plumbing.subjects GROUP BY state")
        return Counter({row["state"]: row["n"] for row in rows})

    async def hurry(self) -> None:
        """Let what was put off be due now, and no lease be left."""
        await self.execute(
            "UPDATE plumbing.subjects SET due_at = clock_timestamp(), leased_until = NULL WHERE state = 'due'"
        )

    async def execute(self, statement: str, *values: object) -> None:
        async with self.database.transaction() as db:
            await db.execute(statement, *values)

    async def wake(self, *subjects: UUID) -> None:
        async with self.database.transaction() as db:
            await journeys.wake(db, self.journey.of, subjects)

    async def learn(self, subject: UUID) -> None:
        """The fact that a waiting step looks for, and its wake-up, in one transaction."""
        async with self.database.transaction() as db:
            await db.execute("INSERT INTO plumbing.facts VALUES ($1) ON CONFLICT DO NOTHING", subject)
            await journeys.wake(db, self.journey.of, [subject])


async def note(db: Db, ids: Sequence[UUID], step: str) -> None:
    """Write down that a step took effect."""
    await db.execute(
        "INSERT INTO plumbing.done_here (subject, step) SELECT unnest($1::uuid[]), $2", list(ids), step
    )


async def knows(db: Db, ids: Sequence[UUID]) -> set[UUID]:
    """For which of these the fact is there."""
    rows = await db.fetch("SELECT subject FROM plumbing.facts WHERE subject = ANY($1::uuid[])", list(ids))
    return {row["subject"] for row in rows}


Does = Callable[[Db, Sequence[UUID]], Awaitable[Mapping[UUID, Outcome] | None]]


def local(name: str, does: Does | None = None, *, undo: bool = False, **more) -> Step:
    """A local step that writes down its name; `does` runs before that and may answer or raise."""

    async def do(db: Db, ids: Sequence[UUID], _now: datetime) -> Mapping[UUID, Outcome]:
        said = (await does(db, ids) or {}) if does else {}
        await note(db, [i for i in ids if i not in said], name)
        return said

    async def take_back(db: Db, ids: Sequence[UUID], _now: datetime) -> Mapping[UUID, Outcome]:
        await note(db, ids, f"not {name}")
        return {}

    return Step(name=name, do=do, undo=take_back if undo else None, no_undo="" if undo else HARMLESS, **more)


@dataclass(frozen=True)
class Ask:
    """One call."""

    subject: UUID
    provider: str
    unsure: bool = False


@dataclass
class Provider:
    """The outside: what it did, by subject, and how it misbehaves."""

    effects: Counter[UUID] = field(default_factory=Counter)
    calls: Counter[UUID] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    behave: Callable[[Ask], Awaitable[None]] | None = None
    after: Callable[[Ask], Awaitable[None]] | None = None

    async def call(self, ask: Ask) -> str:
        assert_no_transaction()
        self.calls[ask.subject] += 1
        self.at_once[ask.provider] += 1
        self.most_at_once[ask.provider] = max(self.most_at_once[ask.provider], self.at_once[ask.provider])
        try:
            if self.behave:
                await self.behave(ask)
            # Keyed by subject, as a real provider is by idempotency key.
            self.effects[ask.subject] = 1
            if self.after:
                await self.after(ask)
        finally:
            self.at_once[ask.provider] -= 1
        return "done"


def outward(
    name: str,
    provider: Provider,
    *,
    undo: Provider | None = None,
    answer: Callable[[Sequence[UUID]], Mapping[UUID, Outcome]] | None = None,
    to: str = "it",
    at_once: int = 16,
    **more,
) -> Step:
    """An outward step: `name?` is its intent, `name` its record."""

    def action(at: Provider, mark: str) -> Outward:
        async def prepare(db: Db, ids: Sequence[UUID], _now: datetime) -> Sequence[Ask]:
            await note(db, ids, f"{mark}?")
            return [Ask(i, to) for i in ids]

        async def record(
            db: Db, ids: Sequence[UUID], answers: Sequence[tuple[Ask, str]], _now: datetime
        ) -> Mapping[UUID, Outcome]:
            said = answer(ids) if answer else {}
            await note(db, [ask.subject for ask, _ in answers if ask.subject not in said], mark)
            return said

        return Outward(prepare=prepare, call=at.call, record=record, at_once=at_once)

    back = action(undo, f"not {name}") if undo else None
    return Step(name=name, do=action(provider, name), undo=back, no_undo="" if undo else HARMLESS, **more)


async def until(tiny: Tiny, state: str, count: int = 1, *, within_s: float = 60) -> None:
    """Wait for workers that run beside the test to bring so many subjects into the state."""
    async with asyncio.timeout(within_s):
        while (await tiny.states())[state] < count:  # noqa: ASYNC110 - what others do in the database sets no Event here
            await asyncio.sleep(0.02)


def now() -> datetime:
    return datetime.now(UTC)
