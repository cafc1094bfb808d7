"""The way of a return: asked for, approved, sent back, received, inspected, restocked, refunded, closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import delivery, inventory, network, payments, returns, shipping
from orderloom.delivery.model import Parcel
from orderloom.inventory.counting import tell_changed
from orderloom.inventory.model import Leg, Posting
from orderloom.journey import lotting
from orderloom.journey.closing import note_axes, note_money
from orderloom.journey.parking import parked
from orderloom.journey.voiding import VOID_LABELS
from orderloom.network.calendar import zone
from orderloom.network.places import positioned
from orderloom.orders import exceptions, holds
from orderloom.orders.exceptions import NewException
from orderloom.orders.model import Order
from orderloom.orders.reading import lock, orders_of
from orderloom.payments.model import Breakdown, RefundFailed, RefundRefused
from orderloom.plumbing.database import Db
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
from orderloom.returns.model import Disposition, Restock, Return, ReturnLine, Status
from orderloom.returns.reading import returns_of
from orderloom.returns.steps import expire, price, set_off
from orderloom.shipping.model import LabelRequest, PackageToShip, Refused
from orderloom.terms import Dimensions, apportion

_ENDED = frozenset({Status.DECLINED, Status.CANCELLED, Status.EXPIRED})
# A return parcel nobody has measured is bought as a small box; the carrier corrects it.
_PARCEL = PackageToShip(None, 1, Dimensions(300, 200, 150), 1000)


async def approve(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """Requests have been judged eligible when they were stored: they are agreed to; declined ones end here."""
    found = await returns_of(db, ids=ids)
    asked = [i for i, (back, _) in found.items() if back.status == Status.REQUESTED]
    if asked:
        await returns.approve(db, return_ids=asked)
    await _note_axes(db, found)
    return {i: End() for i, (back, _) in found.items() if back.status in _ENDED}


async def give_up(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """Undo of approval: an agreement under which nothing has come back lapses."""
    found = await returns_of(db, ids=ids)
    await expire(db, return_ids=[i for i, (back, _) in found.items() if back.status == Status.OPEN])
    await _note_axes(db, found)
    return {}


# --- the label home -------------------------------------------------------------------------------------------


async def ask_labels(db: Db, ids: Sequence[UUID], now: datetime) -> Sequence[object]:
    """The carrier calls that buy a label home for returns that want one."""
    found = await returns_of(db, ids=ids)
    backs = [
        back
        for back, _ in found.values()
        if back.needs_label and back.order_id and back.status == Status.OPEN
    ]
    orders = await orders_of(db, sorted({back.order_id for back in backs if back.order_id}))
    nodes = await network.nodes_of(db, ids={back.node_id for back in backs})
    requests = [
        _request(back, orders[back.order_id], nodes[back.node_id], now)
        for back in backs
        if back.order_id is not None
    ]
    return await shipping.prepare_labels(db, requests=requests)


def _request(back: Return, order: Order, node: network.Node, now: datetime) -> LabelRequest:
    as_of = order.decide_as_of or now
    return LabelRequest(
        order_id=order.id,
        order_number=order.number,
        node_id=node.id,
        return_id=back.id,
        sender=positioned(order.ship_to),
        recipient=positioned(node.address, latitude=node.latitude, longitude=node.longitude),
        packages=(_PARCEL,),
        currency=order.currency,
        ship_on=as_of.astimezone(zone(node.time_zone)).date(),
        as_of=as_of,
    )


async def note_labels(db: Db, ids: Sequence[UUID], answers: Sequence[Answer], _now: datetime) -> Outcomes:
    """Follow the parcels home; a return that no carrier takes is a person's matter."""
    answered = await shipping.record_labels(db, subjects=ids, answers=answers)
    bought = await shipping.labels_of(db, subjects=list(answered))
    taken = await delivery.follow(
        db,
        parcels=[
            Parcel(
                carrier=x.carrier,
                tracking_number=x.tracking_number,
                order_id=x.order_id,
                return_id=x.return_id,
            )
            for x in bought
            if x.tracking_number
        ],
    )
    # A carrier may have told of the parcel before we had noted its label: those goods are on their way already.
    away = sorted({c.return_id for c in taken.changes if c.return_id and c.first_scan})
    if away:
        await set_off(db, return_ids=away)
    return {
        i: Park(f"no return label: {said.problem}")
        for i, said in answered.items()
        if isinstance(said, Refused)
    }


# --- goods back -----------------------------------------------------------------------------------------------


