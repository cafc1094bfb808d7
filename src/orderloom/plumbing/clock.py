"""The one place below the doors that reads the clock; everything else is given `now`."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC. Leases and expiry go by the database's clock instead."""
    return datetime.now(UTC)
