"""What clients do, as a table. Each operation makes one request from what its client knows, and says what it means.

To add one: write a function of the client that returns a `Plan` (or None when there is nothing to do it to), and give
it a weight in `OPERATIONS`. `facts` are what the checker holds against the end; `learn` is told what was answered.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tests.torture.history import Facts

Json = dict[str, Any]
KIT, PARTS = "HOT-KIT", {"HOT-A": 1, "HOT-B": 2}
LAST, LAST_UNITS = "LAST", 2


@dataclass(slots=True, kw_only=True)
class Plan:
    """One request to be made."""

    path: str
    body: Json | None = None
    method: str = "POST"
    facts: Facts = field(default_factory=Facts)
    known: str | None = None
    learn: Callable[[Any], None] = lambda _answer: None


class Acting(Protocol):
    """What an operation sees of its client."""

    name: str
    dice: random.Random
    skus: tuple[str, ...]
    nodes: tuple[str, ...]
    reason: str
    orders: dict[str, dict[str, int]]
    """Own orders by id, with their units; an order leaves once it is cancelled."""
    carts: dict[str, dict[str, int]]
    """Own open carts by id, with their units."""
    counted: list[tuple[str, str, str, str]]
    """Snapshots taken: source, node, SKU, moment."""

    async def look(self, path: str) -> Any: ...


Operation = Callable[[Acting], Awaitable[Plan | None]]


# --- buyers ---------------------------------------------------------------------------------------------------


async def place_order(me: Acting) -> Plan:
    """One to three lines; the same SKU may stand in two of them, and once more in a kit."""
    chosen = [me.dice.choice((*me.skus, *me.skus, KIT)) for _ in range(me.dice.randint(1, 3))]
    lines = [(sku, me.dice.choice((1, 1, 2, 3))) for sku in chosen]
    # The market's orders are taken without stock too, and wait for it.
    channel = me.dice.choice(("web", "web", "web", "market"))
    body = order_body(me.reason, lines, channel)
    units = _taken_apart(lines)

    def learn(answer: Any) -> None:
        me.orders[answer["id"]] = units

    facts = Facts(claims=units, order=body["external_id"], unsure=channel == "market")
    return Plan(path="/v1/orders", body=body, facts=facts, learn=learn)


def _taken_apart(lines: list[tuple[str, int]]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for sku, n in lines:
        for part, each in (PARTS if sku == KIT else {sku: 1}).items():
            units[part] += each * n
    return dict(units)


def order_body(name: str, lines: list[tuple[str, int]], channel: str = "web") -> Json:
    """A cart as a channel sends it."""
    total = {"amount": sum(n for _, n in lines) * 1000, "currency": "USD"}
    return {
        "channel": channel,
        "external_id": f"T-{name}",
        "placed_at": datetime.now(UTC).isoformat(),
        "currency": "USD",
        "buyer": {"name": "Ada Buyer", "email": f"{name}@example.com"},
        "ship_to": {"line1": "500 W 2nd St", "city": "Austin", "region": "TX", "postcode": "78701"},
        "lines": [
            {"sku": sku, "quantity": n, "unit_price": {"amount": 1000, "currency": "USD"}} for sku, n in lines
        ],
        "tenders": [{"method": "card", "token": "tok_ok", "amount": total}],
        "total": total,
    }


async def bring_the_last(me: Acting) -> Plan:
    """A few units of what nobody else deals in."""
    node = me.nodes[0]
    body = {"node": node, "sku": LAST, "on_hand": LAST_UNITS, "reason": me.reason}
    return _count("/v1/inventory/adjust", body, {f"{node} {LAST}": LAST_UNITS}, {})


async def buy_the_last(me: Acting) -> Plan:
    """All of them."""
    body = order_body(me.reason, [(LAST, LAST_UNITS)])
    return Plan(
        path="/v1/orders", body=body, facts=Facts(claims={LAST: LAST_UNITS}, order=body["external_id"])
    )


def _some(me: Acting, of: dict[str, Any]) -> str | None:
    return me.dice.choice(sorted(of)) if of else None


async def read_order(me: Acting) -> Plan | None:
    """An order of one's own is always there."""
    order = _some(me, me.orders)
    return order and Plan(path=f"/v1/orders/{order}", method="GET", known=order)


async def cancel_order(me: Acting) -> Plan | None:
    """Whole; once asked for, it is not asked for again."""
    order = _some(me, me.orders)
    if order is None:
        return None
    units = me.orders.pop(order)
    return Plan(
        path=f"/v1/orders/{order}/cancel", body={"reason": me.reason}, facts=Facts(frees=units), known=order
    )


async def cancel_order_partly(me: Acting) -> Plan | None:
    """One unit of one line."""
    order = _some(me, me.orders)
    found = await me.look(f"/v1/orders/{order}") if order else None
    if not found:
        return None
    line = me.dice.choice(found["lines"])
    return Plan(
        path=f"/v1/orders/{order}/cancel",
        body={"reason": me.reason, "lines": [{"line_id": line["id"], "quantity": 1}]},
        facts=Facts(frees={line["sku"]: 1}),
        known=order,
    )


