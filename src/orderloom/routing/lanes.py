"""What a lane costs, remembered across orders: handovers by node, prices by way and parcel.

Everything here follows from contracts, cartons and nodes alone, so that orders share it; nothing in an answer depends
on what was remembered. A way is one service on one day in one zone to one kind of destination; a lane is the ways a
node has to a destination, those that keep the promise apart from those that come later.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import is_, itemgetter
from typing import Any, TypeAlias

from orderloom.delivery.promise import path_between, ship_date
from orderloom.delivery.transit import BY_CONTRACT, Assured
from orderloom.network.calendar import NeverWorks, local
from orderloom.network.model import Node
from orderloom.packing.landed import Landing
from orderloom.packing.model import Carton
from orderloom.routing.boxes import NO_CARTON, NOWHERE
from orderloom.routing.floors import least_by
from orderloom.routing.packings import Packings
from orderloom.routing.ways import Chosen, Lane, Origin, Pack, Reach, Service, Way
from orderloom.shipping.model import Ineligible, Place, in_po_box
from orderloom.shipping.quota import Closed, Credit
from orderloom.shipping.select import arrival
from orderloom.shipping.tariff import Tariff
from orderloom.terms import Address

# What is remembered at most of lanes, and of packings; beyond it all is forgotten and worked out again.
KEPT_MOST = 200_000
PACKINGS_MOST = 60_000
_WORLDS_MOST = 8
_LATEST = "23:59"

# A leg's zone, and the days in transit that a table gives it.
ZoneAndDays: TypeAlias = tuple[int | None, int | None]


class World:
    """Everything remembered for one set of contracts and cartons, and what was learnt of how late parcels come."""

    def __init__(
        self,
        tariffs: tuple[Tariff, ...],
        cartons: tuple[Carton, ...],
        assured: Assured = BY_CONTRACT,
        closed: frozenset[Closed] = frozenset(),
        credits_: frozenset[Credit] = frozenset(),
        packings: Packings | None = None,
    ) -> None:
        self.tariffs, self.cartons, self.assured, self.closed = tariffs, cartons, assured, closed
        self.credits = credits_
        self.packings = packings or Packings(cartons)
        self._worth = {(carrier, service, day): worth for carrier, service, day, worth in credits_}
        offered = [
            (tariff, at, code, terms, tariff.legs.number(code))
            for at, tariff in enumerate(tariffs)
            for code, terms in tariff.services.items()
        ]
        self.services = tuple(Service(number, *one) for number, one in enumerate(offered))
        self.currency = tariffs[0].currency if tariffs else None
        self._areas = tuple(
            area.postcodes for s in self.services for areas in s.terms.areas for area in areas
        )
        self.kept = 0
        self._origins: dict[tuple[object, int], Origin] = {}
        self._reaches: dict[tuple[object, ...], Reach] = {}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._days: dict[tuple[date | None, ...], int] = {}
        self._days_of: list[tuple[date | None, ...]] = []
        self._legs: dict[tuple[ZoneAndDays, ...], int] = {}
        self._legs_of: list[tuple[ZoneAndDays, ...]] = []
        self._slips: dict[tuple[int, ...], int] = {}
        self._slips_of: list[tuple[int, ...]] = []
        self._ways: dict[tuple[object, ...], Way | None] = {}
        self._lanes: dict[tuple[object, ...], dict[tuple[object, ...], Lane]] = {}
        # What those who promise dates remember beside (`binding.py`).
        self.remembered: dict[tuple[object, ...], Any] = {}

    # --- lanes ------------------------------------------------------------------------------------------------

    def origins(self, nodes: Iterable[Node], now: datetime) -> list[Origin]:
        """The nodes with their next handovers."""
        known = self._origins
        found: list[Origin] = []
        for node in nodes:
            one = known.get((node.id, node.version))
            if one is None or one.node is not node or not one.since <= now <= one.until:
                one = self._origin(node, now)
            found.append(one)
        return found

    def _origin(self, node: Node, now: datetime) -> Origin:
        key = (node.id, node.version)
        found = self._origins.get(key)
        if found is None or (found.node is not node and found.node != node):
            found = self._origins[key] = Origin(node, self.services)
            self.kept += 1
        # Nodes are read anew for every set: the others of the set are known by the object, without being compared.
        found.node = node
        found = self._origins[key] = self._timely(found, now)
        return found

    def stretched(self, origin: Origin, now: datetime) -> Origin:
        """The node as if its cut-offs came at the end of the day."""
        if origin.stretched is None:
            origin.stretched = Origin(replace(origin.node, cutoffs={"*": _LATEST}), self.services)
            self.kept += 1
        origin.stretched = self._timely(origin.stretched, now)
        return origin.stretched

    def _timely(self, origin: Origin, now: datetime) -> Origin:
        return origin if origin.since <= now <= origin.until else self._leaving(origin, now)

    def _leaving(self, origin: Origin, now: datetime) -> Origin:
        """With the next handover by each service, which stays the same until the first of them is past.

        Another object: a decision of another moment, in another thread, may still hold the one before.
        """
        origin = copy(origin)
        at: dict[object, datetime] = {}
        origin.never = None
        for service, allowed, until in zip(self.services, origin.allowed, origin.cutoffs, strict=True):
            if allowed and until not in at:
                try:
                    at[until] = ship_date(
                        node=origin.node, carrier=service.tariff.carrier, service=service.code, now=now
                    )
                except NeverWorks as never:
                    origin.never = str(never)
                    break
        if origin.never is not None:
            at = {}
        origin.leaves = tuple(
            at.get(until) if allowed else None
            for allowed, until in zip(origin.allowed, origin.cutoffs, strict=True)
        )
        days = tuple(None if leaves is None else leaves.date() for leaves in origin.leaves)
        number = self._days.get(days)
        if number is None:
            number = self._days[days] = len(self._days_of)
            self._days_of.append(days)
        origin.days = number
        processing = timedelta(hours=origin.node.processing_hours)
        begun = local(origin.node, now + processing)
        soonest = min(at.values(), default=begun)
        # Where clocks are set in between, an hour of the wall comes twice: then only this moment is sure.
        sure = begun.utcoffset() == soonest.utcoffset() and begun <= soonest
        origin.since = now
        # Moments of one time zone are compared the fastest.
        origin.until = (soonest - processing).astimezone(now.tzinfo) if sure else now
        return origin

    def reach(self, address: Address) -> Reach:
        """The destination."""
        key = (
            address.country,
            address.region,
            address.postcode,
            address.residential,
            address.latitude,
            address.longitude,
            in_po_box(address),
        )
        found = self._reaches.get(key)
        if found is None:
            place = Place.of(address)
            areas = tuple(place.postcode in postcodes for postcodes in self._areas)
            kind = (place.country, place.residential, place.po_box, areas)
            number = self._kinds.setdefault(kind, len(self._kinds))
            found = self._reaches[key] = Reach(len(self._reaches), place, number, address)
            self.kept += 1
        return found

    def lanes(
        self, origins: Iterable[Origin], reach: Reach, promised: date | None, until: date | None
    ) -> list[Lane]:
        """From each to here: the ways that are due by the day promised, and those that are by the later day."""
        known = self._lanes.setdefault((reach.kind, promised, until), {})
        there, area = reach.number, _area(reach)
        found: list[Lane] = []
        for origin in origins:
            legs = origin.legs.get(there)
            if legs is None:
                legs = self._legs_between(origin, reach)
            slips = origin.slips.get(area)
            if slips is None:
                slips = self._slipping(origin, reach)
            key = (legs, slips, origin.days, origin.place.country)
            lane = known.get(key)
            if lane is None:
                lane = known[key] = self._lane(origin, reach, legs, slips, promised, until)
                self.kept += 1
            found.append(lane)
        return found

    def _lane(
        self,
        origin: Origin,
        reach: Reach,
        legs: int,
        slips: int,
        promised: date | None,
        until: date | None,
    ) -> Lane:
        kept: list[Way] = []
        later: list[Way] = []
        for at, (service, (zone, in_transit), day, slip) in enumerate(
            zip(
                self.services,
                self._legs_of[legs],
                self._days_of[origin.days],
                self._slips_of[slips],
                strict=True,
            )
        ):
            if day is None or zone is None or zone not in service.terms.listed:
                continue
            if self.closed and (service.tariff.carrier, service.code, day) in self.closed:
                continue
            key = (at, zone, in_transit, day, slip, reach.kind, origin.place.country)
            if key not in self._ways:
                ends = (origin.place, reach.place)
                self._ways[key] = self._way(service, (zone, in_transit), day, slip, ends)
            way = self._ways[key]
            if way is None:
                continue
            if promised is None or way.due <= promised:
                kept.append(way)
            elif until is not None and way.due <= until:
                later.append(way)
        return Lane(kept, later)

    def _legs_between(self, origin: Origin, reach: Reach) -> int:
        """The number of the zones and days in transit from there to here: by service."""
        told = [tariff.legs.between(origin.place, reach.place) for tariff in self.tariffs]
        legs = tuple([(told[s.at][s.leg].found.zone, told[s.at][s.leg].days) for s in self.services])
        found = self._legs.get(legs)
        if found is None:
            found = self._legs[legs] = len(self._legs_of)
            self._legs_of.append(legs)
        origin.legs[reach.number] = found
        self.kept += 1
        return found

    def _slipping(self, origin: Origin, reach: Reach) -> int:
        """The number of what was learnt from there to here: by service the days after the contract's own."""
        slips = tuple(
            self.assured.slip(
                path_between(node=origin.node, to=reach.address, carrier=s.tariff.carrier, service=s.code)
            )
            for s in self.services
        )
        found = self._slips.get(slips)
        if found is None:
            found = self._slips[slips] = len(self._slips_of)
            self._slips_of.append(slips)
        origin.slips[_area(reach)] = found
        self.kept += 1
        return found

    def _way(
        self,
        service: Service,
        leg: tuple[int, int | None],
        day: date,
        slip: int,
        ends: tuple[Place, Place],
    ) -> Way | None:
        """None where the service does not go at all, whatever the parcel."""
        if refused(self, service, ends) is not None:
            return None
        tariff, code = service.tariff, service.code
        zone, days = leg
        arrives = arrival(contract=tariff, service=code, zone=zone, ship_on=day, days=days)
        due = arrival(contract=tariff, service=code, zone=zone, ship_on=day, slip=slip, days=days)
        if arrives is None or due is None:
            return None
        credit = self._worth.get((tariff.carrier, code, day), 0)
        return Way(service, zone, day, (arrives, due), ends, credit)

    def price(self, lane: Lane, pack: Pack) -> Chosen | None:
        """The cheapest way in time that takes every parcel, else the soonest of the others; None where none does."""
        number = pack.number
        if number in lane.chosen:
            return lane.chosen[number]
        best: Chosen | None = None
        cheapest, later = ((), ()) if pack.lacking else (lane.cheapest, lane.later)
        parcels, cartons = len(pack.kinds), pack.carton_cost
        least, place = NOWHERE, len(cheapest)
        if pack.landing is not None:
            cheapest, least = self._hopeful(cheapest, pack, pack.landing)
            parcels = 0
        for at, way in cheapest:
            # No parcel goes for less than the way's first.
            if way.first * parcels - way.credit + cartons > least:
                continue
            made = pack if pack.landing is None else self.settled(way, pack)
            if (cost := self.carriage(way, made)) is None:
                continue
            weighed = way.weighed(cost)
            landed = weighed + made.carton_cost
            # Of equals the one that stands first in the lane.
            if landed < least or (landed == least and at < place):
                least, place = landed, at
                best = Chosen(cost, weighed, way, late=False, pack=made, landed=landed)
        if best is None:
            for way in later:
                if best is not None and way.due > best.way.due:
                    break
                made = pack if pack.landing is None else self.settled(way, pack)
                cost = self.carriage(way, made)
                if cost is None:
                    continue
                weighed = way.weighed(cost)
                landed = weighed + made.carton_cost
                if best is None or landed < best.landed:
                    best = Chosen(cost, weighed, way, late=True, pack=made, landed=landed)
        lane.chosen[number] = best
        self.kept += 1
        return best

    def _hopeful(
        self, ways: Sequence[tuple[int, Way]], pack: Pack, landing: Landing
    ) -> tuple[list[tuple[int, Way]], int]:
        """The ways that may be the cheapest once the goods are packed for them, and what the cheapest costs at the most.

        The fewest parcels may be dear, but what they cost by some way is enough to rule others out by their floors.
        """
        assert pack.load is not None  # noqa: S101 - it comes with the landing
        most, own = NOWHERE, landing.packing_cost(landing.fewest)
        for _, way in ways:
            if way.first * len(pack.kinds) - way.credit + own < most:
                cost = self.carriage(way, pack)
                if cost is not None:
                    most = min(most, way.weighed(cost) + own)
        boxes = self.packings.boxes
        floors = [(least_by(way, pack.load, boxes, most), at, way) for at, way in ways]
        return [(at, way) for least, at, way in sorted(floors, key=itemgetter(0, 1)) if least <= most], most

    def settled(self, way: Way, pack: Pack) -> Pack:
        """The packing that costs least by that way, where the house packs so."""
        if pack.landing is None:
            return pack
        found = way.settled.get(pack.number)
        if found is None:
            found = self.packings.settled(pack, lambda one: self._rate(way, self.packings.kind(one)))
            way.settled[pack.number] = found
            self.kept += 1
        return found

    def _rate(self, way: Way, kind: int) -> int | None:
        """What a parcel of that kind costs by that way."""
        prices = way.prices
        if kind not in prices:
            found = way.rated(self.packings.parcels[kind])
            prices[kind] = None if isinstance(found, Ineligible) else found
            self.kept += 1
        return prices[kind]

    def carriage(self, way: Way, pack: Pack) -> int | None:
        """What all parcels of the packing cost by that way."""
        total = 0
        prices = way.prices
        for kind in pack.kinds:
            cost = prices[kind] if kind in prices else self._rate(way, kind)
            if cost is None:
                return None
            total += cost
        return total

    # --- why not ------------------------------------------------------------------------------------------------

    def closures(self, origin: Origin, reach: Reach) -> Iterator[str]:
        """Why services do not go from there to here, whatever the parcel."""
        for service, day, allowed in zip(
            self.services, self._days_of[origin.days], origin.allowed, strict=True
        ):
            leg = service.tariff.legs.leg(service.code, origin.place, reach.place)
            zone = leg.found.zone
            if not allowed:
                yield "the node does not ship by this service"
            elif day is None:
                yield origin.never or "the node never works"
            elif (service.tariff.carrier, service.code, day) in self.closed:
                yield f"its shipments of {day.isoformat()} are used up"
            elif reason := refused(self, service, (origin.place, reach.place)):
                yield reason
            elif zone is None:
                yield "no zone: the contract knows neither these postcodes nor this distance"
            elif zone not in service.terms.listed:
                yield f"no price in zone {zone}"
            elif (
                arrival(contract=service.tariff, service=service.code, zone=zone, ship_on=day, days=leg.days)
                is None
            ):
                yield f"no days in transit for zone {zone}"

    def refusals(self, origin: Origin, reach: Reach, pack: Pack) -> Iterator[str]:
        """The same, and why services do not take these parcels."""
        if pack.lacking:
            yield NO_CARTON
            return
        yield from self.closures(origin, reach)
        [lane] = self.lanes((origin,), reach, None, None)
        for way in lane.kept:
            for kind in pack.kinds:
                found = way.rated(self.packings.parcels[kind])
                if isinstance(found, Ineligible):
                    yield from found.reasons


