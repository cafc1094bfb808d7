"""The house under torture: its own PostgreSQL with durable commits, API, worker and outside world as processes.

Whatever is killed here is killed as a power cut would: `kill -9`, one backend -9, or an immediate stop of the server.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench.wire import NoAnswer, Wire
from orderloom.catalog.model import Item
from orderloom.insight import audit
from orderloom.journey import setup
from orderloom.journey.setup import Setup
from orderloom.plumbing import credentials, http
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from orderloom.simulate import demo_data
from orderloom.simulate.processes import Fleet, Process, fleet, free_port, python
from orderloom.simulate.surroundings import Addresses, planned
from tests.torture.history import Final
from tests.torture.plans import KIT, LAST, PARTS

SKUS = ("HOT-A", "HOT-B", "HOT-C")
NODES = ("ATL", "CMH", "DFW")
FIRST = 15
OPTIONS = {"shared_buffers": "64MB", "log_min_messages": "warning"}
VICTIMS = ("api", "worker", "database", "gateway", "carrier")
_WAITING = """
WITH RECURSIVE waiting AS (
  SELECT pid, pg_blocking_pids(pid) AS for_them FROM pg_locks WHERE NOT granted
), behind AS (
  SELECT pg_backend_pid() AS pid
  UNION SELECT w.pid FROM waiting AS w JOIN behind AS b ON b.pid = ANY(w.for_them)
)
SELECT count(*) - 1 FROM behind
"""


@dataclass(slots=True)
class World:
    """All that runs, and the ways to reach it."""

    server: EmbeddedPostgres
    running: Fleet
    addresses: list[str]
    api_key: str
    outside: Addresses
    killed: Counter[str] = field(default_factory=Counter)

    async def kill_at_random(
        self, victims: Sequence[str], dice: random.Random, pause_s: tuple[float, float], most: int
    ) -> None:
        """One of the victims after a pause, so many times; each kind once before any comes twice."""
        for _ in range(most):
            await asyncio.sleep(dice.uniform(*pause_s))
            rarest = min(self.killed[kind] for kind in victims)
            await self.kill(dice.choice([k for k in victims if self.killed[k] == rarest]), dice)

    async def kill(self, kind: str, dice: random.Random) -> None:
        """End one of them this instant. Processes are started again by who watches, the server here."""
        self.killed[kind] += 1
        if kind == "database":
            await (self._kill_backend() if dice.random() < 0.5 else self._crash_server())
            return
        alive = [
            p for name, p in sorted(self.running.processes.items()) if name.startswith(kind) and p.running
        ]
        if alive:
            dice.choice(alive).kill()

    async def _kill_backend(self) -> None:
        """One backend dies, and PostgreSQL ends all others and recovers."""
        self.killed["of them one backend"] += 1
        try:
            connection = await asyncpg.connect(self.server.url())
            try:
                pid = await connection.fetchval(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                    "AND pid <> pg_backend_pid() AND datname = current_database() ORDER BY random() LIMIT 1"
                )
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresError):
            return  # it is down already
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _crash_server(self) -> None:
        def stop_and_start() -> None:
            self.server._run(
                "pg_ctl", "stop", "--mode=immediate", "--silent", "--pgdata", str(self.server.cluster)
            )
            self.server._start_server()

        await asyncio.to_thread(stop_and_start)

    @asynccontextmanager
    async def held(self, sku: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        """Hold the balances of a SKU locked; gives what returns once so many wait for them, or behind one who does."""
        connection = await asyncpg.connect(self.server.url())

        async def so_many_wait(wanted: int) -> None:
            async with asyncio.timeout(60):
                while True:
                    if await connection.fetchval(_WAITING) >= wanted:
                        return
                    await asyncio.sleep(0.02)

        try:
            async with connection.transaction():
                await connection.execute("SELECT FROM inventory.stock WHERE sku = $1 FOR UPDATE", sku)
                yield so_many_wait
        finally:
            await connection.close()

    async def answering(self) -> None:
        """Wait until every API answers from its database again."""
        async with asyncio.timeout(180):
            for address in self.addresses:
                wire = Wire(address, self.api_key)
                while True:
                    with suppress(NoAnswer):
                        said = await wire.call("GET", "/v1/channels/web", timeout_s=5)
                        if said.status == 200:
                            break
                    await asyncio.sleep(0.1)
                await wire.close()

    async def worker_done(self) -> None:
        """The worker finishes what it has in hand, and takes up nothing more."""
        for process in self.running.processes.values():
            if process.name.startswith("worker"):
                await process.stop()

    async def final(self) -> Final:
        """Everything there is, as the API shows it, and what log, audit and the other sides' ledgers say."""
        log = (self.server.cluster / "server.log").read_text(errors="replace")
        final = await shown(
            self.addresses[0], self.api_key, self.server.url(), deadlocks=log.count("deadlock detected")
        )
        connection = await asyncpg.connect(self.server.url())
        ours = dict(await connection.fetch("SELECT key, status FROM payments.transactions"))
        await connection.close()
        _, money = await http.call("GET", f"{self.outside.gateway}/ledger?limit=1000000")
        _, labels = await http.call("GET", f"{self.outside.carrier}/ledger")
        final.outside = other_sides(ours, money["operations"], labels["labels"])
        return final


