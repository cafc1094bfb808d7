"""Pack every order of a folder of real orders, check each packing independently, and say how many boxes it took.

The folder holds `orders_items.csv` (order, quantity, SKU, width, length, depth, grams) and `boxes.csv` (name, outer
sizes, tare, inner sizes, greatest gross weight), without headings, in millimetres and grams; a fraction is rounded to
the safe side. Times are processor time, on a machine that others use as well; the clock on the wall stands beside them.
Each answer has the order's lines as they were read and the plan (placements: SKU, x, y, z and the edges along them);
with `--landed` also the plan of least cost and its cost.

    python bench/cartonization.py ../shared/data/cartonization [--flat] [--landed RATES.csv] [--json] [--answers FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import defaultdict
from dataclasses import replace
from functools import cache
from math import ceil, floor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from orderloom.packing.cartonize import EFFORT, cartonize
from orderloom.packing.landed import Costs, landed
from orderloom.packing.model import Article, Carton
from orderloom.packing.search import search
from orderloom.terms import Dimensions
from tests.unit.packing.checker import faults

# Orders packed before the clock runs; what they left in memory of whole orders is forgotten.
WARM_UP = 100


def rows(path):
    with path.open(encoding="utf-8-sig") as file:
        yield from (row for row in csv.reader(file) if row)


def up(numbers):
    """What is to go in is never made smaller, nor (below) what it goes into larger."""
    return [ceil(float(number)) for number in numbers]


def down(numbers):
    return [floor(float(number)) for number in numbers]


def load(folder):
    cartons = tuple(
        Carton(
            code=row[0],
            name=row[0],
            outer=Dimensions(*up(row[1:4])),
            tare_g=up(row[4:5])[0],
            inner=Dimensions(*down(row[5:8])),
            max_weight_g=down(row[8:9])[0],
        )
        for row in rows(folder / "boxes.csv")
    )
    orders = defaultdict(list)
    for order, quantity, sku, *sizes in rows(folder / "orders_items.csv"):
        if int(quantity) > 0:
            orders[order].append((sku, int(quantity), *up(sizes)))
    return cartons, {
        order: tuple(
            # The same SKU may come with several sizes: the line's number keeps them apart.
            Article(
                sku=f"{sku[:8]}-{number}",
                length=width,
                width=length,
                height=depth,
                weight_g=grams,
                quantity=quantity,
            )
            for number, (sku, quantity, width, length, depth, grams) in enumerate(lines)
        )
        for order, lines in orders.items()
    }


def measure(cartons, orders, keep_flat, effort):
    answers, times, wall = {}, [], []
    for articles in list(orders.values())[:WARM_UP]:
        cartonize(articles, cartons, keep_flat=keep_flat, effort=effort)
    search.cache_clear()
    for order, articles in orders.items():
        begun, begun_cpu = time.perf_counter_ns(), time.process_time_ns()
        answers[order] = cartonize(articles, cartons, keep_flat=keep_flat, effort=effort)
        times.append((time.process_time_ns() - begun_cpu) / 1e6)
        wall.append((time.perf_counter_ns() - begun) / 1e6)
    wrong = {
        order: found
        for order, plan in answers.items()
        if (found := faults(orders[order], cartons, plan, keep_flat=keep_flat))
    }
    times.sort()
    wall.sort()
    count = len(times)
    summary = {
        "orders": count,
        "keep_flat": keep_flat,
        "boxes": sum(len(plan.parcels) for plan in answers.values()),
        "bound": sum(plan.lower_bound for plan in answers.values()),
        "proven": sum(plan.proven for plan in answers.values()),
        "unpackable": sum(len(plan.unpackable) for plan in answers.values()),
        "one_box": sum(len(plan.parcels) == 1 for plan in answers.values()),
        "carton_litres": sum(p.outer.volume for plan in answers.values() for p in plan.parcels) // 1_000_000,
        "faults": len(wrong),
        "effort": sum(plan.effort for plan in answers.values()),
        "ms_mean": round(sum(times) / count, 3),
        "ms_p50": round(times[count // 2], 3),
        "ms_p99": round(times[count * 99 // 100], 3),
        "ms_max": round(times[-1], 3),
        "wall_ms_mean": round(sum(wall) / count, 3),
        "wall_ms_p50": round(wall[count // 2], 3),
        "wall_ms_p99": round(wall[count * 99 // 100], 3),
        "wall_ms_max": round(wall[-1], 3),
    }
    return summary, answers, wrong


# Packing costs in cents, as assumed for the comparison: a carton by the litre, its void fill, labour.
CENTS_A_CARTON_LITRE = 4
COSTS = Costs(fill_per_litre=3, per_parcel=75, per_unit=0)
ZONE = 5


def price_by(path, zone):
    """Prices of a parcel in cents: by pounds begun, or by size (166 in3 a pound) above a cubic foot; none over 70 lb."""
    steps = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            if int(row["zone"]) == zone:
                word = row["weight_not_over"]
                ounces = int(word.split("_")[0]) if word.endswith("_oz") else int(word) * 16
                steps[ounces if word != "15_999_oz" else 16] = round(float(row["usd"]) * 100)
    ladder = sorted(steps)

    @cache
    def price(one):
        # In exact parts: a pound is 453,592.37 mg, an inch 25.4 mm.
        ounces = -(-one.weight_g * 100_000 * 16 // 45_359_237)
        if one.outer.volume * 1_000 > 1_728 * 16_387_064:
            ounces = max(ounces, 16 * -(-one.outer.volume * 1_000 // (16_387_064 * 166)))
        return next((steps[step] for step in ladder if ounces <= step), None)

    return price


def measure_landed(cartons, orders, keep_flat, effort, rates):
    price = price_by(rates, ZONE)
    priced = tuple(replace(c, cost=c.outer.volume * CENTS_A_CARTON_LITRE // 1_000_000) for c in cartons)
    found, wrong, begun = {}, {}, time.process_time()
    for order, articles in orders.items():
        found[order] = landed(articles, priced, price=price, costs=COSTS, keep_flat=keep_flat, effort=effort)
    spent = time.process_time() - begun
    for order, one in found.items():
        if bad := faults(orders[order], priced, one.plan, keep_flat=keep_flat):
            wrong[order] = bad
    cost, fewest = (
        sum(getattr(one, name) for one in found.values()) for name in ("cost", "fewest_boxes_cost")
    )
    return (
        {
            "landed_cents": cost,
            "fewest_boxes_cents": fewest,
            "saving_percent": round(100 * (fewest - cost) / fewest, 3),
            "orders_cheaper": sum(one.saving > 0 for one in found.values()),
            "orders_dearer": sum(one.saving < 0 for one in found.values()),
            "landed_boxes": sum(len(one.plan.parcels) for one in found.values()),
            "landed_bound_cents": sum(one.lower_bound for one in found.values()),
            "landed_ms_mean": round(1000 * spent / len(found), 3),
        },
        {order: {"cost": one.cost, **one.plan.json()} for order, one in found.items()},
        wrong,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--flat", action="store_true", help="keep heights vertical, and nothing else")
    parser.add_argument("--effort", type=int, default=EFFORT)
    parser.add_argument(
        "--landed",
        type=Path,
        metavar="RATES",
        help="price the plans as well, by a file of prices (service, weight_not_over, zone, usd); for zone 5",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--answers", type=Path, help="write every plan there, a JSON object a line")
    wanted = parser.parse_args()
    cartons, orders = load(wanted.folder)
    if not orders:
        parser.error(f"{wanted.folder / 'orders_items.csv'} has no orders")
    summary, answers, wrong = measure(cartons, orders, wanted.flat, wanted.effort)
    cheapest = {}
    if wanted.landed:
        more, cheapest, also = measure_landed(cartons, orders, wanted.flat, wanted.effort, wanted.landed)
        summary |= more
        wrong |= also
    if wanted.answers:
        with wanted.answers.open("w") as file:
            for order, plan in answers.items():
                told = {
                    "order": order,
                    "articles": [one.json() for one in orders[order]],
                    **plan.json(),
                    **({"landed": cheapest[order]} if cheapest else {}),
                }
                file.write(json.dumps(told) + "\n")
    if wanted.json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(f"{name:14} {value}")
    for order, found in wrong.items():
        print(order, *found, sep="\n  ", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
