"""The values of routing: what is wanted, where it could come from, what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from orderloom.delivery.transit import BY_CONTRACT, Assured
from orderloom.network.model import Node
from orderloom.packing.houserules import USUAL, HouseRules
from orderloom.packing.model import Article, Carton
from orderloom.packing.model import Parcel as Packed
from orderloom.shipping.model import Quote
from orderloom.shipping.quota import Closed, Credit
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address, Quantities

# A question's parts are never changed; they are not frozen, since making one would take three times as long.


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
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

    def json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "line": self.key,
            "sku": self.sku,
            "quantity": self.quantity,
            "fixed_node": self.fixed_node,
        }


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Source:
    """A node and what it could give this order now. `refused` names why it may not be considered at all.

    `scarcity`: by SKU, in minor units, what a unit is worth if it is kept there. It guides the choice and is no cost.
    `cartons`: by code how many it has of those in use, None of one that never runs out; left out, it packs into any.
    `packing`: its own rules for every carton; left out, those of the request hold.
    """

    node: Node
    available: Quantities
    capacity_left: int | None = None
    refused: str | None = None
    scarcity: Mapping[str, int] = field(default_factory=dict)
    cartons: Mapping[str, int | None] | None = None
    packing: HouseRules | None = None

    @property
    def full(self) -> bool:
        """It takes no more fulfillment orders today."""
        return self.capacity_left is not None and self.capacity_left <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How far an order may be divided, which nodes may ship it, and how many counted steps the search may take.

    `split_from`: an order worth less goes out from one node or not at all. `groups`, `types`: only nodes of one of
    these groups, of one of these types. `stores_most`, `store_units_most`: how many stores ship one order, and how many
    units a store ships of it. `nearest`: so many nodes that have some of it are looked at.
    `consolidate_day_cost`: what a day counts that an order waits for its rest; without it none waits.
    """

    max_shipments: int = 4
    ship_complete: bool = False
    split_from: int = 0
    groups: Sequence[str] | None = None
    types: Sequence[str] | None = None
    stores_most: int | None = None
    store_units_most: int | None = None
    nearest: int = 200
    consolidate_day_cost: int | None = None
    effort: int = 20_000

    @classmethod
    def of(cls, split: Mapping[str, Any], *, ship_complete: bool = False) -> Policy:
        """A channel's policy for splits, as it is kept with the channel; what it does not name is as it is by default."""
        named = cls.__dataclass_fields__.keys() - {"ship_complete"}
        return cls(ship_complete=ship_complete, **{key: split[key] for key in named if key in split})

    def json(self) -> dict[str, Any]:
        """The stored form."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.consolidate_day_cost is None:
            del found["consolidate_day_cost"]
        for name in ("groups", "types"):
            if found[name] is not None:
                found[name] = list(found[name])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """What sourcing rules read of the order beside its goods and its destination."""

    channel: str | None
    service_level: str
    priority: int = 0
    tags: Sequence[str] = ()

    def json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "channel": self.channel,
            "service_level": self.service_level,
            "priority": self.priority,
            "tags": list(self.tags),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What the order still lacks: its units, by node's code and SKU where they are expected, and when the last is there."""

    wants: tuple[Want, ...]
    expected: Mapping[str, Mapping[str, int]]
    ready_at: datetime

    def json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "lines": [want.json() for want in self.wants],
            "expected": {code: dict(units) for code, units in self.expected.items()},
            "ready_at": self.ready_at.isoformat(),
        }


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Request:
    """One snapshot to decide on. `promise_at` bears the destination's zone; `value` is the goods', in minor units.

    `order` is there where sourcing rules may have a say. `assured`: what was learnt of how late parcels come, and with which
    chance a way must keep the promise. `closed`: services that carriers take no more shipments by on a day.
    `credits`: what a shipment by a service counts cheaper on a day, since it helps to meet a commitment to its carrier.
    `rest`: units of the order that are none of the wants, since they are still to come.
    `packing`: the house's rules for every carton.
    """

    wants: tuple[Want, ...]
    sources: tuple[Source, ...]
    destination: Address
    tariffs: tuple[Tariff, ...]
    cartons: tuple[Carton, ...]
    now: datetime
    promise_at: datetime | None
    policy: Policy = field(default_factory=Policy)
    value: int | None = None
    order: Asker | None = None
    assured: Assured = BY_CONTRACT
    closed: frozenset[Closed] = frozenset()
    credits: frozenset[Credit] = frozenset()
    rest: Rest | None = None
    packing: HouseRules = USUAL

    @property
    def shipments_most(self) -> int:
        """In how many shipments it may leave."""
        if self.value is not None and self.value < self.policy.split_from:
            return 1
        return self.policy.max_shipments

    def json(self) -> dict[str, Any]:
        """The snapshot as it is kept: everything the answer depends on that is not versioned elsewhere."""
        return {
            "lines": [want.json() for want in self.wants],
            "nodes": [
                {
                    "node": s.node.code,
                    "version": s.node.version,
                    "available": dict(s.available),
                    "capacity_left": s.capacity_left,
                    "refused": s.refused,
                    **({"scarcity": dict(s.scarcity)} if s.scarcity else {}),
                    **({"cartons": dict(s.cartons)} if s.cartons is not None else {}),
                    **({"packing": s.packing.json()} if s.packing is not None else {}),
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
            "value": self.value,
            **({"packing": self.packing.json()} if self.packing != USUAL else {}),
            **({"order": self.order.json()} if self.order else {}),
            **({"learnt": self.assured.json()} if self.assured.learnt.tables else {}),
            **(
                {"closed": sorted([c, s, day.isoformat()] for c, s, day in self.closed)}
                if self.closed
                else {}
            ),
            **(
                {"credits": sorted([c, s, day.isoformat(), worth] for c, s, day, worth in self.credits)}
                if self.credits
                else {}
            ),
            **({"rest": self.rest.json()} if self.rest else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one node ships: its units by line, parcels, service, cost by parts, and when it leaves and arrives.

    `due`: the day by which it is there as surely as is asked, the contract's own where nothing was learnt. `credit`: what it
    counts cheaper for an open commitment; like `scarcity` it guides the choice and is no cost.
    """

    node: Node
    units: Mapping[str, int]
    parcels: tuple[Packed, ...]
    quote: Quote
    ship_by: datetime
    due: date
    late: bool
    carton_cost: int
    pick_cost: int
    scarcity: int = 0
    credit: int = 0

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
            **({"due": self.due.isoformat()} if self.due != self.quote.arrives_on else {}),
            "late": self.late,
            **({"credit": self.credit} if self.credit else {}),
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
    """A way to ship: parts by node."""

    parts: tuple[Part, ...]

    @property
    def cost(self) -> int:
        """Landed cost of all parts."""
        return sum(part.cost for part in self.parts)

    @property
    def weighed(self) -> int:
        """What plans are compared by: the cost, what the units are worth where they would have been kept, less credits."""
        return sum(part.cost + part.scarcity - part.credit for part in self.parts)

    @property
    def late(self) -> bool:
        """Whether any part misses the promise."""
        return any(part.late for part in self.parts)

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """The key plans are compared by: lateness and then the last arrival, cost, shipments.

        Among equals the search takes the nodes whose codes stand earlier in the alphabet, by the sum of their places; of
        ways to divide the units among the same nodes the one in which the earlier give more (`search.py`).
        """
        last = max(part.due for part in self.parts).toordinal() if self.late else 0
        return self.late, last, self.weighed, len(self.parts)

    def json(self, skus: Mapping[str, str]) -> dict[str, Any]:
        """The form in a decision record."""
        return {
            "cost": self.cost,
            "late": self.late,
            "shipments": [part.json(skus) for part in self.parts],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """The sourcing profile that a decision follows: `asked` is the question before a strategy was put to it.

    `told` is JSON: the rule, what it was met by, the strategies tried and the one chosen, what is to be done after.
    """

    profile_id: UUID
    asked: Request
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidation:
    """Whether the order waits for its rest, and why. `until`: the last moment from which what is there comes in time.

    `apart`, `together`: landed cost without waiting and with it; `waiting`: what the wait counts. None where not planned.
    """

    rest: Rest
    because: str
    held: bool = False
    until: datetime | None = None
    apart: int | None = None
    together: int | None = None
    waiting: int = 0

    @property
    def saving(self) -> int:
        """By how much the parcels cost less together."""
        return 0 if self.apart is None or self.together is None else self.apart - self.together

    def json(self) -> dict[str, Any]:
        """The form in a decision record."""
        return {
            "held": self.held,
            "because": self.because,
            "waits_for": [{"sku": want.sku, "quantity": want.quantity} for want in self.rest.wants],
            "expected": {code: dict(units) for code, units in self.rest.expected.items()},
            "ready_at": self.rest.ready_at.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "apart": self.apart,
            "together": self.together,
            "saving": self.saving,
            "waiting": self.waiting,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided: the plan, the next best, and how hard it was to find. `explaining` tells why.

    `without`: by node of the plan what the best plan that does without it weighs, where one was found.
    """

    outcome: str
    """`routed`, `split`, `held` (for its rest), `partial` (some units nowhere), `backorder` (nothing is there), `unroutable`."""
    plan: Plan | None
    runner_up: Plan | None
    uncovered: Mapping[str, int]
    effort: Mapping[str, Any]
    bound: int | None
    proven: bool
    request: Request
    without: Mapping[str, int]
    sourced: Sourced | None = None
    consolidation: Consolidation | None = None

    @property
    def held(self) -> bool:
        """It waits for its rest, and the plan is not carried out yet."""
        return self.consolidation is not None and self.consolidation.held

    @property
    def asked(self) -> Request:
        """The question as it was put."""
        return self.sourced.asked if self.sourced else self.request

    @property
    def gap(self) -> int | None:
        """By how much a plan could at most be better; nought when the plan is proven."""
        return None if self.plan is None or self.bound is None else max(0, self.plan.weighed - self.bound)

    def json(self) -> dict[str, Any]:
        """The decision record's answer."""
        skus = {want.key: want.sku for want in self.request.wants}
        return {
            "outcome": self.outcome,
            "currency": self.plan.parts[0].quote.currency if self.plan else None,
            "plan": self.plan.json(skus) if self.plan else None,
            "runner_up": self.runner_up.json(skus) if self.runner_up else None,
            "uncovered": dict(self.uncovered),
            "proven": self.proven,
            "bound": self.bound,
            "gap": self.gap,
            "without": dict(self.without),
            "promise_at": self.request.promise_at.isoformat() if self.request.promise_at else None,
            "late": bool(self.plan and self.plan.late),
            "effort": dict(self.effort),
            **({"sourcing": dict(self.sourced.told)} if self.sourced else {}),
            **({"consolidation": self.consolidation.json()} if self.consolidation else {}),
        }
