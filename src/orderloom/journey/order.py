"""The way of an order. START HERE.

`placing.place` takes it in: validated against catalogue and cart, given its id, stored with its stock reserved in one
transaction (steps 1 and 2 of order management). From then on it travels this table, in sets, a step at a time; what
each step does stands below the table and asks the capability that owns the matter.

The work at a node is a journey of its own (`fulfillment.FULFILLMENT`), and so is a return (`returning.RETURNING`).
What people and nodes do meanwhile is in `cancelling` and `working`; each wakes the journey it concerns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from orderloom import payments
from orderloom.journey import releasing, reserving, sourcing
from orderloom.journey.closing import close_settled, note_money, note_returns
from orderloom.journey.giving_back import give_back
from orderloom.journey.parking import parked
from orderloom.journey.turning_away import turn_away
from orderloom.orders import axes, exceptions, holds
from orderloom.orders.exceptions import NewException
from orderloom.orders.model import Head
from orderloom.orders.reading import fulfillments_of, heads_of, orders_of, ranks_of, slices_between
from orderloom.orders.verifying import verify
from orderloom.payments.model import Authorized, Declined, VoidRefused
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.plumbing.journeys import (
    Again,
    Answer,
    GoTo,
    Journey,
    Later,
    Outcome,
    Outcomes,
    Outward,
    Step,
    Wait,
)
from orderloom.terms import Rank

# --- 3 verification -------------------------------------------------------------------------------------------


async def raise_holds(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Raise the holds that rules ask for (address, value); each later step respects those that block it."""
    await verify(db, orders=orders, now=now)
    return {}


