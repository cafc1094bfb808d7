"""What a plain model knows of stock: units by arithmetic, and whose they are by what it was told of each call."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.store.inventory_model.shop import ALLOTTED, KIT, NODES, PARTS, SKUS, SOLD, Shop

RESERVED, ALLOCATED, PACKED, SHIPPED, DELIVERED, CANCELLED = 200, 300, 600, 700, 800, 900
# Short of stock: what such a slice waits for may be given to it, and to nobody younger.
SHORT = (100, 110, 120, 150)
Place = tuple[str, str]
_BUCKETS = ("on_hand", "reserved", "allocated", "damaged", "quality_control")


def demand(lines: list[tuple[str, int]]) -> Counter[str]:
    """Units by SKU, summed over lines, kits taken apart."""
    wanted: Counter[str] = Counter()
    for sku, units in lines:
        for part, each in (PARTS if sku == KIT else {sku: 1}).items():
            wanted[part] += each * units
    return wanted


class Model(RuleBasedStateMachine):
    """The model, and the shop beside it."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.shop.begin()
        self.on_hand: Counter[Place] = Counter({(n, s): 6 for n in NODES for s in SKUS})
        self.damaged: Counter[Place] = Counter()
        self.aside: Counter[Place] = Counter()
        self.safety: Counter[Place] = Counter()
        self.limits: Counter[Place] = Counter()
        self.backs: dict[UUID, tuple[Place, int]] = {}
        self.markets = 0
        self.of_market: set[UUID] = set()
        before = Counter({(sku, DELIVERED, NODES[0]): units for sku, units in SOLD.items()})
        self.orders: dict[UUID, Counter[tuple[str, int, str | None]]] = {self.shop.sold: before}
        self.ordered: dict[UUID, Counter[str]] = {self.shop.sold: Counter(SOLD)}
        self.asked_back: Counter[UUID] = Counter()
        self.carts: dict[UUID, Counter[Place]] = {}
        self.ended: set[UUID] = set()
        self.owners: dict[str, UUID] = {}
        self.coming: dict[UUID, list[Any]] = {}
        self.moments: list[tuple[datetime, Counter[Place]]] = []
        self.said: dict[Place, datetime] = {}
        self.steps = 0

    def teardown(self) -> None:
        try:
            assert self.shop.audited() == {}
        finally:
            self.shop.end()

    # --- what the model knows ---------------------------------------------------------------------------------

    def claimed(self, at: Place) -> int:
        """Reserved and allocated there."""
        node, sku = at
        units = sum(cart[at] for cart in self.carts.values())
        for pieces in self.orders.values():
            units += sum(
                n for (s, r, w), n in pieces.items() if (s, w) == (sku, node) and RESERVED <= r < SHIPPED
            )
        return units

    def available(self, at: Place) -> int:
        return self.fit(at) - self.claimed(at)

    def fit(self, at: Place) -> int:
        return self.on_hand[at] - self.damaged[at] - self.aside[at]

    def owed(self, at: Place) -> int:
        """Claimed and not there: sold ahead of supply."""
        return max(0, -self.available(at))

    def free(self, at: Place) -> int:
        return max(0, self.available(at) - self.safety[at] + self.limits[at])

    def atp(self, sku: str, channel: str = "web") -> int:
        """What a channel may claim: all there is, or for the web shop what is not the market's alone."""
        there = sum(self.free((node, sku)) for node in NODES)
        if channel == "market" or sku != ALLOTTED:
            return there
        drawn = sum(
            n
            for o in self.of_market
            for (s, r, _), n in self.orders[o].items()
            if s == sku and 200 <= r <= 800
        )
        return there - min(there, max(0, self.markets - drawn))

    def waiting(self, sku: str) -> int:
        """Units that orders in line may have a claim on before anybody new."""
        return sum(n for p in self.orders.values() for (s, r, _), n in p.items() if s == sku and r in SHORT)

    @property
    def going(self) -> list[UUID]:
        """Orders placed since all began."""
        return sorted(order for order in self.orders if order != self.shop.sold)

    def order_with(self, data: st.DataObject, *ranks: int) -> UUID | None:
        found = [o for o, p in self.orders.items() if any(r in ranks for _, r, _ in p)]
        return data.draw(st.sampled_from(found)) if found else None

    # --- what must be so after every step ---------------------------------------------------------------------

    def settle(self, *touched: UUID, taken: dict[Place, int] | None = None) -> None:
        """Take over what became of what the call was about; everything else must be as it was.

        `taken`: units that a count took from the youngest claims at these places, whoever had them.
        """
        seen = self.shop.look()
        lost: Counter[Place] = Counter()
        for order, pieces in seen.slices.items():
            before = self.orders.get(order, Counter())
            if pieces != before and order not in touched:
                lost += self._lost_only(order, before, pieces)
            self.orders[order] = pieces
        for cart, units in seen.carts.items():
            before = self.carts.get(cart, Counter())
            if units != before and cart not in touched:
                assert not units - before, "a cart grew by itself"
                lost += before - units
            self.carts[cart] = units
        assert lost == Counter({k: n for k, n in (taken or {}).items() if n}), (lost, taken)
        for at in ((node, sku) for node in NODES for sku in SKUS):
            row = seen.stock.get(at, dict.fromkeys(_BUCKETS, 0))
            assert row["on_hand"] == self.on_hand[at], at
            assert row["damaged"] == self.damaged[at], at
            assert row["quality_control"] == self.aside[at], at
            assert row["reserved"] + row["allocated"] == self.claimed(at), at
            assert self.owed(at) <= self.limits[at], f"{at} is oversold"
        for order, units in self.ordered.items():
            total: Counter[str] = Counter()
            for (sku, _, _), n in self.orders[order].items():
                total[sku] += n
            assert total == units, "units of an order appeared or vanished"
        self.moments.append((datetime.now(UTC), Counter(self.on_hand)))

    def _lost_only(self, order: UUID, before: Counter[Any], after: Counter[Any]) -> Counter[Place]:
        """What a count took: units that had stock and now have none, at rank short."""
        gone: Counter[Place] = Counter()
        for (sku, rank, node), units in (before - after).items():
            assert RESERVED <= rank < PACKED, f"a count changed units of {order} at rank {rank}"
            gone[node, sku] += units
        come: Counter[str] = Counter()
        for (sku, rank, _), units in (after - before).items():
            assert rank == 120, f"a count made units of {order} rank {rank}"
            come[sku] += units
        assert sum(gone.values()) == sum(come.values())
        return gone

    @invariant()
    def sound(self) -> None:
        self.steps += 1
        if self.steps % 10 == 0:
            assert self.shop.audited() == {}

    def _recounted(
        self,
        at: Place,
        delta: int,
        damaged: int,
        loss: Any,
        since: datetime | None = None,
        aside: int = 0,
    ) -> None:
        """As far as there are units; carts lose theirs first, packed units stay counted."""
        node, sku = at
        on_hand = max(0, self.on_hand[at] + delta)
        broken = min(on_hand, max(0, self.damaged[at] + damaged))
        held = min(on_hand - broken, max(0, self.aside[at] + aside))
        in_carts = sum(cart[at] for cart in self.carts.values())
        packed = sum(
            n for p in self.orders.values() for (s, r, w), n in p.items() if (s, w, r) == (sku, node, PACKED)
        )
        missing = max(0, self.claimed(at) - (on_hand - broken - held) - self.limits[at])
        from_carts = min(missing, in_carts)
        from_orders = min(missing - from_carts, self.claimed(at) - in_carts - packed)
        stays = missing - from_carts - from_orders
        assert (loss.carts, loss.orders, loss.packed) == (from_carts, from_orders, stays), loss
        back = min(stays, max(0, self.on_hand[at] - on_hand))
        corrected = on_hand + back - self.on_hand[at]
        self.on_hand[at] = on_hand + back
        freed = max(0, min(stays - back, held - self.aside[at]))
        self.aside[at] = held - freed
        self.damaged[at] = broken - max(0, min(stays - back - freed, broken - self.damaged[at]))
        for when, then in self.moments:
            # What was counted is true from the moment it speaks of.
            then[at] += corrected if since is not None and when >= since else 0
        self.settle(taken={at: from_carts + from_orders})
