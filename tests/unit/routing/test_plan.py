"""A plan uses what is there, covers what it can, names the rest, and no single node would have been cheaper."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from orderloom.delivery.transit import BY_CONTRACT, Assured, Delivery, learn
from orderloom.routing.model import Plan, Policy, Request
from orderloom.routing.plan import plan
from tests.unit.routing.questions import explanation, nodes, question, questions, want

FEW = settings(max_examples=25, deadline=None)


def given_out(made: Plan | None) -> Counter[tuple[str, str]]:
    """Units by (node, line)."""
    return Counter(
        {
            (part.node.code, key): units
            for part in (made.parts if made else ())
            for key, units in part.units.items()
        }
    )


@FEW
@given(questions())
def test_no_node_gives_more_than_it_has_and_every_unit_is_covered_or_named(request: Request) -> None:
    decision = plan(request)
    out = given_out(decision.plan)
    for source in request.sources:
        for wanted in request.wants:
            assert out[source.node.code, wanted.key] <= source.available.get(wanted.sku, 0)
    for wanted in request.wants:
        covered = sum(units for (_, key), units in out.items() if key == wanted.key)
        there = sum(source.available.get(wanted.sku, 0) for source in request.sources)
        missing = decision.uncovered.get(wanted.key, 0)
        assert missing == max(0, wanted.quantity - there)
        if decision.plan is not None:
            assert covered + missing == wanted.quantity


@FEW
@given(questions())
def test_packed_is_what_each_part_ships(request: Request) -> None:
    made = plan(request).plan
    skus = {wanted.key: wanted.sku for wanted in request.wants}
    for part in made.parts if made else ():
        packed = Counter[str]()
        for parcel in part.parcels:
            packed.update(parcel.contents)
        assert packed == Counter({skus[key]: units for key, units in part.units.items()})
        assert part.cost == part.quote.cost + part.carton_cost + part.pick_cost


@FEW
@given(questions())
def test_the_same_question_has_the_same_answer(request: Request) -> None:
    shuffled = replace(request, sources=tuple(reversed(request.sources)))
    first = plan(request)
    assert first.json() == plan(request).json()
    made, again = first.plan, plan(shuffled).plan
    assert (made.order if made else None) == (again.order if again else None)


@FEW
@given(questions())
def test_no_single_node_that_has_everything_is_better(request: Request) -> None:
    made = plan(request).plan
    for source in request.sources:
        alone = plan(replace(request, sources=(source,)))
        if alone.outcome == "routed" and not plan(request).uncovered:
            assert made is not None
            assert made.order <= alone.plan.order


@FEW
@given(questions())
def test_no_way_of_giving_whole_lines_to_nodes_is_better(request: Request) -> None:
    decision = plan(request)
    best = min((order for order in _by_hand(request)), default=None)
    if best is not None:
        assert decision.plan is not None
        assert decision.plan.order[:3] <= best


def _by_hand(request: Request) -> list[tuple[Any, ...]]:
    """Every way in which each line goes whole to one node, priced part by part by asking about one node alone."""
    holders = [
        [s for s in request.sources if s.available.get(wanted.sku, 0) >= wanted.quantity]
        for wanted in request.wants
    ]
    found = []
    for choice in itertools.product(*holders):
        parts = []
        for source in {s.node.code for s in choice}:
            wants = tuple(w for w, s in zip(request.wants, choice, strict=True) if s.node.code == source)
            only = tuple(s for s in request.sources if s.node.code == source)
            alone = plan(replace(request, wants=wants, sources=only)).plan
            parts += alone.parts if alone else [None]
        if None not in parts:
            found.append(Plan(parts=tuple(parts)).order[:3])
    return found


@FEW
@given(questions())
def test_the_runner_up_is_no_better_and_the_flip_would_make_it_so(request: Request) -> None:
    decision = plan(request)
    if decision.runner_up is None:
        return
    assert decision.plan.order <= decision.runner_up.order
    assert decision.plan != decision.runner_up
    for flip in explanation(decision).flips:
        if flip["kind"] == "price":
            assert decision.runner_up.cost - flip["amount"] < decision.plan.cost


# --- refusals and limits --------------------------------------------------------------------------------------


def reasons(request: Request) -> dict[str, list[str]]:
    return {one["node"]: one["reasons"] for one in explanation(plan(request)).candidates}


def with_source(request: Request, code: str, **changes: Any) -> Request:
    return replace(
        request,
        sources=tuple(replace(s, **changes) if s.node.code == code else s for s in request.sources),
    )


BOTH = {"RNO": {"MUG": 9}, "NYC": {"MUG": 9}}


def test_dangerous_goods_ship_only_from_where_they_may() -> None:
    asked = question((want("MUG", 1, hazmat_class="9"),), BOTH)
    told = reasons(asked)
    assert told["NYC"] == ["does not ship dangerous goods"]
    made = plan(asked).plan
    assert made is None or [part.node.code for part in made.parts] == ["RNO"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"capacity_left": 0}, "its capacity for the day is used up"),
        ({"capacity_left": -3}, "its capacity for the day is used up"),
        ({"refused": "it does not ship for web"}, "it does not ship for web"),
        ({"node": replace(nodes()["NYC"], active=False)}, "the node is not active"),
    ],
)
def test_a_node_that_may_not_be_used_is_named_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    asked = with_source(question((want("MUG", 1),), BOTH), "NYC", **changes)
    assert reasons(asked)["NYC"] == [reason]
    assert [part.node.code for part in plan(asked).plan.parts] == ["RNO"]


def test_a_node_without_any_of_it_says_so() -> None:
    asked = question((want("MUG", 1),), {"RNO": {"MUG": 1}, "NYC": {}})
    assert reasons(asked)["NYC"] == ["has none of it"]


def test_a_line_bound_to_a_node_ships_from_there_or_not_at_all() -> None:
    asked = question((want("MUG", 1, fixed_node="NYC"), want("PIN", 1)), {**BOTH, "RNO": {"PIN": 1}})
    assert given_out(plan(asked).plan) == {("NYC", "MUG"): 1, ("RNO", "PIN"): 1}
    nowhere = plan(question((want("MUG", 1, fixed_node="SEA"),), BOTH))
    assert (nowhere.outcome, nowhere.uncovered) == ("backorder", {"MUG": 1})


def test_two_lines_of_one_item_never_share_a_unit() -> None:
    asked = question(
        (want("MUG", 2, key="1"), want("MUG", 2, key="2")), {"RNO": {"MUG": 3}, "NYC": {"MUG": 1}}
    )
    out = given_out(plan(asked).plan)
    assert sum(units for (code, _), units in out.items() if code == "RNO") == 3
    assert sum(out.values()) == 4


def test_ship_complete_ships_nothing_while_a_unit_is_missing() -> None:
    asked = question((want("MUG", 1), want("LAMP", 1)), BOTH, policy=Policy(ship_complete=True))
    decision = plan(asked)
    assert (decision.outcome, decision.plan, decision.uncovered) == ("backorder", None, {"LAMP": 1})


def test_no_more_shipments_than_the_channel_allows() -> None:
    wants = (want("MUG", 1), want("LAMP", 1), want("PIN", 1))
    stock = {"RNO": {"MUG": 1}, "NYC": {"LAMP": 1}, "SEA": {"PIN": 1}}
    assert plan(question(wants, stock)).outcome == "split"
    assert plan(question(wants, stock, policy=Policy(max_shipments=2))).outcome == "unroutable"


def test_effort_is_counted_and_running_out_of_it_is_told() -> None:
    wants = (want("MUG", 2), want("LAMP", 1), want("PIN", 3))
    stock = {code: {"MUG": 4, "LAMP": 4, "PIN": 4} for code in ("RNO", "ATL", "NYC", "DFW", "SEA")}
    asked = question(wants, stock)
    assert plan(asked).effort["complete"]
    short = plan(replace(asked, policy=Policy(effort=2)))
    assert not short.effort["complete"]
    assert short.json() == plan(replace(asked, policy=Policy(effort=2))).json()


@FEW
@given(questions())
def test_a_service_whose_shipments_of_the_day_are_used_up_is_passed_over_and_the_rest_costs_no_less(
    request: Request,
) -> None:
    first = plan(request)
    if first.plan is None:
        return
    part = first.plan.parts[0]
    closed = (part.quote.carrier, part.quote.service, part.ship_by.date())
    second = plan(replace(request, closed=frozenset([closed])))
    taken = {
        (p.quote.carrier, p.quote.service, p.ship_by.date())
        for p in (second.plan.parts if second.plan else ())
    }
    assert closed not in taken
    if second.plan is not None and first.proven:
        assert second.plan.order >= first.plan.order
    assert second.request.json()["closed"] == [[*closed[:2], closed[2].isoformat()]]


@FEW
@given(questions())
def test_parcels_learnt_to_be_late_keep_fewer_promises_and_nothing_learnt_changes_nothing(
    request: Request,
) -> None:
    by_contract = plan(request)
    planned = request.now.date() - timedelta(days=50)
    names = [f"{tariff.carrier}/{service}" for tariff in request.tariffs for service in tariff.services]
    came = [Delivery((name, ">", "N"), planned, planned + timedelta(days=2)) for name in names]
    late = plan(replace(request, assured=Assured(learn(came * 3, today=request.now.date()))))
    for part in late.plan.parts if late.plan else ():
        assert (part.due - part.quote.arrives_on).days >= 2
        assert part.late == (request.promise_at is not None and part.due > request.promise_at.date())
    if late.plan is not None and by_contract.plan is not None and by_contract.proven:
        assert late.plan.late or late.plan.weighed >= by_contract.plan.weighed
    assert plan(replace(request, assured=BY_CONTRACT)).json() == by_contract.json()
