"""Shipments and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.terms import first_id

LIVE = ("requested", "purchased", "used", "unknown")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label as it is stored, with the subject whose journey it belongs to and the node it leaves from."""

    id: UUID
    subject: UUID
    purpose: str
    order_id: UUID
    node_id: UUID | None
    shipment_id: UUID | None
    package_id: UUID | None
    return_id: UUID | None
    attempt: int
    reference: str
    carrier: str
    service: str
    status: str
    request: Mapping[str, Any]
    tracking_number: str | None
    cost: int | None
    currency: str | None
    version: int


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """A shipment as it is stored."""

    id: UUID
    number: str
    order_id: UUID
    fulfillment_id: UUID
    node_id: UUID
    carrier: str
    service: str
    cost: int
    currency: str
    shipped_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Planned:
    """How a shipment travels, since when, and the day on which its contract has it arrive."""

    carrier: str
    service: str
    shipped_at: datetime | None
    arrives_on: date


_LABELS = """
SELECT l.id, coalesce(s.fulfillment_id, l.return_id) AS subject, l.purpose, l.order_id, s.node_id, l.shipment_id,
       l.package_id, l.return_id, l.attempt, l.reference, l.carrier, l.service, l.status, l.request,
       l.tracking_number, l.cost, l.currency, l.version
FROM shipping.labels AS l LEFT JOIN shipping.shipments AS s ON s.id = l.shipment_id
"""


async def latest_labels(
    db: Db, *, packages: Sequence[UUID] = (), returns: Sequence[UUID] = ()
) -> dict[UUID, LabelRow]:
    """The newest label of each package and of each return, by its id."""
    rows = await db.fetch(
        f"""
        SELECT DISTINCT ON (coalesce(found.package_id, found.return_id)) found.* FROM ({_LABELS}
          WHERE l.package_id = ANY($1::uuid[]) OR l.return_id = ANY($2::uuid[])) AS found
        ORDER BY coalesce(found.package_id, found.return_id), found.attempt DESC
        """,
        list(packages),
        list(returns),
    )
    return {row["package_id"] or row["return_id"]: LabelRow(**dict(row)) for row in rows}


async def live_labels(db: Db, *, subjects: Sequence[UUID], statuses: Sequence[str] = LIVE) -> list[LabelRow]:
    """The labels of fulfillment orders and returns in these statuses, locked in key order."""
    rows = await db.fetch(
        f"""
        {_LABELS}
        WHERE l.id IN (
          SELECT id FROM shipping.labels WHERE return_id = ANY($1::uuid[])
          UNION ALL
          SELECT x.id FROM shipping.labels AS x JOIN shipping.shipments AS y ON y.id = x.shipment_id
          WHERE y.fulfillment_id = ANY($1::uuid[])
        ) AND l.status = ANY($2::text[])
        ORDER BY l.id FOR NO KEY UPDATE OF l
        """,
        list(subjects),
        list(statuses),
    )
    return [LabelRow(**dict(row)) for row in rows]


async def labels_by_id(db: Db, ids: Sequence[UUID]) -> dict[UUID, LabelRow]:
    """Labels by id."""
    rows = await db.fetch(f"{_LABELS} WHERE l.id = ANY($1::uuid[])", list(ids))
    return {row["id"]: LabelRow(**dict(row)) for row in rows}


async def upsert_shipments(db: Db, rows: Sequence[Mapping[str, Any]]) -> dict[UUID, UUID]:
    """Open each fulfillment order's one shipment, or let it take another service; returns its id by fulfillment."""
    found = await db.fetch(
        """
        INSERT INTO shipping.shipments AS s (number, order_id, fulfillment_id, node_id, carrier, service, selection,
                                             currency, promise_at)
        SELECT 'SHP-' || nextval('shipping.shipment_number'), t.*
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[],
                    $8::timestamptz[]) AS t
        ON CONFLICT (fulfillment_id) DO UPDATE
          SET carrier = excluded.carrier, service = excluded.service, selection = excluded.selection,
              currency = excluded.currency, promise_at = excluded.promise_at, updated_at = clock_timestamp()
        RETURNING s.id, s.fulfillment_id
        """,
        [row["order_id"] for row in rows],
        [row["fulfillment_id"] for row in rows],
        [row["node_id"] for row in rows],
        [row["carrier"] for row in rows],
        [row["service"] for row in rows],
        [row["selection"] for row in rows],
        [row["currency"] for row in rows],
        [row["promise_at"] for row in rows],
    )
    return {row["fulfillment_id"]: row["id"] for row in found}


