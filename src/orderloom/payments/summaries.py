"""How orders' money stands, read."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.payments import asking, store
from orderloom.payments.model import Intent, PaymentSummary
from orderloom.payments.status import summary
from orderloom.plumbing.database import Db


async def statuses(db: Db, *, order_ids: Sequence[UUID]) -> dict[UUID, PaymentSummary]:
    """The payment axis of these orders and its figures; an order without tenders is unpaid."""
    return {
        order_id: summary(account) for order_id, account in (await asking.accounts(db, order_ids)).items()
    }


async def expired(db: Db, *, order_ids: Sequence[UUID]) -> set[UUID]:
    """The orders with a promise of money that ran out before it was taken, and is to be asked for anew."""
    return await store.orders_with_expired(db, order_ids)


async def intents_of(db: Db, *, order_id: UUID) -> tuple[Intent, ...]:
    """The order's intents as they stand, locked, in their sequence."""
    return (await asking.accounts(db, [order_id], lock=True))[order_id].intents
