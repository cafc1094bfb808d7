"""A contract made ready for rating: units turned to whole micrometres and nanograms, lists to lookups.

Discounts and minimum charges depend on service, zone and break alone, so they are applied here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from orderloom.shipping.agreed import (
    Commitment,
    Contract,
    DayLimit,
    DimRule,
    Earned,
    ListedLess,
    RateCard,
    Service,
    Terms,
)
from orderloom.shipping.contradictions import break_weights, listed_at
from orderloom.shipping.earning import reached
from orderloom.shipping.figures import FIRST_DAY, LAST_DAY, Rounding, parts, plain, share_of
from orderloom.shipping.legs import Legs
from orderloom.shipping.model import UM, TraceLine, micrometres, nanograms
from orderloom.shipping.surcharges import (
    Cap,
    DeclaredValue,
    DeliveryArea,
    Fee,
    Fuel,
    Handling,
    Peak,
    Residential,
    Saturday,
    Signature,
)
from orderloom.shipping.zoning import PostcodeList


@dataclass(frozen=True, slots=True)
class Edges:
    """How edges are read, and from which volume on they make weight. No divisor: never."""

    unit: int
    rounding: str = "exact"
    divisor: int = 0
    cube_above: int = 0
    cube_most: int | None = None
    weight_unit: int = 1
    step: int = 1
    starts: date = FIRST_DAY
    ends: date = LAST_DAY

    def read(self, edges: tuple[int, int, int]) -> tuple[int, int, int]:
        """The edges as the carrier reads them, in micrometres."""
        unit = self.unit
        if self.rounding == "exact":
            return edges
        a, b, c = edges
        if self.rounding == "nearest":
            half = unit // 2
            return (a + half) // unit * unit, (b + half) // unit * unit, (c + half) // unit * unit
        return -(-a // unit) * unit, -(-b // unit) * unit, -(-c // unit) * unit

    def weight(self, cube: int) -> int:
        """The dimensional weight of a cube, in nanograms: whole steps of the weight unit."""
        if not self.divisor or cube <= self.cube_above:
            return 0
        return -(-cube * self.weight_unit // (self.unit**3 * self.divisor * self.step)) * self.step


class Limits(NamedTuple):
    """A handling surcharge: what must be exceeded, by name, in micrometres, cubic micrometres, nanograms."""

    rule: Handling
    thresholds: tuple[tuple[str, int], ...]


class Area(NamedTuple):
    """A delivery-area surcharge. Territories a service does not serve are kept as one without a rule."""

    rule: DeliveryArea | None
    postcodes: PostcodeList


class Off(NamedTuple):
    """A discount on breaks of some weights."""

    share: int
    floor: int
    over: int
    up_to: int | None


class Reached(NamedTuple):
    """A tier that has been reached."""

    code: str
    share: int
    spend: int


@dataclass(frozen=True, slots=True)
class ServiceTariff:
    """One service, ready for rating. `edges` is what any day's reading comes to at the least."""

    code: str
    level: str
    service: Service
    countries: frozenset[str]
    only: PostcodeList | None
    never: PostcodeList | None
    max_weight: int | None
    max_length: int | None
    max_length_plus_girth: int | None
    max_cube: int | None
    edges: Edges
    dims: tuple[Edges, ...]
    weighing: tuple[tuple[int, int], ...]
    breaks: tuple[int, ...]
    listed: dict[int, tuple[int, ...]]
    net: dict[int, tuple[int, ...]]
    above_unit: int
    above: dict[int, int]
    discounts: dict[int, tuple[Off, ...]]
    earned: dict[int, tuple[Reached, ...]]
    minimum: int
    residential: tuple[Residential, ...]
    areas: tuple[tuple[Area, ...], ...]
    handling: tuple[Limits, ...]
    fees: tuple[Fee, ...]
    asked: tuple[DeclaredValue | Signature | Saturday, ...]
    caps: tuple[Cap, ...]
    fuel: tuple[Fuel, ...]
    peak: tuple[Peak, ...]
    rounds: tuple[Rounding, Rounding, Rounding]
    """Of discounts, percentages, fuel."""

    def charge(self, zone: int, at: int) -> tuple[int, list[TraceLine]]:
        """The card's price at a break less what is off, at least the minimum; the card's line is without inputs.

        Beyond the last break each step is one further unit.
        """
        last = len(self.breaks) - 1
        if at <= last:
            listed, weight = self.listed[zone][at], self.breaks[at]
        else:
            listed = self.listed[zone][last] + (at - last) * self.above[zone]
            weight = self.breaks[last] + (at - last) * self.above_unit
        return reduced(
            listed,
            [
                one
                for one in self.discounts[zone]
                if one.over < weight and (one.up_to is None or weight <= one.up_to)
            ],
            self.earned[zone],
            self.minimum,
            self.rounds[0],
        )


