"""The load generator: raw sockets with keep-alive and prebuilt bodies, so that it takes little of the machine it measures on.

A plan comes in as JSON on standard input, what was measured goes out as JSON on standard output. Two ways of asking:

- closed: each connection sends its next request when the answer to the last has come. Finds out how much goes through.
- open: requests are due at times fixed beforehand, whether or not answers come, and a latency counts from the time a request
  was due: a server that stalls is charged for everybody who would have come meanwhile (no coordinated omission), and for the
  generator's own tick.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import random
import re
import resource
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from itertools import accumulate, cycle
from typing import Any

import uvloop

BODIES = 4_000
# What is due is sent so often, together: a look at the clock for each would cost more than sending it.
TICK_S = 0.002
# Rows of a bulk that may be on their way.
AHEAD = 2_000
LINE = b'{"sku":"%s","quantity":%d,"unit_price":{"amount":1000,"currency":"USD"}}'
ORDER = (
    b'{"channel":"web","external_id":"%s","placed_at":"2026-03-02T15:04:05Z","currency":"USD",'
    b'"buyer":{"name":"Ada Buyer","email":"ada@example.com"},'
    b'"ship_to":{"name":"Ada Buyer","line1":"500 Main St","city":"Columbus","region":"OH","postcode":"43215","country":"US"},'
    b'"lines":[%s],"tenders":[{"method":"card","token":"tok_approve","amount":{"amount":%d,"currency":"USD"}}],'
    b'"total":{"amount":%d,"currency":"USD"}}'
)
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n"
    b"Idempotency-Key: %s\r\nContent-Length: %d\r\n\r\n"
)


class Carts:
    """Orders of three lines whose SKUs follow Zipf's law; with `hot`, one line of each order asks for that SKU."""

    def __init__(self, *, skus: int, seed: int, prefix: str, hot: str | None = None) -> None:
        dice = random.Random(seed)
        weights = list(accumulate(1 / rank**1.001 for rank in range(1, skus + 1)))
        self._prefix = prefix.encode()
        self._count = 0
        self._lines: list[tuple[bytes, int]] = []
        for _ in range(BODIES):
            ranks = [bisect.bisect(weights, dice.random() * weights[-1]) for _ in range(3)]
            names = [b"S%d" % (10_001 + min(rank, skus - 1)) for rank in ranks]
            if hot is not None:
                names[0] = hot.encode()
            units = [dice.choice((1, 1, 2)) for _ in names]
            lines = b",".join(LINE % (name, count) for name, count in zip(names, units, strict=True))
            self._lines.append((lines, 1000 * sum(units)))

    def next(self) -> tuple[bytes, bytes]:
        """A key of its own, and the body."""
        lines, total = self._lines[self._count % BODIES]
        self._count += 1
        name = b"%s-%d" % (self._prefix, self._count)
        return name, ORDER % (name, lines, total, total)


def requests(plan: dict[str, Any]) -> Iterator[bytes]:
    """Single captures, ready to be sent, in the name of several keys by turns."""
    carts = Carts(skus=plan["skus"], seed=plan["seed"], prefix=plan["prefix"], hot=plan.get("hot"))
    keys = cycle(key.encode() for key in plan["keys"])
    while True:
        name, body = carts.next()
        yield HEAD % (b"/v1/orders", next(keys), b"application/json", name, len(body)) + body


