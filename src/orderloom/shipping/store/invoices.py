"""Carriers' invoices, what was billed on them, and the labels they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """A label as an audit reads it."""

    id: UUID
    tracking_number: str
    service: str
    used: bool
    request: Mapping[str, Any]
    delivered_at: datetime | None


async def label_facts(db: Db, *, carrier: str, numbers: Sequence[str]) -> dict[str, LabelFacts]:
    """The labels that bear these tracking numbers. One that is on no manifest and unshipped was never used."""
    rows = await db.fetch(
        """
        SELECT l.id, l.tracking_number, l.service, l.request, s.delivered_at,
               l.status = 'used' OR (l.status <> 'voided' AND l.status <> 'failed'
                 AND (l.purpose = 'return' OR s.shipped_at IS NOT NULL OR m.label_id IS NOT NULL)) AS used
        FROM shipping.labels AS l
        LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
        LEFT JOIN shipping.manifest_labels AS m ON m.label_id = l.id
        WHERE l.carrier = $1 AND l.tracking_number = ANY($2::text[])
        """,
        carrier,
        list(numbers),
    )
    return {row["tracking_number"]: LabelFacts(**dict(row)) for row in rows}


async def billed_before(db: Db, *, carrier: str, numbers: Sequence[str]) -> set[tuple[str, str]]:
    """The charges (tracking number, code) of earlier invoices."""
    rows = await db.fetch(
        """
        SELECT DISTINCT tracking_number, code FROM shipping.invoice_lines, unnest(codes) AS code
        WHERE carrier = $1 AND tracking_number = ANY($2::text[])
        """,
        carrier,
        list(numbers),
    )
    return {(row["tracking_number"], row["code"]) for row in rows}


async def insert_invoice(
    db: Db,
    *,
    carrier: str,
    number: str,
    currency: str,
    billed: int,
    disputed: int,
    summary: Mapping[str, Any],
    by: str,
) -> UUID | None:
    """A new invoice; None when the carrier's number is there already."""
    row = await db.fetchrow(
        """
        INSERT INTO shipping.invoices (carrier, number, currency, billed, disputed, summary, audited_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (carrier, number) DO NOTHING RETURNING id
        """,
        carrier,
        number,
        currency,
        billed,
        disputed,
        dict(summary),
        by,
    )
    return row["id"] if row else None


async def insert_lines(db: Db, *, invoice: UUID, carrier: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The lines of an invoice."""
    await db.execute(
        """
        INSERT INTO shipping.invoice_lines
          (invoice_id, carrier, line, tracking_number, label_id, codes, billed, expected, disputed, answer)
        SELECT $1, $2, t.line, t.tracking, t.label, string_to_array(t.codes, E'\\x1f'), t.billed, t.expected,
               t.disputed, t.answer
        FROM unnest($3::int[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
                    $10::jsonb[]) AS t (line, tracking, label, codes, billed, expected, disputed, answer)
        """,
        invoice,
        carrier,
        [row["line"] for row in rows],
        [row["tracking_number"] for row in rows],
        [row["label_id"] for row in rows],
        ["\x1f".join(row["codes"]) for row in rows],
        [row["billed"] for row in rows],
        [row["expected"] for row in rows],
        [row["disputed"] for row in rows],
        [row["answer"] for row in rows],
    )


async def invoices(
    db: Db,
    *,
    key: UUID | None = None,
    carrier: str | None = None,
    number: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Row]:
    """Audited invoices, newest first."""
    return await db.fetch(
        """
        SELECT id, carrier, number, currency, billed, disputed, summary, audited_by, audited_at
        FROM shipping.invoices
        WHERE ($1::text IS NULL OR carrier = $1) AND ($2::text IS NULL OR number = $2)
          AND ($3::uuid IS NULL OR id < $3) AND ($5::uuid IS NULL OR id = $5)
        ORDER BY id DESC LIMIT $4
        """,
        carrier,
        number,
        before,
        limit,
        key,
    )


async def lines(
    db: Db, *, invoice: UUID, disputed_only: bool, after: int = 0, limit: int | None = None
) -> list[Row]:
    """An invoice's lines in their order, all or only those in dispute."""
    return await db.fetch(
        """
        SELECT line, tracking_number, billed, expected, disputed, answer FROM shipping.invoice_lines
        WHERE invoice_id = $1 AND line > $2 AND (NOT $3 OR disputed > 0) ORDER BY line LIMIT $4
        """,
        invoice,
        after,
        disputed_only,
        limit,
    )
