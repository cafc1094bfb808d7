"""A service on a day in a zone (a way), the ways from a node to a destination (a lane), and what lies at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from orderloom.delivery.promise import ship_date
from orderloom.network.calendar import NeverWorks, cutoff
from orderloom.network.model import Node
from orderloom.packing.landed import Landing
from orderloom.packing.model import Parcel as Packed
from orderloom.routing.boxes import NOWHERE, Load
from orderloom.shipping.lanes import Lane as Rates
from orderloom.shipping.lanes import lane_of
from orderloom.shipping.model import NG, Ineligible, Parcel, Place
from orderloom.shipping.rate import least, rated
from orderloom.shipping.tariff import ServiceTariff, Tariff
from orderloom.terms import Address

_GRAM = NG["g"]
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Pack(NamedTuple):
    """Units packed for real: the parcels, each one's number as a thing to be rated, and what the cartons cost.

    `carton_cost`: at the least landed cost with the void fill and the labour of packing, that the house counts.
    """

    number: int
    parcels: tuple[Packed, ...]
    kinds: tuple[int, ...]
    carton_cost: int
    least: int
    """Parcels that no packing can do without."""
    effort: int
    """What packing them took, whether or not it was remembered."""
    lacking: bool = False
    """The node has no carton left for some of them: it cannot ship them."""
    landing: Landing | None = None
    """Where the house packs at the least landed cost: these are the fewest parcels, each service asks for its own."""
    load: Load | None = None
    """The same: what floors know of the units."""


class Service(NamedTuple):
    """One service of one contract."""

    number: int
    tariff: Tariff
    at: int
    """The contract's place."""
    code: str
    terms: ServiceTariff
    leg: int
    """Which of the contract's legs it goes by."""


class Way:
    """A service on a day in a zone. `charges`: by break, the least that the card has from there on.

    `credit`: what a shipment counts cheaper. `arrives` is the contract's day; `due` the one counted with, by which it is there as surely as is asked.
    """

    __slots__ = (
        "_least",
        "_rates",
        "arrives",
        "breaks",
        "by_cartons",
        "by_size",
        "by_volume",
        "by_weight",
        "charges",
        "credit",
        "day",
        "destination",
        "due",
        "first",
        "heaviest",
        "opening",
        "origin",
        "prices",
        "service",
        "settled",
        "sized",
        "tie",
        "units",
        "zone",
    )

    def __init__(
        self,
        service: Service,
        zone: int,
        day: date,
        days: tuple[date, date],
        ends: tuple[Place, Place],
        credit: int = 0,
    ) -> None:
        self.service, self.zone, self.day = service, zone, day
        self.arrives, self.due = days
        self.origin, self.destination = ends
        self.credit = credit
        self.tie = (self.due, service.tariff.carrier, service.code)
        self.prices: dict[int, int | None] = {}
        # By packing the one that costs least by this way, where the house packs so.
        self.settled: dict[int, Pack] = {}
        self.breaks = service.terms.breaks
        charges = list(service.terms.net[zone])
        for at in range(len(charges) - 2, -1, -1):
            charges[at] = min(charges[at], charges[at + 1])
        self.charges = charges
        self._least: dict[int, int] = {}
        self._rates: Rates | None = None
        self.first = self.least(0)
        self.opening = self.weighed(self.first)
        # The break that the lightest of some cartons is billed at for its size alone.
        self.by_cartons: dict[int, int] = {}
        # The same by carton, what a parcel in it costs, with a unit of what it costs, and lower hulls of that (`floors.py`).
        self.by_size: Sequence[int] | None = None
        self.sized: Sequence[int] | None = None
        self.units: dict[tuple[int, int], int] = {}
        self.by_weight: Sequence[tuple[int, int]] | None = None
        self.by_volume: Sequence[tuple[int, int]] | None = None
        limits = [service.terms.max_weight] if service.terms.max_weight is not None else []
        if not service.terms.above_unit:
            limits.append(self.breaks[-1])
        self.heaviest = min(limits, default=NOWHERE * _GRAM)

    def weighed(self, cost: int) -> int:
        """What a shipment counts: its cost, less what its carrier's open commitment is worth."""
        return max(0, cost - self.credit)

    def least(self, at: int) -> int:
        """What a parcel that is billed at this break or a later one costs at the least."""
        found = self._least.get(at)
        if found is None:
            found = self._least[at] = least(
                service=self.service.terms,
                destination=self.destination,
                day=self.day,
                charge=self.charges[at],
            )
        return found

    def rated(self, parcel: Parcel) -> int | Ineligible:
        """The rate of one parcel, or why not."""
        rates = self._rates
        if rates is None:
            rates = self._rates = lane_of(self.service.tariff, self.origin, self.destination, self.day)
        found = rated(
            rates.by_code[self.service.code],
            parcel,
            rates.plan.measured(parcel),
            self.destination.postcode,
            trace=False,
        )
        return found if isinstance(found, Ineligible) else found.total


