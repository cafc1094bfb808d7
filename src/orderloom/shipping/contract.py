"""The terms of a carrier's contract: typed, immutable, read from JSON with every fault named at once.

Amounts are integer minor units of the contract's currency; lengths and weights are numbers in the contract's own
units, since that is what the carrier's tariff says. `docs/howto/add-a-carrier.md` shows a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError
from pydantic.types import StringConstraints

from orderloom.shipping.model import nanograms

Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
Amount: TypeAlias = Annotated[StrictInt, Field(ge=0)]
Permille: TypeAlias = Annotated[StrictInt, Field(ge=0, le=5000)]
# No carrier speaks of more, and whole micrometres and nanograms of it are still numbers.
Positive: TypeAlias = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Zone: TypeAlias = Annotated[int, Field(ge=0, le=999)]
Weekday: TypeAlias = Annotated[int, Field(ge=1, le=7)]
Country: TypeAlias = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*)$")]
# A prefix ("995") or an inclusive range of equal length ("00601-00988"), without spaces.
Postcodes: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{1,10}(-[0-9A-Z]{1,10})?$")]
WeightUnit: TypeAlias = Literal["g", "kg", "oz", "lb"]
LengthUnit: TypeAlias = Literal["mm", "cm", "in"]
Level: TypeAlias = Literal["economy", "ground", "express", "overnight", "local", "freight"]

# A misspelt key must be a fault: a surcharge that is silently left out costs money.
_STRICT = ConfigDict(extra="forbid")
WORKING_DAYS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What can be bought. Days are ISO weekdays; a destination country is the origin's own unless listed."""

    __pydantic_config__ = _STRICT

    code: Code
    name: str
    level: Level = "ground"
    transit_days: dict[Zone, Annotated[StrictInt, Field(ge=0, le=90)]]
    delivers: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WORKING_DAYS
    countries: tuple[Country, ...] = ()
    max_weight: Positive | None = None
    max_length: Positive | None = None
    max_length_plus_girth: Positive | None = None
    hazmat: bool = False
    residential: bool = True
    po_box: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Lanes up to that many miles or kilometres are of this zone; without a limit it is all the rest."""

    __pydantic_config__ = _STRICT

    up_to: Positive | None = None
    zone: Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class PostcodeZone:
    """Destinations of this zone wherever they are sent from, such as territories."""

    __pydantic_config__ = _STRICT

    postcodes: Annotated[tuple[Postcodes, ...], Field(min_length=1)]
    zone: Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """How a lane gets its zone, the first that knows it: country, postcode list, pair of prefixes, distance."""

    __pydantic_config__ = _STRICT

    countries: dict[Country, Zone] = field(default_factory=dict)
    postcodes: tuple[PostcodeZone, ...] = ()
    pairs: dict[str, dict[str, Zone]] = field(default_factory=dict)
    pair_prefix: Annotated[StrictInt, Field(ge=1, le=8)] = 3
    bands: tuple[Band, ...] = ()
    distance_unit: Literal["km", "mi"] = "mi"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBreak:
    """A weight in a unit of its own, where a card mixes ounces and pounds."""

    __pydantic_config__ = _STRICT

    value: Positive
    unit: WeightUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """Beyond the last break: so much by zone for each further unit, begun ones counted whole."""

    __pydantic_config__ = _STRICT

    unit: Positive = 1.0
    amounts: dict[Zone, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Prices of one service: for each zone one amount a break; a weight costs what the first break not under it does."""

    __pydantic_config__ = _STRICT

    service: Code
    breaks: Annotated[tuple[Positive | WeightBreak, ...], Field(min_length=1)]
    amounts: Annotated[dict[Zone, tuple[Amount, ...]], Field(min_length=1)]
    above: PerUnit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimRule:
    """Volume in cubic length units over the divisor is the dimensional weight, above the minimum cube only.

    edges: how each edge is read before the volume: begun units whole (up), nearest, or exact.
    """

    __pydantic_config__ = _STRICT

    divisor: Annotated[StrictInt, Field(gt=0)]
    edges: Literal["up", "nearest", "exact"] = "up"
    minimum_cube: Annotated[StrictInt, Field(ge=0)] = 0
    services: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Permille off the card for these services (all when none is named) and zones (likewise)."""

    __pydantic_config__ = _STRICT

    permille: Annotated[StrictInt, Field(ge=0, le=1000)]
    services: tuple[Code, ...] = ()
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Residential:
    """A flat charge for homes. `fuelled`: fuel is charged on it too."""

    __pydantic_config__ = _STRICT

    kind: Literal["residential"]
    amount: Amount
    code: Code = "residential"
    services: tuple[Code, ...] = ()
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryArea:
    """A flat charge for destinations of a list; of several lists in a group only the dearest counts."""

    __pydantic_config__ = _STRICT

    kind: Literal["delivery_area"]
    amount: Amount
    postcodes: Annotated[tuple[Postcodes, ...], Field(min_length=1)]
    code: Code = "delivery_area"
    group: Code = "delivery_area"
    services: tuple[Code, ...] = ()
    residential_only: bool = False
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """A flat charge once any of its limits is exceeded; of several in a group only the dearest counts."""

    __pydantic_config__ = _STRICT

    kind: Literal["additional_handling", "oversize"]
    amount: Amount
    code: Code
    longest_over: Positive | None = None
    second_over: Positive | None = None
    length_plus_girth_over: Positive | None = None
    cube_over: Annotated[StrictInt, Field(gt=0)] | None = None
    weight_over: Positive | None = None
    group: Code = "handling"
    services: tuple[Code, ...] = ()
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelStep:
    """The permille in force from a day on."""

    __pydantic_config__ = _STRICT

    starts: date
    permille: Permille


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuel:
    """Permille of the charge and of every fuelled surcharge, by the day of shipping; before the first step nought."""

    __pydantic_config__ = _STRICT

    kind: Literal["fuel"]
    steps: Annotated[tuple[FuelStep, ...], Field(min_length=1)]
    code: Code = "fuel"
    services: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """A flat charge between two days, both included. Never fuelled."""

    __pydantic_config__ = _STRICT

    kind: Literal["peak"]
    amount: Amount
    starts: date
    ends: date
    code: Code = "peak"
    services: tuple[Code, ...] = ()
    residential_only: bool = False


Surcharge: TypeAlias = Annotated[
    Residential | DeliveryArea | Handling | Fuel | Peak, Field(discriminator="kind")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that was agreed."""

    __pydantic_config__ = _STRICT

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    zones: Zones
    rates: tuple[RateCard, ...]
    length_unit: LengthUnit = "in"
    weight_unit: WeightUnit = "lb"
    dim: tuple[DimRule, ...] = ()
    discounts: tuple[Discount, ...] = ()
    minimum_charges: dict[Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_]*|\*)$")], Amount] = (
        field(default_factory=dict)
    )
    surcharges: tuple[Surcharge, ...] = ()
    operates: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WORKING_DAYS
    holidays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One immutable version of a carrier's terms."""

    carrier: str
    version: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the terms, and where."""

    path: str
    message: str


class BadTerms(ValueError):
    """The terms of a contract cannot be used; `faults` names everything that is wrong."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults


