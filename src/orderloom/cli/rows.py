"""The rows of a deployment's files: strict, in the words a person writes, each made into the value it stands for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from orderloom.api.boxing import PackRulesIn
from orderloom.api.network import EditRuleIn, SplitPolicyIn
from orderloom.catalog.model import Item
from orderloom.journey.setup import ALWAYS, CarrierTerms
from orderloom.network.model import Channel, Node
from orderloom.network.places import place_of
from orderloom.packing.houserules import HouseRules
from orderloom.packing.model import Carton
from orderloom.shipping.carriers import adapter_names
from orderloom.terms import Address, Dimensions, Measure

_MEASURE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
WEIGHTS, LENGTHS = ("g", "kg", "oz", "lb"), ("mm", "cm", "in")


def _measured(units: tuple[str, ...]) -> BeforeValidator:
    def read(given: object) -> object:
        if isinstance(given, Measure):
            return given
        match = _MEASURE.fullmatch(given) if isinstance(given, str) else None
        if match is None or match[2] not in units:
            raise ValueError(f"write a number and one of {', '.join(units)}, such as '1.5 {units[-1]}'")
        return Measure(float(match[1]), match[2])

    return BeforeValidator(read)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {name!r}: write one such as 'America/Chicago'") from None
    return name


def _adapter(name: str) -> str:
    if name not in adapter_names():
        raise ValueError(f"no carrier adapter is called {name!r}; there are {', '.join(adapter_names())}")
    return name


Weight = Annotated[Measure, _measured(WEIGHTS)]
Length = Annotated[Measure, _measured(LENGTHS)]
Zone = Annotated[str, AfterValidator(_zone)]
Code = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
Amount = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(gt=0)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _written(measure: Measure) -> str:
    return f"{measure.value:g} {measure.unit}"


class _Row(BaseModel):
    """A misspelt column is a fault, never left out silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    def written(self) -> dict[str, Any]:
        """The row as a person would write it: what is as by default is left out."""
        plain = {
            name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set
        }
        return {
            name: _plain(value)
            for name, value in plain.items()
            if value != type(self).model_fields[name].default
        }


def _plain(value: object) -> object:
    if isinstance(value, Measure):
        return _written(value)
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_defaults=True)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


class ItemRow(_Row):
    """An item; `components` make it a kit."""

    sku: Code
    name: Annotated[str, Field(min_length=1)]
    weight: Weight
    length: Length
    width: Length
    height: Length
    gtin: Annotated[str, Field(pattern=r"^\d{8}$|^\d{12,14}$")] | None = None
    price: Amount | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    fragile: bool = False
    this_side_up: bool = False
    hazmat_class: str | None = None
    ships_alone: bool = False
    handling: dict[str, Any] = {}
    backorder: Literal["refuse", "from_supply", "always"] = "refuse"
    sold_from: date | None = None
    tracked_by: Literal["lot", "serial"] | None = None
    active: bool = True
    components: dict[Code, Count] = {}

    def item(self) -> Item:
        """The item it stands for."""
        sizes = {"weight": self.weight, "length": self.length, "width": self.width, "height": self.height}
        metric = self.weight.unit == "g" and {self.length.unit, self.width.unit, self.height.unit} == {"mm"}
        return Item(
            sku=self.sku,
            name=self.name,
            weight_g=self.weight.grams(),
            length_mm=self.length.millimetres(),
            width_mm=self.width.millimetres(),
            height_mm=self.height.millimetres(),
            as_given=None if metric else {name: measure.json() for name, measure in sizes.items()},
            list_price=self.price,
            **{name: getattr(self, name) for name in ITEM_FLAGS},
        )

    @classmethod
    def of(cls, item: Item, components: Any) -> ItemRow:
        """The row an item is written as."""
        sides = {"length": item.length_mm, "width": item.width_mm, "height": item.height_mm}
        given = {
            "weight": Measure(item.weight_g, "g"),
            **{name: Measure(millimetres, "mm") for name, millimetres in sides.items()},
            **{name: Measure(m["value"], m["unit"]) for name, m in (item.as_given or {}).items()},
        }
        return cls(
            sku=item.sku,
            name=item.name,
            price=item.list_price,
            components=dict(components),
            **given,
            **{name: getattr(item, name) for name in ITEM_FLAGS},
        )


ITEM_FLAGS = (
    "gtin", "currency", "fragile", "this_side_up", "hazmat_class", "ships_alone", "backorder", "sold_from",
    "tracked_by", "active", "handling",
)  # fmt: skip


