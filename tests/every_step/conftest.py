"""One merchant for all proofs, with its outside world, and a process that forks workers to be killed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from orderloom import sync
from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import settings
from orderloom.sync.feeds import feed_named
from tests.conftest import clone, drop
from tests.every_step.street import Street, Told, written
from tests.every_step.tables import KILLED
from tests.journey.conftest import furnished, outside  # noqa: F401 - fixtures, asked for by name
from tests.journey.house import House


@pytest.fixture(autouse=True)
def logged():
    """What was logged: steps fail here on purpose."""
    with capture_logs() as entries:
        yield entries


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def street(postgres, furnished, outside, tmp_path_factory):  # noqa: F811 - the fixtures imported above
    """The merchant."""
    name, told = await clone(postgres, template=furnished[0], kind="street"), Told()
    opened = await Database.open(postgres.url(name))
    await told.open()
    os.environ["ORDERLOOM_WEBHOOK_PRIVATE_HOSTS"] = "true"
    os.environ["ORDERLOOM_FEED_DIR"] = str(tmp_path_factory.mktemp("feeds"))
    settings.cache_clear()
    feed_named.cache_clear()
    async with opened.transaction() as db:
        url = f"http://127.0.0.1:{told.port}/hooks"
        await sync.register(db, url=url, types=["order.confirmed"], private=True)
        await db.execute(
            "UPDATE network.channels SET availability_feed = $1 WHERE code = 'web'",
            {"adapter": "csv", "file": "web.csv"},
        )
    yield Street(House(opened, outside, furnished[1]), told)
    del os.environ["ORDERLOOM_WEBHOOK_PRIVATE_HOSTS"], os.environ["ORDERLOOM_FEED_DIR"]
    settings.cache_clear()
    feed_named.cache_clear()
    await told.close()
    await opened.close()
    await drop(postgres, name)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def undisturbed(street):
    """What an order brings about that nothing ever disturbs: the end all others must come to as well."""
    await street.begin()
    await street.bring()
    await street.sound()
    return await street.effects()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def killed(street):
    """Has a worker take a step along and die at a moment of it; returns the signal that ended it, once the server knows too."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("killed_worker.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )

    async def worker(of: str, step: str, moment: str) -> int:
        order = {"database": street.database.url, "journey": of, "step": step, "moment": moment}
        process.stdin.write(written(order))
        ended_by = int(await asyncio.wait_for(process.stdout.readline(), 120))
        await street.see_off(KILLED)
        return ended_by

    yield worker
    process.stdin.close()
    await process.wait()
