"""A small merchant for stories: what buyers, nodes, carriers and operators do to it goes through the journeys' doors."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from orderloom import network
from orderloom.delivery.model import TrackingEvent
from orderloom.insight import audit
from orderloom.inventory import reading
from orderloom.journey import asking_back, cancelling, recounting, working
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.orders import exceptions, holds
from orderloom.orders.model import LineDraft, OrderDraft, Placed, TenderDraft
from orderloom.orders.reading import fulfillments_of, lines_of, orders_of, slices_of
from orderloom.payments import store as payment_rows
from orderloom.plumbing import events, http, journeys
from orderloom.plumbing.database import Database
from orderloom.returns.model import Asked, Disposition, Finding
from orderloom.returns.reading import returns_of
from orderloom.shipping import labels_of
from orderloom.simulate.surroundings import Addresses
from orderloom.terms import Address, Rank
from orderloom.worker import Worker

HOME = Address(
    name="Ann Buyer", line1="500 W 2nd St", city="Austin", region="TX", postcode="78701", country="US"
)
SETTLES_WITHIN_S = 300
_numbers = itertools.count(1)


class House:
    """The merchant under test."""

    def __init__(self, database: Database, outside: Addresses, world: Setup) -> None:
        self.database, self.outside, self.world = database, outside, world
        self.worker = Worker(database, lease_s=5)
        # The mailbox is everybody's: each house has a buyer of its own.
        self.email = f"ann-{uuid4().hex[:8]}@example.com"

    def item(self, index: int = 0) -> str:
        """A SKU that every kind of node may ship and somebody has."""
        plain = [
            i.sku
            for i in self.world.items
            if not i.hazmat_class and not i.ships_alone and i.sku not in self.world.kits
        ]
        stocked = {sku for (_, sku), units in self.world.stock.items() if units >= 5}
        return [sku for sku in plain if sku in stocked][index]

    def draft(
        self, units: dict[str, int] | None = None, *, lines_: tuple[LineDraft, ...] = (), **more: Any
    ) -> OrderDraft:
        """An order at 10.00 a unit, or of these very lines, and 4.99 shipping, paid by card."""
        units = units or {self.item(): 1}
        lines = lines_ or tuple(LineDraft(sku=sku, quantity=n, unit_price=1000) for sku, n in units.items())
        total = sum(line.total for line in lines) + 499
        values: dict[str, Any] = {
            "channel": "web",
            "external_id": f"W-{next(_numbers)}-{uuid4().hex[:6]}",
            "placed_at": datetime.now(UTC),
            "currency": "USD",
            "buyer": {"name": "Ann Buyer", "email": self.email, "notify": ["email"]},
            "ship_to": HOME,
            "lines": lines,
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
        """Let the worker do all that is due. What another transaction of the server keeps back is waited for, but not for ever."""
        async with asyncio.timeout(SETTLES_WITHIN_S):
            await self.worker.run_until_idle()

    async def settle_in_time(self, rounds: int = 12) -> None:
        """The same, and what comes again after a pause comes at once."""
        for _ in range(rounds):
            handled = await self.worker.run_until_idle()
            async with self.database.transaction() as db:
                tag = await db.execute(
                    "UPDATE plumbing.subjects SET due_at = clock_timestamp() "
                    "WHERE state = 'due' AND due_at > clock_timestamp() "
                    "AND due_at < clock_timestamp() + interval '10 minutes'"
                )
            if tag == "UPDATE 0" and not handled:
                return

    # --- stock ------------------------------------------------------------------------------------------------

    async def shelve(self, sku: str, units: dict[str, int]) -> None:
        """Exactly these units by node code, and none anywhere else."""
        async with self.database.transaction() as db:
            nodes = {node.id: node.code for node in (await network.nodes_of(db)).values()}
            for node, code in sorted(nodes.items()):
                await recounting.set_on_hand(
                    db,
                    node_id=node,
                    sku=sku,
                    quantity=units.get(code, 0),
                    reason="count",
                    now=datetime.now(UTC),
                )

    async def level(self, code: str, sku: str) -> Any:
        """The balance at a node."""
        async with self.database.transaction() as db:
            [node] = (await network.nodes_of(db, codes=[code])).values()
            found = await reading.levels(db, keys=[(node.id, sku)])
        return found[0]

    async def node_codes(self, order_id: UUID) -> list[str]:
        """Where its fulfillment orders that go on are."""
        works = [w for w in await self.works(order_id) if w.status != "cancelled"]
        async with self.database.transaction() as db:
            nodes = await network.nodes_of(db, ids={w.node_id for w in works})
        return sorted(nodes[w.node_id].code for w in works)

    # --- nodes and carriers at work ---------------------------------------------------------------------------

    async def pack(self, *order_ids: UUID) -> None:
        """Every node accepts and packs what it has of these orders, and their labels are bought."""
        for order_id in order_ids:
            works = [w.id for w in await self.works(order_id) if w.status in ("open", "in_progress")]
            async with self.database.transaction() as db:
                await working.accept(db, works=works)
                packed = await working.pack(db, works=works)
            assert not packed.refused, packed.refused
        await self.settle()

    async def collect(self) -> None:
        """End of day: manifests are closed, the carriers have the parcels, the money is taken."""
        async with self.database.transaction() as db:
            await working.close_manifests(db, ship_date=datetime.now(UTC).date(), by="test")
        await self.settle()

    async def ship(self, *order_ids: UUID) -> None:
        """Packed and collected."""
        await self.pack(*order_ids)
        await self.collect()

    async def labels(self, order_id: UUID, statuses: tuple[str, ...] = ("purchased", "used")) -> list[Any]:
        """The labels of its fulfillment orders."""
        works = await self.works(order_id)
        async with self.database.transaction() as db:
            return await labels_of(db, subjects=[w.id for w in works], statuses=statuses)

    async def scan(self, labels: list[Any], *codes: str, at: datetime | None = None) -> Any:
        """The carrier tells of these parcels, a minute between two codes."""
        start = at or datetime.now(UTC)
        async with self.database.transaction() as db:
            return await working.track(
                db,
                scans=[
                    TrackingEvent(
                        carrier=label.carrier,
                        tracking_number=label.tracking_number,
                        code=code,
                        occurred_at=start + timedelta(minutes=i),
                    )
                    for label in labels
                    for i, code in enumerate(codes)
                ],
                now=start,
            )

    async def deliver(self, *order_ids: UUID, at: datetime | None = None) -> None:
        """Every parcel on its way comes."""
        for order_id in order_ids:
            await self.scan(await self.labels(order_id, ("used",)), "in_transit", "delivered", at=at)
        await self.settle()

    async def bring(self, *drafts: OrderDraft) -> list[UUID]:
        """Orders placed, shipped and delivered."""
        placed = await self.place(*drafts)
        await self.settle()
        await self.ship(*placed)
        await self.deliver(*placed)
        return placed

    # --- people -----------------------------------------------------------------------------------------------

    async def cancel(self, order_id: UUID, quantities: dict[UUID, int] | None = None) -> Any:
        """The buyer changed their mind."""
        async with self.database.transaction() as db:
            return await cancelling.cancel(
                db, order_id=order_id, reason="changed their mind", quantities=quantities
            )

    async def hold(self, order_id: UUID, *blocks: str, type_: str = "manual") -> UUID:
        """Somebody holds the order."""
        due = datetime.now(UTC) + timedelta(days=1)
        async with self.database.transaction() as db:
            new = holds.NewHold(order_id=order_id, type=type_, blocks=blocks, due_at=due)
            [hold] = await holds.raise_holds(db, holds=[new])
        return hold

    async def clear(self, hold_id: UUID) -> None:
        """Somebody clears the hold."""
        async with self.database.transaction() as db:
            await working.clear_hold(db, hold_id=hold_id)
        await self.settle()

    async def ask_back(self, order_id: UUID, units: dict[str, int], *, label: bool = True) -> Any:
        """The buyer wants to give units back."""
        lines = await self.lines(order_id)
        asked = [Asked(line_id=lines[sku].id, quantity=n, reason="changed_mind") for sku, n in units.items()]
        async with self.database.transaction() as db:
            said = await asking_back.ask_back(
                db, order_id=order_id, lines=asked, now=datetime.now(UTC), needs_label=label
            )
        await self.settle()
        return said

    async def take_back(self, return_id: UUID, becomes: Disposition = Disposition.RESTOCK) -> None:
        """Everything has arrived at the node, and is judged alike."""
        _, lines = await self.returned(return_id)
        async with self.database.transaction() as db:
            await asking_back.receive(
                db, return_id=return_id, lines=[(line.id, line.quantity - line.received) for line in lines]
            )
            await asking_back.inspect(
                db,
                return_id=return_id,
                findings=[Finding(return_line_id=line.id, disposition=becomes) for line in lines],
            )
        await self.settle()

    async def returned(self, return_id: UUID) -> Any:
        """A return and its lines."""
        async with self.database.transaction() as db:
            return (await returns_of(db, ids=[return_id]))[return_id]

    async def cases(self, order_id: UUID) -> list[str]:
        """The kinds of its open cases."""
        async with self.database.transaction() as db:
            return sorted(case.kind for case in await exceptions.open_of(db, entities=[order_id]))

    async def at(self, subject: UUID) -> Any:
        """Where an order, or a fulfillment order, or a return stands on its journey."""
        async with self.database.transaction() as db:
            [found] = await journeys.look(db, [subject])
        return found

    # --- what can be seen -------------------------------------------------------------------------------------

    async def lines(self, order_id: UUID) -> dict[str, Any]:
        """Its lines by SKU."""
        async with self.database.transaction() as db:
            return {line.sku: line for line in (await lines_of(db, [order_id]))[order_id]}

    async def told(self, order_id: UUID) -> list[str]:
        """The types of its events, oldest first."""
        async with self.database.transaction() as db:
            return [event.type for event in await events.of_order(db, order_id)]

    async def money(self, order_id: UUID) -> dict[str, list[int]]:
        """What the gateway's own books have of this order: amounts that took effect, by kind."""
        async with self.database.transaction() as db:
            keys = {t.key for t in await payment_rows.transactions_of(db, [order_id])}
        found: dict[str, list[int]] = {}
        after = 0
        while True:
            _, body = await http.call("GET", f"{self.outside.gateway}/ledger?after={after}")
            for operation in body["operations"]:
                if operation["key"] in keys and operation["status"] == "succeeded":
                    found.setdefault(operation["kind"], []).append(operation["amount"])
            if not body["more"]:
                return found
            after += len(body["operations"])

    async def mischief(self, whose: str, **control: Any) -> None:
        """Make the gateway or the carrier misbehave, or behave again."""
        url = {"gateway": self.outside.gateway, "carrier": self.outside.carrier}[whose]
        status, body = await http.call("POST", f"{url}/control", json=control)
        assert status == 200, body

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
        """The subjects of what the buyer was sent about this order, oldest first."""
        _, told = await http.call("GET", f"{self.outside.mailbox}/messages?to={self.email}&limit=1000")
        return [m["subject"] for m in reversed(told["messages"]) if number in m["subject"]]

    async def sound(self) -> None:
        """No invariant is violated."""
        async with self.database.transaction() as db:
            findings = await audit.run(db)
        assert not [f for f in findings if f.count], [f for f in findings if f.count]
