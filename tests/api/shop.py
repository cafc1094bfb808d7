"""A small shop set up through the API: two nodes, a channel, three items and a kit, stock."""

from __future__ import annotations

from uuid import uuid4

from tests.api.client import Client

ADDRESS = {
    "name": "Ada Buyer",
    "line1": "500 Main St",
    "city": "Columbus",
    "region": "OH",
    "postcode": "43215",
}
INCH = {"unit": "in"}


def usd(amount: int) -> dict:
    return {"amount": amount, "currency": "USD"}


def item(name: str, **more) -> dict:
    size = {edge: {"value": 4, **INCH} for edge in ("length", "width", "height")}
    return {
        "name": name,
        "weight": {"value": 12.5, "unit": "oz"},
        "size": size,
        "list_price": usd(1000),
        **more,
    }


def node(name: str, **more) -> dict:
    return {
        "name": name,
        "type": "fulfillment_center",
        "address": {**ADDRESS, "name": name},
        "latitude": 39.96,
        "longitude": -83.0,
        "time_zone": "America/New_York",
        "pick_cost": 100,
        "unit_cost": 10,
        **more,
    }


def order(lines: dict[str, int] | None = None, **more) -> dict:
    """An order of units by SKU at 10 dollars each, paid by card."""
    lines = lines or {"MUG": 1}
    total = sum(lines.values()) * 1000
    return {
        "channel": "web",
        "external_id": f"W-{uuid4().hex[:10]}",
        "placed_at": "2026-03-02T15:04:05Z",
        "currency": "USD",
        "buyer": {"name": "Ada Buyer", "email": "ada@example.com"},
        "ship_to": ADDRESS,
        "lines": [{"sku": sku, "quantity": n, "unit_price": usd(1000)} for sku, n in lines.items()],
        "tenders": [{"method": "card", "token": "tok_approve", "amount": usd(total)}],
        "total": usd(total),
        **more,
    }


async def open_shop(api: Client, stock: int = 10) -> None:
    for code in ("EAST", "WEST"):
        await api.ok("PUT", f"/v1/nodes/{code}", node(code.title()))
    await api.ok("PUT", "/v1/channels/web", {"name": "Web shop", "type": "site", "currency": "USD"})
    for sku in ("MUG", "LAMP", "RUG"):
        await api.ok("PUT", f"/v1/items/{sku}", item(sku.title()))
    parts = [{"sku": "MUG", "quantity": 2}, {"sku": "LAMP", "quantity": 1}]
    await api.ok("PUT", "/v1/items/SET", item("Set", components=parts))
    for code in ("EAST", "WEST"):
        for sku in ("MUG", "LAMP"):
            await set_stock(api, code, sku, stock)


async def set_stock(api: Client, node: str, sku: str, quantity: int) -> None:
    body = {"node": node, "sku": sku, "quantity": quantity, "reason": "first count"}
    await api.ok("POST", "/v1/inventory/set", body)