class Memo:
    """What was worked out before: plans by day, the lane last asked for. Answers never depend on it."""

    __slots__ = ("days", "last", "lists")

    def __init__(self) -> None:
        self.days: dict[date, Any] = {}
        self.last: tuple[Any, Any, Any, Any] = (None, None, None, None)
        self.lists: tuple[PostcodeList, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """A contract version, ready for rating. `arrivals` remembers days already worked out."""

    carrier: str
    version: int
    currency: str
    weight_unit: int
    weight_unit_name: str
    services: dict[str, ServiceTariff]
    legs: Legs
    operates: frozenset[int]
    holidays: frozenset[date]
    day_limits: tuple[DayLimit, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    earned: tuple[Earned, ...] = ()
    invoice_codes: Mapping[str, str] = field(default_factory=dict)
    arrivals: dict[tuple[str, int, int | None, date, int], date | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    memo: Memo = field(default_factory=Memo, compare=False, repr=False)


def compile_contract(contract: Contract, *, spend: int | Mapping[int, int] = 0) -> Tariff:
    """Make a contract ready for rating. Do it once a version and keep the result.

    spend: minor units spent with the carrier in the days its earned tiers look back on; by those days where they differ.
    """
    terms = contract.terms
    cards = {card.service: card for card in terms.rates}
    return Tariff(
        carrier=contract.carrier,
        version=contract.version,
        currency=terms.currency,
        weight_unit=nanograms(1, terms.weight_unit),
        weight_unit_name=terms.weight_unit,
        services={one.code: _service(terms, one, cards[one.code], spend) for one in terms.services},
        legs=Legs(terms),
        operates=frozenset(terms.operates),
        holidays=frozenset(terms.holidays),
        day_limits=terms.day_limits,
        commitments=terms.commitments,
        earned=terms.earned,
        invoice_codes={name.casefold(): code for name, code in terms.invoice_codes.items()},
    )


def reduced(
    listed: int, discounts: list[Off], earned: tuple[Reached, ...], minimum: int, rounding: Rounding
) -> tuple[int, list[TraceLine]]:
    """A listed price less the largest discount, then what was earned; never under the floor, nor the minimum."""
    lines = [TraceLine("card", {}, listed)]
    net, floor = listed, 0
    if discounts:
        best = max(discounts)
        off = share_of(listed, best.share, rounding)
        floor = min(best.floor, listed)
        if off:
            net -= off
            lines.append(TraceLine("discount", {"permille": plain(best.share)}, -off))
    for tier in earned:
        off = share_of(listed, tier.share, rounding)
        if off:
            net -= off
            inputs = {"permille": plain(tier.share), "spend": tier.spend}
            lines.append(TraceLine(tier.code, inputs, -off))
    if net < floor:
        lines.append(TraceLine("floor", {"floor": floor}, floor - net))
        net = floor
    if net < minimum:
        lines.append(TraceLine("minimum", {"minimum": minimum}, minimum - net))
        net = minimum
    return net, lines


def _service(terms: Terms, service: Service, card: RateCard, spend: int | Mapping[int, int]) -> ServiceTariff:
    def mine(services: tuple[str, ...]) -> bool:
        return not services or service.code in services

    surcharges = [one for one in terms.surcharges if mine(one.services)]
    dims = tuple(_edges(terms, rule) for rule in terms.dim if mine(rule.services))
    only = PostcodeList(service.only) if service.only else None
    never = PostcodeList(service.never) if service.never else None
    found = ServiceTariff(
        code=service.code,
        level=service.level,
        service=service,
        countries=frozenset(service.countries),
        only=only,
        never=never,
        max_weight=_weight(terms, service.max_weight),
        max_length=_length(terms, service.max_length),
        max_length_plus_girth=_length(terms, service.max_length_plus_girth),
        max_cube=_cube(terms, service.max_cube),
        edges=_least_reading(dims, UM[terms.length_unit], nanograms(1, terms.weight_unit)),
        dims=dims,
        weighing=tuple(
            (nanograms(one.over, terms.weight_unit), nanograms(one.step, terms.weight_unit))
            for one in terms.weighing
            if mine(one.services)
        ),
        breaks=tuple(break_weights(card, terms.weight_unit)),
        listed=dict(card.amounts),
        net={},
        above_unit=nanograms(card.above.unit, terms.weight_unit) if card.above else 0,
        above=dict(card.above.amounts) if card.above else {},
        discounts={zone: _discounts(terms, service.code, zone) for zone in card.amounts},
        earned={zone: tuple(_reached(terms, service.code, zone, spend)) for zone in card.amounts},
        minimum=_minimum(terms, service.code, card),
        residential=tuple(one for one in surcharges if isinstance(one, Residential)),
        areas=_areas([one for one in surcharges if isinstance(one, DeliveryArea)], only, never),
        handling=tuple(_limits(terms, one) for one in surcharges if isinstance(one, Handling)),
        fees=tuple(one for one in surcharges if isinstance(one, Fee)),
        asked=tuple(one for one in surcharges if isinstance(one, DeclaredValue | Signature | Saturday)),
        caps=tuple(one for one in terms.caps if mine(one.services)),
        fuel=tuple(one for one in surcharges if isinstance(one, Fuel)),
        peak=tuple(one for one in surcharges if isinstance(one, Peak)),
        rounds=(terms.rounding.discount, terms.rounding.percent, terms.rounding.fuel),
    )
    for zone in card.amounts:
        found.net[zone] = tuple(found.charge(zone, at)[0] for at in range(len(found.breaks)))
    return found


def _discounts(terms: Terms, code: str, zone: int) -> tuple[Off, ...]:
    """Those on a zone. Of several on a weight the largest holds; they do not add up."""
    return tuple(
        Off(parts(one.permille), one.floor, _weight(terms, one.over) or 0, _weight(terms, one.up_to))
        for one in terms.discounts
        if (not one.services or code in one.services) and (not one.zones or zone in one.zones)
    )


def _reached(terms: Terms, code: str, zone: int, spend: int | Mapping[int, int]) -> list[Reached]:
    rules: list[Earned] = [
        one
        for one in terms.earned
        if (not one.services or code in one.services) and (not one.zones or zone in one.zones)
    ]
    many = reached(rules, lambda days: spend if isinstance(spend, int) else spend.get(days, 0))
    return [
        Reached(rule.code, parts(rule.tiers[at - 1].permille), rule.tiers[at - 1].spend)
        for rule, at in zip(rules, many, strict=True)
        if at
    ]


def _minimum(terms: Terms, code: str, card: RateCard) -> int:
    stated = terms.minimum_charges.get(code, terms.minimum_charges.get("*", 0))
    if isinstance(stated, ListedLess):
        return max((listed_at(card, stated, terms.weight_unit) or 0) - stated.less, 0)
    return stated


def _areas(
    areas: list[DeliveryArea], only: PostcodeList | None, never: PostcodeList | None
) -> tuple[tuple[Area, ...], ...]:
    """By group, dearest first; last the territories, so that whoever tells destinations apart tells these apart too."""
    groups: dict[str, list[Area]] = {}
    for one in areas:
        groups.setdefault(one.group, []).append(Area(one, PostcodeList(one.postcodes)))
    territories = tuple(Area(None, one) for one in (only, never) if one is not None)
    ranked = [tuple(sorted(group, key=_dearest)) for group in groups.values()]
    return (*ranked, territories) if territories else tuple(ranked)


def _dearest(area: Area) -> tuple[int, str]:
    assert area.rule is not None  # noqa: S101 - only territories have none, and they stand apart
    return -area.rule.amount, area.rule.code


def _limits(terms: Terms, one: Handling) -> Limits:
    # In the order in which they are told: the first exceeded names the reason.
    thresholds = (
        ("cube", _cube(terms, one.cube_over)),
        ("weight", _weight(terms, one.weight_over)),
        ("longest", _length(terms, one.longest_over)),
        ("second", _length(terms, one.second_over)),
        ("length_plus_girth", _length(terms, one.length_plus_girth_over)),
    )
    return Limits(one, tuple((name, limit) for name, limit in thresholds if limit is not None))


def _edges(terms: Terms, rule: DimRule) -> Edges:
    unit = UM[terms.length_unit]
    weight_unit = nanograms(1, terms.weight_unit)
    return Edges(
        unit,
        rule.edges,
        rule.divisor,
        rule.minimum_cube * unit**3,
        None if rule.maximum_cube is None else rule.maximum_cube * unit**3,
        weight_unit,
        nanograms(rule.step, terms.weight_unit),
        rule.starts,
        rule.ends,
    )


def _least_reading(dims: tuple[Edges, ...], unit: int, weight_unit: int) -> Edges:
    """A reading under which no parcel weighs more than on any day: the rule itself when there is but one for ever."""
    always = len(dims) == 1 and (dims[0].starts, dims[0].ends) == (FIRST_DAY, LAST_DAY)
    if always and dims[0].cube_most is None and dims[0].step >= weight_unit:
        return dims[0]
    return Edges(unit)


def _length(terms: Terms, value: float | None) -> int | None:
    return None if value is None else micrometres(value, terms.length_unit)


def _weight(terms: Terms, value: float | None) -> int | None:
    return None if value is None else nanograms(value, terms.weight_unit)


def _cube(terms: Terms, value: int | None) -> int | None:
    return None if value is None else value * UM[terms.length_unit] ** 3