async def ask_authorization(db: Db, orders: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The gateway calls that promise the orders' money; an order that is held asks for nothing yet."""
    held = await holds.blocked(db, orders=orders, step="authorize")
    return await payments.prepare_authorizations(db, order_ids=[o for o in orders if o not in held])


async def note_authorization(
    db: Db, orders: Sequence[UUID], answers: Sequence[Answer], now: datetime
) -> Outcomes:
    """Go on with what is authorised; a declined payment opens a case, and the buyer is told how to settle it."""
    held = await holds.blocked(db, orders=orders, step="authorize")
    asked = [order for order in orders if order not in held]
    answered, money = await payments.settle_authorizations(db, order_ids=asked, answers=answers)
    await axes.note_payment(db, statuses={order: str(stands.status) for order, stands in money.items()})
    outcomes: dict[UUID, Outcome] = {
        order: Wait(f"hold {kind} to be cleared") for order, kind in held.items()
    }
    declined = {order: said for order, said in answered.items() if isinstance(said, Declined)}
    for order, said in declined.items():
        outcomes[order] = Again(said.message) if said.retryable else Wait("a payment that is accepted")
    # A hold was cleared between asking and noting: nothing was asked for these.
    outcomes |= {order: Later(now, "its payment to be asked for") for order in asked if order not in answered}
    await exceptions.open_(db, cases_=[_declined(order, said, now) for order, said in declined.items()])
    confirmed = [order for order, said in answered.items() if isinstance(said, Authorized)]
    await exceptions.resolve_of(
        db, entities=confirmed, kinds=["payment_declined"], resolution="payment accepted"
    )
    heads = await heads_of(db, confirmed)
    await _tell_confirmed(db, heads)
    await journeys.wake(db, "fulfillment", await _awaiting_money(db, heads))
    await _tell_declined(db, declined)
    return outcomes


def _declined(order: UUID, said: Declined, now: datetime) -> NewException:
    return NewException(
        kind="payment_declined",
        entity="order",
        entity_id=order,
        order_id=order,
        detail=f"The gateway declined the payment: {said.message or said.code}",
        way_out="Ask the buyer for another means of payment, or cancel the order.",
        due_at=now + timedelta(days=2),
    )


async def _tell_confirmed(db: Db, orders: Mapping[UUID, Head]) -> None:
    """Once an order: a payment that was retried, or a journey rewound, confirms nothing anew."""
    known = await events.told_of(db, list(orders), "order.confirmed")
    await events.append(
        db,
        [
            News("order.confirmed", "order", o.id, order_id=o.id, channel_id=o.channel_id)
            for o in orders.values()
            if o.id not in known
        ],
    )


async def _awaiting_money(db: Db, orders: Mapping[UUID, Head]) -> list[UUID]:
    """The work that has left unpaid because a promise of money had run out: it may be charged now."""
    shipped = [o.id for o in orders.values() if o.max_rank >= Rank.SHIPPED]
    return list(await fulfillments_of(db, orders=shipped)) if shipped else []


async def _tell_declined(db: Db, declined: Mapping[UUID, Declined]) -> None:
    await events.append(
        db,
        [
            News(
                "order.payment_declined",
                "order",
                order,
                order_id=order,
                reason=said.message,
                data=asdict(said),
            )
            for order, said in declined.items()
        ],
    )


async def ask_void(db: Db, orders: Sequence[UUID], _now: datetime) -> Sequence[object]:
    """The gateway calls that release every promise of money that was not captured."""
    return await payments.prepare_voids(db, order_ids=orders)


async def note_void(db: Db, orders: Sequence[UUID], answers: Sequence[Answer], _now: datetime) -> Outcomes:
    """Nothing is promised any more, or the gateway refuses to let go just now."""
    answered = await payments.record_voids(db, order_ids=orders, answers=answers)
    await note_money(db, orders=orders)
    return {
        o: Again(said.message or said.code) for o, said in answered.items() if isinstance(said, VoidRefused)
    }


# --- 4 to 6: the nodes and carriers work ----------------------------------------------------------------------

_TO_BE_ROUTED = frozenset({Rank.CREATED, Rank.REJECTED, Rank.SHORT, Rank.RESERVED, Rank.ALLOCATED})


async def follow(db: Db, orders: Sequence[UUID], now: datetime) -> Outcomes:
    """Wait until every unit is delivered or cancelled.

    Units that came back from a node, or are taken back from one that has closed, go to `reserve`; what that could not
    supply waits here as backordered, for as long as its supply takes. Money whose promise ran out before it was taken is
    asked for anew.
    """
    outcomes = await turn_away(db, orders=orders, now=now)
    orders = [order for order in orders if order not in outcomes]
    by_order = await ranks_of(db, orders=orders)
    short = [order for order, ranks in by_order.items() if Rank.BACKORDERED in ranks]
    suppliable = await reserving.suppliable(db, orders=short)
    expired = await payments.expired(db, order_ids=orders)
    for order, ranks in by_order.items():
        if ranks & _TO_BE_ROUTED or order in suppliable:
            outcomes[order] = GoTo("reserve")
        elif order in expired and ranks - {Rank.CANCELLED}:
            outcomes[order] = GoTo("authorize")
        elif not ranks <= {Rank.DELIVERED, Rank.CANCELLED}:
            outcomes[order] = Wait("every parcel to be delivered")
    waits = [order for order in short if isinstance(outcomes[order], Wait)]
    lacking = await slices_between(db, orders=waits, lowest=Rank.BACKORDERED, highest=Rank.BACKORDERED)
    return outcomes | await reserving.until_supplied(db, pieces=lacking, now=now)


async def close(db: Db, orders: Sequence[UUID], _now: datetime) -> Outcomes:
    """Close what is delivered and paid; an order on account stays open until its money is settled."""
    before = await orders_of(db, orders)
    # Units cancelled since may make what came back all there was.
    await note_returns(db, orders=[order.id for order in before.values() if order.return_status != "none"])
    await close_settled(db, orders=orders)
    known = await orders_of(db, orders)
    return {
        order.id: Wait("its money, or a return, to be settled")
        for order in known.values()
        if order.lifecycle == "open"
    }


# --- the table ------------------------------------------------------------------------------------------------

# Asked under keys of their own, many at a time cost little more than one, and repeated they happen once.
AUTHORIZE = Outward(prepare=ask_authorization, call=payments.perform, record=note_authorization, together=500)
VOID = Outward(prepare=ask_void, call=payments.perform, record=note_void)

ORDER = Journey(
    of="order",
    parked=parked("order"),
    steps=(
        Step(
            name="reserve",
            do=reserving.reserve,
            undo=give_back,
            waits_for="stock for what capture could not reserve, or the day it is sold from",
            gives_up_after=timedelta(days=60),
            means="What capture could not reserve is, in its turn, once stock arrives; a pre-order goes on from its day.",
        ),
        Step(
            name="verify",
            do=raise_holds,
            no_undo="holds are an overlay: a cancelled order runs into none",
            means="Rules look at address and value and raise holds, which block the steps they name.",
        ),
        Step(
            name="authorize",
            do=AUTHORIZE,
            undo=VOID,
            waits_for="a hold to be cleared, or a payment that is accepted",
            gives_up_after=timedelta(days=7),
            means="Every tender is authorised at its gateway; a declined one opens a case and tells the buyer.",
        ),
        Step(
            name="route",
            do=sourcing.route,
            undo=sourcing.unallocate,
            waits_for="a hold to be cleared",
            gives_up_after=timedelta(days=14),
            means="Nodes, splits, cartons and services are chosen at least cost inside the promise; stock is bound, "
            "and what no hold keeps back is released.",
        ),
        Step(
            name="release",
            do=releasing.release,
            undo=releasing.recall,
            waits_for="a hold to be cleared",
            gives_up_after=timedelta(days=14),
            means="Each node has its fulfillment order, which travels a journey of its own.",
        ),
        Step(
            name="follow",
            do=follow,
            no_undo="it only watches",
            waits_for="every unit to be delivered or cancelled",
            gives_up_after=timedelta(days=90),
            means="Units that a node rejects, does not find, or cannot ship since it is closed go back to `reserve`; the others "
            "are followed home.",
        ),
        Step(
            name="settle",
            do=VOID,
            no_undo="a promise given back cannot be taken again; a new payment is authorised instead",
            means="Money promised and not needed is released.",
        ),
        Step(
            name="close",
            do=close,
            no_undo="a return or an edit opens the order again by itself",
            waits_for="money that is owed on account, or a return under way",
            gives_up_after=timedelta(days=60),
            means="The order is closed once it is delivered and paid.",
        ),
    ),
)