async def wait_for_goods(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """Wait until every unit has arrived at the node, or somebody closed what came."""
    found = await returns_of(db, ids=ids)
    outcomes: dict[UUID, Outcome] = {}
    for i, (back, _) in found.items():
        if back.status in _ENDED:
            outcomes[i] = End()
        elif back.status not in (Status.RECEIVED, Status.INSPECTED, Status.CLOSED):
            outcomes[i] = Wait("the goods to come back")
    return outcomes


async def wait_for_inspection(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """Wait until somebody has said what becomes of every unit."""
    found = await returns_of(db, ids=ids)
    done = (Status.INSPECTED, Status.CLOSED)
    return {i: Wait("an inspection") for i, (back, _) in found.items() if back.status not in done}


async def restock(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """Book every judged unit where it now is: sellable again, in quality control, or not ours any more."""
    due = await returns.to_restock(db, return_ids=ids)
    lots = await lotting.came_back(db, due=due)
    legs = {
        unit.return_line_id: [lotting.named(x, lots.get(unit.return_line_id, ())) for x in _legs(unit)]
        for unit in due
    }
    moved = [unit for unit in due if legs[unit.return_line_id]]
    answers = await inventory.post(
        db,
        postings=[
            Posting(
                cause_type="return",
                cause_id=unit.return_id,
                legs=tuple(legs[unit.return_line_id]),
                reason="returned",
            )
            for unit in moved
        ],
    )
    unborne = {
        unit.return_line_id: unit for unit, short in zip(moved, answers, strict=True) if short is not None
    }
    booked = [unit.return_line_id for unit in due if unit.return_line_id not in unborne]
    await returns.mark_restocked(db, return_line_ids=booked)
    await tell_changed(db, keys=[leg.key for line in booked for leg in legs[line]])
    return {
        unit.return_id: Park(
            f"{unit.quantity} of {unit.sku} stood in stock as {unit.before}, and are promised to somebody or gone: "
            "put the count right, then go on"
        )
        for unit in unborne.values()
    }


_HELD = frozenset({Disposition.NEEDS_INSPECTION, Disposition.REFURBISH})


def _legs(unit: Restock) -> list[Leg]:
    """From where the unit stood in stock to where it stands now."""
    before = _buckets(unit.before) if unit.before else (0, 0)
    on_hand, held = (after - was for after, was in zip(_buckets(unit.disposition), before, strict=True))
    if not on_hand and not held:
        return []
    kind = "disposed" if on_hand < 0 else "returned"
    return [
        Leg(
            node_id=unit.node_id,
            sku=unit.sku,
            kind=kind,
            on_hand=on_hand * unit.quantity,
            quality_control=held * unit.quantity,
        )
    ]


def _buckets(disposition: Disposition) -> tuple[int, int]:
    """Whether a unit counts as on hand, and as in quality control."""
    if disposition in _HELD:
        return 1, 1
    return (1, 0) if disposition == Disposition.RESTOCK else (0, 0)


# --- money back -----------------------------------------------------------------------------------------------


async def decide_refund(db: Db, ids: Sequence[UUID], now: datetime) -> Outcomes:
    """Decide what each return pays back: exactly what was charged for its units, once. On account nothing is due."""
    found = await returns_of(db, ids=ids)
    await lock(db, orders=_orders(found))
    decided = {due.subject for due in await payments.refunds_of_returns(db, returns=ids)}
    refused: list[NewException] = []
    for i, (back, lines) in sorted(found.items()):
        units = _came_back(lines)
        if back.order_id is None or i in decided or not units:
            continue
        quote = await payments.quote_refund(db, order_id=back.order_id, units=units)
        due = await payments.request_refund(
            db,
            order_id=back.order_id,
            amount=None,
            reason="return",
            return_id=i,
            key=f"return:{i.hex}",
            units=units,
        )
        if isinstance(due, RefundRefused):
            refused.append(_not_refunded(back, due.code, now))
        else:
            await price(db, return_id=i, refunds=_by_line(lines, quote.lines))
    await exceptions.open_(db, cases_=refused)
    return {}


def _not_refunded(back: Return, why: str, now: datetime) -> NewException:
    return NewException(
        kind="nothing_refunded",
        entity="return",
        entity_id=back.id,
        order_id=back.order_id,
        detail=f"no refund was made for {back.number}: {why.replace('_', ' ')}",
        way_out="Nothing, if the order was never paid or has been refunded already; else refund it by hand.",
        due_at=now + timedelta(days=2),
    )


def _by_line(lines: Sequence[ReturnLine], money: Mapping[UUID, Breakdown]) -> dict[UUID, int]:
    """The money of each order line, shared over the return lines its units came back in."""
    shares: dict[UUID, int] = {}
    for line_id, breakdown in money.items():
        mine = [x for x in lines if x.line_id == line_id and x.disposition != Disposition.MISSING]
        shares |= zip(
            [x.id for x in mine], apportion(breakdown.total, [x.received for x in mine]), strict=True
        )
    return shares


async def ask_refund(db: Db, ids: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The gateway calls that pay what was decided, unless a hold forbids it."""
    held = await _held(db, await returns_of(db, ids=ids))
    free = [i for i in ids if i not in held]
    return await payments.prepare_refunds(db, refunds=await payments.refunds_of_returns(db, returns=free))


async def _held(db: Db, found: Mapping[UUID, tuple[Return, list[ReturnLine]]]) -> dict[UUID, str]:
    held = await holds.blocked(db, orders=_orders(found), step="refund")
    return {
        i: held[back.order_id]
        for i, (back, _) in found.items()
        if back.order_id is not None and back.order_id in held
    }


def _came_back(lines: Sequence[ReturnLine]) -> dict[UUID, int]:
    units: dict[UUID, int] = defaultdict(int)
    for line in lines:
        if line.line_id is not None and line.received and line.disposition != Disposition.MISSING:
            units[line.line_id] += line.received
    return dict(units)


async def note_refund(db: Db, ids: Sequence[UUID], answers: Sequence[Answer], now: datetime) -> Outcomes:
    """The money is back, or somebody must see to it."""
    found = await returns_of(db, ids=ids)
    held = await _held(db, found)
    due = await payments.refunds_of_returns(db, returns=[i for i in ids if i not in held])
    answered = await payments.record_refunds(db, refunds=due, answers=answers)
    await note_money(db, orders=_orders(found))
    outcomes: dict[UUID, Outcome] = {i: Wait(f"hold {kind} to be cleared") for i, kind in held.items()}
    for i, said in answered.items():
        if isinstance(said, RefundFailed):
            problem = said.message or said.code
            outcomes[i] = Again(problem) if said.retryable else Park(f"not refunded: {problem}")
    # A hold was cleared between asking and noting: nothing was asked for these.
    unasked = {one.subject for one in due} - answered.keys()
    return {**{i: Later(now, "its refund to be asked for") for i in unasked}, **outcomes}


async def close(db: Db, ids: Sequence[UUID], _now: datetime) -> Outcomes:
    """End the return; its order closes again with it."""
    found = await returns_of(db, ids=ids)
    for i, (back, _) in sorted(found.items()):
        if back.status == Status.INSPECTED:
            await returns.close(db, return_id=i)
    await _note_axes(db, found)
    return {}


def _orders(found: Mapping[UUID, tuple[Return, list[ReturnLine]]]) -> list[UUID]:
    return sorted({back.order_id for back, _ in found.values() if back.order_id is not None})


async def _note_axes(db: Db, found: Mapping[UUID, tuple[Return, list[ReturnLine]]]) -> None:
    await note_axes(db, orders=_orders(found))


# --- the table ------------------------------------------------------------------------------------------------

RETURNING = Journey(
    of="return",
    parked=parked("return"),
    steps=(
        Step(
            name="approve",
            do=approve,
            undo=give_up,
            means="A request that the policy finds eligible is agreed to.",
        ),
        Step(
            name="label",
            do=Outward(prepare=ask_labels, call=shipping.perform, record=note_labels),
            undo=VOID_LABELS,
            means="A label home is bought where one is wanted, and its parcel followed.",
        ),
        Step(
            name="receive",
            do=wait_for_goods,
            no_undo="what has arrived has arrived",
            waits_for="the goods to arrive at the node",
            gives_up_after=timedelta(days=45),
            means="The node receives the goods, in one delivery or several.",
        ),
        Step(
            name="inspect",
            do=wait_for_inspection,
            no_undo="a judgement is corrected by another inspection",
            waits_for="somebody to judge every unit",
            gives_up_after=timedelta(days=7),
            means="Each unit gets a grade and a disposition.",
        ),
        Step(
            name="restock",
            do=restock,
            no_undo="another inspection moves the units on; stock is corrected by an adjustment",
            means="Units become sellable again, go to quality control, or leave.",
        ),
        Step(
            name="price",
            do=decide_refund,
            no_undo="a refund that was decided stands; more is taken by a new payment",
            means="What was charged for exactly these units is to be paid back.",
        ),
        Step(
            name="refund",
            do=Outward(prepare=ask_refund, call=payments.perform, record=note_refund),
            no_undo="money paid back is not ours to take again",
            waits_for="a hold to be cleared",
            means="The gateways pay it back, each what it had taken.",
        ),
        Step(
            name="close",
            do=close,
            no_undo="a closed return stays; a new one is asked for",
            means="The return ends, and the order's axes with it.",
        ),
    ),
)
