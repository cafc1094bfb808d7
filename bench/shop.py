"""What the benchmarks of capture stand on: a durable PostgreSQL of their own, a shop in it, and the real `orderloom serve`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from orderloom.catalog.model import Item
from orderloom.insight import audit
from orderloom.journey import setup
from orderloom.journey.setup import CarrierTerms, Setup
from orderloom.network.model import Channel, Node
from orderloom.plumbing import credentials
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.migrate import migrate
from orderloom.simulate import demo_carriers, demo_data
from orderloom.terms import Address

HERE = Path(__file__).parent
SKUS, NODES, ON_HAND = 1_000, 5, 5_000_000
CARRIERS = ("swift", "bluebird")
# Several keys, since the limit of a lane is a key's: the load stands for several storefronts.
KEYS = 8
PLACES = (
    ("43215", "Columbus", 39.96, -83.0),
    ("89502", "Reno", 39.5, -119.8),
    ("75201", "Dallas", 32.8, -96.8),
    ("30303", "Atlanta", 33.7, -84.4),
    ("18101", "Allentown", 40.6, -75.5),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A running PostgreSQL with the shop in it."""

    server: EmbeddedPostgres
    url: str
    data_dir: Path
    keys: tuple[str, ...]

    @property
    def postmaster(self) -> psutil.Process:
        """The server's first process."""
        return psutil.Process(int((self.server.cluster / "postmaster.pid").read_text().split("\n", 1)[0]))

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """For our own processes."""
        return os.environ | {
            "DATABASE_URL": self.url,
            "ORDERLOOM_DATA_DIR": str(self.data_dir),
            "ORDERLOOM_LOG_LEVEL": "warning",
            **(more or {}),
        }


@contextmanager
def opened(*, channels: int = 1, on_hand: int = ON_HAND) -> Iterator[Shop]:
    """A shop of 1,000 SKUs at 5 nodes with ample stock. fsync and synchronous_commit are on, as in earnest."""
    place = Path(tempfile.mkdtemp(prefix="orderloom-bench-"))
    place.chmod(0o711)
    server = EmbeddedPostgres(place)
    server.start()
    try:
        yield Shop(server, server.url(), place, asyncio.run(_fill(server.url(), channels, on_hand)))
    finally:
        server.release()
        shutil.rmtree(place, ignore_errors=True)


async def _fill(url: str, channels: int, on_hand: int) -> tuple[str, ...]:
    await migrate(url)
    database = await Database.open(url)
    nodes = [
        Node(
            code=f"N{n + 1}",
            name=city,
            type="fulfillment_center",
            address=Address(name=city, line1="1 Dock St", city=city, postcode=postcode),
            time_zone="America/New_York",
            latitude=latitude,
            longitude=longitude,
            pick_cost=100,
            unit_cost=10,
        )
        for n, (postcode, city, latitude, longitude) in enumerate(PLACES[:NODES])
    ]
    skus = [f"S{10_001 + n}" for n in range(SKUS)]
    size = {"weight_g": 300, "length_mm": 100, "width_mm": 100, "height_mm": 100}
    wanted = Setup(
        items=[Item(sku=sku, name=f"Item {sku}", list_price=1000, currency="USD", **size) for sku in skus],
        nodes=nodes,
        channels=[
            Channel(code="web" if n == 0 else f"web{n + 1}", name="Web", type="site", currency="USD")
            for n in range(channels)
        ],
        cartons=tuple(demo_data.cartons()),
        carriers=tuple(
            CarrierTerms(code=code, name=demo_carriers.NAMES[code], adapter="simulated", terms=terms)
            for code, terms in demo_carriers.terms().items()
            if code in CARRIERS
        ),
        stock={(node.code, sku): on_hand for node in nodes for sku in skus},
    )
    async with database.transaction() as db:
        await setup.put(db, wanted=wanted)
        keys = [
            (await credentials.create_key(db, name=f"bench {n}", scopes=credentials.SCOPES))[1]
            for n in range(KEYS)
        ]
    async with database.connection() as db:
        # Not of tables still empty: the planner would believe that they stay so.
        await db.execute("VACUUM ANALYZE catalog.items, network.nodes, network.channels, inventory.stock")
    await database.close()
    return tuple(keys)


