"""Authorise every tender of an order, before anything is picked for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.payments import asking, store
from orderloom.payments.asking import Answer, Wanted
from orderloom.payments.model import (
    Absent,
    Account,
    Approved,
    Authorized,
    Declined,
    GatewayCall,
    Intent,
    Kind,
    PaymentSummary,
    Refused,
    Tender,
)
from orderloom.payments.status import done, reckoned, summary
from orderloom.plumbing import events
from orderloom.plumbing.database import Db

# Refusals that another attempt may fare better with; the outcome is told from the row, which keeps the code alone.
RETRYABLE = frozenset({"try_again", "processing_error", "rate_limited"})


async def open_tenders(db: Db, *, tenders: Sequence[Tender], of_new_orders: bool = False) -> None:
    """Record the will to take money by these tenders; nought is never asked for (M4).

    A further tender for an order replaces its declined ones, which `of_new_orders` have not got. A repeat changes
    nothing.
    """
    real = [tender for tender in tenders if tender.amount > 0]
    if real and of_new_orders:
        await store.insert_new(db, real)
    elif real:
        await store.void_declined(db, real)
        await store.insert_intents(db, real)


async def prepare_authorizations(db: Db, *, order_ids: Sequence[UUID]) -> list[GatewayCall]:
    """Calls that authorise what these orders' tenders promise; those declined before are tried again.

    A promise that ran out is replaced by a new intent for what it had left: an intent is authorised at most once (M1).
    """
    known = await asking.accounts(db, order_ids, lock=True)
    if gone := [i.id for account in known.values() for i in account.intents if i.status == "expired"]:
        await store.insert_intents(db, [t for account in known.values() for t in _renewed(account)])
        await store.set_intent_status(db, [(intent_id, "voided") for intent_id in gone])
        known = await asking.accounts(db, order_ids, lock=True)
    wanted = [
        Wanted(
            subject=order_id, intent=intent, kind=Kind.AUTHORIZE, subject_id=order_id, amount=intent.amount
        )
        for order_id, account in known.items()
        for intent in account.intents
        if intent.status in {"pending", "declined"}
    ]
    return await asking.ask(db, wanted, known)


async def record_authorizations(
    db: Db, *, order_ids: Sequence[UUID], answers: Sequence[Answer]
) -> dict[UUID, Authorized | Declined]:
    """Store the answers. An order with a tender whose outcome is unknown is left out."""
    outcomes, _ = await settle_authorizations(db, order_ids=order_ids, answers=answers)
    return outcomes


async def settle_authorizations(
    db: Db, *, order_ids: Sequence[UUID], answers: Sequence[Answer]
) -> tuple[dict[UUID, Authorized | Declined], dict[UUID, PaymentSummary]]:
    """The same, and how the money of all these orders stands now."""
    fresh = await asking.settle(db, answers)
    await store.set_intent_status(
        db,
        [
            (call.intent_id, "authorized" if isinstance(answer, Approved) else "declined")
            for call, answer in fresh
        ],
    )
    told = []
    for call, answer in fresh:
        match answer:
            case Approved(reference):
                told.append(asking.news("authorized", call, reference=reference))
            case Refused(code, message):
                told.append(asking.news("declined", call, code=code, message=message))
            case Absent():
                raise AssertionError(call)  # only looking for a promise to release can end so
    await events.append(db, told)
    known = await asking.accounts(db, order_ids)
    retryable = {
        call.intent_id for call, answer in answers if isinstance(answer, Refused) and answer.retryable
    }
    await store.mark_unknown(
        db,
        [t.id for account in known.values() for t in account.transactions if _unanswered(t.kind, t.status)],
    )
    outcomes = {order_id: _outcome(account, retryable) for order_id, account in known.items()}
    return (
        {order_id: outcome for order_id, outcome in outcomes.items() if outcome is not None},
        {order_id: summary(account) for order_id, account in known.items()},
    )


def _renewed(account: Account) -> list[Tender]:
    last = max((intent.sequence for intent in account.intents), default=0)
    left = {
        intent: left_of_expired(account, intent) for intent in account.intents if intent.status == "expired"
    }
    return [
        Tender(
            order_id=intent.order_id,
            sequence=last + number,
            gateway=intent.gateway,
            method=intent.method,
            token=intent.token,
            amount=amount,
            currency=intent.currency,
        )
        for number, (intent, amount) in enumerate(left.items(), start=1)
        if amount > 0
    ]


def left_of_expired(account: Account, intent: Intent) -> int:
    """What a promise that ran out had left, and is asked for anew."""
    mine = account.of_intent[intent.id]
    return done(mine, Kind.AUTHORIZE) - reckoned(mine, Kind.CAPTURE)


def _unanswered(kind: str, status: str) -> bool:
    return kind == Kind.AUTHORIZE and status == "requested"


def _outcome(account: Account, retryable: set[UUID]) -> Authorized | Declined | None:
    promised = 0
    refusal: Declined | None = None
    for intent in account.intents:
        asked = asking.authorization_of(account, intent)
        if intent.status in ("voided", "replaced"):
            continue
        if asked is None or asked.open:
            return None
        if asked.status == "failed":
            again = intent.id in retryable or asked.code in RETRYABLE
            refusal = refusal or Declined(asked.code or "declined", asked.message or "", again)
        else:
            promised += asked.amount
    return refusal or Authorized(promised)
