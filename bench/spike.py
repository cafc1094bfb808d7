"""A spike: the offered load grows twentyfold within five seconds and stays there for a minute. What becomes of each request?

Open loop, against `orderloom serve` and two `orderloom worker` whose payment gateway answers at once. What may be shed is shed with
429 or 503; what was accepted is there afterwards; the journeys' backlog is gone within two minutes. Run: make bench, or
    python bench/spike.py [--base 100] [--times 20] [--climb 5] [--seconds 60] [--workers 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import shop
from shop import Shop

from orderloom.journey.order import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 2_500
DRAINED_S = 120
# An order's part of the work is done when its fulfillment orders are released: from there on it follows them.
_STEPS = ", ".join(f"'{step.name}'" for step in ORDER.steps if step.name != "follow")
OPEN = (
    f"SELECT count(*) FROM plumbing.subjects WHERE journey = 'order' AND state = 'due' AND step IN ({_STEPS})"
)


def main() -> None:
    """Measure, print, and fail when something was lost or answered otherwise than by 201, 429 or 503."""
    asked = _asked()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with shop.opened() as ours:
        result = measure(ours, asked)
    print(json.dumps(result, indent=1) if asked.json else _table(result))
    raise SystemExit(0 if result["sound"] else 1)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--base", type=float, default=100, help="orders a second before the spike")
    parser.add_argument("--times", type=float, default=20)
    parser.add_argument("--climb", type=float, default=5, help="seconds until the top is reached")
    parser.add_argument("--seconds", type=float, default=60, help="at the top")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(ours: Shop, asked: argparse.Namespace) -> dict[str, Any]:
    """One spike and what came of it."""
    with gateway(ours) as at, shop.served(ours) as api, ExitStack() as started:
        workers = [started.enter_context(worker(ours, at)) for _ in range(asked.workers)]
        found = shop.load(
            api,
            ours,
            mode="open",
            seed=1,
            prefix="spike",
            connections=CONNECTIONS,
            warm_up=3,
            seconds=asked.climb + asked.seconds,
            rate_before=asked.base,
            rate=asked.base * asked.times,
            ramp=asked.climb,
            patience=30,
        )
        ended = time.monotonic()
        backlog = left = shop.count(ours, OPEN)
        while left and time.monotonic() < ended + 3 * DRAINED_S:
            time.sleep(0.5)
            left = shop.count(ours, OPEN)
        drained = time.monotonic() - ended
        peaks = {"api": round(api.peak_mb()), "worker": round(max(shop.peak_mb(pid) for pid in workers))}
    statuses = found["statuses"]
    stored = shop.count(ours, "SELECT count(*) FROM orders.orders")
    strange = {status: n for status, n in statuses.items() if status not in {"201", "429", "503"}}
    broken = shop.findings(ours)
    accepted = statuses.get("201", 0)
    return {
        "offered_per_second": [asked.base, asked.base * asked.times],
        "accepted": accepted,
        "accepted_per_second": round(found["per_second"]),
        "shed": {status: statuses[status] for status in ("429", "503") if status in statuses},
        "otherwise_answered": strange,
        "unanswered": found["unanswered"],
        "broken_connections": found["broken"],
        "lost": max(0, accepted - stored),
        "stored": stored,
        "ms_of_accepted": found["ms"],
        "ms_at_the_server": found["ms_at_the_server"],
        "backlog_at_the_end": backlog,
        "drained_s": round(drained, 1) if not left else None,
        "peak_mb": peaks,
        "audit": broken,
        "refusals": found["examples"],
        "sound": not strange and stored >= accepted and not left and drained <= DRAINED_S and not broken,
    }


@contextmanager
def gateway(ours: Shop) -> Iterator[str]:
    """The sandbox gateway without faults; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "orderloom.simulate.gateway", "--port", str(port)]
    with shop.program([*command, "--data", str(ours.data_dir / "gateway")], ours):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def worker(ours: Shop, at: str) -> Iterator[int]:
    """`orderloom worker` with that gateway; its process's number."""
    command = [sys.executable, "-m", "orderloom.cli", "worker"]
    with shop.program(command, ours, environment={"ORDERLOOM_GATEWAY_URL": at}) as process:
        if process.stdout is not None:
            process.stdout.readline()
        yield process.pid


def _table(result: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<22}{value}" for name, value in result.items())


if __name__ == "__main__":
    main()
