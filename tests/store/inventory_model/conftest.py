"""A database of its own for a test that is not a coroutine."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import clone, drop


@pytest.fixture
def database_url_for_a_machine(postgres):
    loop = asyncio.new_event_loop()
    name = loop.run_until_complete(clone(postgres))
    yield postgres.url(name)
    loop.run_until_complete(drop(postgres, name))
    loop.close()
