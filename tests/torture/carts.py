"""What buyers do with carts: stock kept, changed, extended, moved, given up, and bought."""

from __future__ import annotations

from typing import Any

from tests.torture.buyers import order_body
from tests.torture.history import Facts
from tests.torture.plans import Acting, Plan, one_of


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
    cart = one_of(me, me.carts)
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
    cart = one_of(me, me.carts)
    return cart and Plan(
        path=f"/v1/reservations/{cart}/extend",
        body={"ttl_seconds": 5},
        facts=Facts(cart=cart, keeps=me.carts[cart], ttl_s=5),
        known=cart,
    )


async def move_cart(me: Acting) -> Plan | None:
    """A line elsewhere."""
    cart = one_of(me, me.carts)
    lines = [{"position": 1, "node": me.dice.choice(me.nodes)}]
    # It lives no longer for being moved, so nothing is certain of it from here on.
    return cart and Plan(
        path=f"/v1/reservations/{cart}/move", body={"lines": lines}, facts=Facts(cart=cart), known=cart
    )


async def cancel_cart(me: Acting) -> Plan | None:
    """Given up."""
    cart = one_of(me, me.carts)
    if cart is None:
        return None
    del me.carts[cart]
    facts = Facts(cart=cart, ends="cancelled")
    return Plan(path=f"/v1/reservations/{cart}/cancel", body={"reason": me.reason}, facts=facts, known=cart)


async def convert_cart(me: Acting) -> Plan | None:
    """Bought."""
    cart = one_of(me, me.carts)
    if cart is None:
        return None
    units = me.carts.pop(cart)
    body = order_body(me.reason, list(units.items())) | {"reservation_id": cart}

    def learn(answer: Any) -> None:
        me.orders[answer["id"]] = dict(units)

    facts = Facts(claims=dict(units), order=body["external_id"], cart=cart, ends="consumed")
    return Plan(path="/v1/orders", body=body, facts=facts, learn=learn)
