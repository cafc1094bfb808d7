"""The demo's sourcing profile: drafted, tested and run as a shadow, so that its pages have something to show."""

from __future__ import annotations

from typing import Any

from orderloom.routing import examples
from orderloom.simulate.client import Client
from orderloom.simulate.demo_data import MARKET

_WEST = ["AZ", "CA", "CO", "ID", "NV", "OR", "UT", "WA"]
_WORLD = {part: examples.ROUTE[part] for part in ("items", "nodes", "contracts", "cartons")}
_ORDER = {name: value for name, value in examples.ROUTE.items() if name not in _WORLD}
PROFILE: dict[str, Any] = {
    "rules": [
        {
            "name": "the marketplace ships from centers",
            "when": {"channel": [MARKET]},
            "strategies": [{"name": "no store", "never": {"types": ["store"]}}],
            "then": {"add_tags": ["from-center"]},
        },
        {
            "name": "the west by the west",
            "when": {"region": _WEST},
            "strategies": [
                {"name": "from the west alone", "only": {"groups": ["west"]}, "max_shipments": 1},
                {"name": "from the east at a price", "handicaps": [{"groups": ["east"], "a_unit": 200}]},
            ],
        },
    ],
    "world": _WORLD,
    "tests": [
        {
            "name": "California is served from Reno",
            "order": {
                **_ORDER,
                "ship_to": {"city": "San Francisco", "region": "CA", "postcode": "94103"},
            },
            "expect": {"rule": "the west by the west", "nodes": ["RENO"], "late": False},
        },
        {
            "name": "Ohio goes by no rule",
            "order": _ORDER,
            "expect": {"rule": None, "nodes": ["NEWARK"]},
        },
    ],
}


async def lay_down(client: Client) -> None:
    """Put it there, unless there is one. Raises Unavailable and Refusal."""
    if (await client.get("/sourcing-profiles"))["data"]:
        return
    drafted = await client.post(
        "/sourcing-profiles", {"name": "us", "note": "keep the coasts apart", "profile": PROFILE}
    )
    await client.post(f"/sourcing-profiles/{drafted['id']}/test")
    await client.post(f"/sourcing-profiles/{drafted['id']}/shadow", {"permille": 250})
