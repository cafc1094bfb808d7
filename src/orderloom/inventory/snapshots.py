"""Absolute counts of a moment: what a warehouse says is there, as a difference to the ledger at that moment.

Pure but for reading: which lines of a snapshot change something, by how much, and which are too old to. A snapshot as of
a moment is compared with what the ledger has up to then, so that what has moved since stays on top. One with a sequence
tells no moment and is compared with what is there now: its sender must have told of every movement before.

An older snapshot than the last one applied of the same source changes nothing (S7); nor does one that speaks of a moment
before another source, or a count by hand, had its say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from orderloom.inventory.counting import Change
from orderloom.inventory.model import Level, LotUnits
from orderloom.inventory.store import snapshots as store
from orderloom.inventory.store.snapshots import Said
from orderloom.plumbing.database import Db

Key: TypeAlias = tuple[UUID, str]
BY_HAND = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many units are there; None leaves the bucket as it is."""

    sku: str
    on_hand: int
    damaged: int | None = None
    quality_control: int | None = None
    lots: tuple[LotUnits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a source says of a node, as of a moment or with a growing sequence."""

    source: str
    node_id: UUID
    lines: Sequence[Line]
    as_of: datetime | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Older:
    """The line speaks of a time before what was applied last, by this or another source."""

    source: str
    as_of: datetime | None
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Differs:
    """By how much the ledger must change; `found` is what it had at the snapshot's moment."""

    change: Change
    found: int


Judged: TypeAlias = Older | Differs
Kind: TypeAlias = Literal["applied", "unchanged", "older", "unknown_sku", "lots_required", "duplicate"]


async def judge(
    db: Db, *, snapshot: Snapshot, levels: Mapping[str, Level], now: datetime
) -> dict[str, Judged]:
    """Each line's difference to the ledger at its moment, by SKU. The balances are locked."""
    keys = [(snapshot.node_id, line.sku) for line in snapshot.lines]
    before = await store.said(db, keys)
    moment = min(snapshot.as_of, now) if snapshot.as_of else None
    since = await store.moved_since(db, dict.fromkeys(keys, moment)) if moment else {}
    judged: dict[str, Judged] = {}
    for line in snapshot.lines:
        key = (snapshot.node_id, line.sku)
        older = _older(snapshot, before.get(key, ()), now)
        if older is not None:
            judged[line.sku] = Older(older.source, older.as_of, older.sequence)
        else:
            judged[line.sku] = difference(
                line, levels[line.sku], since.get(key, (0, 0, 0)), source=snapshot.source, as_of=moment or now
            )
    return judged


def _older(snapshot: Snapshot, before: Collection[Said], now: datetime) -> Said | None:
    """What was said last, if the snapshot speaks of a time before it."""
    for said in before:
        if said.source == snapshot.source and snapshot.sequence is not None and said.sequence is not None:
            if snapshot.sequence <= said.sequence:
                return said
            continue
        if (snapshot.as_of or now) < said.moment:
            return said
    return None


def difference(
    line: Line, level: Level, since: tuple[int, int, int], *, source: str, as_of: datetime
) -> Differs:
    """What the ledger had at the moment, and the change that makes it what was counted. Pure."""
    found = level.on_hand - since[0]
    damaged = 0 if line.damaged is None else line.damaged - (level.damaged - since[1])
    held = 0 if line.quality_control is None else line.quality_control - (level.quality_control - since[2])
    change = Change(
        node_id=level.node_id,
        sku=level.sku,
        kind="counted",
        cause_type="snapshot",
        reason=f"snapshot of {source}",
        as_of=as_of,
        on_hand=line.on_hand - found,
        damaged=damaged,
        quality_control=held,
    )
    return Differs(change, found)


async def note(db: Db, *, snapshot: Snapshot, skus: Collection[str], now: datetime) -> None:
    """Keep what was said of these SKUs as the source's last word."""
    words = [
        Said(
            source=snapshot.source,
            node_id=snapshot.node_id,
            sku=line.sku,
            as_of=snapshot.as_of,
            sequence=snapshot.sequence,
            on_hand=line.on_hand,
            applied_at=now,
        )
        for line in snapshot.lines
        if line.sku in skus
    ]
    await store.keep(db, words)


async def note_by_hand(db: Db, *, counted: Mapping[Key, tuple[int, datetime]], now: datetime) -> None:
    """People have counted these balances, each at its moment: an older snapshot must not undo it."""
    words = [
        Said(source=BY_HAND, node_id=node, sku=sku, as_of=at, sequence=None, on_hand=units, applied_at=now)
        for (node, sku), (units, at) in sorted(counted.items())
    ]
    await store.keep(db, words)
