"""What each node's part of one order costs: packed for real, by the cheapest way in time, with picking and handling.

The cost of a part, which the search is exact for, is the sum of
- carriage: all parcels by one service, the cheapest of those that keep the promise on the node's next handover, less what
  an open commitment to its carrier is worth (which guides the choice and is no cost);
- the cartons, as `packing.cartonize.whole` packs just these units within `PLANNED_EFFORT`, into what the node has and by
  its rules: as release packs them. Where the house packs at the least landed cost, each service is asked for its own
  packing, and void fill and the labour of packing are counted with the cartons (`packing.landed`);
- the node's pick cost once, its unit cost and the scarcity price of each unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orderloom.packing.model import Article
from orderloom.routing.boxes import NOWHERE, Home, Load
from orderloom.routing.floors import floor
from orderloom.routing.lanes import World
from orderloom.routing.model import Part, Request, Source
from orderloom.routing.packings import Content, Packings
from orderloom.routing.search import Units
from orderloom.routing.ways import Chosen, Lane, Origin, Pack, Reach
from orderloom.shipping.model import Quote

# As much effort of packing takes the time of a step of the search.
_PACKING_A_STEP = 16


@dataclass(frozen=True, slots=True)
class Goods:
    """What the order wants, one entry an article: its SKU and its number among the packings."""

    skus: tuple[str, ...]
    numbers: tuple[int, ...]
    together: tuple[str | None, ...]
    """What each must stay together with."""

    @classmethod
    def of(cls, articles: Mapping[str, Article], world: World) -> Goods:
        """The articles by SKU."""
        skus = tuple(sorted(articles))
        kinds = [articles[sku] for sku in skus]
        return cls(skus, tuple(map(world.packings.article, kinds)), tuple([one.together for one in kinds]))

    @property
    def tied(self) -> bool:
        """Whether some must stay together: then they may be too much for any carton, and leave without one."""
        return any(self.together)


class Bench:
    """One order's goods at the nodes that pack alike."""

    __slots__ = ("_goods", "_packings", "home", "loads", "packs")

    def __init__(self, goods: Goods, home: Home, packings: Packings) -> None:
        self._goods, self.home, self._packings = goods, home, packings
        self.packs: dict[Units, Pack] = {}
        self.loads: dict[Units, Load] = {}

    def load(self, units: Units) -> Load:
        """What a floor knows of these units."""
        found = self.loads.get(units)
        if found is None:
            found = self.loads[units] = self._packings.load(self._content(units), self.home)
        return found

    def pack(self, units: Units) -> Pack:
        """The units in cartons."""
        found = self.packs[units] = self._packings.packed(self._content(units), self.home)
        return found

    def _content(self, units: Units) -> Content:
        return tuple([(number, n) for number, n in zip(self._goods.numbers, units, strict=True) if n])


