"""The worker's door: takes every journey along, reads the event log for whoever listens, and does the timed chores.

Any number of workers may run against one database; what one has in hand the others pass over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from orderloom.journey.roster import JOURNEYS, READERS
from orderloom.notices.senders import smtp
from orderloom.plumbing import clock, events, http
from orderloom.plumbing.database import Database, DatabaseAway
from orderloom.plumbing.events import Reader
from orderloom.plumbing.runner import Runner
from orderloom.plumbing.settings import settings
from orderloom.worker.chores import CHORES

log = structlog.get_logger()

READ_PAUSE_S = 0.25
FAULT_PAUSE_S = 5.0
UNREAD_PAUSE_S = 0.02
# Connections one worker needs: a lane for each journey and outward step, the readers, the listener.
POOL = 16


class Worker:
    """One process's share of the work."""

    def __init__(
        self, database: Database, *, lease_s: float = 30, readers: Sequence[Reader] = READERS
    ) -> None:
        self._database = database
        self._readers = tuple(readers)
        self.runner = Runner(database, JOURNEYS, lease_s=lease_s, set_size=settings().worker_set_size)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is in hand is finished first."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.runner.run(stop))
            for reader in self._readers:
                group.create_task(self._follow(stop, reader))
            for every_s, chore in CHORES:
                group.create_task(self._repeat(stop, every_s, chore))
        await http.close()
        await smtp.close()

    async def run_until_idle(self) -> int:
        """Work until nothing is due and every reader has read all there is; returns how many subjects were handled."""
        handled = 0
        while True:
            behind = await events.unread(self._database, self._readers)
            told = sum([await events.feed(self._database, reader, hurry=True) for reader in behind])
            done = await self.runner.run_until_idle()
            handled += done
            if not behind and not done:
                return handled
            if not told and not done:
                # An older transaction still runs somewhere: what it may yet put before these events is waited for.
                await asyncio.sleep(UNREAD_PAUSE_S)

    async def _follow(self, stop: asyncio.Event, reader: Reader) -> None:
        while not stop.is_set():
            try:
                found = await events.feed(self._database, reader)
            except DatabaseAway as away:
                log.warning("database away, waiting", reader=reader.name, problem=str(away))
                found = 0
            except Exception:
                # Its cursor stands still, which is seen; the journeys go on.
                log.exception("reader failed, trying again", reader=reader.name)
                await _rest(stop, FAULT_PAUSE_S)
                found = 0
            if not found:
                await _rest(stop, READ_PAUSE_S)

    async def _repeat(
        self, stop: asyncio.Event, every_s: float, chore: Callable[..., Awaitable[None]]
    ) -> None:
        while not stop.is_set():
            try:
                async with self._database.transaction() as db:
                    await chore(db, clock.now())
            except DatabaseAway as away:
                log.warning("database away, waiting", chore=chore.__name__, problem=str(away))
            except Exception:
                # A chore that fails is no reason for orders to stand still.
                log.exception("chore failed, trying again", chore=chore.__name__)
            await _rest(stop, every_s)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
