"""What an adapter of availability feeds must do for us.

An adapter is one file: a class with three methods. It is given a channel's own settings (`network.channels.availability_feed`
without the adapter's name) with every call.

- `faults(settings)` says what is wrong with settings before they are stored; an empty list is none.
- `push(batch)` brings numbers to the channel. `Accepted` means that the channel has every one of them, `Refused` that
  it will not take the batch as it stands and a person should see why.
- `read(inquiry)` is the channel's listing as it stands now, by SKU: what reconciliation compares with ours.

Both raise `plumbing.http.Unavailable` for everything else: no answer, half an answer, "not now". The same numbers, or
newer ones, come again.

Every item carries a version that grows with each change of the channel's number of that SKU. Whoever receives must keep
it and apply none that is not higher than the one it has: batches may come twice, and one that was slow on its way may
come after a later one.

A worked example, the whole of an adapter that writes the numbers on a board in the shop:

    class Board:
        def __init__(self) -> None:
            self._board: dict[str, Listed] = {}

        def faults(self, settings: Mapping[str, Any]) -> list[str]:
            return [] if settings.get("wall") else ["say on which wall the board hangs"]

        async def push(self, batch: Batch) -> Accepted | Refused:
            for item in batch.items:
                there = self._board.get(item.sku)
                if there is None or item.version > there.version:
                    self._board[item.sku] = Listed(item.quantity, item.version)
            return Accepted()

        async def read(self, inquiry: Inquiry) -> Mapping[str, Listed]:
            return dict(self._board)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the channel may sell of a SKU now, and how many more are expected by when."""

    sku: str
    quantity: int
    version: int
    next_at: datetime | None = None
    next_units: int = 0

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "sku": self.sku,
            "quantity": self.quantity,
            "version": self.version,
            "next_at": self.next_at.isoformat() if self.next_at else None,
            "next_units": self.next_units,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Numbers for one channel. `subject` is the channel's id, `provider` its own lane."""

    subject: UUID
    provider: str
    channel: str
    settings: Mapping[str, Any]
    items: tuple[Item, ...]
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question for the whole of a channel's listing."""

    channel: str
    settings: Mapping[str, Any]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """What a channel shows of a SKU, and by which version of ours."""

    quantity: int
    version: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel has all of it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The channel will not take it."""

    problem: str


Verdict: TypeAlias = Accepted | Refused


class Feed(Protocol):
    """One way to tell a channel what it may sell."""

    def faults(self, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong with the settings, in words for whoever wrote them."""

    async def push(self, batch: Batch) -> Verdict:
        """Bring the numbers there. May raise `plumbing.http.Unavailable`."""

    async def read(self, inquiry: Inquiry) -> Mapping[str, Listed]:
        """The channel's whole listing. May raise `plumbing.http.Unavailable`."""
