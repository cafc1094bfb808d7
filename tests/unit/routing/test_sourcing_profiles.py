"""Sourcing profiles: which rule an order meets, what a strategy leaves to choose from, what comes after it fails."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orderloom.routing import examples
from orderloom.routing.deciding import decide as decide_question
from orderloom.routing.examining import judged
from orderloom.routing.following import decide, known, posed
from orderloom.routing.model import Asker
from orderloom.routing.plan import plan
from orderloom.routing.profiles import Profile, Strategy, Version, When, misses
from orderloom.routing.world import EMPTY
from orderloom.simulate import demo_rules
from tests.unit.routing.questions import explanation, nodes, question, questions, want

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
CODES = sorted(nodes())


def version(*rules, **more) -> Version:
    profile = Profile.model_validate({"rules": list(rules), **more})
    return Version(id=UUID(int=7), name="us", number=3, profile=profile)


def rule(*strategies, name="r", **more) -> dict:
    return {"name": name, "strategies": [{"name": f"s{i}", **s} for i, s in enumerate(strategies)], **more}


def two_nodes(**more):
    """Mugs at two nodes, either of which could ship them."""
    return question((want("MUG", 2),), {code: {"MUG": 5} for code in CODES[:2]}, **more)


def order(**more) -> dict:
    asker = Asker(channel="web", service_level="standard", priority=5, tags=("vip", "gift"))
    return {**known(two_nodes(order=asker, value=7000)), **more}


@pytest.mark.parametrize(
    ("clause", "missed"),
    [
        ({}, None),
        ({"channel": ["pos", "web"]}, None),
        ({"channel": ["pos"]}, "channel"),
        ({"tags_any": ["vip", "x"], "tags_none": ["x"]}, None),
        ({"tags_all": ["vip", "x"]}, "tags_all"),
        ({"tags_none": ["gift"]}, "tags_none"),
        ({"priority_from": 5, "priority_to": 5}, None),
        ({"priority_from": 6}, "priority_from"),
        ({"value_from": 7000, "value_to": 7000}, None),
        ({"value_to": 6999}, "value_to"),
        ({"country": ["US"], "region": ["TX"], "postcode": ["1", "787"]}, None),
        ({"postcode": ["01"]}, "postcode"),
        ({"sku": ["MUG", "LAMP"]}, None),
        ({"sku": ["LAMP"]}, "sku"),
        ({"hazmat": True}, "hazmat"),
        ({"fragile": False, "residential": True}, None),
        ({"units_from": 2, "units_to": 2, "weight_g_from": 700, "weight_g_to": 700}, None),
        ({"weight_g_to": 699}, "weight_g_to"),
        ({"any": [{"channel": ["pos"]}, {"tags_any": ["gift"]}]}, None),
        ({"any": [{"channel": ["pos"]}, {"region": ["CA"]}]}, "any"),
        ({"unless": [{"region": ["CA"]}]}, None),
        ({"unless": [{"region": ["CA"]}, {"region": ["TX"], "channel": ["web"]}]}, "unless"),
    ],
)
def test_an_order_meets_a_condition_or_what_it_misses_is_named(clause, missed):
    assert misses(When.model_validate(clause), order()) == missed


def test_nothing_holds_of_a_value_that_is_not_known():
    assert misses(When(value_to=10**9), order(value=None)) == "value_to"


@settings(max_examples=60, deadline=None)
@given(questions())
def test_an_empty_profile_changes_nothing_but_the_note_of_it(asked):
    plain = plan(asked).json()
    followed = decide(asked, version()).json()
    assert followed.pop("sourcing") == {"profile": "us", "version": 3, "rule": None, "passed_over": []}
    assert followed == plain
    assert decide(asked, None).json() == plain


@settings(max_examples=60, deadline=None)
@given(questions(), st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True), st.booleans())
def test_a_strategy_never_ships_from_a_node_that_it_leaves_out(asked, codes, never):
    given_ = {"never" if never else "only": {"nodes": codes}}
    found = decide(asked, version(rule(given_, otherwise="stop")))
    used = {part.node.code for part in found.plan.parts} if found.plan else set()
    assert used.isdisjoint(codes) if never else used <= set(codes)
    assert found.asked is asked


class TestStrategies:
    def test_are_tried_in_turn_and_the_first_that_covers_is_taken(self):
        asked = two_nodes()
        first, second = CODES[:2]
        found = decide(
            asked, version(rule({"only": {"nodes": ["NOWHERE"]}}, {"only": {"nodes": [second]}}, {}))
        )
        told = found.json()["sourcing"]
        assert [part.node.code for part in found.plan.parts] == [second]
        assert told["strategy"] == "s1"
        assert [one["short"] for one in told["strategies"]] == ["it does not cover all units", None]
        [left_out] = [c for c in explanation(found).candidates if c["node"] == first]
        assert left_out["reasons"] == ["left out by the strategy 's1' of the rule 'r'"]

    def test_that_all_fail_leave_the_order_to_its_channel_or_to_a_person(self):
        nowhere = {"only": {"groups": ["no such"]}}
        asked = two_nodes()
        left = decide(asked, version(rule(nowhere)))
        assert left.plan == plan(asked).plan
        assert left.json()["sourcing"]["otherwise"] == "channel"
        stopped = decide(asked, version(rule(nowhere, otherwise="stop")))
        assert stopped.plan is None
        assert {c["reasons"][0] for c in explanation(stopped).candidates} == {
            "no strategy of the rule 'r' covers the order"
        }

    def test_the_first_rule_that_is_met_holds(self):
        rules = [
            rule(name="pos", when={"channel": ["pos"]}),
            rule(name="texas", when={"region": ["TX"]}),
            rule(name="all"),
        ]
        told = decide(two_nodes(), version(*rules)).json()["sourcing"]
        assert (told["rule"], told["because"]) == ("texas", {"region": "TX"})
        assert told["passed_over"] == [{"rule": "pos", "for": "channel"}]

    def test_a_handicap_moves_the_choice_and_no_cost(self):
        asked = two_nodes()
        [best] = [part.node.code for part in plan(asked).plan.parts]
        found = decide(asked, version(rule({"handicaps": [{"nodes": [best], "a_unit": 10**6}]})))
        [other] = [part.node.code for part in found.plan.parts]
        assert other != best
        assert found.plan.cost == decide(asked, version(rule({"only": {"nodes": [other]}}))).plan.cost

    def test_a_day_sooner_is_tried_for_and_given_up_for_the_promise(self):
        asked = two_nodes()
        soon = decide(asked, version(rule({"within_days": 3}, {"within_days": 365})))
        assert soon.json()["sourcing"]["strategy"] == "s0"
        assert max(part.quote.arrives_on for part in soon.plan.parts).isoformat() <= "2026-03-05"
        at_once = decide(asked, version(rule({"within_days": 0}, {})))
        assert at_once.json()["sourcing"]["strategies"][0]["short"] == "it is late"
        assert at_once.request.promise_at == asked.promise_at
        late = decide(asked, version(rule({"within_days": 0, "may_be_late": True}, {})))
        assert late.json()["sourcing"]["strategy"] == "s0"
        assert late.plan.late

    def test_services_are_those_that_node_and_strategy_have_in_common(self):
        asked = two_nodes()
        carrier = asked.tariffs[0].carrier
        service = next(iter(asked.tariffs[0].services))
        found = decide(asked, version(rule({"services": [f"{carrier}/{service}"], "may_be_late": True})))
        used = {(part.quote.carrier, part.quote.service) for part in found.plan.parts}
        assert used == {(carrier, service)}
        narrow = Strategy(name="s", services=["ups/ground", "air"])
        node = replace(asked.sources[0].node, services=("ground", "dhl/air", "sea"))
        source = replace(asked.sources[0], node=node)
        [left] = posed(replace(asked, sources=(source,)), version(rule()).profile.rules[0], narrow).sources
        assert left.node.services == ("ups/ground", "dhl/air")

    def test_a_policy_is_narrowed_and_never_allows_parts_of_an_order_that_ships_complete(self):
        asked = two_nodes()
        asked = replace(asked, policy=replace(asked.policy, ship_complete=True))
        one = Strategy(name="s", max_shipments=1, ship_complete=False, stores_most=0, nearest=3, split_from=9)
        policy = posed(asked, version(rule()).profile.rules[0], one).policy
        assert policy.ship_complete
        assert (policy.max_shipments, policy.stores_most, policy.nearest, policy.split_from) == (1, 0, 3, 9)
        assert policy.effort == asked.policy.effort


class TestAProfile:
    @pytest.mark.parametrize("document", [examples.PROFILE, demo_rules.PROFILE], ids=["document", "demo"])
    def test_of_document_and_demo_passes_its_own_tests(self, document):
        profile = Profile.model_validate(document)
        followed = Version(id=UUID(int=1), name="us", number=1, profile=profile)
        for test in profile.tests:
            asked = profile.example(test)
            record = decide_question(asked, present=replace(EMPTY, sourcing=followed), now=NOW)
            assert judged(test.name, test.expect, record).misses == ()
            assert json.loads(json.dumps(record)) == record

    def test_says_of_each_expectation_that_is_not_met_what_came_instead(self):
        given_ = copy.deepcopy(examples.PROFILE)
        given_["tests"][1]["expect"] = {
            "rule": None,
            "strategy": "east first",
            "nodes": ["RENO"],
            "services": ["acme/ground"],
            "outcome": "routed",
            "shipments": 2,
            "late": True,
            "cost_most": 1789,
        }
        profile = Profile.model_validate(given_)
        followed = Version(id=UUID(int=1), name="us", number=1, profile=profile)
        test = profile.tests[1]
        record = decide_question(profile.example(test), present=replace(EMPTY, sourcing=followed), now=NOW)
        found = judged(test.name, test.expect, record)
        assert {miss["field"] for miss in found.misses} == {"rule", "nodes", "shipments", "late", "cost_most"}

    @pytest.mark.parametrize(
        ("broken", "places"),
        [
            ({"rules": [rule(name="a"), rule(name="a")]}, {("rules",)}),
            (
                {"rules": [{"name": "a", "strategies": [{"name": "s"}, {"name": "s"}]}]},
                {("rules", 0, "strategies")},
            ),
            (
                {"rules": [{"name": "a", "when": {"colour": ["red"]}}], "speed": 1},
                {("rules", 0, "when", "colour"), ("speed",)},
            ),
            ({"tests": [{"name": "t", "order": examples.ROUTE, "expect": {"rule": "gone"}}]}, {("tests",)}),
            (
                {"tests": [{"name": "t", "order": examples.ROUTE, "expect": {"strategy": "gone"}}]},
                {("tests",)},
            ),
        ],
    )
    def test_that_is_wrong_is_refused_with_every_place(self, broken, places):
        with pytest.raises(ValidationError) as refused:
            Profile.model_validate(broken)
        assert {fault["loc"] for fault in refused.value.errors()} == places
