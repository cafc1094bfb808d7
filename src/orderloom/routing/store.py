"""All SQL of the schema `routing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db, Row
from orderloom.routing.model import Decision

_INSERT = """
INSERT INTO routing.decisions (id, order_id, outcome, request, answer, cost, runner_up_cost, shipments, decided_as_of)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::jsonb[], $6::bigint[], $7::bigint[],
                     $8::smallint[], $9::timestamptz[])
"""


async def record(db: Db, *, decisions: Mapping[UUID, tuple[UUID, Decision]]) -> None:
    """Keep decisions: by their own id, the order each is about and what was decided."""
    made = list(decisions.values())
    await db.execute(
        _INSERT,
        list(decisions),
        [order_id for order_id, _ in made],
        [d.outcome for _, d in made],
        [d.request.json() for _, d in made],
        [d.json() for _, d in made],
        [d.plan.cost if d.plan else None for _, d in made],
        [d.runner_up.cost if d.runner_up else None for _, d in made],
        [len(d.plan.parts) if d.plan else 0 for _, d in made],
        [d.request.now for _, d in made],
    )


async def last_decisions(db: Db, *, orders: Sequence[UUID]) -> dict[UUID, Row]:
    """The latest decision of each order: its id and answer."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (order_id) order_id, id, answer FROM routing.decisions "
        "WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, id DESC",
        list(orders),
    )
    return {row["order_id"]: row for row in rows}


async def decision(db: Db, decision_id: UUID) -> dict[str, Any] | None:
    """One decision record, whole."""
    row = await db.fetchrow(
        "SELECT id, order_id, kind, outcome, request, answer, cost, runner_up_cost, shipments, decided_as_of, "
        "created_at FROM routing.decisions WHERE id = $1",
        decision_id,
    )
    return dict(row) if row else None
