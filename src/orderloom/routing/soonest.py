"""By when a buyer can have it (pure): every node and service priced and timed exactly as routing would, then ranked.

A promise made from other figures than routing's is one that routing cannot keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from orderloom.delivery.model import NoWay
from orderloom.delivery.promise import end_of_day, path_between, ship_date
from orderloom.delivery.transit import BY_CONTRACT, LEVELS, Assured, Learnt, Path
from orderloom.network.calendar import NeverWorks
from orderloom.network.model import Node
from orderloom.network.places import positioned
from orderloom.packing.cartonize import PLANNED_EFFORT, lacking, whole
from orderloom.packing.houserules import USUAL, HouseRules, stocked
from orderloom.packing.landed import Price
from orderloom.packing.model import Article, Carton, PackPlan
from orderloom.routing.boxes import NO_CARTON
from orderloom.routing.carriage import asked_by
from orderloom.routing.model import Source
from orderloom.routing.world import Leaf, articles_of
from orderloom.shipping.model import Ineligible, Parcel, Place, Quote
from orderloom.shipping.select import delivering, quote
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address

_NAMED = {f"p{round(level * 100)}": level for level in LEVELS}


@dataclass(frozen=True, slots=True)
class Likely:
    """What was learnt of a way: the chance that a day is kept, and the days by which shares of parcels are there.

    Where nothing was learnt of the service the day is the contract's, and nothing is said of chances.
    """

    learnt: Learnt
    path: Path
    tariff: Tariff
    service: str
    arrives_on: date
    shipped_on: date

    def by(self, level: float) -> date:
        """The day by which a share of `level` is there; beyond the contract's own, one on which it delivers."""
        return self.day(self.learnt.slip(self.path, level))

    def day(self, slip: int) -> date:
        """So many days after the contract's own."""
        day = self.arrives_on + timedelta(days=slip)
        return day if slip <= 0 else delivering(contract=self.tariff, service=self.service, day=day) or day

    def json(self, promised: date) -> dict[str, Any]:
        """The form on the wire."""
        chance = self.learnt.probability(self.path, (promised - self.arrives_on).days)
        cell = self.learnt.cell(self.path)
        return {
            "probability": None if chance is None else round(chance, 3),
            **{
                name: max(self.by(level), self.shipped_on).isoformat() if cell else None
                for name, level in _NAMED.items()
            },
            "learnt_from": self.learnt.counts.get(cell, 0) if cell else 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to bring all that is wanted: node, service, handover, arrival and what the carriage costs."""

    node: str
    quote: Quote
    ship_by: datetime
    promised: date
    promise_at: datetime
    likely: Likely

    @property
    def order(self) -> tuple[datetime, date, int, str, str, str]:
        """The sooner promised first, then the sooner planned, then the cheaper."""
        q = self.quote
        return self.promise_at, q.arrives_on, q.cost, q.carrier, q.service, self.node

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "node": self.node,
            "carrier": self.quote.carrier,
            "service": self.quote.service,
            "ship_by": self.ship_by.isoformat(),
            "arrives_on": self.quote.arrives_on.isoformat(),
            "promise_at": self.promise_at.isoformat(),
            **self.likely.json(self.promised),
            "cost": self.quote.cost,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Soonest:
    """The ways to bring something, soonest first, and why the others are none."""

    ways: tuple[Way, ...]
    refused: tuple[NoWay, ...]

    def json(self) -> dict[str, Any]:
        """The earliest of all, of each service and of each node, and the ways that are none."""
        by_service: dict[tuple[str, str], Way] = {}
        by_node: dict[str, Way] = {}
        for way in self.ways:
            by_service.setdefault((way.quote.carrier, way.quote.service), way)
            by_node.setdefault(way.node, way)
        return {
            "earliest": self.ways[0].json() if self.ways else None,
            "by_service": [way.json() for way in by_service.values()],
            "by_node": [way.json() for way in by_node.values()],
            "refused": [
                {"node": one.node, "carrier": one.carrier, "service": one.service, "reason": one.reason}
                for one in self.refused
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """What all ways have in common."""

    destination: Address
    tariffs: tuple[Tariff, ...]
    cartons: tuple[Carton, ...]
    now: datetime
    time_zone: str
    assured: Assured = BY_CONTRACT
    packing: HouseRules = USUAL
    to: Place | None = None

    def place(self) -> Place:
        """The destination as rating sees it; rating is quicker for one and the same than for its like."""
        return self.to or Place.of(self.destination)


def soonest(wanted: Sequence[Leaf], sources: Sequence[Source], lanes: Lanes) -> Soonest:
    """Every way for one node to bring all of it."""
    goods = articles_of(wanted)
    lanes = replace(lanes, to=lanes.place())
    ways: list[Way] = []
    refused: list[NoWay] = []
    packed: dict[object, Packed] = {}
    none_left: dict[object, bool] = {}
    for source in sources:
        if reason := _refusal(source, wanted, goods):
            refused.append(NoWay(node=source.node.code, carrier="*", service="*", reason=reason))
            continue
        own = None if source.cartons is None else tuple(source.cartons.items())
        key = (source.packing or lanes.packing, own)
        if key not in packed:
            cartons = lanes.cartons if own is None else stocked(lanes.cartons, dict(own))
            packed[key] = Packed(goods, source.packing or lanes.packing, cartons)
            none_left[key] = own is not None and packed[key].lacks(lanes.cartons)
        if none_left[key]:
            refused.append(NoWay(node=source.node.code, carrier="*", service="*", reason=NO_CARTON))
            continue
        for way in _ways(source.node, packed[key], lanes):
            if isinstance(way, Way):
                ways.append(way)
            else:
                refused.append(way)
    return Soonest(ways=tuple(sorted(ways, key=lambda way: way.order)), refused=tuple(refused))


def _refusal(source: Source, wanted: Sequence[Leaf], goods: Sequence[Article]) -> str | None:
    if source.refused:
        return source.refused
    if not source.node.active:
        return "the node is not active"
    if any(leaf.node not in {None, source.node.code} for leaf in wanted):
        return "another node is asked for"
    if any(article.hazmat_class for article in goods) and not source.node.ships_hazmat:
        return "does not ship dangerous goods"
    if source.capacity_left is not None and source.capacity_left <= 0:
        return "its capacity for the day is used up"
    short = [g.sku for g in goods if source.available.get(g.sku, 0) < g.quantity]
    return f"has not enough of {', '.join(short[:4])}" if short else None


class Packed:
    """The goods packed as a node packs: the same parcels for all services, or, at the least landed cost, each service's own."""

    def __init__(self, goods: Sequence[Article], house: HouseRules, cartons: Sequence[Carton]) -> None:
        self._goods, self._rules = goods, house.rules
        found = house.landing(goods, cartons)
        self._landing = None if found is None else found.whole()
        self._fewest = (
            self._landing.fewest
            if self._landing
            else whole(goods, cartons, effort=PLANNED_EFFORT, rules=house.rules)
        )
        self._dangerous = {article.sku for article in goods if article.hazmat_class}
        self._parcels = self._rated(self._fewest)

    def lacks(self, cartons: Sequence[Carton]) -> bool:
        """Whether goods are left without a carton that one of these would take."""
        return lacking(self._fewest, self._goods, cartons, self._rules)

    def parcels(self, price: Price) -> Sequence[Parcel]:
        """What is handed over where carriage asks this."""
        return self._rated(self._landing.found(price)[0]) if self._landing else self._parcels

    def _rated(self, plan: PackPlan) -> list[Parcel]:
        return [
            Parcel.of(
                dimensions=packed.outer,
                weight_g=packed.weight_g,
                hazmat=not self._dangerous.isdisjoint(packed.contents),
            )
            for packed in plan.parcels
        ]


def _ways(node: Node, packed: Packed, lanes: Lanes) -> Iterator[Way | NoWay]:
    origin = Place.of(positioned(node.address, latitude=node.latitude, longitude=node.longitude))
    for tariff in lanes.tariffs:
        for service in tariff.services:
            found = priced(node, tariff, service, packed.parcels, origin=origin, lanes=lanes)
            if isinstance(found, Ineligible):
                reason = "; ".join(found.reasons)
                yield NoWay(node=node.code, carrier=tariff.carrier, service=service, reason=reason)
                continue
            way, leaves = found
            likely = _likely(node, tariff, way, shipped_on=leaves.date(), lanes=lanes)
            promised = likely.day(lanes.assured.slip(likely.path))
            yield Way(
                node=node.code,
                quote=way,
                ship_by=leaves,
                promised=promised,
                promise_at=end_of_day(promised, time_zone=lanes.time_zone),
                likely=likely,
            )


def _likely(node: Node, tariff: Tariff, way: Quote, *, shipped_on: date, lanes: Lanes) -> Likely:
    path = path_between(node=node, to=lanes.destination, carrier=tariff.carrier, service=way.service)
    return Likely(lanes.assured.learnt, path, tariff, way.service, way.arrives_on, shipped_on)


def priced(
    node: Node,
    tariff: Tariff,
    service: str,
    parcels: Callable[[Price], Sequence[Parcel]],
    *,
    origin: Place,
    lanes: Lanes,
    trace: bool = False,
) -> tuple[Quote, datetime] | Ineligible:
    """What the service costs from the node at its next handover, and when that is. `parcels`: those for its price."""
    leaves = handover(node, tariff.carrier, service, lanes.now)
    if isinstance(leaves, Ineligible):
        return leaves
    ship_on, to = leaves.date(), lanes.place()
    asks = asked_by(contract=tariff, service=service, origin=origin, destination=to, ship_on=ship_on)
    found = quote(
        contract=tariff,
        service=service,
        parcels=parcels(asks),
        origin=origin,
        destination=to,
        ship_on=ship_on,
        trace=trace,
    )
    return found if isinstance(found, Ineligible) else (found, leaves)


def handover(node: Node, carrier: str, service: str, now: datetime) -> datetime | Ineligible:
    """When the node next hands over to the service."""
    if never := closed(node, carrier, service):
        return never
    try:
        return ship_date(node=node, carrier=carrier, service=service, now=now)
    except NeverWorks:
        return Ineligible(carrier, service, ("the node never works",))


def closed(node: Node, carrier: str, service: str) -> Ineligible | None:
    """Why the node does not ship by the service, if it does not."""
    if node.services is None or {service, f"{carrier}/{service}"} & set(node.services):
        return None
    return Ineligible(carrier, service, ("the node does not ship by this service",))
