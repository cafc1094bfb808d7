"""Give money back: decided and bounded under a lock, then paid over the tenders it was captured from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom.payments import asking, ledger, store
from orderloom.payments.asking import Answer, Wanted
from orderloom.payments.charge import NotSoMany, coming_back, split, total
from orderloom.payments.model import (
    Account,
    Approved,
    Breakdown,
    GatewayCall,
    Kind,
    Refund,
    RefundDue,
    Refunded,
    RefundFailed,
    RefundRefused,
    RefundRequested,
    Refused,
    Transaction,
    UnitsCharged,
)
from orderloom.payments.status import done, refundable
from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.terms import apportion, new_id


@dataclass(frozen=True, slots=True)
class Quote:
    """What giving units back would pay back, by line and by account."""

    money: Breakdown
    lines: Mapping[UUID, Breakdown]


async def quote_refund(db: Db, *, order_id: UUID, units: Mapping[UUID, int]) -> Quote:
    """What was charged for these units, the next ones of each line to come back. Raises NotSoMany."""
    parts = await _units(db, order_id, units)
    return Quote(total(part.money for part in parts), {part.line_id: part.money for part in parts})


async def request_refund(
    db: Db,
    *,
    order_id: UUID,
    amount: int | None,
    reason: str,
    return_id: UUID | None,
    key: str,
    units: Mapping[UUID, int] | None = None,
) -> RefundRequested | RefundRefused:
    """Decide a refund. Together refunds never exceed what was captured; the same key never makes two.

    With `units` (by line) it is for goods coming back, bounded by what was charged for them, and without an
    `amount` exactly that. Without `units` it is money given for its own sake.
    """
    known = (await asking.accounts(db, [order_id], lock=True))[order_id]
    room = refundable(known.transactions) - await _promised_back(db, order_id, known)
    before = await store.refund_by_key(db, key)
    if before is not None:
        return _repeated(before, order_id, amount, room)
    try:
        parts = await _units(db, order_id, units or {})
    except NotSoMany as many:
        return RefundRefused("not_charged", str(many), room)
    quoted = total(part.money for part in parts).total
    wanted = quoted if amount is None else amount
    if refusal := _excess(wanted, quoted=quoted if units else None, room=room):
        return refusal
    refund = Refund(
        new_id(),
        order_id,
        return_id,
        wanted,
        known.intents[0].currency,
        reason,
        events.acting.get().name,
        key,
    )
    if not await store.insert_refund(db, refund):
        return RefundRefused("key_reused", "this request key belongs to another order's refund", room)
    shares = apportion(wanted, [part.money.total for part in parts])
    await store.insert_refund_lines(db, refund.id, parts, shares)
    return RefundRequested(refund.id, wanted)


async def refunds_of_returns(db: Db, *, returns: Sequence[UUID]) -> list[RefundDue]:
    """The refunds these returns led to, each due to its return's journey."""
    found = await store.refunds_of_returns(db, returns)
    return [RefundDue(subject=back, refund_id=refund) for back, refund in found.items()]


async def prepare_refunds(db: Db, *, refunds: Sequence[RefundDue]) -> list[GatewayCall]:
    """Calls that pay these refunds back, split over the order's tenders by what each was captured for."""
    rows = await store.refunds_by_id(db, [due.refund_id for due in refunds])
    known = await asking.accounts(db, {row.order_id for row in rows.values()}, lock=True)
    purses = {
        intent.id: refundable(account.of_intent[intent.id])
        for account in known.values()
        for intent in account.intents
    }
    wanted: list[Wanted] = []
    for due in refunds:
        refund = rows[due.refund_id]
        wanted += _plan(due, refund, known[refund.order_id], purses)
    return await asking.ask(db, wanted, known)


