"""Workers that die at a given moment: one process that forks a worker for each order it reads, and tells how it ended.

    python tests/every_step/killed_worker.py < orders

An order is a line of JSON: database, journey, step, moment. The fork takes that step alone along, under a short lease,
and is killed by SIGKILL at the moment; the answer is a line with its signal, 0 when it came through alive.
Forking spares each of them the second it takes to import Orderloom; nothing runs in the parent but this loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from orderloom.plumbing.database import Database
from orderloom.plumbing.runner import Runner
from tests.every_step.tables import KILLED, alone, kill, struck

LEASE_S = 0.4


async def work(order: dict[str, str]) -> None:
    """Take the step along until it strikes."""
    database = await Database.open(order["database"], max_size=4, application=KILLED)
    table = alone(order["journey"], order["step"], lambda step: struck(step, order["moment"], kill))
    await Runner(database, [table], lease_s=LEASE_S).run_until_idle()
    await database.close()


def main() -> None:
    """Fork for each order."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(work(json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        sys.stdout.write(f"{ended_by}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
