"""What a person may do to a subject: pause, resume, retry, skip, rewind, turn back; and undo, in reverse and once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from orderloom.plumbing import journeys
from orderloom.plumbing.journeys import IllegalMove, NoSuchSubject, Park, Wait
from orderloom.terms import new_id
from tests.store.plumbing.tiny import Provider, Tiny, local, outward


async def stop_here(_db, ids):
    return {i: Wait("a person") for i in ids}


@pytest.fixture
async def tiny(database) -> Tiny:
    """Four steps, all with an undo but the third, waiting at the last."""
    return await Tiny.made(
        database,
        local("one", undo=True),
        local("two", undo=True),
        local("three"),
        local("four", stop_here, undo=True),
    )


@pytest.fixture
async def one(tiny):
    """A subject that waits at the last step."""
    [one] = await tiny.start()
    await tiny.run()
    assert (await tiny.at(one)).step == "four"
    return one


async def do(tiny: Tiny, act: Callable[..., Awaitable[object]], *args: object, **more: object) -> object:
    async with tiny.database.transaction() as db:
        said = await act(db, *args, **more)
    await tiny.run()
    return said


class TestPausing:
    async def test_lets_no_further_step_begin_until_resumed(self, tiny):
        [one] = await tiny.start()
        await do(tiny, journeys.pause, "tiny", one)
        assert (await tiny.at(one)).state == "paused"
        assert await tiny.done(one) == []
        await do(tiny, journeys.resume, "tiny", one)
        assert await tiny.done(one) == ["one", "two", "three"]

    async def test_while_undoing_resumes_the_undoing(self, tiny, one):
        async with tiny.database.transaction() as db:
            await journeys.rewind(db, tiny.journey, one, to="two")
            await journeys.pause(db, "tiny", one)
            await journeys.resume(db, "tiny", one)
        await tiny.run()
        assert (await tiny.done(one))[3:] == ["not four", "not two", "two", "three"]

    async def test_of_an_ended_or_unknown_subject_is_refused(self, database):
        tiny = await Tiny.made(database, local("one"))
        [one] = await tiny.start()
        await tiny.run()
        for act in (journeys.pause, journeys.resume, journeys.retry):
            with pytest.raises(IllegalMove, match="is done"):
                await do(tiny, act, "tiny", one)
            with pytest.raises(NoSuchSubject):
                await do(tiny, act, "tiny", new_id())


class TestSkipping:
    async def test_passes_over_the_present_step(self, database):
        async def park(_db, ids):
            return {i: Park("no") for i in ids}

        tiny = await Tiny.made(database, local("one", park), local("two"))
        [one] = await tiny.start()
        await tiny.run()
        assert await do(tiny, journeys.skip, tiny.journey, one) == "two"
        assert await tiny.done(one) == ["two"]
        assert (await tiny.at(one)).state == "done"

    async def test_the_last_step_ends_the_journey(self, tiny, one):
        assert await do(tiny, journeys.skip, tiny.journey, one) is None
        assert (await tiny.at(one)).state == "done"
        with pytest.raises(IllegalMove, match="nothing to skip"):
            await do(tiny, journeys.skip, tiny.journey, one)

    async def test_while_undoing_passes_over_that_undo_and_goes_on_undoing(self, tiny, one):
        async with tiny.database.transaction() as db:
            await journeys.turn_back(db, "tiny", one, reason="cancelled")
            assert await journeys.skip(db, tiny.journey, one) == "three"
        await tiny.run()
        assert (await tiny.at(one)).state == "undone"
        assert (await tiny.done(one))[3:] == ["not two", "not one"]

    async def test_the_last_undo_ends_it_as_undone(self, tiny):
        [one] = await tiny.start()
        async with tiny.database.transaction() as db:
            await journeys.turn_back(db, "tiny", one, reason="cancelled")
            assert await journeys.skip(db, tiny.journey, one) is None
        assert (await tiny.at(one)).state == "undone"

    async def test_the_undo_it_was_rewound_to_goes_forward_from_there(self, tiny, one):
        async with tiny.database.transaction() as db:
            await journeys.rewind(db, tiny.journey, one, to="four")
            assert await journeys.skip(db, tiny.journey, one) == "four"
        await tiny.run()
        assert (await tiny.at(one)).state == "waiting"
        assert await tiny.done(one) == ["one", "two", "three"]


class TestRewinding:
    async def test_undoes_in_reverse_as_far_as_the_step_and_goes_forward_again(self, tiny, one):
        await do(tiny, journeys.rewind, tiny.journey, one, to="two")
        assert (await tiny.done(one))[3:] == ["not four", "not two", "two", "three"]
        at = await tiny.at(one)
        assert (at.state, at.step, at.undoing, at.undo_to) == ("waiting", "four", False, None)

    async def test_forward_or_to_nowhere_is_refused(self, tiny):
        [one] = await tiny.start()
        for to in ("two", "nowhere"):
            with pytest.raises(IllegalMove, match="choose one of"):
                await do(tiny, journeys.rewind, tiny.journey, one, to=to)

    async def test_what_is_being_given_up_is_refused(self, tiny, one):
        async with tiny.database.transaction() as db:
            await journeys.turn_back(db, "tiny", one, reason="cancelled")
            with pytest.raises(IllegalMove, match="given up"):
                await journeys.rewind(db, tiny.journey, one, to="two")
        await tiny.run()
        with pytest.raises(IllegalMove, match="given up"):
            await do(tiny, journeys.rewind, tiny.journey, one, to="one")


class TestTakingUp:
    async def test_goes_on_from_an_earlier_step_and_undoes_nothing(self, tiny, one):
        await do(tiny, journeys.take_up, tiny.journey, one, at="two")
        assert await tiny.done(one) == ["one", "two", "three", "two", "three"]
        assert ((await tiny.at(one)).state, (await tiny.at(one)).step) == ("waiting", "four")

    async def test_leaves_a_pause_and_a_step_not_reached_as_they_are_and_refuses_what_is_given_up(
        self, tiny, one
    ):
        async with tiny.database.transaction() as db:
            await journeys.take_up(db, tiny.journey, one, at="four")
            await journeys.pause(db, "tiny", one)
            await journeys.take_up(db, tiny.journey, one, at="two")
        assert ((await tiny.at(one)).state, (await tiny.at(one)).step) == ("paused", "two")
        await do(tiny, journeys.turn_back, "tiny", one, reason="cancelled")
        with pytest.raises(IllegalMove, match="given up"):
            await do(tiny, journeys.take_up, tiny.journey, one, at="one")


class TestTurningBack:
    async def test_undoes_everything_in_reverse(self, tiny, one):
        await do(tiny, journeys.turn_back, "tiny", one, reason="cancelled")
        at = await tiny.at(one)
        assert (at.state, at.step) == ("undone", "one")
        assert (await tiny.done(one))[3:] == ["not four", "not two", "not one"]

    async def test_twice_is_harmless(self, tiny, one):
        async with tiny.database.transaction() as db:
            await journeys.turn_back(db, "tiny", one, reason="cancelled")
            await journeys.turn_back(db, "tiny", one, reason="cancelled again")
        await tiny.run()
        await do(tiny, journeys.turn_back, "tiny", one, reason="and again")
        assert (await tiny.done(one))[3:] == ["not four", "not two", "not one"]

    async def test_ends_a_rewind_under_way(self, tiny, one):
        """A cancellation that meets a rewind gives the journey up; nothing goes forward again."""
        async with tiny.database.transaction() as db:
            await journeys.rewind(db, tiny.journey, one, to="two")
            await journeys.turn_back(db, "tiny", one, reason="cancelled")
        await tiny.run()
        assert (await tiny.at(one)).state == "undone"
        assert (await tiny.done(one))[3:] == ["not four", "not two", "not one"]

    async def test_after_an_earlier_rewind_goes_all_the_way(self, tiny, one):
        await do(tiny, journeys.rewind, tiny.journey, one, to="three")
        await do(tiny, journeys.turn_back, "tiny", one, reason="cancelled")
        assert (await tiny.at(one)).state == "undone"

    async def test_a_parked_or_waiting_subject_works_as_well(self, database):
        async def park(_db, ids):
            return {i: Park("no") for i in ids}

        tiny = await Tiny.made(
            database, local("one", undo=True), outward("ask", Provider()), local("two", park)
        )
        [one] = await tiny.start()
        await tiny.run()
        await do(tiny, journeys.turn_back, "tiny", one, reason="cancelled")
        assert (await tiny.done(one))[-1] == "not one"
        assert (await tiny.at(one)).state == "undone"


async def test_an_undo_that_fails_is_retried_and_parked_at_last(database):
    async def fail(_db, _ids, _now):
        raise ZeroDivisionError("poison")

    step = local("two", stop_here, undo=True)
    object.__setattr__(step, "undo", fail)
    tiny = await Tiny.made(database, local("one", undo=True), step)
    [one] = await tiny.start()
    await tiny.run()
    await do(tiny, journeys.turn_back, "tiny", one, reason="cancelled")
    for _ in range(12):
        await tiny.hurry()
        await tiny.run()
    at = await tiny.at(one)
    assert (at.state, at.undoing, at.step) == ("parked", True, "two")
    assert tiny.stops == [(one, "two", "ZeroDivisionError: poison")]
    await do(tiny, journeys.skip, tiny.journey, one)
    assert (await tiny.at(one)).state == "undone"
    assert (await tiny.done(one))[-1] == "not one"
