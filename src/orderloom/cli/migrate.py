"""`orderloom migrate`: bring the database up to the code."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from orderloom.cli import session
from orderloom.plumbing import migrate, versions
from orderloom.plumbing.embedded import ensure_database
from orderloom.plumbing.settings import settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(command)


def command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when something is pending.")
    ] = False,
) -> None:
    """Run the pending migrations. DATABASE_URL must be the owner's; running it twice changes nothing."""
    session.run(_check() if check else _migrate())


async def _migrate() -> None:
    url = await asyncio.to_thread(ensure_database, settings())
    lacked = await session.lacking(url)
    # Also where nothing is pending: the application's role may have been made since.
    await migrate.migrate(url)
    ran = f"Ran migration {', '.join(lacked)}. " if lacked else ""
    print(f"{ran}The database is at {versions.newest()}.")


async def _check() -> None:
    url = await asyncio.to_thread(ensure_database, settings())
    if lacks := await session.lacking(url):
        print(f"The database lacks migration {', '.join(lacks)}: run `orderloom migrate`.")
        raise typer.Exit(1)
    print(f"The database is at {versions.newest()}.")
