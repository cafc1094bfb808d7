"""Surcharges as a contract states them. Each may name its services and the days between which it is in force.

A surcharge in a group stands in for the others of that group: only the dearest of those that apply is charged.
`fuelled`: fuel is charged on it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt

from orderloom.shipping.figures import (
    FIRST_DAY,
    LAST_DAY,
    STRICT,
    Amount,
    Code,
    Permille,
    Positive,
    Postcodes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dated:
    """What all have: their services (all when none is named) and their days, both included."""

    __pydantic_config__ = STRICT

    services: tuple[Code, ...] = ()
    starts: date = FIRST_DAY
    ends: date = LAST_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Residential(_Dated):
    """A flat charge for homes."""

    __pydantic_config__ = STRICT

    kind: Literal["residential"]
    amount: Amount
    code: Code = "residential"
    group: Code = ""
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryArea(_Dated):
    """A flat charge for destinations of a list; tiers (delivery area, extended, remote) share a group."""

    __pydantic_config__ = STRICT

    kind: Literal["delivery_area"]
    amount: Amount
    postcodes: Annotated[tuple[Postcodes, ...], Field(min_length=1)]
    code: Code = "delivery_area"
    group: Code = "delivery_area"
    residential_only: bool = False
    commercial_only: bool = False
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling(_Dated):
    """A flat charge once any of its limits is exceeded; zones of which it costs another amount are named in `by_zone`."""

    __pydantic_config__ = STRICT

    kind: Literal["additional_handling", "oversize"]
    amount: Amount
    code: Code
    longest_over: Positive | None = None
    second_over: Positive | None = None
    length_plus_girth_over: Positive | None = None
    cube_over: Annotated[StrictInt, Field(gt=0)] | None = None
    weight_over: Positive | None = None
    by_zone: dict[Annotated[int, Field(ge=0, le=999)], Amount] = field(default_factory=dict)
    group: Code = "handling"
    residential_only: bool = False
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(_Dated):
    """Charged on every parcel: an amount, or permille of the charge within limits."""

    __pydantic_config__ = STRICT

    kind: Literal["fee"]
    code: Code
    amount: Amount = 0
    permille: Permille | None = None
    at_least: Amount = 0
    at_most: Amount | None = None
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue(_Dated):
    """What is declared above `included` costs `amount` for each begun `per`, and `at_least` that much."""

    __pydantic_config__ = STRICT

    kind: Literal["declared_value"]
    amount: Amount
    per: Annotated[StrictInt, Field(gt=0)] = 10_000
    included: Amount = 0
    at_least: Amount = 0
    code: Code = "declared_value"
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature(_Dated):
    """A flat charge when a signature of that type is asked for."""

    __pydantic_config__ = STRICT

    kind: Literal["signature"]
    type: Literal["indirect", "direct", "adult"]
    amount: Amount
    code: Code = "signature"
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturday(_Dated):
    """A flat charge when delivery on a Saturday is asked for."""

    __pydantic_config__ = STRICT

    kind: Literal["saturday"]
    amount: Amount
    code: Code = "saturday"
    fuelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelStep:
    """The permille in force from a day on."""

    __pydantic_config__ = STRICT

    starts: date
    permille: Permille


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuel(_Dated):
    """Permille by the day of shipping, before the first step nought; of what is stated here.

    `charge`: of the charge itself. `on`: of these surcharges; left out, of every one that is `fuelled`.
    """

    __pydantic_config__ = STRICT

    kind: Literal["fuel"]
    steps: Annotated[tuple[FuelStep, ...], Field(min_length=1)]
    code: Code = "fuel"
    charge: bool = True
    on: tuple[Code, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak(_Dated):
    """A flat charge between two days. `along`: only when one of these surcharges is charged, as on what is large."""

    __pydantic_config__ = STRICT

    kind: Literal["peak"]
    amount: Amount
    starts: date
    ends: date
    code: Code = "peak"
    group: Code = ""
    residential_only: bool = False
    along: tuple[Code, ...] = ()
    fuelled: bool = False


Surcharge: TypeAlias = Annotated[
    Residential | DeliveryArea | Handling | Fee | DeclaredValue | Signature | Saturday | Fuel | Peak,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap(_Dated):
    """These surcharges together cost at most so much; what they exceed it by is taken off again, before fuel."""

    __pydantic_config__ = STRICT

    codes: Annotated[tuple[Code, ...], Field(min_length=1)]
    at_most: Amount
    code: Code = "cap"
    fuelled: bool = False