async def insert_labels(db: Db, rows: Sequence[Mapping[str, Any]]) -> None:
    """Labels wanted: the intents, under their references."""
    await db.execute(
        """
        INSERT INTO shipping.labels (id, purpose, order_id, shipment_id, package_id, return_id, attempt, reference,
                                     carrier, service, request)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[],
                             $8::text[], $9::text[], $10::text[], $11::jsonb[])
        """,
        [row["id"] for row in rows],
        [row["purpose"] for row in rows],
        [row["order_id"] for row in rows],
        [row["shipment_id"] for row in rows],
        [row["package_id"] for row in rows],
        [row["return_id"] for row in rows],
        [row["attempt"] for row in rows],
        [row["reference"] for row in rows],
        [row["carrier"] for row in rows],
        [row["service"] for row in rows],
        [row["request"] for row in rows],
    )


async def mark_unknown(db: Db, ids: Sequence[UUID]) -> None:
    """Labels whose purchase was begun and never answered."""
    await db.execute(
        "UPDATE shipping.labels SET status = 'unknown', updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) AND status = 'requested'",
        list(ids),
    )


async def mark_purchased(
    db: Db, rows: Sequence[tuple[UUID, str, str, int | None, str | None]]
) -> list[LabelRow]:
    """(id, tracking number, provider's id, cost, currency) of labels bought; returns those that were not yet."""
    changed = await db.fetch(
        """
        UPDATE shipping.labels AS l
        SET status = 'purchased', tracking_number = t.tracking_number, provider_ref = t.provider_ref,
            cost = coalesce(t.cost, (l.request ->> 'cost')::bigint),
            currency = coalesce(t.currency, l.request ->> 'currency'),
            problem = NULL, version = l.version + 1, updated_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
          AS t (id, tracking_number, provider_ref, cost, currency)
        WHERE l.id = t.id AND l.status IN ('requested', 'unknown')
        RETURNING l.id
        """,
        *([row[i] for row in rows] for i in range(5)),
    )
    labels = await labels_by_id(db, [row["id"] for row in changed])
    return sorted(labels.values(), key=lambda label: label.id)


async def mark_failed(db: Db, rows: Sequence[tuple[UUID, str]]) -> None:
    """(id, problem) of labels the carrier refused."""
    await db.execute(
        """
        UPDATE shipping.labels AS l SET status = 'failed', problem = t.problem, updated_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::text[]) AS t (id, problem)
        WHERE l.id = t.id AND l.status IN ('requested', 'unknown')
        """,
        [label for label, _ in rows],
        [problem for _, problem in rows],
    )


async def mark_voided(db: Db, ids: Sequence[UUID]) -> list[LabelRow]:
    """Labels given up, and struck off the manifest they stood on; returns those that were not yet."""
    changed = await db.fetch(
        """
        UPDATE shipping.labels SET status = 'voided', version = version + 1, updated_at = clock_timestamp()
        WHERE id = ANY($1::uuid[]) AND status IN ('requested', 'unknown', 'purchased')
        RETURNING id
        """,
        list(ids),
    )
    gone = [row["id"] for row in changed]
    await db.execute("DELETE FROM shipping.manifest_labels WHERE label_id = ANY($1::uuid[])", gone)
    return sorted((await labels_by_id(db, gone)).values(), key=lambda label: label.id)


async def sum_costs(db: Db, shipments: Sequence[UUID]) -> None:
    """A shipment costs what its live labels cost."""
    await db.execute(
        """
        UPDATE shipping.shipments AS s SET cost = t.cost, updated_at = clock_timestamp()
        FROM (
          SELECT x.id, coalesce(sum(l.cost) FILTER (WHERE l.status IN ('purchased', 'used')), 0) AS cost
          FROM shipping.shipments AS x LEFT JOIN shipping.labels AS l ON l.shipment_id = x.id
          WHERE x.id = ANY($1::uuid[]) GROUP BY x.id
        ) AS t
        WHERE s.id = t.id AND s.cost <> t.cost
        """,
        list(shipments),
    )


_SHIPMENT = (
    "id, number, order_id, fulfillment_id, node_id, carrier, service, cost, currency, shipped_at, version"
)


async def planned_of(db: Db, fulfillments: Sequence[UUID]) -> dict[UUID, Planned]:
    """By fulfillment order how its shipment travels, and the day on which the contract has it arrive."""
    rows = await db.fetch(
        "SELECT fulfillment_id, carrier, service, shipped_at, "
        "(selection -> 'chosen' ->> 'arrives_on')::date AS arrives_on FROM shipping.shipments "
        "WHERE fulfillment_id = ANY($1::uuid[]) AND selection -> 'chosen' ->> 'arrives_on' IS NOT NULL",
        list(fulfillments),
    )
    return {row["fulfillment_id"]: Planned(*list(row.values())[1:]) for row in rows}


