"""`orderloom migrate`: bring the database up to the code."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from orderloom.cli import session
from orderloom.plumbing import migrate
from orderloom.plumbing.database import schema_version
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
    before = await schema_version(url)
    after = await migrate.migrate(url)
    print(
        f"The database is at {after}."
        if before == after
        else f"The database went from {before or 'nothing'} to {after}."
    )


async def _check() -> None:
    url = await asyncio.to_thread(ensure_database, settings())
    found = await schema_version(url)
    if found != migrate.head():
        print(
            f"The database is at {found or 'nothing'}, the code wants {migrate.head()}: run `orderloom migrate`."
        )
        raise typer.Exit(1)
    print(f"The database is at {found}.")
