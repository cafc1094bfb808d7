"""How good promised dates would have been on a folder of past orders, and how long a promise over many ways takes.

The folder has tables as Olist lays them out; without one only speed is measured. Figures of speed are of this machine.

    python bench/promise.py [DIR] [--since YYYY-MM] [--json] [--answers FILE] [--questions 60]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from orderloom.delivery.evaluation import evaluate
from orderloom.delivery.olist_past import TABLES, orders_of_the_past
from orderloom.delivery.transit import Assured, Delivery, learn, path_of
from orderloom.network.model import Node
from orderloom.network.places import place_of
from orderloom.packing.model import Article
from orderloom.routing.binding import Asked, Dates
from orderloom.routing.model import Source
from orderloom.routing.soonest import Lanes, soonest
from orderloom.routing.world import Leaf
from orderloom.shipping.contract import parse
from orderloom.shipping.tariff import compile_contract
from orderloom.simulate import demo_data
from orderloom.simulate.importing import tables_in
from orderloom.terms import Address, Quantities

NODES, SERVICES, ZONES = 50, 20, range(2, 9)
ZIPS = ["10001", "30303", "60601", "75201", "80202", "94103", "98101", "33101", "02108", "85001"]
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
LEVELS = (0.5, 0.8, 0.9, 0.95)


def contract():
    codes = [f"service_{n}" for n in range(SERVICES)]
    return compile_contract(
        parse(
            carrier="bench",
            version=1,
            terms={
                "currency": "USD",
                "services": [
                    {
                        "code": c,
                        "name": c,
                        "transit_days": {z: 1 + (n + z) % 6 for z in ZONES},
                        "max_weight": 150,
                    }
                    for n, c in enumerate(codes)
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
            },
        )
    )


def places(chance):
    found = []
    for n in range(NODES):
        code = ZIPS[n % len(ZIPS)]
        place = place_of(postcode=code)
        found.append(
            Source(
                node=Node(
                    code=f"N{n:02}",
                    name=f"N{n:02}",
                    type="fulfillment_center",
                    address=Address(postcode=code, country="US", region=f"R{n % 10}"),
                    latitude=place.latitude,
                    longitude=place.longitude,
                    time_zone=place.time_zone,
                ),
                available=Quantities({"MUG": 10 + chance.randrange(5)}),
            )
        )
    return found


def taught(chance, sources):
    """What 20,000 made-up deliveries tell, over every node, service and ten regions."""
    made = []
    for _ in range(20_000):
        source, region = chance.choice(sources), f"R{chance.randrange(10)}"
        path = path_of(
            carrier="bench",
            service=f"service_{chance.randrange(SERVICES)}",
            origin=source.node.address.region,
            destination=region,
            node=source.node.code,
        )
        planned = date(2026, 3, 2) - timedelta(days=chance.randrange(1, 200))
        made.append(
            Delivery(path, planned, planned + timedelta(days=chance.choice((-1, 0, 0, 0, 0, 1, 1, 2, 5))))
        )
    return learn(made, today=date(2026, 3, 2))


def speed(questions):
    """Looking up day and chance of every way; and a whole promise: every way packed, rated, timed and ranked."""
    chance = random.Random(1)
    sources, tariff = places(chance), contract()
    begun = time.perf_counter()
    learnt = taught(chance, sources)
    learning = time.perf_counter() - begun
    mug = Article(sku="MUG", length=110, width=110, height=120, weight_g=450)
    cartons = tuple(demo_data.cartons())
    looked, dated, whole = [], [], []
    dates = Dates((tariff,), learnt)
    for n in range(questions):
        region = f"R{n % 10}"
        paths = [
            path_of(
                carrier="bench",
                service=f"service_{s}",
                origin=source.node.address.region,
                destination=region,
                node=source.node.code,
            )
            for source in sources
            for s in range(SERVICES)
        ]
        begun = time.process_time_ns()
        for path in paths:
            learnt.probability(path, learnt.slip(path, 0.9))
        looked.append((time.process_time_ns() - begun) / 1e6)
        # As a product page asks: a postcode of its own each time, every fourth a quarter of an hour later.
        to = Address(postcode=f"{ZIPS[n % 10][:3]}{n % 100:02}", country="US", region=region)
        asked = Asked(
            to=to,
            level="any",
            since=NOW + timedelta(minutes=n // 4 * 15),
            at_most=NOW + timedelta(days=30),
            confidence=900,
            hazmat=False,
            heaviest_g=450,
        )
        begun = time.process_time_ns()
        bound = dates.bind(asked, [source.node for source in sources])
        dated.append((time.process_time_ns() - begun) / 1e6)
        if bound is None:
            raise SystemExit("a node has no way: the bench's own world is wrong")
        lanes = Lanes(
            destination=Address(
                postcode=ZIPS[n % 10], country="US", region=region, latitude=40.0, longitude=-90.0
            ),
            tariffs=(tariff,),
            cartons=cartons,
            now=NOW + timedelta(minutes=n),
            time_zone="America/Chicago",
            assured=Assured(learnt),
        )
        begun = time.process_time_ns()
        found = soonest([Leaf("1", mug, 1, None, 0)], sources, lanes)
        whole.append((time.process_time_ns() - begun) / 1e6)
        if len(found.ways) != NODES * SERVICES:
            raise SystemExit(f"{len(found.ways)} ways were found: the bench's own world is wrong")
    return {
        "nodes": NODES,
        "services": SERVICES,
        "learning_s_20000": round(learning, 2),
        # A process looks up each destination's ways for the first time once; all those after it are warm.
        "lookup_ms_first": spread(looked[:10]),
        "lookup_ms": spread(looked[10:]),
        "date_ms_first": spread(dated[:10]),
        "date_ms": spread(dated[10:]),
        "promise_ms": spread(whole[10:]),
    }


def spread(values):
    ranked = sorted(values)
    return {
        "p50": round(ranked[len(ranked) // 2], 3),
        "p99": round(ranked[min(int(len(ranked) * 0.99), len(ranked) - 1)], 3),
        "max": round(ranked[-1], 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="tables as Olist lays them out")
    parser.add_argument("--since", help="the first month to evaluate, YYYY-MM")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--answers", type=Path, help="write what was said of each order there, a JSON object a line"
    )
    parser.add_argument("--questions", type=int, default=200, help="promises whose speed is measured")
    given = parser.parse_args()
    figures = {"speed": speed(given.questions)}
    if given.folder:
        begun = time.process_time()
        report, said = evaluate(orders_of_the_past(tables_in(given.folder, TABLES)), since=given.since)
        figures["evaluation"] = {**report, "cpu_s": round(time.process_time() - begun, 1)}
        if given.answers:
            with given.answers.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(one) + "\n" for one in said)
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    s = figures["speed"]
    print(
        f"{NODES} nodes x {SERVICES} services, CPU ms: lookup {s['lookup_ms']}, first {s['lookup_ms_first']},"
    )
    print(
        f"  the date of a product page, cut-offs, calendars and chance of every way: {s['date_ms']}, first {s['date_ms_first']}"
    )
    print(
        f"  a whole promise with packing and rates {s['promise_ms']}; learning from 20,000: {s['learning_s_20000']} s"
    )
    if given.folder:
        of = figures["evaluation"]["overall"]
        print(
            f"{figures['evaluation']['first_month']} to {figures['evaluation']['last_month']}, {of['delivered']['n']} delivered:"
        )
        for who in ("source", "ours", "causal"):
            print(
                f"  {who:7} {of['delivered'][who]['on_time']:.2%} on time at {of['delivered'][who]['promise_days']:.2f} days"
            )
        for name, one in of["quantiles"].items():
            worst = figures["evaluation"]["worst_month"][name]
            print(
                f"  {name} covers {one['coverage']:.1%}, worst month {worst['month']} {worst['coverage']:.1%}; pinball {one['pinball']}"
            )


if __name__ == "__main__":
    main()
