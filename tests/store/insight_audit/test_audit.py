"""The audit is silent about a sound world, and each invariant sees the violation that is planted for it."""

from importlib import import_module
from pathlib import Path

import pytest

from orderloom.insight import audit
from orderloom.insight.audit import SAMPLE_ROWS, Finding
from orderloom.insight.invariants import collected
from orderloom.insight.invariants.invariant import Invariant
from tests.store.insight_audit import sound

PLANTINGS = {
    key: plant
    for file in sorted((Path(__file__).parent / "plantings").glob("*.py"))
    for key, plant in import_module(f"tests.store.insight_audit.plantings.{file.stem}").PLANTINGS.items()
}


def test_every_invariant_has_a_planting_and_the_reverse():
    assert set(PLANTINGS) == {invariant.key for invariant in collected()}


async def test_an_empty_house_is_clean(db):
    assert [finding.json() for finding in await audit.run(db) if finding.count] == []


async def test_a_sound_world_is_clean(db):
    await sound.build(db)
    assert [finding.json() for finding in await audit.run(db) if finding.count] == []


@pytest.mark.parametrize("invariant", collected(), ids=lambda invariant: invariant.key)
async def test_a_planted_violation_is_seen(db, invariant):
    world = await sound.build(db)
    await PLANTINGS[invariant.key](db, world)
    (finding,) = await audit.run(db, invariants=[invariant])
    assert finding.count >= 1
    assert finding.rows
    assert finding.json()["violations"] == finding.count


async def test_all_violations_are_counted_and_the_first_few_are_shown(db):
    many = Invariant(key="X1.many", says="", sql="SELECT n FROM generate_series(1, 1000) AS n")
    (finding,) = await audit.run(db, invariants=[many])
    assert finding == Finding(many, 1000, [{"n": n + 1} for n in range(SAMPLE_ROWS)])