async def mark_shipped(db: Db, fulfillments: Sequence[UUID], at: datetime) -> list[ShipmentRow]:
    """Shipments that left; returns those that had not yet."""
    rows = await db.fetch(
        f"""
        UPDATE shipping.shipments
        SET shipped_at = $2, version = version + 1, updated_at = clock_timestamp()
        WHERE fulfillment_id = ANY($1::uuid[]) AND shipped_at IS NULL
        RETURNING {_SHIPMENT}
        """,
        list(fulfillments),
        at,
    )
    return [ShipmentRow(**dict(row)) for row in rows]


async def mark_delivered(db: Db, fulfillments: Sequence[UUID], at: Sequence[datetime]) -> list[ShipmentRow]:
    """Shipments that arrived, each at its moment; returns those that had not yet."""
    rows = await db.fetch(
        f"""
        UPDATE shipping.shipments AS s
        SET delivered_at = t.delivered, version = version + 1, updated_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::timestamptz[]) AS t (of, delivered)
        WHERE fulfillment_id = t.of AND delivered_at IS NULL
        RETURNING {_SHIPMENT}
        """,
        list(fulfillments),
        list(at),
    )
    return [ShipmentRow(**dict(row)) for row in rows]


async def unmark_shipped(db: Db, fulfillments: Sequence[UUID]) -> list[ShipmentRow]:
    """Shipments that did not leave after all; returns those that were said to have."""
    rows = await db.fetch(
        f"""
        UPDATE shipping.shipments SET shipped_at = NULL, version = version + 1, updated_at = clock_timestamp()
        WHERE fulfillment_id = ANY($1::uuid[]) AND shipped_at IS NOT NULL AND delivered_at IS NULL
        RETURNING {_SHIPMENT}
        """,
        list(fulfillments),
    )
    return [ShipmentRow(**dict(row)) for row in rows]


async def turn_labels(db: Db, *, subjects: Sequence[UUID], was: str, to: str) -> None:
    """Labels of fulfillment orders and returns from one status to another."""
    await db.execute(
        """
        UPDATE shipping.labels AS l SET status = $3, version = version + 1, updated_at = clock_timestamp()
        WHERE l.status = $2 AND (l.return_id = ANY($1::uuid[]) OR l.shipment_id IN (
          SELECT s.id FROM shipping.shipments AS s WHERE s.fulfillment_id = ANY($1::uuid[])))
        """,
        list(subjects),
        was,
        to,
    )


async def tracking_of(db: Db, subjects: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The tracking numbers of the bought labels of fulfillment orders and returns."""
    found: dict[UUID, list[str]] = {}
    for label in await live_labels(db, subjects=subjects, statuses=("purchased", "used")):
        if label.tracking_number:
            found.setdefault(label.subject, []).append(label.tracking_number)
    return found


async def handed_over(db: Db, fulfillments: Sequence[UUID]) -> set[UUID]:
    """Fulfillment orders with good labels, every one of which is on a manifest."""
    rows = await db.fetch(
        """
        SELECT s.fulfillment_id
        FROM shipping.shipments AS s JOIN shipping.labels AS l ON l.shipment_id = s.id
        LEFT JOIN shipping.manifest_labels AS m ON m.label_id = l.id
        WHERE s.fulfillment_id = ANY($1::uuid[]) AND l.status IN ('requested', 'purchased', 'used', 'unknown')
        GROUP BY s.fulfillment_id
        HAVING bool_and(m.label_id IS NOT NULL)
        """,
        list(fulfillments),
    )
    return {row["fulfillment_id"] for row in rows}


async def made_by_day(db: Db, *, carriers: Sequence[str], since: date) -> dict[tuple[str, str, date], int]:
    """Shipments with a label that may still travel, by carrier, service and the day they were opened (UTC)."""
    rows = await db.fetch(
        """
        SELECT s.carrier, s.service, (s.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS many
        FROM shipping.shipments AS s
        WHERE s.carrier = ANY($1::text[]) AND s.created_at >= $2::date AND s.id >= $4::uuid
          AND EXISTS (SELECT FROM shipping.labels AS l WHERE l.shipment_id = s.id AND l.status = ANY($3::text[]))
        GROUP BY 1, 2, 3
        """,
        list(carriers),
        since,
        list(LIVE),
        # Ids grow with time: those of long ago are not looked at.
        first_id(datetime.combine(since - timedelta(days=1), time.min, UTC)),
    )
    return {(row["carrier"], row["service"], row["day"]): row["many"] for row in rows}
