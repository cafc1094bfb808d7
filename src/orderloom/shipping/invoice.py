"""A carrier's invoice as a CSV, read row by row: what can be read, and why each other row cannot. Pure.

A row is a parcel, with its charges in columns `charge_CODE`, or one charge of a parcel, in `charge_code` and `amount`;
rows of one tracking number then belong together. Amounts are in major units, as `12.34`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, cast

from orderloom.shipping.figures import LengthUnit, WeightUnit

_NEEDED = ("tracking_number", "service", "ship_date")
_CHARGE = "charge_"
_YES, _NO = ("1", "y", "yes", "true", "r"), ("0", "n", "no", "false", "c")
_UNITS = {"weight": ("g", "kg", "oz", "lb"), "length": ("mm", "cm", "in")}
# A row that is longer than any carrier writes is a broken quote, not a parcel.
CELL_MOST = 100
YEARS = range(1970, 9000)
MEASURE_MOST = 10_000
AMOUNT_MOST = 10**12
FREIGHT = "freight"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read: its line in the file and the reason."""

    line: int
    reason: str

    def json(self) -> dict[str, object]:
        """The form on the wire."""
        return {"line": self.line, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Billed:
    """A parcel as the carrier bills it. What the file leaves out is None. Charges are minor units, by the file's codes."""

    line: int
    tracking_number: str
    service: str
    ship_date: date
    charges: tuple[tuple[str, int], ...]
    weight: tuple[Decimal, WeightUnit] | None = None
    edges: tuple[Decimal, Decimal, Decimal] | None = None
    length_unit: LengthUnit = "in"
    zone: int | None = None
    residential: bool | None = None
    delivered_on: date | None = None

    @property
    def total(self) -> int:
        """All charges."""
        return sum(amount for _, amount in self.charges)


class NotAnInvoice(ValueError):
    """The file has no header with the columns that are needed."""


@dataclass(slots=True)
class Reading:
    """What has been read."""

    lines: list[Billed] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_invoice(text: Iterable[str], *, digits: int = 2) -> Reading:
    """Every row, read or refused. `digits`: how many a major unit of the currency has after the point."""
    rows = enumerate(text, 1)
    first = next(rows, (1, ""))[1]
    columns = [name.strip().lower() for name in next(csv.reader([first]), [])]
    missing = [name for name in _NEEDED if name not in columns]
    long = "charge_code" in columns
    if missing or (long and "amount" not in columns):
        raise NotAnInvoice(f"the header lacks {', '.join(missing or ['amount'])}")
    if not long and not any(name.startswith(_CHARGE) for name in columns):
        raise NotAnInvoice("the header has no charges: columns charge_CODE, or charge_code and amount")
    found = Reading()
    for number, line in rows:
        if not line.strip(" ,\r\n"):
            continue
        try:
            row = _row(columns, line)
            found.lines.append(_billed(number, row, long=long, digits=digits))
        except (ValueError, csv.Error) as wrong:
            found.bad.append(BadRow(number, str(wrong)))
    if long:
        found.lines = list(_together(found.lines))
    return found


def _row(columns: list[str], line: str) -> dict[str, str]:
    """A row is a line: a quote that is never closed must not swallow those that follow."""
    [cells] = csv.reader([line], strict=True)
    if len(cells) != len(columns):
        raise ValueError(f"has {len(cells)} cells, the header {len(columns)}")
    if any(len(cell) > CELL_MOST or not cell.isprintable() for cell in cells):
        raise ValueError("a cell is too long or holds what cannot be printed")
    return dict(zip(columns, (cell.strip() for cell in cells), strict=True))


def _billed(line: int, row: Mapping[str, str], *, long: bool, digits: int) -> Billed:
    if not row["tracking_number"]:
        raise ValueError("the tracking number is missing")
    if long:
        charges = [(_code(row["charge_code"]), _amount(row["amount"], digits))]
    else:
        charges = [
            (_code(name.removeprefix(_CHARGE)), _amount(cell, digits))
            for name, cell in row.items()
            if name.startswith(_CHARGE) and cell
        ]
    if not charges:
        raise ValueError("nothing is charged")
    weight = _number("billed_weight", row)
    edges = [_number(name, row) for name in ("length", "width", "height")]
    zone = row.get("zone", "")
    if zone and not re.fullmatch(r"[0-9]{1,3}", zone):
        raise ValueError(f"zone {zone!r} is no number")
    unit = cast("WeightUnit", _unit("weight", row.get("weight_unit") or "lb"))
    given = [edge for edge in edges if edge is not None]
    if given and len(given) != len(edges):
        raise ValueError("of length, width and height some are missing")
    return Billed(
        line=line,
        tracking_number=row["tracking_number"].replace(" ", "").upper(),
        service=row["service"],
        ship_date=_date("ship_date", row["ship_date"]),
        charges=tuple(charges),
        weight=None if weight is None else (weight, unit),
        edges=(given[0], given[1], given[2]) if given else None,
        length_unit=cast("LengthUnit", _unit("length", row.get("length_unit") or "in")),
        zone=int(zone) if zone else None,
        residential=_flag(row.get("residential", "")),
        delivered_on=_date("delivered_on", text) if (text := row.get("delivered_on", "")) else None,
    )


def _code(text: str) -> str:
    if not text:
        raise ValueError("the charge's code is missing")
    return text.casefold()


def _amount(text: str, digits: int) -> int:
    try:
        minor = Decimal(text.replace(",", "")).scaleb(digits)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no amount") from None
    if not minor.is_finite() or abs(minor) > AMOUNT_MOST or minor != minor.to_integral_value():
        raise ValueError(f"{text!r} is no amount of {digits} decimals")
    return int(minor)


def _number(name: str, row: Mapping[str, str]) -> Decimal | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{name} {text!r} is no number") from None
    if not value.is_finite() or not 0 < value <= MEASURE_MOST:
        raise ValueError(f"{name} {text!r} is out of range")
    return value


def _date(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise ValueError(f"{name} {text!r} is no date: write 2026-01-31")
    return day


def _unit(kind: Literal["weight", "length"], text: str) -> str:
    unit = text.lower().removesuffix("s")
    if unit not in _UNITS[kind]:
        raise ValueError(f"{text!r} is no unit of {kind}: {', '.join(_UNITS[kind])}")
    return unit


def _flag(text: str) -> bool | None:
    if not text:
        return None
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"residential {text!r} is neither yes nor no")


def _together(lines: Iterable[Billed]) -> Iterator[Billed]:
    """Charges of one parcel as one line, at its first row; facts may stand in any of its rows."""
    by_parcel: dict[tuple[str, date], list[Billed]] = {}
    for one in lines:
        by_parcel.setdefault((one.tracking_number, one.ship_date), []).append(one)
    for rows in by_parcel.values():
        first = rows[0]

        def told(name: str, rows: list[Billed] = rows) -> object:
            return next((value for row in rows if (value := getattr(row, name)) is not None), None)

        yield Billed(
            line=first.line,
            tracking_number=first.tracking_number,
            service=first.service,
            ship_date=first.ship_date,
            charges=tuple(charge for row in rows for charge in row.charges),
            weight=cast("tuple[Decimal, WeightUnit] | None", told("weight")),
            edges=cast("tuple[Decimal, Decimal, Decimal] | None", told("edges")),
            length_unit=next((row.length_unit for row in rows if row.edges), first.length_unit),
            zone=cast("int | None", told("zone")),
            residential=cast("bool | None", told("residential")),
            delivered_on=cast("date | None", told("delivered_on")),
        )
