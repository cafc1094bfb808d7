"""Where a parcel stands: a function of the set of its events, whatever the order in which they reached us."""

from __future__ import annotations

from collections.abc import Iterable

from orderloom.delivery.model import Aside, ParcelState, Scan, Status

# The carrier has touched the parcel. An exception alone does not show it: a label may be refused unseen.
_MOVING = frozenset(
    {
        Status.IN_TRANSIT,
        Status.OUT_FOR_DELIVERY,
        Status.ATTEMPT_FAILED,
        Status.AVAILABLE_FOR_PICKUP,
        Status.DELIVERED,
        Status.RETURN_TO_SENDER,
    }
)
# Paper, not movement: never puts a parcel back once it has moved.
_PAPER = frozenset({Status.PENDING, Status.INFO_RECEIVED})
# Which of two events of the same moment counts as the later one.
_PRECEDENCE = {status: i for i, status in enumerate(Status)}


def status(scans: Iterable[Scan]) -> ParcelState:
    """Fold the events.

    Delivered is final: only an explicit correction at or after it, or a return to the sender before it (then the
    sender got it, not the buyer), takes it back. Otherwise the event that happened last decides, except that paper
    never follows movement.
    """
    told = set(scans)
    read = [scan for scan in told if scan.status in _PRECEDENCE]
    read.sort(key=lambda scan: (scan.occurred_at, _PRECEDENCE[Status(scan.status)], scan.code))
    counted = _without_undelivered(read, told)
    if not told:
        return ParcelState()
    moved = [scan for scan in counted if scan.status in _MOVING]
    delivered = [scan for scan in counted if scan.status == Status.DELIVERED]
    return ParcelState(
        status=_standing(counted, moved, delivered),
        first_scan_at=moved[0].occurred_at if moved else None,
        last_event_at=max(scan.occurred_at for scan in told),
        delivered_at=delivered[0].occurred_at if delivered else None,
    )


def _without_undelivered(read: list[Scan], told: set[Scan]) -> list[Scan]:
    corrected = max((s.occurred_at for s in told if s.status == Aside.CORRECTION), default=None)
    turned = min((s.occurred_at for s in read if s.status == Status.RETURN_TO_SENDER), default=None)
    return [
        scan
        for scan in read
        if scan.status != Status.DELIVERED
        or not (
            (corrected is not None and scan.occurred_at <= corrected)
            or (turned is not None and turned <= scan.occurred_at)
        )
    ]


def _standing(counted: list[Scan], moved: list[Scan], delivered: list[Scan]) -> Status:
    if delivered:
        return Status.DELIVERED
    deciding = [scan for scan in counted if scan.status not in _PAPER] if moved else counted
    return Status(deciding[-1].status) if deciding else Status.PENDING
