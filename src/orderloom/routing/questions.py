"""What can be asked of a decision, as JSON: the same for Python, `POST /v1/decisions/…` and `orderloom decide …`.

Nodes with their stock, items, contracts and cartons may be given in the question; what is left out is taken as it is
at present. A question that gives all of it reaches no database. Unknown fields are refused.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from orderloom import terms
from orderloom.packing.houserules import HouseRules
from orderloom.packing.landed import Costs
from orderloom.packing.model import PackRules
from orderloom.routing import examples

UNITS_MOST = 2_000
PACK_EFFORT = 40_000
_BROKEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_ZONES = available_timezones()
Day = TypeVar("Day", date, datetime)


def _printable(text: str) -> str:
    if _BROKEN.search(text):
        raise PydanticCustomError("control_character", "contains a control character or a broken one")
    return text


def _known_zone(name: str) -> str:
    if name not in _ZONES:
        raise PydanticCustomError(
            "unknown_time_zone", "no time zone of that name: use IANA's, such as America/New_York"
        )
    return name


def _in_range(when: Day) -> Day:
    # What time zones and a year's arithmetic can hold.
    if not 1970 <= when.year <= 9000:
        raise PydanticCustomError("out_of_range", "must lie between the years 1970 and 9000")
    return when


Word: TypeAlias = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=100), AfterValidator(_printable)
]
Prose: TypeAlias = Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(_printable)]
Units: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=UNITS_MOST)]
Minor: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=10**12, description="Integer minor units")]
At: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_range)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]
Millimetres: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=100_000)]
IsoWeekday: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=7)]


class Asked(BaseModel):
    """Part of a question: every field is known, or the question is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _MeasureAsked(Asked):
    value: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]

    @property
    def measure(self) -> terms.Measure:
        """As the decisions read it."""
        return terms.Measure(self.value, str(getattr(self, "unit")))  # noqa: B009 - each subclass has its units


class WeightAsked(_MeasureAsked):
    """A weight in the unit it was taken in."""

    unit: Literal["g", "kg", "oz", "lb"]


class LengthAsked(_MeasureAsked):
    """A length in the unit it was taken in."""

    unit: Literal["mm", "cm", "in"]


class SizeAsked(Asked):
    """Three edges; height is the one that points up."""

    length: LengthAsked
    width: LengthAsked
    height: LengthAsked

    @property
    def measures(self) -> tuple[terms.Measure, terms.Measure, terms.Measure]:
        """The edges as they were given."""
        return self.length.measure, self.width.measure, self.height.measure


class AddressAsked(Asked):
    """Where to or where from: what decisions read of an address. A US postcode brings its position and time zone."""

    name: Prose = ""
    line1: Prose = ""
    line2: Prose = ""
    city: Prose = ""
    region: Prose = ""
    postcode: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z -]{0,20}$")] = ""
    country: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}$")] = "US"
    phone: Prose = ""
    residential: Flag = True
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None

    @property
    def address(self) -> terms.Address:
        """As the decisions read it."""
        return terms.Address(**self.model_dump())


class HandlingAsked(Asked):
    """What else packing is asked of an item; `docs/cartonization.md` says what each keeps."""

    keep_flat: Flag = False
    locked: Flag = False
    max_load_g: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = None
    own_container: Flag = False
    together: Word | None = None
    apart: Word | None = None
    excludes: Annotated[list[Word], Field(max_length=100)] = []
    unit_class: Word | None = None
    nesting_mm: Millimetres | None = None
    compressed_mm: Millimetres | None = None


class ItemAsked(Asked):
    """An item with its size, in place of the catalogue's."""

    sku: Word
    weight: WeightAsked
    size: SizeAsked
    fragile: Flag = False
    this_side_up: Flag = False
    hazmat_class: Word | None = None
    ships_alone: Flag = False
    handling: HandlingAsked | None = None


class NodeAsked(Asked):
    """A node and what it can give, in place of those in the network. Costs are minor units a shipment and a unit."""

    code: Word
    name: Prose = ""
    address: AddressAsked
    time_zone: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        default=None, description="Left out: the postcode's, else UTC"
    )
    working_days: Annotated[list[IsoWeekday], Field(max_length=7)] = [1, 2, 3, 4, 5]
    holidays: Annotated[list[date], Field(max_length=400)] = []
    cutoffs: dict[Word, Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]] = Field(
        default={}, description='By "carrier/service", "*" for all others'
    )
    processing_hours: Annotated[int, Field(strict=True, ge=0, le=8760)] = 4
    pick_cost: Minor = 0
    unit_cost: Minor = 0
    ships_hazmat: Flag = False
    services: Annotated[list[Word], Field(max_length=100)] | None = None
    stock: dict[Word, Annotated[int, Field(strict=True, ge=0, le=1_000_000)]] = {}
    capacity_left: Annotated[int, Field(strict=True)] | None = None
    type: Word = "fulfillment_center"
    groups: Annotated[list[Word], Field(max_length=100)] = []
    scarcity: dict[Word, Minor] = Field(
        default={},
        description="By SKU, what a unit is worth if it is kept here: it guides the choice, and is no cost",
    )
    cartons: dict[Word, Annotated[int, Field(strict=True, ge=0, le=10**9)] | None] | None = Field(
        default=None,
        description="By code, how many it has of those in use, null: it never runs out; left out: it packs into any",
    )


