"""A worker outlives what goes wrong in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from orderloom import worker
from orderloom.plumbing import events
from orderloom.plumbing.database import Database, Db
from orderloom.plumbing.events import Event, News, Reader
from orderloom.terms import new_id
from orderloom.worker import Worker


async def test_a_reader_that_fails_is_tried_again_and_then_reads_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FAULT_PAUSE_S", 0.05)
    read: list[str] = []
    faults = iter([RuntimeError("the first time it fails"), None])
    stop = asyncio.Event()

    async def handle(_db: Db, news: Sequence[Event]) -> None:
        if fault := next(faults, None):
            raise fault
        read.extend(event.type for event in news)
        stop.set()

    async with database.transaction() as db:
        await events.append(db, [News("order.captured", "order", new_id())])
    working = Worker(database, readers=[Reader("fails once", handle)])
    await asyncio.wait_for(working.run(stop), 60)
    assert read == ["order.captured"]


async def test_a_chore_that_fails_stops_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[datetime] = []
    stop = asyncio.Event()

    async def chore(_db: Db, now: datetime) -> None:
        runs.append(now)
        if len(runs) == 2:
            stop.set()
        raise RuntimeError("every time")

    monkeypatch.setattr(worker, "CHORES", ((0.05, chore),))
    await asyncio.wait_for(Worker(database, readers=[]).run(stop), 60)
    assert len(runs) == 2
