"""The simulated operators: they clear what was held for review, order stock in, and settle the cases that opened."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from orderloom.simulate.client import Client, Json, Refusal

DELIVERY_UNITS = 60
SHORT_OF_STOCK = frozenset({"created", "rejected", "short", "backordered"})
# How often a stopped step is tried again before the order is given up.
TRIES_MOST = 3
STEADY = frozenset({404, 409})


@dataclass(slots=True)
class Operators:
    """Whoever looks at the work queue. `depots` are the nodes that goods are delivered to."""

    client: Client
    dice: random.Random
    depots: tuple[str, ...]
    tried: Counter[str] = field(default_factory=Counter)
    settled: int = 0

    async def round(self) -> int:
        """Settle what is in the queue; returns how much that was."""
        before = self.settled
        async for page in self.client.pages("/orders", hold="value_review"):
            for order in page:
                await self._clear(order["id"])
        async for page in self.client.pages("/exceptions"):
            for case in page:
                await self._settle(case)
        return self.settled - before

    async def _clear(self, order: str) -> None:
        for hold in (await self.client.get(f"/orders/{order}"))["holds"]:
            if hold["cleared_at"] is None:
                await self._do(f"/holds/{hold['id']}/clear")

    async def _settle(self, case: Json) -> None:
        if case["order_id"] is None:
            await self._do(f"/exceptions/{case['id']}/resolve", {"resolution": "looked at"})
            return
        order = await self.client.get(f"/orders/{case['order_id']}")
        self.tried[case["id"]] += 1
        if case["kind"] == "out_of_stock":
            await self._order_in(order)
        elif self.tried[case["id"]] > TRIES_MOST:
            await self._give_up(order, case)
        elif case["kind"] == "payment_declined" or "_stopped_at_" in case["kind"]:
            await self._retry(order, case)
        else:
            await self._do(f"/exceptions/{case['id']}/resolve", {"resolution": "settled with the buyer"})

    async def _order_in(self, order: Json) -> None:
        """Goods for what the order is short of arrive, enough for the next buyers too."""
        short = {
            (line["sku"], line["node"])
            for line in order["lines"]
            for piece in line["slices"]
            if piece["status"] in SHORT_OF_STOCK
        }
        for sku, fixed in sorted(short, key=str):
            node = fixed or self.dice.choice(self.depots)
            body = {"node": node, "sku": sku, "on_hand": DELIVERY_UNITS, "reason": "goods received"}
            await self._do("/inventory/adjust", body)

    async def _retry(self, order: Json, case: Json) -> None:
        subjects = [
            order["id"],
            *(work["id"] for work in order["fulfillments"]),
            *(r["id"] for r in order["returns"]),
        ]
        journey = case["kind"].partition("_stopped_at_")[0]
        prefix = {"fulfillment": "ful_", "return": "ret_"}.get(journey, "ord_")
        for subject in subjects:
            if subject.startswith(prefix):
                await self._do(f"/journeys/{subject}/retry", {"reason": "tried again"})

    async def _give_up(self, order: Json, case: Json) -> None:
        await self._do(f"/orders/{order['id']}/cancel", {"reason": f"cannot be fulfilled: {case['kind']}"})
        await self._do(f"/exceptions/{case['id']}/resolve", {"resolution": "the order was given up"})

    async def _do(self, path: str, body: Json | None = None) -> None:
        try:
            await self.client.post(path, body)
        except Refusal as refusal:
            # Somebody or something else was faster, or it cannot be: the next look shows what is left.
            if refusal.status not in STEADY:
                raise
        else:
            self.settled += 1
