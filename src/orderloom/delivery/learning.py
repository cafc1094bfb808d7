"""What was learnt of lateness: learnt anew, kept in versions, and had ready for every promise."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from orderloom.delivery import store
from orderloom.delivery.transit import NOTHING, Delivery, Learnt, learn, weeks_held_against
from orderloom.plumbing.database import Db

# Fewer tell too little to move anybody's date.
DELIVERIES_LEAST = 30
EVERY = timedelta(hours=24)
# A version never changes; the one in use is read once by each process.
_in_use: dict[tuple[int, datetime], Learnt] = {}


async def learn_from(db: Db, *, deliveries: Sequence[Delivery], now: datetime) -> int | None:
    """Learn from these deliveries and keep it as the version in use; None where they are too few."""
    today = now.date()
    if sum(one.came(today) for one in deliveries) < DELIVERIES_LEAST:
        return None
    found = await asyncio.to_thread(learn, deliveries, today=today)
    weeks = await asyncio.to_thread(weeks_held_against, deliveries, today=today)
    return await store.add_model(
        db, deliveries=len(deliveries), tables=found.json(), weeks=weeks, learnt_at=now
    )


async def due(db: Db, *, now: datetime) -> bool:
    """Whether what is in use is a day old."""
    newest = await store.newest(db)
    return newest is None or newest[1] <= now - EVERY


async def learnt(db: Db) -> Learnt:
    """What is in use; nothing at first."""
    newest = await store.newest(db)
    if newest is None:
        return NOTHING
    if newest not in _in_use:
        found = await version(db, newest[0])
        _in_use.clear()
        _in_use[newest] = found or NOTHING
    return _in_use[newest]


async def version(db: Db, number: int) -> Learnt | None:
    """What was learnt as that version; None where there is none."""
    row = await store.model(db, number)
    return Learnt.of(row["tables"], number) if row is not None else None
