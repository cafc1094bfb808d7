"""A contract from the United States Postal Service's published tables: retail prices and the chart of ZIP3 pairs. Pure.

Prices: a CSV of `service,weight_not_over,zone,usd`, weights as `4_oz`, `15_999_oz` (not over 15.999 oz) or pounds.
Zones: a CSV of `origin_zip,dest_zip,zone,…,has_five_digit_exceptions`, either of them gzipped or not. A pair with
exceptions keeps its zone as the default for longer ZIPs; a pair that is not there has no zone.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Any

from orderloom.shipping.model import nanograms

PRICES, ZONES = "usps_retail_*.csv*", "usps_zip3_zones_*.csv*"
_PRICED = ("service", "weight_not_over", "zone", "usd")
_CHARTED = ("origin_zip", "dest_zip", "zone")
_UNITS = ("oz", "lb")
_PREFIX = 3
_ZONES_MOST = 9
# "Two to five days": published per service, not per pair.
_DAYS = {1: 2, 2: 2, 3: 3, 4: 3, 5: 4, 6: 4, 7: 5, 8: 5, 9: 5}
_LIMITS = {"max_weight": 70, "max_length_plus_girth": 130}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tables:
    """What was read: terms of a contract, how many rows of each table they rest on, rows left out."""

    terms: Mapping[str, Any]
    prices: int
    pairs: int
    defaults: int
    bad: tuple[BadRow, ...]


class NoTables(ValueError):
    """The folder holds no such table, or nothing in it can be read."""


@dataclass(frozen=True, slots=True)
class _Price:
    service: str
    weight: float
    unit: str
    zone: int
    cents: int
    line: int


def read_folder(folder: Path) -> Tables:
    """The newest tables of a folder, by their names. Raises NoTables."""
    prices, zones = _newest(folder, PRICES), _newest(folder, ZONES)
    bad: list[BadRow] = []
    priced = list(_prices(prices, bad))
    chart, defaults = _chart(zones, bad)
    if not priced or not chart:
        raise NoTables(f"no row of {(zones if priced else prices).name} can be read")
    pairs = sum(len(row) for row in chart.values())
    kept = list(_ending_at_the_heaviest(priced, prices.name, bad))
    if not kept:
        raise NoTables(f"no zone of {prices.name} has a price for the heaviest parcel")
    return Tables(_terms(kept, chart), len(kept), pairs, defaults, tuple(bad))


def _newest(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise NoTables(f"there is no {pattern} in {folder}")
    return found[-1]


def _rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    opener: Any = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise NoTables(f"{file.name} lacks the columns {', '.join(missing)}")
        for row in reader:
            yield reader.line_num, {name: value or "" for name, value in row.items() if isinstance(name, str)}


# --- prices ---------------------------------------------------------------------------------------------------


def _prices(file: Path, bad: list[BadRow]) -> Iterator[_Price]:
    seen: set[tuple[str, float, str, int]] = set()
    for line, row in _rows(file, _PRICED):
        try:
            price = _price(row, line)
        except (ValueError, InvalidOperation) as wrong:
            bad.append(BadRow(file.name, line, str(wrong) or "no number"))
            continue
        key = (price.service, price.weight, price.unit, price.zone)
        if key in seen:
            bad.append(BadRow(file.name, line, "the same service, weight and zone stand there twice"))
            continue
        seen.add(key)
        yield price


def _price(row: Mapping[str, str], line: int) -> _Price:
    weight, unit = _weight(row["weight_not_over"])
    cents = Decimal(row["usd"]) * 100
    if not cents.is_finite() or cents != cents.to_integral_value() or cents < 0:
        raise ValueError(f"{row['usd']!r} is no price in cents")
    if not row["service"]:
        raise ValueError("the service is missing")
    return _Price(row["service"], weight, unit, _zone(row["zone"]), int(cents), line)


def _ending_at_the_heaviest(prices: Sequence[_Price], file: str, bad: list[BadRow]) -> Iterator[_Price]:
    """Zones whose prices end before the service's heaviest parcel are left out: a card cannot say that it ends sooner."""
    heaviest: dict[str, int] = {}
    reaches: dict[tuple[str, int], int] = {}
    for price in prices:
        weight = nanograms(price.weight, price.unit)
        heaviest[price.service] = max(weight, heaviest.get(price.service, 0))
        zone = (price.service, price.zone)
        reaches[zone] = max(weight, reaches.get(zone, 0))
    for price in prices:
        if reaches[price.service, price.zone] == heaviest[price.service]:
            yield price
        else:
            bad.append(
                BadRow(
                    file, price.line, f"zone {price.zone} is left out: it lacks the heaviest parcel's price"
                )
            )


