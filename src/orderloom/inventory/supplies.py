"""Supply on its way: ordered, announced, shipped between nodes; changed, received, closed, cancelled.

Every change first locks the balances of its SKUs at all nodes, then the supply. Whoever accepts an order on the
strength of supply does the same, so that what it reads stays true until it commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from orderloom import inventory
from orderloom.inventory.availability import Shelves
from orderloom.inventory.counting import tell_changed
from orderloom.inventory.model import Leg, Posting, Short
from orderloom.inventory.store import stock
from orderloom.inventory.store import supplies as store
from orderloom.inventory.supply import TRANSFER, Arrived, NotSo, Supply, SupplyLine, settled
from orderloom.inventory.supply import change as changed_by
from orderloom.inventory.supply import close as closed
from orderloom.inventory.supply import receive as received_by
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


class NoSuchSupply(LookupError):
    """Nothing of that id is on its way, or ever was."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The supply is closed or cancelled: nothing of it changes any more."""

    state: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A supply of this kind has that reference already."""

    supply: Supply


async def expect(db: Db, *, supply: Supply) -> Supply | Taken | list[NotSo]:
    """Note a purchase order or a ship notice. A notice takes over only open units of the orders it names."""
    await _lock(db, supply)
    if faults := await _not_to_take_over(db, supply):
        return faults
    return await _stored(db, supply)


async def ship(db: Db, *, supply: Supply, reason: str) -> Supply | Taken | Short:
    """A transfer leaves its node: units nobody was promised come off the shelf and are in transit from now on."""
    assert supply.from_node is not None  # noqa: S101 - the table's CHECK has it
    shelves = await _lock(db, supply)
    legs = tuple(
        Leg(node_id=supply.from_node, sku=line.sku, kind="transferred", on_hand=-line.expected)
        for line in supply.lines
    )
    posting = Posting(cause_type=TRANSFER, cause_id=supply.id, legs=legs, reason=reason, unpromised=True)
    if short := shelves.post(posting):
        return short
    made = await _stored(db, supply)
    if isinstance(made, Supply):
        await inventory.write(db, shelves=shelves)
        await tell_changed(db, keys=[(supply.from_node, sku) for sku in supply.skus], reason=reason)
    return made


async def _stored(db: Db, supply: Supply) -> Supply | Taken:
    if not await store.insert(db, supply):
        [there] = (await store.supplies_of(db, references=[(supply.kind, supply.reference)])).values()
        return Taken(there)
    made = await supply_of(db, supply_id=supply.id)
    await _tell(db, made, "supply.expected", None, {"due_at": made.due_at.isoformat()})
    return made


async def supply_of(db: Db, *, supply_id: UUID) -> Supply:
    """The supply. Raises NoSuchSupply."""
    found = await store.supplies_of(db, ids=[supply_id])
    if supply_id not in found:
        raise NoSuchSupply(str(supply_id))
    return found[supply_id]


async def find(db: Db, *, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Supply]:
    """Supplies by (kind, reference)."""
    found = await store.supplies_of(db, references=references)
    return {(supply.kind, supply.reference): supply for supply in found.values()}


async def change(
    db: Db,
    *,
    supply_id: UUID,
    reason: str,
    due_at: datetime | None = None,
    expected: Mapping[int, int] | None = None,
    line_due_at: Mapping[int, datetime] | None = None,
) -> Supply | Ended | list[NotSo]:
    """Another date or other quantities. Whoever waits for it is promised anew by the reader of the log."""
    supply, _ = await _hold(db, supply_id)
    if supply.state != "open":
        return Ended(supply.state)
    after = changed_by(supply, due_at=due_at, expected=expected, line_due_at=line_due_at)
    if isinstance(after, Supply):
        faults = await _not_to_take_over(db, after, before=supply)
        return faults or await _put(
            db,
            after,
            "supply.changed",
            reason,
            {"due_at": after.due_at.isoformat(), "was_due_at": supply.due_at.isoformat()},
        )
    return after


async def receive(
    db: Db, *, supply_id: UUID, arrived: Sequence[Arrived], reason: str | None = None
) -> Supply | Ended | list[NotSo]:
    """Units have arrived at the supply's node and are on hand there; the damaged and suspect ones put aside."""
    supply, shelves = await _hold(db, supply_id)
    if supply.state != "open":
        return Ended(supply.state)
    after = received_by(supply, arrived)
    if not isinstance(after, Supply):
        return after
    skus = {line.position: line.sku for line in supply.lines}
    legs = tuple(
        Leg(
            node_id=supply.node_id,
            sku=skus[came.position],
            kind="transferred" if supply.kind == TRANSFER else "received",
            on_hand=came.received,
            damaged=came.damaged,
            quality_control=came.quality_control,
            lots=came.lots,
        )
        for came in arrived
        if came.received
    )
    unborne = shelves.post(
        Posting(cause_type=supply.kind, cause_id=supply.id, legs=legs, reason=reason or supply.reference)
    )
    assert unborne is None, unborne  # noqa: S101 - units that come in are always borne
    await inventory.write(db, shelves=shelves)
    told = [
        {
            "sku": skus[came.position],
            "received": came.received,
            "damaged": came.damaged,
            "quality_control": came.quality_control,
            "lost": came.lost,
        }
        for came in arrived
    ]
    made = await _put(db, after, "supply.received", reason, {"lines": told})
    await tell_changed(db, keys=[leg.key for leg in legs], reason=reason or supply.reference)
    return made


