"""A contract on one day as rating asks it: parcels read once for all services, destinations told apart by what counts.

Services share readings of edges, thresholds and cards' breaks, so a parcel is measured once: its break on each distinct
card, and one bit for each limit it exceeds. A way is a service by its leg to one kind of destination; under it prices
are kept by bits and break. All that is kept follows from the contract alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime
from math import gcd
from typing import Any, NamedTuple

from orderloom.shipping.legs import Leg
from orderloom.shipping.model import NG, NOTHING_ASKED, Asked, Ineligible, Parcel, Place, TraceLine
from orderloom.shipping.refusing import refusals
from orderloom.shipping.stacking import BY_POSTCODE, Stack, stack_of
from orderloom.shipping.surcharges import Handling
from orderloom.shipping.tariff import Edges, ServiceTariff, Tariff
from orderloom.shipping.zoning import PostcodeList

_GRAM = NG["g"]
# What is kept at most; beyond it all is forgotten and worked out again.
_DAYS_MOST = 16
_WAYS_MOST = 40_000
_PRICES_MOST = 600
# The bit that every parcel has: a way that is closed to all is gated by it.
ALWAYS, HAZMAT = 1, 2
_CUBE, _WEIGHT, _LONGEST, _SECOND, _GIRTH, _VALUE = range(6)
MEASURES = {
    "cube": _CUBE,
    "weight": _WEIGHT,
    "longest": _LONGEST,
    "second": _SECOND,
    "length_plus_girth": _GIRTH,
    "value": _VALUE,
}


class Scale(NamedTuple):
    """What decides a parcel's break: the dimensional rules in force, how weights are rounded, the card's breaks."""

    dims: tuple[Edges, ...]
    weighing: tuple[tuple[int, int], ...]
    breaks: tuple[int, ...]
    above_unit: int


class Weighed(NamedTuple):
    """A parcel on a scale: the break (-1 beyond the card), what is billed in grams and nanograms, the divisor used."""

    at: int
    billable_g: int
    billable: int
    divisor: int


class Measured:
    """A parcel as the contract reads it on the day."""

    __slots__ = ("_inputs", "_plan", "actual", "bits", "scales")

    def __init__(self, plan: Plan, bits: int, scales: list[Weighed], actual: int) -> None:
        self._plan, self.bits, self.scales, self.actual = plan, bits, scales, actual
        self._inputs: dict[int, dict[str, Any]] = {}

    def inputs(self, scale: int) -> dict[str, Any]:
        """The weights as a trace tells them."""
        found = self._inputs.get(scale)
        if found is None:
            weighed, tariff = self.scales[scale], self._plan.tariff
            unit = tariff.weight_unit_name
            found = {
                f"actual_{unit}": round(self.actual / tariff.weight_unit, 4),
                f"billable_{unit}": round(weighed.billable / tariff.weight_unit, 4),
                "by": "dimensions" if weighed.divisor else "weight",
            }
            if weighed.divisor:
                found["divisor"] = weighed.divisor
            self._inputs[scale] = found
        return found


class Tail(NamedTuple):
    """What follows a card's line: its amount, the other lines, the total of all."""

    listed: int
    lines: tuple[TraceLine, ...]
    total: int
    by_postcode: bool


