"""A gateway that keeps its books in memory, and how an outward step of payments runs against it."""

from collections import deque
from dataclasses import replace
from uuid import UUID

from orderloom.payments import (
    open_tenders,
    perform,
    prepare_authorizations,
    prepare_captures,
    prepare_refunds,
    prepare_voids,
    record_authorizations,
    record_captures,
    record_refunds,
    record_voids,
)
from orderloom.payments.model import Absent, Approved, GatewayCall, RefundDue, Refused, Tender
from orderloom.plumbing.http import Unavailable
from orderloom.terms import new_id


class Purse:
    """Does what it is asked, once a key. `script` holds faults for the next calls: a Refused, "lost" or "never"."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[GatewayCall, Approved | Refused]] = {}
        self.script: deque[Refused | str] = deque()
        self.finds = 0

    async def _do(self, call: GatewayCall) -> Approved | Refused:
        if call.key in self.done:
            return self.done[call.key][1]
        fault = self.script.popleft() if self.script else None
        if fault == "never":
            raise Unavailable("no answer")
        answer = fault if isinstance(fault, Refused) else Approved(f"{call.kind}-{new_id().hex}", call.amount)
        self.done[call.key] = (call, answer)
        if fault == "lost":
            raise Unavailable("half an answer")
        return answer

    authorize = capture = void = refund = _do

    async def find(self, call: GatewayCall) -> Approved | Refused | Absent:
        self.finds += 1
        return self.done[call.key][1] if call.key in self.done else Absent()

    def moved(self, kind: str) -> list[int]:
        """The amounts that went through, of a kind."""
        return [c.amount for c, a in self.done.values() if c.kind == kind and isinstance(a, Approved)]


async def made(calls, purse):
    """The answers that came, as the runner gathers them: an unavailable gateway leaves its call out."""
    answers = []
    for call in calls:
        try:
            answers.append((call, await perform(call, gateway=purse)))
        except Unavailable:
            continue
    return answers


async def tender(db, order: UUID, *amounts: int, sequence: int = 1) -> None:
    await open_tenders(
        db,
        tenders=[
            Tender(
                order_id=order,
                sequence=sequence + i,
                gateway="sandbox",
                method="card",
                token=f"tok_{i}",
                amount=amount,
                currency="USD",
            )
            for i, amount in enumerate(amounts)
        ],
    )


async def authorize(db, purse, *orders):
    answers = await made(await prepare_authorizations(db, order_ids=orders), purse)
    return await record_authorizations(db, order_ids=orders, answers=answers)


async def capture(db, purse, *charges):
    answers = await made(await prepare_captures(db, charges=charges), purse)
    return await record_captures(db, charges=charges, answers=answers)


async def void(db, purse, *orders):
    answers = await made(await prepare_voids(db, order_ids=orders), purse)
    return await record_voids(db, order_ids=orders, answers=answers)


async def refund(db, purse, refund_id):
    due = [RefundDue(subject=refund_id, refund_id=refund_id)]
    answers = await made(await prepare_refunds(db, refunds=due), purse)
    return (await record_refunds(db, refunds=due, answers=answers)).get(refund_id)


def unsure(call):
    return replace(call, unsure=True)
