"""`orderloom` with a defect planted: what a build without one of its guards would do, for the torture to catch.

    python -m tests.torture.careless unlocked serve --demo --port 8080

Each defect is one that open peers have shipped. Nothing here is reachable from the product.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable
from contextvars import ContextVar

import asyncpg

from orderloom import cli
from orderloom.api import capturing
from orderloom.journey import cancelling, placing
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


def unasking() -> None:
    """An edit keeps units for what it adds without asking how many are free."""
    extend, shelves = placing.extend, placing._shelves
    editing_now = ContextVar("editing_now", default=False)

    async def extended(db, **what):
        editing_now.set(True)
        try:
            return await extend(db, **what)
        finally:
            editing_now.set(False)

    async def boundless(*args):
        found = await shelves(*args)
        if editing_now.get():
            for balance in (b for sku in found[0]._of for b in found[0].of(sku).values()):
                balance.backorder_limit = 1_000
        return found

    placing.extend, placing._shelves = extended, boundless


def keeping() -> None:
    """What an edit lowers, or removes, is cancelled, and its stock is never free again."""
    let_go = cancelling.let_go

    async def nothing(_db, _pieces, *, reason):
        return reason

    async def kept(db, **what):
        free, cancelling.free = cancelling.free, nothing
        try:
            return await let_go(db, **what)
        finally:
            cancelling.free = free

    cancelling.let_go = kept


DEFECTS: dict[str, Callable[[], None]] = {
    defect.__name__: defect for defect in (unlocked, forgetful, repeating, unasking, keeping)
}

if __name__ == "__main__":
    DEFECTS[sys.argv.pop(1)]()
    cli.main()
