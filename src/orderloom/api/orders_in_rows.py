"""Orders as CSV: a row a line of an order, told as the JSON that the same order would be sent as.

Rows that follow one another with the same channel and external id are one order. What is the order's own stands in its
first row; in the others it is left empty, or said again. Amounts are whole minor units, as everywhere.

    channel,external_id,placed_at,currency,buyer.email,ship_to.line1,ship_to.city,sku,quantity,unit_price
    web,W-1,2026-03-02T15:04:05Z,USD,ada@example.com,1 Main St,Austin,MUG,2,1250
    web,W-1,,,,,,PLATE,1,900
"""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from orderloom.api.capturing import BatchFault, BuyerIn, LineIn, OrderIn, TenderIn
from orderloom.api.problems import Fault, invalid
from orderloom.api.wire import AddressIn

MEDIA_TYPE = "text/csv"
# One more than an order may have: what is beyond it is refused and need not be kept.
_LINES_MOST = 2_001
_ORDER, _LINE, _TENDER = "order", "line", "tender"


def _text(cell: str) -> Any:
    return cell


def _whole(cell: str) -> Any:
    """What is no whole number stays as it is, so that the order's own check says what is wrong with it."""
    try:
        return int(cell)
    except ValueError:
        return cell


def _yes(cell: str) -> Any:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        cell.lower(), cell
    )


def _words(cell: str) -> Any:
    return cell.replace(",", " ").split()


_MONEY = frozenset({"shipping", "adjustment", "total", "amount", "unit_price", "discount", "tax"})
_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(_MONEY | {"priority", "quantity"}, _whole),
    **dict.fromkeys(("ship_complete", "residential"), _yes),
    **dict.fromkeys(("tags", "notify"), _words),
}


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a cell belongs, and how it is read."""

    of: str
    path: tuple[str, ...]
    read: Callable[[str], Any]
    money: bool = False


def _columns() -> Iterator[tuple[str, _Column]]:
    """Every column there is, by the models that orders are checked by."""
    parts: tuple[tuple[str, str, tuple[str, ...], type[BaseModel], set[str]], ...] = (
        (_ORDER, "", (), OrderIn, {"buyer", "ship_to", "lines", "tenders"}),
        (_ORDER, "buyer.", ("buyer",), BuyerIn, set()),
        (_ORDER, "ship_to.", ("ship_to",), AddressIn, set()),
        (_TENDER, "tender.", (), TenderIn, set()),
        (_LINE, "", (), LineIn, {"external_id", "name"}),
        (_LINE, "line.", (), LineIn, {"sku", "quantity", "unit_price", "discount", "tax", "node"}),
    )
    for of, prefix, path, model, without in parts:
        for name in model.model_fields:
            if name not in without:
                yield prefix + name, _Column(of, (*path, name), _READ.get(name, _text), name in _MONEY)


COLUMNS = dict(_columns())
_REQUIRED = ("channel", "external_id", "sku", "quantity")


@dataclass(slots=True)
class _Order:
    """An order whose rows are being read; `number` is the line its first row stands on."""

    number: int
    cells: dict[str, str]
    lines: list[dict[str, str]] = field(default_factory=list)
    fault: BatchFault | None = None

    def add(self, cells: dict[str, str], number: int) -> None:
        """Another row of it."""
        if len(self.lines) < _LINES_MOST:
            self.lines.append({name: cell for name, cell in cells.items() if COLUMNS[name].of == _LINE})
        for name, cell in cells.items():
            if COLUMNS[name].of != _LINE and self.cells.get(name) != cell and self.fault is None:
                message = f"line {number} of the file says {cell!r}, an earlier row of the order does not"
                self.fault = BatchFault(path=f"/{name.replace('.', '/')}", code="differs", message=message)

    def told(self) -> bytes | BatchFault:
        """As JSON, or what is wrong with its rows."""
        if self.fault is not None:
            return self.fault
        currency = self.cells.get("currency", "")
        order: dict[str, Any] = {"buyer": {}, "ship_to": {}}
        tender: dict[str, Any] = {}
        for name, cell in self.cells.items():
            if COLUMNS[name].of != _LINE:
                _put(tender if COLUMNS[name].of == _TENDER else order, name, cell, currency)
        order["lines"] = [{} for _ in self.lines]
        for line, cells in zip(order["lines"], self.lines, strict=True):
            for name, cell in cells.items():
                _put(line, name, cell, currency)
        return json.dumps(order | ({"tenders": [tender]} if tender else {})).encode()


def _put(into: dict[str, Any], name: str, cell: str, currency: str) -> None:
    column = COLUMNS[name]
    value = column.read(cell)
    for step in column.path[:-1]:
        into = into[step]
    into[column.path[-1]] = {"amount": value, "currency": currency} if column.money else value


async def orders_of(
    lines: AsyncIterator[tuple[int, bytes | None]], *, most: int
) -> AsyncIterator[tuple[int, bytes | BatchFault | None]]:
    """The orders of a file by the number of their first line, as JSON; None for a row longer than `most` bytes.

    Separated by commas or by semicolons, whichever the header has more of. Raises Problem where the header is none.
    """
    header: Sequence[str] = ()
    split = ","
    order: _Order | None = None
    async for number, record in _records(lines, most):
        if not header and record is not None:
            split = ";" if record.count(";") > record.count(",") else ","
            header = _header(_cells(record, split))
            continue
        cells = _cells(record, split) if record is not None else []
        named = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        same = order is not None and all(
            named.get(name) == order.cells.get(name) for name in ("channel", "external_id")
        )
        bad = not cells or any(cell.strip() for cell in cells[len(header) :])
        if order is not None and (bad or not same):
            yield order.number, order.told()
            order = None
        if record is None:
            yield number, None
        elif bad:
            message = "a row has as many cells as the first line, quoted where they have separators or quotes"
            yield number, BatchFault(path="", code="wrong_cells", message=message)
        elif order is not None:
            order.add(named, number)
        elif named:
            order = _Order(number, named)
            order.add(named, number)
    if order is not None:
        yield order.number, order.told()


def _header(names: Sequence[str]) -> Sequence[str]:
    """The columns' names. Raises Problem."""
    given = [name.strip().lower() for name in names]
    faults = [
        Fault(f"/{name}", "unknown_column", f"no column {name!r}: choose from {', '.join(sorted(COLUMNS))}")
        for name in given
        if name not in COLUMNS
    ]
    faults += [
        Fault(f"/{name}", "missing_column", f"the first line must name the column {name!r}")
        for name in _REQUIRED
        if name not in given
    ]
    if len(set(given)) < len(given):
        faults.append(Fault("", "named_twice", "the first line names a column twice"))
    if faults:
        raise invalid(faults)
    return given


def _cells(record: str, split: str) -> list[str]:
    """The row's cells; none of a row that is no CSV."""
    try:
        return next(csv.reader([record], delimiter=split), [])
    except csv.Error:
        return []


async def _records(
    lines: AsyncIterator[tuple[int, bytes | None]], most: int
) -> AsyncIterator[tuple[int, str | None]]:
    """Rows with the number of the line they begin on: a quoted cell may go over several. Blank ones are left out."""
    begun, text = 0, ""
    async for number, line in lines:
        if line is None:
            begun, text = 0, ""
            yield number, None
            continue
        part = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").rstrip("\r\n")
        text, begun = (f"{text}\n{part}", begun) if begun else (part, number)
        if text.count('"') % 2 and len(text) <= most:
            continue
        if text.strip():
            yield begun, text if len(text) <= most else None
        begun, text = 0, ""
    if begun:
        yield begun, text
