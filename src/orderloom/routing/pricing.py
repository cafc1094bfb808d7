"""What each node's part of one order costs: packed for real, by the cheapest way in time, with picking and handling.

The cost of a part, which the search is exact for, is the sum of
- carriage: all parcels by one service, the cheapest of those that keep the promise on the node's next handover;
- the cartons, as `packing.cartonize.whole` packs just these units within `PACKING_EFFORT`;
- the node's pick cost once, its unit cost and the scarcity price of each unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orderloom.packing.model import Article
from orderloom.routing.boxes import NOWHERE, Load
from orderloom.routing.floors import floor
from orderloom.routing.lanes import World
from orderloom.routing.model import Part, Request, Source
from orderloom.routing.search import Units
from orderloom.routing.ways import Chosen, Lane, Origin, Pack, Reach
from orderloom.shipping.model import Quote
from orderloom.terms import Quantities

# As much effort of packing takes the time of a step of the search.
_PACKING_A_STEP = 16


@dataclass(frozen=True, slots=True)
class Goods:
    """What the order wants, one entry an article: its number in the world, SKU, weight, volume, cartons it fits."""

    skus: tuple[str, ...]
    numbers: tuple[int, ...]
    weights: tuple[int, ...]
    volumes: tuple[int, ...]
    fits: tuple[int, ...]
    boxed: bool
    """Whether every article fits some carton: only then do cartons bound anything."""

    @classmethod
    def of(cls, articles: Mapping[str, Article], world: World) -> Goods:
        """The articles by SKU."""
        skus = tuple(sorted(articles))
        numbers = tuple(world.article(articles[sku]) for sku in skus)
        kinds = [articles[sku] for sku in skus]
        fits = tuple(world.fits(number) for number in numbers)
        return cls(
            skus,
            numbers,
            tuple(one.weight_g for one in kinds),
            tuple(one.length * one.width * one.height for one in kinds),
            fits,
            all(fits),
        )

    def load(self, units: Units) -> Load:
        """What a floor knows of these units."""
        weight = volume = 0
        common = -1
        fits: set[int] = set()
        for n, weighs, takes, fit in zip(units, self.weights, self.volumes, self.fits, strict=True):
            if n:
                weight += n * weighs
                volume += n * takes
                common &= fit
                fits.add(fit)
        if not self.boxed:
            return Load(weight, 0, 0, ())
        return Load(weight, volume, common, tuple(sorted(fits)))


class Pricing:
    """The costs of one order, for the search (`search.Costs`)."""

    __slots__ = (
        "_goods",
        "_loads",
        "_packs",
        "each",
        "fixed",
        "lanes",
        "origins",
        "reach",
        "sources",
        "spent",
        "until",
        "world",
    )

    def __init__(
        self,
        request: Request,
        sources: Sequence[Source],
        goods: Goods,
        world: World,
        *,
        until: date | None = None,
    ) -> None:
        self.world, self.sources, self.until = world, sources, until
        self._goods = goods
        self.spent = 0
        self._packs: dict[Units, Pack] = {}
        self._loads: dict[Units, Load] = {}
        promised = request.promise_at.date() if request.promise_at else None
        self.reach: Reach = world.reach(request.destination)
        now = request.now
        self.origins: list[Origin] = [world.origin(source.node, now) for source in sources]
        self.lanes: list[Lane] = [world.lane(origin, self.reach, promised, until) for origin in self.origins]
        self.fixed = [source.node.pick_cost for source in sources]
        skus = goods.skus
        self.each: list[Sequence[int]] = [
            [source.node.unit_cost + source.scarcity.get(sku, 0) for sku in skus]
            if source.scarcity
            else (source.node.unit_cost,) * len(skus)
            for source in sources
        ]

    def only(self, nodes: Sequence[int]) -> Pricing:
        """The same for some of the nodes."""
        found = object.__new__(Pricing)
        found.world, found.until, found.reach = self.world, self.until, self.reach
        found._goods, found._packs, found._loads = self._goods, self._packs, self._loads
        found.spent = self.spent
        found.sources = [self.sources[node] for node in nodes]
        found.origins = [self.origins[node] for node in nodes]
        found.lanes = [self.lanes[node] for node in nodes]
        found.fixed = [self.fixed[node] for node in nodes]
        found.each = [self.each[node] for node in nodes]
        return found

    # --- what the search asks -------------------------------------------------------------------------------------

    def opening(self, node: int) -> int:
        """The least that carriage comes to."""
        return self.lanes[node].opening

    def totals(self, units: Units, nodes: Sequence[int]) -> list[int | None]:
        """Each node's whole cost of the units."""
        pack, price, lanes, fixed = self.pack(units), self.world.price, self.lanes, self.fixed
        number, total = pack.number, sum(units)
        found: list[int | None] = []
        for node in nodes:
            lane = lanes[node]
            chosen = lane.chosen[number] if number in lane.chosen else price(lane, pack)
            if chosen is None:
                found.append(None)
                continue
            source = self.sources[node]
            cost = chosen.cost + pack.carton_cost + fixed[node] + source.node.unit_cost * total
            if source.scarcity:
                cost += self._scarce(source, units)
            found.append(cost)
        return found

    def _scarce(self, source: Source, units: Units) -> int:
        return sum(
            n * source.scarcity.get(sku, 0) for sku, n in zip(self._goods.skus, units, strict=True) if n
        )

    def floor(self, node: int, units: Units) -> int:
        """The least that carriage and cartons of at least these units come to."""
        load = self._loads.get(units)
        if load is None:
            load = self._loads[units] = self._goods.load(units)
        lane = self.lanes[node]
        found = lane.floors.get(load)
        if found is None:
            found = lane.floors[load] = floor(lane, load, self.world.boxes)
            self.world.kept += 1
        return found

    # --- what a plan is made of -----------------------------------------------------------------------------------

    def pack(self, units: Units) -> Pack:
        """The units in their cartons."""
        found = self._packs.get(units)
        if found is None:
            numbers = self._goods.numbers
            content = tuple((numbers[at], n) for at, n in enumerate(units) if n)
            found = self._packs[units] = self.world.packed(content)
            self.spent += found.effort // _PACKING_A_STEP
        return found

    def chosen(self, node: int, units: Units) -> Chosen | None:
        """The way that takes the units."""
        return self.world.price(self.lanes[node], self.pack(units))

    def reachable(self, node: int) -> bool:
        """Whether any service goes from the node to the buyer, in time."""
        return self.lanes[node].opening < NOWHERE

    def made(self, node: int, units: Units, lines: Mapping[str, int]) -> Part:
        """The part, told in full."""
        source, pack = self.sources[node], self.pack(units)
        chosen = self.chosen(node, units)
        assert chosen is not None  # noqa: S101 - a part without a way has no cost and stands in no plan
        way = chosen.way
        leaves = self.origins[node].leaves[way.service.number]
        assert leaves is not None  # noqa: S101 - a way without a handover is in no lane
        total = sum(units)
        return Part(
            node=source.node,
            units=lines,
            parcels=pack.parcels,
            quote=Quote(
                way.service.tariff.carrier,
                way.service.code,
                way.service.terms.level,
                chosen.cost,
                way.service.tariff.currency,
                way.zone,
                way.arrives,
                (),
            ),
            ship_by=leaves,
            due=way.due,
            late=chosen.late,
            carton_cost=pack.carton_cost,
            pick_cost=source.node.pick_cost + source.node.unit_cost * total,
            scarcity=self._scarce(source, units) if source.scarcity else 0,
        )

    def content(self, units: Units) -> Quantities:
        """The units by SKU."""
        return Quantities(zip(self._goods.skus, units, strict=True))
