"""Exceptions: cases that a person must settle, each with its way out and its due time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.orders.model import ExceptionCase
from orderloom.orders.store import cases
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewException:
    """A case to be opened. One open case an entity and kind: opening it again changes nothing."""

    kind: str
    entity: str
    entity_id: UUID
    detail: str
    way_out: str
    due_at: datetime
    order_id: UUID | None = None
    owner: str | None = None


class NoSuchException(LookupError):
    """No exception of that id was ever opened."""


async def open_(db: Db, *, cases_: Sequence[NewException]) -> None:
    """Open cases for people to settle."""
    if not cases_:
        return
    rows = [{**{n: getattr(c, n) for n in NewException.__dataclass_fields__}, "id": new_id()} for c in cases_]
    opened = await cases.insert_cases(db, rows)
    await events.append(
        db,
        [
            News(
                type="exception.opened",
                entity="exception",
                entity_id=row["id"],
                order_id=row["order_id"],
                reason=row["detail"],
                data={"kind": row["kind"], "way_out": row["way_out"], row["entity"]: row["entity_id"].hex},
            )
            for row in rows
            if row["id"] in opened
        ],
    )


async def resolve(db: Db, *, exception_id: UUID, resolution: str) -> ExceptionCase:
    """Settle a case; settling it again changes nothing. Raises NoSuchException when it never was."""
    found = await cases.case(db, exception_id)
    if found is None:
        msg = f"there is no exception {exception_id}"
        raise NoSuchException(msg)
    await _resolve(db, [exception_id], resolution)
    return found


async def resolve_of(
    db: Db, *, entities: Sequence[UUID], kinds: Sequence[str] | None = None, resolution: str
) -> None:
    """Settle the open cases about these entities, of these kinds or all: what they were about has passed."""
    found = await cases.open_cases_of(db, entities)
    await _resolve(db, [c.id for c in found if kinds is None or c.kind in kinds], resolution)


async def open_of(db: Db, *, entities: Sequence[UUID]) -> list[ExceptionCase]:
    """The open cases about these entities or orders, the most urgent first."""
    return await cases.open_cases_of(db, entities)


async def about(db: Db, *, entities: Sequence[UUID], kind: str) -> set[UUID]:
    """Of which of these a person is asked this already."""
    return await cases.asked_about(db, entities, kind) if entities else set()


async def _resolve(db: Db, ids: Sequence[UUID], resolution: str) -> None:
    if not ids:
        return
    settled = await cases.resolve_cases(db, ids, by=acting.get().name, resolution=resolution)
    await events.append(
        db,
        [
            News(
                type="exception.resolved",
                entity="exception",
                entity_id=row["id"],
                order_id=row["order_id"],
                reason=resolution,
                data={"kind": row["kind"], row["entity"]: row["entity_id"].hex},
            )
            for row in settled
        ],
    )