def _weight(text: str) -> tuple[float, str]:
    """`15_999_oz` is 15.999 oz; a bare number is pounds."""
    *figures, unit = text.split("_") if "_" in text else (text, "lb")
    if unit not in _UNITS or not figures or not all(figure.isdecimal() for figure in figures):
        raise ValueError(f"{text!r} is no weight")
    value = float(".".join(figures))
    if not value > 0:
        raise ValueError(f"{text!r} is no weight")
    return value, unit


def _zone(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _ZONES_MOST:
        raise ValueError(f"{text!r} is no zone from 1 to {_ZONES_MOST}")
    return int(text)


# --- zones ----------------------------------------------------------------------------------------------------


def _chart(file: Path, bad: list[BadRow]) -> tuple[dict[str, dict[str, str]], int]:
    chart: dict[str, dict[str, str]] = {}
    defaults = 0
    for line, row in _rows(file, _CHARTED):
        origin, to = row["origin_zip"].zfill(_PREFIX), row["dest_zip"].zfill(_PREFIX)
        try:
            zone = _zone(row["zone"])
        except ValueError as wrong:
            bad.append(BadRow(file.name, line, str(wrong)))
            continue
        if not all(end.isdecimal() and len(end) == _PREFIX for end in (origin, to)):
            bad.append(BadRow(file.name, line, f"{origin!r} and {to!r} are no pair of ZIP3"))
        elif to in chart.setdefault(origin, {}):
            bad.append(BadRow(file.name, line, f"the pair {origin} and {to} stands there twice"))
        else:
            default = row.get("has_five_digit_exceptions", "").strip().upper() in ("TRUE", "T", "1", "YES")
            defaults += default
            chart[origin][to] = f"{zone}*" if default else str(zone)
    return chart, defaults


def row_in_short(zones: Mapping[str, str]) -> str:
    """A chart's row as ranges of neighbours of one zone: `005=2 010-013=4*`."""
    ordered = sorted((int(to), to, zone) for to, zone in zones.items())
    entries = []
    for _, run in groupby(enumerate(ordered), key=lambda one: (one[1][0] - one[0], one[1][2])):
        ends = [one for _, one in run]
        (_, low, zone), (_, high, _) = ends[0], ends[-1]
        entries.append(f"{low}={zone}" if low == high else f"{low}-{high}={zone}")
    return " ".join(entries)


# --- the contract ---------------------------------------------------------------------------------------------


def _terms(prices: Sequence[_Price], chart: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    codes = list(dict.fromkeys(price.service for price in prices))
    return {
        "currency": "USD",
        "services": [
            {
                "code": code,
                "name": code.replace("_", " ").title(),
                "transit_days": {str(zone): days for zone, days in _DAYS.items()},
                "delivers": [1, 2, 3, 4, 5, 6],
                "po_box": True,
                **_LIMITS,
            }
            for code in codes
        ],
        "zones": {"pairs": {origin: row_in_short(row) for origin, row in sorted(chart.items())}},
        "rates": [_card(code, [price for price in prices if price.service == code]) for code in codes],
        "dim": [{"divisor": 166, "edges": "nearest", "minimum_cube": 1728}],
        "operates": [1, 2, 3, 4, 5, 6],
    }


def _card(code: str, prices: Iterable[_Price]) -> dict[str, Any]:
    """A zone that lacks a weight charges the next one up: the price of a row is for all that is "not over" its weight."""
    by_break: dict[tuple[int, float, str], dict[int, int]] = {}
    for price in prices:
        at = (nanograms(price.weight, price.unit), price.weight, price.unit)
        by_break.setdefault(at, {})[price.zone] = price.cents
    breaks = sorted(by_break)
    # The heaviest has a price in every zone that is kept.
    amounts: dict[int, list[int]] = {zone: [] for zone in sorted(by_break[breaks[-1]])}
    for at in reversed(breaks):
        for zone, listed in amounts.items():
            listed.append(by_break[at][zone] if zone in by_break[at] else listed[-1])
    return {
        "service": code,
        "breaks": [{"value": value, "unit": unit} for _, value, unit in breaks],
        "amounts": {str(zone): listed[::-1] for zone, listed in amounts.items()},
    }
