"""Intents before calls, effects after answers: what every outward step of payments has in common (M8).

An operation is a row with a key that is written before the gateway is called. Prepared again, a row whose outcome
nobody knows becomes an unsure call under the same key; a plainly refused one is asked again under the next key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from orderloom.payments import store
from orderloom.payments.keys import first_key, next_key
from orderloom.payments.model import (
    Absent,
    Account,
    Approved,
    GatewayAnswer,
    GatewayCall,
    Intent,
    Kind,
    Refused,
    Transaction,
)
from orderloom.plumbing.database import Db, new_ids
from orderloom.plumbing.events import News

Answer: TypeAlias = tuple[GatewayCall, GatewayAnswer]


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Wanted:
    """An operation a step wants done; `amount` is that of its first asking, an open row keeps its own.

    Never changed, and not frozen: a set makes hundreds.
    """

    subject: UUID
    intent: Intent
    kind: Kind
    subject_id: UUID
    amount: int
    left: int = 0


async def accounts(db: Db, order_ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Account]:
    """The money of these orders; locked, nothing else asks for it until the caller's transaction ends."""
    orders = set(order_ids)
    intents = await (store.lock_intents if lock else store.intents_of)(db, orders)
    transactions = await store.transactions_of(db, orders)
    charged = await store.charged_by_order(db, orders)
    mine: dict[UUID, tuple[list[Intent], list[Transaction]]] = {order: ([], []) for order in orders}
    for intent in intents:
        mine[intent.order_id][0].append(intent)
    for transaction in transactions:
        mine[transaction.order_id][1].append(transaction)
    return {
        order: Account(tuple(purses), tuple(moves), charged.get(order, 0))
        for order, (purses, moves) in mine.items()
    }


async def ask(db: Db, wanted: Sequence[Wanted], known: dict[UUID, Account]) -> list[GatewayCall]:
    """Write what is wanted as requested, and return the calls that make it so. What succeeded asks for nothing.

    `known` was read with its intents locked: nobody else has asked for any of it since.
    """
    calls: list[GatewayCall] = []
    first: dict[str, tuple[Wanted, store.NewTransaction]] = {}
    again: dict[str, tuple[Wanted, store.NewTransaction]] = {}
    for want, id_ in zip(wanted, new_ids(len(wanted)), strict=True):
        before = _before(want, known[want.intent.order_id])
        if before is None:
            row = _new(
                want, id_, first_key(intent_id=want.intent.id, kind=want.kind, subject_id=want.subject_id)
            )
            first[row.key] = (want, row)
        elif before.open:
            calls.append(_call(want, before.id, before.key, before.amount, known, unsure=True))
        elif before.status == "failed":
            row = _new(want, before.id, next_key(intent_id=want.intent.id, refused=before.key))
            again[row.key] = (want, row)
    await store.request(db, [row for _, row in first.values()])
    await store.request_again(db, [row for _, row in again.values()])
    return calls + [
        _call(want, row.id, row.key, row.amount, known, unsure=False)
        for want, row in (*first.values(), *again.values())
    ]


async def settle(db: Db, answers: Sequence[Answer]) -> list[Answer]:
    """Store what the gateway said; returns the answers that were news, whose effects are still to follow."""
    written = await store.resolve(db, [_resolution(call, answer) for call, answer in answers])
    return [(call, answer) for call, answer in answers if call.transaction_id in written]


def news(kind: str, call: GatewayCall, **more: object) -> News:
    """An event of one payment."""
    data = {"gateway": call.provider, "method": call.method, "amount": call.amount, "currency": call.currency}
    return News(f"payment.{kind}", "payment", call.intent_id, order_id=call.order_id, data=data | more)


def authorization_of(account: Account, intent: Intent) -> Transaction | None:
    """The operation by which an intent was, or may have been, authorised."""
    mine = [t for t in account.of_intent[intent.id] if t.kind == Kind.AUTHORIZE]
    return mine[-1] if mine else None


def _before(want: Wanted, account: Account) -> Transaction | None:
    for transaction in account.of_intent[want.intent.id]:
        if transaction.kind == want.kind and transaction.subject_id == want.subject_id:
            return transaction
    return None


def _new(want: Wanted, id_: UUID, key: str) -> store.NewTransaction:
    intent = want.intent
    return store.NewTransaction(
        id=id_,
        intent_id=intent.id,
        order_id=intent.order_id,
        kind=want.kind,
        subject_id=want.subject_id,
        amount=want.amount,
        currency=intent.currency,
        key=key,
    )


def _call(
    want: Wanted, transaction_id: UUID, key: str, amount: int, known: dict[UUID, Account], *, unsure: bool
) -> GatewayCall:
    intent = want.intent
    promise = authorization_of(known[intent.order_id], intent)
    return GatewayCall(
        subject=want.subject,
        provider=intent.gateway,
        kind=want.kind,
        transaction_id=transaction_id,
        intent_id=intent.id,
        order_id=intent.order_id,
        key=key,
        amount=amount,
        currency=intent.currency,
        method=intent.method,
        token=intent.token,
        authorization=promise.provider_ref if promise else None,
        authorization_key=promise.key if promise else None,
        left=want.left,
        unsure=unsure,
    )


def _resolution(call: GatewayCall, answer: GatewayAnswer) -> store.Resolution:
    match answer:
        case Approved(reference):
            return store.Resolution(
                transaction_id=call.transaction_id, status="succeeded", provider_ref=reference
            )
        case Refused(code, message):
            return store.Resolution(
                transaction_id=call.transaction_id, status="failed", code=code, message=message
            )
        case Absent():
            return store.Resolution(
                transaction_id=call.transaction_id,
                status="failed",
                code="never_authorized",
                message="the gateway never heard of the authorization",
            )
