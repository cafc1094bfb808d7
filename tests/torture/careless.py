"""`orderloom` with a defect planted: what a build without one of its guards would do, for the torture to catch.

    python -m tests.torture.careless unlocked serve --demo --port 8080

Each defect is one that open peers have shipped. Nothing here is reachable from the product.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable

import asyncpg

from orderloom import cli
from orderloom.api import capturing
from orderloom.plumbing import idempotency


def unlocked() -> None:
    """Read, check, write: balances are read without a lock, written unasked, and another request comes between."""
    fetch, execute, lock = asyncpg.Connection.fetch, asyncpg.Connection.execute, " FOR NO KEY UPDATE"

    async def read(self, query, *args, **kwargs):
        careless = "FROM inventory.stock" in query
        rows = await fetch(self, query.removesuffix(lock) if careless else query, *args, **kwargs)
        await asyncio.sleep(0.02 if careless else 0)
        return rows

    async def write(self, query, *args, **kwargs):
        claim = "SET reserved = s.reserved + t.units" in query
        return await execute(self, query.partition("AND s.on_hand")[0] if claim else query, *args, **kwargs)

    asyncpg.Connection.fetch, asyncpg.Connection.execute = read, write


def forgetful() -> None:
    """Now and then an order is acknowledged before it is committed, and then it is not."""
    placed, count = capturing._capture, itertools.count(1)

    async def fly(database, passengers):
        async with database.connection() as db:
            transaction = db.transaction()
            await transaction.start()
            answers = await placed(db, passengers)
            await (transaction.commit() if next(count) % 3 else transaction.rollback())
        return answers

    capturing._fly = fly


def repeating() -> None:
    """Answers are not kept, so a repeat of a request is another request."""

    async def keep(_db, _answers):
        return None

    idempotency.keep = keep


DEFECTS: dict[str, Callable[[], None]] = {d.__name__: d for d in (unlocked, forgetful, repeating)}

if __name__ == "__main__":
    DEFECTS[sys.argv.pop(1)]()
    cli.main()
