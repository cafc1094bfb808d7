"""Load every container of a folder's thpack files (Bischoff & Ratcliff), check each load, and say how full they are.

A file holds the number of problems; per problem its number (and seed), the container's edges, the number of kinds, and
a line for each: number, three edges each followed by 1 if that edge may stand upright, quantity. The checker looks at
bounds, overlaps, counts and which edges stand; no rule of support is kept, as usual for these instances. A file that
breaks off is loaded as far as its whole problems go.

    python bench/container_loading.py ../shared/data/cartonization [--files thpack1.txt …] [--first N] [--json]
                                      [--answers FILE] [--effort N]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from itertools import islice, permutations
from pathlib import Path

from orderloom.packing.loading import Cargo, load

# Of a problem: its number, the container's edges, how many kinds.
HEAD = ("number", "edges", "kinds")


def problems(path):
    """Of a thpack file: (container edges, cargos as (edges, may stand, quantity))."""
    lines = iter(
        [[int(word) for word in line.split()] for line in path.read_text().splitlines() if line.strip()]
    )
    (count,) = next(lines)
    for at in range(count):
        head = list(islice(lines, 3))
        rows = list(islice(lines, head[2][0])) if len(head) == len(HEAD) else []
        if not rows or len(rows) < head[2][0]:
            print(f"{path.name} breaks off after {at} of {count} problems", file=sys.stderr)
            return
        (number, *_), inner, _ = head
        yield (
            number,
            tuple(inner),
            [((a, b, c), (fa, fb, fc), quantity) for _, a, fa, b, fb, c, fc, quantity in rows],
        )


def turns(edges, standing):
    """The orientations in which only an edge that may stand does."""
    return tuple(
        sorted({(edges[i], edges[j], edges[k]) for i, j, k in permutations(range(3)) if standing[k]})
    )


def faults(inner, goods, loaded):
    """Everything wrong with a load, as sentences; it shares nothing with the loader."""
    boxes = []
    for cargo, low, edges in loaded.units:
        given, standing, _ = goods[cargo]
        if not any(standing[k] and given[k] == edges[2] and sorted(given) == sorted(edges) for k in range(3)):
            yield f"cargo {cargo} of {given} may not lie as {edges}"
        high = tuple(at + edge for at, edge in zip(low, edges, strict=True))
        if min(low) < 0 or any(end > edge for end, edge in zip(high, inner, strict=True)):
            yield f"cargo {cargo} at {low} sticks out"
        boxes.append((low, high))
    for cargo, units in Counter(unit.cargo for unit in loaded.units).items():
        if units > goods[cargo][2]:
            yield f"{units} of cargo {cargo}, of which there are {goods[cargo][2]}"
    boxes.sort()
    for at, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[at + 1 :]:
            if other_low[0] >= high[0]:
                break
            if all(low[axis] < other_high[axis] and other_low[axis] < high[axis] for axis in (1, 2)):
                yield f"units at {low} and {other_low} overlap"
    volume = sum(e[0] * e[1] * e[2] for _, _, e in loaded.units)
    if volume != loaded.volume:
        yield f"holds {volume}, says {loaded.volume}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", nargs="+", help="of the folder; left out: all its thpack*.txt")
    parser.add_argument("--first", type=int, default=None, help="only so many problems of each file")
    parser.add_argument("--effort", type=int, default=4_000)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--answers", type=Path, help="write every load there, a JSON object a line")
    wanted = parser.parse_args()
    summary, wrong = {}, 0
    answers = wanted.answers.open("w") if wanted.answers else None
    for name in wanted.files or sorted(path.name for path in wanted.folder.glob("thpack*.txt")):
        fills, cpu, wall = [], [], []
        for number, inner, goods in list(problems(wanted.folder / name))[: wanted.first]:
            cargos = [Cargo(turns(edges, standing), quantity) for edges, standing, quantity in goods]
            begun, begun_cpu = time.perf_counter(), time.process_time()
            loaded = load(inner, cargos, effort=wanted.effort)
            cpu.append(time.process_time() - begun_cpu)
            wall.append(time.perf_counter() - begun)
            room = inner[0] * inner[1] * inner[2]
            fills.append(100 * loaded.volume / room)
            for fault in faults(inner, goods, loaded):
                wrong += 1
                print(name, number, fault, file=sys.stderr)
            if answers:
                answer = {
                    "file": name,
                    "problem": number,
                    "container": inner,
                    # edges, which of them may stand, quantity
                    "cargos": goods,
                    "fill_percent": round(fills[-1], 3),
                    "effort": loaded.effort,
                    # cargo, x, y, z, then the edges along x, y, z
                    "placements": [[unit.cargo, *unit.corner, *unit.edges] for unit in loaded.units],
                }
                answers.write(json.dumps(answer) + "\n")
        if not fills:
            continue
        summary[name] = {
            "problems": len(fills),
            "fill_percent_mean": round(sum(fills) / len(fills), 2),
            "fill_percent_least": round(min(fills), 2),
            "cpu_s_mean": round(sum(cpu) / len(cpu), 3),
            "cpu_s_max": round(max(cpu), 3),
            "wall_s_mean": round(sum(wall) / len(wall), 3),
        }
    summary["faults"] = wrong
    if answers:
        answers.close()
    if wanted.json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(name, value)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
