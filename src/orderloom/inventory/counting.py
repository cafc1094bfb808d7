"""Changes of stock that people and warehouses report: counts, adjustments, transfers. Each names its reason.

What was counted is always recorded. Where it leaves fewer units than are claimed, the youngest claims go; who takes them
is `journey.recounting`, for claims are carts' and orders'. Here is what a count does to one balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.model import Leg, Level, LotUnits, Posting, Short
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


@dataclass(frozen=True, slots=True)
class Stale:
    """The balance is not what the caller believed; here is the true one."""

    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be recorded at one balance: signed changes of what is physically there, with their cause."""

    node_id: UUID
    sku: str
    kind: str
    reason: str
    on_hand: int = 0
    damaged: int = 0
    quality_control: int = 0
    cause_id: UUID | None = None
    cause_type: str | None = None
    as_of: datetime | None = None
    lots: tuple[LotUnits, ...] = ()

    @property
    def key(self) -> tuple[UUID, str]:
        """Which balance it changes."""
        return self.node_id, self.sku

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.on_hand or self.damaged or self.quality_control or self.lots)

    def posting(self) -> Posting:
        """As it goes into the ledger."""
        leg = Leg(
            node_id=self.node_id,
            sku=self.sku,
            kind=self.kind,
            on_hand=self.on_hand,
            damaged=self.damaged,
            quality_control=self.quality_control,
            lots=self.lots,
        )
        return Posting(
            cause_type=self.cause_type or self.kind,
            cause_id=self.cause_id,
            legs=(leg,),
            reason=self.reason,
            as_of=self.as_of,
        )


def possible(level: Level, change: Change) -> Change:
    """The change as far as units can change: no bucket below nought, and no more unfit units than there are.

    A count of a moment may find fewer than have left since; and where fewer are there than were put aside as damaged or
    for quality control, these are gone as well.
    """
    on_hand = max(0, level.on_hand + change.on_hand)
    damaged = min(on_hand, max(0, level.damaged + change.damaged))
    held = min(on_hand - damaged, max(0, level.quality_control + change.quality_control))
    return replace(
        change,
        on_hand=on_hand - level.on_hand,
        damaged=damaged - level.damaged,
        quality_control=held - level.quality_control,
        lots=_fewer_gone(change.lots, on_hand - level.on_hand - change.on_hand),
    )


def lost(level: Level, change: Change) -> int:
    """Units claimed that would no longer be there after the change."""
    fit = level.available + change.on_hand - change.damaged - change.quality_control
    return max(0, -fit - level.backorder_limit)


def less(change: Change, kept: int) -> Change:
    """The change with so many units left in place that it would have taken: they are in closed packages."""
    back = min(kept, max(0, -change.on_hand))
    kept -= back
    held = min(kept, max(0, change.quality_control))
    damaged = min(kept - held, max(0, change.damaged))
    return replace(
        change,
        on_hand=change.on_hand + back,
        quality_control=change.quality_control - held,
        damaged=change.damaged - damaged,
        lots=_fewer_gone(change.lots, back),
    )


def _fewer_gone(lots: Sequence[LotUnits], back: int) -> tuple[LotUnits, ...]:
    """The lots' changes summing to the change of the whole: what stays is left in the lots that lose most."""
    kept = []
    for lot in sorted(lots, key=lambda x: (x.quantity, x.lot)):
        stays = min(back, max(0, -lot.quantity))
        back -= stays
        kept.append(replace(lot, quantity=lot.quantity + stays))
    return tuple(lot for lot in kept if lot.quantity)


async def transfer(
    db: Db, *, from_node: UUID, to_node: UUID, sku: str, quantity: int, reason: str, transfer_id: UUID
) -> Short | None:
    """Move units between nodes at once; Short when the sender has fewer that nobody was promised."""
    legs = (
        Leg(node_id=from_node, sku=sku, kind="transferred", on_hand=-quantity),
        Leg(node_id=to_node, sku=sku, kind="transferred", on_hand=quantity),
    )
    posting = Posting(cause_type="transfer", cause_id=transfer_id, legs=legs, reason=reason, unpromised=True)
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
