"""What a contract is made of, surcharges aside: services, zones, cards, weights, discounts, limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt
from pydantic.types import StringConstraints

from orderloom.shipping.figures import (
    FIRST_DAY,
    LAST_DAY,
    STRICT,
    WORKING_DAYS,
    Amount,
    Code,
    Country,
    LengthUnit,
    Level,
    Positive,
    Postcodes,
    Rounding,
    Share,
    Weekday,
    WeightUnit,
    Zone,
)
from orderloom.shipping.surcharges import Cap, Surcharge

DAYS_MOST = 90
Days: TypeAlias = Annotated[StrictInt, Field(ge=0, le=DAYS_MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What can be bought. Days are ISO weekdays; a destination country is the origin's own unless listed.

    chart: the named chart that tells its zones, else the contract's own. only, never: the postcodes it goes to or does
    not. guaranteed: a late parcel's charge is refunded.
    """

    __pydantic_config__ = STRICT

    code: Code
    name: str
    level: Level = "ground"
    chart: Code | None = None
    transit_days: dict[Zone, Days]
    delivers: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WORKING_DAYS
    picks_up: tuple[Weekday, ...] = ()
    countries: tuple[Country, ...] = ()
    only: tuple[Postcodes, ...] = ()
    never: tuple[Postcodes, ...] = ()
    max_weight: Positive | None = None
    max_length: Positive | None = None
    max_length_plus_girth: Positive | None = None
    max_cube: Annotated[StrictInt, Field(gt=0)] | None = None
    max_value: Amount | None = None
    hazmat: bool = False
    residential: bool = True
    po_box: bool = False
    guaranteed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Lanes up to that many miles or kilometres are of this zone; without a limit it is all the rest."""

    __pydantic_config__ = STRICT

    up_to: Positive | None = None
    zone: Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class PostcodeZone:
    """Destinations of this zone wherever they are sent from, such as territories."""

    __pydantic_config__ = STRICT

    postcodes: Annotated[tuple[Postcodes, ...], Field(min_length=1)]
    zone: Zone


# A row of a chart in short: "005=2 010-013=4*", numbers only; a star says that longer postcodes may differ.
Row = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,8}(-[0-9]{1,8})?=[0-9]{1,3}\*? ?)+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """How a lane gets its zone, the first that knows it: country, postcode list, exception, pair of prefixes, distance.

    exceptions: pairs of longer prefixes, by origin then destination, that are of another zone than their shorter ones.
    """

    __pydantic_config__ = STRICT

    countries: dict[Country, Zone] = field(default_factory=dict)
    postcodes: tuple[PostcodeZone, ...] = ()
    pairs: dict[str, dict[str, Zone] | Row] = field(default_factory=dict)
    pair_prefix: Annotated[StrictInt, Field(ge=1, le=8)] = 3
    exceptions: dict[str, dict[str, Zone]] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    distance_unit: Literal["km", "mi"] = "mi"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDays:
    """Days in transit within a country by lane, in place of the zone's: by pair of prefixes, else from region to region.

    Of several tables the first that names the service and knows the lane decides; a row in short tells days for zones.
    """

    __pydantic_config__ = STRICT

    services: tuple[Code, ...] = ()
    pairs: dict[str, dict[str, Days] | Row] = field(default_factory=dict)
    pair_prefix: Annotated[StrictInt, Field(ge=1, le=8)] = 3
    regions: dict[Code, Annotated[tuple[Postcodes, ...], Field(min_length=1)]] = field(default_factory=dict)
    between: dict[Code, dict[Code, Days]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBreak:
    """A weight in a unit of its own, where a card mixes ounces and pounds."""

    __pydantic_config__ = STRICT

    value: Positive
    unit: WeightUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """Beyond the last break: so much by zone for each further unit, begun ones counted whole."""

    __pydantic_config__ = STRICT

    unit: Positive = 1.0
    amounts: dict[Zone, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Prices of one service: for each zone one amount a break; a weight costs what the first break not under it does."""

    __pydantic_config__ = STRICT

    service: Code
    breaks: Annotated[tuple[Positive | WeightBreak, ...], Field(min_length=1)]
    amounts: Annotated[dict[Zone, tuple[Amount, ...]], Field(min_length=1)]
    above: PerUnit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimRule:
    """Volume in cubic length units over the divisor is the dimensional weight, above the minimum cube only.

    Of several rules the first that names the service, is in force and whose maximum cube is not exceeded decides.
    edges: how each edge is read before the volume: begun units whole (up), nearest, or exact; limits read them so too.
    """

    __pydantic_config__ = STRICT

    divisor: Annotated[StrictInt, Field(gt=0)]
    edges: Literal["up", "nearest", "exact"] = "up"
    minimum_cube: Annotated[StrictInt, Field(ge=0)] = 0
    maximum_cube: Annotated[StrictInt, Field(gt=0)] | None = None
    step: Positive = 1.0
    services: tuple[Code, ...] = ()
    starts: date = FIRST_DAY
    ends: date = LAST_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """The larger weight is rounded up to whole steps once it is above `over`, as half kilograms of express parcels."""

    __pydantic_config__ = STRICT

    step: Positive
    over: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0.0
    services: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Permille off the card for these services (all when none is named), zones (likewise) and weights; never below `floor`.

    A break counts as the weight it stands for: `over` 5 `up_to` 10 is the breaks above 5 up to 10.
    """

    __pydantic_config__ = STRICT

    permille: Share
    services: tuple[Code, ...] = ()
    zones: tuple[Zone, ...] = ()
    over: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] = 0.0
    up_to: Positive | None = None
    floor: Amount = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What has been earned once so much was spent."""

    __pydantic_config__ = STRICT

    spend: Amount
    permille: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """Permille off the card on top of the discount, by what was spent in the days before; the highest tier reached holds."""

    __pydantic_config__ = STRICT

    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    days: Annotated[StrictInt, Field(ge=1, le=3660)] = 364
    services: tuple[Code, ...] = ()
    zones: tuple[Zone, ...] = ()
    code: Code = "earned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLess:
    """A minimum as carriers state it: the listed price of a zone and weight, less a reduction."""

    __pydantic_config__ = STRICT

    zone: Zone
    weight: Positive
    less: Amount = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """How each step rounds to whole minor units."""

    __pydantic_config__ = STRICT

    discount: Rounding = "half_up"
    percent: Rounding = "half_up"
    fuel: Rounding = "half_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLimit:
    """At most so many shipments a day by these services (together; all when none is named)."""

    __pydantic_config__ = STRICT

    shipments: Annotated[StrictInt, Field(ge=0, le=10**9)]
    services: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """Shipments agreed for a period of days; until they are made each counts as `worth` cheaper than its price."""

    __pydantic_config__ = STRICT

    shipments: Annotated[StrictInt, Field(ge=1, le=10**9)]
    worth: Amount
    days: Annotated[StrictInt, Field(ge=1, le=3660)] = 1
    services: tuple[Code, ...] = ()


MinimumOf = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_]*|\*)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that was agreed."""

    __pydantic_config__ = STRICT

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    rates: tuple[RateCard, ...]
    zones: Zones = field(default_factory=Zones)
    charts: dict[Code, Zones] = field(default_factory=dict)
    transit: tuple[LaneDays, ...] = ()
    length_unit: LengthUnit = "in"
    weight_unit: WeightUnit = "lb"
    dim: tuple[DimRule, ...] = ()
    weighing: tuple[Weighing, ...] = ()
    discounts: tuple[Discount, ...] = ()
    earned: tuple[Earned, ...] = ()
    minimum_charges: dict[MinimumOf, Amount | ListedLess] = field(default_factory=dict)
    surcharges: tuple[Surcharge, ...] = ()
    caps: tuple[Cap, ...] = ()
    rounding: Rounded = field(default_factory=Rounded)
    operates: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WORKING_DAYS
    holidays: tuple[date, ...] = ()
    day_limits: tuple[DayLimit, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    invoice_codes: dict[str, Code] = field(default_factory=dict)
    """What the carrier's invoices call surcharges, the charge (`freight`) and services, in our codes."""


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