async def edit_order(me: Acting) -> Plan | None:
    """Another place in line: where it waits for units it may come before others from here on."""
    order = _some(me, me.orders)
    body = {"priority": me.dice.choice((0, 1, 5)), "reason": me.reason}
    return order and Plan(path=f"/v1/orders/{order}", method="PATCH", body=body, known=order)


# --- carts ----------------------------------------------------------------------------------------------------


async def keep_cart(me: Acting) -> Plan:
    """Stock kept for a while; some come back for it, some never do."""
    units = {
        sku: me.dice.choice((1, 1, 2, 3)) for sku in me.dice.sample(me.skus, me.dice.randint(1, len(me.skus)))
    }
    ttl = me.dice.choice((2, 5, 60))
    facts = Facts(keeps=dict(units), ttl_s=ttl)
    lines = [{"sku": sku, "quantity": n} for sku, n in units.items()]
    body = {"channel": "web", "owner": f"T-{me.reason}", "lines": lines, "ttl_seconds": ttl}

    def learn(answer: Any) -> None:
        facts.cart = answer["id"]
        me.carts[answer["id"]] = units

    return Plan(path="/v1/reservations", body=body, facts=facts, learn=learn)


async def change_cart(me: Acting) -> Plan | None:
    """Grow or shrink."""
    cart = _some(me, me.carts)
    if cart is None:
        return None
    units = {sku: max(1, n + me.dice.choice((-1, 1, 1))) for sku, n in me.carts[cart].items()}
    lines = [{"sku": sku, "quantity": n} for sku, n in units.items()]

    def learn(_answer: Any) -> None:
        me.carts[cart] = units

    return Plan(
        path=f"/v1/reservations/{cart}/change",
        body={"lines": lines, "ttl_seconds": 5},
        facts=Facts(cart=cart, keeps=units, ttl_s=5),
        known=cart,
        learn=learn,
    )


async def extend_cart(me: Acting) -> Plan | None:
    """A little longer."""
    cart = _some(me, me.carts)
    return cart and Plan(
        path=f"/v1/reservations/{cart}/extend",
        body={"ttl_seconds": 5},
        facts=Facts(cart=cart, keeps=me.carts[cart], ttl_s=5),
        known=cart,
    )


async def move_cart(me: Acting) -> Plan | None:
    """A line elsewhere."""
    cart = _some(me, me.carts)
    lines = [{"position": 1, "node": me.dice.choice(me.nodes)}]
    # It lives no longer for being moved, so nothing is certain of it from here on.
    return cart and Plan(
        path=f"/v1/reservations/{cart}/move", body={"lines": lines}, facts=Facts(cart=cart), known=cart
    )


async def cancel_cart(me: Acting) -> Plan | None:
    """Given up."""
    cart = _some(me, me.carts)
    if cart is None:
        return None
    del me.carts[cart]
    facts = Facts(cart=cart, ends="cancelled")
    return Plan(path=f"/v1/reservations/{cart}/cancel", body={"reason": me.reason}, facts=facts, known=cart)


async def convert_cart(me: Acting) -> Plan | None:
    """Bought."""
    cart = _some(me, me.carts)
    if cart is None:
        return None
    units = me.carts.pop(cart)
    body = order_body(me.reason, list(units.items())) | {"reservation_id": cart}

    def learn(answer: Any) -> None:
        me.orders[answer["id"]] = dict(units)

    facts = Facts(claims=dict(units), order=body["external_id"], cart=cart, ends="consumed")
    return Plan(path="/v1/orders", body=body, facts=facts, learn=learn)


# --- people who keep the stock --------------------------------------------------------------------------------


def _count(path: str, body: Json, moves: dict[str, int], frees: dict[str, int]) -> Plan:
    """What is counted is recorded, as far as there are units, and the youngest claims go: the answer says how many."""
    facts = Facts(moves=moves, frees=frees, elastic=any(units < 0 for units in moves.values()))

    def learn(answer: Any) -> None:
        facts.frees = {body["sku"]: answer["taken_from_carts"] + answer["taken_from_orders"]}

    return Plan(path=path, body=body, facts=facts, learn=learn)


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


# --- people at the nodes --------------------------------------------------------------------------------------


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


OPERATIONS: dict[Operation, int] = {
    place_order: 30,
    keep_cart: 12,
    change_cart: 5,
    extend_cart: 3,
    move_cart: 3,
    cancel_cart: 3,
    convert_cart: 8,
    read_order: 6,
    cancel_order: 6,
    cancel_order_partly: 6,
    edit_order: 3,
    adjust: 6,
    put_aside: 3,
    set_stock: 5,
    take_snapshot: 5,
    take_late_snapshot: 2,
    allot: 1,
    transfer: 4,
    send_transfer: 3,
    expect_supply: 3,
    receive: 5,
    accept: 8,
    reject: 2,
    report_short: 4,
    answer_cancellation: 3,
    pack: 8,
    close_day: 4,
}
