"""Several processes behind one port: each listens for itself, and the kernel shares the connections out among them."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

# A process that cannot live is not started as fast as it dies.
PAUSE_S = 1.0
ENDING_S = 20.0


def able() -> bool:
    """Whether this platform shares a port's connections out among its listeners."""
    return sys.platform == "linux"


def listening(host: str, port: int) -> socket.socket:
    """A socket on an address that others may have too, each its own. Raises OSError when it is taken otherwise."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(address)
    return found


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """The port, a free one for nought, kept while processes come and go. Nothing is accepted on it here."""
    with listening(host, port) as kept:
        yield kept.getsockname()[1]


async def keep(command: Sequence[str], *, count: int) -> None:
    """Run so many of the command until SIGINT or SIGTERM; one that ends before is started anew."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_keep_one(command, stop))


async def _keep_one(command: Sequence[str], stop: asyncio.Event) -> None:
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(*command)
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            await _end(process)
            return
        log.warning("a process ended and is started anew", pid=process.pid, status=process.returncode)
        await asyncio.wait({stopped}, timeout=PAUSE_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDING_S)
    except TimeoutError:
        process.kill()
        await process.wait()