class Way:
    """A service in a zone, to one kind of destination, on a day."""

    __slots__ = (
        "_lane",
        "_stacks",
        "carrier",
        "code",
        "currency",
        "days",
        "found",
        "gate",
        "handling",
        "inputs",
        "mask",
        "scale",
        "tails",
        "terms",
        "totals",
        "zone",
    )

    def __init__(self, lane: Lane, offered: Offered) -> None:
        self._lane, self.terms, self.scale = lane, offered.terms, offered.scale
        self.code, self.mask, self.gate = offered.terms.code, offered.mask, offered.gate
        self.carrier, self.currency = lane.plan.tariff.carrier, lane.plan.tariff.currency
        self.handling = offered.handling
        self.found, self.days = lane.legs[offered.leg]
        self.zone = self.found.zone if self.found.zone is not None else -1
        if self.found.zone not in offered.terms.listed or refusals(
            offered.terms, None, lane.origin, lane.destination
        ):
            self.mask |= ALWAYS
            self.gate |= ALWAYS
        self.inputs: dict[str, Any] = {"service": self.code, "zone": self.zone, "zone_by": self.found.by}
        if self.found.default:
            self.inputs["zone_is_default"] = True
        self.totals: dict[int, dict[int, int]] = {}
        self.tails: dict[tuple[int, int], Tail] = {}
        self._stacks: dict[int, Stack] = {}

    def stack(self, bits: int, asked: Asked) -> Stack:
        """What is added for a parcel that exceeds these limits and wants this."""
        found = self._stacks.get(bits) if asked is NOTHING_ASKED else None
        if found is None:
            lane = self._lane
            exceeded = []
            for rule, thresholds in self.handling:
                name = next((name for bit, name in thresholds if bits & bit), None)
                if name is not None:
                    exceeded.append((rule, name))
            found = stack_of(
                self.terms,
                day=lane.plan.day,
                residential=lane.destination.residential,
                postcode=lane.destination.postcode,
                zone=self.zone,
                exceeded=exceeded,
                asked=asked,
            )
            if asked is NOTHING_ASKED:
                self._stacks[bits] = found
        return found

    def price(self, bits: int, at: int, asked: Asked) -> int:
        """The total at a break."""
        net = self.terms.net[self.zone]
        charge = net[at] if at < len(net) else self.terms.charge(self.zone, at)[0]
        total = self.stack(bits, asked).total(charge)
        if asked is NOTHING_ASKED:
            kept = self.totals.setdefault(bits, {})
            if len(kept) >= _PRICES_MOST:
                kept.clear()
            kept[at] = total
        return total

    def tail(self, bits: int, at: int, asked: Asked) -> Tail:
        """The listed price, every line after the card's, and the total."""
        key = (bits, at)
        found = self.tails.get(key) if asked is NOTHING_ASKED else None
        if found is None:
            charge, lines = self.terms.charge(self.zone, at)
            added = self.stack(bits, asked).lines(charge)
            listed, rest = lines[0].amount, (*lines[1:], *added)
            by_postcode = any(line.inputs is BY_POSTCODE for line in rest)
            found = Tail(listed, rest, listed + sum(line.amount for line in rest), by_postcode)
            if asked is NOTHING_ASKED:
                if len(self.tails) >= _PRICES_MOST:
                    self.tails.clear()
                self.tails[key] = found
        return found

    def refused(self, parcel: Parcel, weighed: Weighed) -> Ineligible:
        """Every reason why the parcel does not go this way."""
        lane = self._lane
        reasons = refusals(self.terms, parcel, lane.origin, lane.destination, day=lane.plan.day)
        if self.found.zone is None:
            reasons.append("no zone: the contract knows neither these postcodes nor this distance")
        elif self.found.zone not in self.terms.listed:
            reasons.append(f"no price in zone {self.found.zone}")
        if not reasons:
            reasons.append(f"billable weight {weighed.billable_g} g is beyond the rate card")
        return Ineligible(lane.plan.tariff.carrier, self.code, tuple(reasons))


class Check(NamedTuple):
    """A limit of a measure under a reading, and the bit of those that exceed it."""

    reading: int
    measure: int
    limit: int
    bit: int


class Offered(NamedTuple):
    """A service as a plan has it: its scale, reading, leg, the bits it reads, those that shut it out, its handling surcharges."""

    terms: ServiceTariff
    scale: int
    reading: int
    leg: int
    mask: int
    gate: int
    handling: tuple[tuple[Handling, tuple[tuple[int, str], ...]], ...]


class Lane:
    """All services from a kind of origin to a kind of destination, by legs."""

    __slots__ = ("by_code", "destination", "legs", "origin", "plan", "ways")

    def __init__(self, plan: Plan, legs: tuple[Leg, ...], origin: Place, destination: Place) -> None:
        # The places stand for all of their kind: nothing that is read of them differs within it.
        self.plan, self.legs, self.origin, self.destination = plan, legs, origin, destination
        self.ways = tuple(Way(self, one) for one in plan.offered)
        self.by_code = {way.code: way for way in self.ways}

    def way(self, service: str) -> Way | None:
        """The way of one service."""
        return self.by_code.get(service)


