"""Changes of stock that people and warehouses report: set, adjust, transfer. Each names its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.availability import Shelves
from orderloom.inventory.model import Leg, Level, Posting, Short
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


@dataclass(frozen=True, slots=True)
class Stale:
    """The balance is not what the caller believed; here is the true one."""

    on_hand: int


@dataclass(frozen=True, slots=True)
class BelowPromises:
    """Fewer units than are promised: release or re-route `excess` units first."""

    on_hand: int
    promised: int
    excess: int


async def set_on_hand(
    db: Db, *, node_id: UUID, sku: str, quantity: int, reason: str, expected: int | None = None
) -> Level | Stale | BelowPromises:
    """Put the count right: the difference to the ledger is posted, never an overwrite."""
    shelves = await inventory.lock(db, keys=[(node_id, sku)])
    level = shelves.level(node_id, sku)
    if expected is not None and level.on_hand != expected:
        return Stale(level.on_hand)
    return await _adjust(db, shelves, level, {"on_hand": quantity - level.on_hand}, "counted", reason)


async def adjust(
    db: Db, *, node_id: UUID, sku: str, changes: dict[str, int], reason: str, expected: int | None = None
) -> Level | Stale | BelowPromises:
    """Add to or take from buckets: `{"on_hand": -2}`, `{"damaged": 1}`, `{"on_hand": 5, "quality_control": 5}`."""
    shelves = await inventory.lock(db, keys=[(node_id, sku)])
    level = shelves.level(node_id, sku)
    if expected is not None and level.on_hand != expected:
        return Stale(level.on_hand)
    return await _adjust(db, shelves, level, changes, "adjusted", reason)


async def _adjust(
    db: Db, shelves: Shelves, level: Level, changes: dict[str, int], kind: str, reason: str
) -> Level | BelowPromises:
    leg = Leg(node_id=level.node_id, sku=level.sku, kind=kind, **changes)
    posting = Posting(cause_type=kind, cause_id=None, legs=(leg,), reason=reason)
    if any(changes.values()) and shelves.post(posting) is not None:
        promised = level.reserved + level.allocated
        wanted = (
            level.on_hand
            + leg.on_hand
            - level.damaged
            - leg.damaged
            - level.quality_control
            - leg.quality_control
        )
        return BelowPromises(level.on_hand, promised, promised - level.backorder_limit - wanted)
    await inventory.write(db, shelves=shelves)
    await tell_changed(db, keys=[(level.node_id, level.sku)], reason=reason)
    return shelves.level(level.node_id, level.sku)


async def transfer(
    db: Db, *, from_node: UUID, to_node: UUID, sku: str, quantity: int, reason: str, transfer_id: UUID
) -> Short | None:
    """Move units between nodes at once; Short when the sender has fewer that nobody was promised."""
    legs = (
        Leg(node_id=from_node, sku=sku, kind="transferred", on_hand=-quantity),
        Leg(node_id=to_node, sku=sku, kind="transferred", on_hand=quantity),
    )
    posting = Posting(cause_type="transfer", cause_id=transfer_id, legs=legs, reason=reason)
    [short] = await inventory.post(db, postings=[posting])
    if short is None:
        await tell_changed(db, keys=[(from_node, sku), (to_node, sku)], reason=reason)
    return short


async def tell_changed(db: Db, *, keys: Sequence[tuple[UUID, str]], reason: str | None = None) -> None:
    """Append `stock.changed` for balances whose physical units changed."""
    await events.append(
        db,
        [
            News(
                type="stock.changed",
                entity="node",
                entity_id=node,
                node_id=node,
                reason=reason,
                data={"sku": sku},
            )
            for node, sku in sorted(set(keys))
        ],
    )
