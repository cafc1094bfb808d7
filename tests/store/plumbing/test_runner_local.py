"""Local steps: sets fused in one transaction, poison found by halving, and what a failure leaves behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orderloom.plumbing import journeys
from orderloom.plumbing.database import Deadlock
from orderloom.plumbing.journeys import Again, End, GoTo, Later, Park, Step, TurnBack
from orderloom.plumbing.runner import ATTEMPTS_MAX
from tests.store.plumbing.tiny import Provider, Tiny, local, now, outward, until


async def test_local_steps_run_fused_on_the_whole_set_in_one_transaction(database):
    sets = []

    async def count(_db, ids):
        sets.append(len(ids))

    tiny = await Tiny.made(database, local("one", count), local("two", count), local("three", count))
    await tiny.start(100)
    await tiny.run()
    assert sets == [100, 100, 100]
    assert await tiny.states() == {"done": 100}
    async with database.transaction() as db:
        assert await db.fetchval("SELECT count(DISTINCT xid) FROM plumbing.done_here") == 1


async def test_an_outward_step_ends_the_fusing_and_the_steps_after_it_run_fused_again(database):
    tiny = await Tiny.made(database, local("one"), outward("ask", Provider()), local("two"), local("three"))
    [one] = await tiny.start()
    await tiny.run()
    assert await tiny.done(one) == ["one", "ask?", "ask", "two", "three"]
    assert (await tiny.at(one)).state == "done"


async def test_a_set_is_no_larger_than_its_bound(database):
    sets = []

    async def count(_db, ids):
        sets.append(len(ids))

    tiny = await Tiny.made(database, local("one", count))
    await tiny.start(25)
    await tiny.run(set_size=10)
    assert sets == [10, 10, 5]


async def test_urgent_subjects_go_first(database):
    tiny = await Tiny.made(database, local("one"))
    ids = await tiny.start(3)
    await tiny.execute("UPDATE plumbing.subjects SET priority = 9 WHERE subject_id = $1", ids[2])
    await tiny.runner(set_size=1)._sweep(tiny.journey)
    assert (await tiny.at(ids[2])).state == "done"
    assert await tiny.states() == {"due": 2, "done": 1}


async def test_starting_twice_leaves_the_subject_where_it_is(database):
    tiny = await Tiny.made(database, local("one"))
    [one] = await tiny.start()
    await tiny.run()
    async with database.transaction() as db:
        await journeys.start(db, tiny.journey, [one])
    assert (await tiny.at(one)).state == "done"


@pytest.mark.usefixtures("pauses_last")
class TestAPoisonSubjectInASetOf64:
    async def poisoned(self, database, *, at="one"):
        """The set, with one subject on which the step `at` always fails."""
        poison = []

        async def fail(_db, ids):
            if poison[0] in ids:
                raise ZeroDivisionError("poison")

        steps = [local(name, fail if name == at else None) for name in ("one", "two", "three")]
        tiny = await Tiny.made(database, *steps)
        ids = await tiny.start(64)
        poison.append(ids[37])
        return tiny, ids, poison[0]

    async def test_parks_alone_after_its_attempts_and_its_neighbours_go_through(self, database):
        tiny, _, poison = await self.poisoned(database)
        await tiny.run()
        assert await tiny.states() == {"done": 63, "due": 1}
        at = await tiny.at(poison)
        assert (at.attempts, at.problem) == (1, "ZeroDivisionError: poison")
        assert now() < at.due_at < now() + timedelta(seconds=301)
        for _ in range(ATTEMPTS_MAX - 1):
            assert (await tiny.at(poison)).state == "due"
            await tiny.hurry()
            await tiny.run()
        at = await tiny.at(poison)
        assert (at.state, at.step) == ("parked", "one")
        assert tiny.stops == [(poison, "one", "ZeroDivisionError: poison")]
        assert sorted(await tiny.done()) == sorted(["one", "two", "three"] * 63)

    async def test_fails_under_the_name_of_the_step_at_fault_with_the_steps_before_it_kept(self, database):
        tiny, _, poison = await self.poisoned(database, at="three")
        await tiny.run()
        for _ in range(ATTEMPTS_MAX):
            await tiny.hurry()
            await tiny.run()
        assert (await tiny.at(poison)).step == "three"
        assert await tiny.done(poison) == ["one", "two"]
        assert tiny.stops == [(poison, "three", "ZeroDivisionError: poison")]

    async def test_goes_on_when_a_person_retries_it_after_the_cause_is_gone(self, database):
        tiny, _, poison = await self.poisoned(database)
        for _ in range(ATTEMPTS_MAX):
            await tiny.run()
            await tiny.hurry()
        healed = await Tiny.made(database, local("one"), local("two"), local("three"))
        async with database.transaction() as db:
            await journeys.retry(db, "tiny", poison)
        at = await tiny.at(poison)
        assert (at.state, at.attempts, at.problem) == ("due", 0, None)
        await healed.run()
        assert await tiny.done(poison) == ["one", "two", "three"]


async def test_who_is_parked_at_a_later_fused_step_stays_parked_there(database):
    async def park(_db, ids):
        return {ids[0]: Park("no way on")}

    tiny = await Tiny.made(database, local("one"), local("two", park), local("three"))
    [one] = await tiny.start()
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.step, at.problem) == ("parked", "two", "no way on")
    assert tiny.stops == [(one, "two", "no way on")]
    assert await tiny.done(one) == ["one"]


async def test_who_is_to_come_again_at_a_later_fused_step_backs_off_there(database):
    async def again(_db, ids):
        return {ids[0]: Again("taken meanwhile")}

    tiny = await Tiny.made(database, local("one"), local("two", again))
    [one] = await tiny.start()
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.step, at.attempts, at.problem) == ("due", "two", 1, "taken meanwhile")
    assert at.due_at > now()


async def test_coming_again_too_often_is_parked(database):
    async def again(_db, ids):
        return {ids[0]: Again("taken meanwhile")}

    tiny = await Tiny.made(database, local("one", again))
    [one] = await tiny.start()
    for _ in range(ATTEMPTS_MAX):
        assert (await tiny.at(one)).state == "due"
        await tiny.hurry()
        await tiny.run()
    assert (await tiny.at(one)).state == "parked"
    assert tiny.stops == [(one, "one", "taken meanwhile")]


async def test_a_failed_set_never_overwrites_what_another_worker_did_meanwhile(database):
    """The failed transaction gave the subject free; another took it further before the failure is written down."""
    stumbled = asyncio.Event()
    tiny: Tiny

    async def fail_once(_db, _ids):
        if not stumbled.is_set():
            stumbled.set()
            raise ZeroDivisionError("once")

    tiny = await Tiny.made(database, local("one", fail_once), outward("ask", Provider()))
    [one] = await tiny.start()
    slow, quick = tiny.runner(), tiny.runner()
    put_off = slow._put_off

    async def overtaken(*args, **more):
        assert await quick._local_set(tiny.journey, tiny.journey.steps[0], undoing=False) == 1
        await put_off(*args, **more)

    slow._put_off = overtaken
    await slow._local_set(tiny.journey, tiny.journey.steps[0], undoing=False)
    at = await tiny.at(one)
    assert (at.step, at.attempts, at.problem) == ("ask", 0, None)


async def test_a_deadlock_is_no_attempt(database):
    deadlocked = asyncio.Event()

    async def once(_db, _ids):
        if not deadlocked.is_set():
            deadlocked.set()
            raise Deadlock("victim")

    tiny = await Tiny.made(database, local("one", once))
    await tiny.start(10)
    await tiny.run()
    assert await tiny.states() == {"done": 10}
    assert tiny.stops == []


async def test_outcomes_choose_the_next_step(database):
    async def jump(_db, ids):
        return (
            dict(zip(ids, [GoTo("four"), End(), GoTo("one")][: len(ids)], strict=True)) if first(ids) else {}
        )

    seen = set()

    def first(ids):
        fresh = not seen & set(ids)
        seen.update(ids)
        return fresh

    tiny = await Tiny.made(database, local("one"), local("two", jump), local("three"), local("four"))
    over, end, again = await tiny.start(3)
    await tiny.execute(
        "UPDATE plumbing.subjects SET due_at = due_at - interval '1 s' WHERE subject_id = $1", over
    )
    await tiny.execute("UPDATE plumbing.subjects SET priority = 1 WHERE subject_id = $1", over)
    await tiny.execute("UPDATE plumbing.subjects SET priority = -1 WHERE subject_id = $1", again)
    await tiny.run()
    assert await tiny.done(over) == ["one", "four"]
    assert await tiny.done(end) == ["one"]
    assert await tiny.done(again) == ["one", "one", "two", "three", "four"]
    assert await tiny.states() == {"done": 3}


async def test_later_comes_again_at_its_time(database):
    turns = []

    async def later(_db, ids):
        turns.append(now())
        return {ids[0]: Later(now() + timedelta(hours=1), "the hour")} if len(turns) == 1 else {}

    tiny = await Tiny.made(database, local("one", later))
    [one] = await tiny.start()
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.awaiting, len(turns)) == ("due", "the hour", 1)
    assert at.due_at > now() + timedelta(minutes=59)
    await tiny.run()
    assert len(turns) == 1
    await tiny.hurry()
    await tiny.run()
    assert (await tiny.at(one)).state == "done"


async def test_later_is_cut_short_by_a_wake_up(database):
    turns = []

    async def later(_db, ids):
        turns.append(1)
        return {ids[0]: Later(now() + timedelta(hours=1), "the hour")} if len(turns) == 1 else {}

    tiny = await Tiny.made(database, local("one", later))
    [one] = await tiny.start()
    await tiny.run()
    await tiny.wake(one)
    await tiny.run()
    assert (await tiny.at(one)).state == "done"


async def test_a_step_may_turn_the_whole_journey_back(database):
    async def refuse(_db, ids):
        return {ids[0]: TurnBack("it cannot be")}

    tiny = await Tiny.made(database, local("one", undo=True), local("two"), local("three", refuse, undo=True))
    [one] = await tiny.start()
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.step) == ("undone", "one")
    assert await tiny.done(one) == ["one", "two", "not three", "not one"]


def test_a_step_without_undo_must_say_why():
    with pytest.raises(ValueError, match="name its undo"):
        Step(name="one", do=local("one").do)


async def test_two_workers_at_once_handle_each_of_2000_subjects_once(database):
    tiny = await Tiny.made(database, local("one"), outward("ask", Provider(), at_once=32), local("two"))
    ids = await tiny.start(2000)
    await asyncio.gather(*(tiny.run(set_size=100) for _ in range(2)))
    assert await tiny.states() == {"done": 2000}
    async with database.transaction() as db:
        rows = await db.fetch(
            "SELECT step, count(*) AS n, count(DISTINCT subject) AS each FROM plumbing.done_here GROUP BY step"
        )
    assert {(row["step"], row["n"], row["each"]) for row in rows} == {
        (step, len(ids), len(ids)) for step in ("one", "ask?", "ask", "two")
    }


async def test_one_defective_pass_does_not_stop_the_lane(database, monkeypatch):
    """A fault in the engine's own bookkeeping costs a pause, not the worker."""
    tiny = await Tiny.made(database, local("one"))
    runner, stop, stumbled = tiny.runner(), asyncio.Event(), []
    tend = runner.tend

    async def stumble(journey):
        if not stumbled:
            stumbled.append(1)
            raise RuntimeError("a defect")
        return await tend(journey)

    monkeypatch.setattr(runner, "tend", stumble)
    monkeypatch.setattr("orderloom.plumbing.runner.POLL_S", 0.05)
    running = asyncio.create_task(runner.run(stop))
    await tiny.start()
    await until(tiny, "done")
    stop.set()
    await running
    assert stumbled
