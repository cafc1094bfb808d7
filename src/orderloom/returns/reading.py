"""Returns as they stand, the order's return axis, and what of an order may still come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.returns import store
from orderloom.returns.axis import axis
from orderloom.returns.model import Policy, Return, ReturnLine, Sold, Verdict
from orderloom.returns.policy import judge


async def returns_of(
    db: Db, *, ids: Sequence[UUID] = (), orders: Sequence[UUID] = ()
) -> dict[UUID, tuple[Return, list[ReturnLine]]]:
    """Returns with their lines, by id or by order, oldest first."""
    found = await store.returns_of(db, ids=ids, orders=orders)
    lines = await store.lines_of(db, list(found))
    return {i: (each, lines.get(i, [])) for i, each in found.items()}


async def axes_of(db: Db, *, delivered: Mapping[UUID, int]) -> dict[UUID, str]:
    """The return axis of each order, given its delivered units."""
    returns = await store.received_of(db, list(delivered))
    return {
        order: axis(returns=returns.get(order, []), delivered=units) for order, units in delivered.items()
    }


async def eligibility(
    db: Db, *, sold: Sequence[Sold], now: datetime, policy: Policy | None = None
) -> tuple[Verdict, ...]:
    """What of these lines may be returned now, and why not the rest; stores nothing."""
    taken = await store.taken_of(db, [line.line_id for line in sold])
    counted = [replace(line, returned=line.returned + taken.get(line.line_id, 0)) for line in sold]
    return judge(policy=policy or Policy(), now=now, sold=counted)
