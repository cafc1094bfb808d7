"""The real side: the product's own calls on one connection in a transaction that is rolled back, and what is seen of it.

Synchronous on the outside, for Hypothesis' machines are; one event loop serves all calls. Each call is in a savepoint,
as a door would have it in a transaction: what is refused has changed nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from orderloom import delivery, network
from orderloom.catalog.model import Item
from orderloom.delivery.model import Parcel, TrackingEvent
from orderloom.insight.invariants import lots as lot_invariants
from orderloom.insight.invariants import stock as stock_invariants
from orderloom.inventory import counting, reservations, supplies
from orderloom.inventory.allotting import SafetyRule
from orderloom.inventory.model import LotUnits
from orderloom.inventory.snapshots import Line as Counted
from orderloom.inventory.snapshots import Snapshot
from orderloom.inventory.supply import Arrived, Supply, SupplyLine
from orderloom.journey import (
    asking_back,
    cancelling,
    carts,
    limiting,
    recounting,
    releasing,
    reserving,
    returning,
    setup,
    snapshotting,
    sourcing,
    working,
)
from orderloom.journey.carts import CartDraft
from orderloom.journey.fulfillment import FULFILLMENT, deliver, dispatch
from orderloom.journey.placing import place
from orderloom.journey.setup import Setup
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.orders.reading import fulfillments_of
from orderloom.plumbing import database as database_module
from orderloom.returns.model import Asked, Disposition, Finding
from orderloom.returns.reading import returns_of
from orderloom.simulate import demo_data
from orderloom.terms import Address, new_id

NODES = ("ATL", "CMH", "DFW")
SKUS = ("A", "B", "C")
# What an order had that was delivered before all begins: it may come back.
SOLD = {"A": 4, "B": 3, "C": 3}
# Units of it may be set aside for the market; and one is tracked by lot.
ALLOTTED, TRACKED = "A", "C"
KIT, PARTS = "KIT", {"A": 2, "B": 1}
HOME = Address(
    name="Ann Buyer", line1="500 W 2nd St", city="Austin", region="TX", postcode="78701", country="US"
)
INVARIANTS = (*stock_invariants.INVARIANTS, *lot_invariants.INVARIANTS)
_numbers = itertools.count(1)

_STOCK = """
SELECT node_id, sku, on_hand, reserved, allocated, damaged, quality_control, safety_stock FROM inventory.stock
"""
_SLICES = """
SELECT order_id, sku, rank, node_id, sum(quantity)::int AS units FROM orders.slices
GROUP BY order_id, sku, rank, node_id
"""
_CARTS = """
SELECT r.id, r.state, u.node_id, u.sku, sum(u.quantity)::int AS units
FROM inventory.reservations AS r LEFT JOIN inventory.reservation_units AS u ON u.reservation_id = r.id
GROUP BY r.id, r.state, u.node_id, u.sku
"""


@dataclass(slots=True)
class Seen:
    """What is there: balances, whose units are where, and what carts keep."""

    stock: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    slices: dict[UUID, Counter[tuple[str, int, str | None]]] = field(default_factory=dict)
    carts: dict[UUID, Counter[tuple[str, str]]] = field(default_factory=dict)


class Shop:
    """One for a whole test: the furniture is put in once, each example begins from it and is rolled back."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self.db: Any = self.run(self._connected(url))
        self.nodes: dict[str, UUID] = {}
        self._codes: dict[UUID, str] = {}
        self._outer: Any = None
        self.away: list[tuple[UUID, UUID]] = []
        self.run(self._furnished())
        self.sold = self._sold_before()

    def run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.db.close())
        self._loop.close()

    async def _connected(self, url: str) -> Any:
        connection = await asyncpg.connect(url, server_settings={"timezone": "UTC", "jit": "off"})
        await database_module._prepare(connection)
        return connection

    async def _furnished(self) -> None:
        world = demo_data.setup()
        size = {"weight_g": 300, "length_mm": 100, "width_mm": 80, "height_mm": 60}
        wanted = Setup(
            items=[
                Item(
                    sku=sku,
                    name=sku,
                    list_price=1000,
                    tracked_by="lot" if sku == TRACKED else None,
                    **size,
                )
                for sku in (*SKUS, KIT)
            ],
            kits={KIT: PARTS},
            nodes=[node for node in world.nodes if node.code in NODES],
            channels=world.channels,
            cartons=world.cartons,
            carriers=[carrier for carrier in world.carriers if carrier.code == "swift"],
            stock={(n, sku): 6 + (SOLD[sku] if n == NODES[0] else 0) for n in NODES for sku in SKUS},
        )
        async with self.db.transaction():
            await setup.put(self.db, wanted=wanted)
            channels = await network.channels_of(self.db, codes=["market"])
            [self._market] = channels
            # From the first on, so that all it claims is drawn on it.
            await limiting.allot(self.db, sku=ALLOTTED, channel_id=self._market)
        self.nodes = {node.code: node.id for node in (await network.nodes_of(self.db)).values()}
        self._codes = {node: code for code, node in self.nodes.items()}

    def _sold_before(self) -> UUID:
        """An order that has come all the way."""
        order = self.place(list(SOLD.items()), channel="web", node=NODES[0]).order_id
        self.route([order])
        self.release([order])
        [work] = self.works(order)
        self.pack(work.id)
        self.hand_over(work.id, order)
        self.deliver()
        return order

    def begin(self) -> None:
        self.away = []
        self._outer = self.db.transaction()
        self.run(self._outer.start())

    def end(self) -> None:
        self.run(self._outer.rollback())

    def call(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """One call as a door makes it."""

        async def within() -> Any:
            async with self.db.transaction():
                return await work()

        return self.run(within())

    # --- what is there ----------------------------------------------------------------------------------------

    def look(self) -> Seen:
        return self.run(self._look())

    async def _look(self) -> Seen:
        seen = Seen()
        for row in await self.db.fetch(_STOCK):
            seen.stock[self._codes[row["node_id"]], row["sku"]] = dict(row)
        for row in await self.db.fetch(_SLICES):
            of = seen.slices.setdefault(row["order_id"], Counter())
            of[row["sku"], row["rank"], self._codes.get(row["node_id"])] += row["units"]
        for row in await self.db.fetch(_CARTS):
            of = seen.carts.setdefault(row["id"], Counter())
            if row["state"] == "open" and row["sku"] is not None:
                of[self._codes[row["node_id"]], row["sku"]] += row["units"]
        return seen

    def audited(self) -> dict[str, list[Any]]:
        """The audit's invariants of stock and lots, and what breaks them."""

        async def rows() -> dict[str, list[Any]]:
            return {i.key: found for i in INVARIANTS if (found := await self.db.fetch(i.sql))}

        return self.run(rows())

    # --- what is done -----------------------------------------------------------------------------------------

    def place(
        self,
        lines: list[tuple[str, int]],
        *,
        channel: str,
        cart: UUID | None = None,
        node: str | None = None,
    ) -> Any:
        total = sum(units for _, units in lines) * 1000
        draft = OrderDraft(
            channel=channel,
            external_id=f"M-{next(_numbers)}",
            placed_at=datetime.now(UTC),
            currency="USD",
            buyer={"name": "Ann Buyer", "email": "ann@example.com", "notify": []},
            ship_to=HOME,
            lines=tuple(LineDraft(sku=sku, quantity=n, unit_price=1000, node_code=node) for sku, n in lines),
            tenders=(TenderDraft(method="card", token="tok_ok", amount=total),),
            total=total,
            reservation_id=cart,
        )
        [said] = self.call(lambda: place(self.db, drafts=[draft]))
        return said

    def keep_cart(self, lines: list[tuple[str, int]], *, owner: str | None, partly: bool) -> Any:
        draft = CartDraft(channel="web", lines=tuple(lines), owner=owner, partly=partly)
        [said] = self.call(lambda: carts.keep(self.db, drafts=[draft], now=datetime.now(UTC)))
        return said

    def _cart(self, key: UUID) -> Any:
        return self.run(reservations.of(self.db, keys=[key]))[key]

    def change_cart(self, key: UUID, lines: list[tuple[str, int]]) -> Any:
        return self.call(
            lambda: carts.change(self.db, reservation=self._held(key), lines=lines, now=datetime.now(UTC))
        )

    def _held(self, key: UUID) -> Any:
        return self._carts[key]

    def remember(self, key: UUID) -> None:
        """What a cart is now, read outside the call."""
        self._carts = {key: self._cart(key)}

    def move_cart(self, key: UUID, node: str) -> Any:
        return self.call(
            lambda: carts.relocate(
                self.db, reservation=self._held(key), moves={1: node}, now=datetime.now(UTC)
            )
        )

    def extend_cart(self, key: UUID) -> Any:
        return self.call(lambda: reservations.extend(self.db, key=key, ttl_s=900))

    def cancel_cart(self, key: UUID) -> Any:
        return self.call(lambda: carts.cancel(self.db, reservation=self._held(key), reason="model"))

    def expire_cart(self, key: UUID) -> None:
        """Its time has passed, by the database's clock."""

        async def overdue() -> None:
            await self.db.execute(
                "UPDATE inventory.reservations SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1",
                key,
            )
            await carts.expire(self.db, datetime.now(UTC))

        self.call(overdue)

    def reserve(self, orders: list[UUID]) -> None:
        self.call(lambda: reserving.reserve(self.db, orders, datetime.now(UTC)))

    def route(self, orders: list[UUID]) -> Any:
        return self.call(lambda: sourcing.route(self.db, orders, datetime.now(UTC)))

    def unallocate(self, orders: list[UUID]) -> None:
        self.call(lambda: sourcing.unallocate(self.db, orders, datetime.now(UTC)))

    def release(self, orders: list[UUID]) -> None:
        self.call(lambda: releasing.release(self.db, orders, datetime.now(UTC)))

    def recall(self, orders: list[UUID]) -> None:
        self.call(lambda: releasing.recall(self.db, orders, datetime.now(UTC)))

    def cancel(self, order: UUID, quantities: dict[UUID, int] | None = None) -> Any:
        return self.call(
            lambda: cancelling.cancel(self.db, order_id=order, reason="model", quantities=quantities)
        )

    def lines(self, order: UUID) -> list[tuple[UUID, str, int]]:
        """Its lines that hold units, with their SKUs and how many were ordered."""
        found = self.run(
            self.db.fetch(
                "SELECT id, sku, quantity FROM orders.lines WHERE order_id = $1 AND NOT is_kit ORDER BY position",
                order,
            )
        )
        return [(row["id"], row["sku"], row["quantity"]) for row in found]

    def works(self, order: UUID) -> list[Any]:
        """Its fulfillment orders that go on."""
        found = self.run(fulfillments_of(self.db, orders=[order])).values()
        return [work for work in sorted(found, key=lambda w: w.id) if work.status in ("open", "in_progress")]

    def code(self, node: UUID) -> str:
        return self._codes[node]

    def accept(self, work: UUID) -> Any:
        return self.call(lambda: working.accept(self.db, works=[work]))

    def reject(self, work: UUID) -> Any:
        return self.call(lambda: working.reject(self.db, work=work, reason="model"))

    def report_short(self, work: UUID, sku: str, units: int) -> Any:
        return self.call(
            lambda: working.report_short(self.db, work=work, sku=sku, quantity=units, reason="model")
        )

    def pack(self, work: UUID) -> Any:
        async def packed() -> Any:
            # What the journey's first step does: cartons are planned, the node is offered the work.
            [submit] = [step for step in FULFILLMENT.steps if step.name == "submit"]
            await submit.do(self.db, [work], datetime.now(UTC))
            await working.accept(self.db, works=[work])
            return await working.pack(self.db, works=[work])

        return self.call(packed)

    def hand_over(self, work: UUID, order: UUID) -> None:
        """The carrier scans its parcel, and the units leave stock."""

        async def handed() -> None:
            now = datetime.now(UTC)
            parcel = Parcel(
                carrier="swift", tracking_number=f"TRK{work.hex}", order_id=order, fulfillment_id=work
            )
            await delivery.follow(self.db, parcels=[parcel])
            await self._scanned(work, "in_transit", now)
            await dispatch(self.db, [work], now)

        self.call(handed)
        self.away.append((order, work))

    async def _scanned(self, work: UUID, code: str, now: datetime) -> None:
        scan = TrackingEvent(carrier="swift", tracking_number=f"TRK{work.hex}", code=code, occurred_at=now)
        await working.track(self.db, scans=[scan], now=now)

    def deliver(self) -> UUID:
        """The parcel that left first is with its buyer; returns the order."""
        order, work = self.away.pop(0)

        async def delivered() -> None:
            now = datetime.now(UTC)
            await self._scanned(work, "delivered", now)
            await deliver(self.db, [work], now)

        self.call(delivered)
        return order

    def adjust(self, node: str, sku: str, *, lots: Sequence[LotUnits] = (), **changes: int) -> Any:
        return self.call(
            lambda: recounting.adjust(
                self.db,
                node_id=self.nodes[node],
                sku=sku,
                changes=changes,
                reason="model",
                now=datetime.now(UTC),
                lots=lots,
            )
        )

    def set_on_hand(self, node: str, sku: str, quantity: int, expected: int | None) -> Any:
        return self.call(
            lambda: recounting.set_on_hand(
                self.db,
                node_id=self.nodes[node],
                sku=sku,
                quantity=quantity,
                reason="model",
                now=datetime.now(UTC),
                expected=expected,
            )
        )

    def snapshot(self, node: str, sku: str, on_hand: int, at: datetime) -> Any:
        lots = (LotUnits("L1", on_hand),) if sku == TRACKED else ()
        line = Counted(sku=sku, on_hand=on_hand, lots=lots)
        told = Snapshot(source="wms", node_id=self.nodes[node], lines=(line,), as_of=at)
        [said] = self.call(lambda: snapshotting.take(self.db, snapshot=told, now=datetime.now(UTC)))
        return said

    def transfer(self, sender: str, receiver: str, sku: str, units: int) -> Any:
        return self.call(
            lambda: counting.transfer(
                self.db,
                from_node=self.nodes[sender],
                to_node=self.nodes[receiver],
                sku=sku,
                quantity=units,
                reason="model",
                transfer_id=new_id(),
            )
        )

    def _supply(self, kind: str, sku: str, units: int, to: str, sender: str | None = None) -> Supply:
        return Supply(
            id=new_id(),
            kind=kind,
            reference=f"S-{next(_numbers)}",
            node_id=self.nodes[to],
            from_node=self.nodes[sender] if sender else None,
            due_at=datetime.now(UTC) + timedelta(days=1),
            lines=(SupplyLine(position=1, sku=sku, expected=units),),
        )

    def expect(self, sku: str, units: int, to: str) -> Any:
        supply = self._supply("purchase_order", sku, units, to)
        return self.call(lambda: supplies.expect(self.db, supply=supply))

    def send(self, sku: str, units: int, sender: str, to: str) -> Any:
        supply = self._supply("transfer", sku, units, to, sender)
        return self.call(lambda: supplies.ship(self.db, supply=supply, reason="model"))

    def receive(self, supply: UUID, received: int, damaged: int) -> Any:
        arrived = [Arrived(position=1, received=received, damaged=damaged)]
        return self.call(lambda: supplies.receive(self.db, supply_id=supply, arrived=arrived))

    def allot(self, units: int) -> None:
        """So many units are the market's alone."""
        self.call(lambda: limiting.allot(self.db, sku=ALLOTTED, channel_id=self._market, units=units))

    def set_safety(self, node: str, sku: str, units: int) -> None:
        rule = SafetyRule(units=units, node_id=self.nodes[node], sku=sku)
        self.call(lambda: limiting.secure(self.db, rules=[rule]))

    def sell_ahead(self, node: str, sku: str, units: int) -> Any:
        return self.call(lambda: limiting.sell_ahead(self.db, node_id=self.nodes[node], sku=sku, units=units))

    def have_back(self, node: str, sku: str, units: int, becomes: Disposition) -> UUID:
        """Goods at the dock that nobody had asked to give back, judged and booked."""
        asked = [Asked(quantity=units, reason="other", sku=sku)]
        said = self.call(
            lambda: asking_back.take_blind(
                self.db, node_id=self.nodes[node], currency="USD", lines=asked, key=f"R-{next(_numbers)}"
            )
        )
        self.judge(said.return_id, becomes)
        return said.return_id

    def ask_back(self, order: UUID, line: UUID, units: int, node: str, *, blind: bool) -> Any:
        """Units of an order on their way back; `blind`: they are at the dock before anybody asked."""
        asked, home = [Asked(quantity=units, reason="other", line_id=line)], self.nodes[node]
        take = (
            partial(asking_back.take_blind, node_id=home, currency="USD")
            if blind
            else partial(asking_back.ask_back, now=datetime.now(UTC), needs_label=False, to_node=home)
        )
        return self.call(lambda: take(self.db, order_id=order, lines=asked))

    def send_back(self, back: UUID, units: int) -> None:
        """So many of a return's units arrive; with none the buyer keeps them."""

        async def sent() -> None:
            await asking_back.approve(self.db, return_id=back)
            if not units:
                await asking_back.cancel(self.db, return_id=back, reason="model")
                return
            _, [line] = (await returns_of(self.db, ids=[back]))[back]
            await asking_back.receive(self.db, return_id=back, lines=[(line.id, units)])

        self.call(sent)

    def expect_no_more(self, back: UUID) -> Any:
        """What of a return has not come never will."""
        return self.call(lambda: asking_back.close(self.db, return_id=back))

    def judge(self, back: UUID, becomes: Disposition) -> None:
        """What becomes of what came back, booked as the journey's step does it."""

        async def judged() -> None:
            _, lines = (await returns_of(self.db, ids=[back]))[back]
            findings = [
                Finding(return_line_id=line.id, disposition=becomes, quantity=line.received)
                for line in lines
                if line.received
            ]
            await asking_back.inspect(self.db, return_id=back, findings=findings)
            await returning.restock(self.db, [back], datetime.now(UTC))

        self.call(judged)
