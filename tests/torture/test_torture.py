"""Clients at random while everything dies under them; and builds without a guard, which the same run must catch.

Longer runs, and the one command that repeats a run: `scripts/torture.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import asyncpg
import pytest

from bench.buyers import serving
from tests.conftest import roomy
from tests.torture.checker import check
from tests.torture.torturing import Asked, let_loose, torture
from tests.torture.world import VICTIMS, furnished, shown


@pytest.fixture
def place():
    """Outside pytest's own directory, which the private database's system user may not enter when we are root."""
    with tempfile.TemporaryDirectory(prefix="orderloom-torture-", dir=roomy()) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.mark.slow
async def test_nothing_is_oversold_lost_or_done_twice_while_processes_and_database_die(place) -> None:
    asked = Asked(clients=8, operations=24, seed=11, kill=VICTIMS, kills=5, pause_s=(0.4, 1.2), apis=2)
    verdict = await torture(asked, place)
    assert not verdict.violations, f"{verdict.violations}\nto repeat it: {asked.command}"
    assert all(verdict.killed[kind] for kind in VICTIMS)
    assert {did.outcome for did in verdict.history} >= {"ok", "refused"}
    assert any(len(did.tried) > 1 for did in verdict.history), "nobody was ever left without an answer"


@pytest.mark.parametrize(
    ("defect", "caught_by"),
    [
        ("unlocked", {"never_oversold"}),
        ("forgetful", {"nothing_acknowledged_is_lost"}),
        ("repeating", {"no_unit_appears_or_vanishes"}),
        ("unasking", {"never_oversold"}),
        ("keeping", {"promises_are_somebodys"}),
    ],
)
async def test_a_build_without_a_guard_is_caught(database_url, tmp_path, defect, caught_by) -> None:
    api_key = await furnished(database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE inventory.stock DROP CONSTRAINT never_oversold")
    await connection.close()
    asked = Asked(clients=4, operations=8, seed=3)
    command = ("tests.torture.careless", defect)
    async with serving(database_url, tmp_path, 2, command=command) as addresses:
        history = await let_loose(asked, addresses, api_key)
        final = await shown(addresses[0], api_key, database_url)
    found = check(history, final)
    assert caught_by <= found.keys(), found.keys()
