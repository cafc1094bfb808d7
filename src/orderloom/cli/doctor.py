"""`orderloom doctor`: look whether this deployment can work, and say what to do where it cannot."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files

import typer
from rich.console import Console

from orderloom.cli import session
from orderloom.plumbing import versions
from orderloom.plumbing.database import Database, DatabaseAway
from orderloom.plumbing.embedded import EmbeddedFailed, ensure_database
from orderloom.plumbing.settings import SecretMissing, settings

POSTGRES = 180_000


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at; `serious` ones keep Orderloom from working."""

    what: str
    well: bool
    says: str
    serious: bool = True


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(command)


def command() -> None:
    """Look at Python, settings, database, providers; exits 1 when something keeps Orderloom from working."""
    signs = session.run(_all())
    console = Console()
    for sign in signs:
        mark = "[green]well[/]" if sign.well else "[bold red]ill [/]" if sign.serious else "[yellow]note[/]"
        console.print(f"{mark}  {sign.what}: {sign.says}", highlight=False)
    raise typer.Exit(any(sign.serious and not sign.well for sign in signs))


async def _all() -> list[Sign]:
    return [*_process(), *[sign async for sign in _database()], *[sign async for sign in _providers()]]


def _process() -> list[Sign]:
    version = sys.version.split()[0]
    assets = files("orderloom.console").joinpath("static/vendor/htmx.min.js").is_file()
    signs = [
        Sign("Python", sys.version_info >= (3, 11), version),
        Sign(
            "console's assets",
            assets,
            "there" if assets else "missing: run `make setup`, or install the wheel",
        ),
    ]
    try:
        settings().require_secret()
    except SecretMissing as missing:
        return [
            *signs,
            Sign("secret", well=False, says=f"{missing} `serve --demo` goes without.", serious=False),
        ]
    return [*signs, Sign("secret", well=True, says="of your own")]


async def _database() -> AsyncIterator[Sign]:
    try:
        url = await asyncio.to_thread(ensure_database, settings())
        database = await Database.open(url, max_size=2, application="orderloom-doctor")
    except (DatabaseAway, EmbeddedFailed) as away:
        yield Sign("database", well=False, says=f"not to be reached: {away}")
        return
    try:
        async with database.transaction(readonly=True) as db:
            number = int(await db.fetchval("SHOW server_version_num"))
            version = await db.fetchval("SHOW server_version")
            durable = await db.fetchval("SHOW synchronous_commit")
        where = "DATABASE_URL" if settings().database_url else f"private, in {settings().data_dir}"
        yield Sign("database", number >= POSTGRES, f"PostgreSQL {version} ({where}); 18 or newer is needed")
        yield Sign("durability", durable not in {"off", "local"}, f"synchronous_commit is {durable}")
        yield await _migrations(url)
    finally:
        await database.close()


async def _migrations(url: str) -> Sign:
    try:
        lacks = await versions.lacking(url)
    except versions.MadeOtherwise as other:
        return Sign("migrations", well=False, says=session.told(other, settings()))
    says = f"lacks {', '.join(lacks)}: run `orderloom migrate`" if lacks else f"at {versions.newest()}"
    return Sign("migrations", not lacks, says)


async def _providers() -> AsyncIterator[Sign]:
    yield await _reachable("mail server", settings().smtp_host, settings().smtp_port)


async def _reachable(what: str, host: str, port: int) -> Sign:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout=3)
    except (OSError, TimeoutError):
        return Sign(
            what, well=False, says=f"nobody answers at {host}:{port}: notices will wait", serious=False
        )
    writer.close()
    return Sign(what, well=True, says=f"answers at {host}:{port}")
