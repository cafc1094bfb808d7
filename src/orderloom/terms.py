"""The shared words: ids, quantities, money, addresses, measures. Imports nothing of ours and reaches nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

# --- ids ------------------------------------------------------------------------------------------------------

ID_PREFIXES: Mapping[str, str] = {
    "order": "ord",
    "line": "orl",
    "slice": "sli",
    "fulfillment": "ful",
    "shipment": "shp",
    "label": "lbl",
    "package": "pkg",
    "reservation": "rsv",
    "safety_rule": "sfr",
    "pack_rules": "pkr",
    "count": "cnt",
    "payment": "pay",
    "transaction": "txn",
    "refund": "ref",
    "return": "ret",
    "return_line": "rtl",
    "hold": "hld",
    "exception": "exc",
    "node": "nod",
    "channel": "chn",
    "item": "itm",
    "decision": "dec",
    "sourcing_profile": "spr",
    "trial": "trl",
    "batch": "rbt",
    "manifest": "man",
    "wave": "wav",
    "notice": "ntc",
    "job": "job",
    "operation": "op",
    "event": "evt",
    "webhook": "whk",
    "delivery": "whd",
    "key": "key",
    "user": "usr",
    "supply": "sup",
}


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits, so that keys grow with time."""
    stamp = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    # 48 bits of time, version 7, 12 random bits, variant 0b10, 62 random bits.
    return UUID(int=(stamp << 80) | 0x7000_8000_0000_0000_0000 | (tail & 0x0FFF_3FFF_FFFF_FFFF_FFFF))


def first_id(moment: datetime) -> UUID:
    """The lowest id that can have been made at the moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def wire(kind: str, value: UUID) -> str:
    """The id as clients see it: typed prefix, underscore, 32 hex digits."""
    return f"{ID_PREFIXES[kind]}_{value.hex}"


class WrongId(ValueError):
    """An id that is not of the expected kind."""


def unwire(kind: str, text: str) -> UUID:
    """The UUID behind a wire id. Raises WrongId, saying what was expected, for another prefix or shape."""
    prefix = ID_PREFIXES[kind]
    head, _, tail = text.partition("_")
    if head != prefix:
        msg = f"expected an id that starts with '{prefix}_', got {text[:40]!r}"
        raise WrongId(msg)
    try:
        return UUID(hex=tail)
    except ValueError:
        msg = f"expected '{prefix}_' and 32 hex digits, got {text[:40]!r}"
        raise WrongId(msg) from None


# --- the ranks of a slice -------------------------------------------------------------------------------------


class Rank(IntEnum):
    """How far a slice of a line has come. From 200 to 800 stock is kept for it or has left for it."""

    CREATED = 100
    REJECTED = 110
    SHORT = 120
    BACKORDERED = 150
    RESERVED = 200
    ALLOCATED = 300
    RELEASED = 400
    ACKNOWLEDGED = 450
    PICKING = 500
    PICKED = 550
    PACKED = 600
    SHIPPED = 700
    DELIVERED = 800
    CANCELLED = 900

    @property
    def word(self) -> str:
        """The status as it stands on the wire."""
        return self.name.lower()


def rollup(lowest: int, highest: int) -> str:
    """One word for a span of ranks: the status when equal, else "partially" and the higher one."""
    if lowest == highest:
        return Rank(lowest).word
    return f"partially_{Rank(highest).word}"


# --- quantities -----------------------------------------------------------------------------------------------


class Quantities(dict[str, int]):
    """Units by SKU, as a bag: `+` joins, `-` takes away (never below nought), `&` is what both have.

    Only positive counts are kept, so an empty bag is falsy and two bags are equal when their units are.
    """

    def __init__(self, units: Mapping[str, int] | Iterable[tuple[str, int]] = ()) -> None:
        super().__init__()
        # Asking whether it is a mapping takes longer than the rest: a list, as most are, is known at once.
        pairs = units.items() if not isinstance(units, list) and isinstance(units, Mapping) else units
        for sku, count in pairs:
            total = self[sku] + count if sku in self else count
            if total > 0:
                self[sku] = total
            elif sku in self:
                del self[sku]

    def __add__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities([*self.items(), *other.items()])

    def __sub__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities((sku, count - other.get(sku, 0)) for sku, count in self.items())

    def __and__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities((sku, min(count, other.get(sku, 0))) for sku, count in self.items())

    def __le__(self, other: Mapping[str, int]) -> bool:
        return all(count <= other.get(sku, 0) for sku, count in self.items())

    def units(self) -> int:
        """How many units in all."""
        return sum(self.values())


# --- money ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in integer minor units of one ISO 4217 currency. Adding another currency is an error."""

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._like(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._like(other).amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.amount * count, self.currency)

    def _like(self, other: Money) -> Money:
        if other.currency != self.currency:
            msg = f"cannot join {self.currency} and {other.currency}"
            raise ValueError(msg)
        return other

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {"amount": self.amount, "currency": self.currency}


def apportion(total: int, weights: list[int]) -> list[int]:
    """Split an amount by weights so that the parts sum to it exactly (largest remainder; ties to the earlier).

    All weights nought counts as all equal. `total` may be negative; weights may not.
    """
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    sign, size = (-1, -total) if total < 0 else (1, total)
    parts = [size * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % whole), i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


# --- measures -------------------------------------------------------------------------------------------------

_GRAMS = {"g": 1.0, "kg": 1000.0, "oz": 28.349523125, "lb": 453.59237}
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4}


@dataclass(frozen=True, slots=True)
class Measure:
    """A weight or length as it was given. Geometry uses the rounded-up integer; rating reads value and unit."""

    value: float
    unit: str

    def grams(self) -> int:
        """Grams, rounded up, so that nothing is lighter than it is."""
        return _ceil(self.value * _GRAMS[self.unit])

    def millimetres(self) -> int:
        """Millimetres, rounded up, so that nothing is smaller than it is."""
        return _ceil(self.value * _MILLIMETRES[self.unit])

    def room(self) -> int:
        """Millimetres, rounded down, so that no inside is larger than it is."""
        return int(self.value * _MILLIMETRES[self.unit] + 1e-6)

    def json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {"value": self.value, "unit": self.unit}


def _ceil(value: float) -> int:
    # A hair of binary noise (12.000000001) must not cost a whole millimetre.
    return -int(-(value - 1e-6) // 1) if value > 0 else 0


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Length, width, height in whole millimetres; height is the edge that points up."""

    length: int
    width: int
    height: int

    @property
    def volume(self) -> int:
        """Cubic millimetres."""
        return self.length * self.width * self.height

    def __iter__(self) -> Iterator[int]:
        return iter((self.length, self.width, self.height))


# --- places ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, unsafe_hash=True)
class Address:
    """A postal address; position in degrees where it is known. Never changed; not frozen, since sets read thousands."""

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = "US"
    phone: str = ""
    residential: bool = True
    latitude: float | None = None
    longitude: float | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its stored JSON; unknown keys are left out."""
        known = cls.__dataclass_fields__
        if stored.keys() <= known.keys():
            return cls(**stored)
        return cls(**{key: value for key, value in stored.items() if key in known})

    def at(self, latitude: float, longitude: float) -> Self:
        """The same address with this position."""
        values: list[Any] = [*_ADDRESS(self)]
        values[-2:] = latitude, longitude
        return type(self)(*values)

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return dict(zip(self.__dataclass_fields__, _ADDRESS(self), strict=True))


# What stands in it as one tuple, taken at the speed of C.
_ADDRESS = attrgetter(*Address.__dataclass_fields__)
