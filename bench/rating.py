"""How many rates a second on one core, with and without a trace, and how long a shop over fifty services takes.

Every round has parcels and destinations of its own, so that nothing has been worked out before but what follows from
the contract. Times are of this process's CPU and of the wall; the figures are of this machine, what carries over is
the ratio of traced to untraced. With `--data` the Postal Service's published table is rated too, every row and pair.

Run: make bench, or python bench/rating.py [--json] [--data DIR] [--answers FILE]
"""

from __future__ import annotations

import argparse
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
from orderloom.shipping.usps import read_folder
from orderloom.terms import Address, Dimensions, Measure

SERVICES, ZONES, ROUNDS, JOBS, MANY = 50, range(2, 9), 5, 400, 4_000
DAY = date(2026, 1, 9)
ORIGIN = Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99))


def contract():
    """Fifty services with cards of their own, and every usual kind of surcharge."""
    codes = [f"service_{n}" for n in range(SERVICES)]
    terms = {
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
    return compile_contract(parse(carrier="bench", version=1, terms=terms))


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
    """Every published price and every pair's zone, rated back; a wrong one is counted."""
    tables = read_folder(folder)
    tariff = compile_contract(parse(carrier="usps", version=1, terms=tables.terms))
    pairs = [
        (Place("US", origin + "01"), Place("US", f"{to:03}01"))
        for origin in tables.terms["zones"]["pairs"]
        for to in range(1000)
    ]
    by_zone = {}
    known = 0
    for origin, to in pairs:
        zone = tariff.legs.between(origin, to)[0].found.zone
        if zone is not None:
            known += 1
            by_zone.setdefault(zone, (origin, to))
    rows = wrong = 0
    edge = Measure(6, "in")
    for card in tables.terms["rates"]:
        for zone, cents in card["amounts"].items():
            origin, to = by_zone[int(zone)]
            for one, published in zip(card["breaks"], cents, strict=True):
                weight = Measure(one["value"], one["unit"])
                parcel = Parcel.given(length=edge, width=edge, height=edge, weight=weight)
                answer = rate(
                    contract=tariff,
                    service=card["service"],
                    parcel=parcel,
                    origin=origin,
                    destination=to,
                    at=DAY,
                )
                rows += 1
                wrong += not isinstance(answer, Rate) or answer.total != published
                write(asked(parcel, origin, to), answer)
    return {"rows": rows, "wrong": wrong, "pairs": known, "pairs_read": tables.pairs}


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
    return lambda question, answer: print(
        json.dumps({"question": question, "answer": answer.json()}), file=out
    )


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--data", type=Path, help="folder with usps_retail_*.csv and usps_zip3_zones_*.csv.gz"
    )
    options.add_argument("--json", action="store_true", help="print the figures as JSON")
    options.add_argument(
        "--answers", type=Path, help="write every rate with its trace to this file, as NDJSON"
    )
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    dice = random.Random(given.seed)
    tariff = contract()
    write = writer(given.answers)
    found = {
        "services": SERVICES,
        "rates_per_second": speeds(tariff, dice),
        "shop": shop_times(tariff, dice),
    }
    if given.answers:
        for parcel, to in jobs_of(dice):
            for answer in rate_all(contracts=[tariff], parcel=parcel, origin=ORIGIN, destination=to, at=DAY):
                write(asked(parcel, ORIGIN, to), answer)
    if given.data:
        found["usps"] = postal(given.data, write)
    if given.json:
        print(json.dumps(found))
    else:
        tell(found)
    sys.exit(1 if found.get("usps", {}).get("wrong") else 0)


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
            f"USPS: {one['rows']} rows, {one['wrong']} wrong; {one['pairs']} of {one['pairs_read']} pairs known"
        )


if __name__ == "__main__":
    main()
