"""The house with its real surroundings: sandbox gateway, carriers and mailbox as processes, and a worker in hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orderloom.journey import setup
from orderloom.journey.setup import Setup
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.simulate import demo_data
from orderloom.simulate.surroundings import Addresses, planned
from tests.conftest import clone, drop, forget_adapters
from tests.journey.house import House


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def outside() -> AsyncIterator[Addresses]:
    """The outside world, started once a run; the settings point at it."""
    around = planned(database_url="unused", data_dir=Path(tempfile.mkdtemp(prefix="orderloom-outside-")))
    before = {name: os.environ.get(name) for name in around.addresses.environment}
    os.environ.update(around.addresses.environment)
    forget_adapters()
    for process in around.outside:
        await process.start()
    yield around.addresses
    for process in around.outside:
        await process.stop()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    forget_adapters()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def furnished(postgres: EmbeddedPostgres) -> AsyncIterator[tuple[str, Setup]]:
    """A database with the demo's network in it, for the stories to be cloned from."""
    name, world = await clone(postgres, kind="furnished"), demo_data.setup()
    opened = await Database.open(postgres.url(name))
    async with opened.transaction() as db:
        await setup.put(db, wanted=world)
    await opened.close()
    yield name, world
    await drop(postgres, name)


@pytest.fixture
async def house(
    postgres: EmbeddedPostgres, furnished: tuple[str, Setup], outside: Addresses
) -> AsyncIterator[House]:
    """A small merchant with eight nodes, four carriers and stock, on a database of its own."""
    name = await clone(postgres, template=furnished[0], kind="house")
    opened = await Database.open(postgres.url(name))
    yield House(opened, outside, furnished[1])
    await opened.close()
    await drop(postgres, name)
