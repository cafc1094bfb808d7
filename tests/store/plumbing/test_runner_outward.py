"""Outward steps: intent, call, record; unknown outcomes, leases, fencing, bulkheads; no transaction while calling."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orderloom.plumbing import journeys, subjects
from orderloom.plumbing.database import Deadlock, assert_no_transaction
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.journeys import Again, Park, Wait
from orderloom.plumbing.runner import ATTEMPTS_MAX
from tests.store.plumbing.tiny import Provider, Tiny, local, note, now, outward


async def test_the_intent_is_committed_before_the_call_and_the_answer_after(database):
    seen = []
    provider = Provider()
    tiny = await Tiny.made(database, outward("ask", provider))

    async def look(ask):
        seen.append(await tiny.done(ask.subject))

    provider.behave = look
    [one] = await tiny.start()
    await tiny.run()
    assert seen == [["ask?"]]
    assert await tiny.done(one) == ["ask?", "ask"]
    async with database.transaction() as db:
        assert await db.fetchval("SELECT count(DISTINCT xid) FROM plumbing.done_here") == 2


async def test_no_transaction_is_open_while_calling_out(database):
    provider, found = Provider(), []
    tiny = await Tiny.made(database, local("one"), outward("ask", provider))

    async def look(_ask):
        assert_no_transaction()
        async with database.connection() as db:
            found.append(
                await db.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
                )
            )

    provider.behave = look
    await tiny.start()
    await tiny.run()
    assert found == [0]


class TestAnUnknownOutcome:
    async def unknown(self, database, provider=None, *steps):
        provider = provider or Provider()

        async def lost(_ask):
            raise Unavailable("no answer")

        provider.after = lost
        tiny = await Tiny.made(database, outward("ask", provider), *steps)
        [one] = await tiny.start()
        return tiny, provider, one

    async def test_comes_again_after_a_backoff_that_grows(self, database):
        tiny, provider, one = await self.unknown(database)
        waits = []
        for attempt in range(1, 5):
            await tiny.run()
            at = await tiny.at(one)
            assert (at.state, at.attempts, at.problem, at.leased_until) == ("due", attempt, "no answer", None)
            waits.append((at.due_at - now()).total_seconds())
            await tiny.hurry()
        assert provider.calls[one] == 4
        assert all(wait < 0.5 * 2**n for n, wait in enumerate(waits, 1))
        assert waits[3] > 1

    async def test_is_not_taken_again_before_its_backoff_is_over(self, database):
        tiny, provider, one = await self.unknown(database)
        await tiny.run()
        await tiny.run()
        assert provider.calls[one] == 1

    async def test_goes_on_once_the_provider_answers(self, database):
        tiny, provider, one = await self.unknown(database)
        await tiny.run()
        provider.after = None
        await tiny.hurry()
        await tiny.run()
        assert (await tiny.at(one)).state == "done"
        assert provider.effects[one] == 1

    async def test_is_parked_when_its_attempts_are_used_up(self, database):
        tiny, provider, one = await self.unknown(database)
        for _ in range(ATTEMPTS_MAX):
            assert (await tiny.at(one)).state == "due"
            await tiny.run()
            await tiny.hurry()
        assert (await tiny.at(one)).state == "parked"
        assert tiny.stops == [(one, "ask", "no answer")]
        assert provider.calls[one] == ATTEMPTS_MAX

    async def test_leaves_its_neighbours_alone(self, database):
        provider = Provider()
        tiny = await Tiny.made(database, outward("ask", provider))
        ids = await tiny.start(64)

        async def lost(ask):
            if ask.subject == ids[5]:
                raise Unavailable("no answer")

        provider.after = lost
        await tiny.run()
        assert await tiny.states() == {"done": 63, "due": 1}
        assert all(provider.calls[i] == 1 for i in ids)


async def test_a_call_with_a_defect_fails_for_its_own_subject_and_is_bounded(database):
    provider = Provider()
    tiny = await Tiny.made(database, outward("ask", provider))
    ids = await tiny.start(64)

    async def stumble(ask):
        await asyncio.sleep(0)
        if ask.subject == ids[5]:
            raise ZeroDivisionError("poison")

    provider.behave = stumble
    for _ in range(ATTEMPTS_MAX):
        await tiny.run()
        await tiny.hurry()
    assert await tiny.states() == {"done": 63, "parked": 1}
    assert tiny.stops == [(ids[5], "ask", "ZeroDivisionError: poison")]
    assert all(provider.calls[i] == 1 for i in ids if i != ids[5])


@pytest.mark.usefixtures("pauses_last")
@pytest.mark.parametrize("where", ["prepare", "record"])
async def test_a_poison_subject_in_a_set_of_64_parks_alone_after_its_attempts(database, where):
    provider, poison = Provider(), []
    step = outward("ask", provider)

    def failing(act):
        async def fail(db, ids, *more):
            if poison[0] in ids:
                raise ZeroDivisionError("poison")
            return await act(db, ids, *more)

        return fail

    object.__setattr__(step.do, where, failing(getattr(step.do, where)))
    tiny = await Tiny.made(database, step)
    ids = await tiny.start(64)
    poison.append(ids[13])
    await tiny.run()
    assert await tiny.states() == {"done": 63, "due": 1}
    assert (await tiny.at(poison[0])).attempts == 1, "finding the poison costs it one attempt"
    for _ in range(ATTEMPTS_MAX - 1):
        await tiny.hurry()
        await tiny.run()
    assert tiny.stops == [(poison[0], "ask", "ZeroDivisionError: poison")]
    assert all(effect == 1 for effect in provider.effects.values())


async def test_a_deadlock_while_recording_is_no_attempt_and_waits_for_no_lease(database):
    provider, victims = Provider(), []
    step = outward("ask", provider)
    record = step.do.record

    async def deadlocked_once(*args):
        if not victims:
            victims.append(1)
            raise Deadlock("victim")
        return await record(*args)

    object.__setattr__(step.do, "record", deadlocked_once)
    tiny = await Tiny.made(database, step)
    [one] = await tiny.start()
    await tiny.run(lease_s=60)
    assert (await tiny.at(one)).state == "done"


async def test_a_refusal_that_may_pass_is_counted_once_an_attempt(database):
    tiny = await Tiny.made(
        database, outward("ask", Provider(), answer=lambda ids: {i: Again("busy") for i in ids})
    )
    [one] = await tiny.start()
    for attempt in range(1, ATTEMPTS_MAX):
        await tiny.run()
        at = await tiny.at(one)
        assert (at.state, at.attempts) == ("due", attempt)
        await tiny.hurry()
    await tiny.run()
    assert tiny.stops == [(one, "ask", "busy")]


async def test_the_answer_may_wait_or_park(database):
    said = [Wait("a new card"), Park("never")]
    tiny = await Tiny.made(
        database, outward("ask", Provider(), answer=lambda ids: dict(zip(ids, said, strict=True)))
    )
    await tiny.start(2)
    await tiny.run()
    assert await tiny.states() == {"waiting": 1, "parked": 1}
    assert [problem for _, _, problem in tiny.stops] == ["never"]


async def test_calls_to_one_provider_are_bounded(database):
    provider = Provider()

    async def breathe(_ask):
        await asyncio.sleep(0.001)

    provider.behave = breathe
    tiny = await Tiny.made(database, outward("ask", provider, at_once=4))
    await tiny.start(40)
    await tiny.run()
    assert provider.most_at_once == {"it": 4}
    assert await tiny.states() == {"done": 40}


class TestALease:
    async def test_keeps_others_away_while_a_slow_call_runs_and_is_renewed(self, database):
        provider = Provider()
        tiny = await Tiny.made(database, outward("ask", provider))

        over = asyncio.Event()

        async def slow(_ask):
            await over.wait()

        provider.behave = slow
        [one] = await tiny.start()
        first = asyncio.create_task(tiny.run(lease_s=6))
        await called(provider, one)
        async with asyncio.timeout(60):
            leases = set()
            while len(leases) < 2:
                await tiny.run(lease_s=6)
                leases |= {(await tiny.at(one)).leased_until} - {None}
                await asyncio.sleep(0.05)
        over.set()
        await first
        assert provider.calls[one] == 1
        assert (await tiny.at(one)).state == "done"

    async def test_of_a_dead_worker_runs_out_and_the_subject_is_taken_again(self, database):
        """W2: the successor has it within the lease."""
        provider = Provider()
        tiny = await Tiny.made(database, outward("ask", provider))
        [one] = await tiny.start()
        await self.die_at(tiny, lease_s=3600)
        assert await tiny.run() == 0, "the lease still holds"
        await run_out(tiny)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"
        assert provider.effects[one] == 1

    async def die_at(self, tiny, *, lease_s):
        """A worker that took the set up, committed its intents, and was never seen again."""
        step = tiny.journey.steps[0]
        async with tiny.database.transaction() as db:
            claimed = await subjects.claim(
                db, tiny.journey.of, step.name, undoing=False, limit=500, only=None
            )
            ids = [c.subject for c in claimed]
            await subjects.lease(db, tiny.journey.of, ids, lease_s)
            await step.do.prepare(db, ids, now())
        return ids

    async def test_a_subject_whose_every_worker_dies_is_parked(self, database):
        tiny = await Tiny.made(database, outward("ask", Provider()))
        [one] = await tiny.start()
        for _ in range(ATTEMPTS_MAX):
            assert await self.die_at(tiny, lease_s=0) == [one]
        await tiny.run()
        assert (await tiny.at(one)).state == "parked"
        [(_, _, problem)] = tiny.stops
        assert "workers that took it up ended" in problem

    async def test_that_was_lost_records_nothing(self, database):
        """W1: the stale worker comes back after its successor has finished."""
        provider, away = Provider(), asyncio.Event()
        tiny = await Tiny.made(database, outward("ask", provider), local("two"))

        async def stall(ask):
            if provider.calls[ask.subject] == 1:
                await away.wait()

        provider.behave = stall
        [one] = await tiny.start()
        stale = tiny.runner(lease_s=3600)
        stale._renewing = lambda *_: _nothing()
        gone = asyncio.create_task(stale.run_until_idle())
        await called(provider, one)
        await run_out(tiny)
        await tiny.run()
        assert (await tiny.at(one)).state == "done"
        away.set()
        await gone
        assert await tiny.done(one) == ["ask?", "ask?", "ask", "two"]
        assert provider.effects[one] == 1

    async def test_that_was_lost_fails_nothing_and_gives_no_other_lease_up(self, database):
        """W1 for failures: a stale worker's defect neither puts the subject off nor frees its successor's lease."""
        provider, away, here = Provider(), asyncio.Event(), asyncio.Event()
        step = outward("ask", provider)
        record = step.do.record

        async def poisoned(db, ids, answers, at):
            if not answers:  # none of the answers is this worker's to record any more
                raise ZeroDivisionError("stale")
            return await record(db, ids, answers, at)

        async def stall(ask):
            if provider.calls[ask.subject] == 1:
                await away.wait()
            else:
                away.set()
                await here.wait()

        provider.behave = stall
        tiny = await Tiny.made(database, step)
        [one] = await tiny.start()
        stale = tiny.runner(lease_s=3600)
        stale._renewing = lambda *_: _nothing()
        object.__setattr__(step.do, "record", poisoned)
        gone = asyncio.create_task(stale._outward_set(tiny.journey, step, step.do, undoing=False))
        await called(provider, one)
        await run_out(tiny)
        successor = asyncio.create_task(tiny.run(lease_s=3600))
        await gone
        at = await tiny.at(one)
        assert at.leased_until is not None
        assert at.leased_until > now() + timedelta(seconds=1800)
        here.set()
        await successor
        at = await tiny.at(one)
        assert (at.state, at.attempts, at.problem) == ("done", 0, None)

    async def test_moves_on_when_a_person_steps_in_so_the_call_under_way_records_nothing(self, database):
        provider, calling, here = Provider(), asyncio.Event(), asyncio.Event()
        tiny = await Tiny.made(database, outward("ask", provider))

        async def stall(_ask):
            calling.set()
            await here.wait()

        provider.behave = stall
        [one] = await tiny.start()
        working = asyncio.create_task(tiny.run())
        await asyncio.wait_for(calling.wait(), 60)
        async with database.transaction() as db:
            await journeys.pause(db, "tiny", one)
        here.set()
        await working
        assert (await tiny.at(one)).state == "paused"
        assert await tiny.done(one) == ["ask?"]
        async with database.transaction() as db:
            await journeys.resume(db, "tiny", one)
        await tiny.run()
        assert await tiny.done(one) == ["ask?", "ask?", "ask"]
        assert provider.effects[one] == 1

    async def test_late_renewal_leases_nothing_that_was_recorded(self, database):
        provider = Provider()
        tiny = await Tiny.made(database, outward("ask", provider), outward("tell", provider))
        await tiny.start(20)

        async def slow(_ask):
            await asyncio.sleep(0.03)

        provider.behave = slow
        await tiny.run(lease_s=0.03)
        assert await tiny.states() == {"done": 20}


async def called(provider, subject):
    """Wait until somebody is at the provider with it."""
    async with asyncio.timeout(60):
        while not provider.calls[subject]:  # noqa: ASYNC110 - another task calls
            await asyncio.sleep(0.01)


async def run_out(tiny):
    """Every lease is over, as if its time had passed."""
    async with tiny.database.transaction() as db:
        await db.execute(
            "UPDATE plumbing.subjects SET leased_until = clock_timestamp() - interval '1 second'"
        )


class _nothing:  # noqa: N801 - stands where a function stood
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None


async def test_an_undo_that_calls_out_runs_the_same_way(database):
    provider, back = Provider(), Provider()
    tiny = await Tiny.made(
        database, local("one", undo=True), outward("ask", provider, undo=back), local("two")
    )
    [one] = await tiny.start()
    await tiny.run()
    for _ in range(2):
        async with database.transaction() as db:
            await journeys.turn_back(db, "tiny", one, reason="given up")
        await tiny.run()
    assert (await tiny.at(one)).state == "undone"
    assert back.calls[one] == 1
    assert await tiny.done(one) == ["one", "ask?", "ask", "two", "not ask?", "not ask", "not one"]


async def test_an_undo_whose_outcome_is_unknown_comes_again(database):
    back = Provider()
    tiny = await Tiny.made(database, outward("ask", Provider(), undo=back))

    async def lost(ask):
        if back.calls[ask.subject] == 1:
            raise Unavailable("no answer")

    back.after = lost
    [one] = await tiny.start()
    await tiny.run()
    async with database.transaction() as db:
        await journeys.turn_back(db, "tiny", one, reason="given up")
    await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.undoing, at.attempts) == ("due", True, 1)
    await tiny.hurry()
    await tiny.run()
    assert (await tiny.at(one)).state == "undone"
    assert back.effects[one] == 1


async def test_the_recording_is_one_transaction(database):
    """What the record wrote is gone with it when its set fails, and is there once when it goes through."""
    provider, tries = Provider(), []
    step = outward("ask", provider)
    record = step.do.record

    async def write_then_stumble(db, ids, answers, at):
        await note(db, ids, "half")
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError("after writing")
        return await record(db, ids, answers, at)

    object.__setattr__(step.do, "record", write_then_stumble)
    tiny = await Tiny.made(database, step)
    [one] = await tiny.start()
    await tiny.run()
    assert await tiny.done(one) == ["ask?"]
    await tiny.hurry()
    await tiny.run()
    assert await tiny.done(one) == ["ask?", "ask?", "half", "ask"]
