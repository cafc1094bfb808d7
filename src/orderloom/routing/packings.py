"""Goods as routing packs them, remembered across orders: articles and contents by number, their cartons, their loads.

Everything here follows from the cartons alone, whatever carries them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from orderloom.packing.bound import may_hold
from orderloom.packing.cartonize import PLANNED_EFFORT, lacking, takers, whole
from orderloom.packing.houserules import HouseRules, stocked
from orderloom.packing.landed import Costs, Landing, Price, ToCarry
from orderloom.packing.model import Article, Carton, PackPlan
from orderloom.packing.sorting import kind_of, offering
from orderloom.routing.boxes import Boxes, Home, Load
from orderloom.routing.ways import Pack
from orderloom.shipping.model import Parcel

# Units by article: the article's number and how many.
Content: TypeAlias = tuple[tuple[int, int], ...]


class Packings:
    """Everything remembered for one set of cartons. `parcels`: each kind of parcel, as a thing to be rated."""

    def __init__(self, cartons: tuple[Carton, ...]) -> None:
        self.cartons, self.boxes = cartons, Boxes(cartons)
        self.kept = 0
        self.parcels: list[Parcel] = []
        self._carton_costs = {carton.code: carton.cost for carton in cartons}
        self._parcel_numbers: dict[Parcel, int] = {}
        self._homes: dict[tuple[object, ...], Home] = {}
        self._packs: dict[tuple[int, Content], Pack] = {}
        self._loads: dict[tuple[int, Content], Load] = {}
        self._fits: dict[tuple[int, int], int] = {}
        self._articles: list[Article] = []
        self._article_numbers: dict[Article, int] = {}
        self._amounts: dict[tuple[int, int], Article] = {}

    def article(self, article: Article) -> int:
        """The number of an article, however many units of it."""
        number = self._article_numbers.get(article)
        if number is None:
            one = article if article.quantity == 1 else replace(article, quantity=1)
            number = self._article_numbers.get(one)
            if number is None:
                number = len(self._articles)
                self._articles.append(one)
                self._article_numbers[one] = number
            self._article_numbers[article] = number
            self.kept += 1
        return number

    def _some(self, number: int, units: int) -> Article:
        """So many units of an article."""
        found = self._amounts.get((number, units))
        if found is None:
            found = self._amounts[number, units] = replace(self._articles[number], quantity=units)
            self.kept += 1
        return found

    def home(self, house: HouseRules, own: Mapping[str, int | None] | None = None) -> Home:
        """How a node packs that has all cartons, or these of its own."""
        key = (house, None if own is None else tuple(sorted(own.items())))
        found = self._homes.get(key)
        if found is None:
            cartons = self.cartons if own is None else stocked(self.cartons, own)
            found = self._homes[key] = Home(
                len(self._homes), offering(cartons, house.rules), house.rules, own is not None, house.landed
            )
            self.kept += 1
        return found

    def fits(self, number: int, home: Home) -> int:
        """The cartons there, as bits, that take one unit of the article."""
        key = (home.number, number)
        found = self._fits.get(key)
        if found is None:
            taking = takers(self._articles[number], home.cartons, home.rules)
            found = self._fits[key] = self.boxes.bits(taking)
            self.kept += 1
        return found

    def load(self, content: Content, home: Home) -> Load:
        """What floors know of the units."""
        key = (home.number, content)
        found = self._loads.get(key)
        if found is None:
            found = self._loads[key] = self._load(content, home)
            self.kept += 1
        return found

    def _load(self, content: Content, home: Home) -> Load:
        """Only where everything is sure to be put in a carton do cartons bound anything."""
        boxes, counts = self.boxes, [units for _, units in content]
        articles = [self._articles[number] for number, _ in content]
        costs = home.landed
        work = costs.per_parcel + costs.per_unit * sum(counts) if costs else 0
        weight = sum(one.weight_g * units for one, units in zip(articles, counts, strict=True))
        fits = [self.fits(number, home) for number, _ in content]
        tied = any(one.together is not None for one in articles)
        if tied or not all(fits) or not (home.own or boxes.endless):
            return Load(weight, 0, work=work)
        kinds = [kind_of(one, keep_flat=False) for one in articles]
        some = boxes.every
        for fit in fits:
            some &= fit
        single = [
            at
            for carton, box in zip(home.cartons.cartons, home.cartons.boxes, strict=True)
            if some >> (at := boxes.places[carton.code]) & 1 and may_hold(box, kinds, counts)
        ]
        return Load(
            weight,
            sum([kind.volume * units for kind, units in zip(kinds, counts, strict=True)]),
            single,
            sorted({(fit, one.weight_g) for fit, one in zip(fits, articles, strict=True)}),
            work,
        )

    def packed(self, content: Content, home: Home) -> Pack:
        """The units in cartons: the fewest, even where the house packs at the least landed cost (`settled`)."""
        key = (home.number, content)
        found = self._packs.get(key)
        if found is None:
            articles = [self._some(number, units) for number, units in content]
            landing = None if home.landed is None else self._landing(articles, home, home.landed)
            plan = (
                landing.fewest
                if landing
                else whole(articles, home.cartons, effort=PLANNED_EFFORT, rules=home.rules)
            )
            found = Pack(
                number=len(self._packs),
                parcels=plan.parcels,
                kinds=self._kinds(plan, articles),
                # What they come to at the least landed cost, the service tells.
                carton_cost=0
                if landing
                else sum(self._carton_costs.get(p.carton or "", 0) for p in plan.parcels),
                least=plan.lower_bound,
                effort=plan.effort,
                lacking=home.own and lacking(plan, articles, self.cartons, home.rules),
                landing=landing,
                load=self.load(content, home) if landing else None,
            )
            self._packs[key] = found
            self.kept += 1 + len(found.parcels) + (landing.held if landing else 0)
        return found

    def _landing(self, articles: Sequence[Article], home: Home, costs: Costs) -> Landing:
        # A bag stands there once for each thickness.
        cartons = dict.fromkeys(home.cartons.cartons)
        return Landing(articles, cartons, costs=costs, effort=PLANNED_EFFORT, rules=home.rules).whole()

    def settled(self, pack: Pack, price: Price) -> Pack:
        """The same units at the least landed cost where carriage asks this, as release packs them."""
        landing = pack.landing
        if landing is None:
            return pack
        before = landing.held
        plan, _, _ = landing.found(price)
        self.kept += 1 + len(plan.parcels) + landing.held - before
        return pack._replace(
            parcels=plan.parcels,
            kinds=self._kinds(plan, landing.goods),
            carton_cost=landing.packing_cost(plan),
            landing=None,
        )

    def _kinds(self, plan: PackPlan, articles: Sequence[Article]) -> tuple[int, ...]:
        dangerous = {article.sku for article in articles if article.hazmat_class}
        return tuple(
            [
                self.kind(ToCarry(p.outer, p.weight_g, not dangerous.isdisjoint(p.contents)))
                for p in plan.parcels
            ]
        )

    def kind(self, one: ToCarry) -> int:
        """The number of such a parcel among `parcels`."""
        parcel = Parcel.of(dimensions=one.outer, weight_g=one.weight_g, hazmat=one.hazmat)
        number = self._parcel_numbers.get(parcel)
        if number is None:
            number = self._parcel_numbers[parcel] = len(self.parcels)
            self.parcels.append(parcel)
        return number
