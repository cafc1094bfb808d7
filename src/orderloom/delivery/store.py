"""All SQL of delivery. Sets go in and come out as arrays; rows are locked in the order of (carrier, number)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from orderloom.delivery.model import (
    LateParcel,
    Parcel,
    ParcelState,
    Progress,
    Proof,
    Scan,
    Status,
    TrackingEvent,
)
from orderloom.plumbing.database import Db, Row

Key: TypeAlias = tuple[str, str]
# First of the two keys of this capability's advisory locks, so that they meet no other's.
_LOCKS = 7001


async def lock_numbers(db: Db, keys: Sequence[Key]) -> None:
    """Keep others from following, or telling of, these numbers until the transaction ends.

    A parcel that begins to be followed and its first event may come at the same moment, in two transactions that do
    not see one another; without this the event would wait for ever.
    """
    await db.execute(
        "SELECT pg_advisory_xact_lock($3, h) FROM (SELECT DISTINCT hashtext(c || chr(31) || n) AS h "
        "FROM unnest($1::text[], $2::text[]) AS t (c, n) ORDER BY 1) AS ordered",
        *_columns(keys),
        _LOCKS,
    )


async def add_parcels(db: Db, parcels: Sequence[Parcel]) -> None:
    """Insert those that are not there."""
    await db.execute(
        "INSERT INTO delivery.parcels (carrier, tracking_number, order_id, package_id, fulfillment_id, return_id, "
        "promise_at) SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], "
        "$7::timestamptz[]) ON CONFLICT DO NOTHING",
        [p.carrier for p in parcels],
        [p.tracking_number for p in parcels],
        [p.order_id for p in parcels],
        [p.package_id for p in parcels],
        [p.fulfillment_id for p in parcels],
        [p.return_id for p in parcels],
        [p.promise_at for p in parcels],
    )


async def known(db: Db, keys: Sequence[Key]) -> set[Key]:
    """Which of these numbers are followed."""
    rows = await db.fetch(
        "SELECT p.carrier, p.tracking_number FROM delivery.parcels AS p "
        "JOIN unnest($1::text[], $2::text[]) AS t (c, n) ON p.carrier = t.c AND p.tracking_number = t.n",
        *_columns(keys),
    )
    return {(r["carrier"], r["tracking_number"]) for r in rows}


async def add_events(db: Db, events: Sequence[TrackingEvent], statuses: Sequence[str]) -> set[int]:
    """Keep the events, raw and as read; returns the places in the sequence of those that are new (P4)."""
    rows = await db.fetch(
        "WITH told AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], "
        "$6::jsonb[]) WITH ORDINALITY AS t (carrier, tracking_number, code, status, occurred_at, raw, place)), "
        "kept AS (INSERT INTO delivery.tracking_events (carrier, tracking_number, code, status, occurred_at, raw) "
        "SELECT carrier, tracking_number, code, status, occurred_at, raw FROM told "
        "ORDER BY carrier, tracking_number, code, occurred_at ON CONFLICT DO NOTHING "
        "RETURNING carrier, tracking_number, code, occurred_at) "
        "SELECT min(told.place)::int AS place FROM told "
        "JOIN kept USING (carrier, tracking_number, code, occurred_at) "
        "GROUP BY carrier, tracking_number, code, occurred_at",
        [e.carrier for e in events],
        [e.tracking_number for e in events],
        [e.code for e in events],
        list(statuses),
        [e.occurred_at for e in events],
        [dict(e.raw) for e in events],
    )
    return {row["place"] - 1 for row in rows}


async def lock_of_fulfillments(db: Db, fulfillments: Sequence[UUID]) -> None:
    """Lock the parcels of fulfillment orders in key order."""
    await db.execute(
        "SELECT 1 FROM delivery.parcels WHERE fulfillment_id = ANY($1::uuid[]) "
        "ORDER BY carrier, tracking_number FOR NO KEY UPDATE",
        list(fulfillments),
    )


async def lock_parcels(db: Db, keys: Sequence[Key]) -> list[Row]:
    """The followed ones of these, locked in key order."""
    return await db.fetch(
        "SELECT p.* FROM delivery.parcels AS p "
        "JOIN unnest($1::text[], $2::text[]) AS t (c, n) ON p.carrier = t.c AND p.tracking_number = t.n "
        "ORDER BY p.carrier, p.tracking_number FOR UPDATE OF p",
        *_columns(keys),
    )


async def scans_of(db: Db, keys: Sequence[Key]) -> dict[Key, list[Scan]]:
    """Every event of these parcels, as far as their state depends on it."""
    rows = await db.fetch(
        "SELECT e.carrier, e.tracking_number, e.occurred_at, e.status, e.code FROM delivery.tracking_events AS e "
        "JOIN unnest($1::text[], $2::text[]) AS t (c, n) ON e.carrier = t.c AND e.tracking_number = t.n",
        *_columns(keys),
    )
    scans: dict[Key, list[Scan]] = {}
    for row in rows:
        key = row["carrier"], row["tracking_number"]
        scans.setdefault(key, []).append(Scan(row["occurred_at"], row["status"], row["code"]))
    return scans


async def set_states(db: Db, states: Mapping[Key, ParcelState]) -> dict[Key, int]:
    """Write what the events came to; returns the new versions."""
    rows = await db.fetch(
        "UPDATE delivery.parcels AS p SET status = t.status, first_scan_at = t.first_scan_at, "
        "last_event_at = t.last_event_at, delivered_at = t.delivered_at, version = p.version + 1, "
        "updated_at = clock_timestamp() "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[]) "
        "AS t (carrier, tracking_number, status, first_scan_at, last_event_at, delivered_at) "
        "WHERE p.carrier = t.carrier AND p.tracking_number = t.tracking_number "
        "RETURNING p.carrier, p.tracking_number, p.version",
        *_columns(list(states)),
        [s.status.value for s in states.values()],
        [s.first_scan_at for s in states.values()],
        [s.last_event_at for s in states.values()],
        [s.delivered_at for s in states.values()],
    )
    return {(r["carrier"], r["tracking_number"]): r["version"] for r in rows}


async def add_proofs(db: Db, proofs: Sequence[tuple[Key, Proof]]) -> None:
    """Keep what shows a handover; the first of its kind stands."""
    await db.execute(
        "INSERT INTO delivery.proofs (carrier, tracking_number, kind, signed_by, reference, taken_at) "
        "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) "
        "ON CONFLICT DO NOTHING",
        *_columns([key for key, _ in proofs]),
        [proof.kind for _, proof in proofs],
        [proof.signed_by for _, proof in proofs],
        [proof.reference for _, proof in proofs],
        [proof.taken_at for _, proof in proofs],
    )


async def proofs_of(db: Db, order_id: UUID) -> dict[Key, list[Proof]]:
    """The proofs of an order's parcels."""
    rows = await db.fetch(
        "SELECT f.* FROM delivery.proofs AS f JOIN delivery.parcels AS p USING (carrier, tracking_number) "
        "WHERE p.order_id = $1 ORDER BY f.taken_at, f.kind",
        order_id,
    )
    proofs: dict[Key, list[Proof]] = {}
    for row in rows:
        proof = Proof(
            kind=row["kind"],
            taken_at=row["taken_at"],
            signed_by=row["signed_by"],
            reference=row["reference"],
        )
        proofs.setdefault((row["carrier"], row["tracking_number"]), []).append(proof)
    return proofs


