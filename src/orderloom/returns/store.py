"""All SQL of returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db, Row
from orderloom.returns.model import Disposition, NewReturn, Restock, Return, ReturnLine, Status

# First of the two keys of this capability's advisory locks, so that they meet no other's.
_LOCKS = 7002
_COLUMNS = (
    "id, number, order_id, node_id, status, requested_by, note, needs_label, refund_amount, currency, version, "
    "created_at, updated_at"
)
_LINE_COLUMNS = "id, return_id, line_id, sku, quantity, received, reason, grade, disposition, restocked, stocked_as, refund"


async def lock_order(db: Db, order_id: UUID) -> None:
    """Let one request at a time count what of the order is left to return."""
    await db.execute("SELECT pg_advisory_xact_lock($1, hashtext($2::text))", _LOCKS, str(order_id))


async def by_key(db: Db, key: str) -> Return | None:
    """The return that this request key has made."""
    row = await db.fetchrow("SELECT " + _COLUMNS + " FROM returns.returns WHERE request_key = $1", key)
    return _return(row) if row else None


async def taken_of(db: Db, line_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Units of these order lines that standing returns have taken: asked while under way, arrived once closed."""
    rows = await db.fetch(
        "SELECT l.line_id, sum(CASE WHEN r.status = 'closed' THEN l.received ELSE l.quantity END)::int AS units "
        "FROM returns.lines AS l JOIN returns.returns AS r ON r.id = l.return_id "
        "WHERE l.line_id = ANY($1::uuid[]) AND r.status NOT IN ('declined', 'cancelled', 'expired') "
        "GROUP BY l.line_id",
        list(line_ids),
    )
    return {row["line_id"]: row["units"] for row in rows}


async def add_return(db: Db, new: NewReturn) -> Return:
    """Insert the return with its lines."""
    row = await db.fetchrow(
        "INSERT INTO returns.returns (id, number, order_id, node_id, status, requested_by, request_key, note, "
        "needs_label, currency, eligibility) VALUES ($1, 'R' || nextval('returns.return_number'), $2, $3, $4, $5, "
        "$6, $7, $8, $9, $10) RETURNING " + _COLUMNS,
        new.id,
        new.order_id,
        new.node_id,
        new.status.value,
        new.requested_by,
        new.request_key,
        new.note,
        new.needs_label,
        new.currency,
        new.eligibility,
    )
    await add_lines(db, new.lines)
    assert row is not None  # noqa: S101 - an INSERT that returns has one row or raises
    return _return(row)


async def add_lines(db: Db, lines: Sequence[ReturnLine]) -> None:
    """Insert lines of a return."""
    await db.execute(
        "INSERT INTO returns.lines (id, return_id, line_id, sku, quantity, received, reason, grade, disposition, "
        "restocked, stocked_as, refund) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], "
        "$5::int[], $6::int[], $7::text[], $8::text[], $9::text[], $10::bool[], $11::text[], $12::bigint[])",
        [line.id for line in lines],
        [line.return_id for line in lines],
        [line.line_id for line in lines],
        [line.sku for line in lines],
        [line.quantity for line in lines],
        [line.received for line in lines],
        [line.reason for line in lines],
        [line.grade for line in lines],
        [line.disposition for line in lines],
        [line.restocked for line in lines],
        [line.stocked_as for line in lines],
        [line.refund for line in lines],
    )


async def lock_returns(db: Db, ids: Sequence[UUID]) -> dict[UUID, Return]:
    """The returns, locked in the order of their ids."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM returns.returns WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(ids),
    )
    return {row["id"]: _return(row) for row in rows}


async def returns_of(db: Db, *, ids: Sequence[UUID] = (), orders: Sequence[UUID] = ()) -> dict[UUID, Return]:
    """Returns by id, or all of these orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _COLUMNS + " FROM returns.returns "
        "WHERE id = ANY($1::uuid[]) OR order_id = ANY($2::uuid[]) ORDER BY id",
        list(ids),
        list(orders),
    )
    return {row["id"]: _return(row) for row in rows}


async def lines_of(db: Db, return_ids: Sequence[UUID]) -> dict[UUID, list[ReturnLine]]:
    """The returns' lines."""
    rows = await db.fetch(
        "SELECT " + _LINE_COLUMNS + " FROM returns.lines WHERE return_id = ANY($1::uuid[]) ORDER BY id",
        list(return_ids),
    )
    lines: dict[UUID, list[ReturnLine]] = {}
    for row in rows:
        lines.setdefault(row["return_id"], []).append(_line(row))
    return lines


