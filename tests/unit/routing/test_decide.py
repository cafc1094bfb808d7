"""Questions and answers without a database: what is given is decided on, and everything wrong is said at once."""

import copy
import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import QUESTIONS
from orderloom.routing.world import EMPTY, Unanswerable

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
EXAMPLES = {
    "route": examples.ROUTE,
    "pack": examples.PACK,
    "rate": examples.RATE,
    "promise": examples.PROMISE,
}


def ask(kind: str, **changes):
    question = QUESTIONS[kind].model_validate({**copy.deepcopy(EXAMPLES[kind]), **changes})
    return decide(question, present=EMPTY, now=NOW)


def paths(raised) -> dict[str, str]:
    return {fault.path: fault.code for fault in raised.value.faults}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_example_is_answered_the_same_each_time(kind):
    first = ask(kind)
    assert first["kind"] == kind
    assert first["outcome"] in {"routed", "packed", "chosen", "promised"}
    assert json.dumps(first) == json.dumps(ask(kind))


class TestRoute:
    def test_the_nearer_node_ships_by_the_cheaper_service(self):
        [part] = ask("route")["answer"]["plan"]["shipments"]
        assert (part["node"], part["carrier"], part["service"]) == ("NEWARK", "acme", "ground")
        assert part["cost"] == sum(part["cost_parts"].values())

    def test_what_stands_in_flips_applied_flips_the_choice(self):
        found = ask("route")["answer"]
        [flip] = [flip for flip in found["flips"] if flip["kind"] == "price"]
        nodes = copy.deepcopy(examples.ROUTE["nodes"])
        nodes[0]["pick_cost"] += flip["amount"]
        [part] = ask("route", nodes=nodes)["answer"]["plan"]["shipments"]
        [second] = found["runner_up"]["shipments"]
        assert (part["node"], part["service"]) == (second["node"], second["service"])

    def test_a_line_that_no_node_has_whole_is_split(self):
        found = ask("route", lines=[{"sku": "MUG", "quantity": 15}])
        assert found["outcome"] == "split"
        assert [s["node"] for s in found["answer"]["plan"]["shipments"]] == ["NEWARK", "RENO"]

    def test_what_must_stay_together_comes_from_one_node(self):
        items = copy.deepcopy(examples.ROUTE["items"])
        for item in items:
            item["handling"] = {"together": "set"}
        [part] = ask("route", items=items)["answer"]["plan"]["shipments"]
        assert part["node"] == "NEWARK"
        torn = ask("route", items=items, lines=[{"sku": "MUG", "quantity": 15}])
        assert torn["outcome"] == "unroutable"
        assert {c["reasons"][0] for c in torn["answer"]["candidates"]} == {
            "has not all of what must stay together: MUG"
        }

    def test_a_node_packs_into_its_own_cartons_by_the_rules_asked_for(self):
        nodes = copy.deepcopy(examples.ROUTE["nodes"])
        nodes[0]["cartons"] = {examples.ROUTE["cartons"][0]["code"]: 0}
        found = ask("route", nodes=nodes)
        [part] = found["answer"]["plan"]["shipments"]
        assert part["node"] == "RENO"
        assert found["request"]["nodes"][0]["cartons"] == nodes[0]["cartons"]
        soonest = ask("promise", nodes=[{**nodes[0], "cartons": {}}, nodes[1]])["answer"]
        assert soonest["earliest"]["node"] == "RENO"
        nodes[0]["cartons"] = {"NONE": 1}
        with pytest.raises(Unanswerable) as raised:
            ask("route", nodes=nodes)
        assert paths(raised) == {"/nodes/0/cartons/NONE": "unknown_carton"}
        ruled = ask("route", rules={"fill_permille": 300})
        assert ruled["request"]["packing"]["fill_permille"] == 300

    def test_what_nobody_has_is_named(self):
        found = ask("route", lines=[{"sku": "MUG", "quantity": 25, "line": "mugs"}])
        assert found["outcome"] == "partial"
        assert found["answer"]["uncovered"] == {"mugs": 5}

    def test_a_fixed_node_ships(self):
        found = ask("route", lines=[{"sku": "MUG", "quantity": 1, "node": "RENO"}])
        assert [s["node"] for s in found["answer"]["plan"]["shipments"]] == ["RENO"]

    def test_all_that_is_not_there_is_said_at_once(self):
        lines = [{"sku": "CUP", "line": "a"}, {"sku": "MUG", "node": "MARS", "line": "a"}]
        with pytest.raises(Unanswerable) as raised:
            ask("route", lines=lines)
        assert paths(raised) == {
            "/lines/0/sku": "unknown_sku",
            "/lines/1/line": "repeated",
            "/lines/1/node": "unknown_node",
        }


