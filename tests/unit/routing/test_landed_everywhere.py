"""A house that packs at the least landed cost: what is promised, foreseen and asked for beforehand is packed the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from orderloom.routing import examples
from orderloom.routing.deciding import decide
from orderloom.routing.questions import QUESTIONS
from orderloom.routing.world import EMPTY
from orderloom.simulate import demo_carriers, demo_data
from tests.unit.routing.questions import NOW, SIZES

RULES = {"landed": {"fill_per_litre": 3, "per_parcel": 20, "per_unit": 2}}
BASKETS = ({"MUG": 2}, {"MUG": 11}, {"PIN": 3, "MUG": 5}, {"LAMP": 1, "MUG": 4}, {"LAMP": 3, "PIN": 4})


def _size(edges: Any) -> dict[str, Any]:
    return {
        name: {"value": edge, "unit": "mm"}
        for name, edge in zip(("length", "width", "height"), edges, strict=True)
    }


@cache
def _world() -> dict[str, Any]:
    terms = demo_carriers.terms()
    grams = {"unit": "g"}
    return {
        "ship_to": examples.ROUTE["ship_to"],
        "items": [
            {"sku": sku, "size": _size(edges), "weight": {"value": grams_, **grams}}
            for sku, (*edges, grams_) in SIZES.items()
        ],
        "cartons": [
            {
                "code": carton.code,
                "inner": _size(carton.inner),
                "outer": _size(carton.outer),
                "tare": {"value": carton.tare_g, **grams},
                "max_weight": {"value": carton.max_weight_g, **grams},
                "cost": carton.cost,
                "flexible": carton.flexible,
            }
            for carton in demo_data.cartons()
        ],
        "contracts": [{"carrier": code, "terms": terms[code]} for code in sorted(terms)[:2]],
    }


def _ask(kind: str, basket: dict[str, int], **more: Any) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": units} for sku, units in basket.items()]
    asked = {**_world(), "lines": lines, "as_of": NOW.isoformat(), **more}
    return decide(QUESTIONS[kind].model_validate(asked), present=EMPTY, now=NOW)["answer"]


def _told(parcels: Any) -> list[Any]:
    return [(p["carton"], p["contents"], p["weight_g"]) for p in parcels]


@pytest.mark.parametrize("basket", BASKETS, ids=str)
def test_promised_is_foreseen_is_packed(basket: dict[str, int]) -> None:
    node = {**examples.ROUTE["nodes"][0], "stock": dict.fromkeys(SIZES, 99)}
    [part] = _ask("route", basket, nodes=[node], rules=RULES)["plan"]["shipments"]
    promised = _ask("promise", basket, nodes=[node], rules=RULES)["by_service"]
    by = {(way["carrier"], way["service"]): way["cost"] for way in promised}
    service = part["carrier"], part["service"]
    assert by[service] == part["cost_parts"]["carriage"]
    asked = {"ship_from": node["address"], "as_of": part["ship_by"], "rules": RULES}
    packed = _ask("pack", basket, **asked, service="/".join(service))
    assert _told(packed["parcels"]) == _told(part["parcels"])
    assert packed["landed"]["cost"] == part["cost_parts"]["carriage"] + part["cost_parts"]["cartons"]
    cheapest = _ask("pack", basket, **asked)["landed"]
    assert (cheapest["carrier"], cheapest["service"]) == service
    assert cheapest["lower_bound"] <= cheapest["cost"] <= cheapest["fewest_cartons_cost"]


def test_some_of_these_baskets_are_not_packed_into_the_fewest() -> None:
    asked = {"ship_from": examples.ROUTE["nodes"][0]["address"], "rules": RULES}
    saved = [_ask("pack", basket, **asked)["landed"] for basket in BASKETS]
    assert any(one["cost"] < one["fewest_cartons_cost"] for one in saved)


def test_without_the_aim_or_a_service_the_fewest_cartons_are_the_answer() -> None:
    asked = {"ship_from": examples.ROUTE["nodes"][0]["address"]}
    fewest = _ask("pack", BASKETS[0], **asked, rules={})
    assert "landed" not in fewest
    assert _ask("pack", BASKETS[0], **asked, rules=RULES, service="nowhere") == fewest
