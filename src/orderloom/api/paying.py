"""Another means of payment for what a gateway declined."""

from __future__ import annotations

from pydantic import ConfigDict

from orderloom.api.capturing import TenderIn
from orderloom.api.door import Here, Routes
from orderloom.api.orders import OrderOut, read_order
from orderloom.api.problems import not_found, refused, wrong
from orderloom.api.wire import In, OrderId
from orderloom.journey.paying import CannotPay, pay_again
from orderloom.orders.model import TenderDraft

routes = Routes("orders")


class PayAgainIn(In):
    """A tender of exactly what the declined ones were to pay."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tender": {
                        "method": "card",
                        "token": "tok_approve",
                        "amount": {"amount": 1000, "currency": "USD"},
                    }
                }
            ]
        }
    )
    tender: TenderIn


@routes.post("/orders/{order_id}/payments", scope="orders:write", key="required", refuses=(409,))
async def pay_order_again(call: Here, order_id: OrderId, body: PayAgainIn) -> OrderOut:
    """Take another tender in place of the declined ones; the order goes on once it is authorised"""
    order = await read_order(call, order_id)
    given = body.tender
    if given.amount.currency != order.total.currency:
        raise wrong("/tender/amount/currency", "wrong_currency", f"the order is in {order.total.currency}")
    tender = TenderDraft(
        method=given.method, token=given.token, amount=given.amount.amount, gateway=given.gateway
    )
    outcome = await pay_again(call.db, order_id=order_id, tender=tender)
    if isinstance(outcome, CannotPay):
        if outcome.code == "no_order":
            raise not_found("order")
        raise refused(outcome.code, outcome.message)
    return await read_order(call, order_id)