_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


def parse(*, carrier: str, version: int, terms: Mapping[str, Any]) -> Contract:
    """The contract the JSON stands for. Raises BadTerms with all faults."""
    try:
        read = _TERMS.validate_python(terms)
    except ValidationError as invalid:
        raise BadTerms(_faults(invalid)) from None
    faults = tuple(_contradictions(read))
    if faults:
        raise BadTerms(faults)
    return Contract(carrier=carrier, version=version, terms=read)


def _faults(invalid: ValidationError) -> tuple[Fault, ...]:
    found = [(tuple(map(str, error["loc"])), error["type"], error["msg"]) for error in invalid.errors()]
    # A list whose only entry is faulty counts as empty too: that says nothing the entry's own fault does not.
    inner = {place[:n] for place, _, _ in found for n in range(len(place))}
    return tuple(
        Fault(".".join(place) or "terms", message)
        for place, kind, message in found
        if not (kind == "too_short" and place in inner)
    )


def _contradictions(terms: Terms) -> Iterator[Fault]:
    """What each part allows and the whole does not."""
    yield from _unknown_services(terms)
    yield from _zones_without_days(terms)
    for i, card in enumerate(terms.rates):
        yield from _crooked_card(f"rates.{i}", card, terms.weight_unit)
    yield from _crooked_bands(terms.zones)
    for i, surcharge in enumerate(terms.surcharges):
        yield from _empty_surcharge(f"surcharges.{i}", surcharge)


