"""The audit: every invariant's query, in one snapshot of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orderloom.insight.invariants import collected
from orderloom.insight.invariants.invariant import Invariant
from orderloom.plumbing.database import Database, Db

SAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit found of one invariant: how many rows break it, and the first few of them."""

    invariant: Invariant
    count: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "key": self.invariant.key,
            "says": self.invariant.says,
            "violations": self.count,
            "sample": [{name: _plain(value) for name, value in row.items()} for row in self.rows],
        }


async def of_database(database: Database) -> list[Finding]:
    """Check all invariants in a snapshot of their own."""
    async with database.transaction() as db:
        await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return await run(db)


async def run(db: Db, *, invariants: Sequence[Invariant] | None = None) -> list[Finding]:
    """Check each invariant. All see the same snapshot when the caller's transaction is a repeatable read."""
    return [await _check(db, invariant) for invariant in (collected() if invariants is None else invariants)]


async def _check(db: Db, invariant: Invariant) -> Finding:
    # By a cursor: a broken table may hold millions of violations, of which a handful is shown.
    count, rows = 0, []
    async for row in db.cursor(invariant.sql):
        count += 1
        if count <= SAMPLE_ROWS:
            rows.append(dict(row))
    return Finding(invariant, count, rows)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None | list | dict) else str(value)
