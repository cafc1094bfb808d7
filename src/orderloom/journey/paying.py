"""Paying again: another means of payment for what a gateway declined."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from orderloom import payments
from orderloom.journey.order import ORDER
from orderloom.orders.model import TenderDraft
from orderloom.orders.reading import orders_of
from orderloom.payments.model import Tender
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News


@dataclass(frozen=True, slots=True)
class CannotPay:
    """The tender was not taken and nothing has changed; why."""

    code: str
    message: str


async def pay_again(db: Db, *, order_id: UUID, tender: TenderDraft) -> CannotPay | None:
    """Take this tender in place of the order's declined ones, and let the order go on; None when it was taken.

    It must be of exactly what they were to pay: the tenders together are the order's total.
    """
    order = (await orders_of(db, [order_id])).get(order_id)
    if order is None:
        return CannotPay("no_order", "there is no such order")
    at = await journeys.hold_still(db, ORDER.of, order_id)
    intents = await payments.intents_of(db, order_id=order_id)
    declined = [intent for intent in intents if intent.status == "declined"]
    missing = sum(intent.amount for intent in declined)
    if not declined or order.lifecycle != "open":
        return CannotPay("nothing_declined", "no payment of this order waits for another tender")
    if tender.amount != missing:
        return CannotPay(
            "wrong_amount", f"{missing} {order.currency} is to be paid again, not {tender.amount}"
        )
    await payments.open_tenders(
        db,
        tenders=[
            Tender(
                order_id=order_id,
                sequence=max(intent.sequence for intent in intents) + 1,
                gateway=tender.gateway,
                method=tender.method,
                token=tender.token,
                amount=tender.amount,
                currency=order.currency,
            )
        ],
    )
    data = {"gateway": tender.gateway, "method": tender.method, "amount": tender.amount}
    await events.append(db, [News("order.tender_replaced", "order", order_id, order_id=order_id, data=data)])
    if at.state == "parked":
        # It had given up waiting for just this.
        await journeys.retry(db, ORDER.of, order_id)
    await journeys.wake(db, ORDER.of, [order_id])
    return None
