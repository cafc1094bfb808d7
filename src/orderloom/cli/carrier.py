"""`orderloom carrier`: audit an invoice file; show what was spent and earned; put a file's prices, or the Postal Service's tables, into a contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from orderloom.cli import session
from orderloom.cli.imports import print_summary
from orderloom.journey import setup
from orderloom.journey.setup import CarrierTerms, Setup
from orderloom.plumbing import clock
from orderloom.shipping.auditing import AlreadyAudited, NoSuchCarrier, Report, audit_invoice, dispute_file
from orderloom.shipping.contract import BadTerms, parse
from orderloom.shipping.contracts import newest_terms, put_contracts
from orderloom.shipping.invoice import NotAnInvoice
from orderloom.shipping.model import ContractDraft
from orderloom.shipping.rate_file import NotARateFile, Prices, with_prices
from orderloom.shipping.spending import Earnings, earnings
from orderloom.shipping.usps import NoTables, Tables, read_folder

app = typer.Typer(help="Contracts and invoices of carriers.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would come of it and keep nothing.")]
BAD_SHOWN = 20
DIFFERS, FAULTY = 1, 2


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="carrier")


# --- invoices -------------------------------------------------------------------------------------------------


@app.command("audit-invoice")
def audit(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The invoice as a CSV.")],
    *,
    carrier: Annotated[str, typer.Option(help="The carrier's code.")],
    number: Annotated[
        str | None, typer.Option(help="The invoice's number; the file's name otherwise.")
    ] = None,
    disputes: Annotated[Path | None, typer.Option(help="Write the lines in dispute to this CSV.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Rate every parcel of an invoice anew and say what differs, and why; exits 1 when anything is in dispute."""
    console = Console(stderr=True)
    try:
        found = session.run(_audit(console, file, carrier, number or file.stem, keep=not dry_run))
    except (NotAnInvoice, UnicodeDecodeError) as wrong:
        console.print(f"[red]{file.name}: {wrong}[/]")
        raise typer.Exit(FAULTY) from None
    match found:
        case NoSuchCarrier():
            raise typer.BadParameter(f"there is no carrier {carrier!r}")
        case AlreadyAudited(number=known, at=at):
            console.print(f"[red]invoice {known} was audited on {at.date().isoformat()}[/]")
            raise typer.Exit(FAULTY)
        case report:
            _tell(console, report, disputes, as_json=as_json)


