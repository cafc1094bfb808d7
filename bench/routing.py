"""How long routing takes on made-up orders of several sizes, how often its answer is proven, and how HiGHS compares.

Goods, cartons and contracts are the demo's; nodes stand at random ZIP codes and have each item with 35 %. Figures are
of this machine; what carries over is the ratio between methods in one run. Given a folder, its questions are answered
instead: each `*.json` is one, as `orderloom decide route` takes it, and so is each line of a `*.ndjson`.

The answers begin with what all made-up orders share (contracts, cartons, items); each has its order's nodes, its decision,
and of each shipment where every unit lies in its parcel and every line of what carriage asks. `--exact` is told of in
`exactness.py`.

    python bench/routing.py [FOLDER] [--json] [--answers FILE] [--sizes 1x5,5x50] [--orders 60]
    python bench/routing.py --exact [--share 10] [--optima FILE] [--seconds 600] [--answers FILE] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.exactness import exact
from orderloom.network.model import Node
from orderloom.network.places import place_of
from orderloom.packing.cartonize import PLANNED_EFFORT, whole
from orderloom.packing.planning import articles
from orderloom.routing.deciding import decide
from orderloom.routing.explaining import explained
from orderloom.routing.kept import packed
from orderloom.routing.model import Request, Source, Want
from orderloom.routing.plan import plan
from orderloom.routing.questions import RouteQuestion
from orderloom.routing.world import EMPTY, Unanswerable
from orderloom.shipping.contract import parse
from orderloom.shipping.model import Parcel, Place
from orderloom.shipping.select import quote
from orderloom.shipping.tariff import compile_contract
from orderloom.simulate import demo_carriers, demo_catalogue, demo_data
from orderloom.terms import Address, Quantities

SIZES = ((1, 5), (3, 5), (1, 50), (3, 50), (5, 50), (10, 20))
STOCKED = 0.35
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ZIPS = (
    "07102",
    "10001",
    "30303",
    "33101",
    "43215",
    "48201",
    "55401",
    "60601",
    "63101",
    "64101",
    "70112",
    "75201",
)
ZIPS += (
    "77002",
    "80202",
    "84101",
    "85001",
    "87101",
    "89501",
    "90001",
    "94103",
    "97201",
    "98101",
    "19103",
    "02108",
)
CARTONS = tuple(demo_data.cartons())


def contracts():
    terms = demo_carriers.terms()
    return tuple(
        compile_contract(parse(carrier=code, version=1, terms=terms[code])) for code in sorted(terms)
    )


TARIFFS = contracts()
ITEMS = {item.sku: item for item in demo_catalogue.items() if not item.hazmat_class}


def spot(dice):
    """A random place in the United States and its time zone."""
    while True:
        code = f"{dice.randrange(1_000, 99_950):05}"
        if (
            (found := place_of(postcode=code)) is not None
            and 24 < found.latitude < 50
            and found.longitude > -126
        ):
            return code, found


def made_nodes(dice, count):
    nodes = []
    for at in range(count):
        code, place = spot(dice)
        store = dice.random() < 0.5
        nodes.append(
            Node(
                code=f"N{at:03}",
                name=f"Node {at}",
                type="store" if store else "fulfillment_center",
                address=Address(postcode=code, residential=False),
                latitude=place.latitude,
                longitude=place.longitude,
                time_zone=place.time_zone,
                cutoffs={"*": dice.choice(("12:00", "15:00", "17:00"))},
                processing_hours=dice.choice((2, 4, 8)),
                pick_cost=dice.randrange(80, 320),
                unit_cost=dice.randrange(5, 40),
            )
        )
    return nodes


def made_orders(lines, nodes, count, seed=1):
    """Orders of one network: `count` of them, each of so many lines."""
    dice = random.Random(f"{seed} {lines} {nodes}")
    network = made_nodes(dice, nodes)
    skus = sorted(ITEMS)
    orders = []
    for _ in range(count):
        chosen = dice.sample(skus, lines)
        wanted = {sku: dice.choice((1, 1, 1, 2, 3)) for sku in chosen}
        stock = {
            node.code: {sku: dice.randrange(1, 5) for sku in chosen if dice.random() < STOCKED}
            for node in network
        }
        for sku, units in wanted.items():
            # Somebody has it: what nobody has is not a question of routing.
            while sum(has.get(sku, 0) for has in stock.values()) < units:
                has = stock[dice.choice(network).code]
                has[sku] = has.get(sku, 0) + units
        code, place = spot(dice)
        goods = articles(items=ITEMS, units=wanted)
        orders.append(
            Request(
                wants=tuple(
                    Want(key=str(at), article=one, quantity=one.quantity) for at, one in enumerate(goods, 1)
                ),
                sources=tuple(Source(node=node, available=Quantities(stock[node.code])) for node in network),
                destination=Address(
                    postcode=code, latitude=place.latitude, longitude=place.longitude, residential=True
                ),
                tariffs=TARIFFS,
                cartons=CARTONS,
                now=NOW,
                promise_at=NOW + timedelta(days=dice.choice((5, 6, 8))),
            )
        )
    return orders


def spread(times):
    times = sorted(times)
    last = len(times) - 1
    return {
        name: round(times[min(last, int(len(times) * share))], 4)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def timed(orders):
    """The decisions, and how long each took and its record, in ms of this process."""
    made, took, kept = [], [], []
    for order in orders:
        begun = time.process_time_ns()
        decision = plan(order)
        took.append((time.process_time_ns() - begun) / 1e6)
        begun = time.process_time_ns()
        packed({"request": order.json(), "answer": decision.json()})
        kept.append((time.process_time_ns() - begun) / 1e6)
        made.append(decision)
    return made, took, kept


def explaining(orders, made):
    """How long each explanation takes, which is worked out when somebody reads the decision, in ms of this process."""
    took = []
    for order, decision in zip(orders, made, strict=True):
        begun = time.process_time_ns()
        explained(order, decision.json())
        took.append((time.process_time_ns() - begun) / 1e6)
    return took


def measured(lines, nodes, count):
    orders = made_orders(lines, nodes, count)
    _, first, _ = timed(orders)
    made, warm, kept = timed(orders)
    return made, {
        "lines": lines,
        "nodes": nodes,
        "orders": count,
        "ms_warm": spread(warm),
        "ms_first": spread(first),
        "ms_record": spread(kept),
        "ms_explained": spread(explaining(orders, made)),
        "steps": {k: int(v) for k, v in spread([one.effort["spent"] for one in made]).items()},
        "proven": sum(one.proven for one in made) / count,
        "runner_up_proven": sum(one.effort["runner_up_proven"] for one in made) / count,
        "split": sum(bool(one.plan and len(one.plan.parts) > 1) for one in made) / count,
        "late": sum(bool(one.plan and one.plan.late) for one in made) / count,
        "routed": sum(one.plan is not None for one in made) / count,
    }


# --- answers ------------------------------------------------------------------------------------------------------


def shared():
    """What all made-up orders are decided on."""
    return {
        "contracts": demo_carriers.terms(),
        "cartons": [carton.json() for carton in CARTONS],
        "items": [article.json() for article in articles(items=ITEMS, units=dict.fromkeys(ITEMS, 1))],
    }


def told(size, decision):
    """A decision with what it was decided on, and its shipments down to coordinates and lines of carriage."""
    request, answer = decision.request, decision.json()
    return {
        "size": size,
        "nodes": [node_told(source.node) for source in request.sources],
        "request": request.json(),
        "answer": {**answer, **explained(request, answer).json()},
        "shipments": [shipment(request, part) for part in decision.plan.parts] if decision.plan else [],
    }


def node_told(node):
    names = ("code", "type", "latitude", "longitude", "time_zone", "cutoffs", "processing_hours", "pick_cost")
    return {name: getattr(node, name) for name in (*names, "unit_cost")} | {"postcode": node.address.postcode}


def shipment(request, part):
    """One part packed and rated once more, with coordinates and a trace."""
    units = Counter()
    known = {want.key: want.article for want in request.wants}
    for key, count in part.units.items():
        units[known[key].sku] += count
    goods = [replace(one, quantity=units[one.sku]) for one in known.values() if one.sku in units]
    node = part.node
    packed = whole(goods, request.cartons, effort=PLANNED_EFFORT, rules=request.packing.rules)
    rated = quote(
        contract=next(one for one in request.tariffs if one.carrier == part.quote.carrier),
        service=part.quote.service,
        parcels=[Parcel.of(dimensions=one.outer, weight_g=one.weight_g) for one in packed.parcels],
        origin=Place.of(replace(node.address, latitude=node.latitude, longitude=node.longitude)),
        destination=Place.of(request.destination),
        ship_on=part.ship_by.date(),
    )
    if rated.cost != part.quote.cost:
        raise SystemExit(f"{node.code} is {rated.cost} rated anew, and {part.quote.cost} in its plan")
    return {
        "node": node.code,
        "parcels": [parcel.json() for parcel in packed.parcels],
        "carriage": rated.json(),
    }


def asked(folder):
    """Every question of a folder by its name."""
    for path in sorted(folder.glob("*.json")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.ndjson")):
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                yield f"{path.name}:{at}", line


def answered(wanted):
    """The questions of a folder, each decided twice so that the second is warm; one that cannot be answered says why."""
    took, outcomes, proven = [], Counter(), 0
    with (wanted.answers or Path(os.devnull)).open("w") as file:
        for name, text in asked(wanted.folder):
            try:
                question = RouteQuestion.model_validate_json(text)
                decide(question, present=EMPTY, now=NOW)
                begun = time.process_time_ns()
                record = decide(question, present=EMPTY, now=NOW)
            except (ValueError, Unanswerable) as wrong:
                outcomes["unanswerable"] += 1
                print(json.dumps({"question": name, "fault": str(wrong)}), file=file)
                continue
            took.append((time.process_time_ns() - begun) / 1e6)
            outcomes[record["outcome"]] += 1
            proven += record["answer"]["proven"]
            print(json.dumps({"question": name, **record}), file=file)
    figures = {"questions": sum(outcomes.values()), "outcomes": dict(outcomes), "proven": proven}
    if took:
        figures["ms_warm_with_record"] = spread(took)
    print(json.dumps(figures))
    return int(bool(outcomes["unanswerable"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="questions to answer instead of made-up ones")
    parser.add_argument("--sizes", default=",".join(f"{lines}x{nodes}" for lines, nodes in SIZES))
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--answers", type=Path, help="write every decision there, a JSON object a line")
    parser.add_argument("--exact", action="store_true", help="compare with HiGHS instead (needs scipy)")
    parser.add_argument("--share", type=int, default=1, help="with --exact: one in so many instances")
    parser.add_argument(
        "--optima", type=Path, help="with --exact: where HiGHS's answers are kept and read back"
    )
    parser.add_argument(
        "--seconds", type=float, default=600, help="with --exact: HiGHS's limit for an instance"
    )
    wanted = parser.parse_args()
    if wanted.exact:
        return exact(wanted)
    if wanted.folder:
        return answered(wanted)
    figures = []
    with (wanted.answers or Path(os.devnull)).open("w") as file:
        if wanted.answers:
            print(json.dumps({"shared": shared()}), file=file)
        for size in wanted.sizes.split(","):
            lines, nodes = map(int, size.split("x"))
            made, found = measured(lines, nodes, wanted.orders)
            figures.append(found)
            for one in made if wanted.answers else ():
                print(json.dumps(told(size, one)), file=file)
            if not wanted.json:
                print(f"== {size}")
                for name, value in found.items():
                    print(f"  {name:18} {value}")
    if wanted.json:
        print(json.dumps({"sizes": figures}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
