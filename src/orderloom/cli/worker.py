"""`orderloom worker` and `orderloom run`: taking journeys along, for ever or until nothing is due."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from orderloom.cli import session
from orderloom.plumbing.database import Database
from orderloom.plumbing.settings import settings
from orderloom.worker import POOL, Worker


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("worker")(work)
    app.command("run")(run)


def work(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the demo's secret.")] = False,
) -> None:
    """Take orders, fulfillment orders, returns and messages along their journeys. Any number of these may run."""
    if not demo:
        settings().require_secret()
    session.run(_work())


def run(
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End once nothing is due.")] = False,
) -> None:
    """Take journeys along in this process; with --until-idle until nothing is due, for scripts and trials."""
    if not until_idle:
        session.run(_work())
        return
    handled = session.run(_run_until_idle())
    typer.echo(f"{handled} steps taken, nothing is due")


async def _work() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with session.opened() as first:
        database = await Database.open(first.url, max_size=POOL, application="orderloom-worker")
        try:
            await Worker(database, lease_s=settings().lease_seconds).run(stop)
        finally:
            await database.close()


async def _run_until_idle() -> int:
    async with session.opened() as database:
        return await Worker(database, lease_s=settings().lease_seconds).run_until_idle()
