"""The only door to PostgreSQL: a pool, transactions, and the guard that keeps network calls out of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto
from pydantic_core import from_json, to_json

# What store functions take: a connection inside a transaction that a door or the step runner opened.
Db: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Row: TypeAlias = asyncpg.Record

UniqueViolation = asyncpg.UniqueViolationError
CheckViolation = asyncpg.CheckViolationError
Deadlock = asyncpg.DeadlockDetectedError
# The rows are at work elsewhere for longer than we wait: the same call may succeed in a moment.
LockTimeout = asyncpg.LockNotAvailableError
StatementTimeout = asyncpg.QueryCanceledError

# Connections of a pool that only `reserved` transactions may take.
RESERVED = 2
# How long somebody waits for a connection, and how often work is begun anew.
PATIENCE_S = 10
TRIES = 5
Result = TypeVar("Result")

# The bits of an id that are not left to the dice (RFC 9562), for any byte.
_VERSION = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))

_transaction_open: ContextVar[bool] = ContextVar("transaction_open", default=False)


def new_ids(count: int) -> list[UUID]:
    """As many as `terms.new_id` makes, of the driver's own kind: made and sent in a sixth of the time.

    Ask for those of a whole set at once: going to the system for the dice costs as much as three of them.
    """
    head = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    dice = bytearray(os.urandom(10 * count))
    dice[::10] = dice[::10].translate(_VERSION)
    dice[2::10] = dice[2::10].translate(_VARIANT)
    tails = bytes(dice)
    return [pgproto.UUID(head + tails[i : i + 10]) for i in range(0, 10 * count, 10)]


class DatabaseAway(Exception):
    """The database cannot be reached or is shutting down; the same call may succeed in a moment."""


class Contended(Exception):
    """Other transactions were faster every time: the same call may succeed in a moment."""


class CalledOutInTransaction(RuntimeError):
    """A network call was begun while a transaction was open (invariant L1). A defect, never an outcome."""


# What asyncpg raises when the server went away, restarts, or refuses for lack of means.
AWAY: tuple[type[BaseException], ...] = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
)
# While connecting also: a server that is down has no socket to find, which is no ConnectionError to Python.
_UNREACHED: tuple[type[BaseException], ...] = (*AWAY, OSError)


def assert_no_transaction() -> None:
    """Called by everything that talks to the outside: no row lock may wait for somebody else's network."""
    if _transaction_open.get():
        msg = "a network call was begun inside a database transaction"
        raise CalledOutInTransaction(msg)


async def _prepare(connection: Db) -> None:
    # In binary, since COPY takes nothing else.
    await connection.set_type_codec(
        "jsonb", encoder=_pack, decoder=_unpack, schema="pg_catalog", format="binary"
    )
    await connection.set_type_codec("json", encoder=_dump, decoder=from_json, schema="pg_catalog")
    # xid8 travels as text: it is only ever compared by the server.
    await connection.set_type_codec("xid8", encoder=str, decoder=str, schema="pg_catalog", format="text")


def _dump(value: object) -> str:
    return to_json(value).decode()


def _pack(value: object) -> bytes:
    """Its text after the version of the format, which has only ever been 1."""
    return b"\x01" + to_json(value)


def _unpack(packed: bytes) -> Any:
    return from_json(packed[1:])


class _Connection(asyncpg.Connection):
    """Given back without a word to the server: nothing that we do outlives its transaction, but for LISTEN, which whoever asked for it ends."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections to one PostgreSQL, some of them kept for what must not wait behind the rest."""

    def __init__(self, url: str, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.url = url
        self._pool = pool
        # A checkout finds a connection however many imports and reports are under way.
        self._others = asyncio.Semaphore(max(1, pool.get_max_size() - RESERVED))

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 10,
        statement_timeout_s: float = 60,
        application: str = "orderloom",
    ) -> Database:
        """Connect. Raises DatabaseAway when the server cannot be reached."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                init=_prepare,
                connection_class=_Connection,
                command_timeout=statement_timeout_s,
                server_settings={
                    "application_name": application,
                    "timezone": "UTC",
                    "lock_timeout": "10s",
                    "statement_timeout": f"{int(statement_timeout_s * 1000)}",
                    "idle_in_transaction_session_timeout": "60s",
                },
            )
        except _UNREACHED as away:
            raise DatabaseAway(str(away)) from away
        return cls(url, pool)

    async def close(self) -> None:
        """Give every connection back and close the pool."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False, reserved: bool = False) -> AsyncIterator[Db]:
        """One transaction, committed at the end, rolled back by an exception. Raises DatabaseAway.

        `reserved`: on one of the connections kept for what must not wait.
        """
        try:
            async with (
                nullcontext() if reserved else self._room(),
                self._acquired() as connection,
                connection.transaction(readonly=readonly),
            ):
                mark = _transaction_open.set(True)
                try:
                    yield connection
                finally:
                    _transaction_open.reset(mark)
        except AWAY as away:
            raise DatabaseAway(str(away)) from away

    async def run(
        self,
        work: Callable[[Db], Awaitable[Result]],
        *,
        again: tuple[type[Exception], ...] = (Deadlock,),
        reserved: bool = False,
    ) -> Result:
        """Work in a transaction, begun anew when another was faster (`again`). Raises Contended, DatabaseAway."""
        for _ in range(TRIES):
            try:
                async with self.transaction(reserved=reserved) as db:
                    return await work(db)
            except again:
                continue
        raise Contended

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        async with asyncio.timeout(PATIENCE_S):
            await self._others.acquire()
        try:
            yield
        finally:
            self._others.release()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """A connection outside any transaction, for LISTEN and for statements that commit themselves.

        Who listens stops listening: nothing is said to the server when it is given back.
        """
        try:
            async with self._acquired() as connection:
                yield connection
        except AWAY as away:
            raise DatabaseAway(str(away)) from away

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Db]:
        try:
            connection = await self._pool.acquire(timeout=PATIENCE_S)
        except _UNREACHED as away:
            raise DatabaseAway(str(away)) from away
        try:
            yield connection
        finally:
            await self._pool.release(connection)
