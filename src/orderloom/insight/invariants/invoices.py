"""Carriers' invoices: figures that are their lines', charges agreed to once, lines that speak of our labels."""

from __future__ import annotations

from orderloom.insight.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        key="P6.figures",
        says="an invoice's figures are those of its lines",
        sql="""
        SELECT i.id AS invoice_id, i.carrier, i.number, i.billed, l.billed AS billed_by_lines, i.disputed,
               l.disputed AS disputed_by_lines, i.summary -> 'lines' AS lines, l.lines AS lines_there
        FROM shipping.invoices AS i
        CROSS JOIN LATERAL (
          SELECT count(*) AS lines, coalesce(sum(billed), 0) AS billed, coalesce(sum(disputed), 0) AS disputed
          FROM shipping.invoice_lines WHERE invoice_id = i.id
        ) AS l
        WHERE (i.billed, i.disputed, (i.summary ->> 'lines')::bigint, (i.summary ->> 'disputed')::bigint)
          IS DISTINCT FROM (l.billed::bigint, l.disputed::bigint, l.lines, l.disputed::bigint)
        """,
    ),
    Invariant(
        key="P6.lines",
        says="of a line no more is disputed than was billed, and it says so to the carrier",
        sql="""
        SELECT invoice_id, line, tracking_number, billed, expected, disputed, answer FROM shipping.invoice_lines
        WHERE disputed NOT BETWEEN 0 AND greatest(billed, 0)
           OR (billed, expected, disputed) IS DISTINCT FROM ((answer ->> 'billed')::bigint,
              (answer ->> 'expected')::bigint, (answer ->> 'disputed')::bigint)
        """,
    ),
    # A charge that is on two lines is a duplicate on one of them, whichever invoices they are on.
    Invariant(
        key="P6.once",
        says="a parcel's charge is agreed to once",
        sql="""
        SELECT l.carrier, l.tracking_number, code, count(DISTINCT (l.invoice_id, l.line)) AS times
        FROM shipping.invoice_lines AS l CROSS JOIN unnest(l.codes) AS code
        WHERE NOT jsonb_path_exists(l.answer, '$.causes[*] ? (@.cause == "duplicate" || @.cause == "unknown_tracking")')
        GROUP BY l.carrier, l.tracking_number, code HAVING count(DISTINCT (l.invoice_id, l.line)) > 1
        """,
    ),
    Invariant(
        key="P6.labels",
        says="a line speaks of the carrier's own parcel: its label bears the tracking number",
        sql="""
        SELECT l.invoice_id, l.line, l.tracking_number, b.tracking_number AS of_label, l.carrier, b.carrier AS by
        FROM shipping.invoice_lines AS l JOIN shipping.invoices AS i ON i.id = l.invoice_id
        LEFT JOIN shipping.labels AS b ON b.id = l.label_id
        WHERE l.carrier <> i.carrier
           OR (b.id IS NOT NULL AND (b.tracking_number, b.carrier) IS DISTINCT FROM (l.tracking_number, l.carrier))
        """,
    ),
)