class AddressRow(BaseModel):
    """A node's address; stores and warehouses are not residential."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    phone: str = ""
    residential: bool = False


class NodeRow(_Row):
    """A node. Position and time zone come from a US ZIP code where they are not given."""

    code: Code
    name: str
    type: Literal["fulfillment_center", "store", "third_party", "drop_ship", "virtual"]
    address: AddressRow
    time_zone: Zone | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    working_days: tuple[Weekday, ...] = (1, 2, 3, 4, 5)
    holidays: tuple[date, ...] = ()
    cutoffs: dict[str, Clock] = {}
    processing_hours: Amount = 4
    daily_capacity: Amount | None = None
    pick_cost: Amount = 0
    unit_cost: Amount = 0
    ships_hazmat: bool = False
    services: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()
    active: bool = True

    def node(self) -> Node:
        """The node it stands for."""
        place = place_of(postcode=self.address.postcode, country=self.address.country)
        own = {name: getattr(self, name) for name in NODE_FIELDS}
        if place is not None:
            own["latitude"] = place.latitude if self.latitude is None else self.latitude
            own["longitude"] = place.longitude if self.longitude is None else self.longitude
        zone = self.time_zone or (place.time_zone if place else "UTC")
        return Node(**own, time_zone=zone, address=Address(**self.address.model_dump()))

    @classmethod
    def of(cls, node: Node) -> NodeRow:
        """The row a node is written as."""
        address = {name: getattr(node.address, name) for name in AddressRow.model_fields}
        return cls(
            **{name: getattr(node, name) for name in NODE_FIELDS},
            time_zone=node.time_zone,
            address=AddressRow(**address),
        )


NODE_FIELDS = (
    "code", "name", "type", "latitude", "longitude", "working_days", "holidays", "cutoffs", "processing_hours",
    "daily_capacity", "pick_cost", "unit_cost", "ships_hazmat", "services", "channels", "groups", "active",
)  # fmt: skip


def _split_policy(given: dict[str, Any]) -> dict[str, Any]:
    """As the API takes it: a name that is none, or a limit out of range, is a fault of the row."""
    return SplitPolicyIn.model_validate(given).model_dump(exclude_none=True)


def _edit_rule(given: dict[str, Any]) -> dict[str, Any]:
    """As the API takes it."""
    return EditRuleIn.model_validate(given).model_dump(by_alias=True, exclude_none=True)


class ChannelRow(_Row):
    """A sales channel."""

    code: Code
    name: str
    type: Literal["site", "marketplace", "store", "edi", "file"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_zone: Zone = "UTC"
    on_shortage: Literal["refuse", "accept"] = "refuse"
    promise_days: dict[str, Amount] = {"standard": 5, "expedited": 2, "overnight": 1}
    promise_confidence: Annotated[int, Field(ge=500, le=999)] = 900
    split_policy: Annotated[dict[str, Any], AfterValidator(_split_policy)] = {"max_shipments": 4}
    review_above: Amount | None = None
    notices: tuple[Literal["email", "sms", "app"], ...] = ("email",)
    excluded_nodes: tuple[Code, ...] = ()
    availability_feed: dict[str, Any] | None = None
    edit_rules: tuple[Annotated[dict[str, Any], AfterValidator(_edit_rule)], ...] = ()
    active: bool = True

    def channel(self) -> Channel:
        """The channel it stands for."""
        return Channel(**{name: getattr(self, name) for name in type(self).model_fields})

    @classmethod
    def of(cls, channel: Channel) -> ChannelRow:
        """The row a channel is written as."""
        return cls(**{name: getattr(channel, name) for name in cls.model_fields})


class CartonRow(_Row):
    """A carton by its outer and inner edges; an outside is rounded up to millimetres, an inside down."""

    code: Code
    name: str
    outer: tuple[Length, Length, Length]
    inner: tuple[Length, Length, Length]
    tare: Weight
    max_weight: Weight
    cost: Amount = 0
    flexible: bool = False

    def carton(self) -> Carton:
        """The carton it stands for."""
        return Carton(
            code=self.code,
            name=self.name,
            outer=Dimensions(*(side.millimetres() for side in self.outer)),
            inner=Dimensions(*(side.room() for side in self.inner)),
            tare_g=self.tare.grams(),
            max_weight_g=self.max_weight.grams(),
            cost=self.cost,
            flexible=self.flexible,
        )

    @classmethod
    def of(cls, carton: Carton) -> CartonRow:
        """The row a carton is written as."""
        return cls(
            code=carton.code,
            name=carton.name,
            outer=_edges(carton.outer),
            inner=_edges(carton.inner),
            tare=Measure(carton.tare_g, "g"),
            max_weight=Measure(carton.max_weight_g, "g"),
            cost=carton.cost,
            flexible=carton.flexible,
        )


def _edges(size: Dimensions) -> tuple[Measure, Measure, Measure]:
    return Measure(size.length, "mm"), Measure(size.width, "mm"), Measure(size.height, "mm")


class NodeCartonRow(_Row):
    """A carton that a node has; without a count it never runs out."""

    node: Code
    carton: Code
    stock: Amount | None = None


class PackRulesRow(PackRulesIn):
    """How a node packs for a channel; either may be left out."""

    @property
    def key(self) -> tuple[str | None, str | None]:
        """Whose rules they are."""
        return self.node, self.channel

    @classmethod
    def of(cls, key: tuple[str | None, str | None], house: HouseRules) -> PackRulesRow:
        """The row that rules are written as."""
        return cls(node=key[0], channel=key[1], **house.json())

    def written(self) -> dict[str, Any]:
        """The row as a person would write it."""
        return self.model_dump(exclude_defaults=True) or {"node": None}


class CarrierRow(_Row):
    """A carrier with the terms of its contract; other terms than those in force are a new version."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
    name: str
    adapter: Annotated[str, AfterValidator(_adapter)]
    valid_from: date | None = None
    terms: dict[str, Any]

    def carrier(self) -> CarrierTerms:
        """The carrier it stands for."""
        starts = self.valid_from
        return CarrierTerms(
            code=self.code,
            name=self.name,
            adapter=self.adapter,
            terms=self.terms,
            valid_from=datetime(starts.year, starts.month, starts.day, tzinfo=UTC) if starts else ALWAYS,
        )

    @classmethod
    def of(cls, carrier: CarrierTerms) -> CarrierRow:
        """The row a carrier is written as."""
        return cls(
            code=carrier.code,
            name=carrier.name,
            adapter=carrier.adapter,
            valid_from=carrier.valid_from.date() if carrier.valid_from != ALWAYS else None,
            terms=dict(carrier.terms),
        )


class StockRow(_Row):
    """First stock of an item at a node."""

    node: Code
    sku: Code
    quantity: Count
