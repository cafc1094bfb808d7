"""The event log: no cursor ever skips, a reader's effect happens once, and what is written stays."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from orderloom.plumbing import events
from orderloom.plumbing.database import Database
from orderloom.plumbing.events import Actor, News, Reader
from orderloom.terms import new_id

WRITERS, EACH = 16, 40


@pytest.fixture
async def log(database_url):
    """A log of its own: it cannot be emptied for the next test."""
    opened = await Database.open(database_url, max_size=WRITERS + 6)
    yield opened
    await opened.close()


async def write(database: Database, *kinds: str, pause: float = 0) -> None:
    for kind in kinds:
        async with database.transaction() as db:
            await events.append(db, [News(kind, "order", new_id())])
            await asyncio.sleep(pause)


async def read_all(database: Database, after: str = "0-0") -> list[str]:
    async with database.transaction() as db:
        return [event.type for event in await events.read(db, after=after, limit=100_000)]


async def readable(database: Database) -> None:
    """Wait until nothing keeps written events back: tests on other databases of the server have transactions too."""
    waits = True
    async with asyncio.timeout(30):
        while waits:
            async with database.connection() as db:
                waits = await db.fetchval(
                    "SELECT coalesce(max(xid) >= pg_snapshot_xmin(pg_current_snapshot()), false) FROM plumbing.events"
                )
            await asyncio.sleep(0.01)


async def test_a_cursor_skips_nothing_under_16_writers_and_a_long_transaction(log):
    names = [[f"w{w}.e{n}" for n in range(EACH)] for w in range(WRITERS)]
    seen: list[str] = []
    over = asyncio.Event()

    async def follow() -> None:
        cursor = "0-0"
        while True:
            last = over.is_set()
            async with log.transaction() as db:
                found = await events.read(db, after=cursor, limit=50)
            seen.extend(event.type for event in found)
            if found:
                cursor = found[-1].cursor
            elif last:
                return
            await asyncio.sleep(0)

    async def sleeper() -> None:
        """Takes its place in the log first and commits last."""
        async with log.transaction() as db:
            await events.append(db, [News("slow.first", "order", new_id())])
            await asyncio.sleep(0.5)
            await events.append(db, [News("slow.last", "order", new_id())])

    following = asyncio.create_task(follow())
    await asyncio.gather(
        sleeper(), *(write(log, *mine, pause=0.001 * (w % 3)) for w, mine in enumerate(names))
    )
    await readable(log)
    over.set()
    await following
    expected = [name for mine in names for name in mine] + ["slow.first", "slow.last"]
    assert len(seen) == len(set(seen)), "nothing twice"
    assert sorted(seen) == sorted(expected)
    for mine in names:
        assert [name for name in seen if name in set(mine)] == mine, "each writer's in its order"


async def test_nothing_is_read_beyond_a_transaction_that_may_still_commit(log):
    async with log.transaction() as slow:
        await events.append(slow, [News("slow", "order", new_id())])
        await write(log, "quick")
        assert await read_all(log) == []
    await readable(log)
    assert await read_all(log) == ["slow", "quick"]


async def test_what_rolls_back_was_never_there(log):
    async with log.transaction() as db:
        savepoint = db.transaction()
        await savepoint.start()
        await events.append(db, [News("never", "order", new_id())])
        await savepoint.rollback()
    assert await read_all(log) == []


async def test_events_of_one_transaction_keep_their_order_and_their_actor(log):
    mark = events.acting.set(Actor("user:ann", "req-1"))
    try:
        async with log.transaction() as db:
            await events.append(db, [News(f"e{n}", "order", new_id(), data={"n": n}) for n in range(20)])
            await events.append(db, [])
    finally:
        events.acting.reset(mark)
    await readable(log)
    async with log.transaction() as db:
        found = await events.read(db)
    assert [event.type for event in found] == [f"e{n}" for n in range(20)]
    assert {(event.actor, event.request_id) for event in found} == {("user:ann", "req-1")}
    assert [event.data["n"] for event in found] == list(range(20))


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-x", "1-2-3"])
async def test_a_cursor_that_is_none_of_ours_is_refused(log, cursor):
    with pytest.raises(ValueError, match="invalid literal"):
        await read_all(log, after=cursor)


class TestAReader:
    async def reader(self, log, *, fail: list[int] | None = None, pause: float = 0) -> Reader:
        """Writes down what it was handed, in the transaction that moves its cursor."""
        async with log.transaction() as db:
            await db.execute("CREATE TABLE IF NOT EXISTS plumbing.heard (id serial, type text)")

        async def handle(db, found) -> None:
            await db.executemany("INSERT INTO plumbing.heard (type) VALUES ($1)", [(e.type,) for e in found])
            await asyncio.sleep(pause)
            if fail and fail.pop():
                raise ZeroDivisionError("after its effect")

        return Reader("heard", handle)

    async def heard(self, log) -> list[str]:
        async with log.transaction() as db:
            return [row["type"] for row in await db.fetch("SELECT type FROM plumbing.heard ORDER BY id")]

    async def test_is_handed_everything_once_in_order_and_in_portions(self, log):
        reader = await self.reader(log)
        await write(log, *(f"e{n}" for n in range(7)))
        await readable(log)
        assert [await events.feed(log, reader, limit=3) for _ in range(4)] == [3, 3, 1, 0]
        assert await self.heard(log) == [f"e{n}" for n in range(7)]

    async def test_that_fails_is_handed_the_same_again_and_its_effect_happens_once(self, log):
        reader = await self.reader(log, fail=[0, 1])
        await write(log, "one", "two")
        await readable(log)
        with pytest.raises(ZeroDivisionError):
            await events.feed(log, reader)
        assert await self.heard(log) == []
        assert await events.feed(log, reader) == 2
        assert await self.heard(log) == ["one", "two"]

    async def test_is_known_to_be_behind_while_an_older_transaction_keeps_events_back(self, log):
        """Or whoever works until all is read would take waiting for being done."""
        reader = await self.reader(log)
        async with log.transaction() as slow:
            await events.append(slow, [News("slow", "order", new_id())])
            assert not await events.unread(log, [reader])
            await write(log, "quick")
            assert await events.feed(log, reader) == 0
            assert await events.unread(log, [reader])
        await readable(log)
        assert await events.feed(log, reader) == 2
        assert not await events.unread(log, [reader])

    async def test_busy_in_one_process_is_left_alone_by_the_others(self, log):
        reader = await self.reader(log, pause=0.2)
        assert await events.feed(log, reader) == 0
        await write(log, "one")
        await readable(log)
        told = await asyncio.gather(*(events.feed(log, reader) for _ in range(4)))
        assert sorted(told) == [0, 0, 0, 1]

    async def test_fed_by_several_while_16_write_hears_each_event_once(self, log):
        reader = await self.reader(log)
        names = [[f"w{w}.e{n}" for n in range(EACH)] for w in range(WRITERS)]
        over = asyncio.Event()

        async def feed() -> None:
            while True:
                last = over.is_set()
                if not await events.feed(log, reader, limit=20) and last:
                    return
                await asyncio.sleep(0)

        feeders = [asyncio.create_task(feed()) for _ in range(3)]
        await asyncio.gather(*(write(log, *mine) for mine in names))
        await readable(log)
        over.set()
        await asyncio.gather(*feeders)
        while await events.feed(log, reader):
            pass
        assert sorted(await self.heard(log)) == sorted(name for mine in names for name in mine)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plumbing.events SET type = 'forged'",
        "DELETE FROM plumbing.events",
        "TRUNCATE plumbing.events",
    ],
)
@pytest.mark.parametrize("role", ["orderloom_app", None])
async def test_what_is_written_is_never_changed(db, statement, role):
    """By the application's role for want of a grant, by its owner for the trigger (A1)."""
    await events.append(db, [News("one", "order", new_id())])
    if role:
        await db.execute(f"SET LOCAL ROLE {role}")
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
        await db.execute(statement)


async def test_an_orders_timeline_is_its_own(db):
    mine, other = new_id(), new_id()
    await events.append(db, [News(f"e{n}", "order", mine, order_id=mine) for n in range(3)])
    await events.append(db, [News("theirs", "order", other, order_id=other)])
    found = await events.of_order(db, mine)
    assert [event.type for event in found] == ["e0", "e1", "e2"]
    last = int(found[0].cursor.partition("-")[2])
    assert [event.type for event in await events.of_order(db, mine, after=last, limit=1)] == ["e1"]
    assert all(isinstance(event.event_id, UUID) for event in found)
