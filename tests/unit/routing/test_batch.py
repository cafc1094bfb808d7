"""Many orders together: never dearer, always possible, close to the program that knows every way."""

from __future__ import annotations

from dataclasses import replace

from orderloom.routing.asking import Asked
from orderloom.routing.batch import HANDS, Member, Way, together
from orderloom.routing.plan import plan
from orderloom.shipping.agreed import DayLimit
from orderloom.shipping.quota import Limits
from tests.unit.routing.instances import Listed, exact, instance
from tests.unit.routing.questions import NOW, question, want

SIZES = [(seed, 6 + 3 * (seed % 5), 3 + seed % 2, 3 + seed % 3) for seed in range(10)]


def fits(ways, stock):
    taken = {}
    for way in ways:
        for key, units in way.uses:
            taken[key] = taken.get(key, 0) + units
    return all(units <= stock.get(key, units) for key, units in taken.items())


def test_possible_never_dearer_bounded_and_close_to_the_exact_program():
    least = relaxed = cost = bound = 0
    for seed, orders, nodes, skus in SIZES:
        members, stock = instance(seed, orders=orders, nodes=nodes, skus=skus)
        answer = together(members, stock)
        assert fits(answer.ways, stock)
        assert answer.cost == sum(way.cost for way in answer.ways) <= answer.before
        best = round(exact(members, stock))
        assert answer.bound <= best <= answer.cost
        least, cost, bound = least + best, cost + answer.cost, bound + answer.bound
        relaxed += exact(members, stock, whole=False)
    assert cost <= 1.02 * least
    assert bound >= 0.99 * relaxed


def test_the_same_question_has_the_same_answer():
    members, stock = instance(3, orders=15, nodes=4, skus=5)
    assert together(members, stock) == together(members, stock)


def order(key, *ways, now=0):
    """Ways by their cost and the node that gives one mug."""
    listed = [Way(cost, (((node, HANDS), 1), ((node, "MUG"), 1))) for cost, node in ways]
    return Member(key, listed[now], Listed(listed))


def test_two_change_places():
    west = order("west", (900, "EAST"), (400, "WEST"))
    east = order("east", (900, "WEST"), (400, "EAST"))
    answer = together([west, east], {("EAST", "MUG"): 1, ("WEST", "MUG"): 1})
    assert (answer.saving, answer.gap, [way.cost for way in answer.ways]) == (1_000, 0, [400, 400])


def test_the_last_unit_has_the_price_of_doing_without_it():
    members = [order(n, (500 + 100 * n, "EAST"), (400, "WEST"), now=0) for n in range(3)]
    answer = together(members, {("EAST", "MUG"): 9, ("WEST", "MUG"): 1})
    assert answer.cost == 500 + 600 + 400
    assert 200 <= answer.prices["WEST", "MUG"] <= 300, "between the best refused and the one who has it"
    assert ("EAST", "MUG") not in answer.prices


def test_hands_are_shared_like_units_and_what_is_not_named_is_boundless():
    members = [order(n, (500, "EAST"), (400, "WEST")) for n in range(3)]
    stock = {("EAST", "MUG"): 9, ("WEST", "MUG"): 9}
    assert together(members, stock).cost == 1_200
    assert together(members, {**stock, ("WEST", HANDS): 1}).cost == 1_400


def test_what_a_carrier_takes_on_a_day_is_shared_too():
    request = question((want("MUG", 1),), {"CMH": {"MUG": 9}, "RNO": {"MUG": 9}})
    [best] = plan(request).plan.parts
    limit = DayLimit(shipments=1, services=(best.quote.service,))
    tariffs = tuple(
        replace(one, day_limits=(limit,) if one.carrier == best.quote.carrier else ())
        for one in request.tariffs
    )
    limits = Limits(tariffs, today=NOW.date(), planned={})
    request = replace(request, tariffs=tariffs)
    full = replace(request, closed=limits.closed_by(set(limits.left)))
    dear = Asked(full, plan, 0, limits).way(plan(full))
    members = [Member(at, dear, Asked.of(request, plan, limits)) for at in range(3)]
    answer = together(members, {(name, HANDS): left for name, left in limits.left.items()})
    cheap = Asked(request, plan, 0, limits).way(plan(request))
    assert cheap.cost < dear.cost
    assert sorted(way.cost for way in answer.ways) == [cheap.cost, dear.cost, dear.cost]
    assert answer.bound <= answer.cost
