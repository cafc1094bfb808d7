"""Requests that arrive while one transaction is in flight board the next one together, each with its own outcome.

A hot SKU then costs one row update a flight instead of one a buyer, and a flight costs one commit. Nobody waits for a
flight to fill: an idle desk flies with one. The queue is bounded by number and by the wait it means; beyond either,
whoever comes is sent away at once, before anything was done for them, and told when to come again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from math import ceil
from typing import Generic, TypeVar

from orderloom.api.problems import Problem

MOST = 200
# What may wait: beyond it memory would grow while every answer came too late for its buyer.
WAITING_MOST = 2_000
WAIT_MOST_S = 4.0
# Work that lets passengers go first gets a turn after so long at the latest; after so long without any it is quiet.
TURN_S = 0.5
QUIET_S = 2.0
# How much the newest flight counts in what is known of the pace.
_NEWEST = 0.2
P = TypeVar("P")
A = TypeVar("A")


@dataclass(slots=True)
class _Turn:
    """Somebody waits since then for a time when nothing flies."""

    since: float
    begin: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Flights(Generic[P, A]):
    """One flight at a time; whoever comes meanwhile waits for the next."""

    def __init__(
        self,
        fly: Callable[[Sequence[P]], Awaitable[Sequence[A]]],
        *,
        most: int = MOST,
        waiting_most: int = WAITING_MOST,
        wait_most_s: float = WAIT_MOST_S,
        of_all: tuple[type[Exception], ...] = (),
    ) -> None:
        """`of_all`: exceptions that are nobody's own fault, so that a flight is not parted to find whose."""
        self._fly = fly
        self._most = most
        self._waiting_most = waiting_most
        self._wait_most_s = wait_most_s
        self._of_all: tuple[type[Exception], ...] = (Problem, *of_all)
        self._waiting: deque[tuple[P, asyncio.Future[A]]] = deque()
        self._turns: deque[_Turn] = deque()
        self._boarded_at = time.monotonic() - QUIET_S
        self._pilot: asyncio.Task[None] | None = None
        self._seconds_a_flight = 0.0

    def check_room(self) -> None:
        """Raises Problem 503 when there is no room to wait, or too long a wait."""
        wait = (len(self._waiting) / self._most) * self._seconds_a_flight
        if len(self._waiting) >= self._waiting_most or wait > self._wait_most_s:
            raise Problem(
                503,
                "overloaded",
                "more is coming in than can be taken: nothing was done, send the same request again later",
                retry_after_s=max(1, ceil(wait / 2)),
            )

    async def board(self, passenger: P) -> A:
        """The passenger's own outcome, or the exception that it met. Raises Problem 503 when there is no room."""
        self.check_room()
        arrival: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._boarded_at = time.monotonic()
        self._waiting.append((passenger, arrival))
        self._wake_pilot()
        return await arrival

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """A time when nothing flies, for work that can wait: given when nobody waits to board, or has waited long enough.

        Tells whether it is quiet, so that the work may be large; keep it small otherwise.
        """
        mine = _Turn(time.monotonic())
        self._turns.append(mine)
        self._wake_pilot()
        try:
            await mine.begin.wait()
            yield self.quiet
        finally:
            mine.done.set()

    @property
    def quiet(self) -> bool:
        """Whether nobody has boarded for a while."""
        return time.monotonic() - self._boarded_at > QUIET_S

    def _wake_pilot(self) -> None:
        if self._pilot is None or self._pilot.done():
            self._pilot = asyncio.create_task(self._keep_flying())

    async def _keep_flying(self) -> None:
        while self._waiting or self._turns:
            if self._turns and (not self._waiting or time.monotonic() - self._turns[0].since > TURN_S):
                turn = self._turns.popleft()
                turn.begin.set()
                await turn.done.wait()
                continue
            aboard = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            began = time.monotonic()
            await self._bring(aboard)
            self._seconds_a_flight += _NEWEST * (time.monotonic() - began - self._seconds_a_flight)

    async def _bring(self, aboard: Sequence[tuple[P, asyncio.Future[A]]]) -> None:
        """A flight that fails is parted in two until the reason is alone, so that no neighbour suffers."""
        try:
            await self._deliver(aboard)
        except Exception as fault:  # noqa: BLE001 - each passenger learns it at the door
            if len(aboard) == 1 or isinstance(fault, self._of_all):
                for _, arrival in aboard:
                    _fail(arrival, copy(fault))
                return
            half = len(aboard) // 2
            await self._bring(aboard[:half])
            await self._bring(aboard[half:])

    async def _deliver(self, aboard: Sequence[tuple[P, asyncio.Future[A]]]) -> None:
        answers = await self._fly([passenger for passenger, _ in aboard])
        for (_, arrival), answer in zip(aboard, answers, strict=True):
            if not arrival.done():
                arrival.set_result(answer)


def _fail(arrival: asyncio.Future[A], fault: Exception) -> None:
    if not arrival.done():
        arrival.set_exception(fault)
