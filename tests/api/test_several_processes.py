"""`orderloom serve --processes`: several answer on one port, one that dies is begun anew, all end together."""

import os
import re
import subprocess
import sys

import psutil
import pytest

from orderloom.cli import several
from orderloom.plumbing import http

pytestmark = pytest.mark.skipif(not several.able(), reason="this platform does not share a port out")


@pytest.fixture
def shared(database_url, tmp_path):
    """Two processes on one port; what they print."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orderloom.cli", "serve", "--demo", "--port", "0", "--processes", "2"],
        stdout=subprocess.PIPE,
        env=os.environ | {"DATABASE_URL": database_url, "ORDERLOOM_DATA_DIR": str(tmp_path)},
    )
    yield process
    process.kill()
    for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
        child.kill()
    process.wait(60)


def announced(process) -> str:
    for line in process.stdout:
        if found := re.search(rb"http://[\d.]+:\d+", line):
            return found[0].decode()
    raise AssertionError("it ended without a word")


async def test_processes_share_a_port_and_are_watched_over(shared):
    address = announced(shared)
    assert announced(shared) == address
    watcher = psutil.Process(shared.pid)
    first = watcher.children()
    assert len(first) == 2
    first[0].kill()
    assert announced(shared) == address, "a third one, on the same port"
    assert len({*watcher.children()} - {*first}) == 1
    for _ in range(8):
        status, _ = await http.call("GET", f"{address}/healthz", timeout_s=60)
        assert status == 200
    there = watcher.children()
    shared.terminate()
    assert shared.wait(60) == 0
    assert not any(process.is_running() for process in there)
