"""Waiting and waking: in every interleaving the wake-up is heard, and who waits too long is parked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orderloom.plumbing import journeys
from orderloom.plumbing.journeys import Wait
from orderloom.plumbing.runner import Runner
from tests.store.plumbing.tiny import Provider, Tiny, knows, local, now, outward, until


def waiting(name: str = "wait", *, between=None, **more):
    """A step that waits for the fact; `between` runs after it has looked."""

    async def look(db, ids):
        known = await knows(db, ids)
        if between:
            await between(ids)
        return {i: Wait("the fact") for i in ids if i not in known}

    return local(name, look, **more)


async def test_a_subject_waits_until_it_is_woken(database):
    tiny = await Tiny.made(database, waiting(gives_up_after=timedelta(days=3)), local("two"))
    [one] = await tiny.start()
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.awaiting) == ("waiting", "the fact")
    assert timedelta(days=2, hours=23) < at.due_at - now() <= timedelta(days=3)
    await tiny.learn(one)
    await tiny.run()
    assert (await tiny.at(one)).state == "done"


async def test_woken_without_the_fact_it_waits_on(database):
    tiny = await Tiny.made(database, waiting())
    [one] = await tiny.start()
    await tiny.run()
    await tiny.wake(one)
    await tiny.run()
    assert (await tiny.at(one)).state == "waiting"


class TestAWakeUpIsHeard:
    async def test_before_the_step_looks(self, database):
        tiny = await Tiny.made(database, waiting())
        [one] = await tiny.start()
        await tiny.learn(one)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"

    async def test_between_its_look_and_its_commit(self, database):
        """The step read before the fact; its wake-up came while the subject was locked and not yet waiting."""
        tiny: Tiny

        async def learn(ids):
            if not learned:
                learned.append(1)
                await tiny.learn(ids[0])
                await tiny.runner().tend(tiny.journey)

        learned = []
        tiny = await Tiny.made(database, waiting(between=learn))
        [one] = await tiny.start()
        await tiny.run()
        assert (await tiny.at(one)).state == "done"

    async def test_after_its_commit(self, database):
        tiny = await Tiny.made(database, waiting())
        [one] = await tiny.start()
        await tiny.run()
        await tiny.learn(one)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"

    @pytest.mark.parametrize("moment", ["behave", "after"])
    async def test_during_an_outward_call_whose_answer_is_to_wait(self, database, moment):
        provider, known = Provider(), set()
        tiny = await Tiny.made(
            database,
            outward("ask", provider, answer=lambda ids: {i: Wait("it") for i in ids if i not in known}),
        )

        async def wake(ask):
            if provider.calls[ask.subject] == 1:
                await tiny.wake(ask.subject)
                await tiny.runner().tend(tiny.journey)

        setattr(provider, moment, wake)
        [one] = await tiny.start()
        record = tiny.journey.steps[0].do.record

        async def learn_after(db, ids, answers, at):
            said = await record(db, ids, answers, at)
            known.add(one)
            return said

        object.__setattr__(tiny.journey.steps[0].do, "record", learn_after)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"
        assert provider.calls[one] == 2

    async def test_committed_while_the_wakes_are_being_delivered(self, database):
        """The deliverer's snapshot does not see it: it stays for the next delivery."""
        tiny = await Tiny.made(database, waiting())
        [one] = await tiny.start()
        await tiny.run()
        async with database.transaction() as db:
            await db.execute("INSERT INTO plumbing.facts VALUES ($1)", one)
            await journeys.wake(db, "tiny", [one])
            await tiny.runner().tend(tiny.journey)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"

    async def test_from_many_transactions_at_once_while_two_workers_run(self, database):
        tiny = await Tiny.made(database, waiting(), waiting("again"), local("three"))
        ids = await tiny.start(300)
        stop = asyncio.Event()
        workers = [asyncio.create_task(tiny.runner(set_size=40).run(stop)) for _ in range(2)]

        async def learn(mine):
            for subject in mine:
                await tiny.learn(subject)

        await asyncio.gather(*(learn(ids[n::6]) for n in range(6)))
        await until(tiny, "done", 300)
        stop.set()
        await asyncio.gather(*workers)
        assert sorted(await tiny.done()) == sorted(["wait", "again", "three"] * 300)
        async with database.transaction() as db:
            assert not [i for i in ids if (await journeys.look(db, [i]))[0].state != "done"]

    async def test_while_its_subject_is_paused_by_the_resumption(self, database):
        tiny = await Tiny.made(database, waiting())
        [one] = await tiny.start()
        await tiny.run()
        async with database.transaction() as db:
            await journeys.pause(db, "tiny", one)
        await tiny.learn(one)
        await tiny.run()
        assert (await tiny.at(one)).state == "paused"
        async with database.transaction() as db:
            await journeys.resume(db, "tiny", one)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"