async def close(db: Db, *, supply_id: UUID, reason: str) -> Supply | Ended:
    """What has not come will not: it is expected no longer, and in transit no longer."""
    supply, _ = await _hold(db, supply_id)
    if supply.state != "open":
        return Ended(supply.state)
    lost = sum(line.open for line in supply.lines)
    return await _put(db, closed(supply), "supply.closed", reason, {"lost": lost})


async def cancel(db: Db, *, supply_id: UUID, reason: str) -> Supply | Ended | list[NotSo]:
    """It never comes. Once something of it has come, or has left its node, it is closed instead."""
    supply, _ = await _hold(db, supply_id)
    if supply.state != "open":
        return Ended(supply.state)
    if supply.kind == TRANSFER or not supply.untouched:
        return [NotSo("", "under_way", "units of it have moved already: receive the rest, or close it")]
    return await _put(db, replace(supply, state="cancelled"), "supply.cancelled", reason, {})


# --- locks and what notices take over -------------------------------------------------------------------------


async def _lock(db: Db, supply: Supply) -> Shelves:
    """All balances of its SKUs, the one at its own node made when missing, so that there is a row to lock."""
    shelves = await inventory.lock_skus(db, skus=supply.skus)
    if missing := [sku for sku in supply.skus if supply.node_id not in shelves.nodes(sku)]:
        # After those that are there, as everybody does: a new row is a lock as well.
        await stock.make(db, [(supply.node_id, sku) for sku in missing])
        shelves = await inventory.lock_skus(db, skus=supply.skus)
    return shelves


async def _hold(db: Db, supply_id: UUID) -> tuple[Supply, Shelves]:
    known = await supply_of(db, supply_id=supply_id)
    shelves = await _lock(db, known)
    locked = await store.supplies_of(db, ids=[supply_id, *known.orders], lock=True)
    return locked[supply_id], shelves


async def _not_to_take_over(db: Db, supply: Supply, *, before: Supply | None = None) -> list[NotSo]:
    """Why a notice's lines cannot take over what they name: another SKU or node, or fewer units are open there."""
    named = [line for line in supply.lines if line.of_supply is not None]
    if not named:
        return []
    orders = await store.supplies_of(db, ids=sorted({line.of_supply for line in named if line.of_supply}))
    open_units = await store.open_units(
        db, [(line.of_supply, line.of_position) for line in named if line.of_supply and line.of_position]
    )
    own = {line.position: line.expected for line in before.lines} if before else {}
    faults = []
    for i, line in enumerate(supply.lines):
        if line.of_supply is None or line.of_position is None:
            continue
        key = (line.of_supply, line.of_position)
        free = open_units.get(key, 0) + own.get(line.position, 0)
        if problem := _misfit(supply, line, orders.get(line.of_supply), free):
            faults.append(NotSo(f"/lines/{i}/of", "cannot_take_over", problem))
        open_units[key] = free - line.expected
    return faults


def _misfit(supply: Supply, line: SupplyLine, order: Supply | None, free: int) -> str | None:
    of = order.line(line.of_position or 0) if order else None
    if order is None or of is None or order.kind != "purchase_order":
        return "there is no such line of a purchase order"
    if (of.sku, order.node_id) != (line.sku, supply.node_id):
        return f"that line brings {of.sku}, and to its order's own node"
    if free < line.expected:
        return f"{max(0, free)} units are open there, {line.expected} were announced: leave the rest on a line of its own"
    return None


async def _put(db: Db, after: Supply, type_: str, reason: str | None, data: dict[str, object]) -> Supply:
    await store.put(db, after)
    made = await supply_of(db, supply_id=after.id)
    await _tell(db, made, type_, reason, data)
    for order in (await store.supplies_of(db, ids=made.orders)).values():
        # The last notice of a purchase order ends it.
        if order.state == "open" and settled(order).state != "open":
            await store.put(db, settled(order))
            done = await supply_of(db, supply_id=order.id)
            await _tell(db, done, "supply.closed", f"all of it came with {made.reference}", {"lost": 0})
    return made


async def _tell(db: Db, supply: Supply, type_: str, reason: str | None, data: dict[str, object]) -> None:
    facts = {"kind": supply.kind, "reference": supply.reference, "skus": supply.skus, "state": supply.state}
    await events.append(
        db,
        [
            News(
                type=type_,
                entity="supply",
                entity_id=supply.id,
                node_id=supply.node_id,
                version=supply.version,
                reason=reason,
                data={**facts, **data},
            )
        ],
    )
