"""`orderloom inventory`: levels, what channels may sell by when, why a number is so, safety stock from a risk, a channel's listing compared with ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orderloom import catalog, network
from orderloom.cli import session
from orderloom.insight import stock_pages, why_stock
from orderloom.insight.scope import EVERYTHING
from orderloom.insight.why_stock import ChannelWhy, Why
from orderloom.journey import limiting, publishing_stock, securing
from orderloom.journey.offering import expected, offers, open_to
from orderloom.journey.securing import Asked, Proposal
from orderloom.plumbing import clock, http
from orderloom.plumbing.database import Row
from orderloom.sync.availability import NotNow
from orderloom.sync.listing import Compared

app = typer.Typer(help="Look at stock, and at what channels are told of it.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="inventory")


# --- why ------------------------------------------------------------------------------------------------------


@app.command()
def why(
    node: Annotated[str, typer.Argument(help="The node's code.")],
    sku: Annotated[str, typer.Argument(help="The item's SKU.")],
    *,
    as_json: Json = False,
) -> None:
    """Why the numbers of a SKU at a node are what they are; exits 1 when they do not add up."""
    found = session.run(_why(node, sku))
    if found is None:
        raise typer.BadParameter(f"there is no node {node!r} or no item {sku!r}")
    if as_json:
        print(json.dumps({**asdict(found), "adds_up": found.adds_up}, default=_plain))
    else:
        _tell(found)
    raise typer.Exit(0 if found.adds_up else 1)


async def _why(node: str, sku: str) -> Why | None:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        return await why_stock.why(db, scope=EVERYTHING, node=node, sku=sku)


def _tell(found: Why) -> None:
    out = Console(highlight=False)
    out.print(Text(f"{found.sku} at {found.node}: {found.name}", style="bold"))
    out.print(_balance(found))
    if found.safety_rule:
        rule = found.safety_rule
        out.print(
            f"safety stock {rule['units']}: {rule['source']} for {rule['of']}, {_at(rule['updated_at'])}"
        )
    for claims in found.claims:
        for claim in claims.claims:
            out.print("  " + _claim(claims.bucket, claim))
        if claims.count > len(claims.claims):
            out.print(f"  … and {claims.count - len(claims.claims)} more")
        _judge(out, claims.bucket, claims.units, claims.by_claims, claims.adds_up, "open claims")
    for name, coming in (("on order", found.on_order), ("in transit", found.in_transit)):
        for each in coming:
            out.print(f"{name}: {each['units']} by {_at(each['due_at'])} ({each['reference']})")
    for channel in found.channels:
        _channel(out, channel)
    out.print(_moves(found.movements))


def _balance(found: Why) -> Table:
    table = Table("bucket", "units", "by the ledger", "of which", box=None, pad_edge=False)
    for bucket in found.buckets:
        kinds = ", ".join(f"{kind} {units:+}" for kind, units in bucket.kinds.items())
        style = "" if bucket.adds_up else "bold red"
        table.add_row(bucket.name, str(bucket.units), str(bucket.by_ledger), kinds, style=style)
    table.add_row("available", str(found.available), "", "on hand less all below it", style="bold")
    table.add_row(
        "to promise", str(found.to_promise), "", "available less safety stock, plus backorder limit"
    )
    return table


def _claim(bucket: str, claim: Mapping[str, Any]) -> str:
    who = claim["reference"] or "another channel's"
    rest = f", until {_at(claim['expires_at'])}" if claim["expires_at"] else f", {claim['status']}"
    priority = f", priority {claim['priority']}" if claim["priority"] else ""
    return f"{bucket} {claim['units']}: {claim['type']} {who} since {_at(claim['since'])}{rest}{priority}"


def _judge(out: Console, name: str, units: int, explained: int, adds_up: bool, by: str) -> None:  # noqa: FBT001 - a verdict
    if not adds_up:
        out.print(f"{name} is {units}, but {by} make {explained}", style="bold red")


def _channel(out: Console, channel: ChannelWhy) -> None:
    told = (
        "never told" if channel.version is None else f"told {channel.published} (version {channel.version})"
    )
    out.print(Text(f"{channel.channel} may sell {channel.quantity}, {told}", style="bold"))
    for step in channel.steps:
        sign = "=" if step.total else "+" if step.units >= 0 else "-"
        out.print(f"  {sign} {abs(step.units):>6}  {step.says}")
    if not channel.adds_up:
        out.print("  these steps do not lead there", style="bold red")


def _moves(moves: Sequence[Mapping[str, Any]]) -> Table:
    # Few units are ever damaged or in quality control: their columns are there when a movement has some.
    always, seldom = ("on_hand", "reserved", "allocated"), ("damaged", "quality_control")
    buckets = (*always, *(b for b in seldom if any(move[f"{b}_delta"] for move in moves)))
    names = [bucket.replace("_", " ") for bucket in buckets]
    table = Table("last moved", "kind", *names, "cause", "by", box=None, pad_edge=False)
    for move in moves:
        deltas = [f"{move[f'{b}_delta']:+}" if move[f"{b}_delta"] else "" for b in buckets]
        cause = move["order_number"] or move["reason"] or move["cause_type"]
        table.add_row(_at(move["moved_at"]), move["kind"], *deltas, cause, move["actor"])
    return table


# --- levels ---------------------------------------------------------------------------------------------------


@app.command()
def levels(
    *,
    sku: Annotated[list[str] | None, typer.Option(help="Of these SKUs; may be repeated.")] = None,
    node: Annotated[list[str] | None, typer.Option(help="At these nodes; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 200,
    as_json: Json = False,
) -> None:
    """Balances by SKU and node."""
    rows = session.run(_levels(sku, node, limit))
    names = (
        "sku",
        "node",
        "available",
        "on_hand",
        "reserved",
        "allocated",
        "damaged",
        "quality_control",
        "safety_stock",
        "backorder_limit",
    )
    if as_json:
        print(json.dumps([{name: row[name] for name in names} for row in rows]))
        return
    table = Table(*(name.replace("_", " ") for name in names), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(row[name]) for name in names))
    Console().print(table)
    if len(rows) == limit:
        print(f"There may be more than these {limit}: name SKUs or nodes, or give a higher --limit.")


async def _levels(skus: list[str] | None, nodes: list[str] | None, limit: int) -> list[Row]:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        rows = await stock_pages.levels(db, scope=EVERYTHING, skus=skus, nodes=nodes, limit=limit)
    return rows[:limit]


@app.command()
def availability(
    sku: Annotated[list[str], typer.Argument(help="SKUs of items or kits.")],
    *,
    channel: Annotated[str | None, typer.Option(help="To this channel alone, by its code.")] = None,
    as_json: Json = False,
) -> None:
    """What channels may sell of these now, and by when more."""
    found = session.run(_availability(sku, channel))
    if as_json:
        print(json.dumps(found, default=_plain))
        return
    table = Table("sku", "channel", "may sell", "by when more", box=None, pad_edge=False)
    for row in found:
        now, *later = row["by_date"]
        more = ", ".join(f"{day['units']} from {_at(day['at'])}" for day in later)
        table.add_row(row["sku"], row["channel"], str(now["units"]), more)
    Console().print(table)


async def _availability(skus: list[str], code: str | None) -> list[dict[str, Any]]:
    now = clock.now()
    async with session.opened() as database, database.transaction(readonly=True) as db:
        items = await catalog.items_of(db, skus=set(skus))
        if unknown := [sku for sku in skus if sku not in items or not items[sku].active]:
            raise typer.BadParameter(f"no active item {', '.join(unknown)}")
        channels = await network.channels_of(db, codes=[code] if code else None)
        if not channels:
            raise typer.BadParameter(f"there is no channel {code!r}")
        nodes = await network.nodes_of(db)
        offered = await offers(db, skus=sorted(items), channels=list(channels))
        more = await expected(db, skus=sorted(items), now=now)
    found = [
        {
            "sku": sku,
            "channel": channels[key].code,
            "by_date": [
                asdict(day) for day in more.by_date(open_to(channels[key], nodes), sku, offer, now=now)
            ],
        }
        for (key, sku), offer in offered.items()
    ]
    return sorted(found, key=lambda row: (row["sku"], row["channel"]))


@app.command()
def sell_ahead(
    node: Annotated[str, typer.Argument(help="The node's code.")],
    sku: Annotated[str, typer.Argument(help="The item's SKU.")],
    units: Annotated[int, typer.Argument(min=0, max=1_000_000, help="Promised beyond those there, at most.")],
) -> None:
    """Set how many units of a SKU a node may be promised beyond those it has; 0 is none."""
    print(session.run(_sell_ahead(node, sku, units)))


async def _sell_ahead(code: str, sku: str, units: int) -> str:
    async with session.opened() as database, database.transaction() as db:
        nodes = list(await network.nodes_of(db, codes=[code]))
        if not nodes or not await limiting.stocked_itself(db, sku=sku):
            raise typer.BadParameter(f"there is no node {code!r}, or no item {sku!r} that is stocked itself")
        said = await limiting.sell_ahead(db, node_id=nodes[0], sku=sku, units=units)
    if said is not None:
        raise typer.BadParameter(f"{said.units} of {sku} are promised beyond those at {code} already")
    return f"{code} may be promised {units} of {sku} beyond those it has."


# --- safety stock ---------------------------------------------------------------------------------------------


@app.command()
def safety(
    *,
    target: Annotated[
        float, typer.Option(min=0.000001, max=0.5, help="Chance of an oversell each time a SKU sells out.")
    ] = 0.001,
    node: Annotated[str | None, typer.Option(help="At this node alone.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="Of these SKUs alone; may be repeated.")] = None,
    lag: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds a channel's number may be old; measured without.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put it in place; otherwise only show it.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Show instead what rules computed before have achieved.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The safety stock that a target risk asks for, from sales, picks that missed, and the channels' lag."""
    if report:
        _report(session.run(_achieved()), as_json=as_json)
        return
    found, changed = session.run(_safety(target, lag, node, sku, apply=apply))
    rows: list[dict[str, Any]] = [
        {
            "node": code,
            "sku": p.sku,
            "was": p.was,
            "units": p.safety.units,
            "risk": p.safety.risk,
            "kept": p.by_hand,
            "basis": p.safety.basis(),
        }
        for code, p in found
    ]
    if as_json:
        print(json.dumps({"results": rows, "changed": changed}))
        return
    table = Table("node", "sku", "was", "safety stock", "risk left", "from", box=None, pad_edge=False)
    for row in rows:
        basis = row["basis"]
        told = f"{basis['units_per_day']}/day, {basis['missed']} of {basis['picked']} not found, lag {basis['lag_seconds']} s"
        table.add_row(
            row["node"],
            row["sku"],
            str(row["was"]),
            str(row["units"]),
            f"{row['risk']:.2g}",
            "set by hand, kept" if row["kept"] else told,
        )
    Console().print(table)
    print(
        f"{changed} balances keep another number."
        if apply
        else "Nothing was changed: --apply puts it in place."
    )