class Pricing:
    """The costs of one order, for the search (`search.Costs`)."""

    __slots__ = (
        "_benches",
        "_goods",
        "_scarcity",
        "_unit_costs",
        "each",
        "fixed",
        "lanes",
        "origins",
        "reach",
        "sources",
        "spent",
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
        self.world, self.sources = world, sources
        self._goods = goods
        self.spent = 0
        benches: dict[int, Bench] = {}
        usual = world.packings.home(request.packing)
        self._benches: list[Bench] = []
        for source in sources:
            home = usual
            if source.cartons is not None or source.packing is not None:
                home = world.packings.home(source.packing or request.packing, source.cartons)
            bench = benches.get(home.number)
            if bench is None:
                bench = benches[home.number] = Bench(goods, home, world.packings)
            self._benches.append(bench)
        promised = request.promise_at.date() if request.promise_at else None
        self.reach: Reach = world.reach(request.destination)
        nodes = [source.node for source in sources]
        self.origins: list[Origin] = world.origins(nodes, request.now)
        self.lanes: list[Lane] = world.lanes(self.origins, self.reach, promised, until)
        self.fixed = [node.pick_cost for node in nodes]
        self._unit_costs = [node.unit_cost for node in nodes]
        self._scarcity = any(source.scarcity for source in sources)
        skus = goods.skus
        self.each: list[Sequence[int]] = [
            [cost + source.scarcity.get(sku, 0) for sku in skus] if source.scarcity else (cost,) * len(skus)
            for source, cost in zip(sources, self._unit_costs, strict=True)
        ]

    def only(self, nodes: Sequence[int]) -> Pricing:
        """The same for some of the nodes."""
        found = object.__new__(Pricing)
        found.world, found.reach = self.world, self.reach
        found._goods = self._goods
        found._benches = [self._benches[node] for node in nodes]
        found.spent = self.spent
        found.sources = [self.sources[node] for node in nodes]
        found.origins = [self.origins[node] for node in nodes]
        found.lanes = [self.lanes[node] for node in nodes]
        found.fixed = [self.fixed[node] for node in nodes]
        found._unit_costs = [self._unit_costs[node] for node in nodes]
        found._scarcity = self._scarcity
        found.each = [self.each[node] for node in nodes]
        return found

    # --- what the search asks -------------------------------------------------------------------------------------

    def opening(self, node: int) -> int:
        """The least that carriage comes to."""
        return self.lanes[node].opening

    def totals(self, units: Units, nodes: Sequence[int]) -> list[int | None]:
        """Each node's whole cost of the units."""
        found: list[int | None] = []
        if not nodes:
            return found
        lanes, benches, fixed, unit_costs = self.lanes, self._benches, self.fixed, self._unit_costs
        price, total = self.world.price, sum(units)
        bench = benches[nodes[0]]
        pack = self._pack(bench, units)
        number = pack.number
        for node in nodes:
            if benches[node] is not bench:
                bench = benches[node]
                pack = self._pack(bench, units)
                number = pack.number
            lane = lanes[node]
            chosen = lane.chosen.get(number) or price(lane, pack)
            if chosen is None:
                found.append(None)
                continue
            cost = chosen.landed + fixed[node] + unit_costs[node] * total
            found.append(cost + self._scarce(self.sources[node], units) if self._scarcity else cost)
        return found

    def _scarce(self, source: Source, units: Units) -> int:
        return sum(
            n * source.scarcity.get(sku, 0) for sku, n in zip(self._goods.skus, units, strict=True) if n
        )

    def floor(self, node: int, units: Units) -> int:
        """The least that carriage and cartons of at least these units come to."""
        load = self._benches[node].load(units)
        lane = self.lanes[node]
        found = lane.floors.get(load)
        if found is None:
            found = lane.floors[load] = floor(lane, load, self.world.packings.boxes)
            self.world.kept += 1
        return found

    # --- what a plan is made of -----------------------------------------------------------------------------------

    def pack(self, node: int, units: Units) -> Pack:
        """The units in the node's cartons."""
        return self._pack(self._benches[node], units)

    def _pack(self, bench: Bench, units: Units) -> Pack:
        found = bench.packs.get(units)
        if found is None:
            found = bench.pack(units)
            self.spent += found.effort // _PACKING_A_STEP
        return found

    def chosen(self, node: int, units: Units) -> Chosen | None:
        """The way that takes the units."""
        return self.world.price(self.lanes[node], self.pack(node, units))

    def reachable(self, node: int) -> bool:
        """Whether any service goes from the node to the buyer, in time."""
        return self.lanes[node].opening < NOWHERE

    def made(self, node: int, units: Units, lines: Mapping[str, int]) -> Part:
        """The part, told in full."""
        source, chosen = self.sources[node], self.chosen(node, units)
        assert chosen is not None  # noqa: S101 - a part without a way has no cost and stands in no plan
        way, pack = chosen.way, chosen.pack
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
            credit=chosen.cost - chosen.weighed,
        )
