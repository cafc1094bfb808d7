"""Whether a line may come back, how much of it, and why not. Pure: facts in, verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from orderloom.returns.model import Asked, Fault, Policy, Sold, Verdict


def judge(*, policy: Policy, now: datetime, sold: Sequence[Sold]) -> tuple[Verdict, ...]:
    """What of these lines may be returned now."""
    return tuple(_verdict(policy, now, line) for line in sold)


def _verdict(policy: Policy, now: datetime, line: Sold) -> Verdict:
    until = line.delivered_at + timedelta(days=policy.window_days) if line.delivered_at else None
    left = max(0, line.delivered - line.returned)
    code, message = None, ""
    if final := line.tags & policy.final_sale_tags:
        code, message = "final_sale", f"sold as {', '.join(sorted(final))}: it cannot be returned"
    elif line.delivered <= 0 or until is None:
        code, message = "not_delivered", "not delivered yet: cancel it, or wait for the delivery"
    elif now > until:
        code = "window_closed"
        message = f"the {policy.window_days} days after delivery ended on {until.date().isoformat()}"
    elif left == 0:
        code, message = "already_returned", "every delivered unit is in a return already"
    return Verdict(
        line_id=line.line_id, returnable=0 if code else left, until=until, code=code, message=message
    )


def faults(*, policy: Policy, verdicts: Sequence[Verdict], asked: Sequence[Asked]) -> tuple[Fault, ...]:
    """Everything that speaks against what is asked; none means the return may be taken."""
    by_line = {verdict.line_id: verdict for verdict in verdicts}
    found: list[Fault] = [] if asked else [Fault("/lines", "empty", "name at least one line to return")]
    wanted: dict[UUID, int] = {}
    for i, ask in enumerate(asked):
        path = f"/lines/{i}"
        if ask.quantity <= 0:
            found.append(Fault(f"{path}/quantity", "not_positive", "return at least one unit"))
        if ask.reason not in policy.reasons:
            known = ", ".join(sorted(policy.reasons))
            found.append(Fault(f"{path}/reason", "unknown_reason", f"choose a reason of: {known}"))
        if ask.line_id is not None:
            wanted[ask.line_id] = wanted.get(ask.line_id, 0) + max(0, ask.quantity)
            found += _of_line(path, by_line, ask.line_id, wanted[ask.line_id])
        elif not ask.sku:
            found.append(Fault(f"{path}/sku", "missing", "name the order's line, or the item's SKU"))
    return tuple(found)


def _of_line(path: str, verdicts: Mapping[UUID, Verdict], line_id: UUID, wanted: int) -> list[Fault]:
    verdict = verdicts.get(line_id)
    if verdict is None:
        return [Fault(f"{path}/line_id", "unknown_line", "this order has no such line")]
    if verdict.code is not None:
        return [Fault(path, verdict.code, verdict.message)]
    if wanted > verdict.returnable:
        return [
            Fault(f"{path}/quantity", "too_many", f"{verdict.returnable} can be returned, {wanted} are asked")
        ]
    return []