async def test_a_wake_up_rolls_back_with_its_transaction(database):
    tiny = await Tiny.made(database, waiting())
    [one] = await tiny.start()
    await tiny.run()
    async with database.transaction() as db:
        savepoint = db.transaction()
        await savepoint.start()
        await journeys.wake(db, "tiny", [one])
        await savepoint.rollback()
    assert await tiny.runner().tend(tiny.journey) == 0


async def test_delivering_waits_for_no_lock(database):
    """A door that holds a subject, or a long step, keeps its wake-up back and nobody else's."""
    tiny = await Tiny.made(database, waiting())
    held, free = await tiny.start(2)
    await tiny.run()
    async with database.transaction() as db:
        await journeys.hold_still(db, "tiny", held)
        await tiny.learn(held)
        await tiny.learn(free)
        async with asyncio.timeout(60):
            assert await tiny.runner().tend(tiny.journey) == 1
    await tiny.run()
    assert await tiny.states() == {"done": 2}


async def test_wakes_of_who_is_gone_leave_nothing_behind(database):
    tiny = await Tiny.made(database, local("one"))
    [one] = await tiny.start()
    await tiny.run()
    await tiny.wake(one)
    async with database.transaction() as db:
        await journeys.wake(db, "tiny", [await db.fetchval("SELECT uuidv7()")])
    await tiny.run()
    assert (await tiny.at(one)).state == "done"
    async with database.transaction() as db:
        assert await db.fetchval("SELECT count(*) FROM plumbing.wakes") == 0


async def test_who_waits_past_its_time_is_parked_and_told_of(database):
    tiny = await Tiny.made(database, waiting(gives_up_after=timedelta(milliseconds=50)))
    [one] = await tiny.start()
    await tiny.run()
    await asyncio.sleep(0.1)
    await tiny.run()
    assert (await tiny.at(one)).state == "parked"
    assert tiny.stops == [(one, "wait", "gave up waiting for the fact")]
    await tiny.learn(one)
    async with database.transaction() as db:
        await journeys.retry(db, "tiny", one)
    await tiny.run()
    assert (await tiny.at(one)).state == "done"


async def test_who_was_woken_in_time_is_not_parked_for_a_late_delivery(database):
    tiny = await Tiny.made(database, waiting(gives_up_after=timedelta(hours=1)))
    [one] = await tiny.start()
    await tiny.run()
    async with database.transaction() as db:
        # Its time is over, and no worker has looked since.
        await db.execute("UPDATE plumbing.subjects SET due_at = clock_timestamp() - interval '1 second'")
    async with database.transaction() as db:
        await journeys.hold_still(db, "tiny", one)
        await tiny.learn(one)
        await tiny.runner().tend(tiny.journey)
    await tiny.run()
    assert (await tiny.at(one)).state == "done"
    assert tiny.stops == []


async def test_a_notification_rouses_a_resting_worker(database, monkeypatch):
    rest, resting = Runner._rest, set()

    async def for_ever(self, stop, _seconds):
        resting.add(asyncio.current_task())
        await rest(self, stop, 3600)
        resting.discard(asyncio.current_task())

    # Nobody gets up by the clock.
    monkeypatch.setattr(Runner, "_rest", for_ever)
    tiny = await Tiny.made(database, local("one"))
    stop = asyncio.Event()
    working = asyncio.create_task(tiny.runner().run(stop))
    async with asyncio.timeout(60):
        while len(resting) < 2:  # noqa: ASYNC110 - the lane, and who listens
            await asyncio.sleep(0.01)
    await tiny.start()
    await until(tiny, "done")
    stop.set()
    async with asyncio.timeout(60):
        await working
