"""The way of a fulfillment order: the work on one order at one node, from release to proof of delivery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom import catalog, delivery, inventory, network, packing, payments, shipping
from orderloom.delivery.model import Parcel
from orderloom.inventory.availability import ship_legs
from orderloom.inventory.counting import tell_changed
from orderloom.inventory.model import Posting
from orderloom.journey import boxing, lotting
from orderloom.journey.closing import note_money
from orderloom.journey.parking import parked
from orderloom.journey.voiding import VOID_LABELS
from orderloom.network.calendar import zone
from orderloom.network.places import positioned
from orderloom.orders import axes, cancellations, holds
from orderloom.orders.model import Fulfillment, Line, Order, Slice
from orderloom.orders.reading import fulfillments_of, lines_of, lock, orders_of, slices_of
from orderloom.orders.slices import Move, move
from orderloom.orders.store.rows import set_request_status
from orderloom.payments.charge import LineMoney, bill
from orderloom.payments.model import AUTHORIZATION_EXPIRED, Captured, CaptureRefused, Charge, Shipped
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.plumbing.journeys import (
    Again,
    Answer,
    End,
    Journey,
    Later,
    Outcome,
    Outcomes,
    Outward,
    Park,
    Step,
    Wait,
)
from orderloom.shipping.model import LabelRequest, PackageToShip, Refused
from orderloom.terms import Quantities, Rank

# --- 4 pick and pack ------------------------------------------------------------------------------------------


async def submit(db: Db, works: Sequence[UUID], now: datetime) -> Outcomes:
    """Offer the work to its node, with the cartons and lots planned for it. The node accepts, rejects, or just begins."""
    known = await fulfillments_of(db, ids=works)
    fresh = [work for work in known.values() if work.request_status == "unsubmitted"]
    units: dict[UUID, Quantities] = defaultdict(Quantities)
    for piece in await slices_of(db, fulfillments=[work.id for work in fresh]):
        if piece.fulfillment_id and piece.rank < Rank.CANCELLED:
            units[piece.fulfillment_id] += Quantities({piece.sku: piece.quantity})
    items = await catalog.items_of(db, skus={sku for mine in units.values() for sku in mine})
    await lotting.assign(db, works=[work.id for work in fresh], items=items, now=now)
    await set_request_status(db, [work.id for work in fresh], "submitted")
    await events.append(db, [_news("fulfillment.submitted", work) for work in fresh])
    await boxing.plan_packing(db, works=fresh, units=units, items=items, now=now)
    return {}


async def wait_until_packed(db: Db, works: Sequence[UUID], _now: datetime) -> Outcomes:
    """Wait until the node has packed every unit it still has; it ends when nothing is left for it to do."""
    return await _until(db, works, Rank.PACKED, "the node to pack every item")


async def wait_until_picked(db: Db, works: Sequence[UUID], _now: datetime) -> Outcomes:
    """Wait until every unit is scanned out of its bin."""
    return await _until(db, works, Rank.PICKED, "the node to pick every item")


async def _until(db: Db, works: Sequence[UUID], rank: Rank, awaiting: str) -> dict[UUID, Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    for work in (await fulfillments_of(db, ids=works)).values():
        if work.status == "cancelled":
            outcomes[work.id] = End()
        elif work.min_rank < rank:
            outcomes[work.id] = Wait(awaiting)
    return outcomes


# --- 5 dispatch -----------------------------------------------------------------------------------------------


async def ask_labels(db: Db, works: Sequence[UUID], now: datetime) -> Sequence[object]:
    """The carrier calls that buy a label for every packed parcel, unless the order may not ship."""
    known = await fulfillments_of(db, ids=works)
    orders = await orders_of(db, sorted({work.order_id for work in known.values()}))
    held = await holds.blocked(db, orders=list(orders), step="ship")
    free = [work for work in known.values() if work.order_id not in held]
    nodes = await network.nodes_of(db, ids={work.node_id for work in free})
    packed = await _packed(db, [work.id for work in free])
    requests = [
        _label_request(work, orders[work.order_id], nodes[work.node_id], packed[work.id], now)
        for work in free
        if packed.get(work.id)
    ]
    return await shipping.prepare_labels(db, requests=requests)


async def _packed(db: Db, works: Sequence[UUID]) -> dict[UUID, list[PackageToShip]]:
    """The closed packages of fulfillment orders, as shipping wants them."""
    return {
        work: [
            PackageToShip(p.id, p.sequence, p.dimensions, max(p.weight_g or 0, 1), p.hazmat)
            for p in packages
            if p.status == "packed"
        ]
        for work, packages in (await packing.packages_of(db, fulfillments=works)).items()
    }


def _label_request(
    work: Fulfillment, order: Order, node: network.Node, packages: Sequence[PackageToShip], now: datetime
) -> LabelRequest:
    as_of = order.decide_as_of or now
    leaves = max(work.ship_by, as_of) if work.ship_by else as_of
    return LabelRequest(
        order_id=order.id,
        order_number=order.number,
        node_id=node.id,
        fulfillment_id=work.id,
        sender=positioned(node.address, latitude=node.latitude, longitude=node.longitude),
        recipient=positioned(order.ship_to),
        packages=tuple(packages),
        currency=order.currency,
        ship_on=leaves.astimezone(zone(node.time_zone)).date(),
        as_of=as_of,
        carrier=work.carrier,
        service=work.service,
        promise_at=order.promise_at,
    )


async def note_labels(db: Db, works: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Follow the parcels whose labels are bought; where no carrier takes them a person must help."""
    answered = await shipping.record_labels(db, subjects=works, answers=answers)
    known = await fulfillments_of(db, ids=works)
    orders = await orders_of(db, sorted({work.order_id for work in known.values()}))
    held = await holds.blocked(db, orders=list(orders), step="ship")
    outcomes: dict[UUID, Outcome] = {}
    bought = await shipping.labels_of(db, subjects=list(answered))
    await delivery.follow(
        db,
        parcels=[
            Parcel(
                carrier=x.carrier,
                tracking_number=x.tracking_number,
                order_id=x.order_id,
                package_id=x.package_id,
                fulfillment_id=x.subject,
                promise_at=orders[x.order_id].promise_at,
            )
            for x in bought
            if x.tracking_number
        ],
    )
    for work in works:
        said = answered.get(work)
        if isinstance(said, Refused):
            outcomes[work] = Park(f"no label: {said.problem}")
        elif known[work].order_id in held:
            outcomes[work] = Wait(f"hold {held[known[work].order_id]} to be cleared")
        elif work not in answered:
            # A hold was cleared between asking and noting: nothing was asked for it.
            outcomes[work] = Later(now, "its labels to be asked for")
    return outcomes