# --- our own processes ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Served:
    """`orderloom serve` at work, one process or several that share its port."""

    process: psutil.Process
    host: str
    port: int

    def processes(self) -> list[psutil.Process]:
        """The processes that answer."""
        return self.process.children() or [self.process]

    def peak_mb(self) -> float:
        """The most memory that one of them has had (VmHWM)."""
        return max(peak_mb(process.pid) for process in self.processes())


def peak_mb(pid: int) -> float:
    """The most resident memory a process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def served(
    shop: Shop, *, environment: Mapping[str, str] | None = None, processes: int = 1
) -> Iterator[Served]:
    """The API and console as `orderloom serve` has them."""
    command = [sys.executable, "-m", "orderloom.cli", "serve", "--demo", "--port", "0"]
    command += ["--processes", str(processes)] if processes > 1 else []
    if profile := os.environ.get("BENCH_PROFILE"):
        command = [sys.executable, "-m", "cProfile", "-o", profile, *command[1:]]
    with program(command, shop, environment=environment) as process:
        answering = 0
        for line in process.stdout or ():
            found = re.search(rb"http://([\d.]+):(\d+)", line)
            answering += found is not None
            if found and answering == processes:
                yield Served(psutil.Process(process.pid), found[1].decode(), int(found[2]))
                return
        raise SystemExit("orderloom serve did not start")


@contextmanager
def program(
    command: list[str], shop: Shop, *, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours on the shop's database, told to stop at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=shop.environment(environment))
    try:
        yield process
    finally:
        # A profile is written only by a process that ends by itself.
        process.send_signal(signal.SIGINT if os.environ.get("BENCH_PROFILE") else signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load(at: Served, shop: Shop, **plan: Any) -> dict[str, Any]:
    """Run the load generator to its end; what it measured."""
    return finish(start_load(at, shop, **plan))


def start_load(at: Served, shop: Shop, **plan: Any) -> subprocess.Popen[str]:
    """A load generator at work in a process of its own."""
    whole = {"host": at.host, "port": at.port, "keys": shop.keys, "skus": SKUS, "warm_up": 0.5, **plan}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "load.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps(whole))
        process.stdin.close()
        process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the generator says once it has ended."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the load generator failed")
    found: dict[str, Any] = json.loads(said)
    return found


def cpu_of(process: psutil.Process) -> float:
    """Seconds of processor that a process and all its children, also those that ended, have had."""
    own = process.cpu_times()
    used = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


# --- what must be true afterwards -----------------------------------------------------------------------------


def findings(shop: Shop) -> dict[str, int]:
    """What the audits say: nothing, or the measurement is worth nothing."""

    async def ask() -> dict[str, int]:
        database = await Database.open(shop.url, statement_timeout_s=600)
        async with database.connection() as db:
            # What was just written is not known to the planner yet.
            await db.execute("ANALYZE")
        found = await audit.of_database(database)
        await database.close()
        return {finding.invariant.key: finding.count for finding in found if finding.count}

    return asyncio.run(ask())


def count(shop: Shop, statement: str) -> int:
    """One number out of the database."""

    async def ask() -> int:
        database = await Database.open(shop.url, statement_timeout_s=600)
        async with database.transaction() as db:
            found = int(await db.fetchval(statement))
        await database.close()
        return found

    return asyncio.run(ask())


def text(shop: Shop, statement: str) -> str:
    """One text out of the database."""

    async def ask() -> str:
        database = await Database.open(shop.url)
        async with database.transaction() as db:
            found = str(await db.fetchval(statement))
        await database.close()
        return found

    return asyncio.run(ask())
