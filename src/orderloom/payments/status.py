"""How an order's money stands: a fold over its intents and transactions, never set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orderloom.payments.model import Account, Intent, Kind, PaymentStatus, PaymentSummary, Transaction

# An intent that promises nothing: what was captured by it stays captured.
_PROMISELESS = {"pending", "declined", "voided", "expired"}


def done(transactions: Iterable[Transaction], kind: Kind) -> int:
    """What succeeded of a kind."""
    return sum(t.amount for t in transactions if t.kind == kind and t.status == "succeeded")


def reckoned(transactions: Iterable[Transaction], kind: Kind) -> int:
    """What succeeded of a kind or may have."""
    return sum(t.amount for t in transactions if t.kind == kind and t.counts)


def promised(intent: Intent, transactions: Sequence[Transaction]) -> int:
    """What can still be captured by an intent: captures whose outcome is unknown are taken to have happened."""
    if intent.status in _PROMISELESS:
        return 0
    return (
        done(transactions, Kind.AUTHORIZE)
        - reckoned(transactions, Kind.CAPTURE)
        - done(transactions, Kind.VOID)
    )


def refundable(transactions: Sequence[Transaction]) -> int:
    """What can still be paid back: refunds whose outcome is unknown are taken to have happened."""
    return done(transactions, Kind.CAPTURE) - reckoned(transactions, Kind.REFUND)


def summary(account: Account) -> PaymentSummary:
    """The payment axis and its figures. `authorized` is what is promised and not yet captured."""
    authorized = sum(promised(intent, account.of_intent[intent.id]) for intent in account.intents)
    captured = done(account.transactions, Kind.CAPTURE)
    refunded = done(account.transactions, Kind.REFUND)
    due = max(0, account.charged - captured)
    return PaymentSummary(
        _status(account, authorized=authorized, captured=captured, refunded=refunded, due=due),
        authorized,
        captured,
        refunded,
        done(account.transactions, Kind.VOID),
        due,
    )


def _status(account: Account, *, authorized: int, captured: int, refunded: int, due: int) -> PaymentStatus:
    if refunded:
        return PaymentStatus.REFUNDED if refunded >= captured else PaymentStatus.PARTIALLY_REFUNDED
    if captured:
        return PaymentStatus.PARTIALLY_PAID if authorized or due else PaymentStatus.PAID
    states = {intent.status for intent in account.intents}
    # A declined tender promises nothing; beside one that does it leaves the order's money unsettled.
    if "pending" in states or (authorized and "declined" in states):
        return PaymentStatus.PENDING
    if authorized:
        return PaymentStatus.AUTHORIZED
    if "expired" in states:
        return PaymentStatus.EXPIRED
    return PaymentStatus.VOIDED if "voided" in states else PaymentStatus.UNPAID
