"""A contract made ready for rating: units turned to whole micrometres and nanograms, lists to lookups.

Discounts and minimum charges depend on service, zone and break alone, so they are applied here, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from orderloom.shipping.contract import (
    Contract,
    DeliveryArea,
    DimRule,
    Fuel,
    Handling,
    Peak,
    RateCard,
    Residential,
    Service,
    Terms,
    Zones,
    break_weights,
)
from orderloom.shipping.model import EARTH_RADIUS_M, UM, Place, micrometres, nanograms

_METRES = {"km": 1_000.0, "mi": 1_609.344}


class PostcodeList:
    """Postcodes by prefix and by range."""

    __slots__ = ("_lengths", "_prefixes", "_ranges")

    def __init__(self, entries: Iterable[str]) -> None:
        parted = [entry.partition("-") for entry in entries]
        self._prefixes = frozenset(low for low, _, high in parted if not high)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}))
        self._ranges = tuple((low, high, len(low)) for low, _, high in parted if high)

    def __contains__(self, postcode: str) -> bool:
        prefixes = self._prefixes
        return any(postcode[:n] in prefixes for n in self._lengths) or any(
            low <= postcode[:n] <= high for low, high, n in self._ranges
        )


class Zoning:
    """Tells a lane's zone: by country, postcode list, pair of prefixes, then distance; None when none knows it."""

    __slots__ = ("_bands", "_countries", "_pairs", "_postcodes", "_prefix")

    def __init__(self, zones: Zones) -> None:
        self._countries = dict(zones.countries)
        self._postcodes = tuple((PostcodeList(one.postcodes), one.zone) for one in zones.postcodes)
        self._pairs = {(a, b): zone for a, row in zones.pairs.items() for b, zone in row.items()}
        self._prefix = zones.pair_prefix
        metres = _METRES[zones.distance_unit]
        self._bands = tuple((_chord_squared(band.up_to, metres), band.zone) for band in zones.bands)

    def zone(self, origin: Place, destination: Place) -> int | None:
        """The zone of the lane."""
        if destination.country != origin.country:
            zone = self._countries.get(destination.country, self._countries.get("*"))
            return zone if zone is not None else self._by_distance(origin, destination)
        for listed, zone in self._postcodes:
            if destination.postcode in listed:
                return zone
        if self._pairs:
            n = self._prefix
            zone = self._pairs.get((origin.postcode[:n], destination.postcode[:n]))
            if zone is not None:
                return zone
        return self._by_distance(origin, destination)

    def _by_distance(self, origin: Place, destination: Place) -> int | None:
        if origin.position is None or destination.position is None:
            return None
        (ax, ay, az), (bx, by, bz) = origin.position, destination.position
        squared = (ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2
        for limit, zone in self._bands:
            if limit is None or squared <= limit:
                return zone
        return None


def _chord_squared(up_to: float | None, metres: float) -> int | None:
    """The squared chord under the great circle of that length, in square metres."""
    if up_to is None or up_to * metres >= math.pi * EARTH_RADIUS_M:
        return None
    return math.floor((2 * EARTH_RADIUS_M * math.sin(up_to * metres / (2 * EARTH_RADIUS_M))) ** 2)


@dataclass(frozen=True, slots=True)
class Edges:
    """How edges are read, and from which volume on they make weight. No divisor: never."""

    unit: int
    rounding: str = "exact"
    divisor: int = 0
    cube_above: int = 0

    def read(self, edges: tuple[int, int, int]) -> tuple[int, int, int]:
        """The edges as the carrier reads them, in micrometres."""
        unit = self.unit
        if self.rounding == "exact":
            return edges
        if self.rounding == "nearest":
            half = unit // 2
            a, b, c = edges
            return (a + half) // unit * unit, (b + half) // unit * unit, (c + half) // unit * unit
        a, b, c = edges
        return -(-a // unit) * unit, -(-b // unit) * unit, -(-c // unit) * unit


@dataclass(frozen=True, slots=True)
class Limits:
    """A handling surcharge: what must be exceeded, in micrometres, cubic micrometres, nanograms."""

    code: str
    amount: int
    fuelled: bool
    longest: int | None
    second: int | None
    length_plus_girth: int | None
    cube: int | None
    weight: int | None


@dataclass(frozen=True, slots=True)
class Area:
    """A delivery-area surcharge."""

    code: str
    amount: int
    fuelled: bool
    residential_only: bool
    postcodes: PostcodeList


@dataclass(frozen=True, slots=True)
class FuelIndex:
    """Permille by day."""

    code: str
    starts: tuple[date, ...]
    permilles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PeakWindow:
    """A charge between two days."""

    code: str
    amount: int
    starts: date
    ends: date
    residential_only: bool


@dataclass(frozen=True, slots=True)
class ServiceTariff:
    """One service, ready for rating."""

    code: str
    level: str
    service: Service
    countries: frozenset[str]
    max_weight: int | None
    max_length: int | None
    max_length_plus_girth: int | None
    edges: Edges
    breaks: tuple[int, ...]
    listed: dict[int, tuple[int, ...]]
    net: dict[int, tuple[int, ...]]
    above_unit: int
    above: dict[int, int]
    discounts: dict[int, int]
    minimum: int
    residential: tuple[Residential, ...]
    areas: tuple[tuple[Area, ...], ...]
    handling: tuple[tuple[Limits, ...], ...]
    fuel: tuple[FuelIndex, ...]
    peak: tuple[PeakWindow, ...]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A contract version, ready for rating. `arrivals` remembers days already worked out."""

    carrier: str
    version: int
    currency: str
    weight_unit: int
    weight_unit_name: str
    services: dict[str, ServiceTariff]
    zoning: Zoning
    operates: frozenset[int]
    holidays: frozenset[date]
    arrivals: dict[tuple[str, int, date], date | None] = field(
        default_factory=dict, compare=False, repr=False
    )


def compile_contract(contract: Contract) -> Tariff:
    """Make a contract ready for rating. Do it once a version and keep the result."""
    terms = contract.terms
    cards = {card.service: card for card in terms.rates}
    return Tariff(
        carrier=contract.carrier,
        version=contract.version,
        currency=terms.currency,
        weight_unit=nanograms(1, terms.weight_unit),
        weight_unit_name=terms.weight_unit,
        services={one.code: _service(terms, one, cards[one.code]) for one in terms.services},
        zoning=Zoning(terms.zones),
        operates=frozenset(terms.operates),
        holidays=frozenset(terms.holidays),
    )


def permille_of(amount: int, permille: int) -> int:
    """That share of an amount, halves rounded up."""
    return (amount * permille + 500) // 1000


def _service(terms: Terms, service: Service, card: RateCard) -> ServiceTariff:
    def mine(services: tuple[str, ...]) -> bool:
        return not services or service.code in services

    surcharges = [one for one in terms.surcharges if mine(one.services)]
    minimum = terms.minimum_charges.get(service.code, terms.minimum_charges.get("*", 0))
    # Of several discounts on a zone the largest holds; they do not add up.
    discounts = {
        zone: max(
            (d.permille for d in terms.discounts if mine(d.services) and (not d.zones or zone in d.zones)),
            default=0,
        )
        for zone in card.amounts
    }
    return ServiceTariff(
        code=service.code,
        level=service.level,
        service=service,
        countries=frozenset(service.countries),
        max_weight=_weight(terms, service.max_weight),
        max_length=_length(terms, service.max_length),
        max_length_plus_girth=_length(terms, service.max_length_plus_girth),
        edges=_edges(terms, next((rule for rule in terms.dim if mine(rule.services)), None)),
        breaks=tuple(break_weights(card, terms.weight_unit)),
        listed=dict(card.amounts),
        net={
            zone: tuple(max(one - permille_of(one, discounts[zone]), minimum) for one in amounts)
            for zone, amounts in card.amounts.items()
        },
        above_unit=nanograms(card.above.unit, terms.weight_unit) if card.above else 0,
        above=dict(card.above.amounts) if card.above else {},
        discounts=discounts,
        minimum=minimum,
        residential=tuple(one for one in surcharges if isinstance(one, Residential)),
        areas=_areas([one for one in surcharges if isinstance(one, DeliveryArea)]),
        handling=_handling(terms, [one for one in surcharges if isinstance(one, Handling)]),
        fuel=tuple(
            FuelIndex(one.code, tuple(s.starts for s in one.steps), tuple(s.permille for s in one.steps))
            for one in surcharges
            if isinstance(one, Fuel)
        ),
        peak=tuple(
            PeakWindow(one.code, one.amount, one.starts, one.ends, one.residential_only)
            for one in surcharges
            if isinstance(one, Peak)
        ),
    )


def _areas(areas: list[DeliveryArea]) -> tuple[tuple[Area, ...], ...]:
    """By group, dearest first, so that the first that applies is the one that counts."""
    groups: dict[str, list[Area]] = {}
    for one in areas:
        area = Area(one.code, one.amount, one.fuelled, one.residential_only, PostcodeList(one.postcodes))
        groups.setdefault(one.group, []).append(area)
    return tuple(tuple(sorted(group, key=lambda a: (-a.amount, a.code))) for group in groups.values())


def _handling(terms: Terms, handling: list[Handling]) -> tuple[tuple[Limits, ...], ...]:
    groups: dict[str, list[Limits]] = {}
    cube = UM[terms.length_unit] ** 3
    for one in handling:
        limits = Limits(
            code=one.code,
            amount=one.amount,
            fuelled=one.fuelled,
            longest=_length(terms, one.longest_over),
            second=_length(terms, one.second_over),
            length_plus_girth=_length(terms, one.length_plus_girth_over),
            cube=one.cube_over * cube if one.cube_over is not None else None,
            weight=_weight(terms, one.weight_over),
        )
        groups.setdefault(one.group, []).append(limits)
    return tuple(tuple(sorted(group, key=lambda a: (-a.amount, a.code))) for group in groups.values())


def _edges(terms: Terms, rule: DimRule | None) -> Edges:
    unit = UM[terms.length_unit]
    return Edges(unit, rule.edges, rule.divisor, rule.minimum_cube * unit**3) if rule else Edges(unit)


def _length(terms: Terms, value: float | None) -> int | None:
    return None if value is None else micrometres(value, terms.length_unit)


def _weight(terms: Terms, value: float | None) -> int | None:
    return None if value is None else nanograms(value, terms.weight_unit)
