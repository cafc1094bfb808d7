"""The words of shipping: parcels and places as rating reads them, rates, quotes, labels, manifests.

Rating reads sizes and weights as they were given: 12 in kept only as 305 mm would read back as 12.01 in and be
billed as 13. A parcel therefore carries whole micrometres and nanograms, in which the inch (25,400 µm), the pound
(453,592,370,000 ng) and the ounce (28,349,523,125 ng) are all exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from orderloom.terms import Address, Dimensions, Measure

UM: Mapping[str, int] = {"mm": 1_000, "cm": 10_000, "in": 25_400}
NG: Mapping[str, int] = {
    "g": 1_000_000_000,
    "kg": 1_000_000_000_000,
    "oz": 28_349_523_125,
    "lb": 453_592_370_000,
}
EARTH_RADIUS_M = 6_371_008.8


def micrometres(value: float, unit: str) -> int:
    """A length in whole micrometres."""
    return round(value * UM[unit])


def nanograms(value: float, unit: str) -> int:
    """A weight in whole nanograms."""
    return round(value * NG[unit])


# --- what is rated --------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What is wanted for a parcel besides carriage: a declared value in minor units, a signature, a Saturday."""

    value: int = 0
    signature: str = ""
    saturday: bool = False


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A closed parcel: its edges, longest first, in micrometres, and its weight in nanograms."""

    edges: tuple[int, int, int]
    weight: int
    hazmat: bool = False
    asked: Asked = NOTHING_ASKED

    @classmethod
    def of(cls, *, dimensions: Dimensions, weight_g: int, hazmat: bool = False) -> Parcel:
        """From millimetres and grams, where nothing finer is known."""
        one, two, three = sorted(dimensions, reverse=True)
        return cls((one * 1_000, two * 1_000, three * 1_000), weight_g * NG["g"], hazmat)

    @classmethod
    def given(
        cls,
        *,
        length: Measure,
        width: Measure,
        height: Measure,
        weight: Measure,
        hazmat: bool = False,
        asked: Asked = NOTHING_ASKED,
    ) -> Parcel:
        """From measures in the unit they were given in."""
        one, two, three = sorted(
            (micrometres(edge.value, edge.unit) for edge in (length, width, height)), reverse=True
        )
        # The same nothing for all: rating sees at once that nothing is asked for.
        wanted = asked if any(asked) else NOTHING_ASKED
        return cls((one, two, three), nanograms(weight.value, weight.unit), hazmat, wanted)


# "P.O. Box 12", "PO Box 12", "Post Office Box 12", "Packstation", "Postfach 3", "Caixa Postal 7".
_PO_BOX = re.compile(
    r"\b(p\.?\s*o\.?\s*box|post\s+office\s+box|postfach|packstation|caixa\s+postal|apartado|bo[iî]te\s+postale)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """An end of a lane as rating reads it. `position` is in whole metres from the earth's centre, if known.

    Two places are as far apart as their chord is long, so that a band is told by integers alone.
    """

    country: str
    postcode: str
    residential: bool = True
    po_box: bool = False
    position: tuple[int, int, int] | None = None

    @classmethod
    def of(cls, address: Address) -> Place:
        """The place an address names."""
        position = None
        if address.latitude is not None and address.longitude is not None:
            position = _earth_centred(address.latitude, address.longitude)
        return cls(
            country=address.country.upper(),
            postcode=normal_postcode(address.postcode),
            residential=address.residential,
            po_box=in_po_box(address),
            position=position,
        )


def in_po_box(address: Address) -> bool:
    """Whether the street says that it is none, but a post-office box."""
    return bool(_PO_BOX.search(f"{address.line1}\n{address.line2}"))


def normal_postcode(text: str) -> str:
    """Upper case, without spaces and hyphens, so that "10001-1234" begins with "10001"."""
    return text.upper().replace(" ", "").replace("-", "")


def _earth_centred(latitude: float, longitude: float) -> tuple[int, int, int]:
    phi, lam = math.radians(latitude), math.radians(longitude)
    across = EARTH_RADIUS_M * math.cos(phi)
    return round(across * math.cos(lam)), round(across * math.sin(lam)), round(EARTH_RADIUS_M * math.sin(phi))


# --- what rating answers --------------------------------------------------------------------------------------


class TraceLine(NamedTuple):
    """One rule of a rating: what it read and what it added, in minor units."""

    rule: str
    inputs: Mapping[str, Any]
    amount: int

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {"rule": self.rule, "inputs": dict(self.inputs), "amount": self.amount}


class Rate(NamedTuple):
    """What one parcel costs by one service. The lines sum to the total; without a trace there are none."""

    carrier: str
    service: str
    zone: int
    billable_g: int
    total: int
    currency: str
    lines: tuple[TraceLine, ...] = ()

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {
            "carrier": self.carrier,
            "service": self.service,
            "zone": self.zone,
            "billable_g": self.billable_g,
            "total": self.total,
            "currency": self.currency,
            "lines": [line.json() for line in self.lines],
        }


class Ineligible(NamedTuple):
    """The service does not carry it, for each of these reasons."""

    carrier: str
    service: str
    reasons: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {"carrier": self.carrier, "service": self.service, "reasons": list(self.reasons)}


class Quote(NamedTuple):
    """A whole shipment by one service: the sum of its parcels' rates and the day it arrives."""

    carrier: str
    service: str
    level: str
    cost: int
    currency: str
    zone: int
    arrives_on: date
    rates: tuple[Rate, ...]

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {
            "carrier": self.carrier,
            "service": self.service,
            "level": self.level,
            "cost": self.cost,
            "currency": self.currency,
            "zone": self.zone,
            "arrives_on": self.arrives_on.isoformat(),
            "parcels": [rate.json() for rate in self.rates],
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """The service chosen, the next best, and why each other was not. Nothing chosen: none carries it.

    late: no service keeps the promise, the chosen one comes soonest.
    """

    chosen: Quote | None
    runner_up: Quote | None
    rejected: tuple[Ineligible, ...]
    late: bool

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {
            "chosen": self.chosen.json() if self.chosen else None,
            "runner_up": self.runner_up.json() if self.runner_up else None,
            "rejected": [one.json() for one in self.rejected],
            "late": self.late,
        }


# --- carriers and contracts as stored -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierRow:
    """A carrier we may ship with and the adapter that talks to it."""

    code: str
    name: str
    adapter: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDraft:
    """Terms to be kept as a new immutable version, in force from a moment on."""

    carrier: str
    valid_from: datetime
    terms: Mapping[str, Any]
    valid_to: datetime | None = None


# --- the label step -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackageToShip:
    """A closed package as packing hands it over; for a return, `package_id` is nothing.

    given: length, width, height and weight in the unit they were given in, where that is known.
    """

    package_id: UUID | None
    sequence: int
    dimensions: Dimensions
    weight_g: int
    hazmat: bool = False
    given: tuple[Measure, Measure, Measure, Measure] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """Labels wanted for one fulfillment order, or for one return (then `return_id` is set).

    carrier and service are what routing chose; they are kept unless that service does not carry these packages.
    ship_on is the day of handing over at the node; as_of the moment whose contracts hold.
    """

    order_id: UUID
    order_number: str
    node_id: UUID
    sender: Address
    recipient: Address
    packages: tuple[PackageToShip, ...]
    currency: str
    ship_on: date
    as_of: datetime
    fulfillment_id: UUID | None = None
    return_id: UUID | None = None
    carrier: str | None = None
    service: str | None = None
    promise_at: datetime | None = None

    @property
    def subject(self) -> UUID:
        """The id the journey knows it by."""
        subject = self.return_id or self.fulfillment_id
        assert subject is not None  # noqa: S101 - a request without either is a defect of its maker
        return subject


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One call to a carrier for one label. Run again after a crash, it is `unsure` and asks before it buys.

    problem: set when there is nothing to call for, such as packages no service carries.
    """

    subject: UUID
    provider: str
    verb: Literal["buy", "void", "none"]
    label_id: UUID | None
    reference: str
    adapter: str
    unsure: bool
    request: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """All packages of the subject bear a bought label."""

    carrier: str
    service: str
    tracking_numbers: tuple[str, ...]
    cost: int
    currency: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier, or every service, declines; a person or another plan must help."""

    problem: str
    code: str = "refused"


@dataclass(frozen=True, slots=True)
class Voided:
    """No label of that reference is or ever will be valid."""

    reference: str


@dataclass(frozen=True, slots=True)
class Bought:
    """A label of that reference exists at the carrier."""

    reference: str
    tracking_number: str
    provider_ref: str
    cost: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier has never heard of that reference."""

    reference: str


CarrierAnswer: TypeAlias = Bought | Voided | Refused
LabelOutcome: TypeAlias = Labelled | Refused


# --- manifests ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Manifest:
    """The list of a node's labels that a carrier collects on a day."""

    id: UUID
    number: str
    node_id: UUID
    carrier: str
    ship_date: date
    labels: tuple[ManifestLabel, ...]


@dataclass(frozen=True, slots=True)
class ManifestLabel:
    """A line of a manifest."""

    label_id: UUID
    tracking_number: str
    service: str
    order_number: str
    weight_g: int
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class NothingToManifest:
    """No bought label of that node and carrier waits for a manifest."""

    node_id: UUID
    carrier: str


@dataclass(frozen=True, slots=True)
class ManifestAccepted:
    """The carrier has the list; labels it does not know are named."""

    number: str
    provider_ref: str
    unknown: tuple[str, ...] = ()
