"""Carriers' invoices held against their contracts: audited once, told line by line, disputed as a file."""

from __future__ import annotations

import io
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, refused
from orderloom.api.wire import Code, In, Limit, Out, Page, cursor, page_of, place
from orderloom.plumbing.database import Row
from orderloom.shipping import auditing
from orderloom.shipping.auditing import AlreadyAudited, NoSuchCarrier
from orderloom.shipping.invoice import NotAnInvoice
from orderloom.shipping.store import invoices as store

routes = Routes("shipping")
LETTERS_MOST = 8_000_000
# The answer to an audit shows so many of its lines; the rest are listed.
SHOWN_MOST = 200
_EXAMPLE = (
    "tracking_number,service,ship_date,billed_weight,zone,charge_freight,charge_fuel\n"
    "1Z999AA10123456784,ground,2026-03-02,12,4,14.35,2.94\n"
)


class InvoiceIn(In):
    """An invoice file: a row a parcel with its charges in columns, or a row a charge."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"carrier": "ups", "number": "000000E12345106", "csv": _EXAMPLE}]}
    )
    carrier: Code
    number: Code = Field(description="The carrier's own; an invoice is audited once")
    csv: Annotated[str, Field(strict=True, min_length=1, max_length=LETTERS_MOST)]


class InvoiceOut(Out):
    """An audited invoice. Amounts are minor units of its currency."""

    carrier: str
    number: str
    currency: str
    billed: int
    disputed: int
    summary: dict[str, Any] = Field(description="Lines and amounts, and by cause how often and how much")
    audited_by: str
    audited_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class InvoiceLineOut(Out):
    """A line: what was billed, what was due, and every cause of the difference. Amounts are minor units."""

    line: int
    tracking_number: str
    service: str
    ship_date: str
    billed: int
    expected: int | None
    disputed: int
    refund: int
    causes: list[dict[str, Any]] = Field(
        description="`unknown_tracking`, `duplicate`, `service_not_used`, `service`, `zone`, `dimensions`, `weight`, "
        "`residential`, `fuel`, `price`, `unexpected_charge`, `no_contract`, `not_carried`. "
        "Open list: accept values you do not know"
    )


class BadRowOut(Out):
    """A row that could not be read, and why."""

    line: int
    reason: str


class AuditedOut(Out):
    """What came of an invoice: its figures, the rows left out, the first lines in dispute."""

    invoice: InvoiceOut
    bad_rows: list[BadRowOut]
    disputes: list[InvoiceLineOut] = Field(
        description=f"At most {SHOWN_MOST}; all are listed under the invoice"
    )


@routes.post(
    "/carrier-invoices",
    scope="config:write",
    status=201,
    lane="bulk",
    dry_run=True,
    refuses=(404, 409),
)
async def audit_carrier_invoice(call: Here, body: InvoiceIn) -> AuditedOut:
    """Rate every parcel of a carrier's invoice anew and say what differs, and why"""
    _whole(call)
    try:
        found = await auditing.audit_invoice(
            call.db,
            carrier=body.carrier,
            number=body.number,
            text=io.StringIO(body.csv, newline=None),
            by=call.credential.actor,
        )
    except NotAnInvoice as wrong:
        raise invalid([Fault("/csv", "no_invoice", str(wrong))]) from None
    match found:
        case NoSuchCarrier():
            raise not_found("carrier")
        case AlreadyAudited(at=at):
            raise refused("already_audited", f"that invoice was audited on {at.date().isoformat()}")
        case report:
            lines = sorted(
                (line for line in report.lines if line.disputed), key=lambda line: line.billed.line
            )
            return AuditedOut(
                invoice=await _invoice(call, body.carrier, body.number),
                bad_rows=[BadRowOut(line=row.line, reason=row.reason) for row in report.bad],
                disputes=[InvoiceLineOut(**line.json()) for line in lines[:SHOWN_MOST]],
            )


@routes.get("/carrier-invoices", scope="config:read")
async def list_carrier_invoices(
    call: Here, *, carrier: Code | None = None, limit: Limit = 50, after: str | None = None
) -> Page[InvoiceOut]:
    """Audited invoices, newest first"""
    _whole(call)
    begin = place(after, str)
    before = await _place(call, begin[0]) if begin else None
    rows = await store.invoices(call.db, carrier=carrier, before=before, limit=limit + 1)
    found = [InvoiceOut.of(row) for row in rows]
    return page_of(found, limit, lambda one: cursor(f"{one.carrier} {one.number}"))


@routes.get("/carriers/{code}/invoices/{number}", scope="config:read")
async def get_carrier_invoice(call: Here, code: Code, number: Code) -> InvoiceOut:
    """One audited invoice"""
    _whole(call)
    return await _invoice(call, code, number)


@routes.get("/carriers/{code}/invoices/{number}/lines", scope="config:read")
async def list_carrier_invoice_lines(
    call: Here,
    code: Code,
    number: Code,
    *,
    disputed: bool = False,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[InvoiceLineOut]:
    """An invoice's lines in the file's order, all or only those in dispute"""
    _whole(call)
    begin = place(after, int)
    row = await _row(call, code, number)
    rows = await store.lines(
        call.db,
        invoice=row["id"],
        disputed_only=disputed,
        after=begin[0] if begin else 0,
        limit=limit + 1,
    )
    lines = [InvoiceLineOut(**one["answer"]) for one in rows]
    return page_of(lines, limit, lambda one: cursor(one.line))


@routes.get("/carriers/{code}/invoices/{number}/disputes.csv", scope="config:read", media_type="text/csv")
async def get_carrier_invoice_disputes(call: Here, code: Code, number: Code) -> Response:
    """The dispute file: every line that is contested, with its causes"""
    _whole(call)
    row = await _row(call, code, number)
    rows = await store.lines(call.db, invoice=row["id"], disputed_only=True)
    return Response(
        auditing.dispute_file(one["answer"] for one in rows),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="disputes.csv"'},
    )


def _whole(call: Call) -> None:
    """Invoices are of all nodes and channels: whoever may see some only sees none."""
    if call.credential.limited:
        raise not_found("carrier invoice")


async def _row(call: Call, carrier: str, number: str) -> Row:
    rows = await store.invoices(call.db, carrier=carrier, number=number, limit=1)
    if not rows:
        raise not_found("carrier invoice")
    return rows[0]


async def _invoice(call: Call, carrier: str, number: str) -> InvoiceOut:
    return InvoiceOut.of(await _row(call, carrier, number))


async def _place(call: Call, text: str) -> Any:
    """The invoice after which a page begins."""
    carrier, _, number = text.partition(" ")
    rows = await store.invoices(call.db, carrier=carrier, number=number, limit=1)
    return rows[0]["id"] if rows else None
