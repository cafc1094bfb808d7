"""What buyers do: orders placed, read, cancelled whole and in part, and moved in line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.torture.history import Facts
from tests.torture.plans import KIT, LAST, LAST_UNITS, PRICE, Acting, Json, Plan, one_of, taken_apart


async def place_order(me: Acting) -> Plan:
    """One to three lines; the same SKU may stand in two of them, and once more in a kit."""
    chosen = [me.dice.choice((*me.skus, *me.skus, KIT)) for _ in range(me.dice.randint(1, 3))]
    lines = [(sku, me.dice.choice((1, 1, 2, 3))) for sku in chosen]
    # The market's orders are taken without stock too, and wait for it.
    channel = me.dice.choice(("web", "web", "web", "market"))
    body = order_body(me.reason, lines, channel)
    units = taken_apart(lines)

    def learn(answer: Any) -> None:
        me.orders[answer["id"]] = units

    facts = Facts(claims=units, order=body["external_id"], unsure=channel == "market")
    return Plan(path="/v1/orders", body=body, facts=facts, learn=learn)


def order_body(name: str, lines: list[tuple[str, int]], channel: str = "web") -> Json:
    """A cart as a channel sends it."""
    total = {"amount": sum(n for _, n in lines) * PRICE, "currency": "USD"}
    return {
        "channel": channel,
        "external_id": f"T-{name}",
        "placed_at": datetime.now(UTC).isoformat(),
        "currency": "USD",
        "buyer": {"name": "Ada Buyer", "email": f"{name}@example.com"},
        "ship_to": {"line1": "500 W 2nd St", "city": "Austin", "region": "TX", "postcode": "78701"},
        "lines": [
            {"sku": sku, "quantity": n, "unit_price": {"amount": PRICE, "currency": "USD"}}
            for sku, n in lines
        ],
        "tenders": [{"method": "card", "token": "tok_ok", "amount": total}],
        "total": total,
    }


async def buy_the_last(me: Acting) -> Plan:
    """All of them."""
    body = order_body(me.reason, [(LAST, LAST_UNITS)])
    return Plan(
        path="/v1/orders", body=body, facts=Facts(claims={LAST: LAST_UNITS}, order=body["external_id"])
    )


async def read_order(me: Acting) -> Plan | None:
    """An order of one's own is always there."""
    order = one_of(me, me.orders)
    return order and Plan(path=f"/v1/orders/{order}", method="GET", known=order)


async def cancel_order(me: Acting) -> Plan | None:
    """Whole; once asked for, it is not asked for again."""
    order = one_of(me, me.orders)
    if order is None:
        return None
    units = me.orders.pop(order)
    return Plan(
        path=f"/v1/orders/{order}/cancel", body={"reason": me.reason}, facts=Facts(frees=units), known=order
    )


async def cancel_order_partly(me: Acting) -> Plan | None:
    """One unit of one line."""
    order = one_of(me, me.orders)
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


async def change_priority(me: Acting) -> Plan | None:
    """Another place in line: where it waits for units it may come before others from here on."""
    order = one_of(me, me.orders)
    body = {"priority": me.dice.choice((0, 1, 5)), "reason": me.reason}
    return order and Plan(path=f"/v1/orders/{order}", method="PATCH", body=body, known=order)