async def dispatch(db: Db, works: Sequence[UUID], now: datetime) -> Outcomes:
    """Once the carrier has the parcels (manifest or first scan): units leave stock, slices are shipped."""
    handed = await carried(db, works=works)
    outcomes: dict[UUID, Outcome] = {
        work: Wait("the carrier to take it over") for work in works if work not in handed
    }
    if not handed:
        return outcomes
    known = await fulfillments_of(db, ids=list(handed))
    await lock(db, orders=sorted({work.order_id for work in known.values()}))
    pieces = [p for p in await slices_of(db, fulfillments=list(handed)) if p.rank == Rank.PACKED]
    unborne = await inventory.post(
        db,
        postings=[
            Posting(
                cause_type="fulfillment",
                cause_id=p.fulfillment_id,
                legs=ship_legs([(p.node_id, p.sku, p.quantity)]),
            )
            for p in pieces
            if p.node_id
        ],
    )
    assert not any(unborne), unborne  # noqa: S101 - units in closed packages are never counted away
    await tell_changed(db, keys=[(p.node_id, p.sku) for p in pieces if p.node_id])
    await move(db, [Move(slice_id=p.id, to=Rank.SHIPPED) for p in pieces], event="order.shipped")
    await shipping.shipped(db, fulfillments=list(handed), at=now)
    await cancellations.declined(db, works=list(known.values()), reason="the carrier has it already")
    return outcomes


