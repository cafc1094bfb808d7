"""What was spent with carriers, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from orderloom.plumbing.database import Db
from orderloom.shipping.earning import WeekSpend


async def spends(db: Db, carriers: Sequence[str]) -> list[WeekSpend]:
    """Every sum of these carriers' weeks."""
    rows = await db.fetch(
        """
        SELECT carrier, currency, week, amount, holds_from, recorded_at FROM shipping.weekly_spend
        WHERE carrier = ANY($1::text[]) ORDER BY carrier, week, holds_from
        """,
        list(carriers),
    )
    return [WeekSpend(*row.values()) for row in rows]


async def sum_weeks(
    db: Db, *, carrier: str, currency: str, since: date, until: date, holds_from: date
) -> int:
    """Sum the weeks between two Mondays and keep each sum that is not the newest already; returns how many are new.

    A parcel counts in the week it was handed over in, with what was billed for it less what of that is disputed, and
    until it is billed with what it was rated at.
    """
    rows = await db.fetch(
        """
        WITH parcels AS (
          SELECT coalesce(s.shipped_at, l.created_at) AS at, coalesce(b.billed, l.cost) AS amount
          FROM shipping.labels AS l
          LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
          LEFT JOIN LATERAL (SELECT sum(i.billed - i.disputed)::bigint AS billed FROM shipping.invoice_lines AS i
                             WHERE i.label_id = l.id) AS b ON true
          WHERE l.carrier = $1 AND l.currency = $2 AND (l.status = 'used' OR b.billed IS NOT NULL)
        ), sums AS (
          SELECT date_trunc('week', at AT TIME ZONE 'UTC')::date AS week, sum(amount)::bigint AS amount
          FROM parcels
          WHERE at >= $3::date::timestamp AT TIME ZONE 'UTC' AND at < $4::date::timestamp AT TIME ZONE 'UTC'
          GROUP BY 1
        )
        INSERT INTO shipping.weekly_spend (carrier, currency, week, amount, holds_from)
        SELECT $1, $2, w.week::date, coalesce(t.amount, 0), $5
        FROM generate_series($3::date, $4::date - 7, interval '7 days') AS w (week)
        LEFT JOIN sums AS t ON t.week = w.week::date
        LEFT JOIN LATERAL (
          SELECT amount FROM shipping.weekly_spend AS x
          WHERE (x.carrier, x.currency, x.week) = ($1, $2, w.week::date) ORDER BY holds_from DESC LIMIT 1
        ) AS known ON true
        WHERE known.amount IS DISTINCT FROM coalesce(t.amount, 0)
        ON CONFLICT DO NOTHING RETURNING week
        """,
        carrier,
        currency,
        since,
        until,
        holds_from,
    )
    return len(rows)
