"""How a return begins: asked for by line, or found at a node's dock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.plumbing.events import acting
from orderloom.returns import news, store
from orderloom.returns.model import (
    Asked,
    NewReturn,
    Policy,
    Refused,
    Requested,
    Return,
    ReturnLine,
    Sold,
    Status,
    Verdict,
)
from orderloom.returns.policy import faults, judge
from orderloom.terms import new_id


async def request(
    db: Db,
    *,
    order_id: UUID | None,
    node_id: UUID,
    currency: str,
    sold: Sequence[Sold],
    lines: Sequence[Asked],
    now: datetime,
    key: str | None = None,
    note: str | None = None,
    needs_label: bool = True,
    policy: Policy | None = None,
) -> Requested | Refused:
    """Ask for goods to be taken back to a node; nothing is stored when a single line is not eligible.

    `sold` are the order's lines with what was delivered of them; what standing returns have taken is counted here.
    The same key gives the same return again.
    """
    rules = policy or Policy()
    if (before := await _repeated(db, order_id, key)) is not None:
        return before
    verdicts = judge(policy=rules, now=now, sold=await _counted(db, sold))
    if wrong := faults(policy=rules, verdicts=verdicts, asked=lines):
        return Refused(wrong)
    skus = {line.line_id: line.sku for line in sold}
    stored = await _store(
        db,
        order_id=order_id,
        node_id=node_id,
        currency=currency,
        key=key,
        note=note,
        needs_label=needs_label,
        eligibility=_record(rules, verdicts),
        status=Status.REQUESTED,
        lines=[(ask, skus[ask.line_id] if ask.line_id else ask.sku, 0) for ask in lines],
    )
    await news.tell(db, "return.requested", [stored], data={"lines": [_plain(ask) for ask in lines]})
    return Requested(return_id=stored.id, number=stored.number, status=stored.status)


async def receive_blind(
    db: Db,
    *,
    node_id: UUID,
    currency: str,
    lines: Sequence[Asked],
    order_id: UUID | None = None,
    sold: Sequence[Sold] = (),
    key: str | None = None,
    note: str | None = None,
) -> Requested | Refused:
    """Goods came without a request: the return starts at received. The window does not matter, the quantity does."""
    if (before := await _repeated(db, order_id, key)) is not None:
        return before
    counted = await _counted(db, sold)
    verdicts = tuple(
        Verdict(line_id=line.line_id, returnable=max(0, line.delivered - line.returned), until=None)
        for line in counted
    )
    rules = Policy()
    if wrong := faults(policy=rules, verdicts=verdicts, asked=lines):
        return Refused(wrong)
    skus = {line.line_id: line.sku for line in sold}
    stored = await _store(
        db,
        order_id=order_id,
        node_id=node_id,
        currency=currency,
        key=key,
        note=note,
        needs_label=False,
        eligibility={"blind": True},
        status=Status.RECEIVED,
        lines=[(ask, skus[ask.line_id] if ask.line_id else ask.sku, ask.quantity) for ask in lines],
    )
    await news.tell(
        db, "return.received", [stored], data={"blind": True, "lines": [_plain(ask) for ask in lines]}
    )
    return Requested(return_id=stored.id, number=stored.number, status=stored.status)


async def _repeated(db: Db, order_id: UUID | None, key: str | None) -> Requested | None:
    if order_id is not None:
        await store.lock_order(db, order_id)
    before = await store.by_key(db, key) if key is not None else None
    if before is None:
        return None
    return Requested(return_id=before.id, number=before.number, status=before.status, repeated=True)


async def _counted(db: Db, sold: Sequence[Sold]) -> list[Sold]:
    taken = await store.taken_of(db, [line.line_id for line in sold])
    return [replace(line, returned=line.returned + taken.get(line.line_id, 0)) for line in sold]


async def _store(
    db: Db,
    *,
    order_id: UUID | None,
    node_id: UUID,
    currency: str,
    key: str | None,
    note: str | None,
    needs_label: bool,
    eligibility: dict[str, object],
    status: Status,
    lines: Sequence[tuple[Asked, str, int]],
) -> Return:
    return_id = new_id()
    new = NewReturn(
        id=return_id,
        order_id=order_id,
        node_id=node_id,
        status=status,
        requested_by=acting.get().name,
        request_key=key,
        note=note,
        needs_label=needs_label,
        currency=currency,
        eligibility=eligibility,
        # Lines are read back by id: sorted ids keep the order in which they were asked for.
        lines=[
            ReturnLine(
                id=line_id,
                return_id=return_id,
                line_id=ask.line_id,
                sku=sku,
                quantity=ask.quantity,
                received=received,
                reason=ask.reason,
            )
            for line_id, (ask, sku, received) in zip(sorted(new_id() for _ in lines), lines, strict=True)
        ],
    )
    return await store.add_return(db, new)


def _record(policy: Policy, verdicts: Sequence[Verdict]) -> dict[str, object]:
    """The judgement as it is kept with the return."""
    return {
        "window_days": policy.window_days,
        "lines": [
            {
                "line_id": str(v.line_id),
                "returnable": v.returnable,
                "until": v.until.isoformat() if v.until else None,
                "code": v.code,
            }
            for v in verdicts
        ],
    }


def _plain(ask: Asked) -> dict[str, Any]:
    return {
        "line_id": str(ask.line_id) if ask.line_id else None,
        "sku": ask.sku or None,
        "quantity": ask.quantity,
        "reason": ask.reason,
        "note": ask.note,
    }