async def still_here(db: Db, *, works: Sequence[UUID]) -> set[UUID]:
    """Those that no carrier has, and none can be told to have while the caller's transaction takes them back."""
    await delivery.hold_still(db, fulfillments=works)
    return set(works) - await carried(db, works=works)


async def carried(db: Db, *, works: Sequence[UUID]) -> set[UUID]:
    """Those that their carrier has, by manifest or first scan: nothing takes them back but a return."""
    scanned = {work for work, p in (await delivery.progress(db, fulfillments=works)).items() if p.scanned}
    return await shipping.handed_over(db, fulfillments=works) | scanned


# --- the money of what was shipped ----------------------------------------------------------------------------


async def ask_capture(db: Db, works: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The gateway calls that take the money of what has left."""
    return await payments.prepare_captures(db, charges=await _charges(db, works))


async def note_capture(db: Db, works: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """Goods that left are paid, or somebody must see to it."""
    charges = await _charges(db, works)
    answered = await payments.record_captures(db, charges=charges, answers=answers)
    await note_money(db, orders=sorted({charge.order_id for charge in charges}))
    order_of = {work.id: work.order_id for work in (await fulfillments_of(db, ids=works)).values()}
    held = await holds.blocked(db, orders=sorted(set(order_of.values())), step="capture")
    outcomes: dict[UUID, Outcome] = {
        work: Wait(f"hold {held[order]} to be cleared") for work, order in order_of.items() if order in held
    }
    for work, said in answered.items():
        if isinstance(said, CaptureRefused) and said.code == AUTHORIZATION_EXPIRED:
            outcomes[work] = Wait("its payment to be authorised anew")
            await journeys.wake(db, "order", [order_of[work]])
        elif isinstance(said, CaptureRefused):
            problem = said.message or said.code
            outcomes[work] = Again(problem) if said.retryable else Park(f"not paid: {problem}")
    unasked = await _unasked(db, charges, answered)
    return {**{work: Later(now, "its money to be asked for") for work in unasked}, **outcomes}


async def _unasked(
    db: Db, charges: Sequence[Charge], answered: Mapping[UUID, Captured | CaptureRefused]
) -> set[UUID]:
    """Work whose hold was cleared between asking and noting: money is promised for it, and none was asked for."""
    money = await payments.statuses(db, order_ids=sorted({charge.order_id for charge in charges}))
    found: set[UUID] = set()
    for charge in charges:
        said = answered.get(charge.subject)
        owes = isinstance(said, Captured) and said.outstanding > 0
        if said is None or (owes and money[charge.order_id].authorized > 0):
            found.add(charge.subject)
    return found


async def _charges(db: Db, works: Sequence[UUID]) -> list[Charge]:
    """What each shipment is charged: its units' money, from the order's whole bill."""
    known = await fulfillments_of(db, ids=works)
    orders = await orders_of(db, sorted({work.order_id for work in known.values()}))
    lines = await lines_of(db, list(orders))
    units: dict[UUID, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for piece in await slices_of(db, fulfillments=works):
        if piece.rank in (Rank.SHIPPED, Rank.DELIVERED) and piece.fulfillment_id:
            units[piece.fulfillment_id][piece.line_id] += piece.quantity
    held = await holds.blocked(db, orders=list(orders), step="capture")
    shipped = [
        Shipped(subject=work, order_id=known[work].order_id, shipment_id=work, units=dict(units[work]))
        for work in works
        if units.get(work) and known[work].order_id not in held
    ]
    bills = {order.id: bill_of(order, lines[order.id]) for order in orders.values()}
    return await payments.charges_for(
        db, shipped=shipped, bills=bills, currency={order.id: order.currency for order in orders.values()}
    )


def bill_of(order: Order, lines: Sequence[Line]) -> Mapping[UUID, Any]:
    """Each leaf line's whole money, with its share of the order's charges."""
    leaves = [LineMoney(x.id, x.quantity, x.total, x.tax) for x in lines if not x.is_kit]
    return bill(lines=leaves, shipping=order.shipping, adjustment=order.adjustment)


# --- 6 delivery -----------------------------------------------------------------------------------------------


async def deliver(db: Db, works: Sequence[UUID], _now: datetime) -> Outcomes:
    """Once every parcel has come: units are delivered, and the order knows."""
    arrived = await _arrivals(db, works)
    outcomes: dict[UUID, Outcome] = {work: Wait("proof of delivery") for work in works if work not in arrived}
    if not arrived:
        return outcomes
    known = await fulfillments_of(db, ids=list(arrived))
    pieces: list[Slice] = [
        p for p in await slices_of(db, fulfillments=list(arrived)) if p.rank == Rank.SHIPPED
    ]
    await move(db, [Move(slice_id=p.id, to=Rank.DELIVERED) for p in pieces], event="order.parcel_delivered")
    await shipping.delivered(db, arrivals=arrived)
    orders = await orders_of(db, sorted({work.order_id for work in known.values()}))
    await _note_whole_orders(db, [order.id for order in orders.values() if order.min_rank >= Rank.DELIVERED])
    await journeys.wake(db, "order", list(orders))
    return outcomes


async def _arrivals(db: Db, works: Sequence[UUID]) -> dict[UUID, datetime]:
    """The fulfillment orders whose every parcel has come, and when the last one did."""
    found = await delivery.progress(db, fulfillments=works)
    return {work: p.last_delivered_at for work, p in found.items() if p.done and p.last_delivered_at}


async def _note_whole_orders(db: Db, orders: Sequence[UUID]) -> None:
    """Nothing of these orders is on its way any more: note when the last parcel came."""
    works = await fulfillments_of(db, orders=orders)
    last: dict[UUID, datetime] = {}
    for work, arrived in (await _arrivals(db, list(works))).items():
        order = works[work].order_id
        last[order] = max(arrived, last.get(order, arrived))
    await axes.note_delivered(db, delivered=last)


def _news(type_: str, work: Fulfillment) -> News:
    return News(
        type=type_,
        entity="fulfillment",
        entity_id=work.id,
        order_id=work.order_id,
        node_id=work.node_id,
        data={"number": work.number},
    )


# --- the table ------------------------------------------------------------------------------------------------

FULFILLMENT = Journey(
    of="fulfillment",
    parked=parked("fulfillment"),
    steps=(
        Step(
            name="submit",
            do=submit,
            no_undo="recall takes the work back from the node itself, in one transaction with its units",
            means="The work is offered to its node, which accepts it, rejects it, or just begins.",
        ),
        Step(
            name="pick",
            do=wait_until_picked,
            no_undo="scans are history; recall returns the units",
            waits_for="every item to be scanned out of its bin",
            gives_up_after=timedelta(days=4),
            means="The node picks against scans; what it does not find is routed again from elsewhere.",
        ),
        Step(
            name="pack",
            do=wait_until_packed,
            no_undo="packages are history; recall returns the units",
            waits_for="every package to be closed",
            gives_up_after=timedelta(days=4),
            means="The node packs against scans into closed packages.",
        ),
        Step(
            name="label",
            do=Outward(prepare=ask_labels, call=shipping.perform, record=note_labels),
            undo=VOID_LABELS,
            waits_for="a hold to be cleared",
            means="A label is bought for every package, once, and its tracking number followed.",
        ),
        Step(
            name="dispatch",
            do=dispatch,
            no_undo="what has left comes back by a return",
            waits_for="the carrier to take the parcels over",
            gives_up_after=timedelta(days=4),
            means="With the manifest or the first scan the units leave stock and the slices are shipped.",
        ),
        Step(
            name="charge",
            do=Outward(prepare=ask_capture, call=payments.perform, record=note_capture),
            no_undo="money for goods that left goes back by a refund",
            waits_for="a hold to be cleared, or a promise that ran out to be made anew",
            means="The money of exactly what has left is captured.",
        ),
        Step(
            name="deliver",
            do=deliver,
            no_undo="delivered is final; goods come back by a return",
            waits_for="proof of delivery",
            gives_up_after=timedelta(days=30),
            means="Tracking is followed until every parcel has come.",
        ),
    ),
)
