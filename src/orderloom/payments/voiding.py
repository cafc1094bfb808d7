"""Give back every promise an order holds: at its cancellation, and for what will not ship."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from orderloom.payments import asking, store
from orderloom.payments.asking import Answer, Wanted
from orderloom.payments.model import (
    AUTHORIZATION_EXPIRED,
    Absent,
    Account,
    Approved,
    GatewayCall,
    Intent,
    Kind,
    Refused,
    Voided,
    VoidRefused,
)
from orderloom.payments.status import done, promised
from orderloom.plumbing import events
from orderloom.plumbing.database import Db

_CAPTURE_OPEN = VoidRefused(
    "capture_open",
    "a capture's outcome is unknown; what it leaves can be released once it is known",
    retryable=True,
)


async def prepare_voids(db: Db, *, order_ids: Sequence[UUID]) -> list[GatewayCall]:
    """Calls that release what is promised and not captured.

    An authorisation whose own outcome is unknown is looked for by its key first. One that was never asked for is
    given up without a call. Where a capture's outcome is unknown nothing is released yet.
    """
    known = await asking.accounts(db, order_ids, lock=True)
    await store.set_intent_status(
        db,
        [
            (intent.id, "voided")
            for account in known.values()
            for intent in account.intents
            if intent.status == "pending" and asking.authorization_of(account, intent) is None
        ],
    )
    wanted = [
        Wanted(subject=order_id, intent=intent, kind=Kind.VOID, subject_id=order_id, amount=amount)
        for order_id, account in known.items()
        for intent in account.intents
        if (amount := _to_release(account, intent)) > 0
    ]
    return await asking.ask(db, wanted, known)


def _to_release(account: Account, intent: Intent) -> int:
    mine = account.of_intent[intent.id]
    asked = asking.authorization_of(account, intent)
    if any(t.open and t.kind == Kind.CAPTURE for t in mine):
        return 0
    if asked is not None and asked.open:
        return asked.amount
    return promised(intent, mine)


async def record_voids(
    db: Db, *, order_ids: Sequence[UUID], answers: Sequence[Answer]
) -> dict[UUID, Voided | VoidRefused]:
    """Store the answers. An order with a release whose outcome is unknown is left out."""
    before = await asking.accounts(db, order_ids)
    await store.resolve(db, [r for answer in answers for r in _authorization_found(answer, before)])
    fresh = await asking.settle(db, answers)
    known = await asking.accounts(db, order_ids)
    await store.set_intent_status(db, [pair for answer in fresh for pair in _intent_after(answer, known)])
    await events.append(
        db, [asking.news("voided", call) for call, answer in fresh if isinstance(answer, Approved)]
    )
    known = await asking.accounts(db, order_ids)
    retryable = {call.transaction_id for call, a in answers if isinstance(a, Refused) and a.retryable}
    outcomes: dict[UUID, Voided | VoidRefused] = {}
    unanswered = []
    for order_id, account in known.items():
        mine = [t for t in account.transactions if t.kind == Kind.VOID]
        unanswered += [t.id for t in mine if t.status == "requested"]
        outcome = _outcome(account, retryable)
        if outcome is not None:
            outcomes[order_id] = outcome
    await store.mark_unknown(db, unanswered)
    return outcomes


def _authorization_found(answer: Answer, before: dict[UUID, Account]) -> list[store.Resolution]:
    """What looking for an unknown authorisation brought to light about it."""
    call, said = answer
    asked = next((t for t in before[call.order_id].transactions if t.key == call.authorization_key), None)
    if asked is None or not asked.open:
        return []
    if isinstance(said, Approved):
        return [
            store.Resolution(
                transaction_id=asked.id,
                status="succeeded",
                provider_ref=said.authorization or call.authorization,
            )
        ]
    if isinstance(said, Absent):
        return [store.Resolution(transaction_id=asked.id, status="failed", code="never_authorized")]
    return []


def _intent_after(answer: Answer, known: dict[UUID, Account]) -> list[tuple[UUID, str]]:
    call, said = answer
    mine = known[call.order_id].of_intent[call.intent_id]
    match said:
        case Approved():
            return [(call.intent_id, "captured" if done(mine, Kind.CAPTURE) else "voided")]
        case Absent():
            return [(call.intent_id, "voided")]
        case Refused(code) if code == AUTHORIZATION_EXPIRED:
            return [(call.intent_id, "expired")]
        case Refused():
            return []


def _outcome(account: Account, retryable: set[UUID]) -> Voided | VoidRefused | None:
    voids = [t for t in account.transactions if t.kind == Kind.VOID]
    if any(t.open for t in voids):
        return None
    for intent in account.intents:
        mine = account.of_intent[intent.id]
        if any(t.open and t.kind == Kind.CAPTURE for t in mine):
            return _CAPTURE_OPEN
        if promised(intent, mine) > 0 or any(t.open for t in mine if t.kind == Kind.AUTHORIZE):
            refused = next((t for t in voids if t.intent_id == intent.id and not t.counts), None)
            code, message = (
                (refused.code, refused.message)
                if refused
                else ("still_promised", "not every promise was released")
            )
            again = refused is None or refused.id in retryable
            return VoidRefused(code or "refused", message or "", again)
    return Voided(done(account.transactions, Kind.VOID))
