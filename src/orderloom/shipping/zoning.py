"""A lane's zone: by country, postcode list, exception, pair of prefixes, distance, in that order.

A chart of numbered prefixes is kept as one byte a pair: America's by three digits, 469 by 1,000, is half a megabyte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from orderloom.shipping.agreed import Zones
from orderloom.shipping.model import EARTH_RADIUS_M, Place

_METRES = {"km": 1_000.0, "mi": 1_609.344}
# In a chart's byte: no such pair, and the mark of a pair whose longer postcodes may differ.
_UNKNOWN, _MARK = 0xFF, 0x80
_BYTE_ZONES = 0x7E
_TABLE_PREFIX = 4


class Found(NamedTuple):
    """The zone and how it was found. `default`: the chart says that longer postcodes of the pair may be of another."""

    zone: int | None
    by: str
    default: bool = False


NOT_FOUND = Found(None, "nothing")


class PostcodeList:
    """Postcodes by prefix and by range."""

    __slots__ = ("_lengths", "_prefixes", "_ranges")

    def __init__(self, entries: Iterable[str]) -> None:
        parted = [entry.partition("-") for entry in entries]
        self._prefixes = frozenset(low for low, _, high in parted if not high)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}))
        self._ranges = tuple((low, high, len(low)) for low, _, high in parted if high)

    @property
    def key(self) -> tuple[object, ...]:
        """What lists that are alike have in common."""
        return self._prefixes, self._ranges

    @property
    def letters(self) -> int:
        """How many letters of a postcode it reads at most."""
        return max((*self._lengths, *(n for _, _, n in self._ranges)), default=0)

    def __contains__(self, postcode: str) -> bool:
        prefixes = self._prefixes
        for n in self._lengths:
            if postcode[:n] in prefixes:
                return True
        return any(low <= postcode[:n] <= high for low, high, n in self._ranges)


class Zoning:
    """Tells a lane's zone."""

    __slots__ = (
        "_bands",
        "_countries",
        "_exceptions",
        "_from_lengths",
        "_pairs",
        "_postcodes",
        "_to_lengths",
    )

    def __init__(self, zones: Zones) -> None:
        self._countries = dict(zones.countries)
        self._postcodes = tuple((PostcodeList(one.postcodes), one.zone) for one in zones.postcodes)
        self._pairs = Pairs(zones.pairs, zones.pair_prefix)
        self._exceptions = {(a, b): zone for a, row in zones.exceptions.items() for b, zone in row.items()}
        # The longest first: the more a chart says, the more it counts.
        self._from_lengths = sorted({len(a) for a, _ in self._exceptions}, reverse=True)
        self._to_lengths = sorted({len(b) for _, b in self._exceptions}, reverse=True)
        metres = _METRES[zones.distance_unit]
        self._bands = tuple(
            (_chord_squared(band.up_to, metres), Found(band.zone, "distance")) for band in zones.bands
        )

    @property
    def letters(self) -> int:
        """How many letters of a destination's postcode are read at most."""
        lists = [listed.letters for listed, _ in self._postcodes]
        return max([self._pairs.prefix, *self._to_lengths, *lists])

    @property
    def limits(self) -> tuple[int, ...]:
        """Of the bands in their order, the squared chord that each goes up to."""
        return tuple(limit for limit, _ in self._bands if limit is not None)

    def find(self, origin: Place, destination: Place) -> Found:
        """The zone of the lane, and what told it."""
        return self.told(origin, destination) or self._by_distance(origin, destination)

    def told(self, origin: Place, destination: Place) -> Found | None:
        """The zone as countries and postcodes tell it; None where it goes by distance."""
        if destination.country != origin.country:
            zone = self._countries.get(destination.country, self._countries.get("*"))
            return Found(zone, "country") if zone is not None else None
        postcode = destination.postcode
        for listed, zone in self._postcodes:
            if postcode in listed:
                return Found(zone, "postcodes")
        for n in self._from_lengths:
            for m in self._to_lengths:
                zone = self._exceptions.get((origin.postcode[:n], postcode[:m]))
                if zone is not None:
                    return Found(zone, "exception")
        return self._pairs.find(origin.postcode, postcode)

    def _by_distance(self, origin: Place, destination: Place) -> Found:
        if origin.position is None or destination.position is None:
            return NOT_FOUND
        (ax, ay, az), (bx, by, bz) = origin.position, destination.position
        x, y, z = ax - bx, ay - by, az - bz
        squared = x * x + y * y + z * z
        for limit, found in self._bands:
            if limit is None or squared <= limit:
                return found
        return NOT_FOUND


class Pairs:
    """A chart of pairs of prefixes."""

    __slots__ = ("_rows", "prefix")

    def __init__(self, pairs: Mapping[str, Mapping[str, int] | str], prefix: int) -> None:
        self.prefix = prefix
        self._rows: dict[str, bytes | Mapping[str, Found]] = {
            origin: (_table(given, prefix) if prefix < _TABLE_PREFIX else None)
            or {to: Found(zone, "pair", default) for to, zone, default in spelt(given)}
            for origin, given in pairs.items()
        }

    def find(self, origin: str, to: str) -> Found | None:
        """What the chart says of two postcodes."""
        row = self._rows.get(origin[: self.prefix])
        return None if row is None else _read(row, to[: self.prefix])


def _read(row: bytes | Mapping[str, Found], prefix: str) -> Found | None:
    if not isinstance(row, bytes):
        return row.get(prefix)
    if not (prefix.isdecimal() and prefix.isascii() and len(prefix) < _TABLE_PREFIX):
        return None
    at = int(prefix)
    byte = row[at] if at < len(row) else _UNKNOWN
    return None if byte == _UNKNOWN else _BYTES[byte]


_BYTES = tuple(Found(byte & ~_MARK, "pair", bool(byte & _MARK)) for byte in range(_UNKNOWN + 1))


def _table(row: Mapping[str, int] | str, length: int) -> bytes | None:
    """One byte a destination; None where the row does not go into bytes."""
    table = bytearray([_UNKNOWN]) * 10**length
    for low, high, zone, default in entries(row):
        if not (low.isdecimal() and low.isascii() and len(low) == length and zone <= _BYTE_ZONES):
            return None
        first, last = int(low), int(high)
        table[first : last + 1] = bytes([zone | (_MARK if default else 0)]) * (last - first + 1)
    return bytes(table)


def entries(row: Mapping[str, int] | str) -> Iterator[tuple[str, str, int, bool]]:
    """A row's entries as it gives them: first and last destination prefix, zone, whether longer ones may differ."""
    if not isinstance(row, str):
        for to, zone in row.items():
            yield to, to, zone, False
        return
    for entry in row.split():
        where, _, told = entry.partition("=")
        low, _, high = where.partition("-")
        yield low, high or low, int(told.rstrip("*")), told.endswith("*")


def spelt(row: Mapping[str, int] | str) -> Iterator[tuple[str, int, bool]]:
    """Each destination prefix of a chart's row: its zone, and whether longer postcodes of it may be of another."""
    for low, high, zone, default in entries(row):
        if low == high:
            yield low, zone, default
            continue
        for number in range(int(low), int(high) + 1):
            yield f"{number:0{len(low)}}", zone, default


def _chord_squared(up_to: float | None, metres: float) -> int | None:
    """The squared chord under the great circle of that length, in square metres."""
    if up_to is None or up_to * metres >= math.pi * EARTH_RADIUS_M:
        return None
    return math.floor((2 * EARTH_RADIUS_M * math.sin(up_to * metres / (2 * EARTH_RADIUS_M))) ** 2)