async def _safety(
    target: float, lag: float | None, node: str | None, skus: list[str] | None, *, apply: bool
) -> tuple[list[tuple[str, Proposal]], int]:
    async with session.opened() as database:
        async with database.transaction(readonly=True) as db:
            codes = {
                n.id: n.code for n in (await network.nodes_of(db, codes=[node] if node else None)).values()
            }
        if node and not codes:
            raise typer.BadParameter(f"there is no node {node!r}")
        asked = Asked(target=target, lag_s=lag, nodes=list(codes), skus=skus)
        found: list[Proposal] = []
        changed, after = 0, securing.FIRST
        while True:
            # A transaction a set, so that nobody's reservation waits for the whole network.
            async with database.transaction() as db:
                part = await securing.propose(db, asked=asked, now=clock.now(), after=after)
                if apply:
                    changed += await securing.apply(db, proposals=part)
            found += part
            if len(part) < securing.TOGETHER:
                return [(codes[p.node_id], p) for p in found], changed
            after = (part[-1].node_id, part[-1].sku)


async def _achieved() -> list[dict[str, Any]]:
    async with session.opened() as database, database.transaction(readonly=True) as db:
        return await securing.achieved(db)


def _report(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, default=_plain))
        return
    table = Table(
        "target", "rules", "units", "risk left", "sold down", "oversold", "achieved", box=None, pad_edge=False
    )
    for row in rows:
        achieved = f"{row['oversold'] / row['exposures']:.2g}" if row["exposures"] else "nothing yet"
        table.add_row(
            str(row["target"]),
            str(row["rules"]),
            str(row["units"]),
            f"{row['risk']:.2g}",
            str(row["exposures"]),
            str(row["oversold"]),
            achieved,
        )
    Console().print(table)