class Connection(asyncio.Protocol):
    """One kept-alive connection that has at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._seen = b""
        self.began = self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, began: float) -> None:
        """Send it; the latency counts from `began`."""
        self.began, self.sent = began, time.perf_counter()
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        seen = self._seen + data if self._seen else data
        end = seen.find(b"\r\n\r\n")
        if end >= 0:
            at = seen.lower().find(b"content-length: ", 0, end)
            length = int(seen[at + 16 : seen.find(b"\r", at)])
            if len(seen) >= end + 4 + length:
                self._seen = b""
                self._load.answered(self, int(seen[9:12]), seen[end + 4 :])
                return
        self._seen = seen

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._load.lost(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class Load:
    """What is asked and answered over all connections."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._requests = requests(plan)
        # In the order in which they came free, so that the server's processes have their share of them all the time.
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._under_way = 0
        self._broken = 0
        self._ending = False
        self.statuses: Counter[int] = Counter()
        self.latencies: list[tuple[float, float, int]] = []  # when due, how long, status
        # How long each accepted one took once a connection was free for it.
        self.at_the_server: list[float] = []
        self.examples: dict[int, str] = {}

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        """An answer has come: note it, and send what comes next."""
        now = time.perf_counter()
        self._under_way -= 1
        self.statuses[status] += 1
        self.latencies.append((connection.began, now - connection.began, status))
        if status in (200, 201):
            self.at_the_server.append(now - connection.sent)
        if status >= 300 and status not in self.examples:
            self.examples[status] = body.decode(errors="replace")[:300]
        if self._plan["mode"] == "closed" and not self._ending:
            self._ask(connection, now)
        elif self._due:
            self._ask(connection, self._due.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """The server hung up."""
        if not self._ending:
            self._broken += 1
            if connection in self._idle:
                self._idle.remove(connection)
            else:
                self._under_way -= 1

    def _ask(self, connection: Connection, due: float) -> None:
        self._under_way += 1
        connection.send(next(self._requests), due)

    async def run(self) -> dict[str, Any]:
        """Ask for as long as the plan says; then wait for what is under way."""
        loop = asyncio.get_running_loop()
        plan = self._plan
        for _ in range(plan["connections"]):
            _, connection = await loop.create_connection(lambda: Connection(self), plan["host"], plan["port"])
            self._idle.append(connection)
        everybody = list(self._idle)
        began = time.perf_counter()
        cpu_before = _cpu()
        if plan["mode"] == "closed":
            self._idle.clear()
            for connection in everybody:
                self._ask(connection, began)
            await asyncio.sleep(plan["warm_up"] + plan["seconds"])
        else:
            await self._open_loop(began)
        ended = time.perf_counter()
        cpu = _cpu() - cpu_before
        self._ending = plan["mode"] == "closed"
        patience = ended + plan.get("patience", 15)
        while (self._under_way or self._due) and time.perf_counter() < patience:  # noqa: ASYNC110 - a look now and then is enough
            await asyncio.sleep(0.01)
        drained = time.perf_counter()
        self._ending = True
        for connection in everybody:
            connection.close()
        return self._report(began, ended, drained, cpu)

    async def _open_loop(self, began: float) -> None:
        """Constant arrivals at a rate that may climb: `ramp` says by when it is reached, from `rate_before`."""
        plan = self._plan
        due, end = began, began + plan["warm_up"] + plan["seconds"]
        slow, fast, ramp = plan.get("rate_before", plan["rate"]), plan["rate"], plan.get("ramp", 0)
        while due < end:
            now = time.perf_counter()
            while due <= now and due < end:
                if self._idle:
                    self._ask(self._idle.popleft(), due)
                else:
                    self._due.append(due)
                passed = due - began - plan["warm_up"]
                climbed = 1.0 if not ramp or passed >= ramp else max(0.0, passed / ramp)
                due += 1 / (slow + (fast - slow) * climbed)
            await asyncio.sleep(TICK_S)

    def _report(self, began: float, ended: float, drained: float, cpu: float) -> dict[str, Any]:
        start = began + self._plan["warm_up"]
        span = ended - start
        good = sorted(took for at, took, status in self.latencies if status in (200, 201) and at >= start)
        done = sum(
            1 for at, took, status in self.latencies if status in (200, 201) and start <= at + took <= ended
        )
        steps = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1))
        inside = sorted(self.at_the_server)
        return {
            "per_second": done / span,
            "answered": sum(self.statuses.values()),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "unanswered": self._under_way + len(self._due),
            "broken": self._broken,
            "ms": {name: _quantile(good, at) for name, at in steps},
            "ms_at_the_server": {name: _quantile(inside, at) for name, at in steps},
            "drained_s": drained - ended,
            "cpu_s": cpu,
            "span_s": ended - began,
            "examples": {str(status): text for status, text in self.examples.items()},
        }


async def streams(plan: dict[str, Any]) -> dict[str, Any]:
    """Bulk: requests whose rows go out as fast as they are taken, for as long as the plan says."""
    began, cpu_before = time.perf_counter(), _cpu()
    told = await asyncio.gather(*(stream(plan, number) for number in range(plan.get("streams", 1))))
    statuses = sum(told, Counter[str]())
    span = time.perf_counter() - began
    return {
        "per_second": statuses["201"] / span,
        "answered": sum(statuses.values()),
        "statuses": dict(statuses),
        "unanswered": 0,
        "broken": 0,
        "ms": {"all": round(1000 * span)},
        "cpu_s": _cpu() - cpu_before,
        "span_s": span,
        "examples": {},
    }


async def stream(plan: dict[str, Any], number: int) -> Counter[str]:
    """One of them: how many rows were answered with what."""
    carts = Carts(skus=plan["skus"], seed=plan["seed"] + number, prefix=f"{plan['prefix']}-{number}")
    reader, writer = await asyncio.open_connection(plan["host"], plan["port"])
    writer.write(
        b"POST /v1/orders/bulk HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
        b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        % plan["keys"][number].encode()
    )
    began = time.perf_counter()
    statuses = Counter[str]()

    async def send() -> None:
        sent = 0
        while time.perf_counter() < began + plan["seconds"]:
            if sent - sum(statuses.values()) > AHEAD:
                # Sockets hold megabytes: without this the run would go on long after its time.
                await asyncio.sleep(0.002)
                continue
            sent += 100
            rows = b"\n".join(carts.next()[1] for _ in range(100)) + b"\n"
            writer.write(b"%x\r\n%s\r\n" % (len(rows), rows))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    sending, tail = asyncio.create_task(send()), b""
    while b"0\r\n\r\n" not in tail[-16:]:
        part = await reader.read(1 << 16)
        if not part:
            break
        whole, _, rest = (tail + part).rpartition(b"\n")
        statuses.update(status.decode() for status in re.findall(rb'"status":(\d+)', whole))
        tail = (
            rest
            if len(rest) > 16
            else (tail + part)[-64:]
            if b'"status"' not in (tail + part)[-64:]
            else rest
        )
    await sending
    writer.close()
    return statuses


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _quantile(ordered: list[float], at: float) -> float | None:
    return round(1000 * ordered[min(len(ordered) - 1, int(at * len(ordered)))], 2) if ordered else None


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        work = streams(wanted) if wanted["mode"] == "bulk" else Load(wanted).run()
        json.dump(runner.run(work), sys.stdout)
