"""The cartons as floors see them: which take an article or a volume, what they cost, as bits of a number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from orderloom.packing.model import Article, Carton
from orderloom.shipping.model import Parcel

NOWHERE = 1 << 40
"""A cost above all costs, for what cannot be."""


class Load(NamedTuple):
    """What a floor knows of some units: their weight, volume, the cartons that take all and, by article, some of it.

    Without cartons, where an article fits none, volume and cartons are nought.
    """

    weight_g: int
    volume: int
    common: int
    fits: tuple[int, ...]


class Boxes:
    """The cartons by volume, as bits of a number."""

    def __init__(self, cartons: Sequence[Carton]) -> None:
        self.cartons = tuple(sorted(cartons, key=lambda carton: (carton.inner.volume, carton.code)))
        self.volumes = [carton.inner.volume for carton in self.cartons]
        self.every = (1 << len(self.cartons)) - 1
        self.tare_g = min((carton.tare_g for carton in cartons), default=0)
        self.bears_g = max(1, max((carton.max_weight_g - carton.tare_g for carton in cartons), default=1))
        self._costs: dict[int, int] = {}
        self.parcels = tuple(Parcel.of(dimensions=one.outer, weight_g=0) for one in self.cartons)

    def fits(self, article: Article) -> int:
        """The cartons that take one unit."""
        edges = sorted((max(article.length, 1), max(article.width, 1), max(article.height, 1)))
        found = 0
        for at, carton in enumerate(self.cartons):
            inner = sorted(carton.inner)
            if (
                all(a <= b for a, b in zip(edges, inner, strict=True))
                and article.weight_g <= carton.max_weight_g - carton.tare_g
            ):
                found |= 1 << at
        return found

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