def _plan(due: RefundDue, refund: Refund, account: Account, purses: dict[UUID, int]) -> list[Wanted]:
    before = {t.intent_id: t for t in account.transactions if _is_of(t, refund.id) and t.counts}
    fresh = [intent for intent in account.intents if intent.id not in before]
    rest = refund.amount - sum(t.amount for t in before.values())
    parts = dict(zip([i.id for i in fresh], split(rest, [purses[i.id] for i in fresh]), strict=True))
    wanted = []
    for intent in account.intents:
        part = parts.get(intent.id, 0)
        if intent.id in before or part > 0:
            purses[intent.id] -= part
            wanted.append(
                Wanted(
                    subject=due.subject, intent=intent, kind=Kind.REFUND, subject_id=refund.id, amount=part
                )
            )
    return wanted


async def record_refunds(
    db: Db, *, refunds: Sequence[RefundDue], answers: Sequence[Answer]
) -> dict[UUID, Refunded | RefundFailed]:
    """Store the answers and post them. A refund with a payment whose outcome is unknown is left out."""
    fresh = await asking.settle(db, answers)
    rows = await store.refunds_by_id(db, [due.refund_id for due in refunds])
    known = await asking.accounts(db, {row.order_id for row in rows.values()})
    paid = [call for call, answer in fresh if isinstance(answer, Approved)]
    await store.post(db, [entry for call in paid for entry in ledger.cash_out(call)])
    refund_of = {t.id: t.subject_id for account in known.values() for t in account.transactions}
    await events.append(
        db, [asking.news("refunded", c, refund_id=str(refund_of[c.transaction_id])) for c in paid]
    )
    retryable = {call.transaction_id for call, a in answers if isinstance(a, Refused) and a.retryable}
    outcomes: dict[UUID, Refunded | RefundFailed] = {}
    unanswered: list[UUID] = []
    for due in refunds:
        refund = rows[due.refund_id]
        mine = [t for t in known[refund.order_id].transactions if _is_of(t, refund.id)]
        unanswered += [t.id for t in mine if t.status == "requested"]
        if not any(t.open for t in mine):
            outcomes[due.subject] = _outcome(refund, mine, retryable)
    await store.mark_unknown(db, unanswered)
    return outcomes


def _outcome(refund: Refund, mine: Sequence[Transaction], retryable: set[UUID]) -> Refunded | RefundFailed:
    paid = done(mine, Kind.REFUND)
    if paid == refund.amount:
        return Refunded(paid)
    refused = next((t for t in mine if not t.counts), None)
    if refused is None:
        return RefundFailed("exceeds_captured", "no tender has that much left to give back", False, paid)
    return RefundFailed(refused.code or "refused", refused.message or "", refused.id in retryable, paid)


async def _promised_back(db: Db, order_id: UUID, known: Account) -> int:
    """Refunds decided and not yet asked of a gateway: their money is spoken for, unless the gateway refused it."""
    asked = [t for t in known.transactions if t.kind == Kind.REFUND]
    begun = {t.subject_id for t in asked}
    return sum(refund.amount for refund in await store.refunds_of(db, order_id) if refund.id not in begun)


async def _units(db: Db, order_id: UUID, units: Mapping[UUID, int]) -> tuple[UnitsCharged, ...]:
    if not units:
        return ()
    parts = [part for _, part in await store.charge_lines_of(db, [order_id])]
    return coming_back(parts=parts, refunded=await store.units_refunded(db, order_id), units=units)


def _excess(wanted: int, *, quoted: int | None, room: int) -> RefundRefused | None:
    if wanted <= 0:
        return RefundRefused("nothing_to_refund", "a refund is of more than nought", room)
    if quoted is not None and wanted > quoted:
        return RefundRefused("exceeds_charged", f"these units were charged {quoted}, not {wanted}", quoted)
    if wanted > room:
        return RefundRefused("exceeds_captured", f"{room} of what was captured can be refunded", max(0, room))
    return None


def _repeated(
    before: Refund, order_id: UUID, amount: int | None, room: int
) -> RefundRequested | RefundRefused:
    if before.order_id == order_id and amount in {None, before.amount}:
        return RefundRequested(before.id, before.amount, duplicate=True)
    return RefundRefused("key_reused", "the same request key came before with another refund", room)


def _is_of(transaction: Transaction, refund_id: UUID) -> bool:
    return transaction.kind == Kind.REFUND and transaction.subject_id == refund_id
