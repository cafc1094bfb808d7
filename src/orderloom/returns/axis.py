"""The return axis of an order, folded from its returns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orderloom.returns.model import VOID, Status

_UNDER_WAY = frozenset(
    {
        Status.OPEN,
        Status.IN_TRANSIT,
        Status.PARTIALLY_RECEIVED,
        Status.RECEIVED,
        Status.INSPECTED,
    }
)


def axis(*, returns: Sequence[tuple[Status, int]], delivered: int) -> str:
    """none, requested, open, partially_returned or returned.

    Takes each return's status and received units, and the order's delivered units. What is not ended comes first: an
    order with a return under way is open, even if another was closed before.
    """
    standing = [(status, received) for status, received in returns if status not in VOID]
    statuses = {status for status, _ in standing}
    if statuses & _UNDER_WAY:
        return "open"
    if Status.REQUESTED in statuses:
        return "requested"
    back = sum(received for _, received in standing)
    if back == 0:
        return "none"
    return "returned" if back >= delivered else "partially_returned"
