"""What people who keep the stock do: counts, snapshots, transfers, supply and allotments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.torture.history import Facts
from tests.torture.plans import LAST, LAST_UNITS, Acting, Json, Plan


def _count(path: str, body: Json, moves: dict[str, int], frees: dict[str, int]) -> Plan:
    """What is counted is recorded, as far as there are units, and the youngest claims go: the answer says how many."""
    facts = Facts(moves=moves, frees=frees, elastic=any(units < 0 for units in moves.values()))

    def learn(answer: Any) -> None:
        facts.frees = {body["sku"]: answer["taken_from_carts"] + answer["taken_from_orders"]}

    return Plan(path=path, body=body, facts=facts, learn=learn)


async def bring_the_last(me: Acting) -> Plan:
    """A few units of what nobody else deals in."""
    node = me.nodes[0]
    body = {"node": node, "sku": LAST, "on_hand": LAST_UNITS, "reason": me.reason}
    return _count("/v1/inventory/adjust", body, {f"{node} {LAST}": LAST_UNITS}, {})


async def adjust(me: Acting) -> Plan:
    """Some units found or lost."""
    node, sku = me.dice.choice(me.nodes), me.dice.choice(me.skus)
    units = me.dice.choice((-3, -2, -1, 1, 2, 3, 4))
    body = {"node": node, "sku": sku, "on_hand": units, "reason": me.reason}
    return _count("/v1/inventory/adjust", body, {f"{node} {sku}": units}, {sku: max(0, -units)})


async def put_aside(me: Acting) -> Plan:
    """Some units damaged, or judged well again: they are there, and not for sale."""
    node, sku = me.dice.choice(me.nodes), me.dice.choice(me.skus)
    bucket = me.dice.choice(("damaged", "quality_control"))
    body = {"node": node, "sku": sku, bucket: me.dice.choice((-1, 1, 1)), "reason": me.reason}
    return _count("/v1/inventory/adjust", body, {}, {sku: 1})


async def set_stock(me: Acting) -> Plan | None:
    """A count by somebody who says what they believed before: refused when that is no longer so."""
    node, sku = me.dice.choice(me.nodes), me.dice.choice(me.skus)
    believed = await _believed(me, node, sku)
    if believed is None:
        return None
    quantity = max(0, believed + me.dice.choice((-2, -1, 1, 3)))
    body = {
        "node": node,
        "sku": sku,
        "quantity": quantity,
        "expected_quantity": believed,
        "reason": me.reason,
    }
    more = quantity - believed
    return _count("/v1/inventory/set", body, {f"{node} {sku}": more}, {sku: max(0, -more)})


async def _believed(me: Acting, node: str, sku: str) -> int | None:
    found = await me.look(f"/v1/inventory/levels?sku={sku}&node={node}")
    return found["data"][0]["on_hand"] if found and found["data"] else None


async def take_snapshot(me: Acting) -> Plan | None:
    """A warehouse says what is there as of now: whatever has moved since it looked stays on top."""
    node, sku = me.dice.choice(me.nodes), me.dice.choice(me.skus)
    moment = datetime.now(UTC).isoformat()
    believed = await _believed(me, node, sku)
    if believed is None:
        return None
    told = max(0, believed + me.dice.choice((-2, -1, 0, 1)))
    body = _snapshot(me.reason, node, sku, moment, told)
    # Not knowing the answer, as much may have come as was said to be there, and all claims may have gone.
    facts = Facts(counted=True, moves={f"{node} {sku}": told}, frees={sku: believed})

    def learn(answer: Any) -> None:
        [line] = answer["lines"]
        facts.frees = {sku: line["taken_from_carts"] + line["taken_from_orders"]}
        me.counted.append((me.reason, node, sku, moment))

    return Plan(path="/v1/inventory/snapshots", body=body, facts=facts, learn=learn)


async def take_late_snapshot(me: Acting) -> Plan | None:
    """One from before, come late: it must change nothing."""
    if not me.counted:
        return None
    source, node, sku, moment = me.dice.choice(me.counted)
    before = (datetime.fromisoformat(moment) - timedelta(seconds=1)).isoformat()
    return Plan(path="/v1/inventory/snapshots", body=_snapshot(source, node, sku, before, 99))


def _snapshot(source: str, node: str, sku: str, moment: str, told: int) -> Json:
    return {"source": source, "node": node, "as_of": moment, "lines": [{"sku": sku, "on_hand": told}]}


async def transfer(me: Acting) -> Plan:
    """Some units from one node to another."""
    sender, receiver = me.dice.sample(me.nodes, 2)
    sku, units = me.dice.choice(me.skus), me.dice.randint(1, 3)
    body = {
        "from_node": sender,
        "to_node": receiver,
        "sku": sku,
        "quantity": units,
        "reason": me.reason,
    }
    moves = {f"{sender} {sku}": -units, f"{receiver} {sku}": units}
    return Plan(path="/v1/inventory/transfer", body=body, facts=Facts(moves=moves))


async def allot(me: Acting) -> Plan:
    """Some units are set aside for a channel, or fewer than before."""
    sku, channel = me.dice.choice(me.skus), me.dice.choice(("web", "market"))
    body = me.dice.choice(({"units": me.dice.randint(0, 8)}, {"permille": me.dice.choice((100, 400))}))
    return Plan(method="PUT", path=f"/v1/inventory/allotments/{sku}/{channel}", body=body)


async def send_transfer(me: Acting) -> Plan:
    """On a lorry: gone from one node, and not yet at the other."""
    sender, receiver = me.dice.sample(me.nodes, 2)
    sku, units = me.dice.choice(me.skus), me.dice.randint(1, 3)
    body = {
        "from_node": sender,
        "to_node": receiver,
        "due_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "lines": [{"sku": sku, "quantity": units}],
        "reason": me.reason,
    }
    return Plan(path="/v1/inventory/transfers", body=body, facts=Facts(moves={f"{sender} {sku}": -units}))


async def expect_supply(me: Acting) -> Plan:
    """A purchase order: nothing of it is there yet."""
    lines = [{"sku": me.dice.choice(me.skus), "quantity": me.dice.randint(1, 4)}]
    body = {
        "kind": "purchase_order",
        "reference": f"PO-{me.reason}",
        "node": me.dice.choice(me.nodes),
        "due_at": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "lines": lines,
    }
    return Plan(path="/v1/inventory/supplies", body=body)


async def receive(me: Acting) -> Plan | None:
    """A part of what was on its way, or all of it, has come."""
    found = await me.look("/v1/inventory/supplies?state=open&limit=50")
    coming = [s for s in (found or {"data": []})["data"] if s["lines"][0]["open"] > 0]
    if not coming:
        return None
    supply = me.dice.choice(coming)
    line = supply["lines"][0]
    units = me.dice.randint(1, line["open"])
    body = {"lines": [{"line": line["line"], "received": units}], "reason": me.reason}
    return Plan(
        path=f"/v1/inventory/supplies/{supply['id']}/receive",
        body=body,
        facts=Facts(moves={f"{supply['node']} {line['sku']}": units}),
        known=supply["id"],
    )
