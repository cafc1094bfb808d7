"""The world as it was: orders of an imported history are cancelled, packed, carried and delivered as their source says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from orderloom.orders.channels.channel import Fate
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
