"""Lots on their way with the work: given when a node gets it, bound by scan, named when goods come back, put aside
when their last day has passed. Each is one call from the step it belongs to, and costs untracked items nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from orderloom import network
from orderloom.catalog.model import Item
from orderloom.catalog.store import tracked_of
from orderloom.inventory import lots
from orderloom.inventory.availability import Shelves
from orderloom.inventory.counting import Change
from orderloom.inventory.lots import WrongLot
from orderloom.inventory.model import Leg, LotUnits
from orderloom.journey.recounting import record
from orderloom.network.calendar import zone
from orderloom.orders.reading import fulfillments_of, lock, slices_of
from orderloom.packing import codes
from orderloom.packing.model import Refused
from orderloom.packing.scanning import Kind, identify, judge, named_so_far, record_refused
from orderloom.packing.work import work_of
from orderloom.plumbing.database import Db
from orderloom.returns.model import Restock
from orderloom.returns.reading import returns_of

SWEEP_MOST = 500
_EXPIRED = "expired"


async def assign(db: Db, *, works: Sequence[UUID], items: Mapping[str, Item], now: datetime) -> None:
    """Give fulfillment orders of tracked items their lots, first expired first; `items` are those of the works."""
    if not any(item.tracked_by for item in items.values()):
        return
    known = await fulfillments_of(db, ids=works)
    await lock(db, orders=sorted({work.order_id for work in known.values()}))
    keys = {
        (piece.node_id, piece.sku)
        for piece in await slices_of(db, fulfillments=works)
        if piece.node_id and items[piece.sku].tracked_by
    }
    await lots.assign(db, keys=keys, today=await _days(db, {node for node, _ in keys}, now))


async def bind_scanned(
    db: Db, *, work: UUID, kind: Kind, code: str, quantity: int | None, now: datetime
) -> Refused | None:
    """A scan that names a lot or serial takes that very one. Refused: it is not here, expired, or spoken for.

    What scans before it have named stays: units scanned one by one are each of the lot they name.
    """
    read = codes.read(code)
    name = codes.named(read)
    if name is None:
        return None
    at = await work_of(db, work)
    item = await identify(db, at, read)
    units = quantity if quantity is not None else read.count or 1
    if item is None or item.tracked_by is None or at.barred() or judge(at, kind, read, item, units):
        return None
    before = await named_so_far(db, fulfillment_id=work, kind=kind, sku=item.sku)
    node = at.fulfillment.node_id
    today = await _days(db, {node}, now)
    said = await lots.bind(
        db,
        work=work,
        node_id=node,
        sku=item.sku,
        lot=name,
        quantity=before[name] + units,
        today=today[node],
    )
    if not isinstance(said, WrongLot):
        return None
    refused = Refused(code=said.code, message=said.message)
    await record_refused(db, at, kind, read, item, units, refused)
    return refused


async def came_back(db: Db, *, due: Sequence[Restock]) -> dict[UUID, tuple[LotUnits, ...]]:
    """By return line, the lots that returned units of tracked items had left from."""
    tracked = await tracked_of(db, skus={unit.sku for unit in due}) if due else {}
    mine = {unit.return_line_id: unit for unit in due if unit.sku in tracked}
    if not mine:
        return {}
    lines = {
        line.id: line.line_id
        for _, of in (await returns_of(db, ids=sorted({u.return_id for u in mine.values()}))).values()
        for line in of
        if line.id in mine and line.line_id
    }
    units: dict[UUID, int] = {}
    for back, line in lines.items():
        units[line] = units.get(line, 0) + mine[back].quantity
    left = {line: list(named) for line, named in (await lots.returning(db, units=units)).items()}
    return {back: _some(left.get(line, []), mine[back].quantity) for back, line in lines.items()}


def _some(there: list[LotUnits], quantity: int) -> tuple[LotUnits, ...]:
    """So many units of these lots, taken out of the list; what no lot is known of is left unassigned."""
    taken = []
    while there and quantity:
        lot = there.pop(0)
        units = min(lot.quantity, quantity)
        taken.append(replace(lot, quantity=units))
        quantity -= units
        if lot.quantity > units:
            there.insert(0, replace(lot, quantity=lot.quantity - units))
    return (*taken, LotUnits(lots.UNASSIGNED, quantity)) if quantity else tuple(taken)


def named(leg: Leg, came: tuple[LotUnits, ...]) -> Leg:
    """The leg of returned units with their lots; one that takes units out again finds them by its return."""
    return replace(leg, lots=came) if came and leg.on_hand > 0 else leg


async def put_expired_aside(db: Db, now: datetime) -> None:
    """Units past their last day at their node go into quality control; work not packed gets other lots."""
    today = await _days(db, None, now)
    keys = await lots.expiring(db, today=today, limit=SWEEP_MOST)
    if not keys:
        return

    async def judge(_shelves: Shelves) -> Sequence[Change]:
        units = await lots.let_go_expired(db, keys=keys, today=today)
        return [
            Change(
                node_id=node,
                sku=sku,
                kind="adjusted",
                cause_type=_EXPIRED,
                reason=_EXPIRED,
                quality_control=n,
            )
            for (node, sku), n in sorted(units.items())
        ]

    done = await record(db, keys=keys, judge=judge, now=now)
    put_aside = {key: change.quality_control for key, change in done.changes.items()}
    await lots.note_expired(db, units=put_aside, today=today)
    await lots.assign(db, keys=keys, today=today)


async def assign_left_out(db: Db, now: datetime) -> None:
    """Work whose lots were not there when it was handed out gets such as have come since, or are free again."""
    today = await _days(db, None, now)
    await lots.assign(db, keys=await lots.unassigned(db, today=today), today=today)


async def _days(db: Db, nodes: set[UUID] | None, now: datetime) -> dict[UUID, date]:
    """What day it is at each node."""
    found = await network.nodes_of(db, ids=nodes) if nodes is not None else await network.nodes_of(db)
    return {node.id: now.astimezone(zone(node.time_zone)).date() for node in found.values()}
