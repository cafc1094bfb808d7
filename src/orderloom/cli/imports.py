"""`orderloom import olist DIR` and `orderloom import online-retail FILE`: a channel's history as orders of ours."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from orderloom.cli import session
from orderloom.orders.channels.channel import Remark, Translation
from orderloom.plumbing.settings import settings
from orderloom.simulate import importing
from orderloom.simulate.importing import Captured, MissingTable

app = typer.Typer(help="Bring a channel's history in.", no_args_is_help=True)

Simulate = Annotated[
    bool, typer.Option("--simulate", help="Let the simulated world take every order to its end.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on the last line.")]
Workers = Annotated[int, typer.Option(min=1, help="Worker processes of the simulation.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first so many orders only.")]
Report = Annotated[
    Path | None, typer.Option(help="Where to list rows with remarks; in the data directory otherwise.")
]


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="import")


@app.command()
def olist(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The CSV files, gzipped or not.")
    ],
    *,
    simulate: Simulate = False,
    as_json: AsJson = False,
    workers: Workers = 1,
    limit: Limit = None,
    report: Report = None,
) -> None:
    """Olist's marketplace: items, sellers as nodes, stock that makes each order possible, orders with payments."""
    _run(
        "olist",
        lambda: importing.translate_folder("olist", folder),
        simulate,
        as_json,
        workers,
        limit,
        report,
    )


@app.command("online-retail")
def online_retail(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="One year's CSV, gzipped or not.")
    ],
    *,
    simulate: Simulate = False,
    as_json: AsJson = False,
    workers: Workers = 1,
    limit: Limit = None,
    report: Report = None,
) -> None:
    """UCI Online Retail II, both years' column names, credits and cancellations included."""
    _run(
        "online-retail",
        lambda: importing.translate_file("online-retail", file),
        simulate,
        as_json,
        workers,
        limit,
        report,
    )


def _run(
    name: str,
    translate: Callable[[], Translation],
    simulate: bool,  # noqa: FBT001 - handed on from the command line
    as_json: bool,  # noqa: FBT001 - the same
    workers: int,
    limit: int | None,
    report: Path | None,
) -> None:
    console = Console(stderr=True)
    try:
        with console.status(f"reading {name}"):
            translation = importing.first(translate(), limit)
    except MissingTable as missing:
        console.print(f"[red]{missing}[/]")
        raise typer.Exit(2) from None
    listed = report or settings().data_dir / "imports" / f"{name}.jsonl"
    summary = session.run(_import(name, translation, console, listed))
    _print(console, summary)
    if as_json:
        print(json.dumps(summary))


async def _import(name: str, translation: Translation, console: Console, listed: Path) -> dict[str, Any]:
    async with session.opened(migrated=True, statement_seconds=600) as database:
        with console.status("putting items, nodes and stock in place"):
            changed = await importing.prepare(database, wanted=importing.setup_of(name, translation))
        started = monotonic()
        with _progress(console) as progress:
            task = progress.add_task("capturing orders", total=len(translation.drafts))
            captured = await importing.capture(
                database, drafts=translation.drafts, done=lambda count: progress.advance(task, count)
            )
        seconds = monotonic() - started
    remarks = [*translation.remarks, *captured.refused]
    await asyncio.to_thread(importing.write_report, listed, remarks)
    return summary_of(translation, captured, changed, seconds, remarks) | {"report": str(listed)}


def summary_of(
    translation: Translation, captured: Captured, changed: int, seconds: float, remarks: Sequence[Remark]
) -> dict[str, Any]:
    """What was brought in, as plain values."""
    kept_out = Counter(f"{r.file}: {r.reason.split(':')[0]}" for r in remarks if not r.kept)
    return {
        "set_up": changed,
        "orders": {
            "in_source": len(translation.drafts),
            "captured": len(captured.orders),
            "new": captured.new,
            "refused": len(translation.drafts) - len(captured.orders),
        },
        "source": dict(translation.totals),
        "rows_kept_out": dict(kept_out.most_common(40)),
        "rows_mended": sum(remark.kept for remark in remarks),
        "capture": {
            "seconds": round(seconds, 3),
            "orders_per_second": round(len(captured.orders) / seconds, 1),
        },
    }


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _print(console: Console, summary: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in summary.items():
        if isinstance(value, dict):
            for inner, figure in value.items():
                table.add_row(
                    f"{name} · {inner}".replace("_", " "),
                    f"{figure:,}" if isinstance(figure, int) else str(figure),
                )
        else:
            table.add_row(name.replace("_", " "), str(value))
    console.print(table)
