"""What tests stand on: one private PostgreSQL for the whole run, and databases cloned from a migrated template.

- ``db``: a connection in a transaction that is rolled back; the cheapest, for everything a single connection can show.
- ``database``: an ``orderloom.plumbing.database.Database`` on a database of the test's own, for concurrency and for what commits.
- ``database_url``: such a database's address alone, for tests that start processes.
- ``real_data("olist")``: the folder of a real data set beside the clone, or a skip that says so.

All tests and fixtures share one event loop (see pyproject.toml), so a pool may outlive a test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from filelock import FileLock
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from orderloom.notices.senders import sender_for
from orderloom.payments.gateways import gateway_named
from orderloom.plumbing import database as database_module
from orderloom.plumbing import garbage
from orderloom.plumbing.database import Database, Db
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from orderloom.plumbing.settings import settings
from orderloom.shipping.carriers import adapter
from orderloom.sync.feeds import feed_named

# Examples are the same in every run, and take the time they take: a loaded machine is no fault of what is shown.
# HYPOTHESIS_PROFILE=nightly looks for new ones.
hypothesis_settings.register_profile("nightly", deadline=None, print_blob=True)
hypothesis_settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("nightly" if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else "same")

# Five thousand tests and all that they import live to the end: they are not looked through for garbage again and again.
garbage.search_seldom(beyond=garbage.IN_SETS)

# A loaded machine may keep somebody waiting for a connection for longer than a buyer would wait.
database_module.PATIENCE_S = 60

ROOT = Path(__file__).parents[1]
TEMPLATE = "template_orderloom"
# A test's rows need not survive a power cut, and its log is soon of no use; everything else is as in earnest.
SERVER_OPTIONS = {
    "fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "max_wal_size": "128MB",
}  # fmt: skip
# What a run's databases and their log take at most, with a good deal to spare.
ROOM = 2 * 2**30


def pytest_collection_finish() -> None:
    """All tests are there."""
    garbage.search_seldom(beyond=garbage.IN_SETS)


def forget_adapters() -> None:
    """Adapters are set up from the settings at first use, perhaps by another suite of the same run."""
    for cached in (settings, adapter, gateway_named, sender_for, feed_named):
        cached.cache_clear()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The run's server, shared by all xdist workers; the last worker to finish stops it."""
    place = roomy() / f"orderloom-tests-{_run_id(tmp_path_factory)}"
    place.mkdir(mode=0o711, exist_ok=True)
    server = EmbeddedPostgres(place, options=SERVER_OPTIONS)
    with FileLock(place / "tests.lock"):
        server.start()
        if not (place / "template.ready").exists():
            asyncio.run(_make_template(server))
            (place / "template.ready").touch()
    yield server
    with FileLock(place / "tests.lock"):
        server.release()
        stopped = not (server.cluster / "postmaster.pid").exists()
    if stopped:
        shutil.rmtree(place, ignore_errors=True)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def _connection(postgres: EmbeddedPostgres) -> AsyncIterator[dict[str, Any]]:
    """The worker's one connection for ``db``, opened anew if a test broke it."""
    name = await clone(postgres)
    kept: dict[str, Any] = {"url": postgres.url(name), "db": None}
    yield kept
    if kept["db"] is not None:
        await kept["db"].close()
    await drop(postgres, name)


@pytest.fixture
async def db(_connection: dict[str, Any]) -> AsyncIterator[Db]:
    """A connection in a transaction that is rolled back."""
    if _connection["db"] is None or _connection["db"].is_closed():
        _connection["db"] = await _connect(_connection["url"])
    connection = _connection["db"]
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    if not connection.is_closed():
        await transaction.rollback()


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The address of a migrated database of the test's own, dropped afterwards."""
    name = await clone(postgres)
    yield postgres.url(name)
    await drop(postgres, name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a migrated database of the test's own."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The folder of a real data set, kept beside the clone and never in it."""

    def find(name: str) -> Path:
        folder = ROOT.parent / "shared/data" / name
        if not folder.is_dir():
            pytest.skip(f"real-data test skipped: ../shared/data/{name} is absent")
        return folder

    return find


def roomy() -> Path:
    """Where a test's server keeps its files: in memory, if it has room for them.

    A database of a test's own is 770 files to copy and to remove, which on a disk took up to ten times as long. Never below pytest's
    own directory, which the server's system user may not enter when we are root.
    """
    memory = Path("/dev/shm")  # noqa: S108 - each server makes a directory of its own there
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM:
        return memory
    return Path(tempfile.gettempdir())


def _run_id(tmp_path_factory: pytest.TempPathFactory) -> str:
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{tmp_path_factory.getbasetemp().name}"


async def _make_template(server: EmbeddedPostgres) -> None:
    await administer(server, f'CREATE DATABASE "{TEMPLATE}"')
    await migrate(server.url(TEMPLATE))
    # Whoever connects first to a database writes down what the catalogue's own tables look like; its clones have it then.
    await (await asyncpg.connect(server.url(TEMPLATE))).close()


async def clone(server: EmbeddedPostgres, *, template: str = TEMPLATE, kind: str = "test") -> str:
    """A database like the template; its name. Its files are copied, which is half the work of writing each page anew."""
    name = f"{kind}_{uuid4().hex[:16]}"
    await administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    return name


async def drop(server: EmbeddedPostgres, name: str) -> None:
    """The database is gone, whoever is connected."""
    await administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def administer(server: EmbeddedPostgres, statement: str) -> None:
    """Run one statement as the server's owner, outside a transaction."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection[asyncpg.Record]:
    """With the same codecs as the pool's connections."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    await database_module._prepare(connection)
    return connection
