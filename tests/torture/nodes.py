"""What people at the nodes do: work taken on, refused, not found, let go, packed, and given to carriers."""

from __future__ import annotations

from collections import Counter

from tests.torture.history import Facts
from tests.torture.plans import Acting, Json, Plan


async def _work(me: Acting, **asked: str) -> Json | None:
    query = "&".join(f"{name}={value}" for name, value in {"limit": "20", **asked}.items())
    found = await me.look(f"/v1/fulfillment-orders?{query}")
    return me.dice.choice(found["data"]) if found and found["data"] else None


async def accept(me: Acting) -> Plan | None:
    """A node takes work on."""
    work = await _work(me, request_status="submitted")
    return work and Plan(path=f"/v1/fulfillment-orders/{work['id']}/accept", known=work["id"])


async def reject(me: Acting) -> Plan | None:
    """A node refuses: the units are free until they are kept elsewhere."""
    work = await _work(me, status="open")
    if work is None:
        return None
    units: Counter[str] = Counter()
    for line in work["lines"]:
        units[line["sku"]] += line["quantity"]
    return Plan(
        path=f"/v1/fulfillment-orders/{work['id']}/reject",
        body={"reason": me.reason},
        facts=Facts(frees=dict(units)),
        known=work["id"],
    )


async def report_short(me: Acting) -> Plan | None:
    """A node does not find a unit: it is gone from the shelf and from the order, which is served from elsewhere."""
    work = await _work(me, request_status="accepted", units_status="acknowledged")
    if work is None or not work["lines"]:
        return None
    sku = me.dice.choice(work["lines"])["sku"]
    return Plan(
        path=f"/v1/fulfillment-orders/{work['id']}/report-short",
        body={"sku": sku, "quantity": 1, "reason": me.reason},
        facts=Facts(frees={sku: 1}, moves={f"{work['node']} {sku}": -1}),
        known=work["id"],
    )


async def answer_cancellation(me: Acting) -> Plan | None:
    """A node lets go of what it had taken on, or does not."""
    work = await _work(me, request_status="cancellation_requested")
    body = {"accept": me.dice.random() < 0.7, "reason": me.reason}
    return work and Plan(path=f"/v1/fulfillment-orders/{work['id']}/answer-cancellation", body=body)


async def pack(me: Acting) -> Plan | None:
    """A node packs a few fulfillment orders as planned."""
    found = await me.look("/v1/fulfillment-orders?request_status=accepted&units_status=acknowledged&limit=20")
    works = [work["id"] for work in (found or {"data": []})["data"]]
    if not works:
        return None
    chosen = me.dice.sample(works, min(5, len(works)))
    return Plan(
        path="/v1/fulfillment-orders/batch", body={"action": "pack", "fulfillment_ids": sorted(chosen)}
    )


async def close_day(me: Acting) -> Plan:
    """The carriers take what is labelled at a node."""
    return Plan(path="/v1/manifests", body={"node": me.dice.choice(me.nodes)})
