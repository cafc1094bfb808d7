"""The world as it was: orders of an imported history are cancelled, packed, carried and delivered as their source says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from orderloom.orders.channels.channel import Credit, Fate
from orderloom.simulate.carriers_round import Scan, Scanners
from orderloom.simulate.client import Client, Json, Refusal
from orderloom.simulate.warehouses import Warehouses
from orderloom.terms import wire

AT_ONCE = 16


@dataclass(slots=True)
class History:
    """What became of each order. `numbers` are external ids by order number, `orders` our ids by external id."""

    client: Client
    fates: Mapping[str, Fate]
    orders: Mapping[str, UUID]
    numbers: Mapping[str, str]
    refused_credits: int = 0

    async def cancel_given_up(self, done: Callable[[int], None] = lambda _: None) -> int:
        """Cancel, through the API, what the source gave up, with the source's word for it; returns how many."""
        given_up = [
            (key, fate.cancelled) for key, fate in self.fates.items() if fate.cancelled and key in self.orders
        ]
        gate = asyncio.Semaphore(AT_ONCE)

        async def cancel(external_id: str, reason: str) -> None:
            async with gate:
                order = wire("order", self.orders[external_id])
                try:
                    await self.client.post(
                        f"/orders/{order}/cancel", {"reason": reason}, key=f"history-{external_id}"
                    )
                except Refusal as refusal:
                    # An earlier run may have come further than this one's source knows.
                    if refusal.status != 409:
                        raise
                done(1)

        async with asyncio.TaskGroup() as group:
            for external_id, reason in given_up:
                group.create_task(cancel(external_id, reason))
        return len(given_up)

    async def take_back(self, credits_: Sequence[Credit], done: Callable[[int], None]) -> None:
        """Receive what the source credits, with its order where that is known, and judge it fit to be sold again."""
        for count, credit in enumerate(credits_, 1):
            order = self.orders.get(credit.order or "")
            line: Json = {"sku": credit.sku, "quantity": credit.quantity}
            if order is not None:
                lines = (await self.client.get(f"/orders/{wire('order', order)}"))["lines"]
                fitting = [x for x in lines if x["sku"] == credit.sku and x["quantity"] >= credit.quantity]
                if fitting:
                    line = {"line_id": fitting[0]["id"], "quantity": credit.quantity}
            body = {"node": credit.node, "currency": credit.currency, "lines": [line]}
            if "line_id" in line and order is not None:
                body["order_id"] = wire("order", order)
            await self._receive(credit, body)
            done(count)

    async def _receive(self, credit: Credit, body: Json) -> None:
        key = f"credit-{credit.external_id}-{credit.order or 'blind'}"
        try:
            back = await self.client.post("/returns/blind", body, key=key)
            lines = [{"return_line_id": line["id"], "disposition": "restock"} for line in back["lines"]]
            await self.client.post(f"/returns/{back['id']}/inspect", {"lines": lines}, key=f"{key}-inspected")
        except Refusal as refusal:
            # More credited than was sold under that code: it stays with the source.
            if refusal.status not in {409, 422}:
                raise
            self.refused_credits += 1

    def timeline(self, label: Json) -> list[Scan] | None:
        """The two scans that the source tells of: handed over, delivered. Both are long past, so both are due."""
        fate = self.fates.get(self.numbers.get(label["order_number"], ""))
        if fate is None or fate.cancelled is not None:
            return None
        bought = datetime.fromisoformat(label["created_at"])
        shipped = fate.shipped_at or bought
        delivered = fate.delivered_at or shipped + timedelta(days=3)
        return [Scan(bought, "picked_up", shipped), Scan(bought, "delivered", delivered)]


@dataclass(slots=True)
class HistoricalWorld:
    """Nodes and carriers over an imported history. Each does its part once the one before has nothing left to do."""

    warehouses: Warehouses
    scanners: Scanners

    async def round(self, now: datetime, *, quiet: bool) -> int:
        """Do what there is to do. Manifests and scans wait for a `quiet` house, in which no journey is due."""
        done = await self.warehouses.round(now)
        if done or not quiet:
            return done
        return await self.warehouses.close_days() or await self.scanners.round(now)
