"""The kinds of figures that terms are made of, as JSON gives them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, StrictInt
from pydantic.types import StringConstraints

Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
Amount: TypeAlias = Annotated[StrictInt, Field(ge=0, le=10**12)]
# Carriers state fuel in quarters of a percent: 20.25 % is 202.5 permille.
Permille: TypeAlias = Annotated[Decimal, Field(ge=0, le=5000, decimal_places=2, allow_inf_nan=False)]
Share: TypeAlias = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=2, allow_inf_nan=False)]
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
Rounding: TypeAlias = Literal["half_up", "half_even", "up", "down"]

# A misspelt key must be a fault: a surcharge that is silently left out costs money.
STRICT = ConfigDict(extra="forbid")
WORKING_DAYS = (1, 2, 3, 4, 5)
# What stands open at an end.
FIRST_DAY, LAST_DAY = date.min, date.max
# Shares are counted in hundredths of a permille.
WHOLE = 100_000


def parts(permille: Decimal) -> int:
    """A permille in whole hundredths of it."""
    return int(permille * 100)


def plain(share: int) -> int | float:
    """Hundredths of a permille as a trace tells them."""
    return share // 100 if share % 100 == 0 else share / 100


def share_of(amount: int, share: int, rounding: Rounding = "half_up") -> int:
    """That share, in hundredths of a permille, of an amount."""
    product = amount * share
    if rounding == "half_up":
        return (product + WHOLE // 2) // WHOLE
    if rounding == "up":
        return -(-product // WHOLE)
    if rounding == "down":
        return product // WHOLE
    whole, rest = divmod(product, WHOLE)
    return whole + (2 * rest > WHOLE or (2 * rest == WHOLE and whole % 2))


# Digits after the point of a whole unit, where they are not two.
DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}
