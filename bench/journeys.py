"""Journeys from captured to released: orders a second, CPU an order of workers and of PostgreSQL, and where it goes.

Its own PostgreSQL, durable as in earnest (fsync, synchronous_commit). The orders are captured first, which is not
timed; their gateway answers at once, in the worker's own process. Then the workers take them from `reserve` through
`verify`, `authorize`, `route`, `release` to `follow`; the clock stops when every order is released. The fulfillment
orders' own journeys stand at their first step. Readers of the log and the other journeys are off unless --all.

    python bench/journeys.py [--orders 50000] [--warm 0] [--workers 2] [--json] [--profile] [--all]
    python bench/journeys.py --curve [--orders 10000]     cost an order at 10,000 … 1,000,000 stored orders

CPU an order says more than orders a second on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import journeys_past as past
import journeys_shop as shop
import uvloop

from orderloom import routing
from orderloom.journey.order import ORDER
from orderloom.journey.placing import place
from orderloom.network import places
from orderloom.orders.model import Placed
from orderloom.payments import gateways
from orderloom.payments.model import Absent, Approved
from orderloom.plumbing import garbage
from orderloom.plumbing.database import Database
from orderloom.plumbing.embedded import EmbeddedPostgres
from orderloom.plumbing.journeys import Journey, Outward
from orderloom.plumbing.migrate import migrate
from orderloom.plumbing.runner import Runner
from orderloom.worker import POOL, Worker

AT_ONCE = 500
# What --curve looks at.
STORED = (10_000, 100_000, 300_000, 1_000_000)
NOBODY = "00000000-0000-0000-0000-000000000000"
TICKS = os.sysconf("SC_CLK_TCK")
# Asking costs the server something as well.
POLL_S = 0.25


class Instant:
    """A gateway that says yes at once, and once a key."""

    def __init__(self):
        self._done = {}

    async def authorize(self, call):
        return self._done.setdefault(call.key, Approved(f"auth-{call.key}", call.amount))

    async def capture(self, call):
        return self._done.setdefault(call.key, Approved(f"capture-{call.key}", call.amount))

    async def void(self, call):
        return self._done.setdefault(call.key, Approved(f"void-{call.key}", call.amount))

    async def refund(self, call):
        return self._done.setdefault(call.key, Approved(f"refund-{call.key}", call.amount))

    async def find(self, call):
        return self._done.get(call.key, Absent())


# --- a worker, in a process of its own ------------------------------------------------------------------------


class Watch:
    """Time by step and by statement, when asked for."""

    def __init__(self):
        self.steps = defaultdict(lambda: [0, 0.0, 0])
        self.statements = defaultdict(lambda: [0, 0.0])
        self.tracer = None

    def timed(self, name, act):
        async def did(*args):
            begun = time.perf_counter()
            said = await act(*args)
            row = self.steps[name]
            row[0] += 1
            row[1] += time.perf_counter() - begun
            row[2] += len(args[1]) if len(args) > 1 else 1
            return said

        return did

    def thought(self, name, decide):
        def did(*args):
            if self.tracer:
                self.tracer.disable()
            begun = time.process_time()
            said = decide(*args)
            row = self.steps[name]
            row[0] += 1
            row[1] += time.process_time() - begun
            row[2] += 1
            if self.tracer:
                self.tracer.enable()
            return said

        return did

    def journey(self, table):
        steps = []
        for step in table.steps:
            do = step.do
            if isinstance(do, Outward):
                do = replace(
                    do,
                    prepare=self.timed(f"{step.name} prepare", do.prepare),
                    record=self.timed(f"{step.name} record", do.record),
                )
            else:
                do = self.timed(step.name, do)
            steps.append(replace(step, do=do))
        return Journey(of=table.of, steps=tuple(steps), parked=table.parked)

    def query(self, record):
        row = self.statements[" ".join(record.query.split())[:140]]
        row[0] += 1
        row[1] += record.elapsed

    def json(self):
        return {
            "steps": {name: {"calls": n, "s": s, "subjects": k} for name, (n, s, k) in self.steps.items()},
            "statements": {text: {"calls": n, "s": s} for text, (n, s) in self.statements.items()},
        }


async def worker(url, *, profile, everything):
    gateways.GATEWAYS[shop.GATEWAY] = Instant
    watch = Watch()
    places.read_table()
    garbage.search_seldom(beyond=garbage.IN_SETS)
    database = await Database.open(url, min_size=4, max_size=POOL)
    if profile:
        connections = [await database._pool.acquire() for _ in range(4)]  # noqa: SLF001 - to hang a watch on each
        for connection in connections:
            connection._con.add_query_logger(watch.query)  # noqa: SLF001
            await database._pool.release(connection)  # noqa: SLF001
    table = ORDER
    if profile:
        table = watch.journey(ORDER)
        routing.decide = watch.thought("  of which the plan", routing.decide)
    run = Worker(database).run if everything else Runner(database, [table]).run
    print("ready", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    before = _used()
    # Planning has benches of its own: it is timed and left out of the trace.
    tracer = watch.tracer = cProfile.Profile(time.process_time) if profile == "python" else None
    if tracer:
        tracer.enable()
    await run(stop)
    if tracer:
        tracer.disable()
        pstats.Stats(tracer, stream=sys.stderr).sort_stats("tottime").print_stats(60)
        pstats.Stats(tracer, stream=sys.stderr).sort_stats("cumtime").print_stats(80)
    await database.close()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": _used() - before, "rss_mb": round(rss_mb), **watch.json()}), flush=True)


def _used():
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


# --- PostgreSQL -----------------------------------------------------------------------------------------------


def _stat(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return None


def cpu_s(pid):
    """CPU of a process so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def postgres_cpu_s(postmaster):
    """CPU of the server and all its processes, those that have ended included."""
    total = sum(map(int, _stat(postmaster)[11:15])) / TICKS
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat(entry.name)
        if fields and int(fields[1]) == postmaster:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


