"""The engine's proofs share one database, emptied of what travelled; what the engine logs of failed steps is caught."""

from __future__ import annotations

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from orderloom.plumbing.database import Database
from tests.conftest import clone, drop


@pytest.fixture(autouse=True)
def logged():
    """What was logged: steps fail here by the hundred."""
    with capture_logs() as entries:
        yield entries


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def shared(postgres):
    """One database for all: cloning one costs more than most of these tests."""
    name = await clone(postgres)
    opened = await Database.open(postgres.url(name), max_size=20)
    yield opened
    await opened.close()
    await drop(postgres, name)


@pytest.fixture
async def database(shared):
    """The shared database with nobody on the way."""
    async with shared.transaction() as db:
        await db.execute("DROP TABLE IF EXISTS plumbing.done_here, plumbing.facts")
        await db.execute("DELETE FROM plumbing.subjects")
        await db.execute("DELETE FROM plumbing.wakes")
    return shared


@pytest.fixture
def pauses_last(monkeypatch) -> None:
    """Who was put off is not due again before the test says so, however slow the machine."""
    monkeypatch.setattr("orderloom.plumbing.outcomes.BACKOFF_FIRST_S", 300.0)
