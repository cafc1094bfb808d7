"""An API over a database of the test's own, and a client with a key for all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from tests.api.client import Client, open_client
from tests.api.shop import open_shop
from tests.conftest import TEMPLATE, clone, drop


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def opened(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database with the small shop in it, to be cloned from: opening it took longer than most tests."""
    name = await clone(postgres, kind="shop")
    database = await Database.open(postgres.url(name))
    async with open_client(database) as client:
        await open_shop(client)
    async with database.transaction() as db:
        await db.execute("DELETE FROM plumbing.api_keys")
    await database.close()
    yield name
    await drop(postgres, name)


@pytest.fixture
async def database_url(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, opened: str
) -> AsyncIterator[str]:
    """The address of a migrated database of the test's own; with a shop in it for those who ask for `shop`."""
    name = await clone(postgres, template=opened if "shop" in request.fixturenames else TEMPLATE)
    yield postgres.url(name)
    await drop(postgres, name)


@pytest.fixture
async def api(database) -> Client:
    """Speaks to the API with a key of every scope: `await api.post("/v1/orders", {...})`."""
    async with open_client(database) as client:
        yield client


@pytest.fixture
async def shop(api) -> Client:
    """The same client, over a database with a small shop in it."""
    return api