@dataclass
class Reading:
    """Clocks and counters at a moment."""

    at: float
    worker_s: float
    server_s: float
    wal: str


@contextlib.contextmanager
def server(options=None):
    folder = Path(tempfile.mkdtemp(prefix="orderloom-bench-"))
    folder.chmod(0o711)
    postgres = EmbeddedPostgres(folder, options=options)
    postgres.start()
    try:
        yield postgres, int((postgres.cluster / "postmaster.pid").read_text().split()[0])
    finally:
        postgres.release()
        shutil.rmtree(folder, ignore_errors=True)


# --- one round ------------------------------------------------------------------------------------------------


async def capture(database, buyers, count):
    for start in range(0, count, AT_ONCE):
        drafts = [buyers.order() for _ in range(min(AT_ONCE, count - start))]
        async with database.transaction() as db:
            taken = await place(db, drafts=drafts)
        if refused := [one for one in taken if not isinstance(one, Placed)]:
            raise SystemExit(refused[0])
    async with database.connection() as db:
        # By name: a table that is analysed while it is empty has its foreign keys checked from end to end.
        await db.execute(
            "VACUUM (ANALYZE) orders.orders, orders.lines, orders.slices, payments.intents, plumbing.subjects, "
            "plumbing.events, inventory.stock, inventory.movements"
        )
        await db.execute("CHECKPOINT")


_LEFT = """
SELECT EXISTS (SELECT FROM plumbing.subjects WHERE journey = 'order' AND state = 'due'
               AND step IN ('reserve', 'verify', 'authorize', 'route', 'release', 'follow'))
"""
_RELEASED = "SELECT count(*) FROM orders.orders WHERE min_rank = 400 AND lifecycle = 'open' AND id > $1"


async def measure(database, postmaster, buyers, orders, options):
    """Capture so many orders and have the workers release them."""
    begun = time.perf_counter()
    async with database.connection() as db:
        latest = await db.fetchval("SELECT max(id::text)::uuid FROM orders.orders") or NOBODY
    await capture(database, buyers, orders)
    captured_s = time.perf_counter() - begun
    workers = [_worker(database.url, options) for _ in range(options.workers)]
    for each in workers:
        if each.stdout.readline() != "ready\n":
            raise SystemExit("a worker ended before it began")
    pids = [each.pid for each in workers]
    async with database.connection() as db:
        warm = 0
        # It is the database that tells.
        while options.warm and (warm := await db.fetchval(_RELEASED, latest)) < options.warm:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        before = Reading(
            time.perf_counter(),
            sum(map(cpu_s, pids)),
            postgres_cpu_s(postmaster),
            await db.fetchval("SELECT pg_current_wal_lsn()"),
        )
        while await db.fetchval(_LEFT):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        took = time.perf_counter() - before.at
        worker_s = sum(map(cpu_s, pids)) - before.worker_s
        server_s = postgres_cpu_s(postmaster) - before.server_s
        written = await db.fetchval("SELECT pg_current_wal_lsn() - $1::pg_lsn", before.wal)
        released = await db.fetchval(_RELEASED, latest)
        ended = await asyncio.gather(*(asyncio.to_thread(each.communicate, "stop\n") for each in workers))
    if released != orders:
        raise SystemExit(f"{released} of {orders} were released")
    said = [json.loads(out) for out, _ in ended]
    counted = orders - warm
    return {
        "orders": counted,
        "orders_a_s": round(counted / took),
        "took_s": round(took, 2),
        "worker_ms": round(1000 * worker_s / counted, 3),
        "postgres_ms": round(1000 * server_s / counted, 3),
        "cpu_ms": round(1000 * (worker_s + server_s) / counted, 3),
        "wal_bytes": round(int(written) / counted),
        "rss_mb": max(one["rss_mb"] for one in said),
        "captured_a_s": round(orders / captured_s),
        "workers": said if options.profile else None,
    }


