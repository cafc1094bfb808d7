"""The simulated carriers' scanners: whatever label was bought is picked up, moved and delivered, and told to the API.

Each scan's code and time follow from the parcel alone, so that a scanner started anew tells the same again, which
counts once.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orderloom.plumbing import http
from orderloom.plumbing.http import Unavailable
from orderloom.simulate.client import Client, Json

BATCH = 100
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanner tells, and from when on."""

    due: datetime
    code: str
    occurred_at: datetime
    signed_by: str | None = None


# The scans of a parcel, given its label as the carrier keeps it. None: it will never be handed over.
Timeline = Callable[[Json], Sequence[Scan] | None]


@dataclass(slots=True)
class Scanners:
    """All carriers' scanners."""

    client: Client
    carrier_address: str
    timeline: Timeline
    seen: int = 0
    told: int = 0
    _pending: list[tuple[datetime, int, str, str, Scan]] = field(default_factory=list)
    _count: int = 0

    async def round(self, now: datetime) -> int:
        """Learn of new labels, tell the scans that are due; returns how many were told."""
        await self._learn()
        due: list[Json] = []
        while self._pending and self._pending[0][0] <= now:
            _, _, carrier, number, scan = heapq.heappop(self._pending)
            due.append(_event(carrier, number, scan))
        for start in range(0, len(due), BATCH):
            await self.client.post("/tracking/batch", {"events": due[start : start + BATCH]})
        self.told += len(due)
        return len(due)

    @property
    def pending(self) -> int:
        """Scans that are still to come."""
        return len(self._pending)

    async def _learn(self) -> None:
        while True:
            try:
                _, answer = await http.call(
                    "GET", f"{self.carrier_address}/labels?since={self.seen}&limit={PAGE}"
                )
            except Unavailable:
                # The carrier is being restarted: its parcels wait.
                return
            for label in answer["labels"]:
                self._plan(label)
            if answer["next"] == self.seen:
                return
            self.seen = answer["next"]

    def _plan(self, label: dict[str, Any]) -> None:
        if label["status"] != "purchased":
            return
        for scan in self.timeline(label) or ():
            self._count += 1
            heapq.heappush(
                self._pending, (scan.due, self._count, label["carrier"], label["tracking_number"], scan)
            )


def _event(carrier: str, number: str, scan: Scan) -> Json:
    event: Json = {
        "carrier": carrier,
        "tracking_number": number,
        "code": scan.code,
        "occurred_at": scan.occurred_at.isoformat(),
    }
    if scan.signed_by is not None:
        event["proof"] = {"kind": "signature", "signed_by": scan.signed_by, "taken_at": event["occurred_at"]}
    return event
