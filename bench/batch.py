"""What planning many orders together saves against one after another, with the floor that nothing undercuts.

Three parts. *Routed*: demo goods, contracts and cartons, orders across the country over nodes with little stock; each is
routed by itself in the order they came, then all together by the same exact router. *Listed*: made-up batches whose
every way is known, against HiGHS (`scipy.optimize.milp`) on the whole program. *Waited*: orders of two or three lines of
which one comes days later, sent as it comes or held for its rest inside the promise.

    python bench/batch.py [--json] [--answers FILE] [--orders 100] [--nodes 12] [--listed 40] [--waited 300]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.routing import CARTONS, ITEMS, NOW, TARIFFS, made_nodes, spot
from orderloom.network.model import Node
from orderloom.packing.planning import articles
from orderloom.routing.asking import Asked, given
from orderloom.routing.batch import HANDS, Member, together
from orderloom.routing.consolidating import when_there
from orderloom.routing.following import decide
from orderloom.routing.model import Request, Rest, Source, Want
from orderloom.routing.plan import plan
from orderloom.terms import Address, Quantities
from tests.unit.routing.instances import exact, instance


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked.add_argument(
        "--answers",
        type=Path,
        help="write every order's way before and after, every batch and every wait as NDJSON",
    )
    asked.add_argument("--orders", type=int, default=100)
    asked.add_argument("--nodes", type=int, default=12)
    asked.add_argument("--seeds", type=int, default=2)
    asked.add_argument("--listed", type=int, default=40, help="how many made-up batches")
    asked.add_argument("--waited", type=int, default=300, help="how many orders whose rest is to come")
    options = asked.parse_args()
    answers: list[dict[str, object]] = []
    figures = {
        "routed": [routed(seed, options.orders, options.nodes, answers) for seed in range(options.seeds)],
        "listed": listed(options.listed, answers),
        "waited": waited(options.waited, options.nodes, answers),
    }
    if options.answers:
        options.answers.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    if options.json:
        print(json.dumps(figures))
        return
    for row in figures["routed"]:
        print(
            f"routed {row['orders']} orders, {row['nodes']} nodes: {row['one_by_one']} one by one, {row['together']} "
            f"together, {row['saving_percent']} % saved, at most {row['gap_percent']} % more to save; "
            f"{row['cpu_s']} s of CPU, {row['asked']} questions"
        )
    row = figures["listed"]
    print(
        f"listed {row['batches']} batches: {row['saving_percent']} % saved, {row['over_exact_percent']} % over the exact "
        f"program (worst {row['worst_percent']} %), {row['exact']} exact; floor {row['floor_of_relaxation_percent']} % of "
        "the relaxation's"
    )
    row = figures["waited"]
    print(
        f"waited {row['orders']} orders: {row['held']} held; {row['fewer_percent']} % fewer parcels, {row['saving_percent']} % "
        f"cheaper, {row['apart']['late']} late as they come, {row['waiting']['late']} with waiting; {row['cpu_ms']} ms of CPU a "
        "decision"
    )


def routed(seed: int, orders: int, nodes: int, answers: list[dict[str, object]]) -> dict[str, object]:
    """One world: what each order costs when it is routed in its turn, and all of them together."""
    dice = random.Random(seed)
    places = made_nodes(dice, nodes)
    items = sorted(sku for sku, item in ITEMS.items() if not item.ships_alone)[:30]
    stock = {(n.code, sku): dice.randrange(1, 4) for n in places for sku in items if dice.random() < 0.4}
    left = dict(stock)
    asks, in_force = [], []
    while len(asks) < orders:
        wanted = dict.fromkeys(dice.sample(items, dice.choice((1, 1, 2, 3))), 1)
        request = _request(dice, wanted, places)
        decision = plan(given(request, _by_node(left)))
        if decision.plan is None or decision.uncovered:
            # Sold out: what was ordered is gone, and so are those who would want it.
            if sum(left.values()) < orders // 4:
                break
            continue
        member = Asked.of(given(request, _by_node(stock)), plan)
        way = member.way(decision)
        for key, count in way.uses:
            if key[1] != HANDS:
                left[key] -= count
        asks.append(member)
        in_force.append(way)
    members = [Member(i, way, ask) for i, (way, ask) in enumerate(zip(in_force, asks, strict=True))]
    begun = time.process_time()
    found = together(members, stock)
    spent = time.process_time() - begun
    for member, way in zip(members, found.ways, strict=True):
        answers.append(
            {
                "seed": seed,
                "order": member.key,
                "before": {"cost": member.in_force.cost, "uses": member.in_force.uses},
                "after": {"cost": way.cost, "uses": way.uses},
                "plan": way.plan.json()["plan"],
                "bound_of_all": found.bound,
            }
        )
    return {
        "seed": seed,
        "orders": len(members),
        "nodes": nodes,
        "one_by_one": found.before,
        "together": found.cost,
        "bound": found.bound,
        "saving_percent": _percent(found.saving, found.before),
        "gap_percent": _percent(found.gap, found.cost),
        "changed": sum(w.uses != m.in_force.uses for w, m in zip(found.ways, members, strict=True)),
        "asked": found.asked,
        "cpu_s": round(spent, 2),
    }


def waited(orders: int, nodes: int, answers: list[dict[str, object]]) -> dict[str, object]:
    """A line of each order comes to a node one to six days later; the promise is nine days off, a day counts 0.25."""
    dice = random.Random(7)
    places = made_nodes(dice, nodes)
    items = sorted(sku for sku, item in ITEMS.items() if not item.ships_alone)[:30]
    held = done = 0
    apart, kept = Counter[str](), Counter[str]()
    spent = 0.0
    while done < orders:
        wanted = dict.fromkeys(dice.sample(items, dice.choice((2, 3))), 1)
        request = _request(dice, wanted, places)
        request = replace(
            request,
            promise_at=NOW + timedelta(days=9),
            policy=replace(request.policy, consolidate_day_cost=25),
        )
        *there, coming = request.wants
        stock = {n.code: {w.sku: 9 for w in there if dice.random() < 0.4} for n in places}
        rest = Rest(
            wants=(coming,),
            expected={dice.choice(places).code: {coming.sku: 1}},
            ready_at=NOW + timedelta(days=dice.randrange(1, 7)),
        )
        asked = replace(given(replace(request, wants=tuple(there)), stock), rest=rest)
        # Whoever the rest comes to may have nothing else.
        known = {source.node.code for source in asked.sources}
        more = tuple(s for s in request.sources if s.node.code in rest.expected.keys() - known)
        asked = replace(asked, sources=(*asked.sources, *more))
        begun = time.process_time()
        decision = decide(asked, None)
        spent += time.process_time() - begun
        then = when_there(asked, rest)
        later, whole = plan(then).plan, plan(replace(then, wants=request.wants)).plan
        if decision.plan is None or later is None or whole is None:
            continue
        done += 1
        held += decision.held
        separate = [decision.plan, later]
        skus = {want.key: want.sku for want in request.wants}
        answers.append(
            {
                "waited": done,
                "held": decision.held,
                "request": decision.request.json(),
                "answer": decision.json(),
                "later_alone": later.json(skus),
                "all_together": whole.json(skus),
            }
        )
        for found, sums in ((separate, apart), ([whole] if decision.held else separate, kept)):
            sums["parcels"] += sum(len(part.parcels) for one in found for part in one.parts)
            sums["cost"] += sum(one.cost for one in found)
            sums["late"] += any(one.late for one in found)
    return {
        "orders": done,
        "nodes": nodes,
        "held": held,
        "apart": apart,
        "waiting": kept,
        "fewer_percent": _percent(apart["parcels"] - kept["parcels"], apart["parcels"]),
        "saving_percent": _percent(apart["cost"] - kept["cost"], apart["cost"]),
        "cpu_ms": round(1000 * spent / done, 2),
    }


def _request(dice: random.Random, wanted: dict[str, int], places: list[Node]) -> Request:
    code, place = spot(dice)
    return Request(
        wants=tuple(
            Want(key=str(at), article=one, quantity=one.quantity)
            for at, one in enumerate(articles(items=ITEMS, units=wanted), 1)
        ),
        sources=tuple(Source(node=node, available=Quantities()) for node in places),
        destination=Address(
            postcode=code, country="US", latitude=place.latitude, longitude=place.longitude, residential=True
        ),
        tariffs=TARIFFS,
        cartons=CARTONS,
        now=NOW,
        promise_at=NOW + timedelta(days=dice.choice((4, 6, 9))),
    )


def _by_node(stock: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (code, sku), count in stock.items():
        if count > 0:
            found.setdefault(code, {})[sku] = count
    return found


def listed(batches: int, answers: list[dict[str, object]]) -> dict[str, object]:
    """Sums over made-up batches, beside the exact program's."""
    before = cost = bound = least = right = 0
    relaxed = worst = 0.0
    for seed in range(batches):
        members, stock = instance(seed, orders=6 + 3 * (seed % 8), nodes=3 + seed % 2, skus=3 + seed % 3)
        found = together(members, stock)
        best = round(exact(members, stock))
        before, cost, bound, least = (
            before + found.before,
            cost + found.cost,
            bound + found.bound,
            least + best,
        )
        relaxed += exact(members, stock, whole=False)
        worst = max(worst, (found.cost - best) / best)
        right += found.cost == best
        answers.append(
            {
                "listed": seed,
                "before": found.before,
                "cost": found.cost,
                "bound": found.bound,
                "exact": best,
                "ways": [{"cost": way.cost, "uses": way.uses} for way in found.ways],
            }
        )
    return {
        "batches": batches,
        "exact": right,
        "saving_percent": _percent(before - cost, before),
        "over_exact_percent": _percent(cost - least, least),
        "worst_percent": round(100 * worst, 2),
        "floor_of_relaxation_percent": round(100 * bound / relaxed, 2),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


if __name__ == "__main__":
    main()
