"""A carrier's invoice audited against what we shipped and what was agreed; kept, so that nothing is billed twice.

Bad rows are named and stop no other. A part of the lines is looked up at a time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from orderloom.plumbing.database import Db
from orderloom.shipping.audit import Audited, Shipped, audited
from orderloom.shipping.contracts import ContractBook, contract_book
from orderloom.shipping.figures import DIGITS
from orderloom.shipping.invoice import BadRow, Billed, read_invoice
from orderloom.shipping.model import Parcel, Place
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import invoices as store
from orderloom.shipping.store.invoices import LabelFacts
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Dimensions, Measure

_AT_ONCE = 1_000
_NOON = time(12, tzinfo=UTC)
DISPUTES = (
    "line",
    "tracking_number",
    "service",
    "ship_date",
    "billed",
    "expected",
    "disputed",
    "causes",
    "detail",
)


@dataclass(frozen=True, slots=True)
class Report:
    """An audited invoice: each line, the rows left out, and what it comes to."""

    carrier: str
    number: str
    currency: str
    lines: tuple[Audited, ...]
    bad: tuple[BadRow, ...]

    @property
    def billed(self) -> int:
        """All that was billed on lines that could be read."""
        return sum(line.billed.total for line in self.lines)

    @property
    def disputed(self) -> int:
        """All that is asked back."""
        return sum(line.disputed for line in self.lines)

    def summary(self) -> dict[str, Any]:
        """The figures: lines and amounts, and by cause how many lines it is on and what it comes to."""
        causes: dict[str, list[int]] = {}
        for line in self.lines:
            for cause in line.causes:
                causes.setdefault(cause.cause, []).append(cause.amount)
            if line.refund:
                causes.setdefault("late", []).append(line.refund)
        return {
            "lines": len(self.lines),
            "agreeing": sum(1 for line in self.lines if not line.causes and not line.refund),
            "disputed_lines": sum(1 for line in self.lines if line.disputed),
            "billed": self.billed,
            "expected": sum(line.expected or 0 for line in self.lines),
            "disputed": self.disputed,
            "refunds": sum(line.refund for line in self.lines),
            "causes": {
                cause: {"lines": len(amounts), "amount": sum(amounts)}
                for cause, amounts in sorted(causes.items())
            },
            "bad_rows": len(self.bad),
        }


@dataclass(frozen=True, slots=True)
class NoSuchCarrier:
    """There is no carrier of that code."""

    carrier: str


@dataclass(frozen=True, slots=True)
class AlreadyAudited:
    """The carrier's invoice of that number was audited before; its charges would all be billed twice."""

    carrier: str
    number: str
    at: datetime


