"""All SQL of the schema `routing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row
from orderloom.routing.kept import packed, unpacked
from orderloom.routing.model import Decision

_KEPT = (
    "id", "order_id", "outcome", "record", "cost", "runner_up_cost", "shipments", "decided_as_of", "profile_id",
)  # fmt: skip
_DECISION = (
    "id, order_id, kind, outcome, record, cost, runner_up_cost, shipments, decided_as_of, profile_id, created_at "
    "FROM routing.decisions"
)


async def record(db: Db, *, decisions: Mapping[UUID, tuple[UUID, Decision]]) -> None:
    """Keep decisions: by their own id, the order each is about and what was decided."""
    await db.copy_records_to_table(
        "decisions",
        schema_name="routing",
        columns=_KEPT,
        records=[
            (
                decision_id,
                order_id,
                d.outcome,
                packed({"request": d.asked.json(), "answer": d.json()}),
                d.plan.cost if d.plan else None,
                d.runner_up.cost if d.runner_up else None,
                len(d.plan.parts) if d.plan else 0,
                d.request.now,
                d.sourced.profile_id if d.sourced else None,
            )
            for decision_id, (order_id, d) in decisions.items()
        ],
    )


def _whole(row: Row) -> dict[str, Any]:
    """The row with its record opened: `request` and `answer`."""
    columns = dict(row)
    return {**columns, **unpacked(columns.pop("record"))}


async def last_decisions(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The latest decision of each order, whole."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (order_id) "
        + _DECISION
        + " WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id DESC",
        list(orders),
    )
    return {row["order_id"]: _whole(row) for row in rows}


async def decisions_of(db: Db, order_id: UUID, *, limit: int = 20) -> list[dict[str, Any]]:
    """The decisions of one order, the latest first."""
    rows = await db.fetch(
        "SELECT " + _DECISION + " WHERE order_id = $1 ORDER BY id DESC LIMIT $2", order_id, limit
    )
    return [_whole(row) for row in rows]


async def decision(db: Db, decision_id: UUID) -> dict[str, Any] | None:
    """One decision record, whole."""
    row = await db.fetchrow("SELECT " + _DECISION + " WHERE id = $1", decision_id)
    return _whole(row) if row else None