async def set_statuses(db: Db, statuses: Mapping[UUID, Status]) -> dict[UUID, int]:
    """Write where the returns stand; returns their new versions."""
    rows = await db.fetch(
        "UPDATE returns.returns AS r SET status = t.status, version = r.version + 1, "
        "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::text[]) AS t (id, status) WHERE r.id = t.id "
        "RETURNING r.id, r.version",
        list(statuses),
        [status.value for status in statuses.values()],
    )
    return {row["id"]: row["version"] for row in rows}


async def set_lines(db: Db, lines: Sequence[ReturnLine]) -> None:
    """Write what arrived of lines and what becomes of them. The return is locked by the caller."""
    await db.execute(
        "UPDATE returns.lines AS l SET quantity = t.quantity, received = t.received, grade = t.grade, "
        "disposition = t.disposition, restocked = t.restocked, refund = t.refund "
        "FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::bool[], $7::bigint[]) "
        "AS t (id, quantity, received, grade, disposition, restocked, refund) WHERE l.id = t.id",
        [line.id for line in lines],
        [line.quantity for line in lines],
        [line.received for line in lines],
        [line.grade for line in lines],
        [line.disposition for line in lines],
        [line.restocked for line in lines],
        [line.refund for line in lines],
    )


async def to_restock(db: Db, return_ids: Sequence[UUID]) -> list[Restock]:
    """Decided units whose disposition stock does not show yet, in the order in which stock is locked."""
    rows = await db.fetch(
        "SELECT l.return_id, l.id AS return_line_id, r.node_id, l.sku, l.received AS quantity, l.disposition, "
        "l.stocked_as AS before FROM returns.lines AS l JOIN returns.returns AS r ON r.id = l.return_id "
        "WHERE l.return_id = ANY($1::uuid[]) AND l.received > 0 AND l.disposition IS NOT NULL "
        "AND l.disposition <> 'missing' AND l.stocked_as IS DISTINCT FROM l.disposition "
        "ORDER BY r.node_id, l.sku, l.id FOR UPDATE OF l",
        list(return_ids),
    )
    return [
        Restock(
            **dict(row)
            | {"disposition": Disposition(row["disposition"]), "before": _disposition(row["before"])}
        )
        for row in rows
    ]


async def mark_restocked(db: Db, return_line_ids: Sequence[UUID]) -> None:
    """Stock shows these lines as their disposition now."""
    await db.execute(
        "UPDATE returns.lines SET restocked = true, stocked_as = disposition WHERE id = ANY($1::uuid[])",
        list(return_line_ids),
    )


async def set_refunds(db: Db, return_id: UUID, refunds: Mapping[UUID, int]) -> int:
    """Write what is paid back for each line; returns the return's whole amount."""
    await db.execute(
        "UPDATE returns.lines AS l SET refund = t.refund FROM unnest($2::uuid[], $3::bigint[]) AS t (id, refund) "
        "WHERE l.id = t.id AND l.return_id = $1",
        return_id,
        list(refunds),
        list(refunds.values()),
    )
    amount: int = await db.fetchval(
        "UPDATE returns.returns SET refund_amount = "
        "(SELECT coalesce(sum(refund), 0) FROM returns.lines WHERE return_id = $1), version = version + 1, "
        "updated_at = clock_timestamp() WHERE id = $1 RETURNING refund_amount",
        return_id,
    )
    return amount


async def received_of(db: Db, orders: Sequence[UUID]) -> dict[UUID, list[tuple[Status, int]]]:
    """Each order's returns: status and units that came."""
    rows = await db.fetch(
        "SELECT r.order_id, r.status, coalesce(sum(l.received), 0)::int AS received FROM returns.returns AS r "
        "LEFT JOIN returns.lines AS l ON l.return_id = r.id WHERE r.order_id = ANY($1::uuid[]) GROUP BY r.id",
        list(orders),
    )
    returns: dict[UUID, list[tuple[Status, int]]] = {}
    for row in rows:
        returns.setdefault(row["order_id"], []).append((Status(row["status"]), row["received"]))
    return returns


async def stale(db: Db, *, before: datetime, limit: int) -> list[UUID]:
    """Approved returns of which nothing was seen since."""
    rows = await db.fetch(
        "SELECT id FROM returns.returns WHERE status = 'open' AND updated_at < $1 ORDER BY id LIMIT $2",
        before,
        limit,
    )
    return [row["id"] for row in rows]


def _return(row: Row) -> Return:
    return Return(**dict(row) | {"status": Status(row["status"])})


def _line(row: Row) -> ReturnLine:
    return ReturnLine(
        **dict(row)
        | {"disposition": _disposition(row["disposition"]), "stocked_as": _disposition(row["stocked_as"])}
    )


def _disposition(text: str | None) -> Disposition | None:
    return Disposition(text) if text else None
