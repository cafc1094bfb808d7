"""The values of routing: what is wanted, where it could come from, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orderloom.network.model import Node
from orderloom.packing.model import Article, Carton
from orderloom.packing.model import Parcel as Packed
from orderloom.shipping.model import Quote
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Units of one order line that need a node. `key` names the line; `fixed_node` when the channel chose."""

    key: str
    article: Article
    quantity: int
    fixed_node: str | None = None

    @property
    def sku(self) -> str:
        """What is wanted."""
        return self.article.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A node and what it could give this order now. `refused` names why it may not be considered at all."""

    node: Node
    available: Quantities
    capacity_left: int | None = None
    refused: str | None = None

    @property
    def full(self) -> bool:
        """It takes no more fulfillment orders today."""
        return self.capacity_left is not None and self.capacity_left <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How far an order may be divided, and how many counted steps (rates asked, packing steps) the search may take."""

    max_shipments: int = 4
    ship_complete: bool = False
    nearest: int = 24
    effort: int = 20_000

    def json(self) -> dict[str, Any]:
        """The stored form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One snapshot to decide on. `promise_at` bears the destination's zone."""

    wants: tuple[Want, ...]
    sources: tuple[Source, ...]
    destination: Address
    tariffs: tuple[Tariff, ...]
    cartons: tuple[Carton, ...]
    now: datetime
    promise_at: datetime | None
    policy: Policy = field(default_factory=Policy)

    def json(self) -> dict[str, Any]:
        """The snapshot as it is kept: everything the answer depends on that is not versioned elsewhere."""
        return {
            "lines": [
                {"line": w.key, "sku": w.sku, "quantity": w.quantity, "fixed_node": w.fixed_node}
                for w in self.wants
            ],
            "nodes": [
                {
                    "node": s.node.code,
                    "version": s.node.version,
                    "available": dict(s.available),
                    "capacity_left": s.capacity_left,
                    "refused": s.refused,
                }
                for s in self.sources
            ],
            "destination": {
                "postcode": self.destination.postcode,
                "city": self.destination.city,
                "region": self.destination.region,
                "country": self.destination.country,
                "residential": self.destination.residential,
                "latitude": self.destination.latitude,
                "longitude": self.destination.longitude,
            },
            "contracts": [{"carrier": t.carrier, "version": t.version} for t in self.tariffs],
            "cartons": [carton.code for carton in self.cartons],
            "now": self.now.isoformat(),
            "promise_at": self.promise_at.isoformat() if self.promise_at else None,
            "policy": self.policy.json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one node ships: its units by line, parcels, service, cost by parts, and when it leaves and arrives."""

    node: Node
    units: Mapping[str, int]
    parcels: tuple[Packed, ...]
    quote: Quote
    ship_by: datetime
    late: bool
    carton_cost: int
    pick_cost: int

    @property
    def cost(self) -> int:
        """Landed cost in minor units: carriage, cartons, picking."""
        return self.quote.cost + self.carton_cost + self.pick_cost

    def json(self, skus: Mapping[str, str]) -> dict[str, Any]:
        """The form in a decision record."""
        return {
            "node": self.node.code,
            "carrier": self.quote.carrier,
            "service": self.quote.service,
            "zone": self.quote.zone,
            "cost": self.cost,
            "cost_parts": {
                "carriage": self.quote.cost,
                "cartons": self.carton_cost,
                "picking": self.pick_cost,
            },
            "ship_by": self.ship_by.isoformat(),
            "arrives": self.quote.arrives_on.isoformat(),
            "late": self.late,
            "lines": [
                {"line": key, "sku": skus[key], "quantity": units} for key, units in self.units.items()
            ],
            "parcels": [
                {
                    "carton": parcel.carton,
                    "contents": dict(parcel.contents),
                    "weight_g": parcel.weight_g,
                    "outer_mm": list(parcel.outer),
                }
                for parcel in self.parcels
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A way to ship: parts by node. Ordered by lateness, cost, shipments, then nodes and their units."""

    parts: tuple[Part, ...]

    @property
    def cost(self) -> int:
        """Landed cost of all parts."""
        return sum(part.cost for part in self.parts)

    @property
    def late(self) -> bool:
        """Whether any part misses the promise."""
        return any(part.late for part in self.parts)

    @property
    def order(self) -> tuple[Any, ...]:
        """The key plans are compared by; a late plan is worse by its last arrival before its cost."""
        last = max(part.quote.arrives_on for part in self.parts) if self.late else None
        return (
            self.late,
            last.toordinal() if last else 0,
            self.cost,
            len(self.parts),
            tuple(sorted((part.node.code, tuple(sorted(part.units.items()))) for part in self.parts)),
        )

    def json(self, skus: Mapping[str, str]) -> dict[str, Any]:
        """The form in a decision record."""
        return {
            "cost": self.cost,
            "late": self.late,
            "shipments": [part.json(skus) for part in self.parts],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided and why: the plan, the next best, every candidate's verdict, and what would have flipped it."""

    outcome: str
    """`routed`, `split`, `partial` (some units nowhere), `backorder` (no unit anywhere), `unroutable`."""
    plan: Plan | None
    runner_up: Plan | None
    uncovered: Mapping[str, int]
    candidates: tuple[Mapping[str, Any], ...]
    flips: tuple[Mapping[str, Any], ...]
    effort: Mapping[str, Any]
    request: Request

    def json(self) -> dict[str, Any]:
        """The decision record's answer."""
        skus = {want.key: want.sku for want in self.request.wants}
        return {
            "outcome": self.outcome,
            "currency": self.plan.parts[0].quote.currency if self.plan else None,
            "plan": self.plan.json(skus) if self.plan else None,
            "runner_up": self.runner_up.json(skus) if self.runner_up else None,
            "uncovered": dict(self.uncovered),
            "candidates": [dict(candidate) for candidate in self.candidates],
            "promise_at": self.request.promise_at.isoformat() if self.request.promise_at else None,
            "late": bool(self.plan and self.plan.late),
            "flips": [dict(flip) for flip in self.flips],
            "effort": dict(self.effort),
        }