class ContractAsked(Asked):
    """A carrier's terms, in place of the contracts in force; as `docs/howto/add-a-carrier.md` describes them."""

    carrier: Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
    version: Annotated[int, Field(strict=True, ge=0, le=10**9)] = 0
    spend: Minor = Field(default=0, description="Spent with it in the days its earned tiers look back on")
    terms: dict[str, Any]


class CartonAsked(Asked):
    """A carton, in place of those in use. `max_weight` is gross, tare included; `cost` in minor units.

    A `flexible` one is a bag or mailer: its inner height is the thickness it may be filled to.
    """

    code: Word
    name: Prose = ""
    inner: SizeAsked
    outer: SizeAsked
    tare: WeightAsked
    max_weight: WeightAsked
    cost: Minor = 0
    flexible: Flag = False
    stock: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = Field(
        default=None, description="How many there are; left out: as many as wanted"
    )


class LineAsked(Asked):
    """Units of an item; `line` names them in the answer (else their place, from 1), `node` when it is decided."""

    sku: Word
    quantity: Units = 1
    line: Word | None = None
    node: Word | None = None


Lines: TypeAlias = Annotated[list[LineAsked], Field(min_length=1, max_length=100)]
Items: TypeAlias = Annotated[list[ItemAsked], Field(max_length=500)]
Nodes: TypeAlias = Annotated[list[NodeAsked], Field(max_length=200)]
Contracts: TypeAlias = Annotated[list[ContractAsked], Field(max_length=20)]
Cartons: TypeAlias = Annotated[list[CartonAsked], Field(max_length=100)]


class PolicyAsked(Asked):
    """How far an order may be divided, who may ship it, and how many counted steps the search may take."""

    max_shipments: Annotated[int, Field(strict=True, ge=1, le=20)] = 4
    ship_complete: Flag = False
    split_from: Minor = Field(
        default=0, description="An order of less `value` goes out from one node or not at all"
    )
    groups: Annotated[list[Word], Field(max_length=100)] | None = Field(
        default=None, description="Only nodes in one of these groups"
    )
    types: Annotated[list[Word], Field(max_length=20)] | None = Field(
        default=None, description="Only nodes of one of these types"
    )
    stores_most: Annotated[int, Field(strict=True, ge=0, le=20)] | None = Field(
        default=None, description="Stores one order may ship from"
    )
    store_units_most: Annotated[int, Field(strict=True, ge=0, le=UNITS_MOST)] | None = Field(
        default=None, description="Units a store may ship of one order"
    )
    nearest: Annotated[int, Field(strict=True, ge=1, le=200)] = 200
    effort: Annotated[int, Field(strict=True, ge=1, le=20_000)] = 20_000


class CostsAsked(Asked):
    """What packing itself costs."""

    fill_per_litre: Minor = 0
    per_parcel: Minor = 0
    per_unit: Minor = 0


class HouseRulesAsked(Asked):
    """The rules of a house for every carton, and what packing aims at."""

    segregated: Annotated[list[tuple[str, str]], Field(max_length=500)] | None = Field(
        default=None,
        description='Pairs of hazmat classes that share no carton, "" for none; null: each class by itself',
    )
    limited_g: dict[Word, Annotated[int, Field(strict=True, ge=0, le=10**9)]] = Field(
        default={}, description="By hazmat class, the most net grams in a parcel"
    )
    class_units: dict[Word, Units] = Field(
        default={}, description="By unit class, the most units in a carton"
    )
    support_permille: Annotated[int, Field(strict=True, ge=0, le=1000)] = 600
    clearance_mm: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0
    centred: Flag = False
    off_centre_permille: Annotated[int, Field(strict=True, ge=0, le=500)] = 500
    fill_permille: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1000
    landed: CostsAsked | None = Field(
        default=None, description="Pack at the least landed cost; null: into the fewest cartons"
    )

    @property
    def house(self) -> HouseRules:
        """As packing and routing read them."""
        rules = PackRules(**self.model_dump(exclude={"landed"}))
        return HouseRules(rules=rules, landed=Costs(**self.landed.model_dump()) if self.landed else None)


