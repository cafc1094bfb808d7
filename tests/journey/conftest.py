"""The house with its real surroundings: sandbox gateway, carriers and mailbox as processes, and a worker in hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import settings
from orderloom.simulate.surroundings import Addresses, planned
from tests.journey.house import House


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def outside() -> AsyncIterator[Addresses]:
    """The outside world, started once a run; the settings point at it."""
    around = planned(database_url="unused", data_dir=Path(tempfile.mkdtemp(prefix="orderloom-outside-")))
    before = {name: os.environ.get(name) for name in around.addresses.environment}
    os.environ.update(around.addresses.environment)
    settings.cache_clear()
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
    settings.cache_clear()


@pytest.fixture
async def house(database: Database, outside: Addresses) -> AsyncIterator[House]:
    """A small merchant with two nodes, two carriers and stock, spoken to through its API."""
    async with House.opened(database, outside) as opened:
        yield opened
