"""What every command needs: settings, logging, and the database that they name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from orderloom.plumbing import versions
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import ensure_database
from orderloom.plumbing.events import Actor, acting
from orderloom.plumbing.logging import set_up_logging
from orderloom.plumbing.settings import Settings, settings

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end, in the name of the command line."""
    set_up_logging(level=settings().log_level, form=settings().log_format)
    # In a context of the command's own: who called it goes on under their own name.
    named = copy_context()
    named.run(acting.set, Actor("cli"))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work, context=named)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which handles many small messages at less cost; Python's own where it is not to be had."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not there on every platform

    return uvloop.new_event_loop


@asynccontextmanager
async def opened(
    *, migrated: bool = False, statement_seconds: float | None = None, pool: int = 0
) -> AsyncIterator[Database]:
    """The database of the settings, the private one started if need be.

    `migrated` brings it up to the code first; `pool` is how many connections the command needs at least.
    """
    url = await asyncio.to_thread(ensure_database, settings())
    if lacks := await lacking(url):
        if not migrated:
            print(
                f"This database lacks migration {', '.join(lacks)}: run `orderloom migrate` first.",
                file=sys.stderr,
            )
            raise SystemExit(3)
        # Imported where it is asked for: a third of the time a command takes to start.
        from orderloom.plumbing.migrate import migrate  # noqa: PLC0415

        await migrate(url)
    database = await Database.open(
        url,
        min_size=settings().pool_min,
        max_size=max(pool, settings().pool_max),
        statement_timeout_s=statement_seconds or settings().statement_seconds,
        application="orderloom-cli",
    )
    try:
        yield database
    finally:
        await database.close()


async def lacking(url: str) -> list[str]:
    """The migrations that the database lacks. A database that no migration leads on from ends the command, with the way out."""
    try:
        return await versions.lacking(url)
    except versions.MadeOtherwise as other:
        print(told(other, settings()), file=sys.stderr)
        raise SystemExit(3) from None


def told(other: versions.MadeOtherwise, chosen: Settings) -> str:
    """What is the matter with a database made by another version, and what to do."""
    private = chosen.database_url is None
    where = f"The private database in {chosen.data_dir}" if private else "The database of DATABASE_URL"
    begin = (
        f"stop all of Orderloom and remove {chosen.data_dir}, or name another folder by ORDERLOOM_DATA_DIR"
        if private
        else "create an empty database and name it by DATABASE_URL"
    )
    return (
        f"{where} {other}. Until the first release there is no migration from one to the other.\n"
        f"To begin anew: {begin}.\n"
        "To keep what is in it: go on with the version that made it, whose `orderloom export DIR` writes the configuration "
        "that `orderloom apply DIR` of this one takes."
    )