async def progress_of(db: Db, fulfillments: Sequence[UUID]) -> list[Progress]:
    """How far the parcels of these fulfillment orders have come."""
    rows = await db.fetch(
        "SELECT fulfillment_id, (array_agg(order_id))[1] AS order_id, count(*)::int AS parcels, "
        "count(first_scan_at)::int AS scanned, count(delivered_at)::int AS delivered, "
        "min(first_scan_at) AS first_scan_at, max(delivered_at) AS last_delivered_at "
        "FROM delivery.parcels WHERE fulfillment_id = ANY($1::uuid[]) GROUP BY fulfillment_id",
        list(fulfillments),
    )
    return [Progress(**dict(row)) for row in rows]


async def drop_parcels(db: Db, keys: Sequence[Key]) -> None:
    """Stop following parcels that no carrier has touched: their labels were voided."""
    await db.execute(
        "DELETE FROM delivery.parcels AS p USING unnest($1::text[], $2::text[]) AS t (c, n) "
        "WHERE p.carrier = t.c AND p.tracking_number = t.n AND p.first_scan_at IS NULL",
        *_columns(keys),
    )


async def set_promise(db: Db, orders: Sequence[UUID], promises: Sequence[datetime]) -> None:
    """Bind a new promise to the order's parcels that are still on their way."""
    await db.execute(
        "UPDATE delivery.parcels AS p SET promise_at = t.promise_at, version = p.version + 1, "
        "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::timestamptz[]) AS t (order_id, promise_at) "
        "WHERE p.order_id = t.order_id AND p.return_id IS NULL AND p.delivered_at IS NULL",
        list(orders),
        list(promises),
    )


async def late_parcels(
    db: Db,
    *,
    now: datetime,
    since: datetime | None,
    orders: Sequence[UUID] | None,
    delivered: bool | None,
    limit: int | None,
) -> list[LateParcel]:
    """Outbound parcels past their promise, the longest overdue first."""
    rows = await db.fetch(
        "SELECT carrier, tracking_number, order_id, fulfillment_id, status, promise_at, delivered_at "
        "FROM delivery.parcels WHERE return_id IS NULL AND promise_at < coalesce(delivered_at, $1) "
        "AND ($2::uuid[] IS NULL OR order_id = ANY($2)) AND ($3::bool IS NULL OR (delivered_at IS NOT NULL) = $3) "
        "AND ($5::timestamptz IS NULL OR promise_at >= $5) "
        "ORDER BY promise_at, carrier, tracking_number LIMIT $4",
        now,
        list(orders) if orders is not None else None,
        delivered,
        limit,
        since,
    )
    return [LateParcel(**_with_status(row)) for row in rows]


async def add_model(
    db: Db,
    *,
    deliveries: int,
    tables: Mapping[str, Any],
    weeks: Sequence[Mapping[str, Any]],
    learnt_at: datetime,
) -> int:
    """Keep what was learnt as the newest version; returns it."""
    return int(
        await db.fetchval(
            "INSERT INTO delivery.transit_models (deliveries, tables, weeks, learnt_at) VALUES ($1, $2, $3, $4) "
            "RETURNING version",
            deliveries,
            dict(tables),
            [dict(week) for week in weeks],
            learnt_at,
        )
    )


async def newest(db: Db) -> tuple[int, datetime] | None:
    """The version in use and when it was learnt; None while nothing was."""
    row = await db.fetchrow(
        "SELECT version, learnt_at FROM delivery.transit_models ORDER BY version DESC LIMIT 1"
    )
    return (row["version"], row["learnt_at"]) if row is not None else None


async def model(db: Db, version: int) -> Row | None:
    """What was learnt as that version."""
    return await db.fetchrow("SELECT * FROM delivery.transit_models WHERE version = $1", version)


def _with_status(row: Row) -> dict[str, Any]:
    return dict(row) | {"status": Status(row["status"])}


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [carrier for carrier, _ in keys], [number for _, number in keys]
