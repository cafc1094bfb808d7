"""Bring a database up to the code: Alembic orders and stamps, the scripts themselves are plain SQL.

All pending scripts run in one transaction, so a database is at one version or another, never between. Processes that start at once
queue on an advisory lock, and whoever comes second finds nothing to do. A script waits only briefly for the locks it needs, so that
it never blocks the shop behind it, and is tried again.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
import stamina
from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from . import versions

HERE = Path(__file__).parent / "migrations"
# Any number will do, so long as nothing else in this database locks it.
ADVISORY_LOCK = 6_873_350_011
LOCK_SECONDS = 5
ATTEMPTS = 20


async def migrate(url: str) -> None:
    """Run what is pending and grant the application's role its rights. Raises versions.MadeOtherwise.

    ``url`` must be the owner's. The private server has one role, which is both owner and application; a deployment with a database
    of its own gives the application ``orderloom_app`` (see ``migrations/grants.sql``) and this the owner.
    """
    await versions.lacking(url)
    async for attempt in stamina.retry_context(
        on=waited_in_vain, attempts=ATTEMPTS, timeout=None, wait_max=5
    ):
        with attempt:
            await _migrate_once(url)


def apply_script(path: Path) -> None:
    """Called by a migration. SQLAlchemy prepares what it executes, which allows one statement; a script goes past it to the driver,
    within the same transaction.
    """
    connection = op.get_bind()
    _run_script(connection, path)
    connection.exec_driver_sql(
        "INSERT INTO plumbing.migrations (version, fingerprint) VALUES ($1, $2)",
        (versions.version_of(path), versions.fingerprint(path.read_text())),
    )


def waited_in_vain(error: Exception) -> bool:
    """Somebody held a lock that a script needs for longer than we wait."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return bool(getattr(original, "sqlstate", None) == asyncpg.LockNotAvailableError.sqlstate)


async def _migrate_once(url: str) -> None:
    # The driver reads the URL itself, so that both sides of the house understand the same spellings.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _run_script(connection, HERE / "grants.sql")


def _run_script(connection: Connection, path: Path) -> None:
    driver = connection.connection.dbapi_connection
    assert driver is not None  # noqa: S101 - the connection is open
    sql = path.read_text()
    driver.run_async(lambda raw: raw.execute(sql))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
