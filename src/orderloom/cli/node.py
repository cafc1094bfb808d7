"""`orderloom node`: nodes as they stand, and closing one for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orderloom import network
from orderloom.cli import session
from orderloom.journey import outages
from orderloom.journey.outages import Closed
from orderloom.network import Node
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db

app = typer.Typer(help="Look at nodes; close one for a while, and open it again.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The node's code.")]
Reason = Annotated[str, typer.Option(help="Why, as people and decision records shall read it.")]


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="node")


@app.command("list")
def list_all() -> None:
    """Every node, and why it ships nothing where it does not."""
    table = Table("node", "name", "type", "state", box=None, pad_edge=False)
    for node in session.run(_all()):
        state = f"closed: {node.closed_because}" if node.closed_because else "open" if node.active else "off"
        table.add_row(node.code, node.name, node.type, state)
    Console().print(table)


async def _all() -> list[Node]:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        return list((await network.nodes_of(db)).values())


@app.command()
def close(
    code: Code,
    *,
    reason: Reason,
    until: Annotated[
        datetime | None, typer.Option(help="It opens by itself then, UTC; otherwise by `node reopen`.")
    ] = None,
) -> None:
    """What it has not begun is routed from elsewhere; what no other node has waits until it opens again."""
    end = until.replace(tzinfo=until.tzinfo or UTC) if until else None
    if end is not None and end <= clock.now():
        raise typer.BadParameter("the outage's end lies in the past")
    closed = session.run(_close(code, reason, end))
    there = closed.standing
    print(f"{code} is closed{f' until {end:%Y-%m-%d %H:%M} UTC' if end else ''}.")
    print(f"{len(there.movable)} orders, {sum(there.movable.values())} units, are routed from elsewhere.")
    if there.bound:
        print(f"{len(there.bound)} orders are bound to it by their channel and wait there.")
    if there.begun:
        print(f"{len(there.begun)} fulfillment orders are picked from already and stay there.")


async def _close(code: str, reason: str, until: datetime | None) -> Closed:
    async with session.opened() as database, database.transaction() as db:
        node = await _node(db, code)
        return await outages.close(db, node_id=node.id, reason=reason, now=clock.now(), reopens_at=until)


@app.command()
def reopen(code: Code, *, reason: Reason = "reopened") -> None:
    """It ships again, and orders that wait for what lies there are served; exits 1 when it was not closed."""
    if not session.run(_reopen(code, reason)):
        print(f"{code} is not closed.")
        raise typer.Exit(1)
    print(f"{code} is open.")


async def _reopen(code: str, reason: str) -> bool:
    async with session.opened() as database, database.transaction() as db:
        node = await _node(db, code)
        return bool(await outages.reopen(db, node_ids=[node.id], reason=reason))


async def _node(db: Db, code: str) -> Node:
    for node in (await network.nodes_of(db, codes=[code])).values():
        return node
    raise typer.BadParameter(f"there is no node {code!r}")
