"""How many rates a second, with and without a trace, and how long a shop over fifty services takes.

Figures are of this machine; what carries over is the ratio of traced to untraced. Run: make bench
"""

from __future__ import annotations

import random
import statistics
import time
from datetime import date

from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place
from orderloom.shipping.rate import rate, rate_all
from orderloom.shipping.tariff import compile_contract
from orderloom.terms import Address, Dimensions

SERVICES, ZONES = 50, range(2, 9)


def contract():
    codes = [f"service_{n}" for n in range(SERVICES)]
    return compile_contract(
        parse(
            carrier="bench",
            version=1,
            terms={
                "currency": "USD",
                "services": [
                    {"code": c, "name": c, "transit_days": dict.fromkeys(ZONES, 3), "max_weight": 150}
                    for c in codes
                ],
                "zones": {
                    "bands": [
                        {"up_to": 150 * (zone - 1), "zone": zone} if zone < 8 else {"zone": zone}
                        for zone in ZONES
                    ]
                },
                "rates": [
                    {
                        "service": c,
                        "breaks": list(range(1, 151)),
                        "amounts": {zone: [600 + 40 * zone + 30 * lb for lb in range(150)] for zone in ZONES},
                    }
                    for c in codes
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
            },
        )
    )


def main():
    dice = random.Random(7)
    tariff = contract()
    origin = Place.of(Address(postcode="10001", latitude=40.75, longitude=-73.99))
    jobs = []
    for _ in range(400):
        to = Address(postcode=f"{dice.randrange(100000):05}", latitude=dice.uniform(30, 47), longitude=-90)
        size = Dimensions(dice.randrange(100, 500), dice.randrange(100, 400), dice.randrange(20, 300))
        jobs.append((Parcel.of(dimensions=size, weight_g=dice.randrange(100, 15_000)), Place.of(to)))
    day = date(2026, 1, 9)

    def one_by_one(*, trace):
        begun = time.perf_counter()
        for parcel, to in jobs:
            for n in range(10):
                rate(
                    contract=tariff,
                    service=f"service_{n}",
                    parcel=parcel,
                    origin=origin,
                    destination=to,
                    at=day,
                    trace=trace,
                )
        return (time.perf_counter() - begun) / len(jobs) / 10 * 1e6

    shops = []
    for parcel, to in jobs:
        begun = time.perf_counter()
        rate_all(contracts=[tariff], parcel=parcel, origin=origin, destination=to, at=day, trace=False)
        shops.append((time.perf_counter() - begun) * 1e3)
    bare, traced = (statistics.median(one_by_one(trace=trace) for _ in range(5)) for trace in (False, True))
    print(f"one rate: {bare:.1f} µs, with its trace {traced:.1f} µs (x {traced / bare:.1f})")
    shop = statistics.median(shops)
    p99 = sorted(shops)[int(len(shops) * 0.99)]
    print(
        f"shop of {SERVICES} services: {shop:.2f} ms, p99 {p99:.2f} ms, {SERVICES / shop * 1000:,.0f} rates/s"
    )


if __name__ == "__main__":
    main()
