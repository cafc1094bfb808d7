"""How many rates a second on one core, with and without a trace, and how long a shop over fifty services takes.

Every round has parcels and destinations of its own, so that nothing has been worked out before but what follows from
the contract. Times are of this process's CPU and of the wall; the figures are of this machine, what carries over is
the ratio of traced to untraced. Given a folder with the Postal Service's published tables (`usps_retail_*.csv`,
`usps_zip3_zones_*.csv`, gzipped or not), every row's price and every pair's zone are held against them too. The first
answer written is the made-up contract that the rates of the carrier `bench` follow.

    python bench/rating.py [DIR] [--json] [--answers FILE]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import statistics
import sys
import time
from datetime import date
from pathlib import Path

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place, Rate
from orderloom.shipping.rate import rate, rate_all, rate_many
from orderloom.shipping.tariff import compile_contract
from orderloom.shipping.usps import PRICES as PRICE_FILES
from orderloom.shipping.usps import ZONES as ZONE_FILES
from orderloom.shipping.usps import read_folder
from orderloom.terms import Address, Dimensions, Measure

SERVICES, ZONES, ROUNDS, JOBS, MANY = 50, range(2, 9), 5, 400, 4_000
DAY = date(2026, 1, 9)
ORIGIN = Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99))


def made_terms():
    """Fifty services with cards of their own, and every usual kind of surcharge."""
    codes = [f"service_{n}" for n in range(SERVICES)]
    return {
        "currency": "USD",
        "services": [
            {"code": c, "name": c, "transit_days": dict.fromkeys(ZONES, 3), "max_weight": 150} for c in codes
        ],
        "zones": {
            "bands": [
                {"up_to": 150 * (zone - 1), "zone": zone} if zone < 8 else {"zone": zone} for zone in ZONES
            ]
        },
        "rates": [
            {
                "service": c,
                "breaks": list(range(1, 151)),
                "amounts": {
                    zone: [600 + n + 40 * zone + (30 + n % 7) * lb for lb in range(150)] for zone in ZONES
                },
            }
            for n, c in enumerate(codes)
        ],
        "dim": [{"divisor": 139}],
        "discounts": [{"permille": 350}],
        "minimum_charges": {"*": 650},
        "surcharges": [
            {"kind": "residential", "amount": 450, "fuelled": True},
            {"kind": "delivery_area", "code": "area", "amount": 500, "postcodes": ["59", "995-999"]},
            {"kind": "additional_handling", "code": "handling", "amount": 2950, "cube_over": 10368},
            {"kind": "oversize", "code": "oversize", "amount": 25500, "cube_over": 17280},
            {"kind": "fuel", "steps": [{"starts": "2026-01-05", "permille": 205}]},
            {"kind": "peak", "amount": 40, "starts": "2026-11-01", "ends": "2027-01-17"},
        ],
    }


def jobs_of(dice, count=JOBS):
    """Parcels with destinations, none seen before."""
    jobs = []
    for _ in range(count):
        to = Address(postcode=f"{dice.randrange(100000):05}", latitude=dice.uniform(30, 47), longitude=-90)
        size = Dimensions(dice.randrange(100, 500), dice.randrange(100, 400), dice.randrange(20, 300))
        jobs.append((Parcel.of(dimensions=size, weight_g=dice.randrange(100, 15_000)), Place.of(to)))
    return jobs


def timed(work, count):
    """Calls a second by CPU and by wall."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return count / (time.process_time() - cpu), count / (time.perf_counter() - wall)


def shops(tariff, jobs, *, trace):
    for parcel, to in jobs:
        rate_all(contracts=[tariff], parcel=parcel, origin=ORIGIN, destination=to, at=DAY, trace=trace)


def singles(tariff, jobs, *, trace):
    """Ten services asked for one after another, parcel by parcel."""
    for parcel, to in jobs:
        for n in range(10):
            rate(
                contract=tariff,
                service=f"service_{n}",
                parcel=parcel,
                origin=ORIGIN,
                destination=to,
                at=DAY,
                trace=trace,
            )


def many(tariff, jobs, *, trace):
    """One service, a destination a parcel."""
    rate_many(contract=tariff, service="service_7", parcels=jobs, origin=ORIGIN, at=DAY, trace=trace)


def figures(values):
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered)),
        "least": round(ordered[0]),
        "most": round(ordered[-1]),
    }


def speeds(tariff, dice):
    ways = {"shop": (shops, JOBS, SERVICES), "one_by_one": (singles, JOBS, 10), "many": (many, MANY, 1)}
    found = {}
    for name, (work, parcels, each) in ways.items():
        for trace in (False, True):
            rounds = []
            for _ in range(ROUNDS):
                jobs = jobs_of(dice, parcels)
                rounds.append(timed(lambda w=work, j=jobs, t=trace: w(tariff, j, trace=t), parcels * each))
            cpu, wall = zip(*rounds, strict=True)
            found[f"{name}_traced" if trace else name] = {"cpu": figures(cpu), "wall": figures(wall)}
    return found


