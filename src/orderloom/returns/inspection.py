"""What findings make of a return's lines: units that share a fate share a row. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from orderloom.returns.model import (
    PASSING,
    Disposition,
    Fault,
    Finding,
    Refused,
    ReturnLine,
    Sorted,
    Status,
)
from orderloom.terms import apportion, new_id


def sort_out(*, lines: Sequence[ReturnLine], findings: Sequence[Finding]) -> Sorted | Refused:
    """Split the lines as the findings say; nothing changes when one of them cannot be."""
    by_id = {line.id: line for line in lines}
    faults: list[Fault] = []
    told: dict[UUID, list[Finding]] = {}
    for i, finding in enumerate(findings):
        if finding.return_line_id not in by_id:
            faults.append(Fault(f"/lines/{i}/return_line_id", "unknown_line", "the return has no such line"))
        else:
            told.setdefault(finding.return_line_id, []).append(finding)
    changed: list[ReturnLine] = []
    added: list[ReturnLine] = []
    for line_id, of_line in told.items():
        parts = _split(by_id[line_id], of_line)
        if isinstance(parts, Fault):
            faults.append(parts)
        else:
            changed.append(parts[0])
            added += parts[1:]
    return Refused(tuple(faults)) if faults else Sorted(tuple(changed), tuple(added))


def _split(line: ReturnLine, findings: Sequence[Finding]) -> list[ReturnLine] | Fault:
    if line.disposition is not None and line.disposition not in PASSING:
        return Fault(
            f"/lines/{line.id}", "already_decided", f"these units are {line.disposition.value} already"
        )
    here, absent = line.received, line.quantity - line.received
    parts: list[tuple[Finding, int]] = []
    for finding in findings:
        missing = finding.disposition is Disposition.MISSING
        most = absent if missing else here
        quantity = most if finding.quantity is None else finding.quantity
        if not 0 < quantity <= most:
            what = "have not arrived" if missing else "have arrived and are not decided"
            return Fault(f"/lines/{line.id}/quantity", "too_many", f"{most} {what}, {quantity} are named")
        parts.append((finding, quantity))
        here, absent = (here, absent - quantity) if missing else (here - quantity, absent)
    rest = here + absent
    # The line's own id stays with what is still to come or to be judged, for that is what others will name.
    sizes = ([rest] if rest else []) + [quantity for _, quantity in parts]
    refunds = apportion(line.refund, sizes)
    rows = [replace(line, quantity=rest, received=here)] if rest else []
    rows += [
        replace(
            line,
            id=new_id(),
            quantity=quantity,
            received=0 if finding.disposition is Disposition.MISSING else quantity,
            grade=finding.grade,
            disposition=finding.disposition,
            restocked=False,
        )
        for finding, quantity in parts
    ]
    rows[0] = replace(rows[0], id=line.id)
    return [replace(row, refund=refund) for row, refund in zip(rows, refunds, strict=True)]


def standing(status: Status, lines: Sequence[ReturnLine]) -> Status:
    """The status of a return that has begun to arrive, from what arrived and what was decided."""
    undecided = any(line.disposition is None and line.received > 0 for line in lines)
    absent = any(line.disposition is None and line.received < line.quantity for line in lines)
    arrived = any(line.received > 0 for line in lines)
    if absent:
        return Status.PARTIALLY_RECEIVED if arrived else status
    return Status.RECEIVED if undecided else Status.INSPECTED
