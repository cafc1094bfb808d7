"""Requests that arrive while one transaction is in flight board the next one together, each with its own outcome.

A hot SKU then costs one row update a flight instead of one a buyer, and a flight costs one commit. An idle desk flies
with one. While they come in numbers a flight that has landed is followed by the next when enough wait for it, or shortly
after: what a flight costs whoever is aboard, some seven milliseconds of processor, is then shared by more. The queue is
bounded by number and by the wait it means; beyond either, whoever comes is sent away at once, before anything was done
for them, and told when to come again. Who has waited that long in spite of it is sent away as well. Sending away takes
turns with flying: a flight talks to the database some thirty times, and once stood still for forty seconds because
between two words two thousand were sent away.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from math import ceil
from typing import Generic, TypeVar

from orderloom.api.problems import Problem

MOST = 200
# A flight waits for as many as the last one had aboard, and for no more than these: with 30 the flight itself is a third of
# what an order costs. It waits as long as the last one took, and never longer than this.
ENOUGH = 30
GATHER_MOST_S = 0.02
# What may wait: beyond it memory would grow while every answer came too late for its buyer.
WAITING_MOST = 2_000
WAIT_MOST_S = 3.0
# Those there is no room for are told so by turns, so many at a time, and then nobody for as long as that took: the
# flights' own work stands in the same line, and comes to its turn as fast as the line moves.
AWAY_MOST = 40
AWAY_EVERY_S = 0.01
# Work that can wait gets a turn when nobody waits to board, and after so long at the latest. After so long without any
# it is quiet, and so many have theirs abreast: the database stores for one what another makes ready.
TURN_S = 0.5
QUIET_S = 0.5
ABREAST = 2
# How much the newest flight counts in what is known of the pace.
_NEWEST = 0.2
P = TypeVar("P")
A = TypeVar("A")


@dataclass(slots=True)
class _Waiting(Generic[P, A]):
    """A passenger who waits since then for the next flight."""

    passenger: P
    arrival: asyncio.Future[A]
    since: float


@dataclass(slots=True)
class _Turn:
    """Somebody who can wait does so since then."""

    since: float
    begin: asyncio.Event = field(default_factory=asyncio.Event)


class Flights(Generic[P, A]):
    """One flight at a time; whoever comes meanwhile waits for the next."""

    def __init__(
        self,
        fly: Callable[[Sequence[P]], Awaitable[Sequence[A]]],
        *,
        most: int = MOST,
        waiting_most: int = WAITING_MOST,
        wait_most_s: float = WAIT_MOST_S,
        gather_most_s: float = GATHER_MOST_S,
        of_all: tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`of_all`: exceptions that are nobody's own fault, so that a flight is not parted to find whose."""
        self._fly = fly
        self._clock = clock
        self._most = most
        self._waiting_most = waiting_most
        self._wait_most_s = wait_most_s
        self._gather_most_s = gather_most_s
        self._of_all: tuple[type[Exception], ...] = (Problem, *of_all)
        self._waiting: deque[_Waiting[P, A]] = deque()
        self._turns: deque[_Turn] = deque()
        self._turns_taken = 0
        self._boarded_at = clock() - QUIET_S
        self._pilot: asyncio.Task[None] | None = None
        # Since when the present flight is under way, and how long one takes as far as is known.
        self._flying_since: float | None = None
        self._seconds_a_flight = 0.0
        # Until when the next one may wait, for how many, and who is told when they are there.
        self._gathers_until = 0.0
        self._enough = 1
        self._gathered = asyncio.Event()
        self._turned_away: deque[asyncio.Future[None]] = deque()
        self._porter: asyncio.Task[None] | None = None

    @property
    def wait_s(self) -> float:
        """How long whoever boards now is likely to wait for their flight."""
        now = self._clock()
        flying = 0.0 if self._flying_since is None else now - self._flying_since
        a_flight = max(self._seconds_a_flight, flying)
        rest = 0.0 if self._flying_since is None else a_flight - flying
        # It has taken the first in line so long: nobody behind will be faster.
        so_far = now - self._waiting[0].since if self._waiting else 0.0
        return max(rest + len(self._waiting) / self._most * a_flight, so_far)

    def check_room(self) -> None:
        """Raises Problem 503 when there is no room to wait, or too long a wait."""
        wait = self.wait_s
        if len(self._waiting) >= self._waiting_most or wait > self._wait_most_s:
            raise _overloaded(wait)

    async def admit(self) -> None:
        """Raises Problem 503 as `check_room` does, when it is their turn to be told."""
        try:
            self.check_room()
        except Problem:
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._turned_away.append(told)
            if self._porter is None or self._porter.done():
                self._porter = asyncio.create_task(self._keep_telling())
            await told
            raise

    async def _keep_telling(self) -> None:
        while self._turned_away:
            began = self._clock()
            for _ in range(min(AWAY_MOST, len(self._turned_away))):
                if not (told := self._turned_away.popleft()).done():
                    told.set_result(None)
            # They answer before this goes on.
            await asyncio.sleep(0)
            await asyncio.sleep(rest_s(self._clock() - began))

    async def board(self, passenger: P) -> A:
        """The passenger's own outcome, or the exception that it met. Raises Problem 503 when there is no room."""
        self.check_room()
        arrival: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._boarded_at = self._clock()
        self._waiting.append(_Waiting(passenger, arrival, self._boarded_at))
        if len(self._waiting) >= self._enough:
            self._gathered.set()
        self._wake_pilot()
        return await arrival

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """For work that can wait: begun when nothing flies and nobody waits to board, or it has waited long enough.

        Whoever boards meanwhile flies beside it. Keep it small where nobody has boarded for a short time only
        (`silent_s`): it takes its part of processor and rows.
        """
        mine = _Turn(self._clock())
        self._turns.append(mine)
        self._wake_pilot()
        try:
            await mine.begin.wait()
            yield
        finally:
            if mine.begin.is_set():
                self._turns_taken -= 1
            else:
                self._turns.remove(mine)
            self._wake_pilot()

    @property
    def silent_s(self) -> float:
        """For how long nobody has boarded."""
        return self._clock() - self._boarded_at

    def _wake_pilot(self) -> None:
        if self._pilot is None or self._pilot.done():
            self._pilot = asyncio.create_task(self._keep_flying())

    async def _keep_flying(self) -> None:
        self._give_turns()
        while self._waiting:
            await self._gather()
            self._send_away_late()
            if self._waiting:
                await self._fly_once()
            self._give_turns()

    async def _gather(self) -> None:
        """Where the last flight had several aboard more are on their way: its own passengers' next requests perhaps."""
        left = self._gathers_until - self._clock()
        if left > 0 and len(self._waiting) < self._enough:
            self._gathered.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._gathered.wait()

    async def _fly_once(self) -> None:
        began = self._flying_since = self._clock()
        aboard = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        await self._bring(aboard)
        self._flying_since = None
        landed = self._clock()
        # A slow flight counts at once, faster ones little by little.
        took = landed - began
        self._seconds_a_flight = max(took, self._seconds_a_flight + _NEWEST * (took - self._seconds_a_flight))
        self._gathers_until = landed + min(took, self._gather_most_s)
        self._enough = min(len(aboard), ENOUGH)

    def _give_turns(self) -> None:
        """Who gets one is woken when a flight has landed or another has had theirs, and begins beside the next flight."""
        abreast = ABREAST if self.silent_s > QUIET_S else 1
        while (
            self._turns
            and self._turns_taken < abreast
            and (not self._waiting or self._clock() - self._turns[0].since > TURN_S)
        ):
            self._turns_taken += 1
            self._turns.popleft().begin.set()

    def _send_away_late(self) -> None:
        """Nothing was done for who has waited too long: they may come again, and those behind are not late as well."""
        now = self._clock()
        while self._waiting and now - self._waiting[0].since > self._wait_most_s:
            _fail(self._waiting.popleft().arrival, _overloaded(self._wait_most_s))

    async def _bring(self, aboard: Sequence[_Waiting[P, A]]) -> None:
        """A flight that fails is parted in two until the reason is alone, so that no neighbour suffers."""
        try:
            await self._deliver(aboard)
        except Exception as fault:  # noqa: BLE001 - each passenger learns it at the door
            if len(aboard) == 1 or isinstance(fault, self._of_all):
                for one in aboard:
                    _fail(one.arrival, copy(fault))
                return
            half = len(aboard) // 2
            await self._bring(aboard[:half])
            await self._bring(aboard[half:])

    async def _deliver(self, aboard: Sequence[_Waiting[P, A]]) -> None:
        answers = await self._fly([one.passenger for one in aboard])
        for one, answer in zip(aboard, answers, strict=True):
            if not one.arrival.done():
                one.arrival.set_result(answer)


def rest_s(took_s: float) -> float:
    """How long to send nobody away after that took so long: refusals never have more than half of the time."""
    return max(AWAY_EVERY_S, took_s)


def _overloaded(wait_s: float) -> Problem:
    return Problem(
        503,
        "overloaded",
        "more is coming in than can be taken: nothing was done, send the same request again later",
        retry_after_s=max(1, ceil(wait_s / 2)),
    )


def _fail(arrival: asyncio.Future[A], fault: Exception) -> None:
    if not arrival.done():
        arrival.set_exception(fault)
