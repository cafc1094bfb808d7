"""Killing at random: processes of a run are ended by `kill -9` and started again, a given number of times."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from orderloom.simulate.processes import Fleet


@dataclass(slots=True, kw_only=True)
class Killer:
    """Kills one of the `victims` (by the beginning of their names) every so often, seeded."""

    times: int
    victims: Sequence[str]
    pause_s: tuple[float, float]
    seed: int = 0
    killed: Counter[str] = field(default_factory=Counter)

    async def __call__(self, running: Fleet) -> None:
        """Go about it until it has been done so many times."""
        dice = random.Random(self.seed)
        while self.killed.total() < self.times:
            await asyncio.sleep(dice.uniform(*self.pause_s))
            kind = dice.choice(self.victims)
            alive = [
                p for name, p in sorted(running.processes.items()) if name.startswith(kind) and p.running
            ]
            if alive:
                dice.choice(alive).kill()
                self.killed[kind] += 1
