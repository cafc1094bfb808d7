"""Plain values of packing: what is to be packed, into what, and where each unit came to lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self
from uuid import UUID

from orderloom.terms import Dimensions, Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Some units of one item as packing sees them: millimetres, grams, and how they may be handled.

    How a unit lies: `this_side_up` and `keep_flat` keep its height vertical (the latter either way up), `locked` keeps
    it just as given. `fragile`: nothing above it; `max_load_g`: no more than this rests on it. `nesting_mm`: what a
    further unit adds to a pile of nested ones; `compressed_mm`: its height squeezed in a bag. `ships_alone`: a carton
    to itself; `own_container`: no carton at all.

    What shares a carton: all units of one `together` do; two articles of different `apart` never do, nor does one with
    a SKU it `excludes`. `hazmat_class` and `unit_class` are what `PackRules` speak of.
    """

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
    keep_flat: bool = False
    locked: bool = False
    max_load_g: int | None = None
    own_container: bool = False
    together: str | None = None
    apart: str | None = None
    excludes: tuple[str, ...] = ()
    unit_class: str | None = None
    nesting_mm: int | None = None
    compressed_mm: int | None = None

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records: what is seldom said only where it is."""
        given = {key: getattr(self, key) for key in self.__dataclass_fields__}
        given["excludes"] = list(self.excludes)
        return {
            key: value
            for key, value in given.items()
            if key not in _SELDOM or value or (key == "max_load_g" and value is not None)
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        known = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__}
        return cls(**{**known, "excludes": tuple(stored.get("excludes", ()))})


def handled(said: Mapping[str, Any]) -> dict[str, Any]:
    """What an item's `handling` says, as an `Article` takes it; JSON knows no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}


# Nought is an answer of its own for what may lie on a unit.
_SELDOM = frozenset(
    {
        "keep_flat",
        "locked",
        "max_load_g",
        "own_container",
        "together",
        "apart",
        "excludes",
        "unit_class",
        "nesting_mm",
        "compressed_mm",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carton:
    """A box that may be used. `max_weight_g` is gross, tare included; `cost` is in minor currency units.

    `stock` is how many there are, None for as many as wanted. `flexible` is a bag or mailer: its inner height is the
    thickness it may be filled to, every millimetre of which takes one from its length and width; its outer height is
    its thickness when empty. Nothing fragile, nothing that must stand upright goes into one.
    """

    code: str
    name: str
    inner: Dimensions
    outer: Dimensions
    tare_g: int
    max_weight_g: int
    cost: int = 0
    stock: int | None = None
    flexible: bool = False

    def __hash__(self) -> int:
        return hash((self.code, self.stock))

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        plain: dict[str, Any] = {
            "code": self.code,
            "name": self.name,
            "inner_mm": list(self.inner),
            "outer_mm": list(self.outer),
            "tare_g": self.tare_g,
            "max_weight_g": self.max_weight_g,
            "cost": self.cost,
        }
        if self.stock is not None:
            plain["stock"] = self.stock
        if self.flexible:
            plain["flexible"] = True
        return plain

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
            stock=stored.get("stock"),
            flexible=stored.get("flexible", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRules:
    """A house's rules for every carton.

    `segregated`: pairs of hazmat classes that never share one, "" standing for goods that are not dangerous; None puts
    every class by itself. `limited_g`: by hazmat class the most net grams in a parcel (limited quantities).
    `class_units`: by unit class the most units in a carton. `support_permille` of every base must rest on something.
    `clearance_mm` is left free at every face for void fill. `centred`: goods are moved together so that their centre of
    mass lies as near the middle of the floor as the free room lets it; `off_centre_permille` is how far off it may lie at
    most, in thousandths of the edge (500: anywhere). `fill_permille`: so much of a carton's room goods may take up, the rest
    is kept for void fill (a nested unit counts what it adds; a bag is filled to its thickness).
    """

    segregated: tuple[tuple[str, str], ...] | None = None
    limited_g: Mapping[str, int] = field(default_factory=dict)
    class_units: Mapping[str, int] = field(default_factory=dict)
    support_permille: int = 600
    clearance_mm: int = 0
    centred: bool = False
    off_centre_permille: int = 500
    fill_permille: int = 1000

    def __hash__(self) -> int:
        return hash(
            (self.segregated, self.support_permille, self.clearance_mm, self.centred, self.fill_permille)
        )

    def json(self) -> dict[str, Any]:
        """The form on the wire and in records."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        pairs = self.segregated
        return {
            **plain,
            "segregated": None if pairs is None else [list(pair) for pair in pairs],
            "limited_g": dict(self.limited_g),
            "class_units": dict(self.class_units),
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON form."""
        known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        if known.get("segregated") is not None:
            known["segregated"] = tuple((one, other) for one, other in known["segregated"])
        return cls(**known)


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
