"""The form that edits an order: how it stands as people write it, and what differs where it is filled in otherwise."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from orderloom.console.words import major, minor
from orderloom.delivery.promise import end_of_day
from orderloom.insight.order_page import OrderPage
from orderloom.network.calendar import zone
from orderloom.network.places import located
from orderloom.orders.editing import ADDRESS, Added, Edit, LineEdit, Means, elsewhere
from orderloom.terms import Address, Rank

MOVED = "The order has changed meanwhile: this is how it stands now."
_Column = Annotated[list[str], Field(max_length=2000)]
_Text = Annotated[str, Field(max_length=500)]
_Short = Annotated[str, Field(max_length=30)]


@dataclass(frozen=True, slots=True)
class Row:
    """A line as the form shows it: units that are not cancelled, money as people write it, the node that must ship it."""

    id: UUID
    sku: str
    name: str
    is_kit: bool
    units: str
    price: str
    discount: str
    node: str


class Filled(BaseModel):
    """The form as it was filled in; before that it is as the order stands."""

    sent: ClassVar[bool] = False
    line: Annotated[list[UUID], Field(max_length=2000)] = []
    units: _Column = []
    unit_price: _Column = []
    discount: _Column = []
    node: _Column = []
    sku: _Text = ""
    more: _Short = "1"
    price: _Short = ""
    name: _Text | None = None
    line1: _Text | None = None
    line2: _Text | None = None
    city: _Text | None = None
    region: _Text | None = None
    postcode: _Text | None = None
    country: _Text | None = None
    phone: _Text | None = None
    service_level: _Text | None = None
    promise_on: _Short | None = None
    shipping: _Short | None = None
    adjustment: _Short | None = None
    method: _Text = ""
    token: _Text = ""
    gateway: _Text = "sandbox"
    instead: bool = False

    def of(self, name: str, was: str) -> str:
        """A field of the order as a whole: what was sent empty reads as if it had not been sent."""
        given: str | None = getattr(self, name)
        return ("" if self.sent else was) if given is None else given

    @property
    def digest(self) -> str:
        """Tells whether it is still filled in as it was when it was shown."""
        return hashlib.sha256(self.model_dump_json(include=set(Filled.model_fields)).encode()).hexdigest()

    def edit(self, found: OrderPage) -> Edit:
        """What differs from the order as it is. Raises ValueError where a number is none."""
        stands, currency = standing(found), found.order["currency"]
        now = {name: self.of(name, was).strip() for name, was in stands.items()}
        given = {name: text for name, text in now.items() if text != stands[name]}
        return Edit(
            lines=tuple(self._lines(rows(found), currency)),
            add=tuple(self._added(currency)),
            ship_to=elsewhere(
                Address.of(found.order["ship_to"]), {name: given[name] for name in ADDRESS if name in given}
            ),
            service_level=given.get("service_level"),
            promise_at=_day(given["promise_on"], found) if "promise_on" in given else None,
            shipping=minor(given["shipping"], currency) if "shipping" in given else None,
            adjustment=_signed(given["adjustment"], currency) if "adjustment" in given else None,
            tender=self._means(),
        )

    def _lines(self, there: Sequence[Row], currency: str) -> list[LineEdit]:
        known = {row.id: row for row in there}
        changes = []
        columns = (self.units, self.unit_price, self.discount, self.node)
        for i, id_ in enumerate(self.line):
            if (row := known.get(id_)) is None or any(i >= len(column) for column in columns):
                raise ValueError(MOVED)
            units, price, discount, node = (column[i].strip() for column in columns)
            if (units, price, discount, node) == (row.units, row.price, row.discount, row.node):
                continue
            changes.append(
                LineEdit(
                    line_id=id_,
                    quantity=_whole(units) if units != row.units else None,
                    unit_price=minor(price, currency) if price != row.price else None,
                    discount=minor(discount, currency) if discount != row.discount else None,
                    node_code=node if node != row.node else None,
                )
            )
        return changes

    def _added(self, currency: str) -> list[Added]:
        if not self.sku.strip():
            return []
        money = minor(self.price, currency) if self.price.strip() else None
        return [Added(sku=self.sku.strip(), quantity=_whole(self.more), unit_price=money)]

    def _means(self) -> Means | None:
        method, token = self.method.strip(), self.token.strip()
        if not (method or token):
            return None
        if not (method and token):
            msg = "Another means of payment has a method and its gateway's token."
            raise ValueError(msg)
        return Means(method=method, token=token, gateway=self.gateway.strip(), instead=self.instead)


class Sent(Filled):
    """The form with what is to be done with it."""

    sent: ClassVar[bool] = True
    version: int
    do: Literal["preview", "save"] = "preview"
    reason: _Text = ""
    shown: Annotated[str, Field(max_length=64)] = ""


def rows(found: OrderPage) -> list[Row]:
    """The lines that may be edited: a kit's parts go with it, and what is cancelled whole is over."""
    live: Counter[UUID] = Counter()
    for piece in found.slices:
        live[piece["line_id"]] += piece["quantity"] * (piece["rank"] != Rank.CANCELLED)
    currency = found.order["currency"]
    shown = []
    for line in found.lines:
        parts = [x for x in found.lines if x["kit_line_id"] == line["id"]] or [line]
        units = min(live[x["id"]] * line["quantity"] // x["quantity"] for x in parts)
        if line["kit_line_id"] is None and units:
            money = major(line["unit_price"], currency), major(line["discount"], currency)
            what = line["id"], line["sku"], line["name"], line["is_kit"]
            shown.append(Row(*what, str(units), *money, line["fixed_node"] or ""))
    return shown


def standing(found: OrderPage) -> dict[str, str]:
    """What stands of the order as a whole, by the form's fields."""
    order = found.order
    to, currency = Address.of(order["ship_to"]), order["currency"]
    adjustment = order["adjustment"]
    return {name: getattr(to, name).strip() for name in ADDRESS} | {
        "service_level": order["service_level"],
        "promise_on": order["promise_at"].astimezone(zone(_zone(found))).date().isoformat()
        if order["promise_at"]
        else "",
        "shipping": major(order["shipping"], currency),
        "adjustment": f"{'-' if adjustment < 0 else ''}{major(abs(adjustment), currency)}",
    }


def shown(found: OrderPage, filled: Filled) -> dict[str, Any]:
    """The form's lines and fields as they are to be shown: as they were filled in, else as they stand."""
    columns = zip(filled.line, filled.units, filled.unit_price, filled.discount, filled.node, strict=False)
    given = {id_: values for id_, *values in columns}
    stands = standing(found)
    return {
        "rows": [
            (row, *given.get(row.id, (row.units, row.price, row.discount, row.node))) for row in rows(found)
        ],
        "whole": {name: filled.of(name, was) for name, was in stands.items()},
    }


def _zone(found: OrderPage) -> str:
    place = located(Address.of(found.order["ship_to"]))
    return place.time_zone if place else "UTC"


def _day(text: str, found: OrderPage) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no day: write 2026-03-09"
        raise ValueError(msg) from None
    return end_of_day(day, time_zone=_zone(found))


def _signed(text: str, currency: str) -> int:
    return -minor(text[1:], currency) if text.startswith("-") else minor(text, currency)


def _whole(text: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > 7:
        msg = f"{text.strip()!r} is no number of units"
        raise ValueError(msg)
    return int(text)
