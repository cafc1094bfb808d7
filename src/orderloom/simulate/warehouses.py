"""The simulated nodes: they accept work, pick, pack, fail to find things, reject, let go of what is cancelled.

They act from outside, through the API, in batches as real warehouse systems do.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orderloom.simulate.client import Client, Json, Refusal

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How nodes behave: chances from 0 to 1 a fulfillment order, and how long packing takes them."""

    rejects: float = 0.0
    shorts: float = 0.0
    keeps_cancelled: float = 0.0
    packing: timedelta = timedelta(0)


@dataclass(slots=True)
class Warehouses:
    """All nodes of the simulated world. A round does whatever there is to do; it returns how much that was."""

    client: Client
    dice: random.Random
    manners: Manners = field(default_factory=Manners)
    begun: dict[str, datetime] = field(default_factory=dict)

    async def round(self, now: datetime) -> int:
        """Answer cancellations first, then take on what is submitted, then pack what has lain long enough."""
        return await self._let_go() + await self._take_on(now) + await self._pack(now)

    async def close_days(self) -> int:
        """Close the day of every node where bought labels wait for a manifest; returns how many were closed."""
        waiting: set[str] = set()
        async for page in self.client.pages("/shipments", shipped=False):
            for shipment in page:
                if any(
                    p["label_status"] == "purchased" and not p["manifest_id"] for p in shipment["parcels"]
                ):
                    waiting.add(shipment["node"])
        for node in sorted(waiting):
            await self._unless_refused("/manifests", {"node": node})
        return len(waiting)

    async def _let_go(self) -> int:
        count = 0
        async for page in self.client.pages("/fulfillment-orders", request_status="cancellation_requested"):
            for work in page:
                accept = self.dice.random() >= self.manners.keeps_cancelled
                body = {"accept": accept, "reason": "not packed yet" if accept else "already on the van"}
                await self._unless_refused(f"/fulfillment-orders/{work['id']}/answer-cancellation", body)
                count += 1
        return count

    async def _take_on(self, now: datetime) -> int:
        taken: list[str] = []
        async for page in self.client.pages("/fulfillment-orders", request_status="submitted"):
            for work in page:
                if self.dice.random() < self.manners.rejects:
                    await self._unless_refused(
                        f"/fulfillment-orders/{work['id']}/reject", {"reason": "too busy today"}
                    )
                else:
                    taken.append(work["id"])
        for ids in _batches(taken):
            await self.client.post("/fulfillment-orders/batch", {"action": "accept", "fulfillment_ids": ids})
            self.begun |= dict.fromkeys(ids, now)
        return len(taken)

    async def recover(self, now: datetime) -> None:
        """Take up what was accepted and not packed before this world began."""
        async for page in self.client.pages(
            "/fulfillment-orders", request_status="accepted", units_status="acknowledged"
        ):
            for work in page:
                self.begun.setdefault(work["id"], now)

    async def _pack(self, now: datetime) -> int:
        ready = [work for work, begun in self.begun.items() if now - begun >= self.manners.packing]
        for work in ready:
            if self.dice.random() < self.manners.shorts:
                await self._report_short(work)
            del self.begun[work]
        packed = 0
        for ids in _batches(ready):
            answer = await self.client.post(
                "/fulfillment-orders/batch", {"action": "pack", "fulfillment_ids": ids}
            )
            packed += sum(result["status"] == 200 for result in answer["results"])
        return packed

    async def _report_short(self, work: str) -> None:
        units: dict[str, int] = defaultdict(int)
        for line in (await self.client.get(f"/fulfillment-orders/{work}"))["lines"]:
            units[line["sku"]] += line["quantity"]
        if units:
            body = {"sku": self.dice.choice(sorted(units)), "quantity": 1, "reason": "the bin is empty"}
            await self._unless_refused(f"/fulfillment-orders/{work}/report-short", body)

    async def _unless_refused(self, path: str, body: Json) -> None:
        """A refusal is an answer: meanwhile the order was cancelled, or somebody else was faster."""
        try:
            await self.client.post(path, body)
        except Refusal as refusal:
            if refusal.status not in {404, 409}:
                raise


def _batches(ids: Sequence[str]) -> list[list[str]]:
    return [list(ids[i : i + BATCH]) for i in range(0, len(ids), BATCH)]
