"""Waves, pick lists, and what is not found on the shelf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from orderloom import catalog
from orderloom.orders import slices
from orderloom.orders.slices import Move
from orderloom.packing import store
from orderloom.packing.model import PickRow, Refused, Short, Wave
from orderloom.packing.work import Work, work_of, works_of
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News, acting
from orderloom.terms import Rank, new_id


async def create_wave(db: Db, *, node_id: UUID, fulfillment_ids: Sequence[UUID]) -> Wave:
    """Put work of one node into a new wave; from now on it is being picked. What cannot join is named with the reason."""
    works = await works_of(db, fulfillments=fulfillment_ids)
    left_out: dict[UUID, Refused] = {}
    fit: list[UUID] = []
    for work_id in fulfillment_ids:
        refused = _unfit(works.get(work_id), node_id)
        if refused is None:
            fit.append(work_id)
        else:
            left_out[work_id] = refused
    wave = new_id()
    number = await store.insert_wave(db, wave=wave, node=node_id, by=acting.get().name)
    joined = await store.join_wave(db, wave=wave, fulfillments=fit)
    for work_id in fit:
        if work_id not in joined:
            left_out[work_id] = Refused(
                code="in_wave", message="it is in another wave already: print that one's list"
            )
    members = tuple(work_id for work_id in dict.fromkeys(fit) if work_id in joined)
    await _move(db, [works[work_id] for work_id in members], Rank.PICKING, "fulfillment.picking")
    await events.append(
        db,
        [
            News(
                type="wave.created",
                entity="wave",
                entity_id=wave,
                node_id=node_id,
                data={"number": number, "fulfillments": [work_id.hex for work_id in members]},
            )
        ],
    )
    return Wave(id=wave, number=number, node_id=node_id, fulfillments=members, left_out=left_out)


def _unfit(work: Work | None, node_id: UUID) -> Refused | None:
    if work is None:
        return Refused(code="unknown", message="there is no such fulfillment order")
    if work.fulfillment.node_id != node_id:
        return Refused(code="elsewhere", message=f"{work.fulfillment.number} is the work of another node")
    return work.barred()


async def pick_list(
    db: Db, *, wave_id: UUID | None = None, fulfillments: Sequence[UUID] = ()
) -> list[PickRow]:
    """What to take from the shelves for a wave, or for fulfillment orders: one row an item, by SKU."""
    ids = await store.of_wave(db, wave_id) if wave_id is not None else fulfillments
    works = [
        work for work in (await works_of(db, fulfillments=ids, lock=False)).values() if work.barred() is None
    ]
    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    picked: dict[str, int] = defaultdict(int)
    for work in works:
        for sku, count in work.ordered.items():
            wanted[sku][work.fulfillment.number] = count
            picked[sku] += work.picked.get(sku, 0)
    items = await catalog.items_of(db, skus=wanted)
    return [
        PickRow(
            sku=sku,
            name=items[sku].name,
            gtin=items[sku].gtin,
            quantity=sum(by_number.values()),
            picked=picked[sku],
            fulfillments=dict(sorted(by_number.items())),
        )
        for sku, by_number in sorted(wanted.items())
    ]


async def pick_as_listed(db: Db, *, fulfillment_ids: Sequence[UUID]) -> dict[UUID, Refused]:
    """Everything of these fulfillment orders was picked, says a node that does not scan; returns those that cannot be."""
    works = await works_of(db, fulfillments=fulfillment_ids)
    barred = {work_id: refused for work_id, work in works.items() if (refused := work.barred())}
    await _move(
        db,
        [work for work_id, work in works.items() if work_id not in barred],
        Rank.PICKED,
        "fulfillment.picked",
    )
    return barred


async def report_short(
    db: Db, *, fulfillment_id: UUID, sku: str, quantity: int, reason: str
) -> Short | Refused:
    """Units are not there, or not fit to be sent: they leave this fulfillment order at rank short, to be routed anew.

    The answer is what the caller must take off the node's stock in the same transaction. Raises NoSuchWork.
    """
    work = await work_of(db, fulfillment_id)
    missing = work.ordered.get(sku, 0) - work.packed.get(sku, 0)
    refused = work.barred()
    if refused is None and not 0 < quantity <= missing:
        refused = Refused(
            code="not_missing",
            message=f"{missing} of {sku} are still to be packed: {quantity} cannot be missing; take packed units out first",
        )
    if refused is not None:
        return refused
    await _take_from_slices(db, work, sku, quantity, reason)
    row = {
        "fulfillment_id": fulfillment_id,
        "kind": "short",
        "code": sku,
        "sku": sku,
        "quantity": quantity,
        "accepted": True,
        "refusal": reason,
    }
    rows = [row]
    no_longer_picked = work.picked.get(sku, 0) - (work.ordered[sku] - quantity)
    if no_longer_picked > 0:
        # Picked and then found wanting: those are no longer picked for this work.
        rows.append({**row, "kind": "unpick", "quantity": no_longer_picked, "refusal": None})
    await store.record_scans(db, rows, by=acting.get().name)
    return await _after_short(db, fulfillment_id, sku, quantity)


async def _take_from_slices(db: Db, work: Work, sku: str, quantity: int, reason: str) -> None:
    """The units least far come first, and never more of a line than is not packed yet."""
    left = work.lines_left
    moves = []
    for s in sorted((s for s in work.slices if s.sku == sku), key=lambda s: (s.rank, s.id)):
        units = min(s.quantity, left[s.line_id], quantity)
        if units > 0:
            left[s.line_id] -= units
            quantity -= units
            moves.append(Move(slice_id=s.id, to=Rank.SHORT, quantity=units))
    await slices.move(
        db,
        moves,
        event="fulfillment.short",
        reason=reason,
        data={
            work.fulfillment.order_id: {
                "fulfillment": work.fulfillment.id.hex,
                "node": work.fulfillment.node_id.hex,
            }
        },
    )


async def _after_short(db: Db, fulfillment_id: UUID, sku: str, quantity: int) -> Short:
    """What is left may now be complete: then it goes on without the missing units."""
    work = await work_of(db, fulfillment_id)
    complete = bool(work.slices) and not (work.ordered - work.packed)
    if complete and all(package.status == "packed" for package in work.packages):
        await _move(db, [work], Rank.PACKED, "fulfillment.packed")
    elif work.slices and work.picked and not (work.ordered - work.picked):
        await _move(db, [work], Rank.PICKED, "fulfillment.picked")
    return Short(
        order_id=work.fulfillment.order_id,
        node_id=work.fulfillment.node_id,
        sku=sku,
        quantity=quantity,
        complete=complete,
    )


async def _move(db: Db, works: Sequence[Work], to: Rank, event: str) -> None:
    moves = [Move(slice_id=s.id, to=to) for work in works for s in work.slices if s.rank < to]
    by_order: dict[UUID, list[str]] = defaultdict(list)
    for work in works:
        by_order[work.fulfillment.order_id].append(work.fulfillment.id.hex)
    await slices.move(
        db, moves, event=event, data={order: {"fulfillments": ids} for order, ids in by_order.items()}
    )