def other_sides(
    ours: Mapping[str, str], operations: Sequence[Mapping[str, Any]], labels: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What gateway and carrier did that we do not know of, or did twice. `ours`: what we think became of each key."""
    found = [
        f"the gateway's {done['kind']} {done['key']} succeeded, and here it is {ours.get(done['key'])}"
        for done in operations
        if done["status"] == "succeeded" and ours.get(done["key"]) in (None, "failed")
    ]
    theirs = {done["key"] for done in operations if done["status"] == "succeeded"}
    found += [
        f"{key} succeeded here, and the gateway does not know it"
        for key, status in ours.items()
        if status == "succeeded" and key not in theirs
    ]
    # None is one that was called off before the carrier had heard of it: its reference is barred.
    found += [
        f"{label['bought']} labels were bought for {label['reference']}"
        for label in labels
        if label["bought"] > 1
    ]
    return found


async def shown(address: str, api_key: str, url: str, *, deadlocks: int = 0) -> Final:
    """What the API shows in the end, and what the audit says."""
    wire = Wire(address, api_key)
    levels = await _all(wire, "/v1/inventory/levels?limit=200")
    movements = await _all(wire, "/v1/inventory/movements?limit=200")
    briefs = await _all(wire, "/v1/orders?sort=placed_at&limit=200")
    orders = [(await wire.call("GET", f"/v1/orders/{brief['id']}")).body for brief in briefs]
    carts = await _all(wire, "/v1/reservations?limit=200")
    await wire.close()
    database = await Database.open(url)
    findings = await audit.of_database(database)
    await database.close()
    return Final(
        levels=levels,
        movements=movements,
        orders=orders,
        carts=carts,
        deadlocks=deadlocks,
        audit=[f"{f.invariant.key}: {f.rows}" for f in findings if f.count],
    )


async def _all(wire: Wire, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        said = await wire.call("GET", path + after)
        assert said.status == 200, said
        found += said.body["data"]
        if not said.body.get("after"):
            return found
        after = f"&after={said.body['after']}"


@asynccontextmanager
async def world(folder: Path, *, apis: int = 1) -> AsyncIterator[World]:
    """Everything running."""
    server = EmbeddedPostgres(folder, options=OPTIONS)
    await asyncio.to_thread(server.start)
    try:
        await migrate(server.url())
        api_key = await furnished(server.url())
        around = planned(database_url=server.url(), data_dir=folder)
        own = {**around.api.environment, "ORDERLOOM_LOG_LEVEL": "warning"}
        ports = [free_port() for _ in range(apis)]
        ours = [
            Process(
                f"api-{n}",
                python("orderloom.cli", "serve", "--demo", "--port", str(port)),
                folder / "logs" / f"api-{n}.log",
                own,
                f"http://127.0.0.1:{port}/healthz",
            )
            for n, port in enumerate(ports)
        ]
        async with fleet() as running:
            await running.start(*around.outside, *ours, *around.workers)
            watching = asyncio.create_task(_watched(running))
            yield World(
                server, running, [f"http://127.0.0.1:{port}" for port in ports], api_key, around.addresses
            )
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        await http.close()
    finally:
        await asyncio.to_thread(server.release)


async def _watched(running: Fleet) -> None:
    """A child whose database is away ends, and is started again, however often."""
    while True:
        for process in running.processes.values():
            process._soon = 0
            await process.restart_if_ended()
        await asyncio.sleep(0.2)


async def furnished(url: str) -> str:
    """Three nodes with few units of three SKUs, carriers, channels; returns an API key."""
    demo = demo_data.setup()
    items = [
        Item(sku=sku, name=sku, weight_g=300, length_mm=100, width_mm=80, height_mm=60, list_price=1000)
        for sku in (*SKUS, KIT, LAST)
    ]
    wanted = Setup(
        items=items,
        kits={KIT: PARTS},
        nodes=[node for node in demo.nodes if node.code in NODES],
        channels=demo.channels,
        cartons=demo.cartons,
        carriers=demo.carriers,
        stock={(node, sku): FIRST for node in NODES for sku in SKUS},
    )
    database = await Database.open(url)
    async with database.transaction() as db:
        await setup.put(db, wanted=wanted)
        _, key = await credentials.create_key(db, name="torture", scopes=credentials.SCOPES)
    await database.close()
    return key
