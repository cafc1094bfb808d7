"""A record holds what was asked and decided: read back, it is decided the same again, and explained as it was at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderloom.journey.again import Present, request_of
from orderloom.network.calendar import zone
from orderloom.packing.houserules import HouseRules
from orderloom.packing.landed import Costs
from orderloom.routing import lanes
from orderloom.routing.explaining import explained
from orderloom.routing.following import decide, put
from orderloom.routing.kept import packed, unpacked
from orderloom.routing.model import Policy, Request, Rest
from orderloom.routing.profiles import Profile, Version
from orderloom.shipping import contract as contracts
from orderloom.shipping.contracts import Compiled, ContractBook
from orderloom.shipping.store.contracts import VersionRow
from orderloom.simulate import demo_carriers
from tests.unit.routing.questions import CARTONS, NOW, explanation, nodes, question, questions, tariffs, want

STORE = "NYC"
RULES = (
    {"strategies": [{"name": "s", "never": {"nodes": ["DFW"]}}], "otherwise": "stop"},
    {"strategies": [{"name": "s", "only": {"nodes": ["RNO", "NYC"]}}]},
    {"strategies": [{"name": "s", "handicaps": [{"nodes": ["ATL"], "a_unit": 150}], "within_days": 3}]},
    {"strategies": [{"name": "s", "services": ["economy"]}, {"name": "t", "max_shipments": 1}]},
)


def book() -> ContractBook:
    """The contracts of the questions, as they are stored."""
    rows, compiled = [], {}
    for at, tariff in enumerate(tariffs()):
        row = VersionRow(UUID(int=at), tariff.carrier, 1, NOW, None, NOW)
        terms = demo_carriers.terms()[tariff.carrier]
        rows.append(row)
        compiled[row.id] = Compiled(contracts.parse(carrier=tariff.carrier, version=1, terms=terms))
    return ContractBook(tuple(rows), compiled)


BOOK = book()


def present(request: Request) -> Present:
    """All that a record of the question does not hold itself."""
    wants = (*request.wants, *(request.rest.wants if request.rest else ()))
    return Present(
        articles={one.sku: replace(one.article, quantity=1) for one in wants},
        nodes={source.node.code: source.node for source in request.sources},
        cartons={carton.code: carton for carton in CARTONS},
        contracts=BOOK,
        orders={},
        channels={},
        learnt={},
    )


def version(rule: Mapping[str, Any]) -> Version:
    return Version(
        id=UUID(int=7),
        name="us",
        number=3,
        profile=Profile.model_validate({"rules": [{"name": "r", **rule}]}),
    )


@st.composite
def any_question(draw: st.DrawFn) -> Request:
    """With prices that guide, a store, bound lines, limits, used-up services, commitments and goods still to come."""
    asked = draw(questions(at_most=5))
    for change in draw(st.sets(st.sampled_from(sorted(CHANGES)))):
        asked = CHANGES[change](asked)
    promise = asked.promise_at and asked.promise_at.astimezone(zone("America/Chicago"))
    return replace(asked, promise_at=promise)


def dear_where_scarce(asked: Request) -> Request:
    first, *rest = asked.sources
    return replace(asked, sources=(replace(first, scarcity=dict.fromkeys(first.available, 90)), *rest))


def bound(asked: Request) -> Request:
    first, *rest = asked.wants
    return replace(asked, wants=(replace(first, fixed_node=asked.sources[-1].node.code), *rest))


def limited(asked: Request) -> Request:
    sources = tuple(
        replace(one, node=replace(one.node, type="store")) if one.node.code == STORE else one
        for one in asked.sources
    )
    return replace(
        asked, sources=sources, policy=Policy(store_units_most=2, split_from=900, max_shipments=2), value=800
    )


def closed(asked: Request) -> Request:
    [first, *_] = asked.tariffs
    day = asked.now.date()
    return replace(asked, closed=frozenset((first.carrier, code, day) for code in sorted(first.services)[:2]))


def owed(asked: Request) -> Request:
    *_, last = asked.tariffs
    days = [asked.now.date() + timedelta(days=ahead) for ahead in range(2)]
    return replace(
        asked,
        credits=frozenset((last.carrier, code, day, 120) for code in last.services for day in days),
    )


def waiting(asked: Request) -> Request:
    node = asked.sources[0].node.code
    rest = Rest(
        wants=(want("LAMP", 1, key="rest"),),
        expected={node: {"LAMP": 1}},
        ready_at=asked.now + timedelta(days=1),
    )
    return replace(asked, rest=rest, policy=replace(asked.policy, consolidate_day_cost=10))


def few(asked: Request) -> Request:
    sources = tuple(replace(one, cartons={"S": 1, "M": None}) for one in asked.sources[:1])
    return replace(asked, sources=(*sources, *asked.sources[1:]))


def at_least_cost(asked: Request) -> Request:
    return replace(asked, packing=HouseRules(landed=Costs(fill_per_litre=3, per_parcel=40)))


def complete(asked: Request) -> Request:
    return replace(asked, policy=replace(asked.policy, ship_complete=True))


CHANGES = {
    one.__name__: one
    for one in (dear_where_scarce, bound, limited, closed, owed, waiting, few, complete, at_least_cost)
}


@settings(max_examples=60, deadline=None)
@given(any_question(), st.none() | st.sampled_from(RULES).map(version))
def test_read_back_it_is_decided_and_explained_the_same(asked: Request, profile: Version | None) -> None:
    decision = decide(asked, profile)
    at_once = explanation(decision)
    record = unpacked(packed({"request": decision.asked.json(), "answer": decision.json()}))
    # Nothing that is remembered may matter.
    lanes._own.worlds.clear()
    again, moved = request_of({"order_id": None, **record}, present(asked))
    assert moved == []
    answer = record["answer"]
    told = explained(put(again, profile, answer.get("sourcing")), answer)
    assert told == at_once
    assert again.json() == record["request"]
    assert json.loads(json.dumps(decide(again, profile).json())) == answer


def test_a_plan_is_explained_that_would_not_be_made_today() -> None:
    asked = question((want("MUG", 1),), {"RNO": {"MUG": 1}, "NYC": {"MUG": 1}, "DFW": {"MUG": 1}})
    made = decide(asked, None).json()
    other = {**made, "plan": made["runner_up"], "runner_up": made["plan"]}
    code = made["runner_up"]["shipments"][0]["node"]
    told = explained(asked, other)
    assert [one["node"] for one in told.candidates if one["verdict"] == "chosen"] == [code]
    assert {one["node"] for one in told.why if "node" in one} == {code}


@pytest.mark.parametrize(("hours", "offset"), [(0, -6), (24 * 7, -5)])
def test_a_promise_is_read_back_on_the_buyers_own_clock(hours: int, offset: int) -> None:
    """Clocks go forward on the eighth of March in Austin: an earlier day ends by another offset."""
    promise = datetime(2026, 3, 4, 23, 59, 59, tzinfo=zone("America/Chicago")) + timedelta(hours=hours)
    asked = question((want("MUG", 1),), {"RNO": {"MUG": 1}}, promise_at=promise)
    again, _ = request_of({"order_id": None, "request": asked.json()}, present(asked))
    assert again.promise_at is not None
    assert again.promise_at.isoformat() == promise.isoformat()
    assert again.promise_at.utcoffset() == timedelta(hours=offset)
    before = datetime.combine(date(2026, 3, 3), again.promise_at.time(), again.promise_at.tzinfo)
    assert before.utcoffset() == timedelta(hours=-6)


def test_what_one_moment_leaves_by_is_not_what_another_does() -> None:
    """Decisions of several moments are made and explained side by side, on what is remembered of the same nodes."""
    world = lanes.World(tariffs(), CARTONS)
    node = nodes()["RNO"]
    now = datetime(2026, 3, 2, 15, tzinfo=UTC)
    [first] = world.origins((node,), now)
    leaves = first.leaves
    [other] = world.origins((node,), now - timedelta(days=9))
    assert other.leaves != leaves
    assert first.leaves is leaves
