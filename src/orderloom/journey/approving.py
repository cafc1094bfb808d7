"""A cycle count is approved: what was found is posted, each line as of the moment it was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom.inventory import cycle_counts, lots
from orderloom.inventory.availability import Shelves
from orderloom.inventory.counting import Change
from orderloom.inventory.cycle_counts import Ended, Line, Sheet
from orderloom.inventory.model import LotUnits
from orderloom.inventory.snapshots import note_by_hand
from orderloom.inventory.store import snapshots as words
from orderloom.journey.recounting import Recorded, record
from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True)
class Unready:
    """Items are still to be counted, or to be counted again."""

    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Posted:
    """The count with what was posted; `superseded`: items counted anew elsewhere since, left as they are."""

    sheet: Sheet
    recorded: Recorded
    superseded: tuple[str, ...] = ()


async def approve(
    db: Db, *, count_id: UUID, now: datetime, as_it_is: bool = False
) -> Posted | Unready | Ended:
    """Post what was found. `as_it_is` leaves out what was never counted and takes differences without a recount.

    Raises cycle_counts.NoSuchCount, recounting.StockInMotion.
    """
    sheet = await cycle_counts.sheet(db, count_id=count_id, now=now, lock=True)
    if sheet.count.state != "open":
        return Ended(sheet.count.state)
    if sheet.open_lines and not as_it_is:
        return Unready(sheet.open_lines)
    lines = [line for line in sheet.lines if line.counted is not None]
    node = sheet.count.node_id
    superseded: list[str] = []

    async def judge(shelves: Shelves) -> Sequence[Change]:
        said = await words.said(db, [(node, line.sku) for line in lines])
        newer = {sku for (_, sku), of in said.items() for w in of if w.moment > _moment(lines, sku)}
        superseded[:] = sorted(newer)
        return await _changes(db, sheet, [line for line in lines if line.sku not in newer], shelves)

    done = await record(db, keys=[(node, line.sku) for line in lines], judge=judge, now=now)
    counted = {
        (node, line.sku): (line.counted or 0, line.counted_at or now)
        for line in lines
        if line.sku not in superseded
    }
    await note_by_hand(db, counted=counted, now=now)
    after = await cycle_counts.posted(db, sheet=sheet, changed=len(done.changes))
    return Posted(after, done, tuple(superseded))


def _moment(lines: Sequence[Line], sku: str) -> datetime:
    found = next(line.counted_at for line in lines if line.sku == sku)
    assert found is not None  # noqa: S101 - a counted line has its moment
    return found


async def _changes(db: Db, sheet: Sheet, lines: Sequence[Line], shelves: Shelves) -> list[Change]:
    node = sheet.count.node_id
    moments = {(node, line.sku): line.counted_at for line in lines if line.counted_at}
    since = await words.moved_since(db, moments)
    by_lot = await _lots(db, node, lines)
    return [
        Change(
            node_id=node,
            sku=line.sku,
            kind="counted",
            cause_type="cycle_count",
            cause_id=sheet.count.id,
            reason=f"cycle count {sheet.count.number}",
            as_of=line.counted_at,
            on_hand=(line.counted or 0)
            - (shelves.level(node, line.sku).on_hand - since.get((node, line.sku), (0, 0, 0))[0]),
            lots=by_lot.get(line.sku, ()),
        )
        for line in lines
    ]


async def _lots(db: Db, node: UUID, lines: Sequence[Line]) -> Mapping[str, tuple[LotUnits, ...]]:
    """Lines counted at one moment are asked for together: nearly always there is one moment a person and item."""
    found: dict[str, tuple[LotUnits, ...]] = {}
    for moment in sorted({line.counted_at for line in lines if line.lots and line.counted_at}):
        counted = {(node, line.sku): line.lots for line in lines if line.lots and line.counted_at == moment}
        named = await lots.differences(db, counted=counted, as_of=moment)
        found |= {sku: mine for (_, sku), mine in named.items()}
    return found
