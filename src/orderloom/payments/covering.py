"""What an order is promised against what it owes: after its lines or prices were edited the tenders still cover it."""

from __future__ import annotations

from uuid import UUID

from orderloom.payments import asking, store
from orderloom.payments.authorizing import left_of_expired, open_tenders
from orderloom.payments.model import Account, Intent, Kind, Tender
from orderloom.payments.status import promised, reckoned
from orderloom.plumbing.database import Db


async def cover(db: Db, *, order_id: UUID, owed: int, currency: str, by: Tender | None = None) -> int:
    """Ask for what the order's tenders fall short of what it owes by one more; returns how much that is.

    `by` says of what means, its amount aside; without it the last tender's pays again. Declined ones are given up where they
    are replaced, or not needed any more. An order without tenders is on account. What is promised beyond need is released
    by the order's journey, when all that ships is charged.
    """
    account = (await asking.accounts(db, [order_id], lock=True))[order_id]
    if by is None and not account.intents:
        return 0
    declined = [intent for intent in account.intents if intent.status == "declined"]
    missing = owed - sum(_counted_on(account, intent) for intent in account.intents)
    if missing <= 0:
        await store.set_intent_status(db, [(intent.id, "voided") for intent in declined])
        return 0
    if by is None and sum(intent.amount for intent in declined) == missing:
        return 0
    means = by or account.intents[-1]
    await open_tenders(
        db,
        tenders=[
            Tender(
                order_id=order_id,
                sequence=max((intent.sequence for intent in account.intents), default=0) + 1,
                gateway=means.gateway,
                method=means.method,
                token=means.token,
                amount=missing,
                currency=currency,
            )
        ],
    )
    return missing


async def set_aside(db: Db, *, order_id: UUID) -> bool:
    """Charge nothing more by the order's tenders: others are to pay in their place. False while a gateway's answer is awaited.

    What they promise is released by the order's journey with all else that it does not need.
    """
    account = (await asking.accounts(db, [order_id], lock=True))[order_id]
    if any(transaction.open for transaction in account.transactions):
        return False
    after = {"authorized": "replaced", "pending": "voided", "declined": "voided", "expired": "voided"}
    await store.set_intent_status(db, [(i.id, after[i.status]) for i in account.intents if i.status in after])
    return True


def _counted_on(account: Account, intent: Intent) -> int:
    """What an intent pays, or is about to promise; nothing of one that was declined, nor what is to be released."""
    mine = account.of_intent[intent.id]
    taken = reckoned(mine, Kind.CAPTURE)
    if intent.status == "replaced":
        return taken
    if intent.status == "pending":
        return intent.amount
    if intent.status == "expired":
        return taken + left_of_expired(account, intent)
    return taken + promised(intent, mine)
