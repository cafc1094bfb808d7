"""No way of dividing an order over nodes is better than the plan, priced by hand, whatever the tariff; floors hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.delivery.promise import ship_date
from orderloom.packing.cartonize import PLANNED_EFFORT, whole
from orderloom.packing.houserules import HouseRules, stocked
from orderloom.packing.landed import Costs, Landing, ToCarry
from orderloom.packing.model import PackPlan, PackRules
from orderloom.routing import lanes
from orderloom.routing.floors import floor
from orderloom.routing.lanes import world_of
from orderloom.routing.model import Policy, Request
from orderloom.routing.plan import plan
from orderloom.routing.pricing import Bench, Goods
from orderloom.shipping import contract as contracts
from orderloom.shipping.model import Ineligible, Parcel, Place, Quote
from orderloom.shipping.select import quote, select
from orderloom.shipping.tariff import Tariff, compile_contract
from tests.unit.routing.questions import questions

FEW = settings(max_examples=40, deadline=None)


@cache
def crooked() -> tuple[Tariff, ...]:
    """A card on which more may cost less, an oversize fee that two parcels escape, and a service too slow for most.

    The slow one has a chart of its own; the other takes its days from lane to lane where they cross the country.
    """
    terms: dict[str, Any] = {
        "currency": "USD",
        "services": [
            {"code": "flat", "name": "Flat", "transit_days": {"1": 2, "2": 4}, "max_weight": 30},
            {"code": "slow", "name": "Slow", "transit_days": {"1": 6, "2": 9}, "chart": "own"},
        ],
        "charts": {"own": {"bands": [{"up_to": 400, "zone": 1}, {"zone": 2}]}},
        "transit": [
            {
                "services": ["flat"],
                "regions": {"east": ["0-4"], "west": ["5-9"]},
                "between": {"east": {"west": 5}, "west": {"east": 1}},
            }
        ],
        "zones": {"bands": [{"up_to": 900, "zone": 1}, {"zone": 2}]},
        "rates": [
            {
                "service": "flat",
                "breaks": [1, 2, 4, 8, 30],
                "amounts": {"1": [900, 1500, 700, 2400, 2000], "2": [1000, 1900, 1800, 2900, 1700]},
            },
            {
                "service": "slow",
                "breaks": [1, 10],
                "amounts": {"1": [500, 450], "2": [800, 1600]},
                "above": {"unit": 1, "amounts": {"1": 90, "2": 160}},
            },
        ],
        "dim": [{"divisor": 139}],
        "surcharges": [
            {"kind": "residential", "amount": 300, "fuelled": True},
            {"kind": "oversize", "code": "oversize", "amount": 4000, "cube_over": 1500},
            {"kind": "fuel", "steps": [{"starts": "2026-01-01", "permille": 137}]},
        ],
    }
    return (compile_contract(contracts.parse(carrier="crooked", version=1, terms=terms)),)


@st.composite
def asked(draw: st.DrawFn) -> Request:
    """Small questions, half of them by the crooked tariff, with scarcity here and there."""
    request = draw(questions())
    wants = tuple(replace(want, quantity=min(want.quantity, 2)) for want in request.wants)
    sources = tuple(
        replace(s, scarcity={"MUG": draw(st.sampled_from([0, 0, 150]))} if "MUG" in s.available else {})
        for s in request.sources
    )
    tariffs = draw(st.sampled_from([request.tariffs, crooked()]))
    return replace(
        request,
        wants=wants,
        sources=sources,
        tariffs=tariffs,
        policy=Policy(max_shipments=draw(st.sampled_from([1, 2, 4]))),
        credits=frozenset(
            (tariff.carrier, service, request.now.date() + timedelta(days=ahead), worth)
            for tariff in tariffs
            for service in tariff.services
            for ahead in range(5)
            if (worth := draw(st.sampled_from([0, 0, 0, 250, 5000])))
        ),
    )


class Owed:
    """What a shipment from a node counts cheaper by each service, as a quota tells it."""

    def __init__(self, request: Request, leaves: dict[tuple[str, str], Any]) -> None:
        worth = {(carrier, service, day): worth for carrier, service, day, worth in request.credits}
        self._worth = {key: worth.get((*key, day), 0) for key, day in leaves.items()}

    def closed(self, _carrier: str, _service: str) -> None:
        return None

    def worth(self, carrier: str, service: str) -> int:
        return self._worth[carrier, service]


def by_hand(request: Request) -> tuple[Any, ...] | None:
    """The least of all divisions, each part priced with the packer, the rater and the calendar themselves."""
    skus = [want.sku for want in request.wants]
    there = {sku: sum(s.available.get(sku, 0) for s in request.sources) for sku in skus}
    wanted = [min(want.quantity, there[want.sku]) for want in request.wants]
    best = None
    for divided in itertools.product(
        *(
            list(_divisions(units, [s.available.get(sku, 0) for s in request.sources]))
            for sku, units in zip(skus, wanted, strict=True)
        )
    ):
        if any(_torn(request, skus, divided)):
            continue
        parts = [
            _priced(
                request,
                at,
                {sku: units for sku, shares in zip(skus, divided, strict=True) if (units := shares[at])},
            )
            for at in range(len(request.sources))
            if any(shares[at] for shares in divided)
        ]
        if not parts or None in parts or len(parts) > request.policy.max_shipments:
            continue
        late = any(part[0] for part in parts)
        last = max(part[1] for part in parts).toordinal() if late else 0
        key = (late, last, sum(part[2] for part in parts), len(parts))
        best = key if best is None or key < best else best
    return best


def _torn(request: Request, skus: list[str], divided: tuple[tuple[int, ...], ...]) -> Iterator[bool]:
    """Whether units that must stay together come from several nodes, by name."""
    for name in {want.article.together for want in request.wants} - {None}:
        tied = {want.sku for want in request.wants if want.article.together == name}
        shares = [shares for sku, shares in zip(skus, divided, strict=True) if sku in tied]
        yield sum(map(any, zip(*shares, strict=True))) > 1


def _divisions(units: int, room: list[int]) -> Iterator[tuple[int, ...]]:
    for shares in itertools.product(*(range(min(units, one) + 1) for one in room)):
        if sum(shares) == units:
            yield shares


def _priced(request: Request, at: int, units: dict[str, int]) -> tuple[Any, ...] | None:
    source, articles = request.sources[at], {want.sku: want.article for want in request.wants}
    node = source.node
    goods = [replace(articles[sku], quantity=n) for sku, n in sorted(units.items())]
    house = source.packing or request.packing
    cartons = request.cartons if source.cartons is None else stocked(request.cartons, source.cartons)
    packed = whole(goods, cartons, effort=PLANNED_EFFORT, rules=house.rules).parcels
    if source.cartons is not None:
        # What only this node has no carton for, it does not ship.
        bare = {sku for parcel in packed if parcel.carton is None for sku in parcel.contents}
        ones = [replace(articles[sku], quantity=1) for sku in bare if articles[sku].together is None]
        if any(whole([one], request.cartons, rules=house.rules).parcels[0].carton for one in ones):
            return None
    costs = {carton.code: carton.cost for carton in request.cartons}
    origin = Place.of(replace(node.address, latitude=node.latitude, longitude=node.longitude))
    leaves = {
        (tariff.carrier, service): ship_date(
            node=node, carrier=tariff.carrier, service=service, now=request.now
        ).date()
        for tariff in request.tariffs
        for service in tariff.services
    }
    asking = partial(_asked, request, origin, leaves)
    cost = node.pick_cost + sum(
        n * (node.unit_cost + source.scarcity.get(sku, 0)) for sku, n in units.items()
    )
    owed: Any = Owed(request, leaves)
    if house.landed is not None:
        best = _landed(request, owed, asking, [goods, cartons, house])
        return best and (*best[:2], best[2] + cost)
    chosen = select(
        quotes=[
            asking(tariff, service, [Parcel.of(dimensions=p.outer, weight_g=p.weight_g) for p in packed])
            for tariff in request.tariffs
            for service in tariff.services
        ],
        promise_at=request.promise_at,
        quota=owed,
    )
    if chosen.chosen is None:
        return None
    carriage = max(0, chosen.chosen.cost - owed.worth(chosen.chosen.carrier, chosen.chosen.service))
    cost += carriage + sum(costs[p.carton] if p.carton else 0 for p in packed)
    return chosen.late, chosen.chosen.arrives_on, cost


def _asked(
    request: Request, origin: Place, leaves: Any, tariff: Tariff, service: str, parcels: list[Parcel]
) -> Quote | Ineligible:
    return quote(
        contract=tariff,
        service=service,
        parcels=parcels,
        origin=origin,
        destination=Place.of(request.destination),
        ship_on=leaves[tariff.carrier, service],
        trace=False,
    )


def _landed(request: Request, owed: Owed, asking: Any, packing: list[Any]) -> tuple[Any, ...] | None:
    """The same where each service is asked for the packing that costs least by it, by code, as release packs."""
    goods, cartons, house = packing
    found = []
    for tariff in request.tariffs:
        for service in tariff.services:

            def price(one: ToCarry, tariff: Tariff = tariff, service: str = service) -> int | None:
                told = asking(tariff, service, [Parcel.of(dimensions=one.outer, weight_g=one.weight_g)])
                return told.cost if isinstance(told, Quote) else None

            landing = Landing(
                goods, cartons, costs=house.landed, effort=PLANNED_EFFORT, rules=house.rules
            ).whole()
            plan: PackPlan = landing.least(price).plan
            told = asking(
                tariff, service, [Parcel.of(dimensions=p.outer, weight_g=p.weight_g) for p in plan.parcels]
            )
            if isinstance(told, Quote):
                late = request.promise_at is not None and told.arrives_on > request.promise_at.date()
                cost = max(0, told.cost - owed.worth(tariff.carrier, service)) + landing.packing_cost(plan)
                found.append((late, told.arrives_on if late else date.min, cost, told.arrives_on))
    return (best[0], best[3], best[2]) if (best := min(found, default=None)) else None


@FEW
@given(asked())
def test_nothing_is_better_than_the_plan(request: Request) -> None:
    made = plan(request)
    least = by_hand(request)
    assert made.proven
    assert (made.plan.order if made.plan else None) == least
    if made.plan:
        assert made.bound == made.plan.weighed
        assert made.gap == 0


@st.composite
def housed(draw: st.DrawFn) -> Request:
    """The same where nodes have cartons of their own and pack by rules, and goods are handled in ways of their own."""
    request = draw(asked())
    ways: list[dict[str, Any]] = [
        {"together": "set"},
        {"own_container": True},
        {"ships_alone": True},
        {"nesting_mm": 10},
        {"this_side_up": True},
    ]
    handled = {want.sku: draw(st.sampled_from([{}, *ways[:2], *ways])) for want in request.wants}
    codes = [carton.code for carton in request.cartons]
    own = st.none() | st.dictionaries(st.sampled_from(codes), st.sampled_from([None, 0, 1, 2]))
    rules = [
        HouseRules(),
        HouseRules(rules=PackRules(clearance_mm=12)),
        HouseRules(rules=PackRules(clearance_mm=40, centred=True)),
        HouseRules(landed=Costs(fill_per_litre=3, per_parcel=75, per_unit=2)),
        HouseRules(landed=Costs(), rules=PackRules(clearance_mm=12)),
    ]
    return replace(
        request,
        wants=tuple(replace(w, article=replace(w.article, **handled[w.sku])) for w in request.wants),
        sources=tuple(
            replace(s, cartons=draw(own), packing=draw(st.none() | st.sampled_from(rules)))
            for s in request.sources
        ),
        packing=draw(st.sampled_from(rules)),
    )


@settings(max_examples=40, deadline=None)
@given(housed())
def test_nothing_is_better_where_each_house_packs_its_own_way(request: Request) -> None:
    made = plan(request)
    assert made.proven
    assert (made.plan.order if made.plan else None) == by_hand(request)
    assert made.plan is not None or not made.runner_up
    assert json.loads(json.dumps([made.json(), request.json()]))


@FEW
@given(asked(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_nodes_does_not_matter(request: Request, dice: Any) -> None:
    wants, sources = list(request.wants), list(request.sources)
    dice.shuffle(wants)
    dice.shuffle(sources)
    one = plan(request)
    other = plan(replace(request, wants=tuple(wants), sources=tuple(sources)))
    assert _sorted(one.plan) == _sorted(other.plan)
    assert _sorted(one.runner_up) == _sorted(other.runner_up)
    assert one.effort == other.effort


def _sorted(made: Any) -> Any:
    return made and [
        (part.node.code, sorted(part.units.items()), part.cost, part.quote, part.ship_by)
        for part in made.parts
    ]


@FEW
@given(asked(), st.integers(1, 5))
def test_a_later_promise_never_costs_more(request: Request, days: int) -> None:
    if request.promise_at is None:
        return
    sooner, later = (
        plan(request),
        plan(replace(request, promise_at=request.promise_at + timedelta(days=days))),
    )
    if sooner.plan and not sooner.plan.late:
        assert later.plan
        assert not later.plan.late
        assert later.plan.weighed <= sooner.plan.weighed


@FEW
@given(asked(), st.data())
def test_more_stock_never_costs_more(request: Request, data: st.DataObject) -> None:
    made = plan(request)
    if made.plan is None or made.uncovered:
        return
    at = data.draw(st.integers(0, len(request.sources) - 1))
    sku = data.draw(st.sampled_from([want.sku for want in request.wants]))
    sources = list(request.sources)
    sources[at] = replace(sources[at], available=sources[at].available + {sku: 2})
    richer = plan(replace(request, sources=tuple(sources)))
    assert richer.plan
    assert richer.plan.order <= made.plan.order


@FEW
@given(asked() | housed(), st.data())
def test_no_part_costs_less_than_its_floor(request: Request, data: st.DataObject) -> None:
    world = world_of(request.tariffs, request.cartons)
    goods = Goods.of({want.sku: want.article for want in request.wants}, world)
    some = tuple(data.draw(st.integers(0, 3)) for _ in goods.skus)
    more = tuple(n + data.draw(st.integers(0, 2)) for n in some)
    if not any(some):
        return
    for source in request.sources:
        home = world.packings.home(source.packing or request.packing, source.cartons)
        pack = world.packings.packed(
            tuple((number, n) for number, n in zip(goods.numbers, more, strict=True) if n), home
        )
        [lane] = world.lanes(
            world.origins((source.node,), request.now),
            world.reach(request.destination),
            request.promise_at.date() if request.promise_at else None,
            None,
        )
        chosen = world.price(lane, pack)
        lowest = floor(lane, Bench(goods, home, world.packings).load(some), world.packings.boxes)
        if chosen is not None:
            assert lane.opening <= lowest <= chosen.landed + chosen.way.credit


@FEW
@given(asked() | housed(), asked())
def test_what_is_remembered_changes_nothing(request: Request, other: Request) -> None:
    held = plan(request)
    first = plan(request).json()
    plan(other)
    assert plan(request).json() == first
    with pytest.MonkeyPatch.context() as patch:
        # Every question now begins in a world of its own.
        patch.setattr(lanes, "KEPT_MOST", -1)
        patch.setattr(lanes, "PACKINGS_MOST", -1)
        assert plan(request).json() == first
        assert held.json() == first
