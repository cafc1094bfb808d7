"""The order's double-entry ledger: each posting's legs sum to nought, debits positive. Pure but for `ledger_of`."""

from __future__ import annotations

from uuid import UUID

from orderloom.payments import store
from orderloom.payments.keys import return_posting, revenue_posting
from orderloom.payments.model import Breakdown, Entry, GatewayCall
from orderloom.plumbing.database import Db


def revenue(*, order_id: UUID, shipment_id: UUID, money: Breakdown, currency: str) -> list[Entry]:
    """A shipment earns its money: the buyer owes it."""
    legs = {
        "receivable": money.total,
        "sales": -money.sales,
        "shipping": -money.shipping,
        "tax": -money.tax,
        "adjustment": -money.adjustment,
    }
    return _posting(order_id, revenue_posting(shipment_id), legs, currency)


def cash_in(call: GatewayCall) -> list[Entry]:
    """A capture: money instead of the debt."""
    return _posting(
        call.order_id, call.transaction_id, {"cash": call.amount, "receivable": -call.amount}, call.currency
    )


def cash_out(call: GatewayCall) -> list[Entry]:
    """A refund: goods or goodwill are owed to the buyer, and then paid."""
    owed = {"returns": call.amount, "receivable": -call.amount}
    paid = {"receivable": call.amount, "cash": -call.amount}
    return [
        *_posting(call.order_id, return_posting(call.transaction_id), owed, call.currency),
        *_posting(call.order_id, call.transaction_id, paid, call.currency),
    ]


async def ledger_of(db: Db, order_id: UUID) -> list[Entry]:
    """An order's ledger, oldest first."""
    return await store.entries_of(db, order_id)


def _posting(order_id: UUID, posting_id: UUID, legs: dict[str, int], currency: str) -> list[Entry]:
    assert sum(legs.values()) == 0, legs  # noqa: S101 - a posting that does not balance must never be written
    return [
        Entry(order_id, posting_id, account, amount, currency) for account, amount in legs.items() if amount
    ]
