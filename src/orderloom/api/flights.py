"""Captures that arrive while one transaction is in flight board the next one together, each with its own outcome.

A hot SKU then costs one row update a flight instead of one a buyer, and a flight costs one commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MOST = 200
P = TypeVar("P")
A = TypeVar("A")


class Flights(Generic[P, A]):
    """One flight at a time; whoever comes meanwhile waits for the next."""

    def __init__(self, fly: Callable[[Sequence[P]], Awaitable[Sequence[A]]], *, most: int = MOST) -> None:
        self._fly = fly
        self._most = most
        self._waiting: list[tuple[P, asyncio.Future[A]]] = []
        self._pilot: asyncio.Task[None] | None = None

    async def board(self, passenger: P) -> A:
        """The passenger's own outcome, or the exception that it met."""
        arrival: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((passenger, arrival))
        if self._pilot is None or self._pilot.done():
            self._pilot = asyncio.create_task(self._keep_flying())
        return await arrival

    async def _keep_flying(self) -> None:
        while self._waiting:
            aboard, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                await self._deliver(aboard)
            except Exception as fault:  # noqa: BLE001 - each passenger learns it at the door
                if len(aboard) == 1:
                    _fail(aboard[0][1], fault)
                    continue
                # One of them may be the reason: each alone, so that no neighbour suffers.
                for passenger in aboard:
                    try:
                        await self._deliver([passenger])
                    except Exception as alone:  # noqa: BLE001 - the same
                        _fail(passenger[1], alone)

    async def _deliver(self, aboard: Sequence[tuple[P, asyncio.Future[A]]]) -> None:
        answers = await self._fly([passenger for passenger, _ in aboard])
        for (_, arrival), answer in zip(aboard, answers, strict=True):
            if not arrival.done():
                arrival.set_result(answer)


def _fail(arrival: asyncio.Future[A], fault: Exception) -> None:
    if not arrival.done():
        arrival.set_exception(fault)
