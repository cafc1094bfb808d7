"""One whole question of each kind, for the API document and the tests: nothing in them is taken from a database."""

from __future__ import annotations

from typing import Any

_CUBE_4_IN: dict[str, Any] = {edge: {"value": 4, "unit": "in"} for edge in ("length", "width", "height")}
_MUG: dict[str, Any] = {
    "sku": "MUG",
    "weight": {"value": 12.5, "unit": "oz"},
    "size": _CUBE_4_IN,
    "fragile": True,
}
_BOX: dict[str, Any] = {
    "code": "BOX-S",
    "inner": {edge: {"value": 10, "unit": "in"} for edge in ("length", "width", "height")},
    "outer": {edge: {"value": 10.5, "unit": "in"} for edge in ("length", "width", "height")},
    "tare": {"value": 8, "unit": "oz"},
    "max_weight": {"value": 20, "unit": "lb"},
    "cost": 60,
}
# Monday, three in the afternoon in London, ten in the morning in New York.
_AS_OF = "2026-03-02T15:00:00Z"
_COLUMBUS: dict[str, Any] = {"city": "Columbus", "region": "OH", "postcode": "43215"}


def _node(code: str, place: dict[str, Any], stock: int) -> dict[str, Any]:
    return {"code": code, "address": place, "pick_cost": 100, "unit_cost": 10, "stock": {"MUG": stock}}


_NODES = [
    _node("NEWARK", {"city": "Newark", "region": "NJ", "postcode": "07102"}, 10),
    _node("RENO", {"city": "Reno", "region": "NV", "postcode": "89501"}, 10),
]
_CONTRACT: dict[str, Any] = {
    "carrier": "acme",
    "terms": {
        "currency": "USD",
        "services": [
            {"code": "ground", "name": "Ground", "transit_days": {"2": 2, "8": 5}},
            {"code": "air", "name": "Air", "level": "express", "transit_days": {"2": 1, "8": 2}},
        ],
        "zones": {"bands": [{"up_to": 600, "zone": 2}, {"zone": 8}]},
        "rates": [
            {"service": "ground", "breaks": [1, 20], "amounts": {"2": [700, 1100], "8": [1000, 1900]}},
            {"service": "air", "breaks": [1, 20], "amounts": {"2": [1500, 2600], "8": [2400, 4900]}},
        ],
        "dim": [{"divisor": 139}],
        "surcharges": [
            {"kind": "residential", "amount": 300, "fuelled": True},
            {"kind": "fuel", "steps": [{"starts": "2026-01-01", "permille": 150}]},
        ],
    },
}

ROUTE: dict[str, Any] = {
    "lines": [{"sku": "MUG", "quantity": 2}],
    "ship_to": _COLUMBUS,
    "promise_at": "2026-03-06T23:59:59-05:00",
    "as_of": _AS_OF,
    "items": [_MUG],
    "nodes": _NODES,
    "contracts": [_CONTRACT],
    "cartons": [_BOX],
}
PACK: dict[str, Any] = {"lines": [{"sku": "MUG", "quantity": 4}], "items": [_MUG], "cartons": [_BOX]}
RATE: dict[str, Any] = {
    "parcels": [
        {
            "size": {
                "length": {"value": 12, "unit": "in"},
                "width": {"value": 10, "unit": "in"},
                "height": {"value": 8, "unit": "in"},
            },
            "weight": {"value": 3.5, "unit": "lb"},
        }
    ],
    "ship_from": {"city": "Newark", "region": "NJ", "postcode": "07102"},
    "ship_to": _COLUMBUS,
    "ship_on": "2026-03-02",
    "promise_at": "2026-03-06T23:59:59-05:00",
    "as_of": _AS_OF,
    "contracts": [_CONTRACT],
}
PROMISE: dict[str, Any] = {
    "lines": [{"sku": "MUG", "quantity": 2}],
    "ship_to": _COLUMBUS,
    "as_of": _AS_OF,
    "items": [_MUG],
    "nodes": _NODES,
    "contracts": [_CONTRACT],
    "cartons": [_BOX],
}

_ORDER: dict[str, Any] = {
    "lines": [{"sku": "MUG", "quantity": 2}],
    "ship_to": _COLUMBUS,
    "service_level": "standard",
    "promise_at": "2026-03-06T23:59:59-05:00",
    "as_of": _AS_OF,
}
PROFILE: dict[str, Any] = {
    "rules": [
        {
            "name": "vip by air",
            "when": {"tags_any": ["vip"], "value_from": 5000},
            "strategies": [
                {"name": "in a day", "services": ["air"], "within_days": 1, "max_shipments": 1},
                {"name": "in two days", "within_days": 2},
            ],
            "then": {"add_tags": ["expedited"], "priority": 50},
        },
        {
            "name": "the west keeps its stock",
            "when": {"unless": [{"region": ["CA", "NV", "OR", "WA"]}]},
            "strategies": [{"name": "east first", "never": {"nodes": ["RENO"]}}],
        },
    ],
    "world": {"items": [_MUG], "nodes": _NODES, "contracts": [_CONTRACT], "cartons": [_BOX]},
    "tests": [
        {
            "name": "a buyer we know has it the next day",
            "order": {**_ORDER, "tags": ["vip"], "value": 9000},
            "expect": {"rule": "vip by air", "strategy": "in a day", "nodes": ["NEWARK"], "late": False},
        },
        {
            "name": "Ohio is served from the east",
            "order": _ORDER,
            "expect": {"rule": "the west keeps its stock", "nodes": ["NEWARK"], "shipments": 1},
        },
    ],
}