def _worker(url, options):
    command = [sys.executable, __file__, "--worker", url]
    command += ["--profile", options.profile] if options.profile else []
    command += ["--all"] if options.all else []
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def rounds(options):
    with server() as (postgres, postmaster):
        await migrate(postgres.url())
        database = await Database.open(postgres.url(), statement_timeout_s=900)
        await shop.furnish(database)
        buyers = shop.Buyers()
        if options.curve:
            # What is copied into the past is taken from these.
            await measure(database, postmaster, buyers, past.PATTERNS, options)
            found = [await _at(database, postmaster, buyers, stored, options) for stored in options.stored]
        else:
            found = [
                await measure(database, postmaster, buyers, options.orders, options)
                for _ in range(options.rounds)
            ]
        await database.close()
    return found


async def _at(database, postmaster, buyers, stored, options):
    """The cost with so many orders stored before; the middle round by CPU."""
    begun = time.perf_counter()
    await past.grow(database, to=stored)
    print(f"{stored:,} orders stored after {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    each = [
        await measure(database, postmaster, buyers, options.orders, options) for _ in range(options.rounds)
    ]
    middle = sorted(each, key=lambda one: one["cpu_ms"])[len(each) // 2]
    return {
        "stored": stored,
        **middle,
        "cpu_ms_spread": [min(e["cpu_ms"] for e in each), max(e["cpu_ms"] for e in each)],
    }


# --- telling --------------------------------------------------------------------------------------------------


def tell(found, options):
    keys = ("orders_a_s", "cpu_ms", "worker_ms", "postgres_ms", "wal_bytes", "rss_mb", "captured_a_s")
    head = ("stored", *keys) if options.curve else keys
    print("  ".join(f"{name:>12}" for name in head))
    for one in found:
        print("  ".join(f"{one[name]:>12,}" for name in head))
    if options.curve:
        print(
            f"an order costs at {found[-1]['stored']:,} stored {found[-1]['cpu_ms'] / found[0]['cpu_ms']:.2f} x"
        )
    elif len(found) > 1:
        print("median        " + "  ".join(f"{n} {median(one[n] for one in found):,}" for n in keys[:4]))
    for one in found:
        for said in one["workers"] or ():
            _tell_profile(said, options.orders / options.workers)


def _tell_profile(said, orders):
    print(f"\nms of wall clock an order, by step ({said['cpu_s'] * 1000 / orders:.3f} ms CPU in all)")
    for name, row in sorted(said["steps"].items(), key=lambda item: -item[1]["s"]):
        print(
            f"  {name:20} {1000 * row['s'] / orders:8.3f}   {row['calls']} calls, {row['subjects']} subjects"
        )
    total = sum(row["s"] for row in said["statements"].values())
    print(f"ms an order waiting for statements: {1000 * total / orders:.3f}, by statement")
    for text, row in sorted(said["statements"].items(), key=lambda item: -item[1]["s"])[:45]:
        print(f"  {1000 * row['s'] / orders:8.3f}  x{row['calls']:<5} {text}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--warm", type=int, default=0, help="so many orders of a round are not counted")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--stored", type=lambda text: [int(n) for n in text.split(",")], default=STORED)
    parser.add_argument("--profile", choices=("steps", "python"), nargs="?", const="steps")
    parser.add_argument("--all", action="store_true", help="every journey, reader of the log and chore")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        # The loop that `orderloom worker` runs on.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(worker(options.worker, profile=options.profile, everything=options.all))
        return
    found = asyncio.run(rounds(options))
    if options.json:
        print(json.dumps(found))
    else:
        tell(found, options)


if __name__ == "__main__":
    main()
