"""`orderloom import orders FILE`, a file of orders as a job; `olist DIR` and `online-retail FILE`, a channel's history."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from orderloom.api.bulk import BulkRow, OnError
from orderloom.api.bulk_jobs import JobOut, come_in, told
from orderloom.api.orders_in_rows import orders_of
from orderloom.api.problems import Problem, refused
from orderloom.cli import session
from orderloom.insight import audit
from orderloom.orders import bulk
from orderloom.orders.bulk import Job, TooManyJobs
from orderloom.orders.channels.channel import Remark, Translation
from orderloom.orders.store import bulk as bulk_store
from orderloom.plumbing.settings import settings
from orderloom.simulate import importing
from orderloom.simulate.importing import MissingTable
from orderloom.simulate.whole_way import Tell, WholeWay
from orderloom.terms import wire

FAILED_SHOWN = 50
_LOOK_EVERY_S = 0.2

app = typer.Typer(help="Bring orders in: a file of them, or a channel's history.", no_args_is_help=True)

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
    asked = _Asked("olist", simulate, as_json, workers, limit, report)
    _run(asked, lambda: importing.translate_folder("olist", folder))


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
    asked = _Asked("online-retail", simulate, as_json, workers, limit, report)
    _run(asked, lambda: importing.translate_file("online-retail", file))


@app.command()
def orders(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Orders: NDJSON, or CSV by its name.")
    ],
    *,
    on_error: Annotated[
        OnError, typer.Option(help="What a row that fails does to the others: see the API.")
    ] = "reject_failed",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row and store no order.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the job to its end; a worker must be running.")] = True,
    as_json: AsJson = False,
) -> None:
    """Orders as the API takes them, kept as a job that a worker places; exits 1 when a row failed."""
    try:
        job, failed = session.run(_job(file, on_error, wait=wait, dry_run=dry_run))
    except Problem as problem:
        raise typer.BadParameter(problem.detail) from None
    console = Console(stderr=True)
    for row in failed:
        faults = "; ".join(f"{fault.path} {fault.message}".strip() for fault in row.errors)
        console.print(f"row {row.row}: {row.status} {row.code} {faults}", markup=False)
    if len(failed) == FAILED_SHOWN:
        console.print(f"… the rest: GET /v1/bulk-jobs/{wire('job', job.id)}/rows?failed=true", markup=False)
    told = JobOut.of(job).model_dump_json()
    print(told if as_json else f"{wire('job', job.id)} {job.state}: {job.rows} rows, {job.created} created, "
          f"{job.duplicates} duplicates, {job.failed} failed")  # fmt: skip
    raise typer.Exit(1 if job.failed else 0)


async def _job(file: Path, on_error: OnError, *, wait: bool, dry_run: bool) -> tuple[Job, list[BulkRow]]:
    async with session.opened(migrated=True) as database:
        async with database.transaction() as db:
            job = await bulk.open_(db, on_error=on_error, name=file.name, dry_run=dry_run)
        if isinstance(job, TooManyJobs):
            raise refused("too_many_jobs", f"{job.under_way} files are under way: wait for one")
        assert isinstance(job, Job)  # noqa: S101 - it was sent without a key
        lines = _lines(file)
        is_csv = file.suffix.lower() == ".csv"
        try:
            told_as = orders_of(lines, most=settings().body_limit_bytes) if is_csv else lines
            await come_in(database, job, told_as, seen=None)
        except BaseException:
            async with database.transaction() as db:
                await bulk.cancel(db, job_id=job.id, reason="the file did not come in whole")
            raise
        with _progress(Console(stderr=True)) as progress:
            task = progress.add_task("orders", total=None)
            while True:
                async with database.transaction(readonly=True) as db:
                    [job] = await bulk.jobs(db, ids=[job.id])
                progress.update(task, total=job.rows, completed=job.settled)
                if job.ended_at is not None or not wait:
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
        async with database.transaction(readonly=True) as db:
            rows = await bulk_store.rows(db, job.id, failed=True, limit=FAILED_SHOWN)
    return job, [told(row) for row in rows]


async def _lines(file: Path) -> AsyncIterator[tuple[int, bytes | None]]:
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            yield number, line


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    simulate: bool
    as_json: bool
    workers: int
    limit: int | None
    report: Path | None


def _run(asked: _Asked, translate: Callable[[], Translation]) -> None:
    console = Console(stderr=True)
    try:
        with console.status(f"reading {asked.name}"):
            translation = importing.first(translate(), asked.limit)
    except MissingTable as missing:
        console.print(f"[red]{missing}[/]")
        raise typer.Exit(2) from None
    with _progress(console) as progress:
        summary = session.run(_import(asked, translation, _teller(progress)))
    listed = asked.report or settings().data_dir / "imports" / f"{asked.name}.jsonl"
    importing.write_report(listed, translation.remarks)
    print_summary(console, summary | {"report": str(listed)})
    if asked.as_json:
        print(json.dumps(summary))
    raise typer.Exit(0 if summary["good"] else 1)


async def _import(asked: _Asked, translation: Translation, tell: Tell) -> dict[str, Any]:
    async with session.opened(migrated=True, statement_seconds=600) as database:
        run = WholeWay(
            database=database,
            name=asked.name,
            translation=translation,
            data_dir=settings().data_dir,
            workers=asked.workers,
            tell=tell,
        )
        summary = await run.run() if asked.simulate else await run.capture_only()
        findings = await audit.of_database(database)
    return summary | {
        "rows": rows_of(translation.remarks),
        "audit": {f.invariant.key: f.count for f in findings if f.count},
        "good": summary["good"] and not any(f.count for f in findings),
    }


def rows_of(remarks: Sequence[Remark]) -> dict[str, Any]:
    """Rows kept out by reason, and how many were taken in mended."""
    kept_out = Counter(f"{r.file}: {r.reason.split(':')[0]}" for r in remarks if not r.kept)
    return {"kept_out": dict(kept_out.most_common(40)), "mended": sum(remark.kept for remark in remarks)}


def _teller(progress: Progress) -> Tell:
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
        progress.update(tasks[what], completed=done)

    return tell


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    """The figures as a table, one a line."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _flat(summary):
        table.add_row(
            name, f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
        )
    console.print(table)


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        label = f"{above}{name}".replace("_", " ")
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{label} · ")
        else:
            yield label, value
