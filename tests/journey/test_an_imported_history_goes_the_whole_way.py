"""Real orders of an imported history, from their source's rows to their end, while processes are killed around them."""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from orderloom.insight import audit
from orderloom.orders.channels.channel import Translation
from orderloom.simulate import importing
from orderloom.simulate.sabotage import Killer
from orderloom.simulate.whole_way import WholeWay

pytestmark = pytest.mark.slow


async def test_every_order_ends_as_its_source_says_though_processes_are_killed(database, real_data):
    translation = importing.first(importing.translate_folder("olist", real_data("olist")), 30)
    killer = Killer(times=4, victims=("api", "worker", "gateway"), pause_s=(0.3, 1.5), seed=3)
    with tempfile.TemporaryDirectory(prefix="orderloom-test-") as place:
        run = WholeWay(
            database=database,
            name="olist",
            translation=translation,
            data_dir=Path(place),
            sabotage=killer,
            within=timedelta(minutes=5),
        )
        figures = await run.run()
    assert killer.killed.total() == 4
    assert {name for name, held in figures["proofs"].items() if not held} == set()
    assert figures["ours"]["exceptions"] == 0
    assert [finding.json() for finding in await audit.of_database(database) if finding.count] == []


async def test_a_run_that_never_settles_ends_with_its_time(database, tmp_path):
    never = WholeWay(
        database=database,
        name="olist",
        translation=Translation(channels=(), nodes=(), items=(), stock={}, drafts=()),
        data_dir=tmp_path,
        within=timedelta(milliseconds=1),
    )
    assert await never._in_time(asyncio.sleep(3600, True)) is False


async def test_a_rerun_changes_nothing(database, real_data):
    translation = importing.first(importing.translate_folder("olist", real_data("olist")), 200)
    with tempfile.TemporaryDirectory(prefix="orderloom-test-") as place:
        runs = [
            WholeWay(database=database, name="olist", translation=translation, data_dir=Path(place))
            for _ in range(2)
        ]
        first, second = [await run.capture_only() for run in runs]
    assert (first["new"], second["new"], second["set_up"]) == (200, 0, 0)
    assert first["ours"] == second["ours"]
