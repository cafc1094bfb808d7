"""Sourcing profiles tried on decisions that were made: the last orders', or as a shadow those that come.

Nothing of an order is touched. A trial's decisions are put to it when it begins, a shadow's when they are made; both
are answered afterwards, so that no order waits for them, and what cannot be answered is kept with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import routing
from orderloom.journey import again
from orderloom.orders.reading import orders_of
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting
from orderloom.routing import store
from orderloom.routing.examining import told
from orderloom.routing.profiles import Version
from orderloom.routing.store import InUse

LAST_MOST = 10_000
# Answered in one transaction.
BATCH = 25
# What a defect of a decision raises: it fails that comparison, and no other.
_DEFECTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


async def begin(db: Db, *, profile_id: UUID, last: int) -> UUID:
    """Try the version on the latest decisions of the last orders."""
    by = acting.get().name
    trial = await store.begin_trial(db, profile_id=profile_id, shadow=False, permille=1000, by=by)
    await store.ask_last(db, trial, last=last)
    return trial


async def begin_shadow(db: Db, *, profile_id: UUID, permille: int) -> UUID:
    """Let the version decide beside the active one from now on, so many orders of a thousand; any other shadow ends."""
    await store.lock_profiles(db)
    await store.end_shadow(db)
    return await store.begin_trial(
        db, profile_id=profile_id, shadow=True, permille=permille, by=acting.get().name
    )


async def shadow(db: Db, *, sourcing: InUse, orders: Sequence[UUID]) -> None:
    """Put the decisions just made to the shadow, where there is one."""
    if sourcing.shadow is None:
        return
    # The last digits of an order's id are random, and the same each time it is routed.
    asked = [order for order in orders if order.int % 1000 < sourcing.permille]
    if asked:
        await store.ask_of(db, sourcing.shadow, orders=asked)


async def go_on(db: Db, *, trial_id: UUID | None = None, most: int = BATCH) -> int:
    """Answer some of what trials have yet to answer; returns how many. What others have in hand is theirs."""
    rows = await store.unanswered(db, trial_id=trial_id, limit=most)
    if not rows:
        return 0
    present = await again.present_for(db, rows)
    versions: dict[UUID, Version] = {}
    for profile_id in {row["profile_id"] for row in rows}:
        found = await store.version_of(db, profile_id)
        assert found is not None  # noqa: S101 - the trial's foreign key has it
        versions[profile_id] = store.read_version(found)
    # In a thread: a hard question takes its time, and nobody else in this process shall wait for it.
    answers = [await asyncio.to_thread(_answer, row, present, versions[row["profile_id"]]) for row in rows]
    await store.answer(db, answers)
    return len(rows)


async def answer_some(db: Db, _now: datetime) -> None:
    """The worker's share of it."""
    await go_on(db)


def _answer(row: Mapping[str, Any], present: again.Present, version: Version) -> dict[str, Any]:
    key = {"trial_id": row["trial_id"], "decision_id": row["decision_id"]}
    try:
        request, moved = again.request_of(row, present)
        if request.order is None and (order := present.orders.get(row["order_id"])):
            # Decided while no profile was looked at: the order as it is now.
            request = again.with_asker(request, order, present)
        after = told(routing.decide(request, version).json())
    except _DEFECTS as defect:
        return {**key, "failed": f"{type(defect).__name__}: {defect}"}
    before = told(row["answer"])
    same = all(before[name] == after[name] for name in ("outcome", "nodes", "services", "late", "cost"))
    return {**key, "changed": not same, "before": before, "after": after, "moved": moved}


async def report(db: Db, *, trial_id: UUID) -> dict[str, Any] | None:
    """How far the trial is and what it came to; None when there is none of that id."""
    found = await store.trial(db, trial_id)
    if found is None:
        return None
    return {
        **dict(found),
        **dict(await store.progress(db, trial_id)),
        "sums": [dict(row) for row in await store.sums(db, trial_id)],
        "rules": [dict(row) for row in await store.by_rule(db, trial_id)],
    }


async def differences(db: Db, *, trial_id: UUID, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """The orders that came out otherwise, with their numbers."""
    rows = await store.differences(db, trial_id, after=after, limit=limit)
    orders = await orders_of(db, sorted({row["order_id"] for row in rows}))
    return [{**dict(row), "number": orders[row["order_id"]].number} for row in rows]
