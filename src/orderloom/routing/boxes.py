"""The cartons as floors see them: which take an article or a volume, what they cost, as bits of a number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence
from typing import NamedTuple

from orderloom.packing.landed import Costs
from orderloom.packing.model import Carton, PackRules
from orderloom.packing.sorting import Offer
from orderloom.shipping.model import Parcel

NO_CARTON = "no carton is left there that takes it"
NOWHERE = 1 << 40
"""A cost above all costs, for what cannot be."""


class Load:
    """What a floor knows of some units: their weight and volume, and the places of the cartons that may hold them all.

    `ones`: by article the cartons that take a unit of it, as bits, and what that weighs; nothing where not everything is
    sure to be put in a carton. `work`: what packing them itself costs at the least, where the house counts that. One object
    stands for one load.
    """

    __slots__ = ("ones", "single", "volume", "weight_g", "work")

    def __init__(
        self,
        weight_g: int,
        volume: int,
        single: Sequence[int] = (),
        ones: Sequence[tuple[int, int]] = (),
        work: int = 0,
    ) -> None:
        self.weight_g, self.volume, self.single, self.ones = weight_g, volume, single, ones
        self.work = work


class Home(NamedTuple):
    """How a node packs: the cartons it has, by rules; `own` where it keeps cartons of its own, which run out.

    `landed`: at the least landed cost, with these costs of packing itself; None: into the fewest cartons.
    """

    number: int
    cartons: Offer
    rules: PackRules
    own: bool
    landed: Costs | None = None


class Boxes:
    """The cartons by volume, as bits of a number."""

    def __init__(self, cartons: Sequence[Carton]) -> None:
        self.cartons = tuple(sorted(cartons, key=lambda carton: (carton.inner.volume, carton.code)))
        self.places = {carton.code: at for at, carton in enumerate(self.cartons)}
        self.volumes = [carton.inner.volume for carton in self.cartons]
        self.every = (1 << len(self.cartons)) - 1
        self.endless = all(carton.stock is None for carton in cartons)
        self.tare_g = min((carton.tare_g for carton in cartons), default=0)
        self.bears_g = max(1, max((carton.max_weight_g - carton.tare_g for carton in cartons), default=1))
        self.gross_g = max((carton.max_weight_g for carton in cartons), default=1)
        self.costs = [carton.cost for carton in self.cartons]
        self.cheapest = min(self.costs, default=NOWHERE)
        self._costs: dict[int, int] = {}
        self.parcels = tuple(Parcel.of(dimensions=one.outer, weight_g=0) for one in self.cartons)

    def bits(self, codes: Container[str]) -> int:
        """These cartons."""
        return sum(1 << at for at, carton in enumerate(self.cartons) if carton.code in codes)

    def roomy(self, volume: int) -> int:
        """The cartons with at least that much inside."""
        at = bisect_left(self.volumes, volume)
        return self.every >> at << at

    def cost(self, some: int) -> int:
        """The least one of these cartons costs."""
        found = self._costs.get(some)
        if found is None:
            found = min((c.cost for at, c in enumerate(self.cartons) if some >> at & 1), default=NOWHERE)
            self._costs[some] = found
        return found
