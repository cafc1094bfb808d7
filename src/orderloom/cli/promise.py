"""`orderloom promise`: how good the dates of the past were, and learning from how long deliveries take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from orderloom.cli import session
from orderloom.delivery import learning
from orderloom.delivery.evaluation import TooFew, evaluate
from orderloom.delivery.olist_past import TABLES, orders_of_the_past
from orderloom.insight.deliveries import deliveries
from orderloom.plumbing import clock
from orderloom.simulate.importing import MissingTable, tables_in

_FAULTY = 2


def register(whole: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Promised dates: how good they were, and learning from deliveries.", no_args_is_help=True
    )
    group.command("evaluate")(evaluate_past)
    group.command("learn")(learn_now)
    whole.add_typer(group, name="promise")


def evaluate_past(
    folder: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="Tables as Olist lays them out, gzipped or not."),
    ],
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="The first month to evaluate, where it shall be a later one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    answers: Annotated[
        Path | None, typer.Option(help="Write what was said of each order there, a JSON object a line.")
    ] = None,
) -> None:
    """Forecast every delivery of the past from what was known then, and hold it against what came of it."""
    try:
        past = orders_of_the_past(tables_in(folder, TABLES))
        report, said = evaluate(past, since=since)
    except (MissingTable, TooFew) as wrong:
        Console(stderr=True).print(f"[red]{wrong}[/]")
        raise typer.Exit(_FAULTY) from None
    if answers is not None:
        with answers.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in said)
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        _show(report)


def learn_now() -> None:
    """Learn from this deployment's deliveries now, instead of within a day: what promises are made from changes at once."""
    console = Console(stderr=True)
    version, seen = session.run(_learn())
    if version is None:
        console.print(f"{seen} shipments were planned to be there by now: too few have come to learn from")
        raise typer.Exit(1)
    print(f"version {version} is in use, learnt from {seen} shipments")


async def _learn() -> tuple[int | None, int]:
    now = clock.now()
    async with session.opened(statement_seconds=600) as database, database.transaction() as db:
        seen = await deliveries(db, now=now)
        return await learning.learn_from(db, deliveries=seen, now=now), len(seen)


def _show(report: dict[str, Any]) -> None:
    """A line a month, narrow enough for any terminal: kept on the day or before, mean days promised, coverage."""
    print("of the delivered  by the source         ours       causal      coverage of")
    print("month       n    kept   days   kept   days   kept   days   P50   P80   P95")
    for month, figures in [*report["months"].items(), ("all", report["overall"])]:
        of = figures["delivered"]
        pairs = "".join(
            f"{_percent(of[who]['on_time']):>7}{_days(of[who]['promise_days']):>7}"
            for who in ("source", "ours", "causal")
        )
        covered = "".join(f"{_percent(one['coverage']):>6}" for one in figures["quantiles"].values())
        print(f"{month:7}{of['n']:>6}{pairs}{covered}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f}"


def _days(days: float | None) -> str:
    return "–" if days is None else f"{days:.2f}"
