"""Children are started, watched, started again, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from orderloom.simulate.processes import Fleet, NotReady, Process, fleet, free_port

SERVER = """
import http.server, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def sleeper(tmp_path, name="sleeper"):
    return Process(name, [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / f"{name}.log")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child nobody has waited for yet is dead all the same.
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


async def test_a_process_is_ready_once_it_answers(tmp_path):
    port = free_port()
    server = Process(
        "server",
        [sys.executable, "-c", SERVER, str(port)],
        tmp_path / "x.log",
        ready_url=f"http://127.0.0.1:{port}/",
    )
    await server.start()
    assert server.running
    await server.stop()
    assert not server.running


async def test_one_that_never_answers_is_told_with_its_last_words(tmp_path):
    broken = Process(
        "broken",
        [sys.executable, "-c", "print('no luck', flush=True)"],
        tmp_path / "broken.log",
        ready_url=f"http://127.0.0.1:{free_port()}/",
    )
    with pytest.raises(NotReady, match="no luck"):
        await broken.start()


async def test_what_is_killed_is_started_again_and_in_the_end_all_are_gone(tmp_path):
    died = []
    async with fleet() as running:
        await running.start(sleeper(tmp_path), sleeper(tmp_path, "other"))
        watching = asyncio.create_task(running.watch(died.append))
        victim = running.processes["sleeper"]
        first = victim._child.pid
        victim.kill()
        async with asyncio.timeout(60):
            while victim.starts < 2:  # noqa: ASYNC110 - the supervisor has no reason to tell
                await asyncio.sleep(0.05)
        assert victim._child.pid != first
        watching.cancel()
        pids = [process._child.pid for process in running.processes.values()]
    assert died == ["sleeper"]
    assert not any(alive(pid) for pid in pids)


async def test_what_ends_as_soon_as_it_is_started_is_given_up(tmp_path):
    hopeless = Process("hopeless", [sys.executable, "-c", ""], tmp_path / "hopeless.log")
    running = Fleet()
    await running.start(hopeless)
    with pytest.raises(NotReady, match="ends as soon"):
        async with asyncio.timeout(60):
            await running.watch()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_end_with_a_parent_that_is_killed(tmp_path):
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from orderloom.simulate.processes import Process

        async def main():
            child = Process("c", [sys.executable, "-c", "import time; time.sleep(600)"], Path({str(tmp_path)!r}) / "c.log")
            await child.start()
            print(child._child.pid, flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
    """)
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(1200):
        if not alive(child):
            return
        asyncio.run(asyncio.sleep(0.05))
    pytest.fail("the child outlived its parent")
