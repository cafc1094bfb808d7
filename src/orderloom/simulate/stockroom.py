"""The demo's stockroom: goods on order and in transit, a lot, units set aside, safety stock, a count under way.

Done over the API once a database, so that each page of inventory has something to show. Whatever is there already, or
has changed since, is left as it is.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from orderloom.simulate.client import Client, Json, Refusal
from orderloom.simulate.demo_catalogue import BY_LOT
from orderloom.simulate.demo_data import MARKET, WEB

_ORDER = "PO-1001"
_SCARCE, _SHARED = "LAN11-CEDA", "BLA05-INDI"


async def furnish(client: Client, now: datetime) -> None:
    """Put it there, unless it was before. Raises Unavailable."""
    known = await client.get("/inventory/supplies", kind="purchase_order", reference=_ORDER)
    if known["data"]:
        return
    for part in (_limits(client), _supplies(client, now), _lot(client, now), _count(client)):
        # A demo of long standing may have sold what would be moved: then it shows less, and goes on.
        with suppress(Refusal):
            await part


async def _limits(client: Client) -> None:
    """What channels have for themselves, and what nobody is offered."""
    await client.put(f"/inventory/allotments/{_SCARCE}/{MARKET}", {"units": 40})
    await client.put(f"/inventory/allotments/{_SHARED}/{WEB}", {"permille": 300})
    await client.post(
        "/inventory/safety-rules",
        {
            "rules": [
                {"units": 1, "node": "NYC"},
                {"units": 3, "sku": _SCARCE},
                {"units": 5, "channel": MARKET, "sku": _SHARED},
            ]
        },
    )


async def _supplies(client: Client, now: datetime) -> None:
    """An order at a supplier, the part of it that is on a truck already, and units between two nodes."""
    lines = [{"sku": _SCARCE, "quantity": 120}, {"sku": _SHARED, "quantity": 60}]
    await _expect(client, "purchase_order", _ORDER, now + timedelta(days=9), lines)
    part = {"sku": _SCARCE, "quantity": 48, "of": {"purchase_order": _ORDER, "line": 1}}
    await _expect(client, "ship_notice", "ASN-1001-1", now + timedelta(days=2), [part])
    transfer = {
        "reference": "TR-1001",
        "from_node": "CMH",
        "to_node": "ATL",
        "due_at": (now + timedelta(days=3)).isoformat(),
        "lines": [{"sku": _SHARED, "quantity": 6}],
        "reason": "rebalance",
    }
    await client.post("/inventory/transfers", transfer)


async def _lot(client: Client, now: datetime) -> None:
    """Coffee of two lots comes in; the one that is good for less long goes out first."""
    supply = await _expect(client, "ship_notice", "ASN-1000", now, [{"sku": BY_LOT, "quantity": 36}])
    lots = [
        {"lot": f"L-{days}", "quantity": units, "expires_on": (now + timedelta(days=days)).date().isoformat()}
        for days, units in ((45, 12), (180, 24))
    ]
    arrived = {"lines": [{"line": 1, "received": 36, "lots": lots}]}
    await client.post(f"/inventory/supplies/{supply['id']}/receive", arrived)


async def _count(client: Client) -> None:
    """What has moved most is to be counted."""
    counted = {"node": "ATL", "rule": {"kind": "most_moved", "days": 30, "items": 10}, "tolerance": 1}
    await client.post("/inventory/counts", counted)


async def _expect(client: Client, kind: str, reference: str, due_at: datetime, lines: list[Json]) -> Json:
    body = {"kind": kind, "reference": reference, "node": "RNO", "due_at": due_at.isoformat(), "lines": lines}
    return await client.post("/inventory/supplies", body)