class RouteQuestion(Asked):
    """From which nodes to ship these lines, by which services, in which cartons."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ROUTE]})
    lines: Lines
    ship_to: AddressAsked
    channel: Word | None = Field(default=None, description="Whose promise, split policy and nodes hold")
    service_level: Word = "standard"
    promise_at: At | None = Field(default=None, description="Left out: what the channel promises, else none")
    as_of: At | None = Field(default=None, description="The moment decided at; left out: now")
    policy: PolicyAsked | None = Field(
        default=None, description="Left out: what the active sourcing profile says, else the channel's"
    )
    value: Minor | None = Field(
        default=None, description="What the goods are worth, for `split_from` and sourcing rules"
    )
    tags: Annotated[list[Word], Field(max_length=50)] = Field(default=[], description="For sourcing rules")
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = Field(
        default=0, description="For sourcing rules"
    )
    items: Items | None = None
    nodes: Nodes | None = None
    contracts: Contracts | None = None
    cartons: Cartons | None = None
    rules: HouseRulesAsked | None = Field(
        default=None, description="How every node packs; left out: as each does for the channel"
    )


class PackQuestion(Asked):
    """Into which cartons these units go, and where each lies."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PACK]})
    lines: Lines
    keep_flat: Flag = Field(default=False, description="Treat every item as this-side-up")
    effort: Annotated[int, Field(strict=True, ge=1, le=400_000)] | None = Field(
        default=None, description="Left out: 40,000; with `ship_to` 10,000, as release and routing take"
    )
    node: Word | None = Field(
        default=None, description="Where it is packed: its cartons and its rules hold, unless given here"
    )
    channel: Word | None = Field(default=None, description="For whom it is packed")
    rules: HouseRulesAsked | None = Field(default=None, description="Left out: those of the node and channel")
    ship_to: AddressAsked | None = Field(
        default=None,
        description="With `rules.landed`: packed at the least landed cost, by what carriage there asks",
    )
    ship_from: AddressAsked | None = Field(default=None, description="With `ship_to`: either this or `node`")
    service: Word | None = Field(
        default=None, description='With `ship_to`: by this, "ground" or "acme/ground"; left out: the cheapest'
    )
    as_of: At | None = None
    items: Items | None = None
    contracts: Contracts | None = None
    cartons: Cartons | None = None


class ParcelAsked(Asked):
    """A closed parcel as it was measured."""

    size: SizeAsked
    weight: WeightAsked
    hazmat: Flag = False
    declared_value: Minor = 0
    signature: Literal["", "indirect", "direct", "adult"] = ""
    saturday: Flag = False


class RateQuestion(Asked):
    """What parcels cost by every service between two places on a day, and which service to take."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RATE]})
    parcels: Annotated[list[ParcelAsked], Field(min_length=1, max_length=100)]
    ship_to: AddressAsked
    ship_from: AddressAsked | None = Field(default=None, description="Either this or `node`")
    node: Word | None = Field(default=None, description="Its address, calendar, cut-offs and services hold")
    ship_on: Annotated[date, AfterValidator(_in_range)] | None = Field(
        default=None, description="Left out: the node's next handover by each service, or the day of `as_of`"
    )
    promise_at: At | None = None
    as_of: At | None = Field(default=None, description="The moment whose contracts hold; left out: now")
    known_at: At | None = Field(
        default=None, description="Contracts and what was spent as they were recorded by then; left out: all"
    )
    nodes: Nodes | None = None
    contracts: Contracts | None = None


class PromiseQuestion(Asked):
    """By when a buyer at this place can have these lines, by service and by node."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROMISE]})
    lines: Lines
    ship_to: AddressAsked
    channel: Word | None = Field(default=None, description="Whose nodes may ship; left out: all")
    confidence: Annotated[int, Field(strict=True, ge=500, le=999)] | None = Field(
        default=None,
        description="Permille: the chance with which a date shall be kept; left out: the channel's, else 900",
    )
    as_of: At | None = Field(default=None, description="The moment asked at; left out: now")
    items: Items | None = None
    nodes: Nodes | None = None
    contracts: Contracts | None = None
    cartons: Cartons | None = None
    rules: HouseRulesAsked | None = Field(
        default=None, description="How every node packs; left out: as each does for the channel"
    )


Question: TypeAlias = RouteQuestion | PackQuestion | RateQuestion | PromiseQuestion
QUESTIONS: dict[str, type[RouteQuestion | PackQuestion | RateQuestion | PromiseQuestion]] = {
    "route": RouteQuestion,
    "pack": PackQuestion,
    "rate": RateQuestion,
    "promise": PromiseQuestion,
}


def given(question: Question, part: str) -> list[Any] | None:
    """A part of the world as the question gives it; None when the present one is to be taken."""
    found: list[Any] | None = getattr(question, part, None)
    return found


def moment(question: Question, now: datetime) -> datetime:
    """The moment the question is decided at, in UTC."""
    return (question.as_of or now).astimezone(UTC)