class TestPack:
    def test_units_lie_in_their_carton(self):
        [parcel] = ask("pack")["answer"]["parcels"]
        assert parcel["carton"] == "BOX-S"
        assert parcel["contents"] == {"MUG": 4}
        inner = parcel["inner_mm"]
        for _, x, y, z, length, width, height in parcel["placements"]:
            assert x + length <= inner[0]
            assert y + width <= inner[1]
            assert z + height <= inner[2]

    def test_an_inside_is_never_rounded_up(self):
        [parcel] = ask("pack")["answer"]["parcels"]
        assert parcel["inner_mm"] == [254, 254, 254]
        assert parcel["outer_mm"] == [267, 267, 267]

    def test_what_fits_nowhere_is_left_out_with_the_reason(self):
        item = copy.deepcopy(examples.PACK["items"][0])
        item["size"]["length"] = {"value": 30, "unit": "in"}
        found = ask("pack", items=[item])
        assert found["outcome"] == "unpackable"
        assert "fits no carton" in found["answer"]["unpackable"][0][1]

    def test_a_dry_run_has_an_end(self):
        with pytest.raises(Unanswerable) as raised:
            ask("pack", lines=[{"sku": "MUG", "quantity": 1500}, {"sku": "MUG", "quantity": 1500}])
        assert paths(raised) == {"/lines": "too_many"}


class TestRate:
    def test_the_traces_of_a_quote_sum_to_its_cost(self):
        for quote in ask("rate")["answer"]["quotes"]:
            lines = [line["amount"] for parcel in quote["parcels"] for line in parcel["lines"]]
            assert sum(lines) == quote["cost"]

    def test_an_inch_is_an_inch(self):
        # 12 x 10 x 8 in over 139 is 6.9 lb: begun pounds are whole, and no edge becomes 13 in by way of 305 mm.
        [first, *_] = ask("rate")["answer"]["quotes"]
        assert first["parcels"][0]["lines"][0]["inputs"]["billable_lb"] == 7

    def test_the_cheapest_in_time_is_chosen_and_the_next_named(self):
        answer = ask("rate")["answer"]
        assert answer["chosen"]["service"] == "ground"
        assert answer["runner_up"]["service"] == "air"

    def test_an_earlier_promise_calls_for_the_faster(self):
        answer = ask("rate", promise_at="2026-03-03T23:00:00-05:00")["answer"]
        assert answer["chosen"]["service"] == "air"

    def test_a_promise_nobody_keeps_is_late(self):
        assert ask("rate", promise_at="2026-03-02T23:00:00-05:00")["outcome"] == "late"

    def test_either_a_node_or_a_place(self):
        with pytest.raises(Unanswerable) as raised:
            ask("rate", ship_from=None)
        assert paths(raised) == {"/ship_from": "one_of"}

    def test_a_node_ships_by_its_own_services(self):
        node = {**examples.ROUTE["nodes"][0], "services": ["acme/air"]}
        answer = ask("rate", ship_from=None, ship_on=None, node="NEWARK", nodes=[node])["answer"]
        assert answer["chosen"]["service"] == "air"
        assert {
            "carrier": "acme",
            "service": "ground",
            "reasons": ["the node does not ship by this service"],
        } in (answer["rejected"])

    def test_faults_of_terms_are_named_where_they_stand(self):
        contract = copy.deepcopy(examples.RATE["contracts"][0])
        contract["terms"]["rates"][0]["breaks"] = [20, 1]
        contract["terms"]["fule"] = []
        with pytest.raises(Unanswerable) as raised:
            ask("rate", contracts=[contract])
        assert "/contracts/0/terms/fule" in paths(raised)


class TestPromise:
    def test_the_soonest_of_each_service_and_node(self):
        answer = ask("promise")["answer"]
        assert answer["earliest"]["service"] == "air"
        assert {one["service"] for one in answer["by_service"]} == {"air", "ground"}
        assert [one["node"] for one in answer["by_node"]] == ["NEWARK", "RENO"]
        assert answer["time_zone"] == "America/New_York"

    def test_routing_keeps_what_was_promised(self):
        promised = ask("promise")["answer"]["promise_at"]
        assert not ask("route", promise_at=promised)["answer"]["late"]

    def test_together_they_have_what_no_node_has(self):
        found = ask("promise", lines=[{"sku": "MUG", "quantity": 15}])
        assert found["outcome"] == "split"
        [line] = found["answer"]["lines"]
        assert sum(part["quantity"] for part in line["parts"]) == 15
        assert found["answer"]["promise_at"] == line["promise_at"]

    def test_nothing_is_promised_of_what_is_not_there(self):
        found = ask("promise", lines=[{"sku": "MUG", "quantity": 21}])
        assert (found["outcome"], found["answer"]["promise_at"]) == ("short", None)
        assert found["answer"]["lines"][0]["missing"] == 1

    def test_a_node_that_never_works_says_so(self):
        nodes = [{**examples.ROUTE["nodes"][0], "working_days": []}]
        found = ask("promise", nodes=nodes)
        assert {one["reason"] for one in found["answer"]["refused"]} == {"the node never works"}


class TestQuestions:
    def test_every_fault_is_found_at_once(self):
        with pytest.raises(ValidationError) as raised:
            ask("route", lines=[{"sku": "", "quantity": 0}], ship_to={"country": "usa"}, colour="red")
        assert {".".join(map(str, error["loc"])) for error in raised.value.errors()} == {
            "lines.0.sku",
            "lines.0.quantity",
            "ship_to.country",
            "colour",
        }

    def test_broken_text_is_refused(self):
        with pytest.raises(ValidationError):
            ask("pack", lines=[{"sku": "MUG\x00"}])
