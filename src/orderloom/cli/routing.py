"""`orderloom routing`: orders not yet released, planned anew together; those held for their rest, let go."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from orderloom.cli import session
from orderloom.journey import consolidating, reoptimising, working
from orderloom.journey.reoptimising import MOST, Applied, Planned, nodes_of, why
from orderloom.plumbing import clock
from orderloom.terms import WrongId, unwire, wire

app = typer.Typer(help="Plan many orders together.", no_args_is_help=True)
SHOWN = 40


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="routing")


@app.command()
def reoptimise(
    *,
    apply: Annotated[
        bool,
        typer.Option("--apply/--dry-run", help="Put it in force; otherwise only show what would change."),
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="Orders at most, the urgent and the older first.")] = MOST,
    expected: Annotated[
        int,
        typer.Option(min=0, help="So many of the orders routed last are expected once more, for the prices."),
    ] = MOST,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Plan unreleased orders anew together, never dearer than they are, and price what is scarce."""
    planned, applied = session.run(_reoptimise(most, expected, apply=apply, quiet=as_json))
    if as_json:
        print(json.dumps(_told(planned, applied)))
    else:
        _show(planned, applied)


@app.command()
def release(
    order: Annotated[str, typer.Argument(help="The order's id.")],
) -> None:
    """Let an order go that is held for its rest, to leave in fewer parcels."""
    try:
        found = session.run(_release(unwire("order", order)))
    except WrongId as wrong:
        raise typer.BadParameter(str(wrong)) from None
    if not found:
        print("It is not held for its rest.")
        raise typer.Exit(1)
    print("What is there of it is released; its rest follows.")


async def _release(order: UUID) -> bool:
    async with session.opened() as database, database.transaction() as db:
        waits = await consolidating.held(db, orders=[order])
        for hold in waits.values():
            await working.clear_hold(db, hold_id=hold.id)
        return bool(waits)


async def _reoptimise(
    most: int, expected: int, *, apply: bool, quiet: bool
) -> tuple[Planned, Applied | None]:
    out, now = Console(stderr=True, quiet=quiet), clock.now()
    async with session.opened() as database:
        with out.status("reading") as status:
            async with database.transaction(readonly=True) as db:
                batch = await reoptimising.read(db, now=now, most=most, expected=expected)
            status.update(f"planning {len(batch.questions)} orders, {len(batch.expected)} expected")
            planned = reoptimising.plan(batch)
            if not apply:
                return planned, None
            status.update(f"changing {len(planned.changes)} orders")
            async with database.transaction() as db:
                return planned, await reoptimising.apply(db, batch=batch, planned=planned, now=now)


def _told(planned: Planned, applied: Applied | None) -> dict[str, Any]:
    whole = planned.whole
    return {
        "orders": planned.orders,
        "cost_before": whole.before,
        "cost": whole.cost,
        "saving": whole.saving,
        "bound": whole.bound,
        "gap": whole.gap,
        "changes": [
            {
                "order_id": wire("order", change.order_id),
                "from_nodes": nodes_of(change.before),
                "to_nodes": nodes_of(change.after),
                "cost_before": change.before.cost,
                "cost": change.after.cost,
                "why": why(change, planned.changes),
                "applied": applied is not None and change.order_id in applied.changed,
            }
            for change in planned.changes
        ],
        "prices": [
            {"node": code, "sku": sku, "price": price} for (code, sku), price in planned.prices.items()
        ],
    }


def _show(planned: Planned, applied: Applied | None) -> None:
    whole, out = planned.whole, Console(highlight=False)
    table = Table("order", "from", "to", "cost before", "cost", box=None, pad_edge=False)
    for change in planned.changes[:SHOWN]:
        names = (", ".join(nodes_of(way)) for way in (change.before, change.after))
        table.add_row(wire("order", change.order_id), *names, str(change.before.cost), str(change.after.cost))
    if planned.changes:
        out.print(table)
    if len(planned.changes) > SHOWN:
        out.print(f"… and {len(planned.changes) - SHOWN} more")
    permille = 1000 * whole.saving // whole.before if whole.before else 0
    out.print(
        f"{planned.orders} orders: {whole.before} before, {whole.cost} now, {whole.saving} saved ({permille / 10} %); "
        f"no plan of them all costs less than {whole.bound}. {len(planned.prices)} prices of scarce units."
    )
    if applied is None:
        out.print("Nothing was changed: --apply does.")
    else:
        out.print(f"{len(applied.changed)} orders changed, {len(applied.passed_over)} had moved meanwhile.")