def _unknown_services(terms: Terms) -> Iterator[Fault]:
    known = [service.code for service in terms.services]
    for code in sorted({code for code in known if known.count(code) > 1}):
        yield Fault("services", f"{code!r} is there twice")
    priced = [card.service for card in terms.rates]
    for code in sorted(set(known) - set(priced)):
        yield Fault("rates", f"service {code!r} has no rate card")
    for code in sorted({code for code in priced if priced.count(code) > 1}):
        yield Fault("rates", f"service {code!r} has two rate cards")
    named: list[tuple[str, tuple[str, ...]]] = [("rates", tuple(priced))]
    named += [(f"dim.{i}.services", rule.services) for i, rule in enumerate(terms.dim)]
    named += [(f"discounts.{i}.services", rule.services) for i, rule in enumerate(terms.discounts)]
    named += [(f"surcharges.{i}.services", rule.services) for i, rule in enumerate(terms.surcharges)]
    named.append(("minimum_charges", tuple(code for code in terms.minimum_charges if code != "*")))
    for path, codes in named:
        for code in sorted(set(codes) - set(known)):
            yield Fault(path, f"there is no service {code!r}; there are {', '.join(known)}")


def _zones_without_days(terms: Terms) -> Iterator[Fault]:
    cards = {card.service: card for card in terms.rates}
    for i, service in enumerate(terms.services):
        if service.code in cards:
            missing = sorted(set(cards[service.code].amounts) - set(service.transit_days))
            if missing:
                yield Fault(f"services.{i}.transit_days", f"priced zones without days: {missing}")


def _crooked_card(path: str, card: RateCard, unit: WeightUnit) -> Iterator[Fault]:
    for zone, amounts in card.amounts.items():
        if len(amounts) != len(card.breaks):
            yield Fault(f"{path}.amounts.{zone}", f"{len(amounts)} amounts for {len(card.breaks)} breaks")
    if card.above and (missing := sorted(set(card.amounts) - set(card.above.amounts))):
        yield Fault(f"{path}.above.amounts", f"priced zones are missing: {missing}")
    weights = break_weights(card, unit)
    if weights != sorted(set(weights)):
        yield Fault(f"{path}.breaks", "must grow from one to the next")


def break_weights(card: RateCard, unit: WeightUnit) -> list[int]:
    """The card's breaks in nanograms."""
    return [
        nanograms(one.value, one.unit) if isinstance(one, WeightBreak) else nanograms(one, unit)
        for one in card.breaks
    ]


def _crooked_bands(zones: Zones) -> Iterator[Fault]:
    limits = [band.up_to for band in zones.bands]
    if None in limits[:-1]:
        yield Fault("zones.bands", "only the last band may be without a limit")
    finite = [limit for limit in limits if limit is not None]
    if finite != sorted(set(finite)):
        yield Fault("zones.bands", "limits must grow from one band to the next")
    if not (zones.bands or zones.pairs or zones.postcodes or zones.countries):
        yield Fault("zones", "no lane can get a zone: give bands, pairs, postcodes or countries")
    for i, one in enumerate(zones.postcodes):
        yield from _crooked_postcodes(f"zones.postcodes.{i}", one.postcodes)
    for origin, row in zones.pairs.items():
        if wrong := sorted(p for p in (origin, *row) if len(p) != zones.pair_prefix):
            yield Fault(f"zones.pairs.{origin}", f"prefixes are not {zones.pair_prefix} long: {wrong[:5]}")


def _empty_surcharge(path: str, surcharge: Surcharge) -> Iterator[Fault]:
    match surcharge:
        case Handling(
            longest_over=None, second_over=None, length_plus_girth_over=None, cube_over=None, weight_over=None
        ):
            yield Fault(path, "can never apply: give at least one limit")
        case Fuel(steps=steps) if [s.starts for s in steps] != sorted({s.starts for s in steps}):
            yield Fault(f"{path}.steps", "days must grow from one step to the next")
        case Peak(starts=starts, ends=ends) if ends < starts:
            yield Fault(path, "ends before it starts")
        case DeliveryArea(postcodes=postcodes):
            yield from _crooked_postcodes(f"{path}.postcodes", postcodes)
        case _:
            pass


def _crooked_postcodes(path: str, postcodes: tuple[str, ...]) -> Iterator[Fault]:
    for text in postcodes:
        low, _, high = text.partition("-")
        if high and (len(low) != len(high) or low > high):
            yield Fault(
                path, f"{text!r} is no range: both ends must be equally long, the second not before the first"
            )
