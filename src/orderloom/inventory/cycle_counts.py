"""Cycle counts: some items of a node are counted, differences looked at twice, and what was found is posted.

A line counted beyond the tolerance asks for one recount; what is found then stands. The count is posted line by line as
of the moment each was counted, so that what has moved since stays on top (`journey.recounting.post_count`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from orderloom.inventory.model import LotUnits
from orderloom.inventory.snapshots import BY_HAND
from orderloom.inventory.store import counts as store
from orderloom.inventory.store.counts import Count, CountLine
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import new_id

Status: TypeAlias = Literal["to_count", "to_recount", "counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item of a count as it stands. `expected` is what the ledger had when it was counted, or has now."""

    sku: str
    status: Status
    expected: int
    counted: int | None = None
    counted_at: datetime | None = None
    counted_by: str | None = None
    recounts: int = 0
    lots: tuple[LotUnits, ...] = ()

    @property
    def variance(self) -> int | None:
        """How many more were found than expected."""
        return None if self.counted is None else self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Sheet:
    """A count with its items."""

    count: Count
    lines: tuple[Line, ...]

    @property
    def open_lines(self) -> tuple[str, ...]:
        """The items still to be counted, or counted again."""
        return tuple(line.sku for line in self.lines if line.status != "counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """So many units of an item were found at that moment."""

    sku: str
    quantity: int
    counted_at: datetime
    lots: tuple[LotUnits, ...] = ()


class NoSuchCount(LookupError):
    """There is no cycle count of that id."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The count was posted or cancelled before, and an end is final."""

    state: str


@dataclass(frozen=True, slots=True)
class NotOnIt:
    """Items that were counted and are not on this count."""

    skus: tuple[str, ...]


async def begin(
    db: Db, *, node_id: UUID, skus: Sequence[str], blind: bool = True, tolerance: int = 0
) -> Sheet:
    """Have these items of the node counted."""
    made = await store.insert(
        db,
        key=new_id(),
        node_id=node_id,
        blind=blind,
        tolerance=tolerance,
        by=acting.get().name,
        skus=sorted(set(skus)),
    )
    await _tell(db, "count.created", made, {"skus": len(set(skus))})
    return await sheet(db, count_id=made.id, now=made.created_at)


async def not_counted_since(db: Db, *, node_id: UUID, since: datetime, limit: int) -> list[str]:
    """Items by rule: those that nobody has counted since, never counted ones first."""
    return await store.uncounted(db, node_id=node_id, since=since, source=BY_HAND, limit=limit)


async def most_moved_since(db: Db, *, node_id: UUID, since: datetime, limit: int) -> list[str]:
    """Items by rule: those of which most units have moved since, for these are most often wrong."""
    return await store.busiest(db, node_id=node_id, since=since, limit=limit)


async def sheet(db: Db, *, count_id: UUID, now: datetime, lock: bool = False) -> Sheet:
    """The count with its items. Raises NoSuchCount."""
    found = await store.of(db, count_id, lock=lock)
    if found is None:
        raise NoSuchCount(str(count_id))
    rows = (await store.lines(db, [count_id]))[count_id]
    moments = {row.sku: row.counted_at or now for row in rows}
    expected = await store.expected_at(db, node_id=found.node_id, moments=moments)
    posted = {row.sku: row.expected for row in rows if row.expected is not None}
    return Sheet(found, tuple(_line(row, (expected | posted)[row.sku], found.tolerance) for row in rows))


def _line(row: CountLine, expected: int, tolerance: int) -> Line:
    return Line(
        sku=row.sku,
        status=status(row.counted, expected, row.recounts, tolerance),
        expected=expected,
        counted=row.counted,
        counted_at=row.counted_at,
        counted_by=row.counted_by,
        recounts=row.recounts,
        lots=tuple(LotUnits(lot["lot"], lot["quantity"], _day(lot["expires_on"])) for lot in row.lots or ()),
    )


def _day(text: str | None) -> Any:
    return datetime.fromisoformat(text).date() if text else None


def status(counted: int | None, expected: int, recounts: int, tolerance: int) -> Status:
    """What a line wants next: a difference beyond the tolerance is looked at twice. Pure."""
    if counted is None:
        return "to_count"
    return "to_recount" if abs(counted - expected) > tolerance and not recounts else "counted"


async def record(db: Db, *, count_id: UUID, found: Sequence[Found], now: datetime) -> Sheet | Ended | NotOnIt:
    """Note what was found, by whoever counts, in as many goes as they need. Raises NoSuchCount."""
    before = await sheet(db, count_id=count_id, now=now, lock=True)
    if before.count.state != "open":
        return Ended(before.count.state)
    known = {line.sku for line in before.lines}
    if strange := tuple(sorted({f.sku for f in found} - known)):
        return NotOnIt(strange)
    await store.record(
        db,
        count_id,
        {f.sku: (f.quantity, min(f.counted_at, now), _stored(f.lots)) for f in found},
        by=acting.get().name,
    )
    made = await store.touch(db, count_id)
    after = await sheet(db, count_id=count_id, now=now)
    again = [line.sku for line in after.lines if line.status == "to_recount"]
    await _tell(db, "count.recorded", made, {"skus": [f.sku for f in found], "to_recount": again})
    return after


def _stored(lots: Sequence[LotUnits]) -> list[dict[str, Any]] | None:
    return [
        {
            "lot": lot.lot,
            "quantity": lot.quantity,
            "expires_on": lot.expires_on.isoformat() if lot.expires_on else None,
        }
        for lot in lots
    ] or None


async def cancel(db: Db, *, count_id: UUID, reason: str) -> Count | Ended:
    """Give a count up: nothing of it is posted. Raises NoSuchCount."""
    found = await store.of(db, count_id, lock=True)
    if found is None:
        raise NoSuchCount(str(count_id))
    if found.state != "open":
        return Ended(found.state)
    return await ended(db, count_id=count_id, state="cancelled", data={"reason": reason})


async def posted(db: Db, *, sheet: Sheet, changed: int) -> Sheet:
    """The count is posted; what was expected is told as it was before."""
    await store.keep_expected(db, sheet.count.id, {line.sku: line.expected for line in sheet.lines})
    made = await ended(db, count_id=sheet.count.id, state="posted", data={"changed": changed})
    return Sheet(made, sheet.lines)


async def ended(
    db: Db, *, count_id: UUID, state: Literal["posted", "cancelled"], data: Mapping[str, Any]
) -> Count:
    """End a count that is open and locked."""
    made = await store.touch(db, count_id, state=state)
    await _tell(db, f"count.{state}", made, data)
    return made


async def _tell(db: Db, type_: str, count: Count, data: Mapping[str, Any]) -> None:
    await events.append(
        db,
        [
            News(
                type_,
                "count",
                count.id,
                node_id=count.node_id,
                version=count.version,
                data={"number": count.number, **data},
            )
        ],
    )
