"""The demo's simulated world: buyers, warehouses, carriers, operators and docks around a running Orderloom.

All act from outside over the API, seeded; how badly they behave is given. `round` lets each do its part once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from orderloom.catalog.model import Item
from orderloom.simulate.buyers import Buyers, Whims
from orderloom.simulate.carriers_round import Scan, Scanners
from orderloom.simulate.client import Client, Json
from orderloom.simulate.demo_catalogue import items, kits
from orderloom.simulate.demo_data import NODES
from orderloom.simulate.operators import Operators
from orderloom.simulate.returners import Returners
from orderloom.simulate.warehouses import Manners, Warehouses

SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take in the demo, where an hour of life is about a second."""

    packing: timedelta = timedelta(seconds=4)
    leg: timedelta = timedelta(seconds=3)
    day: timedelta = timedelta(seconds=8)


UNATTENDED = Pace(packing=timedelta(0), leg=timedelta(milliseconds=50), day=timedelta(0))


class World:
    """Everybody outside. `placed` is how many orders there were before."""

    def __init__(
        self, client: Client, carrier_address: str, *, pace: Pace, placed: int = 0, seed: int = SEED
    ) -> None:
        dice = random.Random(f"{seed}-{placed}")
        self.pace = pace
        self.client = client
        self.buyers = Buyers(client, dice, _wanted(), Whims(), placed=placed)
        self.warehouses = Warehouses(client, dice, Manners(rejects=0.01, shorts=0.015, packing=pace.packing))
        self.returners = Returners(client, dice)
        self.scanners = Scanners(client, carrier_address, self._timeline)
        depots = tuple(code for code, _, kind, *_ in NODES if kind == "fulfillment_center")
        self.operators = Operators(client, dice, depots)
        self._dice = dice
        self._day_closed: datetime | None = None

    async def round(self, now: datetime) -> int:
        """Everybody but the buyers does what there is to do; returns how much that was."""
        done = await self.warehouses.round(now)
        if self._day_closed is None or now - self._day_closed >= self.pace.day:
            self._day_closed = now
            done += await self.warehouses.close_days()
            done += await self.operators.round()
        return done + await self.scanners.round(now) + await self.returners.round()

    @property
    def busy(self) -> bool:
        """Whether something is still to come that Orderloom does not know of yet."""
        return bool(self.scanners.pending or self.returners.undecided or self.warehouses.begun)

    def _timeline(self, label: Json) -> list[Scan]:
        """Picked up, on its way, out for delivery, handed over; now and then nobody is at home at first."""
        dice = random.Random(label["tracking_number"])
        codes = ["picked_up", "departed", "out_for_delivery", "delivered"]
        if dice.random() < 0.03:
            codes[3:3] = ["attempt_failed", "out_for_delivery"]
        at = datetime.fromisoformat(label["created_at"]) + self.pace.leg
        scans = []
        for code in codes:
            at += self.pace.leg * dice.uniform(0.5, 1.5)
            name = label["recipient"].get("name") or "the neighbour"
            scans.append(Scan(at, code, at, name if code == "delivered" else None))
        if label["purpose"] == "outbound":
            self.returners.delivered(label["order_number"])
        return scans


def _wanted() -> list[Item]:
    """Things in the order in which they sell: kits among the first."""
    dice = random.Random(SEED)
    made_up = set(kits())
    singles = [item for item in items() if item.sku not in made_up]
    dice.shuffle(singles)
    sets = [item for item in items() if item.sku in made_up]
    for place, kit in enumerate(sets):
        singles.insert(5 + place * 9, kit)
    return singles