def shop_times(tariff, dice):
    """Milliseconds a shop of all services, each parcel and destination new, by CPU and wall."""
    cpu, wall = [], []
    for parcel, to in [job for _ in range(ROUNDS) for job in jobs_of(dice)]:
        begun, begun_cpu = time.perf_counter_ns(), time.process_time_ns()
        rate_all(contracts=[tariff], parcel=parcel, origin=ORIGIN, destination=to, at=DAY, trace=False)
        cpu.append((time.process_time_ns() - begun_cpu) / 1e6)
        wall.append((time.perf_counter_ns() - begun) / 1e6)

    def at(values, share):
        return round(sorted(values)[int(len(values) * share)], 4)

    return {
        name: {"p50": at(values, 0.5), "p99": at(values, 0.99), "max": round(max(values), 4)}
        for name, values in (("cpu_ms", cpu), ("wall_ms", wall))
    }


def postal(folder, write):
    """Every published price and every pair's zone, read apart from the importer and rated back; what differs is counted."""
    tables = read_folder(folder)
    tariff = compile_contract(parse(carrier="usps", version=1, terms=tables.terms))
    lanes, pairs, zones_wrong = {}, 0, 0
    for row in published(folder, ZONE_FILES):
        if not row["zone"].isdecimal():
            continue
        zone, pair = int(row["zone"]), (row["origin_zip"].zfill(3), row["dest_zip"].zfill(3))
        origin, to = (Place("US", end + "01") for end in pair)
        found = tariff.legs.between(origin, to)[0].found
        pairs += 1
        zones_wrong += found.zone != zone
        lanes.setdefault(found.zone, (origin, to))
        write(
            {"origin": pair[0], "destination": pair[1], "published": zone},
            {"zone": found.zone, "default": found.default},
        )
    rows = wrong = unasked = 0
    edge = Measure(6, "in")
    for row in published(folder, PRICE_FILES):
        zone, cents = int(row["zone"]), round(float(row["usd"]) * 100)
        if zone not in lanes:
            unasked += 1
            continue
        figure, _, unit = row["weight_not_over"].replace("15_999", "15.999").partition("_")
        parcel = Parcel.given(
            length=edge, width=edge, height=edge, weight=Measure(float(figure), unit or "lb")
        )
        origin, to = lanes[zone]
        answer = rate(
            contract=tariff, service=row["service"], parcel=parcel, origin=origin, destination=to, at=DAY
        )
        rows += 1
        wrong += not isinstance(answer, Rate) or answer.total != cents
        write({**asked(parcel, origin, to), **row}, answer.json())
    return {
        "rows": rows,
        "wrong": wrong,
        # Prices of zones that no pair of the chart is in.
        "rows_without_a_pair": unasked,
        "pairs": pairs,
        "zones_wrong": zones_wrong,
        "rows_left_out": len(tables.bad),
    }


def published(folder, pattern):
    """The rows of the newest such table, as they stand."""
    file = max(folder.glob(pattern))
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def asked(parcel, origin, to):
    return {
        "edges_um": parcel.edges,
        "weight_ng": parcel.weight,
        "origin": origin.postcode,
        "destination": to.postcode,
        "residential": to.residential,
        "day": DAY.isoformat(),
    }


def writer(file):
    """Writes an answer a line, with its question."""
    if file is None:
        return lambda _question, _answer: None
    out = file.open("w", encoding="utf-8")
    return lambda question, answer: print(json.dumps({"question": question, "answer": answer}), file=out)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", help="the Postal Service's tables")
    options.add_argument("--data", type=Path, help="the same")
    options.add_argument("--json", action="store_true", help="print the figures as JSON")
    options.add_argument(
        "--answers", type=Path, help="write every rate with its trace to this file, as NDJSON"
    )
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    dice = random.Random(given.seed)
    terms = made_terms()
    tariff = compile_contract(parse(carrier="bench", version=1, terms=terms))
    write = writer(given.answers)
    write({"contract": "bench"}, terms)
    found = {
        "services": SERVICES,
        "rates_per_second": speeds(tariff, dice),
        "shop": shop_times(tariff, dice),
    }
    if given.answers:
        for parcel, to in jobs_of(dice):
            for answer in rate_all(contracts=[tariff], parcel=parcel, origin=ORIGIN, destination=to, at=DAY):
                write(asked(parcel, ORIGIN, to), answer.json())
    if folder := given.folder or given.data:
        found["usps"] = postal(folder, write)
    if given.json:
        print(json.dumps(found))
    else:
        tell(found)
    usps = found.get("usps", {})
    sys.exit(1 if usps.get("wrong") or usps.get("zones_wrong") else 0)


def tell(found):
    for name, by in found["rates_per_second"].items():
        told = ", ".join(
            f"{clock} {one['median']:,} ({one['least']:,} … {one['most']:,})" for clock, one in by.items()
        )
        print(f"{name.replace('_', ' ')}: rates/s by {told}")
    for clock, one in found["shop"].items():
        print(f"shop of {SERVICES} services, {clock}: p50 {one['p50']}, p99 {one['p99']}, max {one['max']}")
    if "usps" in found:
        one = found["usps"]
        print(
            f"USPS: {one['rows']} rows, {one['wrong']} wrong; {one['pairs']} pairs, {one['zones_wrong']} zones wrong"
        )


if __name__ == "__main__":
    main()
