"""`orderloom order`: an order edited after capture, with what it comes to shown first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from orderloom.cli import session
from orderloom.insight import order_page
from orderloom.insight.scope import EVERYTHING
from orderloom.journey.editing import Edited, edit
from orderloom.orders.editing import ADDRESS, Added, Edit, LineEdit, Means, elsewhere
from orderloom.orders.reading import lines_of
from orderloom.plumbing import clock
from orderloom.plumbing.database import Db
from orderloom.terms import Address

app = typer.Typer(help="Change an order after capture.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Change an order after capture."""


def register(whole: typer.Typer) -> None:
    """Add the group."""
    whole.add_typer(app, name="order")


_Line = Annotated[
    list[str] | None, typer.Option(help="SKU=UNITS: units that are to be on its line, 0 removes it.")
]
_Add = Annotated[list[str] | None, typer.Option(help="SKU=UNITS: a line to add, at the catalogue's price.")]
_Price = Annotated[list[str] | None, typer.Option(help="SKU=AMOUNT: its price, in minor units.")]
_Discount = Annotated[list[str] | None, typer.Option(help="SKU=AMOUNT: off its line, in minor units.")]
_Node = Annotated[list[str] | None, typer.Option(help="SKU=NODE: who must ship its line; SKU= lets any.")]
_To = Annotated[
    list[str] | None,
    typer.Option(
        help="FIELD=TEXT of the address: name, line1, line2, city, region, postcode, country, phone."
    ),
]
_Service = Annotated[str | None, typer.Option(help="The service level.")]
_Promise = Annotated[
    datetime | None, typer.Option(help="By when it must be there, in UTC.", formats=["%Y-%m-%dT%H:%M:%S"])
]
_Shipping = Annotated[int | None, typer.Option(min=0, help="The charge for shipping, in minor units.")]
_Adjustment = Annotated[int | None, typer.Option(help="The signed adjustment, in minor units.")]
_Tender = Annotated[
    str | None, typer.Option(help="METHOD=TOKEN: what pays for the more, by the gateway of --gateway.")
]


@app.command("edit")
def edit_order(
    number: Annotated[str, typer.Argument(help="The order's number.")],
    *,
    line: _Line = None,
    add: _Add = None,
    price: _Price = None,
    discount: _Discount = None,
    node: _Node = None,
    to: _To = None,
    service: _Service = None,
    promise: _Promise = None,
    shipping: _Shipping = None,
    adjustment: _Adjustment = None,
    tender: _Tender = None,
    gateway: Annotated[str, typer.Option(help="Whose token it is.")] = "sandbox",
    instead: Annotated[
        bool, typer.Option("--instead", help="Pay by --tender all that is not charged yet.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, as people shall read it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it comes to, change nothing.")
    ] = False,
) -> None:
    """Change lines, address, speed, date, charges or means of payment; exits 1 when the order's state does not allow it."""
    wanted = Wanted(
        columns={
            "quantity": _units("--line", line),
            "unit_price": _units("--price", price),
            "discount": _units("--discount", discount),
            "node_code": _pairs("--node", node),
        },
        address=_pairs("--to", to),
        whole=Edit(
            add=tuple(Added(sku=sku, quantity=units) for sku, units in _units("--add", add).items()),
            service_level=service,
            promise_at=promise.replace(tzinfo=UTC) if promise else None,
            shipping=shipping,
            adjustment=adjustment,
            tender=_means(tender, gateway, instead=instead),
        ),
    )
    if unknown := wanted.address.keys() - set(ADDRESS):
        raise typer.BadParameter(f"--to {min(unknown)}: an address has no such field")
    said = session.run(_edit(number, wanted, reason, dry_run=dry_run))
    if not isinstance(said, Edited):
        for fault in said:
            typer.echo(fault, err=True)
        raise typer.Exit(1)
    _tell(number, said, dry_run=dry_run)


def _tell(number: str, said: Edited, *, dry_run: bool) -> None:
    typer.echo(
        f"{number}: {'would come' if dry_run else 'comes'} to {said.total[1]} instead of {said.total[0]}."
    )
    if said.to_authorize:
        typer.echo(f"{said.to_authorize} more to be authorised.")
    if said.promise_at[0] != said.promise_at[1]:
        typer.echo(f"Promised for {said.promise_at[1]} instead of {said.promise_at[0]}.")
    if said.replanned:
        typer.echo("What is planned goes back to be routed.")
    for held in said.stock:
        typer.echo(
            f"{held.units:+d} {held.sku} {f'kept at {held.node}' if held.node else 'waiting for stock'}"
        )
    for sku, units in said.requested.items():
        typer.echo(f"{units} {sku}: the node is asked to let go")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: by field of a line what it is to be, by SKU; the address' fields; and the rest, as the edit has it."""

    columns: Mapping[str, Mapping[str, int | str]]
    address: Mapping[str, str]
    whole: Edit

    @property
    def skus(self) -> set[str]:
        """Whose lines are to change."""
        return {sku for column in self.columns.values() for sku in column}

    def edit(self, lines: Mapping[str, UUID], ship_to: Address) -> Edit:
        """In the domain's words."""
        changes: list[LineEdit] = []
        for sku in sorted(self.skus):
            given: dict[str, Any] = {name: of[sku] for name, of in self.columns.items() if sku in of}
            changes.append(LineEdit(line_id=lines[sku], **given))
        return replace(self.whole, lines=tuple(changes), ship_to=elsewhere(ship_to, self.address))


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not key or not equals or key in found:
            raise typer.BadParameter(f"{option} {text}: say {option[2:].upper()} as KEY=VALUE, each key once")
        found[key] = value
    return found


def _means(tender: str | None, gateway: str, *, instead: bool) -> Means | None:
    if tender is None and not instead:
        return None
    method, _, token = (tender or "").partition("=")
    if not method or not token:
        raise typer.BadParameter("--tender: say METHOD=TOKEN")
    return Means(method=method, token=token, gateway=gateway, instead=instead)


def _units(option: str, given: list[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in given or ():
        sku, _, units = text.rpartition("=")
        if not sku or not units.isdecimal() or sku in found:
            raise typer.BadParameter(f"{option} {text}: say SKU=UNITS, each SKU once")
        found[sku] = int(units)
    return found


async def _edit(number: str, wanted: Wanted, reason: str, *, dry_run: bool) -> Edited | list[str]:
    async with session.opened() as database, database.transaction() as db:
        order = await order_page.find(db, scope=EVERYTHING, number=number)
        if order is None:
            return [f"There is no order {number}."]
        known = await _lines(db, order["id"])
        if wrong := [sku for sku in sorted(wanted.skus) if len(known.get(sku, ())) != 1]:
            return [f"{sku} is on {len(known.get(sku, ()))} lines of the order." for sku in wrong]
        change = wanted.edit({sku: of[0] for sku, of in known.items()}, Address.of(order["ship_to"]))
        outcome = await edit(
            db, order_id=order["id"], edit=change, reason=reason, now=clock.now(), keep=not dry_run
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