class Chosen(NamedTuple):
    """The way that takes a packing, for how much carriage, and what that counts beside other ways.

    `pack`: the packing, for this way; `landed`: what it counts with its cartons.
    """

    cost: int
    weighed: int
    way: Way
    late: bool
    pack: Pack
    landed: int


class Lane:
    """The ways from a node to a destination: those that keep the promise, and those in time for `until` only.

    `cheapest`: those in time by the least that a parcel counts, each with its place among them. `ways`: these and the others.
    """

    __slots__ = ("cheapest", "chosen", "floors", "kept", "later", "opening", "ways")

    def __init__(self, kept: Sequence[Way], later: Sequence[Way]) -> None:
        self.kept = tuple(sorted(kept, key=lambda way: way.tie))
        self.later = tuple(sorted(later, key=lambda way: way.tie))
        self.cheapest = sorted(enumerate(self.kept), key=lambda one: (one[1].opening, one[0]))
        self.ways = (*[way for _, way in self.cheapest], *self.later)
        self.chosen: dict[int, Chosen | None] = {}
        self.floors: dict[Load, int] = {}
        self.opening = min([way.opening for way in self.ways], default=NOWHERE)


class Origin:
    """A node as lanes begin there. `leaves`: by service the handover, None where it may not or never ships so."""

    __slots__ = (
        "_after",
        "allowed",
        "cutoffs",
        "days",
        "leaves",
        "legs",
        "never",
        "node",
        "place",
        "since",
        "slips",
        "stretched",
        "until",
    )

    def __init__(self, node: Node, services: Sequence[Service]) -> None:
        self.node = node
        self.place = Place.of(replace(node.address, latitude=node.latitude, longitude=node.longitude))
        allowed = None if node.services is None else set(node.services)
        self.allowed = tuple(
            allowed is None or s.code in allowed or f"{s.tariff.carrier}/{s.code}" in allowed
            for s in services
        )
        self.cutoffs = tuple(cutoff(node, carrier=s.tariff.carrier, service=s.code) for s in services)
        self.never: str | None = None
        self.leaves: tuple[datetime | None, ...] = ()
        self.days = -1
        # Between these moments the handovers are sure; none yet.
        self.since, self.until = _END_OF_TIME, _END_OF_TIME
        self.legs: dict[int, int] = {}
        self.slips: dict[str, int] = {}
        self.stretched: Origin | None = None
        self._after: dict[tuple[str, str, datetime], datetime | None] = {}

    def after(self, carrier: str, service: str, handed_over: datetime) -> datetime | None:
        """The service's handover after that one; None where there is none."""
        key = carrier, service, handed_over
        if key not in self._after:
            late = handed_over - timedelta(hours=self.node.processing_hours) + timedelta(minutes=1)
            try:
                self._after[key] = ship_date(node=self.node, carrier=carrier, service=service, now=late)
            except NeverWorks:
                self._after[key] = None
        return self._after[key]


class Reach(NamedTuple):
    """A destination as lanes end there; `kind` numbers what prices read of it besides the zone."""

    number: int
    place: Place
    kind: int
    address: Address
