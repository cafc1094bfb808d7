"""`orderloom order`: an order's lines edited after capture, with what it comes to shown first."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from orderloom.cli import session
from orderloom.insight import order_page
from orderloom.insight.scope import EVERYTHING
from orderloom.journey.editing import Edited, edit
from orderloom.orders.editing import Added, Edit, LineEdit
from orderloom.orders.reading import lines_of
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db

app = typer.Typer(help="Change an order after capture.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Change an order after capture."""


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="order")


@app.command("edit")
def edit_lines(
    number: Annotated[str, typer.Argument(help="The order's number.")],
    *,
    line: Annotated[
        list[str] | None, typer.Option(help="SKU=UNITS: units that are to be on its line, 0 removes it.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(help="SKU=UNITS: a line to add, at the catalogue's price.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, as people shall read it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it comes to, change nothing.")
    ] = False,
) -> None:
    """Lower, raise, remove and add lines; exits 1 when the order's state does not allow it."""
    lines, added = _units("--line", line), _units("--add", add)
    said = session.run(_edit(number, lines, added, reason, dry_run=dry_run))
    if not isinstance(said, Edited):
        for fault in said:
            typer.echo(fault, err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{number}: {'would come' if dry_run else 'comes'} to {said.total[1]} instead of {said.total[0]}."
    )
    if said.to_authorize:
        typer.echo(f"{said.to_authorize} more to be authorised.")
    for held in said.stock:
        typer.echo(
            f"{held.units:+d} {held.sku} {f'kept at {held.node}' if held.node else 'waiting for stock'}"
        )
    for sku, units in said.requested.items():
        typer.echo(f"{units} {sku}: the node is asked to let go")


def _units(option: str, given: list[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in given or ():
        sku, _, units = text.rpartition("=")
        if not sku or not units.isdecimal() or sku in found:
            raise typer.BadParameter(f"{option} {text}: say SKU=UNITS, each SKU once")
        found[sku] = int(units)
    return found


async def _edit(
    number: str, lines: dict[str, int], add: dict[str, int], reason: str, *, dry_run: bool
) -> Edited | list[str]:
    async with session.opened() as database, database.transaction() as db:
        order = await order_page.find(db, scope=EVERYTHING, number=number)
        if order is None:
            return [f"There is no order {number}."]
        known = await _lines(db, order["id"])
        if wrong := [sku for sku in lines if len(known.get(sku, ())) != 1]:
            return [f"{sku} is on {len(known.get(sku, ()))} lines of the order." for sku in wrong]
        wanted = Edit(
            lines=tuple(LineEdit(line_id=known[sku][0], quantity=units) for sku, units in lines.items()),
            add=tuple(Added(sku=sku, quantity=units) for sku, units in add.items()),
        )
        outcome = await edit(
            db, order_id=order["id"], edit=wanted, reason=reason, now=clock.now(), keep=not dry_run
        )
    if isinstance(outcome, Edited):
        return outcome
    return [fault.message for fault in outcome.faults] if outcome else [f"There is no order {number}."]


async def _lines(db: Db, order_id: UUID) -> dict[str, list[UUID]]:
    """By SKU the lines that may be edited: a kit's parts go with it."""
    found: dict[str, list[UUID]] = {}
    for line in (await lines_of(db, [order_id]))[order_id]:
        if line.kit_line_id is None:
            found.setdefault(line.sku, []).append(line.id)
    return found
