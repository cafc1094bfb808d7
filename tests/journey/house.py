"""A small merchant for stories: what buyers, nodes and carriers do to it goes through the API."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from orderloom.insight import audit
from orderloom.journey import setup
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.orders.model import LineDraft, OrderDraft, Placed, TenderDraft
from orderloom.orders.reading import fulfillments_of, orders_of, slices_of
from orderloom.plumbing import http
from orderloom.plumbing.database import Database
from orderloom.simulate import demo_data
from orderloom.simulate.surroundings import Addresses
from orderloom.terms import Address, Rank
from orderloom.worker import Worker

HOME = Address(
    name="Ann Buyer", line1="500 W 2nd St", city="Austin", region="TX", postcode="78701", country="US"
)
_numbers = itertools.count(1)


class House:
    """The merchant under test."""

    def __init__(self, database: Database, outside: Addresses, world: Setup) -> None:
        self.database, self.outside, self.world = database, outside, world
        self.worker = Worker(database, lease_s=5)

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: Database, outside: Addresses) -> AsyncIterator[House]:
        """With the demo's network in place."""
        world = demo_data.setup()
        async with database.transaction() as db:
            await setup.put(db, wanted=world)
        yield cls(database, outside, world)

    def item(self, index: int = 0) -> str:
        """A SKU that every kind of node may ship and somebody has."""
        plain = [
            i.sku
            for i in self.world.items
            if not i.hazmat_class and not i.ships_alone and i.sku not in self.world.kits
        ]
        stocked = {sku for (_, sku), units in self.world.stock.items() if units >= 5}
        return [sku for sku in plain if sku in stocked][index]

    def draft(self, lines: dict[str, int] | None = None, **more: Any) -> OrderDraft:
        """An order at 10.00 a unit and 4.99 shipping, paid by card."""
        units = lines or {self.item(): 1}
        total = sum(units.values()) * 1000 + 499
        values: dict[str, Any] = {
            "channel": "web",
            "external_id": f"W-{next(_numbers)}-{uuid4().hex[:6]}",
            "placed_at": datetime.now(UTC),
            "currency": "USD",
            "buyer": {"name": "Ann Buyer", "email": "ann@example.com", "notify": ["email"]},
            "ship_to": HOME,
            "lines": tuple(LineDraft(sku=sku, quantity=n, unit_price=1000) for sku, n in units.items()),
            "tenders": (TenderDraft(method="card", token="tok_ok", amount=total),),
            "shipping": 499,
            "total": total,
        }
        return OrderDraft(**{**values, **more})

    async def place(self, *drafts: OrderDraft) -> list[UUID]:
        """Place orders that must be taken."""
        async with self.database.transaction() as db:
            outcomes = await place(db, drafts=drafts)
        taken = [outcome for outcome in outcomes if isinstance(outcome, Placed)]
        assert len(taken) == len(drafts), outcomes
        return [placed.order_id for placed in taken]

    async def settle(self) -> None:
        """Let the worker do all that is due."""
        await self.worker.run_until_idle()

    async def order(self, order_id: UUID) -> Any:
        """The order of record."""
        async with self.database.transaction() as db:
            return (await orders_of(db, [order_id]))[order_id]

    async def works(self, order_id: UUID) -> list[Any]:
        """Its fulfillment orders."""
        async with self.database.transaction() as db:
            return list((await fulfillments_of(db, orders=[order_id])).values())

    async def ranks(self, order_id: UUID) -> dict[Rank, int]:
        """Units by rank."""
        found: dict[Rank, int] = {}
        async with self.database.transaction() as db:
            for piece in await slices_of(db, orders=[order_id]):
                found[piece.rank] = found.get(piece.rank, 0) + piece.quantity
        return found

    async def ledger(self, whose: str) -> Any:
        """What the gateway or the carrier has on its own books."""
        url = {"gateway": self.outside.gateway, "carrier": self.outside.carrier}[whose]
        _, body = await http.call("GET", f"{url}/ledger")
        return body

    async def letters(self, number: str) -> list[str]:
        """The subjects of what the buyer of this order number was sent."""
        _, told = await http.call("GET", f"{self.outside.mailbox}/messages?limit=1000")
        return [m["subject"] for m in told["messages"] if number in m["subject"]]

    async def sound(self) -> None:
        """No invariant is violated."""
        async with self.database.transaction() as db:
            findings = await audit.run(db)
        assert not [f for f in findings if f.count], [f for f in findings if f.count]
