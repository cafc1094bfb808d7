"""An API over a database of the test's own, and a client with a key for all of it."""

from __future__ import annotations

import pytest

from tests.api.client import Client, open_client
from tests.api.shop import open_shop


@pytest.fixture
async def api(database) -> Client:
    """Speaks to the API with a key of every scope: `await api.post("/v1/orders", {...})`."""
    async with open_client(database) as client:
        yield client


@pytest.fixture
async def shop(api) -> Client:
    """The same client, with a small shop behind it."""
    await open_shop(api)
    return api
