"""`orderloom apply DIR` and `orderloom export DIR`: a deployment's configuration as a folder of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orderloom import catalog, network, packing
from orderloom.cli import folder as files
from orderloom.cli import session
from orderloom.cli.folder import Faulty, Known
from orderloom.journey import setup
from orderloom.journey.setup import Change
from orderloom.plumbing.database import Db

SHOWN = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("apply")(apply)
    app.command("export")(export)


def apply(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder of items, nodes, channels, … files.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
) -> None:
    """Check a folder of files, show what differs from what is in place, and put it in place: all of it or nothing."""
    console = Console()
    try:
        changes = session.run(_apply(folder, dry_run=dry_run))
    except Faulty as faulty:
        for fault in faulty.faults:
            console.print(f"[red]{fault}[/]", highlight=False, soft_wrap=True)
        console.print(f"{len(faulty.faults)} faults; nothing was changed.", highlight=False)
        raise typer.Exit(2) from None
    _show(console, changes)
    counts = Counter(change.kind for change in changes)
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
    console.print(f"{'Would change' if dry_run else 'Changed'}: {told}.", highlight=False)


async def _apply(folder: Path, *, dry_run: bool) -> list[Change]:
    async with (
        session.opened(migrated=not dry_run, statement_seconds=600) as database,
        database.transaction() as db,
    ):
        wanted = files.read(folder, await _known(db))
        changes = await setup.differences(db, wanted=wanted)
        if changes and not dry_run:
            await setup.put(db, wanted=wanted)
        return changes


async def _known(db: Db) -> Known:
    return Known(
        skus=frozenset(await catalog.all_items(db)),
        kits=frozenset(await catalog.kits_of(db)),
        nodes=frozenset(node.code for node in (await network.nodes_of(db)).values()),
        channels=frozenset(channel.code for channel in (await network.channels_of(db)).values()),
        cartons=frozenset(carton.code for carton in await packing.cartons(db)),
    )


def _show(console: Console, changes: Sequence[Change]) -> None:
    for change in changes[:SHOWN]:
        if not change.fields:
            console.print(f"[green]+ {change.kind} {change.key}[/]", highlight=False)
        for name, (before, after) in change.fields.items():
            console.print(
                f"[yellow]~ {change.kind} {change.key} {name}:[/] {before} → {after}", highlight=False
            )
    if len(changes) > SHOWN:
        console.print(f"… and {len(changes) - SHOWN} more", highlight=False)


def export(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where to write the files.")],
) -> None:
    """Write what is in place as files that `apply` takes; applying them again changes nothing."""
    for file in session.run(_export(folder)):
        print(file)


async def _export(folder: Path) -> list[Path]:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        return files.write(folder, await setup.present(db))
