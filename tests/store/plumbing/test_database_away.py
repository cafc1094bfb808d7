"""A database that is down is `DatabaseAway`, however the system says so, and the same pool works once it is back."""

from __future__ import annotations

import pytest

from orderloom.plumbing.database import Database, DatabaseAway
from orderloom.plumbing.embedded import EmbeddedPostgres


@pytest.fixture
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("away")
    for place in (folder, *folder.parents):
        if place.name.startswith("pytest-"):
            place.chmod(0o711)
    own = EmbeddedPostgres(folder, options={"fsync": "off"})
    own.start()
    yield own
    own.release()


async def test_a_server_without_a_socket_is_away_and_the_pool_finds_it_again(server) -> None:
    database = await Database.open(server.url())
    server._stop_server()
    for _ in range(3):
        with pytest.raises(DatabaseAway):
            async with database.transaction() as db:
                await db.fetchval("SELECT 1")
        with pytest.raises(DatabaseAway):
            async with database.connection() as db:
                await db.fetchval("SELECT 1")
    with pytest.raises(DatabaseAway):
        await Database.open(server.url())
    server._start_server()
    async with database.transaction() as db:
        assert await db.fetchval("SELECT 1") == 1
    await database.close()
