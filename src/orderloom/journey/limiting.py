"""Setting what channels may claim: allotments, safety stock, what is sold ahead of supply.

Feeds are told, and orders that may go on are woken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom import catalog, inventory
from orderloom.inventory.allotting import Allotment, SafetyRule
from orderloom.inventory.marking import tell_offer_changed
from orderloom.inventory.store import allotments as store
from orderloom.inventory.store import stock
from orderloom.journey.queueing import wake_line
from orderloom.plumbing.database import Db

WHOLE = 1000


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The shares of a SKU would be more than all of it; so much is left for this one."""

    permille_left: int


@dataclass(frozen=True, slots=True)
class SoldAhead:
    """So many units are promised beyond those there already: the limit stays no lower until they have come."""

    units: int


async def stocked_itself(db: Db, *, sku: str) -> bool:
    """Whether there is such an item, and units of it: a kit has only its components'."""
    return sku in await catalog.items_of(db, skus={sku}) and sku not in await catalog.kits_of(db, skus={sku})


async def allot(
    db: Db,
    *,
    sku: str,
    channel_id: UUID,
    units: int | None = None,
    permille: int | None = None,
    takes_shared: bool = True,
    ends_at: datetime | None = None,
    afresh: bool = False,
) -> Allotment | TooMuch:
    """Set a SKU's units, or share, aside for a channel; with neither the channel has the shared pool, or nothing.

    What the channel has drawn since its first allotment of the SKU goes on counting, but `afresh`.
    """
    await store.take_turn(db, sku)
    others = [a for a in (await store.lock(db, [sku])).allotted(sku) if a.channel_id != channel_id]
    left = WHOLE - sum(a.permille or 0 for a in others if not a.ended)
    if permille is not None and permille > left:
        return TooMuch(left)
    changed = await store.put(
        db,
        sku=sku,
        channel_id=channel_id,
        units=units,
        permille=permille,
        takes_shared=takes_shared,
        ends_at=ends_at,
        afresh=afresh,
    )
    if changed:
        await _changed(db, {sku}, "allotment set")
    [now] = await store.of(db, skus=[sku], channels=[channel_id])
    return now


async def unallot(db: Db, *, sku: str, channel_id: UUID) -> bool:
    """Take a channel's allotment of a SKU away; False when there was none."""
    await store.take_turn(db, sku)
    await store.lock(db, [sku])
    found = await store.delete(db, sku=sku, channel_id=channel_id)
    if found:
        await _changed(db, {sku}, "allotment taken away")
    return found


async def secure(
    db: Db, *, rules: Sequence[SafetyRule], source: str = "set", basis: Sequence[Any] | None = None
) -> list[UUID]:
    """Set safety stock by rule; what names more is stronger. A rule that names the same is replaced."""
    ids = await store.put_rules(db, rules, source=source, basis=basis)
    await _resolved(db, rules, "safety stock set")
    return ids


async def unsecure(db: Db, *, ids: Sequence[UUID]) -> list[SafetyRule]:
    """Take safety rules away; the next stronger holds from now on. Returns those that were there."""
    gone = await store.delete_rules(db, ids)
    await _resolved(db, gone, "safety stock taken away")
    return gone


async def sell_ahead(db: Db, *, node_id: UUID, sku: str, units: int) -> SoldAhead | None:
    """Set how many units of a SKU a node may have promised beyond those it has; a limit of none is the rule."""
    shelves = await inventory.lock(db, keys=[(node_id, sku)])
    level = shelves.level(node_id, sku)
    if units < -level.available:
        return SoldAhead(-level.available)
    if units != level.backorder_limit:
        await stock.set_backorder_limit(db, node_id=node_id, sku=sku, units=units)
        await _changed(db, {sku}, "backorder limit set")
    return None


async def _resolved(db: Db, rules: Sequence[SafetyRule], reason: str) -> None:
    """Balances keep the number that holds for them; a channel's own rules are read where it claims."""
    common = [rule for rule in rules if rule.channel_id is None]
    changed: set[str] | None = {sku for _, sku in await store.resolve(db, common)} if common else set()
    for rule in rules:
        if rule.channel_id is not None and changed is not None:
            changed = changed | {rule.sku} if rule.sku else None
    if changed is None or changed:
        await _changed(db, changed, reason)


async def _changed(db: Db, skus: Collection[str] | None, reason: str) -> None:
    await tell_offer_changed(db, skus=skus, reason=reason)
    if skus:
        await wake_line(db, skus=skus)
