"""The private PostgreSQL: adopted, shared, killed, found again."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from orderloom.plumbing.embedded import DATABASE, SOCKET_DIRECTORY_LIMIT, EmbeddedPostgres, ensure_database
from orderloom.plumbing.settings import Settings
from tests.conftest import roomy

FAST = {"fsync": "off", "shared_buffers": "32MB"}
HOLD = """
import os, sys
from pathlib import Path
from orderloom.plumbing.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), options={"fsync": "off", "shared_buffers": "32MB"})
server.start()
print(server.url(), flush=True)
sys.stdin.read()
server.release()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    # Not tmp_path: the server's system user may not enter pytest's directories when we are root.
    folder = Path(tempfile.mkdtemp(prefix="orderloom-embedded-", dir=roomy()))
    yield folder
    server = EmbeddedPostgres(folder, options=FAST)
    if pid(server) is not None:  # a test that failed left it running
        server.start()
        server.release()
    shutil.rmtree(folder)


def holder(place: Path) -> subprocess.Popen[str]:
    """Another process that uses the server until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("postgresql://")
    return process


def pid(server: EmbeddedPostgres) -> int | None:
    note = server.cluster / "postmaster.pid"
    return int(note.read_text().split("\n", 1)[0]) if note.exists() else None


async def ask(server: EmbeddedPostgres, question: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_it_keeps_unicode_durability_and_utc(place):
    server = EmbeddedPostgres(place)
    server.start()
    assert (
        await ask(server, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    )
    assert await ask(server, "SELECT upper('é')") == "É"
    assert await ask(server, "SHOW synchronous_commit") == "on"
    assert await ask(server, "SHOW fsync") == "on"
    assert await ask(server, "SHOW listen_addresses") == ""
    assert await ask(server, "SHOW timezone") == "UTC"
    server.release()


async def test_it_outlives_a_killed_parent_and_is_adopted(place):
    parent = holder(place)
    server = EmbeddedPostgres(place, options=FAST)
    before = pid(server)
    parent.kill()
    parent.wait()
    server.start()
    assert pid(server) == before
    assert await ask(server, "SELECT 1") == 1
    server.release()
    assert pid(server) is None


async def test_the_last_process_to_leave_stops_it(place):
    other = holder(place)
    server = EmbeddedPostgres(place, options=FAST)
    server.start()
    server.release()
    assert await ask(server, "SELECT 1") == 1
    other.communicate("")
    assert pid(server) is None


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_killed_server_recovers_what_was_committed(place):
    server = EmbeddedPostgres(place, options=FAST)
    server.start()
    await ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    orphans = psutil.Process(pid(server)).children()
    os.kill(pid(server), signal.SIGKILL)
    async with asyncio.timeout(60):
        while any(alive(orphan) for orphan in orphans):  # noqa: ASYNC110 - they end by themselves, soon
            await asyncio.sleep(0.05)
    server.start()
    assert await ask(server, "SELECT number FROM kept") == 7
    server.release()


async def test_a_process_number_of_somebody_else_is_no_server(place):
    server = EmbeddedPostgres(place, options=FAST)
    server.start()
    note = (server.cluster / "postmaster.pid").read_text()
    server.release()
    (server.cluster / "postmaster.pid").write_text(note.replace(note.split("\n", 1)[0], str(os.getpid()), 1))
    server.start()
    assert await ask(server, "SELECT 1") == 1
    server.release()


async def test_a_start_killed_halfway_leaves_nothing_in_the_way(place):
    (place / "postgres.new").mkdir()
    (place / "postgres.new/PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(place, options=FAST)
    server.start()
    assert await ask(server, "SELECT current_database()") == DATABASE
    server.release()


async def test_a_path_too_long_for_a_socket(place):
    deep = place / ("deep" * 25)
    place.chmod(0o711)
    server = EmbeddedPostgres(deep, options=FAST)
    server.start()
    assert len(str(server.socket_dir)) <= SOCKET_DIRECTORY_LIMIT
    assert await ask(server, "SELECT 1") == 1
    server.release()
    assert not server.socket_dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories that the server's user cannot enter")
async def test_a_directory_closed_to_the_servers_user(place):
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data", options=FAST)
    server.start()
    assert not server.cluster.is_relative_to(place)
    assert await ask(server, "SELECT 1") == 1
    server.release()
    shutil.rmtree(server.cluster)


def test_a_database_of_the_deployments_own_is_left_alone(place):
    assert (
        ensure_database(Settings(database_url="postgresql://x/y", data_dir=place / "none"))
        == "postgresql://x/y"
    )
    assert not (place / "none").exists()
