"""One run: clients at work, processes dying under them, everything read in the end, and the verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.buyers import buy_the_last
from tests.torture.checker import check
from tests.torture.clients import TortureClient
from tests.torture.editors import give_the_last_back, own_some_of_the_last, want_the_last_too
from tests.torture.history import Did, Final, keep
from tests.torture.plans import LAST
from tests.torture.stockkeepers import bring_the_last
from tests.torture.world import NODES, SKUS, World, world

DRAIN_S = 2.0
RACES, RACES_OF_EDITS = 12, 4
WITHOUT_AN_ANSWER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run is to be. The same values want the same things; what dies when is chance, within a seed's plan."""

    clients: int = 8
    operations: int = 40
    seed: int = 1
    kill: tuple[str, ...] = ()
    kills: int = 1_000_000
    pause_s: tuple[float, float] = (1.0, 4.0)
    minutes: float = 0.0
    apis: int = 1

    @property
    def command(self) -> str:
        """Says how to do it again."""
        told = (
            f"--clients {self.clients} --operations {self.operations} --seed {self.seed} --apis {self.apis}"
        )
        if self.kill:
            told += f" --kill {','.join(self.kill)} --kills {self.kills}"
            told += f" --pause {self.pause_s[0]:g} {self.pause_s[1]:g}"
        told += f" --minutes {self.minutes:g}" if self.minutes else ""
        return f".venv/bin/python scripts/torture.py {told}"


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of it."""

    asked: Asked
    history: list[Did]
    final: Final
    killed: Counter[str]
    seconds: float
    violations: dict[str, list[str]] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """In figures."""
        outcomes = Counter(did.outcome for did in self.history)
        retried = sum(len(did.tried) > 1 for did in self.history)
        return {
            "again": self.asked.command,
            "operations": len(self.history),
            "by_operation": {
                name: dict(Counter(did.outcome for did in self.history if did.operation == name))
                for name in sorted({did.operation for did in self.history})
            },
            **dict(outcomes),
            "asked_more_than_once": retried,
            "repeats_compared": sum(len(did.repeats) for did in self.history),
            "orders": len(self.final.orders),
            "movements": len(self.final.movements),
            "killed": dict(self.killed),
            "seconds": round(self.seconds, 1),
            "violations": self.violations,
        }


async def torture(asked: Asked, folder: Path) -> Verdict:
    """Run, and judge. The history stays in the folder."""
    async with world(folder, apis=asked.apis) as house:
        began = time.monotonic()
        history = await _tortured(asked, house)
        seconds = time.monotonic() - began
        await house.answering()
        await asyncio.sleep(DRAIN_S)
        await house.worker_done()
        final = await house.final()
        killed = house.killed
    keep(folder / "history.jsonl", history, final)
    return Verdict(
        asked=asked,
        history=history,
        final=final,
        killed=killed,
        seconds=seconds,
        violations=check(history, final),
    )


async def _tortured(asked: Asked, house: World) -> list[Did]:
    unanswered = await _left_without_an_answer(asked, house)
    killer = None
    if asked.kill:
        dice = random.Random(asked.seed)
        killer = asyncio.create_task(house.kill_at_random(asked.kill, dice, asked.pause_s, asked.kills))
    until = time.monotonic() + asked.minutes * 60

    def on() -> bool:
        """The time is not over yet, or something has not been killed yet."""
        due = asked.kill[: asked.kills]
        return time.monotonic() < until or sum(map(bool, map(house.killed.get, asked.kill))) < len(due)

    history = await let_loose(asked, house.addresses, house.api_key, on)
    if killer is not None:
        killer.cancel()
        with suppress(asyncio.CancelledError):
            await killer
    return sorted([*unanswered, *history], key=lambda did: did.invoked)


async def _left_without_an_answer(asked: Asked, house: World) -> list[Did]:
    """Buyers whose order, and whose edit, wait for a lock when their API dies: what chance brings often, this brings every time."""
    if not asked.kill:
        return []
    buyer, editor = (
        TortureClient(
            asked.clients + WITHOUT_AN_ANSWER + n,
            seed=asked.seed,
            addresses=house.addresses[:1],
            api_key=house.api_key,
            skus=SKUS,
            nodes=NODES,
        )
        for n in range(2)
    )
    await editor.do(bring_the_last)
    await editor.do(own_some_of_the_last)
    await editor.do(bring_the_last)
    await buyer.do(bring_the_last)
    async with house.held(LAST) as so_many_wait:
        waiting = [
            asyncio.create_task(buyer.do(buy_the_last)),
            asyncio.create_task(editor.do(want_the_last_too)),
        ]
        await so_many_wait(len(waiting))
        house.running.processes["api-0"].kill()
    await asyncio.gather(*waiting)
    for client in (buyer, editor):
        await client.leave()
    return [*buyer.history, *editor.history]


async def let_loose(
    asked: Asked, addresses: list[str], api_key: str, on: Callable[[], bool] = lambda: False
) -> list[Did]:
    """All clients at work, to the end; what they did in the order in which they began it."""
    clients = [
        TortureClient(n, seed=asked.seed, addresses=addresses, api_key=api_key, skus=SKUS, nodes=NODES)
        for n in range(asked.clients)
    ]
    await asyncio.gather(*(client.work(asked.operations, on) for client in clients))
    rivals = await _raced(asked, addresses, api_key)
    return sorted(
        (did for client in (*clients, *rivals) for did in client.history), key=lambda did: did.invoked
    )


async def _raced(asked: Asked, addresses: list[str], api_key: str) -> list[TortureClient]:
    """At every door one buyer of the last units, all at once and often: the race that chance alone may not bring.

    Then each has an order that is to have the last units as well, and whoever gets them gives them back. What they do is
    asked twice, every time.
    """
    rivals = [
        TortureClient(
            asked.clients + n,
            seed=asked.seed,
            addresses=[address],
            api_key=api_key,
            skus=SKUS,
            nodes=NODES,
            repeated=1.0,
        )
        for n, address in enumerate([*addresses, *addresses][: max(2, len(addresses))])
    ]
    for _ in range(RACES):
        await rivals[0].do(bring_the_last)
        await asyncio.gather(*(rival.do(buy_the_last) for rival in rivals))
    for rival in rivals:
        await rival.do(bring_the_last)
        await rival.do(own_some_of_the_last)
    await rivals[0].do(bring_the_last)
    for _ in range(RACES_OF_EDITS):
        await asyncio.gather(*(rival.do(want_the_last_too) for rival in rivals))
        await asyncio.gather(*(rival.do(give_the_last_back) for rival in rivals))
    for rival in rivals:
        await rival.leave()
    return rivals
