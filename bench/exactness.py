"""Routing's search against HiGHS: questions whose parts cost what a table says, the least cost of each found by both.

What HiGHS says of an instance is a fact of the instance. `--optima FILE` keeps it, a JSON object a line under the digest
of the program as HiGHS gets it, and reads it back: an interrupted run goes on where it stopped, and a later planner is
compared without solving anything again. Where HiGHS ended at its limit of time, its bounds hold all the same: an answer
within them counts as *by bound*, never as equal, so that the verdict is no matter of luck; a longer limit solves it anew.

    python bench/routing.py --exact [--share 10] [--optima FILE] [--seconds 600] [--answers FILE] [--json]
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict
from math import inf
from pathlib import Path
from statistics import median

from orderloom.routing.model import Policy
from orderloom.routing.seeking import sought
from tests.unit.routing.tables import Optimum, instance, program

# By lines and nodes, how many instances are compared: 2,000 in all.
COMPARED = {
    (1, 50): 300,
    (2, 50): 300,
    (3, 20): 400,
    (3, 50): 300,
    (5, 20): 400,
    (5, 50): 200,
    (10, 20): 80,
    (10, 50): 10,
    (10, 200): 10,
}
# What is not proven within the policy's effort is searched again with this much.
EFFORT = 400_000
SAID_EVERY_S = 10
EQUAL, BY_BOUND, DIFFERING, FAILED = "equal", "by bound", "differing", "not solved"


class Optima:
    """What HiGHS said of programs, by their digest; with a path, of earlier runs too."""

    def __init__(self, path, *, seconds):
        self._path, self._seconds = path, seconds
        self._known = {}
        if path and path.exists():
            text = path.read_text()
            for at, line in enumerate(text.splitlines(), 1):
                try:
                    told = json.loads(line)
                except ValueError:
                    print(f"{path}:{at} is cut off, and left out", file=sys.stderr)
                    continue
                self._known[told["digest"]] = told
            if text and not text.endswith("\n"):
                self._keep("")

    def of(self, tables, **named):
        """What HiGHS says of the instance, in how many ms, and whether it was read; what has a name is kept with it."""
        asked = program(tables)
        digest = asked.digest()
        told = self._known.get(digest)
        read = told is not None and self._settled(told)
        if not read:
            begun = time.process_time_ns()
            found = asked.solved(seconds=self._seconds)
            took = (time.process_time_ns() - begun) / 1e6
            told = {
                "digest": digest,
                **named,
                **asdict(found),
                "limit_s": self._seconds,
                "ms": round(took, 1),
            }
            self._known[digest] = told
            self._keep(json.dumps(told))
        return Optimum(**{name: told[name] for name in Optimum.__slots__}), told["ms"], read

    def _settled(self, told):
        return told["status"] in ("optimal", "infeasible") or (
            told["status"] == "limit" and told["limit_s"] >= self._seconds
        )

    def _keep(self, line):
        if self._path:
            # A whole line at once: runs may share the file.
            with self._path.open("a") as file:
                file.write(line + "\n")


def verdict(found, optimum):
    """How an answer of ours stands to what HiGHS says: each is somewhere between a floor and the best it found."""
    if optimum.status == "failed":
        return FAILED
    ours = inf if found.best is None else found.best.cost
    floor = ours if found.proven else found.floor
    theirs = inf if optimum.cost is None else optimum.cost
    bound = optimum.bound or 0
    if optimum.status != "limit":
        bound = theirs
    if floor > theirs or bound > ours:
        return DIFFERING
    return EQUAL if ours == theirs == bound else BY_BOUND


class Size:
    """What came of the instances of one size."""

    def __init__(self, lines, nodes):
        self.lines, self.nodes = lines, nodes
        self.verdicts, self.counts = Counter(), Counter()
        self.wrong, self.failed = [], []
        self.ours, self.theirs = [], []

    def row(self):
        return {
            "lines": self.lines,
            "nodes": self.nodes,
            "instances": len(self.ours),
            "compared": len(self.ours) - self.verdicts[FAILED],
            **{name: self.verdicts[name] for name in (EQUAL, BY_BOUND, DIFFERING)},
            "solved now": self.counts["solved"],
            "read": self.counts["read"],
            "proven": self.counts["proven"],
            "in usual effort": self.counts["usual"],
            "ms p50": round(median(self.ours), 2),
            "ms max": round(max(self.ours), 2),
            "HiGHS p50": round(median(self.theirs), 1),
            "HiGHS max": round(max(self.theirs), 1),
            "ratio": round(sum(self.theirs) / sum(self.ours), 1),
        }


def compared(size, seed, optima):
    """One instance answered by us and by HiGHS, as it is written down."""
    tables = instance(size.lines, size.nodes, seed)
    begun = time.process_time_ns()
    found = sought(tables.question, tables, effort=Policy().effort)
    size.ours.append((time.process_time_ns() - begun) / 1e6)
    size.counts["usual"] += found.proven
    if not found.proven:
        found = sought(tables.question, tables, effort=EFFORT)
    size.counts["proven"] += found.proven
    optimum, took, read = optima.of(tables, lines=size.lines, nodes=size.nodes, seed=seed)
    size.theirs.append(took)
    size.counts["read" if read else "solved"] += 1
    said = verdict(found, optimum)
    size.verdicts[said] += 1
    answer = {
        "lines": size.lines,
        "nodes": size.nodes,
        "seed": seed,
        "verdict": said,
        "parts": found.best.parts if found.best else None,
        "cost": found.best.cost if found.best else None,
        "bound": found.floor,
        "proven": found.proven,
        "highs": asdict(optimum),
    }
    if said == DIFFERING:
        size.wrong.append(answer)
    if said == FAILED:
        size.failed.append(answer)
    return {**answer, "instance": asdict(tables)}


class Progress:
    """How far a run is, said every few seconds; time goes about by the square of the lines, times the nodes."""

    def __init__(self, instances):
        self._of, self._done = len(instances), 0
        self._work, self._left = 0, sum(lines * lines * nodes for lines, nodes, _ in instances)
        self._begun = self._said = time.monotonic()

    def done(self, lines, nodes, *, differing):
        self._done += 1
        self._work += lines * lines * nodes
        self._left -= lines * lines * nodes
        now = time.monotonic()
        if now - self._said >= SAID_EVERY_S:
            self._said = now
            left = (now - self._begun) * self._left / self._work
            said = f"{self._done} of {self._of} ({lines}x{nodes}), {differing} differing, about {left:.0f} s left"
            print(said, file=sys.stderr, flush=True)


def exact(wanted):
    """Compare, and sum up; the exit code says whether anything differed."""
    sizes = {size: Size(*size) for size in COMPARED}
    instances = [
        (*size, seed) for size, count in COMPARED.items() for seed in range(max(1, count // wanted.share))
    ]
    optima, progress = Optima(wanted.optima, seconds=wanted.seconds), Progress(instances)
    with (wanted.answers or Path(os.devnull)).open("w") as file:
        for lines, nodes, seed in instances:
            answer = compared(sizes[lines, nodes], seed, optima)
            print(json.dumps(answer, default=list), file=file)
            progress.done(lines, nodes, differing=sum(len(size.wrong) for size in sizes.values()))
    rows = [size.row() for size in sizes.values()]
    counted = ("instances", "compared", EQUAL, BY_BOUND, DIFFERING, "solved now", "read", "proven")
    total = {name: sum(row[name] for row in rows) for name in (*counted, "in usual effort")}
    wrong = [one for size in sizes.values() for one in size.wrong]
    failed = [one for size in sizes.values() for one in size.failed]
    if wanted.json:
        print(
            json.dumps({"exact": rows, "all": total, "differing": wrong, "not_solved": failed}, default=list)
        )
    else:
        told(rows, total, wrong + failed)
    return int(bool(wrong))


def told(rows, total, odd):
    """The summary as a table, and whatever needs a look."""
    names = list(rows[0])
    widths = [max(len(name), 6) for name in names]
    for row in (dict(zip(names, names, strict=True)), *rows, {**total, "lines": "all"}):
        cells = (str(row.get(name, "")) for name in names)
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    for one in odd:
        print(json.dumps(one, default=list))
