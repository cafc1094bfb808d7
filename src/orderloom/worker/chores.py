"""What has to be looked at from time to time: promises that break, answers that were kept long enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from orderloom.delivery import learning
from orderloom.insight.deliveries import deliveries
from orderloom.journey import (
    carts,
    lotting,
    outages,
    publishing_stock,
    reoptimising,
    repromising,
    securing,
    slipping,
    trials,
)
from orderloom.orders import bulk
from orderloom.plumbing import idempotency
from orderloom.plumbing.database import Db
from orderloom.shipping import spending


async def learn_lateness(db: Db, now: datetime) -> None:
    """Learn once a day from how late parcels came; several workers, or one that begins anew, do so no oftener."""
    if await learning.due(db, now=now):
        await learning.learn_from(db, deliveries=await deliveries(db, now=now), now=now)


async def sum_spend(db: Db, now: datetime) -> None:
    """Sum the week that ended for contracts whose discounts are earned by what is spent."""
    await spending.sum_when_due(db, now=now)


async def tidy_jobs(db: Db, now: datetime) -> None:
    """Cancel files that stopped coming in; drop those that were kept long enough."""
    await bulk.tidy_up(db, now=now)


async def forget_answers(db: Db, _now: datetime) -> None:
    """Drop idempotency records that were kept long enough."""
    await idempotency.forget(db)


CHORES: tuple[tuple[float, Callable[[Db, datetime], Awaitable[None]]], ...] = (
    (1.0, carts.expire),
    (1.0, trials.answer_some),
    (60.0, slipping.keep_promises),
    (60.0, publishing_stock.sweep),
    (30.0, outages.look_after),
    (60.0, reoptimising.when_due),
    (600.0, forget_answers),
    (600.0, tidy_jobs),
    (600.0, learn_lateness),
    (600.0, lotting.put_expired_aside),
    (600.0, lotting.assign_left_out),
    (600.0, repromising.tell_overdue),
    (600.0, securing.tally),
    (600.0, sum_spend),
)
