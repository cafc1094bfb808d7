"""Orderloom and its outside world as child processes: started, watched, killed, started again, all ended together.

A child ends when its parent does, however that ends, and a fleet is left with nothing running. Each child has a log
file of its own.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from orderloom.plumbing import clock, http
from orderloom.plumbing.http import Unavailable

READY_S = 60.0
STOP_S = 12.0
WATCH_S = 0.3
# Whoever ends so soon, so often in a row, is broken and not unlucky.
SOON = timedelta(seconds=3)
SOON_MOST = 5
_PR_SET_PDEATHSIG = 1


class NotReady(RuntimeError):
    """A process did not begin to answer in time, or ended before it did."""


def free_port(preferred: int = 0) -> int:
    """A loopback port nobody listens on: the preferred one if it is free."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            chosen: int = probe.getsockname()[1]
            return chosen
    raise NotReady("no loopback port is free")


@dataclass(slots=True)
class Process:
    """One child. `ready_url` answers once it works; None: it is ready once it runs."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    wanted: bool = False
    starts: int = 0
    _started_at: datetime | None = None
    _soon: int = 0
    _child: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._child is not None and self._child.returncode is None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises NotReady."""
        self.wanted = True
        await self._spawn()
        if self.ready_url is not None:
            await self._answering(self.ready_url)

    async def _spawn(self) -> None:
        self.starts += 1
        self._started_at = clock.now()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **self.environment},
                # Ctrl-C in a terminal goes to the whole foreground group: ours end when we say so, in order.
                start_new_session=True,
                preexec_fn=_end_with_parent(os.getpid()),
            )

    async def _answering(self, url: str) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while self.running:
                    with suppress(Unavailable):
                        await http.call("GET", url, timeout_s=2)
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pass
        raise NotReady(f"{self.name} does not answer; its log is {self.log}\n{_tail(self.log)}")

    def kill(self) -> None:
        """End it this instant, as a power cut would."""
        self._soon = 0
        if self._child is not None and self.running:
            self._child.send_signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end, and make it end if it does not."""
        self.wanted = False
        if self._child is None or not self.running:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._child.wait()
        except TimeoutError:
            self.kill()
            await self._child.wait()

    async def restart_if_ended(self) -> bool:
        """Start it again when it ended against our will; says whether that was so. Raises NotReady."""
        if not self.wanted or self.running or self._started_at is None:
            return False
        self._soon = self._soon + 1 if clock.now() - self._started_at < SOON else 0
        if self._soon >= SOON_MOST:
            raise NotReady(
                f"{self.name} ends as soon as it is started; its log is {self.log}\n{_tail(self.log)}"
            )
        await self._spawn()
        return True


class Fleet:
    """Some processes together. Started in order, ended in reverse; one that dies is started again."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}

    async def start(self, *processes: Process) -> None:
        """Start them side by side and wait until all answer. Raises NotReady."""
        for process in processes:
            self.processes[process.name] = process
        outcomes = await asyncio.gather(*(process.start() for process in processes), return_exceptions=True)
        for fault in (outcome for outcome in outcomes if outcome is not None):
            raise fault

    async def watch(self, died: Callable[[str], None] = lambda _: None) -> None:
        """Start again whatever dies, for ever; `died` is told the name. Raises NotReady for what cannot live."""
        while True:
            for name, process in self.processes.items():
                if await process.restart_if_ended():
                    died(name)
            await asyncio.sleep(WATCH_S)

    async def stop(self) -> None:
        """End all, the last started first."""
        for process in reversed(self.processes.values()):
            process.wanted = False
        for process in reversed(self.processes.values()):
            await process.stop()


@asynccontextmanager
async def fleet() -> AsyncIterator[Fleet]:
    """A fleet that is gone afterwards, whatever happens."""
    ours = Fleet()
    try:
        yield ours
    finally:
        await asyncio.shield(ours.stop())


def python(*arguments: str) -> list[str]:
    """A command that runs a module of ours with this very interpreter."""
    return [sys.executable, "-m", *arguments]


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """On Linux the kernel ends the child when the parent is gone, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)

    return bind
