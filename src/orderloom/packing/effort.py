"""How much work an answer may take and has taken: counted, never timed, so that every machine counts the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Effort:
    """Steps of about a microsecond of plain Python each. What has begun is ended; nothing begins once it is `over`."""

    most: int
    spent: int = 0

    @property
    def over(self) -> bool:
        """Is all of it spent?"""
        return self.spent >= self.most