# --- reconciliation -------------------------------------------------------------------------------------------


@app.command()
def reconcile(
    channel: Annotated[str, typer.Argument(help="The channel's code.")], *, as_json: Json = False
) -> None:
    """Compare a channel's own listing with what it was told; what diverges is pushed again. Exits 1 if any did."""
    found = session.run(_reconcile(channel))
    if isinstance(found, NotNow):
        raise typer.BadParameter(f"the channel does not answer: {found.problem}")
    if as_json:
        print(json.dumps({"compared": found.compared, "divergent": len(found.divergences), **found.json()}))
    else:
        print(f"{found.compared} compared, {found.on_the_way} on their way, {len(found.divergences)} diverge")
        for each in found.divergences:
            print(f"  {each.kind}: {each.sku}, told {each.ours}, shows {each.theirs}")
    raise typer.Exit(1 if found.divergences else 0)


async def _reconcile(code: str) -> Compared | NotNow:
    async with session.opened() as database:
        async with database.transaction(readonly=True) as db:
            channels = list(await network.channels_of(db, codes=[code]))
        if not channels:
            raise typer.BadParameter(f"there is no channel {code!r}")
        found = await publishing_stock.reconcile(database, channel_id=channels[0], now=clock.now())
        await http.close()
    if found is None:
        raise typer.BadParameter(f"{code} has no adapter: it reads its availability by cursor")
    return found if isinstance(found, NotNow) else found[0]


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
