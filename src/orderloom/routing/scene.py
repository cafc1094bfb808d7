"""A decision seen again to be explained: its question, its plans, and what any one node would come to (pure).

All of it follows from the question and the record's answer, so that it is the same whenever it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from orderloom.network.calendar import local
from orderloom.network.model import Node
from orderloom.routing.boxes import Home
from orderloom.routing.lanes import world_of
from orderloom.routing.model import Request, Source
from orderloom.routing.plan import screen
from orderloom.routing.pricing import Goods
from orderloom.routing.ways import Chosen, Lane, Origin, Pack


class Alone(NamedTuple):
    """One node shipping everything: the way, and the cost as plans are compared by it and without scarcity."""

    chosen: Chosen
    weighed: int
    cost: int


class Shipment(NamedTuple):
    """What one node ships by a stored plan. `units` by SKU; `carton` of its first parcel."""

    node: Node
    units: Mapping[str, int]
    parcels: int
    carton: str | None
    carrier: str
    service: str
    zone: int
    cost: int
    carriage: int
    cartons: int
    credit: int
    ship_by: datetime
    due: date
    late: bool
    weighed: int

    @classmethod
    def of(cls, stored: Mapping[str, Any], source: Source) -> Shipment:
        """From its JSON in the record (`model.Part`)."""
        units: dict[str, int] = {}
        for line in stored["lines"]:
            units[line["sku"]] = units.get(line["sku"], 0) + line["quantity"]
        credit = stored.get("credit", 0)
        scarcity = sum(source.scarcity.get(sku, 0) * n for sku, n in units.items()) if source.scarcity else 0
        return cls(
            node=source.node,
            units=units,
            parcels=len(stored["parcels"]),
            carton=stored["parcels"][0]["carton"],
            carrier=stored["carrier"],
            service=stored["service"],
            zone=stored["zone"],
            cost=stored["cost"],
            carriage=stored["cost_parts"]["carriage"],
            cartons=stored["cost_parts"]["cartons"],
            credit=credit,
            ship_by=local(source.node, datetime.fromisoformat(stored["ship_by"])),
            due=date.fromisoformat(stored.get("due", stored["arrives"])),
            late=stored["late"],
            weighed=stored["cost"] + scarcity - credit,
        )


class Scene:
    """What was asked and decided. `calls`: all units to be shipped, by SKU; `best`, `second`: the plans, empty where there
    is none; `without`: by node, what the best plan that does without it weighs.
    """

    def __init__(self, request: Request, answer: Mapping[str, Any]) -> None:
        self.request = request
        self.without: Mapping[str, int] = answer["without"]
        self.world = world_of(
            request.tariffs, request.cartons, request.assured, request.closed, request.credits
        )
        self.reach = self.world.reach(request.destination)
        self.calls = _calls(request, answer)
        self.promised = request.promise_at.date() if request.promise_at else None
        self._sources = {source.node.code: source for source in request.sources}
        self.best, self.second = self._shipments(answer["plan"]), self._shipments(answer["runner_up"])
        self.late = any(one.late for one in self.best)
        self.weighed = sum(one.weighed for one in self.best)
        self._fixed = {want.fixed_node for want in request.wants} - {None}
        goods = Goods.of({want.sku: want.article for want in reversed(request.wants)}, self.world)
        self._numbers = dict(zip(goods.skus, goods.numbers, strict=True))
        self._origins: dict[str, Origin] = {}
        self._lanes: dict[tuple[str, date | None], Lane] = {}
        self._everything: dict[int, Pack] = {}
        self._covers: dict[str, Mapping[str, int]] = {}

    def _shipments(self, plan: Mapping[str, Any] | None) -> Sequence[Shipment]:
        stored = plan["shipments"] if plan else ()
        return tuple([Shipment.of(one, self._sources[one["node"]]) for one in stored])

    @cached_property
    def out(self) -> Mapping[str, str]:
        """The nodes that may not ship it at all, and why."""
        return screen(self.request)[1]

    @cached_property
    def short(self) -> set[str]:
        """The SKUs of which not all units are to be shipped: with more stock, more would be."""
        wanted: dict[str, int] = {}
        for want in self.request.wants:
            wanted[want.sku] = wanted.get(want.sku, 0) + want.quantity
        return {sku for sku, units in wanted.items() if self.calls.get(sku, 0) < units}

    @cached_property
    def tied(self) -> list[list[str]]:
        """The SKUs to be shipped that must stay together."""
        groups: dict[str, list[str]] = {}
        for want in self.request.wants:
            name, sku = want.article.together, want.sku
            if name is not None and sku in self.calls and sku not in groups.setdefault(name, []):
                groups[name].append(sku)
        return [sorted(skus) for _, skus in sorted(groups.items())]

    def everything(self, source: Source) -> Pack:
        """All units in the node's cartons."""
        if source.cartons is None and source.packing is None:
            return self._usually
        home = self._home(source)
        found = self._everything.get(home.number)
        if found is None:
            found = self._everything[home.number] = self._packed(home, self.calls)
        return found

    @cached_property
    def _usually(self) -> Pack:
        return self._packed(self._usual, self.calls)

    @cached_property
    def _usual(self) -> Home:
        return self.world.packings.home(self.request.packing)

    def _home(self, source: Source) -> Home:
        if source.cartons is None and source.packing is None:
            return self._usual
        return self.world.packings.home(source.packing or self.request.packing, source.cartons)

    def origin(self, node: Node) -> Origin:
        """The node with its handovers."""
        found = self._origins.get(node.code)
        if found is None:
            [found] = self.world.origins((node,), self.request.now)
            self._origins[node.code] = found
        return found

    def lane(self, node: Node, *, until: date | None = None) -> Lane:
        """The ways from there to the buyer."""
        key = node.code, until
        found = self._lanes.get(key)
        if found is None:
            found = self._lanes[key] = self.lane_from(self.origin(node), until=until)
        return found

    def lane_from(self, origin: Origin, *, until: date | None = None) -> Lane:
        """The same for a node whose hours are other than its own."""
        [lane] = self.world.lanes((origin,), self.reach, self.promised, until)
        return lane

    def covers(self, source: Source) -> Mapping[str, int]:
        """What the node has of what is to be shipped: `calls` itself where it has all."""
        found = self._covers.get(source.node.code)
        if found is None:
            has = source.available
            found = self.calls
            for sku, units in self.calls.items():
                if has.get(sku, 0) < units:
                    found = {sku: min(units, has[sku]) for sku, units in self.calls.items() if sku in has}
                    break
            self._covers[source.node.code] = found
        return found

    def covers_all(self, source: Source) -> bool:
        """Whether the node has all of it."""
        return self.covers(source) is self.calls

    def bound_elsewhere(self, code: str) -> bool:
        """Whether units that are to be shipped may come from another node alone."""
        return bool(self._fixed) and self._fixed != {code}

    def _packed(self, home: Home, units: Mapping[str, int]) -> Pack:
        numbers = self._numbers
        return self.world.packings.packed(
            tuple([(numbers[sku], n) for sku, n in sorted(units.items())]), home
        )

    def pack_of(self, shipment: Shipment) -> Pack:
        """What it ships in its cartons."""
        source, units = self._sources[shipment.node.code], shipment.units
        return self.everything(source) if units == self.calls else self._packed(self._home(source), units)

    def alone(self, source: Source, lane: Lane) -> Alone | None:
        """Everything from one node by that lane, whatever it has."""
        pack = self.everything(source)
        chosen = self.world.price(lane, pack)
        if chosen is None:
            return None
        node = source.node
        cost = (
            chosen.cost + chosen.pack.carton_cost + node.pick_cost + node.unit_cost * sum(self.calls.values())
        )
        scarce = source.scarcity
        weighed = cost - chosen.cost + chosen.weighed
        if scarce:
            weighed += sum(scarce.get(sku, 0) * n for sku, n in self.calls.items())
        return Alone(chosen, weighed, cost)


def _calls(request: Request, answer: Mapping[str, Any]) -> dict[str, int]:
    """What was to be shipped: nothing where nothing was there, else all that was not left uncovered."""
    found: dict[str, int] = {}
    if answer["plan"] is None and answer["outcome"] == "backorder":
        return found
    for want in sorted(request.wants, key=lambda want: want.fixed_node is not None):
        units = want.quantity - answer["uncovered"].get(want.key, 0)
        if units:
            found[want.sku] = found.get(want.sku, 0) + units
    return found
