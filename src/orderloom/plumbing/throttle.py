"""How often somebody may come: a sliding window for each lane and caller, counted in this process.

Each process counts for itself, so a deployment of N processes lets in up to N times as much; the limits guard against
runaways, they are no billing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether this call is let in, and how much room is left until the window has moved on."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


class Throttle:
    """Limits by lane, such as `{"logins": "10/minute"}`."""

    def __init__(self, lanes: Mapping[str, str]) -> None:
        self._lanes: dict[str, RateLimitItem] = {lane: parse(limit) for lane, limit in lanes.items()}
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, lane: str, who: str, *, cost: int = 1) -> Verdict:
        """Count a call of that cost, unless it is one too many."""
        limit = self._lanes[lane]
        allowed = self._limiter.hit(limit, lane, who, cost=cost)
        return self._verdict(limit, lane, who, allowed=allowed)

    def look(self, lane: str, who: str) -> Verdict:
        """Whether one more call would be let in, without counting it."""
        limit = self._lanes[lane]
        return self._verdict(limit, lane, who, allowed=self._limiter.test(limit, lane, who))

    def _verdict(self, limit: RateLimitItem, lane: str, who: str, *, allowed: bool) -> Verdict:
        window = self._limiter.get_window_stats(limit, lane, who)
        return Verdict(
            allowed, limit.amount, max(0, window.remaining), max(1, ceil(window.reset_time - time.time()))
        )
