"""What is said to flip a plan flips it, every sentence is about this plan, and its figures are the plans' own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from orderloom.network.calendar import cutoff
from orderloom.routing.model import Decision, Policy, Request
from orderloom.routing.plan import plan
from tests.unit.routing.questions import NOW, explanation, nodes, question, questions, want

FEW = settings(max_examples=60, deadline=None)


def changed(request: Request, flip: dict[str, Any]) -> Request:
    """The question with that one change."""
    if flip["kind"] == "hour":
        return replace(request, now=request.now + timedelta(minutes=flip["minutes"]))
    return replace(
        request,
        sources=tuple(
            _changed(request, source, flip) if source.node.code == flip["node"] else source
            for source in request.sources
        ),
    )


def _changed(request: Request, source: Any, flip: dict[str, Any]) -> Any:
    node = source.node
    if flip["kind"] == "price":
        return replace(source, node=replace(node, pick_cost=node.pick_cost + flip["amount"]))
    if flip["kind"] == "stock":
        units = flip["units"] if "saves" in flip else -flip["units"]
        sku = flip["sku"]
        return replace(source, available=source.available + {sku: units})
    service = {"carrier": flip["carrier"], "service": flip["service"]}
    later = datetime.combine(request.now, cutoff(node, **service)) + timedelta(minutes=flip["minutes"])
    cutoffs = {**node.cutoffs, "{carrier}/{service}".format(**service): later.strftime("%H:%M")}
    return replace(source, node=replace(node, cutoffs=cutoffs))


def shape(decision: Decision) -> Any:
    """A plan by what is shipped from where by which service on what day."""
    return decision.plan and [
        (p.node.code, sorted(p.units.items()), p.quote.carrier, p.quote.service, p.ship_by.date())
        for p in decision.plan.parts
    ]


@FEW
@given(questions())
def test_what_is_said_to_flip_it_flips_it(request: Request) -> None:
    made = plan(request)
    for flip in explanation(made).flips:
        other = plan(changed(request, dict(flip)))
        assert shape(other) != shape(made), flip
        if "saves" in flip:
            assert other.plan
            assert other.plan.weighed <= made.plan.weighed - flip["saves"]
        if flip["kind"] == "price":
            assert {p.node.code for p in other.plan.parts} == {p.node.code for p in made.runner_up.parts}
            less = plan(changed(request, {**flip, "amount": flip["amount"] - 2}))
            assert shape(less) == shape(made) or flip["amount"] == 1


@FEW
@given(questions())
def test_every_part_has_its_reasons(request: Request) -> None:
    made = plan(request)
    told = explanation(made).why
    if made.plan is None:
        assert [one["about"] for one in told] == ["outcome"]
        return
    codes = [part.node.code for part in made.plan.parts]
    for about in ("node", "carton", "service"):
        assert [one["node"] for one in told if one["about"] == about] == codes
    assert sum(one["about"] == "split" for one in told) == 1
    for one in told:
        assert one["text"]
        assert one.get("more", 0) >= 0
        if one.get("more"):
            assert str(one["more"]) in one["text"]


def test_the_node_says_what_the_plan_without_it_costs() -> None:
    made = plan(question((want("MUG", 1),), {"RNO": {"MUG": 1}, "NYC": {"MUG": 1}, "DFW": {"MUG": 1}}))
    [code] = [part.node.code for part in made.plan.parts]
    [told] = [one for one in explanation(made).why if one["about"] == "node"]
    assert told["node"] == code
    assert told["more"] == made.runner_up.cost - made.plan.cost


def test_a_split_says_what_one_shipment_would_cost_or_that_there_is_none() -> None:
    made = plan(question((want("MUG", 1), want("LAMP", 1)), {"RNO": {"MUG": 1}, "NYC": {"LAMP": 1}}))
    [told] = [one for one in explanation(made).why if one["about"] == "split"]
    assert told["text"] == "2 shipments: no node could ship everything in time"


def test_a_missed_cutoff_is_told_with_its_minutes() -> None:
    # Dallas is much the nearest to Austin, and ten minutes past its cut-off there is only a dear way to be in time.
    late = replace(nodes()["DFW"], cutoffs={"*": "12:50"}, processing_hours=4)
    asked = question(
        (want("MUG", 1),), {"DFW": {"MUG": 1}, "ATL": {"MUG": 1}}, promise_at=NOW + timedelta(days=2)
    )
    asked = replace(
        asked,
        sources=tuple(replace(s, node=late) if s.node.code == "DFW" else s for s in asked.sources),
    )
    told = [flip for flip in explanation(plan(asked)).flips if flip["kind"] == "cutoff"]
    assert [(flip["node"], flip["minutes"]) for flip in told] == [("DFW", 11)]


@pytest.mark.parametrize("days", [1, 3, 8])
def test_the_hour_before_it_would_be_too_late_is_exact(days: int) -> None:
    asked = question((want("MUG", 1),), {"RNO": {"MUG": 1}}, promise_at=NOW + timedelta(days=days))
    made = plan(asked)
    for flip in explanation(made).flips:
        if flip["kind"] == "hour":
            before = plan(changed(asked, {**flip, "minutes": flip["minutes"] - 1}))
            assert shape(before) == shape(made)


TWO = {"RNO": {"MUG": 1}, "NYC": {"LAMP": 1}}
PAIR = (want("MUG", 1), want("LAMP", 1))


@pytest.mark.parametrize(
    ("policy", "value", "limits"),
    [
        (Policy(max_shipments=1), None, "one shipment"),
        (Policy(split_from=500), 499, "one shipment, for its value is below 500"),
    ],
)
def test_an_order_that_may_not_be_divided_says_so_of_each_node_and_as_a_whole(policy, value, limits):
    made = plan(question(PAIR, TWO, policy=policy, value=value))
    assert made.outcome == "unroutable"
    assert [one["text"] for one in explanation(made).why] == [
        f"no plan brings everything within its limits: {limits}"
    ]
    assert {reason for one in explanation(made).candidates for reason in one["reasons"]} == {
        "has not everything, and the order may not be divided"
    }


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (
            question(PAIR, {"RNO": {"MUG": 1}}, policy=Policy(ship_complete=True)),
            "not at all, and not everything is there",
        ),
        (question(PAIR, {"RNO": {}}), "no node that may ship it has any of it"),
        (question(PAIR, TWO, tariffs=()), "every node is refused, each for its own reason"),
    ],
)
def test_nothing_to_ship_has_a_reason(asked, text):
    [told] = explanation(plan(asked)).why
    assert (told["about"], told["text"].endswith(text)) == ("outcome", True)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(stores_most=0), "a store may not ship this order"),
        (Policy(store_units_most=1), "of 2 units a store may ship 1 at most"),
    ],
)
def test_a_store_that_is_passed_over_for_its_limits_says_so(policy, reason):
    asked = question((want("MUG", 2),), {"RNO": {"MUG": 2}, "NYC": {"MUG": 2}}, policy=policy)
    near = nodes()["RNO"]
    asked = replace(
        asked,
        sources=tuple(
            replace(
                s, node=replace(near, code=s.node.code, type="store" if s.node.code == "NYC" else near.type)
            )
            for s in asked.sources
        ),
    )
    told = {one["node"]: one for one in explanation(plan(asked)).candidates}
    assert (told["RNO"]["verdict"], told["NYC"]["verdict"], told["NYC"]["reasons"]) == (
        "chosen",
        "refused",
        [reason],
    )


def test_a_line_that_is_bound_elsewhere_is_the_reason():
    asked = question((want("MUG", 1, fixed_node="NYC"),), {"RNO": {"MUG": 1}, "NYC": {"MUG": 1}})
    [_, passed] = sorted(explanation(plan(asked)).candidates, key=lambda one: one["node"])
    assert passed["reasons"] == ["bound to another node: NYC"]
