"""What a parcel costs by a service, with every rule that made the amount. Pure; integers only.

Order: billable weight → zone → card → discount, earned tier, floor, minimum charge → surcharges (of a group only the
dearest) → caps → fuel, on the charge and on each fuelled surcharge → peak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from orderloom.shipping.lanes import Lane, Measured, Way, lane_of, plan_of
from orderloom.shipping.many import run_of, together
from orderloom.shipping.model import NOTHING_ASKED, Ineligible, Parcel, Place, Rate, TraceLine
from orderloom.shipping.stacking import BY_POSTCODE, stack_of
from orderloom.shipping.tariff import ServiceTariff, Tariff

# A Rate is made of its parts as they come; naming each takes as long as working them out.
_made = tuple.__new__


def rate(
    *,
    contract: Tariff,
    service: str,
    parcel: Parcel,
    origin: Place,
    destination: Place,
    at: date,
    trace: bool = True,
) -> Rate | Ineligible:
    """The rate of one parcel on the day of shipping, or every reason why the service does not carry it."""
    lane = lane_of(contract, origin, destination, at)
    way = lane.way(service)
    if way is None:
        return Ineligible(contract.carrier, service, ("the contract has no such service",))
    return rated(way, parcel, lane.plan.measured(parcel), destination.postcode, trace=trace)


def rate_all(
    *,
    contracts: Iterable[Tariff],
    parcel: Parcel,
    origin: Place,
    destination: Place,
    at: date,
    trace: bool = True,
) -> list[Rate | Ineligible]:
    """One answer for every service of every contract, in the contracts' order."""
    answers: list[Rate | Ineligible] = []
    for contract in contracts:
        lane = lane_of(contract, origin, destination, at)
        answers += _shop(lane, parcel, lane.plan.measured(parcel), destination.postcode, trace=trace)
    return answers


def rate_many(
    *,
    contract: Tariff,
    service: str,
    parcels: Sequence[tuple[Parcel, Place]],
    origin: Place,
    at: date,
    trace: bool = True,
) -> list[Rate | Ineligible]:
    """One answer for each parcel and its destination, all by one service from one place on one day."""
    plan = plan_of(contract, at.date() if isinstance(at, datetime) else at)
    if service not in contract.services:
        missing = Ineligible(contract.carrier, service, ("the contract has no such service",))
        return [missing] * len(parcels)

    def one(parcel: Parcel, to: Place, way: Way) -> Rate | Ineligible:
        return rated(way, parcel, plan.measured(parcel), to.postcode, trace=trace)

    return together(run_of(plan, service, origin), parcels, one, plainly=not trace)


def rated(way: Way, parcel: Parcel, measured: Measured, postcode: str, *, trace: bool) -> Rate | Ineligible:
    """One parcel by one way."""
    weighed = measured.scales[way.scale]
    at = weighed.at
    bits = measured.bits & way.mask
    if at < 0 or bits & way.gate:
        return way.refused(parcel, weighed)
    asked = parcel.asked
    if trace:
        return _traced(way, parcel, measured, postcode, bits)
    total = None
    if asked is NOTHING_ASKED and (totals := way.totals.get(bits)) is not None:
        total = totals.get(at)
    if total is None:
        total = way.price(bits, at, asked)
    return _made(Rate, (way.carrier, way.code, way.zone, weighed.billable_g, total, way.currency, ()))


def _shop(
    lane: Lane, parcel: Parcel, measured: Measured, postcode: str, *, trace: bool
) -> list[Rate | Ineligible]:
    """The same for every way of a lane, without asking twice what is the same for all."""
    if trace or parcel.asked is not NOTHING_ASKED:
        return [rated(way, parcel, measured, postcode, trace=trace) for way in lane.ways]
    answers: list[Rate | Ineligible] = []
    scales, of_parcel = measured.scales, measured.bits
    carrier, currency = lane.plan.tariff.carrier, lane.plan.tariff.currency
    for way in lane.ways:
        at, grams, _, _ = weighed = scales[way.scale]
        bits = of_parcel & way.mask
        if at < 0 or bits & way.gate:
            answers.append(way.refused(parcel, weighed))
            continue
        totals = way.totals.get(bits)
        total = None if totals is None else totals.get(at)
        if total is None:
            total = way.price(bits, at, NOTHING_ASKED)
        answers.append(_made(Rate, (carrier, way.code, way.zone, grams, total, currency, ())))
    return answers


def _traced(way: Way, parcel: Parcel, measured: Measured, postcode: str, bits: int) -> Rate:
    weighed = measured.scales[way.scale]
    listed, tail, total, by_postcode = way.tail(bits, weighed.at, parcel.asked)
    if by_postcode:
        read = {"postcode": postcode}
        tail = tuple(line._replace(inputs=read) if line.inputs is BY_POSTCODE else line for line in tail)
    card = _made(TraceLine, ("card", {**way.inputs, **measured.inputs(way.scale)}, listed))
    return _made(
        Rate, (way.carrier, way.code, way.zone, weighed.billable_g, total, way.currency, (card, *tail))
    )


def least(*, service: ServiceTariff, destination: Place, day: date, charge: int) -> int:
    """What a parcel of at least that charge costs at the least: with the surcharges no size or weight calls for."""
    stack = stack_of(service, day=day, residential=destination.residential, postcode=destination.postcode)
    return stack.total(charge)
