"""`orderloom demo`: everything at once, with a simulated world that buys, packs, carries and sends back."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from orderloom.cli import session
from orderloom.cli.audit import print_findings, violations
from orderloom.insight import audit, run_summary
from orderloom.insight.audit import Finding
from orderloom.insight.run_summary import Backlog, RunSummary
from orderloom.plumbing.settings import settings
from orderloom.simulate.demo import Demo, Login
from orderloom.simulate.processes import NotReady
from orderloom.simulate.surroundings import Surroundings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(command)


def command(
    *,
    orders: Annotated[int | None, typer.Option(min=1, help="Stop buying after so many orders.")] = None,
    leave: Annotated[
        bool, typer.Option("--exit", help="Run unattended until every order has ended, then audit and exit.")
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0.01, help="Orders a second that the simulated buyers place.")
    ] = 1.0,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    mischief: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Chance that a provider fails or loses its answer, each call."),
    ] = 0.0,
) -> None:
    """Start a private database, a demo network, API, console, workers and a simulated world; Ctrl-C ends all of it."""
    console = Console()
    if leave and orders is None:
        raise typer.BadParameter("--exit needs --orders: how many are to be run to their end?")
    try:
        clean = session.run(_demo(console, orders, rate, workers, mischief, leave=leave))
    except NotReady as broken:
        console.print(f"[red]{broken}[/]")
        raise typer.Exit(1) from None
    raise typer.Exit(0 if clean else 1)


async def _demo(
    console: Console, orders: int | None, rate: float, workers: int, mischief: float, *, leave: bool
) -> bool:
    started = monotonic()
    ending = _until_told()
    with console.status("starting the private database") as status:
        async with session.opened(migrated=True, statement_seconds=600) as database:
            status.update("starting gateway, carriers, mailbox, API, console and workers")
            demo = Demo(
                database=database,
                data_dir=settings().data_dir,
                api_port=settings().api_port,
                workers=workers,
                rate=rate,
                orders=orders,
                unattended=leave,
                mischief=mischief,
                announce=lambda login, around: _announce(console, login, around, monotonic() - started),
                report=lambda summary, left: _live(status, summary, left),
            )
            ended = await _run(demo, ending)
            if not leave:
                return True
            status.update("auditing")
            async with database.transaction(readonly=True) as db:
                summary = await run_summary.summary(db)
            findings = await audit.of_database(database)
    return _last_words(console, summary, findings, monotonic() - started, ended=ended)


def _until_told() -> asyncio.Event:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _run(demo: Demo, ending: asyncio.Event) -> bool:
    running, told = asyncio.create_task(demo.run()), asyncio.create_task(ending.wait())
    await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if running.done():
        return running.result()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return False


def _announce(console: Console, login: Login, around: Surroundings, seconds: float) -> None:
    console.print(f"[bold]Orderloom runs at {login.address}/console[/]  (after {seconds:.1f} s)")
    console.print(f"  log in as  {login.email}  with the password  {login.password}")
    console.print(
        f"  API        {login.address}/v1  (make a key: {sys.argv[0]} apikey create NAME --all-scopes)",
        soft_wrap=True,
    )
    console.print(f"  mailbox    {around.addresses.mailbox}")
    console.print("  Ctrl-C ends everything; the next start goes on from here.")


def _live(status: Status, summary: RunSummary, left: Backlog) -> None:
    status.update(
        f"{summary.orders} orders, {summary.ended} ended, {summary.shipments} shipped, {summary.late} late, "
        f"{left.due} steps due, {summary.exceptions} cases open"
    )


def _last_words(
    console: Console, summary: RunSummary, findings: list[Finding], seconds: float, *, ended: bool
) -> bool:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("orders", f"{summary.orders:,}")
    for state, count in summary.end_states.items():
        table.add_row(f"  {state}", f"{count:,}")
    table.add_row("shipments", f"{summary.shipments:,}")
    table.add_row("split orders", f"{summary.split_orders:,}")
    table.add_row("parcels", f"{summary.parcels:,}")
    table.add_row("planned cost", f"{summary.planned_cost / 100:,.2f}")
    table.add_row("captured", f"{summary.money.get('capture_succeeded', 0) / 100:,.2f}")
    table.add_row("refunded", f"{summary.money.get('refund_succeeded', 0) / 100:,.2f}")
    table.add_row("late", f"{summary.late:,}")
    for state, count in summary.returns.items():
        table.add_row(f"returns {state}", f"{count:,}")
    for state, count in summary.notices.items():
        table.add_row(f"messages {state}", f"{count:,}")
    table.add_row("open cases", f"{summary.exceptions:,}")
    table.add_row("seconds", f"{seconds:.1f}")
    table.add_row("orders/s", f"{summary.orders / seconds:.1f}")
    console.print(table)
    if not ended:
        console.print("[red]Not every order came to its end.[/]")
    if violations(findings):
        print_findings(findings)
    console.print(f"audit: {len(findings)} invariants, {sum(bool(f.count) for f in findings)} violated")
    return ended and not violations(findings)
