"""When an endpoint is tried again, and when no more. Pure; the jitter comes from what is retried, so it replays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

PATIENCE = timedelta(hours=72)
FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=6)
# Doubling beyond this would only overflow: 5 s doubled 13 times is above the longest.
_DOUBLINGS = 13


def next_try(*, failures: int, now: datetime, key: UUID) -> datetime:
    """After so many failures in a row: twice as long each time, within a fifth more or less, six hours at most."""
    doubled: int = 2 ** min(max(failures - 1, 0), _DOUBLINGS)
    wait = min(FIRST * doubled, LONGEST)
    dice = hashlib.sha256(key.bytes + failures.to_bytes(4, "big")).digest()[0]
    return now + wait * (0.8 + 0.4 * dice / 255)


def given_up(*, since: datetime, now: datetime) -> bool:
    """Whether it has been tried long enough."""
    return now - since >= PATIENCE


def wanted(types: Sequence[str], kind: str) -> bool:
    """Whether an endpoint with these types gets events of that kind."""
    return not types or any(
        kind == each or (each.endswith(".*") and kind.startswith(each.removesuffix("*"))) for each in types
    )
