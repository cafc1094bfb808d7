"""Promises bound to orders: made, made again when what they rest on slips or comes sooner, and told each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.orders.store import promises as store
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News

MADE = "order.promised"


@dataclass(frozen=True, slots=True)
class Bound:
    """What an open order is bound to now, and what a new date would rest on."""

    order_id: UUID
    channel_id: UUID
    placed_at: datetime
    service_level: str
    promise_at: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Promised:
    """A date an order is bound to; `ready_at`: when its last unit is there, if it waits; `was`: the date before."""

    order_id: UUID
    channel_id: UUID
    promise_at: datetime
    ready_at: datetime | None = None
    was: datetime | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """As the log tells it."""
        return {
            "promise_at": self.promise_at.isoformat(),
            "was": self.was.isoformat() if self.was else None,
            "ready_at": self.ready_at.isoformat() if self.ready_at else None,
        }


async def bound(db: Db, *, orders: Sequence[UUID]) -> list[Bound]:
    """What these orders are bound to, those that are over left out."""
    return [Bound(*row) for row in await store.bound(db, orders)]


async def missed(db: Db, *, soonest: Mapping[tuple[UUID, str], datetime]) -> list[UUID]:
    """Open orders with backordered units that could not be had by their promise any more, and whose buyers do not know.

    `soonest`: by channel and service level, what would be promised if there were stock now.
    """
    return await store.missed(db, [(*key, at) for key, at in sorted(soonest.items())])


async def tell_first(db: Db, *, promised: Sequence[Promised]) -> None:
    """Note on what a new order's promise hangs, so that it may move with it."""
    await events.append(
        db,
        [
            News(MADE, "order", p.order_id, order_id=p.order_id, channel_id=p.channel_id, data=p.facts)
            for p in promised
        ],
    )


async def behind(db: Db, *, now: datetime, besides: Sequence[UUID]) -> list[UUID]:
    """Open orders with work that should have been handed over by now, and of `besides` those that are open; no history."""
    return await store.behind(db, now=now, besides=besides)


async def bind(db: Db, *, promised: Mapping[UUID, Promised], why: str, slip: bool = False) -> None:
    """Bind orders to other dates. Their people are told: of a later one that it is delayed, of an earlier one too.

    `slip`: work or a parcel has come behind the date, which is told once and moves it later only.
    """
    dates = {order: p.promise_at for order, p in promised.items()}
    changed = await store.rebind(db, dates, why=why, slip=slip) if dates else []
    news = []
    for row in changed:
        made = promised[row["id"]]
        told = {
            "entity": "order",
            "entity_id": row["id"],
            "order_id": row["id"],
            "channel_id": row["channel_id"],
        }
        facts = {"version": row["version"], "data": {**made.facts, "why": why}}
        if not slip:
            news.append(News(type=MADE, **told, **facts))
        if made.was is not None:
            later = made.promise_at > made.was
            type_ = "order.delayed" if later else "order.brought_forward"
            news.append(News(type=type_, **told, **facts))
    await events.append(db, news)