async def audit_invoice(
    db: Db,
    *,
    carrier: str,
    number: str,
    text: Iterable[str],
    by: str,
    keep: bool = True,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report | NoSuchCarrier | AlreadyAudited:
    """Audit an invoice, and keep what came of it unless told otherwise. Raises NotAnInvoice when the file has no usable header."""
    if carrier not in await contract_store.carriers(db):
        return NoSuchCarrier(carrier)
    for known in await store.invoices(db, carrier=carrier, number=number, limit=1):
        return AlreadyAudited(carrier, number, known["audited_at"])
    book = await contract_book(db)
    currency = next(
        (one.tariff.currency for one in book.compiled.values() if one.tariff.carrier == carrier), "USD"
    )
    read = read_invoice(text, digits=DIGITS.get(currency, 2))
    found: list[Audited] = []
    seen: set[tuple[str, str]] = set()
    for at in range(0, len(read.lines), _AT_ONCE):
        part = read.lines[at : at + _AT_ONCE]
        numbers = sorted({line.tracking_number for line in part})
        seen |= await store.billed_before(db, carrier=carrier, numbers=numbers)
        labels = await store.label_facts(db, carrier=carrier, numbers=numbers)
        found += [_line(line, labels, book, carrier, seen) for line in part]
        tell(len(found), len(read.lines))
    report = Report(carrier, number, currency, tuple(found), tuple(read.bad))
    if keep:
        await _keep(db, report, by)
    return report


def _line(
    line: Billed,
    labels: Mapping[str, LabelFacts],
    book: ContractBook,
    carrier: str,
    seen: set[tuple[str, str]],
) -> Audited:
    label = labels.get(line.tracking_number)
    moment = datetime.combine(line.ship_date, _NOON)
    tariff: Tariff | None = next((one for one in book.at(moment) if one.carrier == carrier), None)
    return audited(line, shipped_of(label) if label else None, tariff, seen)


def shipped_of(label: LabelFacts) -> Shipped:
    """The parcel as its label's request tells it; measures as they were given, where that is kept."""
    request = label.request
    if request.get("given"):
        length, width, height, weight = (Measure(**one) for one in request["given"])
        parcel = Parcel.given(
            length=length, width=width, height=height, weight=weight, hazmat=bool(request.get("hazmat"))
        )
    else:
        size = Dimensions(request["length_mm"], request["width_mm"], request["height_mm"])
        parcel = Parcel.of(dimensions=size, weight_g=request["weight_g"], hazmat=bool(request.get("hazmat")))
    delivered = label.delivered_at.astimezone(ZoneInfo("UTC")).date() if label.delivered_at else None
    return Shipped(
        tracking_number=label.tracking_number,
        label_id=label.id,
        service=label.service,
        used=label.used,
        parcel=parcel,
        origin=Place.of(Address.of(request["sender"])),
        destination=Place.of(Address.of(request["recipient"])),
        delivered_on=delivered,
    )


async def _keep(db: Db, report: Report, by: str) -> None:
    invoice = await store.insert_invoice(
        db,
        carrier=report.carrier,
        number=report.number,
        currency=report.currency,
        billed=report.billed,
        disputed=report.disputed,
        summary=report.summary(),
        by=by,
    )
    if invoice is None:
        return
    rows = [
        {
            "line": line.billed.line,
            "tracking_number": line.billed.tracking_number,
            "label_id": line.label_id,
            "codes": [code for code, _ in line.billed.charges],
            "billed": line.billed.total,
            "expected": line.expected,
            "disputed": line.disputed,
            "answer": line.json(),
        }
        for line in report.lines
    ]
    for at in range(0, len(rows), _AT_ONCE):
        await store.insert_lines(db, invoice=invoice, carrier=report.carrier, rows=rows[at : at + _AT_ONCE])


def dispute_file(lines: Iterable[Mapping[str, Any]]) -> str:
    """The lines in dispute as a CSV to hand to the carrier, amounts in minor units as they are kept."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(DISPUTES)
    for line in lines:
        if line["disputed"] <= 0:
            continue
        causes = [one for one in line["causes"] if one["amount"] > 0]
        names = [one["cause"] for one in causes] + (["late"] if line["refund"] else [])
        detail = "; ".join(_said(one) for one in causes)
        if line["refund"]:
            detail = "; ".join(filter(None, [detail, f"late: guaranteed, {line['refund']} back"]))
        cells: Sequence[Any] = [line[name] for name in DISPUTES[:7]]
        writer.writerow([*(_safe(cell) for cell in cells), " ".join(names), _safe(detail)])
    return out.getvalue()


def _said(cause: Mapping[str, Any]) -> str:
    """A cause in words: what was billed, and what we hold."""
    sides = "" if cause["billed"] is None else f" (billed {_plain(cause['billed'])}"
    if sides and cause["ours"] is not None:
        sides += f", ours {_plain(cause['ours'])}"
    return f"{cause['cause']}: {cause['amount']}{sides + ')' if sides else ''}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {amount}" for name, amount in value.items())
    if isinstance(value, list):
        return " x ".join(str(one) for one in value)
    return str(value)


def _safe(cell: Any) -> Any:
    """What begins as a formula does would be worked out by a spreadsheet: it is quoted."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell
