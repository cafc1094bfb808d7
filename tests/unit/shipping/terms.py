"""A small contract with every kind of rule, for the tests of rating."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from orderloom.shipping import contract as contracts
from orderloom.shipping.tariff import Tariff, compile_contract

TERMS: dict[str, Any] = {
    "currency": "USD",
    "services": [
        {
            "code": "ground",
            "name": "Ground",
            "transit_days": {"2": 1, "3": 2, "4": 3, "9": 6},
            "delivers": [1, 2, 3, 4, 5, 6],
            "max_weight": 150,
            "max_length": 108,
            "max_length_plus_girth": 165,
            "hazmat": True,
        },
        {
            "code": "express",
            "name": "Express",
            "level": "express",
            "transit_days": {"2": 1, "3": 1, "4": 2},
            "max_weight": 70,
            "countries": ["US", "CA"],
        },
    ],
    "zones": {
        "countries": {"CA": 4},
        "postcodes": [{"postcodes": ["006-009", "967"], "zone": 9}],
        "pairs": {"100": {"606": 3}},
        "bands": [{"up_to": 150, "zone": 2}, {"up_to": 600, "zone": 3}, {"zone": 4}],
    },
    "rates": [
        {
            "service": "ground",
            "breaks": [1, 5, 10],
            "amounts": {
                "2": [800, 1000, 1200],
                "3": [900, 1100, 1400],
                "4": [1000, 1300, 1800],
                "9": [2000, 3000, 4000],
            },
            "above": {"amounts": {"2": 50, "3": 60, "4": 80, "9": 200}},
        },
        {
            "service": "express",
            "breaks": [{"value": 8, "unit": "oz"}, 1, 5, 10],
            "amounts": {
                "2": [1500, 1600, 2000, 2500],
                "3": [1700, 1800, 2300, 3000],
                "4": [1900, 2100, 2800, 3900],
            },
        },
    ],
    "dim": [
        {"divisor": 139, "edges": "up", "services": ["ground"]},
        {"divisor": 166, "edges": "nearest", "minimum_cube": 1728},
    ],
    "discounts": [{"permille": 250, "services": ["ground"], "zones": [2, 3, 4]}],
    "minimum_charges": {"ground": 700},
    "surcharges": [
        {"kind": "residential", "amount": 450, "services": ["ground"], "fuelled": True},
        {"kind": "delivery_area", "code": "extended", "amount": 600, "postcodes": ["59", "82001-83128"]},
        {
            "kind": "delivery_area",
            "code": "remote",
            "amount": 1500,
            "postcodes": ["995-999"],
            "residential_only": True,
        },
        {
            "kind": "additional_handling",
            "code": "handling",
            "amount": 2950,
            "cube_over": 10368,
            "weight_over": 50,
            "longest_over": 48,
            "second_over": 30,
            "services": ["ground"],
        },
        {
            "kind": "oversize",
            "code": "oversize",
            "amount": 25500,
            "cube_over": 17280,
            "weight_over": 110,
            "length_plus_girth_over": 130,
            "services": ["ground"],
        },
        {
            "kind": "fuel",
            "steps": [{"starts": "2026-01-05", "permille": 200}, {"starts": "2026-01-12", "permille": 215}],
        },
        {
            "kind": "peak",
            "amount": 40,
            "starts": "2026-11-01",
            "ends": "2027-01-17",
            "residential_only": True,
        },
    ],
    "holidays": ["2026-01-01"],
}


def terms(**changes: Any) -> dict[str, Any]:
    """The terms, with top-level parts replaced."""
    return {**deepcopy(TERMS), **changes}


def tariff(**changes: Any) -> Tariff:
    """The compiled contract."""
    return compile_contract(contracts.parse(carrier="acme", version=1, terms=terms(**changes)))
