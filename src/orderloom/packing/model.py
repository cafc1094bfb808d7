"""Plain values of packing: what is to be packed, into what, and where each unit came to lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from uuid import UUID

from orderloom.terms import Dimensions, Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Some units of one item as packing sees them: millimetres, grams, and how they may be handled."""

    sku: str
    length: int
    width: int
    height: int
    weight_g: int
    quantity: int = 1
    fragile: bool = False
    this_side_up: bool = False
    hazmat_class: str | None = None
    ships_alone: bool = False

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        return cls(**{key: value for key, value in stored.items() if key in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Carton:
    """A box that may be used. `max_weight_g` is gross, tare included; `cost` is in minor currency units."""

    code: str
    name: str
    inner: Dimensions
    outer: Dimensions
    tare_g: int
    max_weight_g: int
    cost: int = 0

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        return {
            "code": self.code,
            "name": self.name,
            "inner_mm": list(self.inner),
            "outer_mm": list(self.outer),
            "tare_g": self.tare_g,
            "max_weight_g": self.max_weight_g,
            "cost": self.cost,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form or its row."""
        return cls(
            code=stored["code"],
            name=stored["name"],
            inner=Dimensions(*stored["inner_mm"]),
            outer=Dimensions(*stored["outer_mm"]),
            tare_g=stored["tare_g"],
            max_weight_g=stored["max_weight_g"],
            cost=stored["cost"],
        )


class Placement(NamedTuple):
    """One unit in its parcel: the corner nearest the origin, and its edges along x, y and (upwards) z."""

    sku: str
    x: int
    y: int
    z: int
    length: int
    width: int
    height: int

    def json(self) -> list[Any]:
        """Seven values: a plan holds many of these."""
        return [self.sku, self.x, self.y, self.z, self.length, self.width, self.height]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One packed box. `carton` is None for an item that ships in its own packaging; `weight_g` is gross.

    `up` is the axis (0, 1, 2 for x, y, z) that points up while it is packed: a carton may be packed lying on a side.
    """

    carton: str | None
    contents: Quantities
    placements: tuple[Placement, ...]
    weight_g: int
    outer: Dimensions
    inner: Dimensions
    up: int = 2

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        return {
            "carton": self.carton,
            "contents": dict(self.contents),
            "placements": [placement.json() for placement in self.placements],
            "weight_g": self.weight_g,
            "outer_mm": list(self.outer),
            "inner_mm": list(self.inner),
            "up": self.up,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        return cls(
            carton=stored["carton"],
            contents=Quantities(stored["contents"]),
            placements=tuple(Placement(*values) for values in stored["placements"]),
            weight_g=stored["weight_g"],
            outer=Dimensions(*stored["outer_mm"]),
            inner=Dimensions(*stored["inner_mm"]),
            up=stored.get("up", 2),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPlan:
    """The answer of `cartonize`: parcels, how few there could be at best, and what fits no carton, with why.

    `proven` says that no packing into fewer parcels exists; `effort` is the work spent, in counted steps.
    """

    parcels: tuple[Parcel, ...]
    lower_bound: int
    proven: bool
    unpackable: tuple[tuple[str, str], ...] = ()
    effort: int = 0

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        return {
            "parcels": [parcel.json() for parcel in self.parcels],
            "lower_bound": self.lower_bound,
            "proven": self.proven,
            "unpackable": [list(pair) for pair in self.unpackable],
            "effort": self.effort,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        return cls(
            parcels=tuple(Parcel.of(parcel) for parcel in stored["parcels"]),
            lower_bound=stored["lower_bound"],
            proven=stored["proven"],
            unpackable=tuple((sku, reason) for sku, reason in stored["unpackable"]),
            effort=stored["effort"],
        )


# --- what is stored, and what working with it answers ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package as it is stored. `contents` by SKU; `lines` the same units by order line.

    `hazmat`: it holds dangerous goods. Lengths and weight are None while it is open.
    """

    id: UUID
    fulfillment_id: UUID
    order_id: UUID
    sequence: int
    carton: str | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    weight_g: int | None
    status: str
    version: int
    contents: Quantities
    lines: Mapping[UUID, int]
    hazmat: bool = False

    @property
    def dimensions(self) -> Dimensions:
        """Outer length, width, height; nought while it is open."""
        return Dimensions(self.length_mm or 0, self.width_mm or 0, self.height_mm or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A scan that counts. `done` and `remaining` are of the whole fulfillment order, by SKU, for this kind of scan."""

    sku: str
    quantity: int
    done: Quantities
    remaining: Quantities
    package: int | None = None

    @property
    def complete(self) -> bool:
        """Is there nothing left to scan?"""
        return not self.remaining


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What was wanted did not happen: a code for programs, and for people what is wrong and the way out."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A batch of work at one node. `left_out` says which fulfillment orders could not join it, and why."""

    id: UUID
    number: str
    node_id: UUID
    fulfillments: tuple[UUID, ...]
    left_out: Mapping[UUID, Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickRow:
    """One row of a pick list: so many units of an item, and for which fulfillment orders, by their numbers."""

    sku: str
    name: str
    gtin: str | None
    quantity: int
    picked: int
    fulfillments: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """Units that were not found and have left the fulfillment order; stock at the node is to be corrected by as many."""

    order_id: UUID
    node_id: UUID
    sku: str
    quantity: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A package that was closed. `complete`: with it everything of the fulfillment order is packed."""

    package: Package
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSet:
    """What became of fulfillment orders that a node reported whole."""

    packed: Mapping[UUID, tuple[Package, ...]]
    refused: Mapping[UUID, Refused]
