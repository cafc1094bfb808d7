"""How a return goes on: decided, on its way, arrived, inspected, closed. Each locks the return first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from orderloom.plumbing.database import Db
from orderloom.returns import news, store
from orderloom.returns.inspection import sort_out, standing
from orderloom.returns.model import (
    Disposition,
    Fault,
    Finding,
    Illegal,
    Moved,
    Outcome,
    Refused,
    Return,
    Status,
)

# What may be done at which status; a status that is missing has ended.
ACTIONS: Mapping[Status, tuple[str, ...]] = {
    Status.REQUESTED: ("approve", "decline", "cancel"),
    Status.OPEN: ("set_off", "receive", "cancel", "expire"),
    Status.IN_TRANSIT: ("receive",),
    Status.PARTIALLY_RECEIVED: ("receive", "inspect", "close"),
    Status.RECEIVED: ("inspect",),
    Status.INSPECTED: ("inspect", "close"),
}


class NoSuchReturn(LookupError):
    """There is no return of that id."""


async def approve(db: Db, *, return_ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """Agree to take the goods back."""
    return await _all(db, return_ids, action="approve", to=Status.OPEN, kind="return.approved")


async def decline(db: Db, *, return_ids: Sequence[UUID], reason: str) -> dict[UUID, Outcome]:
    """Refuse to take the goods back."""
    return await _all(
        db, return_ids, action="decline", to=Status.DECLINED, kind="return.declined", reason=reason
    )


async def cancel(db: Db, *, return_ids: Sequence[UUID], reason: str) -> dict[UUID, Outcome]:
    """The buyer keeps the goods after all."""
    return await _all(
        db, return_ids, action="cancel", to=Status.CANCELLED, kind="return.cancelled", reason=reason
    )


async def expire(db: Db, *, return_ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """The goods never came."""
    return await _all(db, return_ids, action="expire", to=Status.EXPIRED, kind="return.expired")


async def set_off(db: Db, *, return_ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """A carrier has the goods. Told by parcel.status, so that the log does not say it twice."""
    return await _all(db, return_ids, action="set_off", to=Status.IN_TRANSIT, kind=None)


async def receive(db: Db, *, return_id: UUID, lines: Sequence[tuple[UUID, int]]) -> Outcome:
    """Goods have arrived: units by return line. Surplus is refused, for it belongs to no agreement."""
    held = await _locked(db, return_id)
    if "receive" not in ACTIONS.get(held.status, ()):
        return _illegal(held)
    rows = {line.id: line for line in (await store.lines_of(db, [return_id])).get(return_id, [])}
    faults: list[Fault] = []
    for i, (line_id, quantity) in enumerate(lines):
        line = rows.get(line_id)
        if line is None:
            faults.append(Fault(f"/lines/{i}/return_line_id", "unknown_line", "the return has no such line"))
        elif quantity <= 0 or line.received + quantity > line.quantity:
            left = line.quantity - line.received
            faults.append(
                Fault(f"/lines/{i}/quantity", "surplus", f"{left} are still to come, {quantity} named")
            )
        else:
            rows[line_id] = replace(line, received=line.received + quantity)
    if faults:
        return Refused(tuple(faults))
    await store.set_lines(db, [rows[line_id] for line_id in dict(lines)])
    data = {"lines": [{"return_line_id": str(line), "quantity": units} for line, units in lines]}
    status = standing(held.status, list(rows.values()))
    return await _move(db, held, to=status, kind="return.received", data=data)


async def inspect(db: Db, *, return_id: UUID, findings: Sequence[Finding]) -> Outcome:
    """Say what becomes of units that arrived; a line is split when its units differ."""
    held = await _locked(db, return_id)
    if "inspect" not in ACTIONS.get(held.status, ()):
        return _illegal(held)
    lines = (await store.lines_of(db, [return_id])).get(return_id, [])
    result = sort_out(lines=lines, findings=findings)
    if isinstance(result, Refused):
        return result
    await store.set_lines(db, result.changed)
    await store.add_lines(db, result.added)
    now_are = (await store.lines_of(db, [return_id]))[return_id]
    data = {
        "findings": [
            {
                "return_line_id": str(line.id),
                "quantity": line.quantity,
                "grade": line.grade,
                "disposition": line.disposition,
            }
            for line in (*result.changed, *result.added)
            if line.disposition is not None
        ]
    }
    return await _move(db, held, to=standing(held.status, now_are), kind="return.inspected", data=data)


async def close(db: Db, *, return_id: UUID) -> Outcome:
    """End the return. What never arrived is missing; what arrived must have been inspected."""
    held = await _locked(db, return_id)
    lines = (await store.lines_of(db, [return_id])).get(return_id, [])
    undecided = any(line.disposition is None and line.received > 0 for line in lines)
    if "close" not in ACTIONS.get(held.status, ()) or undecided:
        return _illegal(held, without="close")
    missing = [replace(line, disposition=Disposition.MISSING) for line in lines if line.disposition is None]
    await store.set_lines(db, missing)
    return await _move(db, held, to=Status.CLOSED, kind="return.closed", data={"missing": len(missing)})


async def price(db: Db, *, return_id: UUID, refunds: Mapping[UUID, int]) -> int:
    """Write what the payments rule gives back for each return line; returns the whole amount."""
    return await store.set_refunds(db, return_id, refunds)


async def _all(
    db: Db,
    return_ids: Sequence[UUID],
    *,
    action: str,
    to: Status,
    kind: str | None,
    reason: str | None = None,
) -> dict[UUID, Outcome]:
    held = await store.lock_returns(db, return_ids)
    if absent := set(return_ids) - held.keys():
        raise NoSuchReturn(", ".join(str(each) for each in sorted(absent)))
    ready = [each for each in held.values() if action in ACTIONS.get(each.status, ())]
    versions = await store.set_statuses(db, {each.id: to for each in ready})
    if kind is not None:
        await news.tell(db, kind, ready, versions=versions, reason=reason)
    moved = {i: Moved(return_id=i, status=to, version=version) for i, version in versions.items()}
    return {i: moved[i] if i in moved else _illegal(held[i]) for i in return_ids}


async def _locked(db: Db, return_id: UUID) -> Return:
    held = await store.lock_returns(db, [return_id])
    if return_id not in held:
        raise NoSuchReturn(str(return_id))
    return held[return_id]


async def _move(db: Db, held: Return, *, to: Status, kind: str, data: Mapping[str, object]) -> Moved:
    versions = await store.set_statuses(db, {held.id: to})
    await news.tell(db, kind, [held], versions=versions, data={**data, "status": to.value})
    return Moved(return_id=held.id, status=to, version=versions[held.id])


def _illegal(held: Return, *, without: str = "") -> Illegal:
    possible = tuple(action for action in ACTIONS.get(held.status, ()) if action != without)
    return Illegal(return_id=held.id, status=held.status, possible=possible)