def refused(world: World, service: Service, ends: tuple[Place, Place]) -> str | None:
    """Why a service does not go there at all."""
    origin, destination = ends
    terms = service.terms.service
    if service.tariff.currency != world.currency:
        return f"priced in {service.tariff.currency}, the others in {world.currency}"
    if service.terms.countries:
        if destination.country not in service.terms.countries and "*" not in service.terms.countries:
            return f"does not deliver in {destination.country}"
    elif destination.country != origin.country:
        return f"does not leave {origin.country}"
    if destination.residential and not terms.residential:
        return "does not deliver to homes"
    if destination.po_box and not terms.po_box:
        return "does not deliver to post-office boxes"
    return None


def _area(reach: Reach) -> str:
    """By what is learnt how late parcels come there."""
    return reach.address.region or reach.address.country


_Remembered: TypeAlias = tuple[tuple[Tariff, ...], tuple[Carton, ...], World]


class _Own(threading.local):
    """Each thread's worlds: they are written while they are asked, and two threads would take each other's numbers."""

    def __init__(self) -> None:
        self.worlds: OrderedDict[tuple[object, ...], _Remembered] = OrderedDict()


_own = _Own()


def world_of(
    tariffs: tuple[Tariff, ...],
    cartons: tuple[Carton, ...],
    assured: Assured = BY_CONTRACT,
    closed: frozenset[Closed] = frozenset(),
    credits_: frozenset[Credit] = frozenset(),
) -> World:
    """The world of these contracts, cartons, learnt dates, limits and commitments, as it was left by the orders before."""
    key = (id(tariffs), id(cartons), *assured.key, closed, credits_)
    worlds = _own.worlds
    kept = worlds.get(key)
    if kept is None:
        rest = (assured, closed, credits_)
        before = _like(tariffs, cartons, assured.key, closed, credits_)
        world = worlds.pop(before)[2] if before else World(tariffs, cartons, *rest, _packings(cartons))
        # The tuples are kept with their world, so that no other can come to stand at the same address.
        kept = worlds[key] = (tariffs, cartons, world)
        while len(worlds) > _WORLDS_MOST:
            worlds.popitem(last=False)
    world = kept[2]
    if world.kept > KEPT_MOST or world.packings.kept > PACKINGS_MOST:
        # A new one: decisions that are still to be explained hold on to theirs.
        world = World(*kept[:2], assured, closed, credits_, _packings(cartons))
        worlds[key] = (*kept[:2], world)
    return world


def _packings(cartons: tuple[Carton, ...]) -> Packings:
    """What has been packed into these cartons for any world: to work it out again takes the longest."""
    for _, _, world in _own.worlds.values():
        if world.cartons == cartons and world.packings.kept <= PACKINGS_MOST:
            return world.packings
    return Packings(cartons)


def _like(
    tariffs: tuple[Tariff, ...], cartons: tuple[Carton, ...], *rest: object
) -> tuple[object, ...] | None:
    """The key of a world of equals: everybody who reads contracts has them in a tuple of his own."""
    for key, (_, _, world) in _own.worlds.items():
        same = len(world.tariffs) == len(tariffs) and all(map(is_, world.tariffs, tariffs))
        mine = (world.cartons, world.assured.key, world.closed, world.credits)
        if same and mine == (cartons, *rest):
            return key
    return None
