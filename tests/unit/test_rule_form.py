"""A sourcing rule in a form: what is shown and read back is the rule; what the form cannot show it says so."""

import pytest

from orderloom.console import rule_form
from orderloom.routing import examples
from orderloom.routing.profiles import Clause, Profile

RULE = {
    "name": "stores last",
    "when": {
        "tags_any": ["vip", "press"],
        "value_from": 5000,
        "any": [{"country": ["US"]}, {"hazmat": False}],
        "unless": [{"region": ["AK", "HI"]}],
    },
    "strategies": [
        {
            "name": "no stores",
            "never": {"nodes": ["RENO"], "types": ["store"]},
            "split_from": 900,
            "nearest": 3,
        },
        {
            "name": "stores at a price",
            "only": {"groups": ["west"]},
            "services": ["ups/ground"],
            "handicaps": [{"types": ["store"], "a_unit": 150}],
            "may_be_late": True,
        },
    ],
    "otherwise": "stop",
    "then": {
        "add_tags": ["slow"],
        "priority": -5,
        "hold": "look first",
        "notify": {"to": ["a@example.com", "b@example.com"], "says": "it waits"},
    },
}


def filled(rule):
    """The fields as a browser sends them back, the blank rows with them."""
    shown = rule_form.shown(rule)
    rows = [*shown.conditions, *[("all", "", "")] * rule_form.BLANK_CONDITIONS]
    columns = ("name", "only", "never", "services", "rank", "rank_by", *rule_form.NUMBERS, *rule_form.FLAGS)
    strategies = [*shown.strategies, {}]
    return {
        "name": [shown.name],
        **{name: [row[i] for row in rows] for i, name in enumerate(("set", "on", "value"))},
        **{f"s_{name}": [s.get(name, "") for s in strategies] for name in columns},
        "otherwise": [shown.otherwise],
        **{name: [value] for name, value in shown.then.items()},
    }


@pytest.mark.parametrize("rule", [RULE, *examples.PROFILE["rules"], {"name": "every order"}])
def test_what_is_shown_and_read_back_is_the_rule(rule):
    assert rule_form.shown(rule).whole
    assert rule_form.read(filled(rule), base=rule) == (rule, [])
    Profile.model_validate({"rules": [rule]})


def test_every_condition_there_is_has_its_place_in_the_form():
    named = [name for ways in rule_form.CONDITIONS.values() for name in ways]
    assert sorted(named) == sorted(Clause.model_fields)


def test_what_the_form_cannot_show_it_says():
    assert not rule_form.shown({"name": "x", "when": {"any": [{"country": ["US"], "hazmat": True}]}}).whole
    twice = [{"types": ["store"], "a_unit": 1}, {"types": ["drop_ship"], "a_unit": 2}]
    assert not rule_form.shown({"name": "x", "strategies": [{"name": "y", "handicaps": twice}]}).whole


def test_what_is_wrong_is_told_and_what_is_no_number_stays_as_it_was_typed():
    given = filled({"name": "x"}) | {
        "set": ["all", "all", "all", "any"],
        "on": ["units_from", "units_from", "tags_any", ""],
        "value": ["many", "2", "", "alone"],
    }
    rule, faults = rule_form.read(given, base={})
    assert rule["when"] == {"units_from": "many"}
    assert len(faults) == 3
