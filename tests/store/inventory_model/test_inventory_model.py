"""Stock against a plain model of it: any calls in any order, and after each the two agree to the unit.

The model knows physical units by arithmetic alone, and who claims which of them by what it was told of the order or
cart that a call was about. A call may touch nobody else's claims, but for the counts, which take the youngest. Whether
something is refused is the model's to say, before it is asked.

    HYPOTHESIS_PROFILE=nightly .venv/bin/pytest tests/store/inventory_model -q     # for hours rather than seconds
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from orderloom.inventory.model import LotUnits
from orderloom.inventory.reservations import Ended, Made, NotKept
from orderloom.inventory.supply import Supply
from orderloom.journey.cancelling import CannotCancel
from orderloom.journey.limiting import SoldAhead
from orderloom.journey.recounting import Counted
from orderloom.orders.model import Placed, Refused
from orderloom.packing.model import Short
from tests.store.inventory_model.editing import Editing
from tests.store.inventory_model.giving_back import GivingBack, few, nodes, skus
from tests.store.inventory_model.model import (
    ALLOCATED,
    CANCELLED,
    DELIVERED,
    PACKED,
    RESERVED,
    SHIPPED,
    SHORT,
    demand,
)
from tests.store.inventory_model.shop import KIT, SKUS, TRACKED, Shop

PROFILES = {
    "quick": {"max_examples": 30, "stateful_step_count": 30, "database": None, "phases": [Phase.generate]},
    "default": {"max_examples": 75, "stateful_step_count": 30, "derandomize": True, "database": None},
    "nightly": {"max_examples": 20_000, "stateful_step_count": 60},
}
carts_lines = st.lists(st.tuples(st.sampled_from((*SKUS, KIT)), few), min_size=1, max_size=3)


class InventoryMachine(GivingBack, Editing):
    """Every call there is, and what the model says of it."""

    # --- orders -----------------------------------------------------------------------------------------------

    def _placed(self, said: Any, lines: list[tuple[str, int]], own: Counter[str], *, refusing: bool) -> None:
        wanted = demand(lines)
        there = {sku: self.atp(sku, "web" if refusing else "market") + own[sku] for sku in wanted}
        waiting = {sku: self.waiting(sku) for sku in wanted}
        before = {at: self.free(at) for at in self.on_hand}
        if isinstance(said, Refused):
            assert refusing
            assert any(there[sku] - waiting[sku] < n for sku, n in wanted.items()), (
                "refused though there was enough"
            )
            self.settle()
            return
        assert isinstance(said, Placed)
        if refusing:
            assert all(there[sku] >= n for sku, n in wanted.items()), "taken though there was not enough"
        self.ordered[said.order_id] = Counter(wanted)
        if not refusing:
            self.of_market.add(said.order_id)
        self.settle(said.order_id, *self.consumed)
        kept: Counter[str] = Counter()
        for (sku, rank, node), units in self.orders[said.order_id].items():
            assert (rank == RESERVED) == (node is not None)
            if node is not None:
                kept[sku] += units
                assert units <= before[node, sku] + own[sku], (
                    "dipped into safety stock, or into another's claim"
                )
        for sku, units in wanted.items():
            assert min(units, there[sku] - waiting[sku]) <= kept[sku] <= min(units, there[sku])
            assert not refusing or kept[sku] == units

    consumed: tuple[UUID, ...] = ()

    @rule(lines=carts_lines, channel=st.sampled_from(("web", "web", "market")))
    def place_an_order(self, lines: list[tuple[str, int]], channel: str) -> None:
        self.consumed = ()
        self._placed(self.shop.place(lines, channel=channel), lines, Counter(), refusing=channel == "web")

    @precondition(lambda self: any(self.carts.values()))
    @rule(data=st.data(), more=st.booleans())
    def buy_a_cart(self, data: st.DataObject, more: bool) -> None:
        cart = data.draw(st.sampled_from(sorted(c for c, units in self.carts.items() if units)))
        own: Counter[str] = Counter()
        for (_, sku), units in self.carts[cart].items():
            own[sku] += units
        lines = [(sku, units + (more and sku == "A")) for sku, units in sorted(own.items())]
        said = self.shop.place(lines, channel="web", cart=cart)
        self.consumed = (cart,)
        self._placed(said, lines, own, refusing=True)
        if isinstance(said, Placed):
            assert not self.carts[cart]
            self.ended.add(cart)

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def reserve_what_is_short(self, data: st.DataObject) -> None:
        order = self.order_with(data, *SHORT)
        if order is not None:
            self.shop.reserve([order])
            self.settle(order)

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def route(self, data: st.DataObject) -> None:
        order = self.order_with(data, RESERVED)
        if order is not None:
            self.shop.route([order])
            self.settle(order)

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def take_routing_back(self, data: st.DataObject) -> None:
        order = self.order_with(data, ALLOCATED)
        if order is not None:
            self.shop.unallocate([order])
            self.settle(order)
            assert not any(rank == ALLOCATED for _, rank, _ in self.orders[order])

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        order = self.order_with(data, ALLOCATED)
        if order is not None:
            self.shop.release([order])
            self.settle(order)

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def recall(self, data: st.DataObject) -> None:
        order = self.order_with(data, 400, 450)
        if order is not None:
            self.shop.recall([order])
            self.settle(order)
            assert not any(400 <= rank < SHIPPED for _, rank, _ in self.orders[order])

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def cancel_whole(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.going))
        before = self.orders[order]
        said = self.shop.cancel(order)
        everything_gone = all(r in (SHIPPED, DELIVERED, CANCELLED) for _, r, _ in before)
        if isinstance(said, CannotCancel):
            assert everything_gone
        self.settle(order)
        for (sku, rank, node), units in before.items():
            if rank < 400 or rank >= SHIPPED:
                assert (self.orders[order][sku, rank, node] == units) == (
                    rank >= SHIPPED
                ) or rank == CANCELLED

    @precondition(lambda self: self.going)
    @rule(data=st.data(), units=few)
    def cancel_partly(self, data: st.DataObject, units: int) -> None:
        order = data.draw(st.sampled_from(self.going))
        line, sku, _ = data.draw(st.sampled_from(self.shop.lines(order)))
        before = self.orders[order]
        said = self.shop.cancel(order, {line: units})
        self.settle(order)
        was, now = (
            sum(n for (s, r, _), n in o.items() if s == sku and r == CANCELLED)
            for o in (before, self.orders[order])
        )
        assert was <= now <= was + units
        if isinstance(said, CannotCancel):
            assert self.orders[order] == before

    # --- at the nodes -----------------------------------------------------------------------------------------

    def _work(self, data: st.DataObject, *ranks: int) -> tuple[UUID, Any] | None:
        order = self.order_with(data, *ranks)
        works = self.shop.works(order) if order is not None else []
        return (order, data.draw(st.sampled_from(works))) if works else None

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        if found := self._work(data, 400):
            self.shop.accept(found[1].id)
            self.settle(found[0])

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        if found := self._work(data, 400, 450):
            self.shop.reject(found[1].id)
            self.settle(found[0])

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def do_not_find(self, data: st.DataObject) -> None:
        if found := self._work(data, 400, 450):
            order, work = found
            node = self.shop.code(work.node_id)
            there = [
                s for (s, r, w), n in self.orders[order].items() if w == node and 400 <= r < PACKED and n
            ]
            if not there:
                return
            sku = data.draw(st.sampled_from(sorted(there)))
            at = (node, sku)
            before, owed = self.claimed(at), self.owed(at)
            said = self.shop.report_short(work.id, sku, 1)
            missed = int(isinstance(said, Short))
            # Of what a node owes, nobody had said that it was there.
            self.on_hand[at] -= missed if not owed else 0
            self.settle(order)
            assert self.claimed(at) == before - missed

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def pack(self, data: st.DataObject) -> None:
        if found := self._work(data, 400, 450):
            self.shop.pack(found[1].id)
            self.settle(found[0])

    @precondition(lambda self: self.going)
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        if found := self._work(data, PACKED):
            order, work = found
            before = self.orders[order]
            self.shop.hand_over(work.id, order)
            node = self.shop.code(work.node_id)
            for (sku, rank, where), units in before.items():
                if rank == PACKED and where == node:
                    self.on_hand[node, sku] -= min(units, self.fit((node, sku)))
            self.settle(order)
            assert not any(rank == PACKED and where == node for _, rank, where in self.orders[order])

    @precondition(lambda self: self.shop.away)
    @rule()
    def deliver(self) -> None:
        order = self.shop.deliver()
        self.settle(order)
        assert any(rank == DELIVERED for _, rank, _ in self.orders[order])

    # --- carts ------------------------------------------------------------------------------------------------

    def _kept(
        self, said: Any, lines: list[tuple[str, int]], own: Counter[str], *touched: UUID, partly: bool = False
    ) -> None:
        wanted = demand(lines)
        there = {sku: self.atp(sku) + own[sku] for sku in wanted}
        waiting = {sku: self.waiting(sku) for sku in wanted}
        if isinstance(said, NotKept):
            assert any(there[sku] - waiting[sku] < n for sku, n in wanted.items()), (
                "refused though there was enough"
            )
            self.settle()
            return
        assert isinstance(said, Made)
        cart = said.reservation.id
        self.settle(cart, *touched)
        kept: Counter[str] = Counter()
        for (_, sku), units in self.carts[cart].items():
            kept[sku] += units
        assert all(kept[sku] <= min(n, there[sku]) for sku, n in wanted.items())
        assert kept == wanted if not partly else kept <= wanted

    @rule(lines=carts_lines, owner=st.sampled_from((None, None, "ann", "bob")), partly=st.booleans())
    def keep_a_cart(self, lines: list[tuple[str, int]], owner: str | None, partly: bool) -> None:
        old = self.owners.get(owner or "")
        own: Counter[str] = Counter()
        for (_, sku), units in self.carts.get(old, Counter()).items() if old else ():
            own[sku] += units
        said = self.shop.keep_cart(lines, owner=owner, partly=partly)
        self._kept(said, lines, own, *([old] if old else []), partly=partly)
        if isinstance(said, Made) and owner is not None:
            if old is not None:
                assert not self.carts[old], "a buyer has two open carts"
            self.owners[owner] = said.reservation.id

    def _cart(self, data: st.DataObject) -> UUID:
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        self.shop.remember(cart)
        return cart

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), lines=carts_lines)
    def change_a_cart(self, data: st.DataObject, lines: list[tuple[str, int]]) -> None:
        cart = self._cart(data)
        own: Counter[str] = Counter()
        for (_, sku), units in self.carts[cart].items():
            own[sku] += units
        said = self.shop.change_cart(cart, lines)
        if isinstance(said, Ended):
            assert not self.carts[cart], "an open cart was called ended"
            self.settle()
        else:
            self._kept(said, lines, own)

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), node=nodes)
    def move_a_cart(self, data: st.DataObject, node: str) -> None:
        cart = self._cart(data)
        before = Counter(self.carts[cart])
        said = self.shop.move_cart(cart, node)
        self.settle(cart)
        totals = [Counter[str](), Counter[str]()]
        for total, units in zip(totals, (before, self.carts[cart]), strict=True):
            for (_, sku), n in units.items():
                total[sku] += n
        assert totals[0] == totals[1], "moving a cart changed what it keeps"
        assert isinstance(said, Made) or self.carts[cart] == before

    @precondition(lambda self: self.carts)
    @rule(data=st.data())
    def extend_a_cart(self, data: st.DataObject) -> None:
        self.shop.extend_cart(self._cart(data))
        self.settle()

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), late=st.booleans())
    def end_a_cart(self, data: st.DataObject, late: bool) -> None:
        cart = self._cart(data)
        self.shop.expire_cart(cart) if late else self.shop.cancel_cart(cart)
        self.settle(cart)
        assert not self.carts[cart]

    # --- counts -----------------------------------------------------------------------------------------------

    @rule(
        node=nodes,
        sku=skus,
        units=st.integers(-7, 3),
        lot=st.sampled_from(("L1", "L2")),
        day=st.sampled_from((date(2999, 1, 1), date(2999, 2, 1), None)),
    )
    def find_or_lose(self, node: str, sku: str, units: int, lot: str, day: date | None) -> None:
        if units:
            found = [LotUnits(lot, units, day)] if sku == TRACKED and units > 0 else []
            said = self.shop.adjust(node, sku, lots=found, on_hand=units)
            self._recounted((node, sku), units, 0, said.loss)

    @rule(node=nodes, sku=skus, units=st.integers(-2, 4))
    def break_or_mend(self, node: str, sku: str, units: int) -> None:
        if units:
            said = self.shop.adjust(node, sku, damaged=units)
            self._recounted((node, sku), 0, units, said.loss)

    @rule(node=nodes, sku=skus, units=st.integers(-2, 4))
    def put_aside_or_let_go(self, node: str, sku: str, units: int) -> None:
        if units:
            said = self.shop.adjust(node, sku, quality_control=units)
            self._recounted((node, sku), 0, 0, said.loss, aside=units)

    @rule(units=st.integers(0, 8))
    def set_aside_for_the_market(self, units: int) -> None:
        self.shop.allot(units)
        self.markets = units
        self.settle()

    @rule(node=nodes, sku=skus, units=st.integers(0, 9), believed=st.sampled_from((None, True, False)))
    def count(self, node: str, sku: str, units: int, believed: bool | None) -> None:
        at = (node, sku)
        expected = None if believed is None else self.on_hand[at] + (0 if believed else 1)
        before = datetime.now(UTC)
        said = self.shop.set_on_hand(node, sku, units, expected)
        assert isinstance(said, Counted) == (believed is not False)
        if isinstance(said, Counted):
            self._recounted(at, units - self.on_hand[at], 0, said.loss)
            self.said[at] = before
        else:
            self.settle()

    @precondition(lambda self: self.moments)
    @rule(data=st.data(), node=nodes, sku=skus, off=st.integers(-3, 2))
    def be_told_what_was_there(self, data: st.DataObject, node: str, sku: str, off: int) -> None:
        """A snapshot, often late: true of a moment before, and what has moved since stays on top."""
        at = (node, sku)
        when, then = data.draw(st.sampled_from(self.moments[-6:]))
        told = max(0, then[at] + off)
        said = self.shop.snapshot(node, sku, told, when)
        if at in self.said and when < self.said[at]:
            assert said.outcome == "older"
            self.settle()
            return
        assert said.outcome in ("applied", "unchanged")
        assert said.found == then[at]
        self._recounted(at, told - then[at], 0, said.loss, since=when)
        self.said[at] = when

    # --- units that come and go -------------------------------------------------------------------------------

    @rule(sender=nodes, receiver=nodes, sku=skus, units=few)
    def transfer(self, sender: str, receiver: str, sku: str, units: int) -> None:
        if sender == receiver:
            return
        enough = self.available((sender, sku)) >= units
        short = self.shop.transfer(sender, receiver, sku, units)
        assert (short is None) == enough
        if enough:
            self.on_hand[sender, sku] -= units
            self.on_hand[receiver, sku] += units
        self.settle()

    @rule(sender=nodes, receiver=nodes, sku=skus, units=few)
    def send_on_a_lorry(self, sender: str, receiver: str, sku: str, units: int) -> None:
        if sender == receiver:
            return
        enough = self.available((sender, sku)) >= units
        said = self.shop.send(sku, units, sender, receiver)
        assert isinstance(said, Supply) == enough
        if enough:
            self.on_hand[sender, sku] -= units
            self.coming[said.id] = [receiver, sku, units]
        self.settle()

    @rule(node=nodes, sku=skus, units=few)
    def expect_supply(self, node: str, sku: str, units: int) -> None:
        said = self.shop.expect(sku, units, node)
        self.coming[said.id] = [node, sku, units]
        self.settle()

    @precondition(lambda self: self.coming)
    @rule(data=st.data(), damaged=st.integers(0, 1))
    def receive(self, data: st.DataObject, damaged: int) -> None:
        supply = data.draw(st.sampled_from(sorted(self.coming)))
        node, sku, left = self.coming[supply]
        units = data.draw(st.integers(1, left)) if left else 1
        said = self.shop.receive(supply, units, damaged)
        assert isinstance(said, Supply) == (left > 0), said
        if left:
            self.on_hand[node, sku] += units
            self.damaged[node, sku] += damaged
            self.coming[supply][2] -= units
        self.settle()

    @rule(node=nodes, sku=skus, units=st.integers(0, 3))
    def sell_ahead_of_supply(self, node: str, sku: str, units: int) -> None:
        at = (node, sku)
        refused = self.shop.sell_ahead(node, sku, units)
        assert refused == (SoldAhead(self.owed(at)) if units < self.owed(at) else None)
        self.limits[at] = self.limits[at] if refused else units
        self.settle()

    @rule(node=nodes, sku=skus, units=st.integers(0, 4))
    def set_safety_stock(self, node: str, sku: str, units: int) -> None:
        self.shop.set_safety(node, sku, units)
        self.safety[node, sku] = units
        self.settle()


@pytest.mark.slow
def test_stock_is_what_a_plain_model_says(database_url_for_a_machine) -> None:
    shop = Shop(database_url_for_a_machine)
    profile = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]
    machine = type("Machine", (InventoryMachine,), {"shop": shop})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(**profile, deadline=None, suppress_health_check=list(HealthCheck)),
        )
    finally:
        shop.close()
