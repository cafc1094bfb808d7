"""A warehouse's absolute counts taken in: thousands of lines a call, each with its own outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom import catalog, network
from orderloom.inventory import lots, snapshots
from orderloom.inventory.availability import Shelves
from orderloom.inventory.counting import Change
from orderloom.inventory.snapshots import Differs, Judged, Kind, Line, Older, Snapshot
from orderloom.journey.recounting import NO_LOSS, Loss, Recorded, record
from orderloom.plumbing.database import Db


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOutcome:
    """What became of a line. `delta` is what was posted; `found` is what the ledger had at the snapshot's moment."""

    sku: str
    outcome: Kind
    delta: int = 0
    found: int | None = None
    on_hand: int | None = None
    loss: Loss = NO_LOSS
    problem: str | None = None


async def take(db: Db, *, snapshot: Snapshot, now: datetime) -> list[LineOutcome]:
    """Apply what can be applied, one outcome a line in their order; a line that cannot be never stops another."""
    outcomes: dict[int, LineOutcome] = {}
    lines: dict[str, Line] = {}
    faults = await _faults(db, snapshot)
    for index, line in enumerate(snapshot.lines):
        if line.sku in faults:
            outcomes[index] = faults[line.sku]
        elif line.sku in lines:
            outcomes[index] = LineOutcome(
                sku=line.sku, outcome="duplicate", problem=f"{line.sku} has a line before: send one a SKU"
            )
        else:
            lines[line.sku] = line
    known = replace(snapshot, lines=tuple(lines.values()))
    judged, done = await _record(db, known, now)
    told = {sku: _told(snapshot.node_id, sku, judged[sku], done) for sku in lines}
    return [outcomes.get(i) or told[line.sku] for i, line in enumerate(snapshot.lines)]


async def _faults(db: Db, snapshot: Snapshot) -> dict[str, LineOutcome]:
    """The lines that say nothing we can apply: unknown items, tracked ones without their lots."""
    items = await catalog.items_of(db, skus={line.sku for line in snapshot.lines})
    named = {line.sku: line.lots for line in snapshot.lines if line.lots}
    elsewhere = await lots.in_stock_elsewhere(db, node_id=snapshot.node_id, lots=named) if named else {}
    at_another = dict(elsewhere.keys())
    faults: dict[str, LineOutcome] = {}
    for line in snapshot.lines:
        item = items.get(line.sku)
        if item is None:
            problem = f"no item {line.sku!r} in the catalogue: add it, then send the line again"
            faults[line.sku] = LineOutcome(sku=line.sku, outcome="unknown_sku", problem=problem)
        elif wrong := lots.check(
            sku=line.sku, tracked_by=item.tracked_by, total=line.on_hand, lots=line.lots
        ):
            faults[line.sku] = LineOutcome(sku=line.sku, outcome="lots_required", problem=wrong.problem)
        elif line.sku in at_another:
            problem = (
                f"{at_another[line.sku]} is in stock at another node: transfer it, or correct the number"
            )
            faults[line.sku] = LineOutcome(sku=line.sku, outcome="lots_required", problem=problem)
    return faults


async def _record(db: Db, snapshot: Snapshot, now: datetime) -> tuple[dict[str, Judged], Recorded]:
    judged: dict[str, Judged] = {}

    async def judge(shelves: Shelves) -> Sequence[Change]:
        levels = {line.sku: shelves.level(snapshot.node_id, line.sku) for line in snapshot.lines}
        judged.clear()
        judged.update(await snapshots.judge(db, snapshot=snapshot, levels=levels, now=now))
        changes = {sku: said.change for sku, said in judged.items() if isinstance(said, Differs)}
        return await _with_lots(db, snapshot, changes)

    keys = [(snapshot.node_id, line.sku) for line in snapshot.lines]
    done = await record(db, keys=keys, judge=judge, now=now)
    applied = {sku for sku, said in judged.items() if isinstance(said, Differs)}
    await snapshots.note(db, snapshot=snapshot, skus=applied, now=now)
    return judged, done


async def _with_lots(db: Db, snapshot: Snapshot, changes: Mapping[str, Change]) -> list[Change]:
    counted = {
        (snapshot.node_id, line.sku): line.lots
        for line in snapshot.lines
        if line.lots and line.sku in changes
    }
    moment = next((change.as_of for change in changes.values()), None)
    by_lot = await lots.differences(db, counted=counted, as_of=moment if snapshot.as_of else None)
    return [replace(change, lots=by_lot.get(change.key, ())) for change in changes.values()]


def _told(node_id: UUID, sku: str, said: Judged, done: Recorded) -> LineOutcome:
    key = (node_id, sku)
    on_hand = done.levels[key].on_hand
    if isinstance(said, Older):
        told = f"sequence {said.sequence}" if said.sequence is not None else f"{said.as_of}"
        problem = f"{said.source} has told of this time or a later one already ({told}): nothing was changed"
        return LineOutcome(sku=sku, outcome="older", on_hand=on_hand, problem=problem)
    if key not in done.changes:
        loss = done.losses.get(key, NO_LOSS)
        return LineOutcome(sku=sku, outcome="unchanged", found=said.found, on_hand=on_hand, loss=loss)
    return LineOutcome(
        sku=sku,
        outcome="applied",
        delta=done.changes[key].on_hand,
        found=said.found,
        on_hand=on_hand,
        loss=done.losses.get(key, NO_LOSS),
    )


async def node_named(db: Db, *, code: str) -> UUID | None:
    """The node of that code."""
    return next(iter(await network.nodes_of(db, codes=[code])), None)
