"""Statements on holds and exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from orderloom.orders.model import ExceptionCase, Hold
from orderloom.plumbing.database import Db, Row

_HOLD = ", ".join(Hold.__dataclass_fields__)
_CASE = ", ".join(ExceptionCase.__dataclass_fields__)

_INSERT_HOLDS = """
INSERT INTO orders.holds (id, order_id, line_id, fulfillment_id, type, blocks, note, raised_by, due_at)
SELECT t.id, t.order_id, t.line_id, t.fulfillment_id, t.type,
       ARRAY(SELECT jsonb_array_elements_text(t.blocks::jsonb)), t.note, t.raised_by, t.due_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[])
  AS t (id, order_id, line_id, fulfillment_id, type, blocks, note, raised_by, due_at)
"""
_HOLD_NAMES = ("id", "order_id", "line_id", "fulfillment_id", "type", "blocks", "note", "raised_by", "due_at")


async def insert_holds(db: Db, holds: Sequence[Mapping[str, Any]]) -> None:
    """Store new holds; the steps they block as JSON text, for a list within an array would be another dimension."""
    await db.execute(_INSERT_HOLDS, *([hold[name] for hold in holds] for name in _HOLD_NAMES))


async def holds_of(db: Db, orders: Sequence[UUID], *, active_only: bool = False) -> list[Hold]:
    """The holds of orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _HOLD + " FROM orders.holds WHERE order_id = ANY($1::uuid[]) "
        "AND (cleared_at IS NULL OR NOT $2) ORDER BY raised_at",
        list(orders),
        active_only,
    )
    return [Hold(**dict(row)) for row in rows]


async def hold(db: Db, hold_id: UUID) -> Hold | None:
    """One hold."""
    row = await db.fetchrow("SELECT " + _HOLD + " FROM orders.holds WHERE id = $1", hold_id)
    return Hold(**dict(row)) if row else None


async def clear_hold(db: Db, hold_id: UUID, *, by: str) -> bool:
    """Clear an active hold; False when it had been cleared before."""
    row = await db.fetchrow(
        "UPDATE orders.holds SET cleared_at = clock_timestamp(), cleared_by = $2 "
        "WHERE id = $1 AND cleared_at IS NULL RETURNING id",
        hold_id,
        by,
    )
    return row is not None


async def bump(db: Db, orders: Sequence[UUID]) -> list[Row]:
    """Count a change of these orders; returns (id, version, channel_id)."""
    return await db.fetch(
        "UPDATE orders.orders SET version = version + 1, updated_at = clock_timestamp() "
        "WHERE id = ANY($1::uuid[]) RETURNING id, version, channel_id",
        list(orders),
    )


_INSERT_CASES = """
INSERT INTO orders.exceptions (id, kind, order_id, entity, entity_id, detail, way_out, owner, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                     $9::timestamptz[])
ON CONFLICT (entity_id, kind) WHERE resolved_at IS NULL DO NOTHING
RETURNING id
"""
_CASE_NAMES = ("id", "kind", "order_id", "entity", "entity_id", "detail", "way_out", "owner", "due_at")


async def insert_cases(db: Db, cases: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Open exceptions; one that is open already for the same entity and kind is left as it is."""
    rows = await db.fetch(_INSERT_CASES, *([case[name] for case in cases] for name in _CASE_NAMES))
    return {row["id"] for row in rows}


async def case(db: Db, exception_id: UUID) -> ExceptionCase | None:
    """One exception."""
    row = await db.fetchrow("SELECT " + _CASE + " FROM orders.exceptions WHERE id = $1", exception_id)
    return ExceptionCase(**dict(row)) if row else None


async def orders_blocked(db: Db, step: str) -> list[UUID]:
    """The orders with an active hold that blocks the step."""
    rows = await db.fetch(
        "SELECT DISTINCT order_id FROM orders.holds WHERE cleared_at IS NULL AND $1 = ANY(blocks)", step
    )
    return [row["order_id"] for row in rows]


async def open_cases_of(db: Db, entities: Sequence[UUID]) -> list[ExceptionCase]:
    """The open exceptions about these entities or orders."""
    rows = await db.fetch(
        "SELECT " + _CASE + " FROM orders.exceptions "
        "WHERE resolved_at IS NULL AND (entity_id = ANY($1::uuid[]) OR order_id = ANY($1::uuid[])) ORDER BY due_at",
        list(entities),
    )
    return [ExceptionCase(**dict(row)) for row in rows]


async def asked_about(db: Db, entities: Sequence[UUID], kind: str) -> set[UUID]:
    """Of which of these entities a case of that kind is open."""
    rows = await db.fetch(
        "SELECT entity_id FROM orders.exceptions "
        "WHERE resolved_at IS NULL AND entity_id = ANY($1::uuid[]) AND kind = $2",
        list(entities),
        kind,
    )
    return {row["entity_id"] for row in rows}


async def resolve_cases(db: Db, ids: Sequence[UUID], *, by: str, resolution: str) -> list[Row]:
    """Settle open exceptions; returns (id, kind, order_id, entity, entity_id) of those settled now."""
    return await db.fetch(
        "UPDATE orders.exceptions SET resolved_at = clock_timestamp(), resolved_by = $2, resolution = $3 "
        "WHERE id = ANY($1::uuid[]) AND resolved_at IS NULL RETURNING id, kind, order_id, entity, entity_id",
        list(ids),
        by,
        resolution,
    )
