"""An order as a member of a batch (pure): the exact router finds its ways, at prices and within what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from orderloom.routing.batch import HANDS, Key, Prices, Way
from orderloom.routing.model import Decision, Plan, Request, Source
from orderloom.shipping.quota import Limits
from orderloom.terms import Quantities

Decide: TypeAlias = Callable[[Request], Decision]
# What a day of lateness weighs beside money, in minor units.
LATE_COST = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One order's question, whose sources have all that the batch could give it together."""

    request: Request
    decide: Decide
    whenever: int
    """What no plan undercuts, whatever its day."""
    limits: Limits | None = None
    """What carriers take on a day, where the members share that too."""
    late_cost: int = LATE_COST

    @classmethod
    def of(cls, request: Request, decide: Decide, limits: Limits | None = None) -> Asked:
        """The member, asked once without its promise, so that lateness too has a floor."""
        decision = decide(replace(request, promise_at=None))
        return cls(request, decide, decision.bound or 0, limits)

    def best(self, prices: Prices, left: Mapping[Key, int] | None = None) -> tuple[Way | None, int]:
        """The router's plan at these prices, and what no plan undercuts: one on a later day bears its lateness."""
        sources = tuple(_at(source, prices, left) for source in self.request.sources)
        closed = self.request.closed
        if left is not None and self.limits is not None:
            closed = self.limits.closed_by(
                {name for (name, sku), n in left.items() if sku == HANDS and n <= 0}
            )
        decision = self.decide(replace(self.request, sources=sources, closed=closed))
        if decision.plan is None or decision.uncovered:
            return None, 0
        way = self.way(decision)
        penalty = self.late_cost * _days_late(decision.plan, self.request)
        return way, penalty + min(decision.bound or 0, self.whenever + self.late_cost)

    def way(self, decision: Decision) -> Way:
        """A decision as a way of the batch."""
        assert decision.plan is not None  # noqa: S101 - only plans are ways
        skus = {want.key: want.sku for want in self.request.wants}
        uses: dict[Key, int] = {}
        for part in decision.plan.parts:
            uses[part.node.code, HANDS] = 1
            if self.limits is not None:
                for name in self.limits.rooms(part.quote.carrier, part.quote.service, part.ship_by.date()):
                    uses[name, HANDS] = uses.get((name, HANDS), 0) + 1
            for key, units in part.units.items():
                at = (part.node.code, skus[key])
                uses[at] = uses.get(at, 0) + units
        counted = decision.plan.cost - sum(part.credit for part in decision.plan.parts)
        late = self.late_cost * _days_late(decision.plan, self.request)
        return Way(counted + late, tuple(sorted(uses.items())), decision)


def _at(source: Source, prices: Prices, left: Mapping[Key, int] | None) -> Source:
    code = source.node.code
    scarcity = {sku: prices[code, sku] for sku in source.available if prices.get((code, sku))}
    if left is None:
        return replace(source, scarcity=scarcity) if scarcity else source
    there = Quantities((sku, min(n, left.get((code, sku), 0))) for sku, n in source.available.items())
    full = left.get((code, HANDS), 1) <= 0
    return replace(
        source, scarcity=scarcity, available=there, capacity_left=0 if full else source.capacity_left
    )


def _days_late(plan: Plan, request: Request) -> int:
    if request.promise_at is None or not plan.late:
        return 0
    last = max(part.due for part in plan.parts)
    return max(1, (last - request.promise_at.date()).days)


def given(request: Request, available: Mapping[str, Mapping[str, int]]) -> Request:
    """The question with other units at its nodes: by node's code and SKU. Who has none of it is left out."""
    return replace(
        request,
        sources=tuple(
            replace(source, available=Quantities(available[source.node.code].items()))
            for source in request.sources
            if available.get(source.node.code)
        ),
    )


def units(ways: Iterable[Way]) -> dict[Key, int]:
    """What these ways take together."""
    total: dict[Key, int] = {}
    for way in ways:
        for key, count in way.uses:
            total[key] = total.get(key, 0) + count
    return total
