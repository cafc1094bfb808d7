"""Where a postcode lies: latitude, longitude and time zone, for US ZIP codes. Pure table look-up, no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import asin, cos, radians, sin, sqrt
from statistics import median

import zipcodes

from orderloom.terms import Address

EARTH_KM = 6371.0088
# Published with a marker that it is typed, but without the types.
_similar_to: Callable[[str], list[dict[str, str]]] = zipcodes.similar_to


@dataclass(frozen=True, slots=True)
class Place:
    """A point on earth with the time zone people there live by."""

    latitude: float
    longitude: float
    time_zone: str


def read_table() -> None:
    """Read the table of ZIP codes now: it takes half a second, for which whoever asks first would wait."""
    _table()


def place_of(*, postcode: str, country: str = "US") -> Place | None:
    """The centre of a ZIP code (ZIP+4 welcome), of its first three digits where the five are unknown, else None."""
    digits = postcode.strip()[:5]
    if country != "US" or len(digits) != 5 or not digits.isdigit():
        return None
    return _zip(digits) or _zip3(digits[:3])


def located(address: Address) -> Place | None:
    """Where an address lies: its own position if it brings one, else its postcode's."""
    found = place_of(postcode=address.postcode, country=address.country)
    if address.latitude is None or address.longitude is None:
        return found
    return Place(address.latitude, address.longitude, found.time_zone if found else "UTC")


def positioned(address: Address, *, latitude: float | None = None, longitude: float | None = None) -> Address:
    """The address with the position given (a node's own), else the one it brings, else its postcode's."""
    if latitude is not None and longitude is not None:
        return address.at(latitude, longitude)
    if address.latitude is not None or (found := located(address)) is None:
        return address
    return address.at(found.latitude, found.longitude)


def kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Great-circle distance between two (latitude, longitude)."""
    lat1, lon1, lat2, lon2 = map(radians, (*here, *there))
    chord = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(chord)))


def _zip(digits: str) -> Place | None:
    return _table().get(digits[:3], {}).get(digits)


@cache
def _table() -> Mapping[str, Mapping[str, Place]]:
    """Every ZIP code, under its first three digits.

    Read in ten parts: the library keeps for good what is asked for in one, 140 MB in each process.
    """
    found: defaultdict[str, dict[str, Place]] = defaultdict(dict)
    for digit in "0123456789":
        for row in _similar_to(digit):
            if place := _placed(row):
                found[row["zip_code"][:3]][row["zip_code"]] = place
    return dict(found)


@lru_cache(maxsize=1_000)
def _zip3(prefix: str) -> Place | None:
    around = _table().get(prefix, {}).values()
    if not around:
        return None
    zones = sorted(place.time_zone for place in around)
    return Place(
        median(place.latitude for place in around),
        median(place.longitude for place in around),
        max(zones, key=zones.count),
    )


def _placed(row: dict[str, str]) -> Place | None:
    latitude, longitude = float(row["lat"] or 0), float(row["long"] or 0)
    # 872 rows of the table (military post, a company's own code) stand at 0, 0: nowhere.
    return Place(latitude, longitude, row["timezone"]) if (latitude, longitude) != (0.0, 0.0) else None