async def _audit(
    console: Console, file: Path, carrier: str, number: str, *, keep: bool
) -> Report | NoSuchCarrier | AlreadyAudited:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("parcels", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        with file.open(encoding="utf-8-sig", newline="") as text:
            async with session.opened(statement_seconds=600) as database, database.transaction() as db:
                return await audit_invoice(
                    db, carrier=carrier, number=number, text=text, by="cli", keep=keep, tell=tell
                )


def _tell(console: Console, report: Report, disputes: Path | None, *, as_json: bool) -> None:
    if disputes is not None:
        disputes.write_text(dispute_file(line.json() for line in report.lines), encoding="utf-8")
    for row in report.bad[:BAD_SHOWN]:
        console.print(f"[yellow]line {row.line}: {row.reason}[/]")
    if len(report.bad) > BAD_SHOWN:
        console.print(f"[yellow]… and {len(report.bad) - BAD_SHOWN} more rows left out[/]")
    print_summary(console, {"currency": report.currency, **report.summary()})
    if as_json:
        print(
            json.dumps(
                {
                    "carrier": report.carrier,
                    "number": report.number,
                    "currency": report.currency,
                    "summary": report.summary(),
                    "bad_rows": [row.json() for row in report.bad],
                    "lines": [line.json() for line in report.lines],
                }
            )
        )
    raise typer.Exit(DIFFERS if report.disputed else 0)


# --- what was spent -------------------------------------------------------------------------------------------


@app.command("earnings")
def earned(
    carrier: Annotated[str, typer.Argument(help="The carrier's code.")],
    *,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it was on that day; today otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was spent with a carrier in the weeks its earned discounts look back on, and what that earns."""
    console = Console(stderr=True)
    found = session.run(_earnings(carrier, at.replace(tzinfo=UTC) if at else clock.now()))
    if found is None:
        raise typer.BadParameter(f"there is no carrier {carrier!r}")
    if as_json:
        print(json.dumps(found.json()))
        return
    if not found.standings:
        console.print(f"{carrier} has no earned discounts in force on {found.day.isoformat()}")
    for one in found.standings:
        told = one.json()
        ahead = f", {told['next_permille']} from {one.ahead.spend:,}" if one.ahead else ""
        console.print(
            f"{one.rule.code}: {one.spent:,} spent {told['since']} … {told['until']}, "
            f"{told['permille']} permille off{ahead}"
        )
    for week in found.weeks:
        console.print(f"  week of {week.week}: {week.amount:,}, holds from {week.holds_from}")


async def _earnings(carrier: str, at: datetime) -> Earnings | None:
    async with session.opened() as database, database.transaction() as db:
        return await earnings(db, carrier=carrier, at=at)


# --- prices ---------------------------------------------------------------------------------------------------


@app.command("import-rates")
def import_rates(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: service,weight_not_over,zone,amount")
    ],
    *,
    carrier: Annotated[str, typer.Option(help="The carrier's code; it has a contract already.")],
    valid_from: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day from which the prices hold.")
    ],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put prices into a new version of a carrier's contract; any row that cannot be used is told, and then none is kept."""
    console = Console(stderr=True)
    try:
        found = session.run(_import_rates(file, carrier, valid_from.replace(tzinfo=UTC), keep=not dry_run))
    except (NotARateFile, UnicodeDecodeError) as wrong:
        console.print(f"[red]{file.name}: {wrong}[/]")
        raise typer.Exit(FAULTY) from None
    except BadTerms as bad:
        for fault in bad.faults:
            console.print(f"[red]{fault.path}: {fault.message}[/]")
        raise typer.Exit(FAULTY) from None
    if found is None:
        raise typer.BadParameter(f"carrier {carrier!r} has no contract to put prices into")
    prices, version = found
    for row in prices.bad:
        console.print(f"[yellow]line {row.line}: {row.reason}[/]")
    for hole in prices.missing:
        console.print(f"[yellow]{hole}[/]")
    summary = {
        "services": list(prices.services),
        "prices": prices.prices,
        "changed": prices.changed,
        "bad_rows": [row.json() for row in prices.bad],
        "missing": list(prices.missing),
        "version": version,
    }
    counts = {"bad_rows": len(prices.bad), "missing": len(prices.missing)}
    print_summary(console, {**summary, "services": ", ".join(prices.services), **counts})
    if as_json:
        print(json.dumps(summary))
    raise typer.Exit(FAULTY if prices.bad or prices.missing else 0)


async def _import_rates(
    file: Path, carrier: str, valid_from: datetime, *, keep: bool
) -> tuple[Prices, int | None] | None:
    """The prices and the version made of them; None without a contract."""
    async with session.opened() as database, database.transaction() as db:
        terms = await newest_terms(db, carrier=carrier)
        if terms is None:
            return None
        with file.open(encoding="utf-8-sig", newline="") as text:
            prices = with_prices(terms, text)
        if prices.bad or prices.missing:
            return prices, None
        parse(carrier=carrier, version=0, terms=prices.terms)
        if not keep:
            return prices, None
        draft = ContractDraft(carrier=carrier, valid_from=valid_from, terms=prices.terms)
        return prices, (await put_contracts(db, contracts=[draft])).get(carrier)


# --- published tables -----------------------------------------------------------------------------------------


@app.command("import-usps")
def import_usps(
    folder: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="usps_retail_*.csv and usps_zip3_zones_*.csv(.gz)"),
    ],
    *,
    carrier: Annotated[str, typer.Option(help="The carrier's code.")] = "usps",
    name: Annotated[str, typer.Option(help="Its name, when it is new.")] = "US Postal Service",
    adapter: Annotated[str, typer.Option(help="The adapter that buys its labels.")] = "simulated",
    valid_from: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day from which the prices hold.")
    ] = datetime(2025, 10, 5),  # noqa: DTZ001 - a day, made a moment below
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make the Postal Service's published prices and zones, your own download, a contract of a carrier."""
    console = Console(stderr=True)
    try:
        with console.status("reading the tables"):
            tables = read_folder(folder)
    except NoTables as missing:
        console.print(f"[red]{missing}[/]")
        raise typer.Exit(FAULTY) from None
    wanted = CarrierTerms(
        code=carrier,
        name=name,
        adapter=adapter,
        terms=dict(tables.terms),
        valid_from=valid_from.replace(tzinfo=UTC),
    )
    changed = [] if dry_run else session.run(_put(wanted))
    _tell_tables(console, tables, changed, as_json=as_json)


async def _put(wanted: CarrierTerms) -> list[str]:
    async with session.opened(statement_seconds=120) as database, database.transaction() as db:
        await setup.put(db, wanted=Setup(carriers=[wanted]))
    return [wanted.code]


def _tell_tables(console: Console, tables: Tables, changed: list[str], *, as_json: bool) -> None:
    for row in tables.bad[:BAD_SHOWN]:
        console.print(f"[yellow]{row.file}, line {row.line}: {row.reason}[/]")
    summary = {
        "prices": tables.prices,
        "pairs": tables.pairs,
        "pairs_with_exceptions": tables.defaults,
        "bad_rows": len(tables.bad),
        "kept_for": changed,
    }
    print_summary(console, summary)
    if as_json:
        print(json.dumps(summary))
