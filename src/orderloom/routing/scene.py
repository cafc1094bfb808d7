"""A decision seen again to be explained: its question, its plans, and what any one node would come to (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

from orderloom.network.model import Node
from orderloom.routing.boxes import Home
from orderloom.routing.lanes import World
from orderloom.routing.model import Part, Plan, Request, Source
from orderloom.routing.pricing import Goods, Pricing
from orderloom.routing.ways import Chosen, Lane, Origin, Pack


class Alone(NamedTuple):
    """One node shipping everything: the way, and the cost as plans are compared by it and without scarcity."""

    chosen: Chosen
    weighed: int
    cost: int


class Scene:
    """What was asked and decided. `calls`: all units to be shipped, by SKU; `most`: in so many shipments; `without`: by
    node, the best plan's cost.

    `pricing` has looked up most of the nodes' lanes.
    """

    def __init__(
        self,
        *,
        request: Request,
        out: Mapping[str, str],
        world: World,
        pricing: Pricing,
        goods: Goods,
        calls: Mapping[str, int],
        most: int,
        best: Plan | None,
        second: Plan | None,
        without: Mapping[str, int],
    ) -> None:
        self.request, self.out, self.world, self.calls, self.most = request, out, world, calls, most
        self.best, self.second, self.without = best, second, without
        self.promised = request.promise_at.date() if request.promise_at else None
        self.late = best is not None and best.late
        self.weighed = best.weighed if best else 0
        self._sources = {source.node.code: source for source in request.sources}
        self._fixed = {want.fixed_node for want in request.wants} - {None}
        self._skus = {want.key: want.sku for want in request.wants}
        self.reach = pricing.reach
        codes = [source.node.code for source in pricing.sources]
        self._origins: dict[str, Origin] = dict(zip(codes, pricing.origins, strict=True))
        self._lanes: dict[tuple[str, date | None], Lane] = {
            (code, pricing.until): lane for code, lane in zip(codes, pricing.lanes, strict=True)
        }
        self._numbers = dict(zip(goods.skus, goods.numbers, strict=True))
        self._everything: dict[int, Pack] = {}
        self._covers: dict[str, Mapping[str, int]] = {}

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
            found = self._origins[node.code] = self.world.origin(node, self.request.now)
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
        return self.world.lane(origin, self.reach, self.promised, until)

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

    def units_of(self, part: Part) -> dict[str, int]:
        """What a part ships, by SKU."""
        found: dict[str, int] = {}
        for key, units in part.units.items():
            sku = self._skus[key]
            found[sku] = found.get(sku, 0) + units
        return found

    def pack_of(self, part: Part) -> Pack:
        """What a part ships in its cartons."""
        source, units = self._sources[part.node.code], self.units_of(part)
        return self.everything(source) if units == self.calls else self._packed(self._home(source), units)

    def alone(self, source: Source, lane: Lane) -> Alone | None:
        """Everything from one node by that lane, whatever it has."""
        pack = self.everything(source)
        chosen = self.world.price(lane, pack)
        if chosen is None:
            return None
        node = source.node
        cost = chosen.cost + pack.carton_cost + node.pick_cost + node.unit_cost * sum(self.calls.values())
        scarce = source.scarcity
        weighed = cost - chosen.cost + chosen.weighed
        if scarce:
            weighed += sum(scarce.get(sku, 0) * n for sku, n in self.calls.items())
        return Alone(chosen, weighed, cost)
