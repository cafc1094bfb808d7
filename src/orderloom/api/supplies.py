"""Supply on its way: purchase orders, ship notices, transfers; received, put off, given up; and what comes when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from orderloom import catalog, network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.lots import lots_fault
from orderloom.api.problems import Fault, Problem, invalid, not_found, refused
from orderloom.api.supply_shapes import (
    ArrivedLineIn,
    ComingOut,
    ExpectedLineIn,
    OutlookOut,
    OutlooksOut,
    PromisableOut,
    ReceiptIn,
    ShipmentIn,
    SupplyChangeIn,
    SupplyEndIn,
    SupplyIn,
    SupplyOut,
)
from orderloom.api.wire import Code, ExternalId, Limit, Moment, Page, SupplyId, cursor, page_of, place
from orderloom.catalog.store import tracked_of
from orderloom.insight import supply_pages
from orderloom.inventory import expecting, reading, supplies
from orderloom.inventory.model import Short
from orderloom.inventory.promising import by_date
from orderloom.inventory.supplies import Ended, Taken
from orderloom.inventory.supply import TRANSFER, Arrived, NotSo, Supply, SupplyLine
from orderloom.orders.reading import unsupplied
from orderloom.terms import new_id

routes = Routes("supply")
# What every change of a supply that is there asks of those who call it.
_CHANGES: dict[str, Any] = {
    "scope": "inventory:write",
    "key": "required",
    "dry_run": True,
    "refuses": (404, 409),
}
Several = Annotated[list[Code] | None, Query(max_length=200)]


@routes.post(
    "/inventory/supplies", scope="inventory:write", key="required", status=201, dry_run=True, refuses=(409,)
)
async def expect_supply(call: Here, body: SupplyIn) -> SupplyOut:
    """Note a purchase order or a ship notice"""
    [node] = await _nodes(call, [line.sku for line in body.lines], node=body.node)
    orders = await _orders(call, body.lines)
    supply = Supply(
        id=new_id(),
        kind=body.kind,
        reference=body.reference,
        node_id=node,
        from_node=None,
        due_at=body.due_at,
        lines=tuple(
            SupplyLine(
                position=i,
                sku=line.sku,
                expected=line.quantity,
                due_at=line.due_at,
                of_supply=orders[line.of.purchase_order].id if line.of else None,
                of_position=line.of.line if line.of else None,
            )
            for i, line in enumerate(body.lines, start=1)
        ),
    )
    return await _settled(call, await supplies.expect(call.db, supply=supply))


@routes.post(
    "/inventory/transfers", scope="inventory:write", key="required", status=201, dry_run=True, refuses=(409,)
)
async def ship_transfer(call: Here, body: ShipmentIn) -> SupplyOut:
    """Ship units to another node: in transit until they are received there"""
    skus = [line.sku for line in body.lines]
    sender, receiver = await _nodes(call, skus, from_node=body.from_node, to_node=body.to_node)
    if sender == receiver:
        raise invalid([Fault("/to_node", "same_node", "name another node than the sender")])
    key = new_id()
    supply = Supply(
        id=key,
        kind=TRANSFER,
        reference=body.reference or f"TR-{key.hex[-12:].upper()}",
        node_id=receiver,
        from_node=sender,
        due_at=body.due_at,
        lines=tuple(
            SupplyLine(position=i, sku=line.sku, expected=line.quantity)
            for i, line in enumerate(body.lines, start=1)
        ),
    )
    outcome = await supplies.ship(call.db, supply=supply, reason=body.reason)
    if isinstance(outcome, Short):
        raise refused(
            "insufficient_stock",
            f"{body.from_node} has {outcome.to_promise} of {outcome.sku} that nobody was promised: send fewer",
            available=[{"sku": outcome.sku, "node": body.from_node, "available": outcome.to_promise}],
        )
    return await _settled(call, outcome)


@routes.get("/inventory/supplies", scope="inventory:read")
async def list_supplies(
    call: Here,
    *,
    kind: Code | None = None,
    state: Code | None = None,
    node: Several = None,
    sku: Several = None,
    reference: ExternalId | None = None,
    due_before: Moment | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[SupplyOut]:
    """What is on its way, or was, by date"""
    begin = place(after, datetime, UUID)
    rows = await supply_pages.supplies(
        call.db,
        scope=call.scope,
        kind=kind,
        state=state,
        nodes=node,
        skus=sku,
        reference=reference,
        due_before=due_before,
        after=(begin[0], begin[1]) if begin else None,
        limit=limit,
    )
    return page_of(
        [SupplyOut.of(row) for row in rows], limit, lambda supply: cursor(supply.due_at, supply.id)
    )


@routes.get("/inventory/supplies/{supply_id}", scope="inventory:read", refuses=(404,))
async def show_supply(call: Here, supply_id: SupplyId) -> SupplyOut:
    """One purchase order, ship notice or transfer"""
    return await _shown(call, supply_id)


@routes.patch("/inventory/supplies/{supply_id}", scope="inventory:write", dry_run=True, refuses=(404, 409))
async def change_supply(call: Here, supply_id: SupplyId, body: SupplyChangeIn) -> SupplyOut:
    """Another date or quantity: whoever waits for it is promised anew, and told"""
    found = await _shown(call, supply_id)
    call.expect(found.version, body.expected_version)
    outcome = await supplies.change(
        call.db,
        supply_id=supply_id,
        reason=body.reason,
        due_at=body.due_at,
        expected={line.line: line.quantity for line in body.lines if line.quantity is not None},
        line_due_at={line.line: line.due_at for line in body.lines if line.due_at is not None},
    )
    return await _settled(call, outcome)


@routes.post("/inventory/supplies/{supply_id}/receive", **_CHANGES)
async def receive_supply(call: Here, supply_id: SupplyId, body: ReceiptIn) -> SupplyOut:
    """Units have arrived: on hand at once, and first for those who wait"""
    found = await _shown(call, supply_id)
    arrived = _arrived(found, body.lines)
    await _check_lots(call, found, arrived)
    outcome = await supplies.receive(call.db, supply_id=supply_id, arrived=arrived, reason=body.reason)
    if body.complete and isinstance(outcome, Supply) and outcome.state == "open":
        outcome = await supplies.close(
            call.db, supply_id=supply_id, reason=body.reason or "received, and nothing more comes"
        )
    return await _settled(call, outcome)


@routes.post("/inventory/supplies/{supply_id}/close", **_CHANGES)
async def close_supply(call: Here, supply_id: SupplyId, body: SupplyEndIn) -> SupplyOut:
    """What has not come will not: of a transfer it is lost, of an order no longer expected"""
    await _shown(call, supply_id)
    return await _settled(call, await supplies.close(call.db, supply_id=supply_id, reason=body.reason))


@routes.post("/inventory/supplies/{supply_id}/cancel", **_CHANGES)
async def cancel_supply(call: Here, supply_id: SupplyId, body: SupplyEndIn) -> SupplyOut:
    """It never comes; only while nothing of it has moved"""
    await _shown(call, supply_id)
    return await _settled(call, await supplies.cancel(call.db, supply_id=supply_id, reason=body.reason))


@routes.get("/inventory/supply-outlook", scope="inventory:read")
async def show_outlook(
    call: Here, *, sku: Annotated[list[Code], Query(min_length=1, max_length=100)], node: Several = None
) -> OutlooksOut:
    """What may be promised by when, of each item: stock, supply, and what is spoken for"""
    nodes = await network.nodes_of(call.db)
    seen = {
        n.id: n.code
        for n in nodes.values()
        if n.active and call.credential.sees(node=n.id) and (node is None or n.code in node)
    }
    skus = sorted(await catalog.items_of(call.db, skus=set(sku)))
    levels = [level for level in await reading.levels(call.db, skus=skus) if level.node_id in seen]
    ahead = await expecting.look_ahead(call.db, skus=skus, now=call.now)
    waiting = await unsupplied(call.db, skus=skus)
    told = []
    for one in skus:
        free = sum(level.to_promise for level in levels if level.sku == one)
        coming = ahead.left(one, nodes=seen)
        promisable = by_date(
            available=max(0, free - waiting.get(one, 0)),
            coming=[(call.now, 0), *((max(c.at, call.now), c.units) for c in coming)],
            wanted=(),
        )
        told.append(
            OutlookOut(
                sku=one,
                available=free,
                waiting=waiting.get(one, 0),
                promisable=[PromisableOut(at=p.at, units=p.units) for p in promisable],
                coming=[
                    ComingOut(
                        at=c.at, units=c.units, node=seen[c.node_id], kind=c.kind, reference=c.reference
                    )
                    for c in coming
                ],
            )
        )
    return OutlooksOut(items=told, unknown=sorted(set(sku).difference(skus)))


# --- between the wire and the words within --------------------------------------------------------------------


async def _nodes(call: Call, skus: Sequence[str], **codes: str) -> list[UUID]:
    """The nodes' ids in the order named. Raises Problem with all that is unknown, out of the key's reach included."""
    found = {n.code: n.id for n in (await network.nodes_of(call.db, codes=set(codes.values()))).values()}
    faults = [
        Fault(f"/{field}", "unknown_node", f"no node {code!r}: correct the code")
        for field, code in codes.items()
        if code not in found or not call.credential.sees(node=found[code])
    ]
    items = await catalog.items_of(call.db, skus=skus)
    kits = await catalog.kits_of(call.db, skus=set(skus))
    for i, sku in enumerate(skus):
        if sku not in items:
            faults.append(Fault(f"/lines/{i}/sku", "unknown_sku", f"no item {sku!r} in the catalogue"))
        elif sku in kits:
            faults.append(
                Fault(f"/lines/{i}/sku", "is_kit", f"{sku} is a kit: name the components that come")
            )
    if faults:
        raise invalid(faults)
    return [found[code] for code in codes.values()]


async def _orders(call: Call, lines: Sequence[ExpectedLineIn]) -> dict[str, Supply]:
    """The purchase orders that a notice names. Raises Problem for those that are not there."""
    named = sorted({line.of.purchase_order for line in lines if line.of})
    found = await supplies.find(call.db, references=[("purchase_order", reference) for reference in named])
    orders = {reference: supply for (_, reference), supply in found.items()}
    faults = [
        Fault(
            f"/lines/{i}/of",
            "unknown_line",
            f"there is no line {line.of.line} of a {line.of.purchase_order!r}",
        )
        for i, line in enumerate(lines)
        if line.of
        and (line.of.purchase_order not in orders or not orders[line.of.purchase_order].line(line.of.line))
    ]
    if faults:
        raise invalid(faults)
    return orders


def _arrived(found: SupplyOut, lines: Sequence[ArrivedLineIn]) -> list[Arrived]:
    by_sku: dict[str, list[int]] = {}
    for line in found.lines:
        by_sku.setdefault(line.sku, []).append(line.line)
    positions = {line.line for line in found.lines}
    arrived, faults = [], []
    for i, came in enumerate(lines):
        named = [came.line] if came.line is not None else by_sku.get(came.sku or "", [])
        if len(named) != 1 or named[0] not in positions:
            faults.append(Fault(f"/lines/{i}", "unknown_line", "name one line of this supply by its number"))
            continue
        arrived.append(
            Arrived(
                position=named[0],
                received=came.received,
                damaged=came.damaged,
                quality_control=came.quality_control,
                lost=came.lost,
                lots=tuple(lot.units() for lot in came.lots),
            )
        )
    if len({came.position for came in arrived}) < len(arrived):
        faults.append(Fault("/lines", "named_twice", "name each line once"))
    if faults:
        raise invalid(faults)
    return arrived


async def _check_lots(call: Call, found: SupplyOut, arrived: Sequence[Arrived]) -> None:
    """Tracked items want their lots named; those of a transfer are known from when they left."""
    skus = {line.line: line.sku for line in found.lines}
    kinds = await tracked_of(call.db, skus=sorted(set(skus.values())))
    [node] = (await network.nodes_of(call.db, codes={found.node})).values()
    faults = []
    for i, came in enumerate(arrived):
        if found.kind == TRANSFER and not came.lots:
            continue
        sku = skus[came.position]
        fault = await lots_fault(call.db, node.id, sku, kinds.get(sku), came.received, came.lots)
        if fault:
            faults.append(Fault(f"/lines/{i}/lots", "lots_required", fault))
    if faults:
        raise invalid(faults)


async def _shown(call: Call, supply_id: UUID) -> SupplyOut:
    row = await supply_pages.supply(call.db, scope=call.scope, supply_id=supply_id)
    if row is None:
        raise not_found("supply")
    return SupplyOut.of(row)


async def _settled(call: Call, outcome: Supply | Ended | Taken | list[NotSo]) -> SupplyOut:
    match outcome:
        case Supply():
            return await _shown(call, outcome.id)
        case Ended(state):
            raise refused("illegal_transition", f"it is {state}: nothing of it changes any more", state=state)
        case Taken(there):
            raise refused(
                "reference_taken",
                f"there is a {there.kind} {there.reference!r} already: change that one, or take another reference",
            )
        case _:
            raise _refusal(outcome)


def _refusal(faults: Sequence[NotSo]) -> Problem:
    told = [Fault(fault.path, fault.code, fault.message) for fault in faults]
    if any(fault.code == "unknown_line" for fault in faults):
        return invalid(told)
    return refused(faults[0].code, faults[0].message, errors=told)
