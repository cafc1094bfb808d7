"""How often somebody may come: a sliding window for each lane and caller, counted in this process.

Each process counts for itself, so a deployment of N processes lets in up to N times as much; the limits guard against
runaways, they are no billing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

SPANS: Mapping[str, int] = {"second": 1, "minute": 60, "hour": 3600}
# Callers that have not come for two windows are forgotten, looked for when so many are known.
_KNOWN_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether this call is let in, and how much room is left until the window has moved on."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


@dataclass(slots=True)
class _Window:
    """Calls in the present window and in the one before it, of which that part counts which the last span reaches."""

    number: int
    before: int = 0
    now: int = 0

    def used(self, at: float) -> float:
        """Calls within the last span, as far as two counts can tell; `at` is the time in spans."""
        number = int(at)
        if number != self.number:
            self.before = self.now if number == self.number + 1 else 0
            self.number, self.now = number, 0
        return self.before * (1 - (at - number)) + self.now


class Throttle:
    """Limits by lane, such as `{"logins": "10/minute"}`."""

    def __init__(self, lanes: Mapping[str, str], *, clock: Callable[[], float] = time.time) -> None:
        self._lanes = {lane: _parsed(limit) for lane, limit in lanes.items()}
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, lane: str, who: str, *, cost: int = 1) -> Verdict:
        """Count a call of that cost, unless it is one too many."""
        return self._judge(lane, who, cost, take=True)

    def look(self, lane: str, who: str) -> Verdict:
        """Whether one more call would be let in, without counting it."""
        return self._judge(lane, who, 1, take=False)

    def _judge(self, lane: str, who: str, cost: int, *, take: bool) -> Verdict:
        limit, span = self._lanes[lane]
        at = self._clock() / span
        window = self._windows.get((lane, who))
        if window is None:
            window = self._new(lane, who, int(at))
        used = window.used(at)
        allowed = used + cost <= limit
        if take and allowed:
            window.now += cost
            used += cost
        reset = span * (1 - (at - window.number))
        return Verdict(allowed, limit, max(0, int(limit - used)), max(1, ceil(reset)))

    def _new(self, lane: str, who: str, number: int) -> _Window:
        if len(self._windows) >= _KNOWN_MOST:
            # By wall clock, since windows of different lanes have different spans.
            now = self._clock()
            self._windows = {
                key: window
                for key, window in self._windows.items()
                if now / self._lanes[key[0]][1] - window.number < 2
            }
        window = self._windows[lane, who] = _Window(number)
        return window


def _parsed(limit: str) -> tuple[int, int]:
    """`"8/5 minutes"`: how many, and in how many seconds."""
    most, _, span = limit.partition("/")
    count, _, unit = span.rpartition(" ")
    return int(most), int(count or 1) * SPANS[unit.removesuffix("s")]