class Plan:
    """A contract on a day."""

    __slots__ = (
        "_bits",
        "_lanes",
        "_last",
        "_lists",
        "_readings",
        "_scales",
        "checks",
        "compiled",
        "day",
        "letters",
        "offered",
        "reads",
        "runs",
        "tariff",
    )

    def __init__(self, tariff: Tariff, day: date) -> None:
        self.tariff, self.day = tariff, day
        self._lists = _lists(tariff)
        self.letters = max((one.letters for one in self._lists), default=0)
        self._readings: dict[tuple[str, int], int] = {}
        self._bits: dict[tuple[int, int, int], int] = {}
        self._scales: dict[Scale, int] = {}
        self._lanes: dict[tuple[Any, ...], Lane] = {}
        self._last: tuple[Parcel | None, Any] = (None, None)
        # What those who rate many at once remember (`many.py`).
        self.runs: dict[Any, Any] = {}
        self.offered = tuple(self._offer(one) for one in tariff.services.values())
        # The same once more, as a parcel is read by them.
        self.reads = tuple(self._readings)
        self.checks = tuple(Check(*key, bit) for key, bit in self._bits.items())
        self.compiled = tuple(
            (tuple(_dim(dim, self._reading(dim)) for dim in scale.dims), scale) for scale in self._scales
        )

    def _offer(self, terms: ServiceTariff) -> Offered:
        dims = in_force(terms, self.day)
        scale = Scale(dims, terms.weighing, terms.breaks, terms.above_unit)
        for dim in dims:
            self._reading(dim)
        reading = self._reading(limits_read(dims))
        gates = [
            (_WEIGHT, terms.max_weight),
            (_LONGEST, terms.max_length),
            (_GIRTH, terms.max_length_plus_girth),
            (_CUBE, terms.max_cube),
            (_VALUE, terms.service.max_value),
        ]
        gate = 0 if terms.service.hazmat else HAZMAT
        for measure, limit in gates:
            if limit is not None:
                gate |= self._bit(reading, measure, limit)
        handling = tuple(
            (
                limits.rule,
                tuple((self._bit(reading, MEASURES[name], n), name) for name, n in limits.thresholds),
            )
            for limits in terms.handling
            if limits.rule.starts <= self.day <= limits.rule.ends
        )
        mask = gate
        for _, thresholds in handling:
            for bit, _ in thresholds:
                mask |= bit
        number = self._scales.setdefault(scale, len(self._scales))
        return Offered(terms, number, reading, self.tariff.legs.number(terms.code), mask, gate, handling)

    def _reading(self, dim: Edges) -> int:
        return self._readings.setdefault((dim.rounding, dim.unit), len(self._readings))

    def _bit(self, reading: int, measure: int, limit: int) -> int:
        # Weight and value are the same however edges are read.
        key = (0 if measure in (_WEIGHT, _VALUE) else reading, measure, limit)
        return self._bits.setdefault(key, 4 << len(self._bits))

    # --- lanes ------------------------------------------------------------------------------------------------

    def listing(self, postcode: str) -> tuple[bool, ...]:
        """Which of the contract's lists hold the postcode."""
        return tuple([postcode in listed for listed in self._lists])

    def lane(self, origin: Place, destination: Place) -> Lane:
        """The lane between two places."""
        legs = self.tariff.legs.between(origin, destination)
        key = (
            legs,
            origin.country,
            destination.country,
            destination.residential,
            destination.po_box,
            self.listing(destination.postcode),
        )
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) * len(self.offered) >= _WAYS_MOST:
                self._lanes.clear()
            lane = self._lanes[key] = Lane(self, legs, origin, destination)
        return lane

    # --- parcels ----------------------------------------------------------------------------------------------

    def measured(self, parcel: Parcel) -> Measured:
        """The parcel, read once."""
        last = self._last
        if last[0] is parcel:
            found: Measured = last[1]
            return found
        found = self._measure(parcel)
        self._last = (parcel, found)
        return found

    def _measure(self, parcel: Parcel) -> Measured:
        weight, value = parcel.weight, parcel.asked.value
        measures: list[tuple[int, ...]] = []
        for rounding, unit in self.reads:
            a, b, c = parcel.edges
            if rounding == "up":
                a, b, c = -(-a // unit) * unit, -(-b // unit) * unit, -(-c // unit) * unit
            elif rounding == "nearest":
                half = unit // 2
                a, b, c = (a + half) // unit * unit, (b + half) // unit * unit, (c + half) // unit * unit
            measures.append((a * b * c, weight, a, b, a + 2 * (b + c), value))
        bits = ALWAYS | HAZMAT if parcel.hazmat else ALWAYS
        for reading, measure, limit, bit in self.checks:
            if measures[reading][measure] > limit:
                bits |= bit
        return Measured(self, bits, [_weigh(one, weight, measures) for one in self.compiled], weight)


class _Dim(NamedTuple):
    """A dimensional rule with its reading's place; a cube times `by` over `per`, rounded up, is whole steps."""

    reading: int
    cube_most: int
    cube_above: int
    by: int
    per: int
    step: int
    divisor: int


NO_LIMIT = 1 << 80


def _dim(dim: Edges, reading: int) -> _Dim:
    per = dim.unit**3 * dim.divisor * dim.step
    common = gcd(per, dim.weight_unit)
    most = NO_LIMIT if dim.cube_most is None else dim.cube_most
    return _Dim(
        reading, most, dim.cube_above, dim.weight_unit // common, per // common, dim.step, dim.divisor
    )


def _weigh(
    scale: tuple[tuple[_Dim, ...], Scale], weight: int, measures: Sequence[tuple[int, ...]]
) -> Weighed:
    billable, divisor = weight, 0
    dims, (_, weighing, breaks, unit) = scale
    for reading, most, above, by, per, step, over in dims:
        cube = measures[reading][_CUBE]
        if cube <= most:
            if cube > above:
                dimensional = -(-cube * by // per) * step
                if dimensional > weight:
                    billable, divisor = dimensional, over
            break
    for above, step in weighing:
        if billable > above:
            billable = -(-billable // step) * step
            break
    at = bisect_left(breaks, billable)
    if at == len(breaks):
        at = at - 1 - (breaks[-1] - billable) // unit if unit else -1
    return _weighed(Weighed, (at, -(-billable // _GRAM), billable, divisor))


_weighed = tuple.__new__


def in_force(terms: ServiceTariff, day: date) -> tuple[Edges, ...]:
    """The dimensional rules of a day, up to the first that every cube comes under."""
    found: list[Edges] = []
    for dim in terms.dims:
        if dim.starts <= day <= dim.ends:
            found.append(dim)
            if dim.cube_most is None:
                break
    return tuple(found)


def limits_read(dims: tuple[Edges, ...]) -> Edges:
    """How limits read edges: as the day's first rule does, else exactly."""
    return dims[0] if dims else Edges(1)


def _lists(tariff: Tariff) -> tuple[PostcodeList, ...]:
    """Every postcode list that gates or prices read, those that are alike once."""
    if tariff.memo.lists is None:
        alike: dict[Any, PostcodeList] = {}
        for terms in tariff.services.values():
            for areas in terms.areas:
                for area in areas:
                    alike.setdefault(area.postcodes.key, area.postcodes)
        tariff.memo.lists = tuple(alike.values())
    return tariff.memo.lists


def plan_of(tariff: Tariff, day: date) -> Plan:
    """The contract on a day."""
    days = tariff.memo.days
    plan: Plan | None = days.get(day)
    if plan is None:
        if len(days) >= _DAYS_MOST:
            days.clear()
        plan = days[day] = Plan(tariff, day)
    return plan


def lane_of(tariff: Tariff, origin: Place, destination: Place, at: date) -> Lane:
    """The lane on a day; the last one asked for is found without looking."""
    last = tariff.memo.last
    lane: Lane
    if last[1] is destination and last[0] is origin and last[2] == at:
        lane = last[3]
        return lane
    day = at.date() if isinstance(at, datetime) else at
    lane = plan_of(tariff, day).lane(origin, destination)
    tariff.memo.last = (origin, destination, at, lane)
    return lane
