"""Terms that cannot be used are refused with every fault, each with its place."""

import pytest

from orderloom.shipping.contract import BadTerms, parse
from tests.unit.shipping.terms import TERMS, terms


def faults(given):
    with pytest.raises(BadTerms) as caught:
        parse(carrier="acme", version=1, terms=given)
    return {fault.path: fault.message for fault in caught.value.faults}


def test_good_terms_are_read():
    contract = parse(carrier="acme", version=3, terms=TERMS)
    assert [service.code for service in contract.terms.services] == ["ground", "express"]
    assert contract.version == 3


def test_all_faults_of_shape_at_once():
    found = faults(
        terms(currency="usd", services=[{"code": "A B", "name": "x", "transit_days": {}}], surprise=1)
    )
    assert set(found) == {"currency", "services.0.code", "surprise"}


def test_a_misspelt_key_of_a_surcharge_is_a_fault():
    found = faults(terms(surcharges=[{"kind": "residential", "amount": 1, "fueled": True}]))
    assert list(found) == ["surcharges.0.residential.fueled"]


def test_an_amount_with_cents_is_a_fault():
    assert "surcharges.0.residential.amount" in faults(
        terms(surcharges=[{"kind": "residential", "amount": 4.5}])
    )


def test_all_contradictions_at_once():
    found = faults(
        terms(
            rates=[
                {
                    "service": "ground",
                    "breaks": [2, 1],
                    "amounts": {"7": [1, 2, 3]},
                    "above": {"amounts": {}},
                },
                {"service": "sled", "breaks": [1], "amounts": {"2": [1]}},
            ],
            zones={"bands": [{"zone": 1}, {"up_to": 5, "zone": 2}], "pairs": {"10": {"606": 3}}},
            surcharges=[
                {"kind": "oversize", "code": "big", "amount": 1},
                {"kind": "peak", "amount": 1, "starts": "2026-02-01", "ends": "2026-01-01"},
                {"kind": "delivery_area", "amount": 1, "postcodes": ["99-1"]},
                {
                    "kind": "fuel",
                    "steps": [
                        {"starts": "2026-01-01", "permille": 1},
                        {"starts": "2026-01-01", "permille": 2},
                    ],
                },
            ],
            minimum_charges={"moon": 1},
        )
    )
    assert set(found) == {
        "rates",
        "services.0.transit_days",
        "rates.0.amounts.7",
        "rates.0.above.amounts",
        "rates.0.breaks",
        "zones.bands",
        "zones.pairs.10",
        "surcharges.0",
        "surcharges.1",
        "surcharges.2.postcodes",
        "surcharges.3.steps",
        "minimum_charges",
    }


def test_a_contract_without_any_way_to_a_zone():
    assert "zones" in faults(terms(zones={}))


def test_a_service_twice():
    assert "services" in faults(terms(services=[*TERMS["services"], TERMS["services"][0]]))
