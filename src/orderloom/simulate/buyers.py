"""The simulated buyers: they fill carts on three channels, sometimes think better of it, sometimes send things back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orderloom.catalog.model import Item
from orderloom.simulate.client import Client, Json, Refusal
from orderloom.simulate.demo_data import COUNTER, MARKET, WEB
from orderloom.simulate.people import somebody

BATCH = 100
CHANNELS = {WEB: 6, MARKET: 3, COUNTER: 1}
SERVICE_LEVELS = {
    WEB: ("standard", "expedited", "overnight"),
    MARKET: ("standard", "expedited"),
    COUNTER: ("standard",),
}
FREE_SHIPPING_FROM, SHIPPING_CENTS = 7_500, 695
SPEED_CENTS = {"standard": 0, "expedited": 900, "overnight": 2_400}
TAX_PERMILLE = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Whims:
    """How buyers behave: chances from 0 to 1 an order. `tardy`: it reaches us days after it was placed."""

    changes_mind: float = 0.02
    declined_card: float = 0.01
    tardy: float = 0.02


@dataclass(slots=True)
class Buyers:
    """Everybody who buys. Orders are numbered on from `placed`, so that a new start repeats none."""

    client: Client
    dice: random.Random
    items: Sequence[Item]
    whims: Whims = field(default_factory=Whims)
    placed: int = 0
    refused: int = 0
    cancelled: int = 0

    async def buy(self, count: int, now: datetime) -> int:
        """Place so many orders; returns how many were taken."""
        taken = 0
        while count > 0:
            carts = [self._cart(now) for _ in range(min(BATCH, count))]
            count -= len(carts)
            answer = await self.client.post(
                "/orders/batch", {"orders": carts}, key=f"buy-{carts[0]['external_id']}"
            )
            orders = [result["id"] for result in answer["results"] if result["id"]]
            self.refused += len(carts) - len(orders)
            taken += len(orders)
            for order in orders:
                if self.dice.random() < self.whims.changes_mind:
                    await self._change_mind(order)
        return taken

    async def _change_mind(self, order: str) -> None:
        try:
            await self.client.post(
                f"/orders/{order}/cancel", {"reason": "changed my mind"}, key=f"mind-{order}"
            )
        except Refusal as refusal:
            if refusal.status != 409:
                raise
        else:
            self.cancelled += 1

    def _cart(self, now: datetime) -> Json:
        self.placed += 1
        channel = self.dice.choices(list(CHANNELS), weights=list(CHANNELS.values()))[0]
        level = self.dice.choices(SERVICE_LEVELS[channel], weights=(8, 2, 1)[: len(SERVICE_LEVELS[channel])])[
            0
        ]
        lines = [
            self._line() for _ in range(self.dice.choices((1, 2, 3, 5, 8), weights=(50, 25, 13, 9, 3))[0])
        ]
        merged = list({line["sku"]: line for line in lines}.values())
        goods = sum(line["unit_price"]["amount"] * line["quantity"] for line in merged)
        shipping = (0 if goods >= FREE_SHIPPING_FROM else SHIPPING_CENTS) + SPEED_CENTS[level]
        total = goods + sum(line["tax"]["amount"] for line in merged) + shipping
        buyer, ship_to = somebody(self.dice)
        declined = self.dice.random() < self.whims.declined_card
        late = (
            timedelta(days=self.dice.randint(8, 12))
            if self.dice.random() < self.whims.tardy
            else timedelta(0)
        )
        return {
            "channel": channel,
            "external_id": f"{channel.upper()}-{self.placed:07d}",
            "placed_at": (now - late).isoformat(),
            "currency": "USD",
            "buyer": buyer,
            "ship_to": ship_to,
            "lines": merged,
            "shipping": _money(shipping),
            "tenders": [
                {
                    "method": "card",
                    "token": "tok_decline_once" if declined else "tok_ok",
                    "amount": _money(total),
                }
            ],
            "total": _money(total),
            "service_level": level,
            "tags": ["demo"],
        }

    def _line(self) -> Json:
        # A few things sell far better than the rest.
        item = self.items[min(int(self.dice.paretovariate(1.1) * 6) - 6, len(self.items) - 1)]
        quantity = self.dice.choices((1, 2, 3, 6), weights=(70, 20, 7, 3))[0]
        price = item.list_price or 1_000
        return {
            "sku": item.sku,
            "quantity": quantity,
            "unit_price": _money(price),
            "tax": _money(price * quantity * TAX_PERMILLE // 1000),
        }


def _money(cents: int) -> Json:
    return {"amount": cents, "currency": "USD"}
