"""`orderloom audit`: check every invariant against the database, and say which are broken."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orderloom.cli import session
from orderloom.insight import audit
from orderloom.insight.audit import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(command)


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False
) -> None:
    """Check every invariant; exits 1 if any is violated."""
    findings = session.run(_findings())
    if as_json:
        print(json.dumps({"violations": violations(findings), "findings": [f.json() for f in findings]}))
    else:
        print_findings(findings)
    raise typer.Exit(1 if violations(findings) else 0)


async def _findings() -> list[Finding]:
    # The audit may read long: that is its work and no sign of something hung.
    async with session.opened(statement_seconds=3600) as database:
        return await audit.of_database(database)


def violations(findings: list[Finding]) -> int:
    """How many rows break something."""
    return sum(finding.count for finding in findings)


def print_findings(findings: list[Finding]) -> None:
    """Each invariant with its count, and samples of what breaks it."""
    console = Console()
    table = Table("invariant", "what must hold", "violations", box=None, pad_edge=False)
    for finding in findings:
        style = "bold red" if finding.count else "green"
        table.add_row(
            finding.invariant.key, finding.invariant.says, f"[{style}]{finding.count}[/]", end_section=False
        )
    console.print(table)
    for finding in findings:
        for row in finding.json()["sample"]:
            console.print(
                f"[red]{finding.invariant.key}[/] {json.dumps(row)}", soft_wrap=True, highlight=False
            )
    broken = sum(bool(finding.count) for finding in findings)
    console.print(f"{len(findings)} invariants, {broken} violated.", highlight=False)
