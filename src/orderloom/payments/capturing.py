"""Take the money for what left: each shipment its own charge, fixed once, captured from the tenders in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from orderloom.payments import asking, ledger, store
from orderloom.payments.asking import Answer, Wanted
from orderloom.payments.charge import shipment, split, total
from orderloom.payments.model import (
    AUTHORIZATION_EXPIRED,
    Account,
    Approved,
    BillLine,
    Breakdown,
    Captured,
    CaptureRefused,
    Charge,
    GatewayCall,
    Intent,
    Kind,
    Refused,
    Shipped,
    Transaction,
)
from orderloom.payments.status import promised
from orderloom.plumbing import events
from orderloom.plumbing.database import Db


async def charges_for(
    db: Db,
    *,
    shipped: Sequence[Shipped],
    bills: Mapping[UUID, Mapping[UUID, BillLine]],
    currency: Mapping[UUID, str],
) -> list[Charge]:
    """What these shipments charge, and fix it. A shipment charged before keeps the charge it had.

    `bills` is `charge.bill` of each order. Lines' units are charged in the order their shipments come here.
    """
    known = await store.charges_of_shipments(db, [one.shipment_id for one in shipped])
    charged: dict[UUID, int] = {}
    for _, part in await store.charge_lines_of(db, {one.order_id for one in shipped}):
        charged[part.line_id] = max(charged.get(part.line_id, 0), part.last)
    charges = []
    for one in shipped:
        if one.shipment_id in known:
            money, unit = known[one.shipment_id]
            charges.append(_charge(one, money, unit))
            continue
        parts = shipment(billed=bills[one.order_id], charged=charged, units=one.units)
        charged |= {part.line_id: part.last for part in parts}
        money = total(part.money for part in parts)
        charges.append(replace(_charge(one, money, currency[one.order_id]), lines=parts))
    await _fix(db, charges)
    return charges


async def prepare_captures(db: Db, *, charges: Sequence[Charge]) -> list[GatewayCall]:
    """Calls that capture these charges, split over the order's tenders by what each still promises."""
    await _fix(db, charges)
    fixed = await store.charges_of_shipments(db, [c.shipment_id for c in charges])
    known = await asking.accounts(db, {c.order_id for c in charges}, lock=True)
    purses = {
        intent.id: promised(intent, account.of_intent[intent.id])
        for account in known.values()
        for intent in account.intents
        if intent.status != "replaced"
    }
    wanted: list[Wanted] = []
    for charge in charges:
        money, _ = fixed[charge.shipment_id]
        wanted += _plan(charge, money.total, known[charge.order_id], purses)
    return await asking.ask(db, wanted, known)


def _plan(charge: Charge, amount: int, account: Account, purses: dict[UUID, int]) -> list[Wanted]:
    """Ask again for what is open, and take what no operation stands for yet from the purses, which it empties."""
    before = {t.intent_id: t for t in account.transactions if _is_of(t, charge.shipment_id) and t.counts}
    rest = amount - sum(t.amount for t in before.values())
    fresh = [intent for intent in account.intents if intent.id not in before]
    parts = dict(zip([i.id for i in fresh], split(rest, [purses.get(i.id, 0) for i in fresh]), strict=True))
    wanted = []
    for intent in account.intents:
        part = parts.get(intent.id, 0)
        if intent.id not in before and part == 0:
            continue
        purses[intent.id] = left = purses.get(intent.id, 0) - part
        wanted.append(_wanted(charge, intent, part, left=left))
    return wanted


def _wanted(charge: Charge, intent: Intent, amount: int, *, left: int) -> Wanted:
    return Wanted(
        subject=charge.subject,
        intent=intent,
        kind=Kind.CAPTURE,
        subject_id=charge.shipment_id,
        amount=amount,
        left=left,
    )


async def record_captures(
    db: Db, *, charges: Sequence[Charge], answers: Sequence[Answer]
) -> dict[UUID, Captured | CaptureRefused]:
    """Store the answers and post them. A shipment with a capture whose outcome is unknown is left out."""
    fresh = await asking.settle(db, answers)
    known = await asking.accounts(db, {c.order_id for c in charges})
    await store.set_intent_status(db, _intents_after(fresh, known))
    paid = [call for call, answer in fresh if isinstance(answer, Approved)]
    await store.post(db, [entry for call in paid for entry in ledger.cash_in(call)])
    shipment_of = {t.id: t.subject_id for account in known.values() for t in account.transactions}
    await events.append(
        db, [asking.news("captured", c, shipment_id=str(shipment_of[c.transaction_id])) for c in paid]
    )
    retryable = {call.transaction_id for call, a in answers if isinstance(a, Refused) and a.retryable}
    outcomes: dict[UUID, Captured | CaptureRefused] = {}
    unanswered: list[UUID] = []
    fixed = await store.charges_of_shipments(db, [c.shipment_id for c in charges])
    for charge in charges:
        mine = [t for t in known[charge.order_id].transactions if _is_of(t, charge.shipment_id)]
        unanswered += [t.id for t in mine if t.status == "requested"]
        outcome = _outcome(fixed[charge.shipment_id][0].total, mine, retryable)
        if outcome is not None:
            outcomes[charge.subject] = outcome
    await store.mark_unknown(db, unanswered)
    # The debt stands from the moment the shipment is settled with its tenders, whether or not they covered it.
    await store.post(
        db,
        [
            entry
            for charge in charges
            if isinstance(outcomes.get(charge.subject), Captured)
            for entry in ledger.revenue(
                order_id=charge.order_id,
                shipment_id=charge.shipment_id,
                money=fixed[charge.shipment_id][0],
                currency=charge.currency,
            )
        ],
    )
    return outcomes


def _intents_after(fresh: Sequence[Answer], known: dict[UUID, Account]) -> list[tuple[UUID, str]]:
    """Where intents stand: captured when nothing is promised any more, expired when the gateway says so."""
    intents = {intent.id: intent for account in known.values() for intent in account.intents}
    after = []
    for call, answer in fresh:
        intent = intents[call.intent_id]
        mine = known[call.order_id].of_intent[intent.id]
        if isinstance(answer, Refused) and answer.code == AUTHORIZATION_EXPIRED:
            after.append((intent.id, "expired"))
        elif isinstance(answer, Approved) and not any(t.open for t in mine) and promised(intent, mine) == 0:
            after.append((intent.id, "captured"))
    return after


def _outcome(
    amount: int, mine: Sequence[Transaction], retryable: set[UUID]
) -> Captured | CaptureRefused | None:
    if any(t.open for t in mine):
        return None
    captured = sum(t.amount for t in mine if t.counts)
    for refused in (t for t in mine if not t.counts):
        if captured < amount:
            return CaptureRefused(refused.code or "refused", refused.message or "", refused.id in retryable)
    return Captured(captured, amount - captured)


def _is_of(transaction: Transaction, shipment_id: UUID) -> bool:
    return transaction.kind == Kind.CAPTURE and transaction.subject_id == shipment_id


def _charge(one: Shipped, money: Breakdown, currency: str) -> Charge:
    return Charge(
        subject=one.subject,
        order_id=one.order_id,
        shipment_id=one.shipment_id,
        amount=money.total,
        breakdown=money,
        currency=currency,
    )


async def _fix(db: Db, charges: Sequence[Charge]) -> None:
    new = await store.insert_charges(db, charges)
    parts = [
        (charge.shipment_id, part) for charge in charges if charge.shipment_id in new for part in charge.lines
    ]
    await store.insert_charge_lines(db, parts)
