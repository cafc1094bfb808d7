"""Two transactions on two real connections, taken forward step by step in an order that the test decides.

A gate stands before every statement that locks a row, or reads or writes a balance, and before the commit. Between two
gates a transaction runs freely. One that has to wait for a lock of the other stands still, as it would in earnest, and
goes on by itself once the other lets go; PostgreSQL is asked whether it waits, nothing is guessed from time.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

_GATED = re.compile(r"FOR (NO KEY )?UPDATE|inventory\.stock\b|pg_advisory|UPDATE inventory\.", re.IGNORECASE)
_ASKING = ("fetch", "fetchrow", "fetchval", "execute", "executemany")
STEPS_MOST = 6
LOOK_S = 0.004
Transaction = Callable[[Any], Awaitable[Any]]


class Lane:
    """One of the two transactions."""

    def __init__(self, connection: asyncpg.Connection, gates: Sequence[int] | None) -> None:
        self._connection = connection
        self.pid = connection.get_server_pid()
        self._gates = gates
        self._seen = itertools.count()
        self.passed: list[str] = []
        self.arrived = asyncio.Event()
        self._go = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self.result: Any = None
        self.fault: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.task is not None and self.task.done()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in _ASKING:
            return found

        async def asked(statement: str, *args: Any, **kwargs: Any) -> Any:
            if _GATED.search(statement):
                await self._gate(" ".join(statement.split())[:60])
            return await found(statement, *args, **kwargs)

        return asked

    async def _gate(self, name: str) -> None:
        number = next(self._seen)
        if self._gates is not None and number not in self._gates:
            return
        self.passed.append(name)
        self.arrived.set()
        await self._go.wait()
        self._go.clear()

    def start(self, work: Transaction) -> None:
        self.task = asyncio.create_task(self._run(work))

    async def _run(self, work: Transaction) -> None:
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            self.result = await work(self)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the test says
            self.fault = fault
            await transaction.rollback()
        else:
            self.passed.append("commit")
            self.arrived.set()
            await self._go.wait()
            await transaction.commit()
        finally:
            self.arrived.set()

    def let_go(self) -> None:
        """Through the gate at which it stands."""
        self.arrived.clear()
        self._go.set()


@dataclass(slots=True)
class Ran:
    """What came of a run."""

    results: list[Any] = field(default_factory=list)
    faults: list[BaseException | None] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


class Interleaver:
    """Two connections for the transactions, and one that watches."""

    def __init__(self, connections: list[asyncpg.Connection]) -> None:
        *self._ours, self._watching = connections

    async def gates_of(self, work: Transaction) -> int:
        """How many gates a transaction passes when nobody is in its way; it is rolled back."""
        lane = Lane(self._ours[0], gates=())
        transaction = self._ours[0].transaction()
        await transaction.start()
        await work(lane)
        await transaction.rollback()
        return next(lane._seen)

    async def run(
        self, works: Sequence[Transaction], gates: Sequence[Sequence[int]], order: Sequence[int]
    ) -> Ran:
        """Take both along: `order` names whose turn it is; whoever cannot is passed over."""
        lanes = [Lane(c, g) for c, g in zip(self._ours, gates, strict=True)]
        ran = Ran()
        for lane, work in zip(lanes, works, strict=True):
            lane.start(work)
            await self._until_it_stands(lane)
        for turn in itertools.chain(order, itertools.cycle((0, 1))):
            if all(lane.done for lane in lanes):
                break
            await self._step(lanes[turn], lanes[1 - turn])
            if lanes[turn].passed:
                ran.trace.append(f"{'AB'[turn]} {lanes[turn].passed[-1]}")
        ran.results = [lane.result for lane in lanes]
        ran.faults = [lane.fault for lane in lanes]
        return ran

    async def _step(self, lane: Lane, other: Lane) -> None:
        if lane.done:
            return
        if lane.arrived.is_set():
            lane.let_go()
        await self._until_it_stands(lane)
        if other.task is not None and not other.done and not other.arrived.is_set():
            # It may have been waiting for what this one has just let go.
            await self._until_it_stands(other)

    async def _until_it_stands(self, lane: Lane) -> None:
        """At a gate, at its end, or before a lock that the other holds."""
        while not lane.arrived.is_set():
            try:
                await asyncio.wait_for(asyncio.shield(lane.arrived.wait()), LOOK_S)
            except TimeoutError:
                if await self._watching.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", lane.pid):
                    return
        if (
            lane.task is not None
            and lane.fault is None
            and lane.passed[-1:] == ["commit"]
            and lane._go.is_set()
        ):
            await lane.task


def spread(gates: int) -> list[int]:
    """Which gates to use: all, or so many, evenly, that with the commit there are not more than STEPS_MOST steps."""
    most = STEPS_MOST - 1
    return (
        list(range(gates))
        if gates <= most
        else sorted({round(i * (gates - 1) / (most - 1)) for i in range(most)})
    )


def orders(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """Every way to take so many steps of the one and so many of the other."""
    for turns in itertools.combinations(range(first + second), first):
        yield tuple(0 if i in turns else 1 for i in range(first + second))
