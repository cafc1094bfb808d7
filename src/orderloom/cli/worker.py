"""`orderloom worker` takes journeys along until told to stop; `orderloom run --until-idle` until nothing is due."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from orderloom.cli import session
from orderloom.network import places
from orderloom.plumbing import garbage, http
from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import settings
from orderloom.worker import POOL, Worker


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("worker")(work)
    app.command("run")(run)


def work() -> None:
    """Take orders along their journeys, tell buyers and webhooks. Any number of these may run."""
    session.run(_work())


def run(
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop once nothing is due.")] = False,
) -> None:
    """Work in the foreground; with --until-idle until nothing is due, and say how much there was."""
    session.run(_until_idle() if until_idle else _work())


async def _work() -> None:
    places.read_table()
    garbage.search_seldom(beyond=garbage.IN_SETS)
    async with session.opened(pool=POOL) as database:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stop.set)
        print("Orderloom works.", flush=True)
        await _worker(database).run(stop)


async def _until_idle() -> None:
    async with session.opened(pool=POOL) as database:
        try:
            handled = await _worker(database).run_until_idle()
        finally:
            await http.close()
    print(f"{handled} steps taken; nothing is due.")


def _worker(database: Database) -> Worker:
    return Worker(database, lease_s=settings().lease_seconds)
