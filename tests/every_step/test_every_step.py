"""Every step of every journey: repeated, failed, killed, undone. Made from the tables: a new step is proven at once."""

from __future__ import annotations

import signal

import pytest

from orderloom.plumbing import journeys
from orderloom.plumbing.journeys import Outward
from tests.every_step.tables import (
    EVERY_STEP,
    OUTWARD,
    alone,
    fail,
    journey,
    moments,
    step_of,
    stopped_before,
    struck,
)

# One process has the merchant and its surroundings; a second would set up as much for the other half.
pytestmark = pytest.mark.xdist_group("every_step")

STEPS = pytest.mark.parametrize(("of", "name"), EVERY_STEP, ids=[f"{of}-{name}" for of, name in EVERY_STEP])
# One order has every step of a journey disturbed on its way: a way of its own for each step would prove no more.
JOURNEYS = pytest.mark.parametrize("of", list(dict.fromkeys(of for of, _ in EVERY_STEP)))


async def each_step(street, of):
    """The names of the journey's steps, one after the other, each with those of one order who stand before it."""
    await street.begin()
    for step in journey(of).steps:
        await street.let_go()
        yield step.name, await brought(street, of, step.name)


async def brought(street, of, name, *, wait_fulfilled=True):
    """Subjects that stand before the step, with what it waits for having happened."""
    await street.bring(stopped_before(of, name), until=None if wait_fulfilled else (of, name))
    found = await street.stopped(of, name)
    assert found, f"nobody was brought to {of}.{name}: let somebody in street.py act so that one comes there"
    await street.put_at(of, name, found)
    return found


async def ends_as_if_undisturbed(street, undisturbed):
    await street.let_go()
    await street.bring()
    assert await street.effects() == undisturbed
    await street.sound()


async def test_an_undisturbed_order_shows_every_kind_of_effect(undisturbed):
    """Or the proofs below would compare nothing with nothing."""
    assert [kind for kind, _ in undisturbed["gateway"]] == ["authorize", "capture", "refund", "void"]
    assert len(undisturbed["labels"]) == 2
    assert {bought for _, bought in undisturbed["labels"]} == {1}
    assert undisturbed["manifests"] == 1
    assert undisturbed["told"] == 1
    assert len(undisturbed["letters"]) >= 4
    assert not any(undisturbed["stock"]), "what was sold has come back"
    assert undisturbed["cases"] == []
    assert undisturbed["offered"] == [True, True]
    assert undisturbed["filed"] == [("done", 1, 1, 1, 2)]


@JOURNEYS
async def test_done_twice_each_step_takes_effect_once(street, undisturbed, of):
    async for name, found in each_step(street, of):
        await street.run(alone(of, name))
        once = await street.effects()
        await street.put_at(of, name, found)
        await street.run(alone(of, name))
        assert await street.effects() == once, name
    await ends_as_if_undisturbed(street, undisturbed)


@JOURNEYS
async def test_failed_at_every_moment_each_step_is_tried_again_and_comes_to_the_same_end(
    street, undisturbed, of
):
    async for name, found in each_step(street, of):
        for moment in moments(step_of(of, name)):
            before = await street.effects() if moment == "done" else None
            await street.run(alone(of, name, lambda step, m=moment: struck(step, m, fail)))
            async with street.database.transaction() as db:
                at = [s for s in await journeys.look(db, found) if s.journey == of]
            assert {(s.step, s.state) for s in at} == {(name, "due")}
            assert all("Injected" in s.problem for s in at)
            if before is not None:
                assert await street.effects() == before, f"{name}: rolled back"
            await street.put_at(of, name, found)
    await ends_as_if_undisturbed(street, undisturbed)


@JOURNEYS
async def test_killed_at_every_moment_another_worker_finishes_each_step(street, undisturbed, killed, of):
    async for name, _ in each_step(street, of):
        for moment in moments(step_of(of, name)):
            await street.end_leases()
            ended_by = await killed(of, name, moment)
            assert ended_by == signal.SIGKILL, f"the worker was not killed when {name} was {moment}"
    await ends_as_if_undisturbed(street, undisturbed)


# From these steps on what was done is out in the world: the rest of the journey has no undo, and says why.
NO_WAY_BACK = {
    "order": "settle",
    "job": "take",
    "fulfillment": "charge",
    "return": "inspect",
    "manifest": "hand_over",
    "notice": "send",
    "webhook": "post",
    "availability": "push",
    "reconciliation": "compare",
}


@STEPS
async def test_turned_back_it_leaves_a_clean_slate_and_twice_changes_nothing(street, of, name):
    table, step = journey(of), step_of(of, name)
    if step.undo is None:
        assert len(step.no_undo.split()) > 2, "a step without undo says why"
    if table.at[name] >= table.at[NO_WAY_BACK[of]]:
        assert step.undo is None
        return
    await street.begin()
    found = await brought(street, of, name, wait_fulfilled=False)
    await street.give_up(of, found)
    slate = await street.effects()
    clean(slate, of)
    await street.undo_once_more(of, name, found)
    assert await street.effects() == slate
    await street.sound()


UNDONE_OUTSIDE = [(of, name) for of, name in EVERY_STEP if isinstance(step_of(of, name).undo, Outward)]


@pytest.mark.parametrize("moment", OUTWARD)
@pytest.mark.parametrize(("of", "name"), UNDONE_OUTSIDE, ids=[f"{of}-{name}" for of, name in UNDONE_OUTSIDE])
async def test_turned_back_while_nobody_knows_its_outcome(street, killed, of, name, moment):
    """Its worker died; whether the other side did it is found out by the undo, which takes it back."""
    await street.begin()
    found = await brought(street, of, name, wait_fulfilled=False)
    assert await killed(of, name, moment) == signal.SIGKILL
    await street.give_up(of, found)
    clean(await street.effects(), of)
    await street.sound()


def clean(slate, of):
    """Nothing is left of it outside, and stock is as it was."""
    assert slate["cases"] == []
    if of == "return":
        assert sorted(status for status, _ in slate["labels"])[1:] in ([], ["voided"]), (
            "no label home is good"
        )
        assert "refund" not in [kind for kind, _ in slate["gateway"]]
        return
    assert not any(slate["stock"])
    held = {
        kind: sum(n for k, n in slate["gateway"] if k == kind) for kind in ("authorize", "void", "capture")
    }
    assert held["authorize"] == held["void"]
    assert held["capture"] == 0
    assert {status for status, _ in slate["labels"]} <= {"voided"}
    assert {rank for _, rank, _ in slate["slices"]} == {"cancelled"}
    assert {status for status, _ in slate["works"]} <= {"cancelled"}
    assert slate["order"][0] == "cancelled"
