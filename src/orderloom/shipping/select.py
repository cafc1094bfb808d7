"""Which service takes a shipment: the cheapest that keeps the promise, else the soonest, flagged late. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from orderloom.shipping.lanes import Lane, Measured, Way, lane_of
from orderloom.shipping.model import Ineligible, Parcel, Place, Quote, Rate, Selection
from orderloom.shipping.quota import Quota
from orderloom.shipping.rate import rated
from orderloom.shipping.tariff import Tariff

# A carrier whose calendar has no delivery day within so many days delivers never.
DAYS_MAX = 400


def arrival(
    *, contract: Tariff, service: str, zone: int, ship_on: date, slip: int = 0, days: int | None = None
) -> date | None:
    """The day a parcel handed over on `ship_on` arrives; None when the service has no days for the zone.

    days: those in transit that the service's table gives the lane (`Leg.days`); without them the zone's hold.
    Handed over on a day the carrier does not work or pick up, it starts on the next one; days in transit are the carrier's
    working days; it is delivered on the first day after them that the service delivers and is no holiday. With `slip`, so
    many days later than that, as was learnt, and then on the next day on which it delivers.
    """
    key = (service, zone, days, ship_on, slip)
    known = contract.arrivals
    if key not in known:
        planned = _arrival(contract, service, zone, ship_on, days)
        if planned is not None and slip > 0:
            planned = delivering(contract=contract, service=service, day=planned + timedelta(days=slip))
        known[key] = planned
    return known[key]


def delivering(*, contract: Tariff, service: str, day: date) -> date | None:
    """That day, or the next on which the service delivers; None where it never does."""
    delivers = contract.services[service].service.delivers
    for _ in range(DAYS_MAX):
        if day.isoweekday() in delivers and day not in contract.holidays:
            return day
        day += timedelta(days=1)
    return None


def _arrival(contract: Tariff, service: str, zone: int, ship_on: date, days: int | None) -> date | None:
    terms = contract.services[service].service
    left = terms.transit_days.get(zone) if days is None else days
    if left is None:
        return None

    def works(day: date) -> bool:
        return day.isoweekday() in contract.operates and day not in contract.holidays

    day, one = ship_on, timedelta(days=1)
    for _ in range(DAYS_MAX):
        if works(day) and (not terms.picks_up or day.isoweekday() in terms.picks_up):
            break
        day += one
    for _ in range(DAYS_MAX):
        if left == 0:
            break
        day += one
        left -= works(day)
    return delivering(contract=contract, service=service, day=day)


def quote(
    *,
    contract: Tariff,
    service: str,
    parcels: Sequence[Parcel],
    origin: Place,
    destination: Place,
    ship_on: date,
    trace: bool = True,
) -> Quote | Ineligible:
    """A whole shipment by one service: all its parcels rated, and the day it arrives."""
    lane = lane_of(contract, origin, destination, ship_on)
    way = lane.way(service)
    if way is None:
        return Ineligible(contract.carrier, service, ("the contract has no such service",))
    measured = [lane.plan.measured(one) for one in parcels]
    return _quoted(lane, way, parcels, measured, destination.postcode, trace=trace)


def _quoted(
    lane: Lane,
    way: Way,
    parcels: Sequence[Parcel],
    measured: Sequence[Measured],
    postcode: str,
    *,
    trace: bool,
) -> Quote | Ineligible:
    rates: list[Rate] = []
    cost = 0
    for parcel, read in zip(parcels, measured, strict=True):
        answer = rated(way, parcel, read, postcode, trace=trace)
        if isinstance(answer, Ineligible):
            return answer
        rates.append(answer)
        cost += answer.total
    contract, zone = lane.plan.tariff, way.zone
    arrives_on = arrival(contract=contract, service=way.code, zone=zone, ship_on=lane.plan.day, days=way.days)
    if arrives_on is None:
        return Ineligible(way.carrier, way.code, (f"no days in transit for zone {zone}",))
    return Quote(way.carrier, way.code, way.terms.level, cost, way.currency, zone, arrives_on, tuple(rates))


def quote_all(
    *,
    contracts: Iterable[Tariff],
    parcels: Sequence[Parcel],
    origin: Place,
    destination: Place,
    ship_on: date,
    trace: bool = True,
) -> list[Quote | Ineligible]:
    """One answer for every service of every contract."""
    answers: list[Quote | Ineligible] = []
    for contract in contracts:
        lane = lane_of(contract, origin, destination, ship_on)
        measured = [lane.plan.measured(one) for one in parcels]
        answers += [
            _quoted(lane, way, parcels, measured, destination.postcode, trace=trace) for way in lane.ways
        ]
    return answers


def select(
    *, quotes: Iterable[Quote | Ineligible], promise_at: datetime | date | None, quota: Quota | None = None
) -> Selection:
    """Choose. The promise is kept when the parcel arrives not after its day, read in the zone `promise_at` bears.

    Ties go to the sooner, then by carrier and service. Quotes must be in one currency: another one than the
    first's is refused, since amounts in two currencies cannot be compared. `quota`: a service whose shipments of the
    day are used up is refused, and one that helps to meet a commitment counts as so much cheaper.
    """
    open_, rejected = _open(quotes, quota)
    weighed = {
        (one.carrier, one.service): max(0, one.cost - (quota.worth(one.carrier, one.service) if quota else 0))
        for one in open_
    }

    def cost(one: Quote) -> int:
        return weighed[one.carrier, one.service]

    promised_on = promise_at.date() if isinstance(promise_at, datetime) else promise_at
    kept = [one for one in open_ if promised_on is None or one.arrives_on <= promised_on]
    if kept:
        ranked = sorted(kept, key=lambda q: (cost(q), q.arrives_on, q.carrier, q.service))
        chosen = ranked[0]
        rejected += [_too_late(one, promised_on) for one in open_ if one not in kept]
        rejected += [_dearer(one, cost(one) - cost(chosen)) for one in ranked[1:]]
        return Selection(chosen, ranked[1] if len(ranked) > 1 else None, tuple(rejected), late=False)
    ranked = sorted(open_, key=lambda q: (q.arrives_on, cost(q), q.carrier, q.service))
    if not ranked:
        return Selection(None, None, tuple(rejected), late=False)
    rejected += [_later(one, ranked[0]) for one in ranked[1:]]
    return Selection(ranked[0], ranked[1] if len(ranked) > 1 else None, tuple(rejected), late=True)


def _open(quotes: Iterable[Quote | Ineligible], quota: Quota | None) -> tuple[list[Quote], list[Ineligible]]:
    """The quotes that may be chosen, and those that may not with the reason."""
    rejected: list[Ineligible] = []
    open_: list[Quote] = []
    for answer in quotes:
        if isinstance(answer, Ineligible):
            rejected.append(answer)
        elif quota and (closed := quota.closed(answer.carrier, answer.service)):
            rejected.append(Ineligible(answer.carrier, answer.service, (closed,)))
        elif open_ and answer.currency != open_[0].currency:
            reason = f"priced in {answer.currency}, the others in {open_[0].currency}"
            rejected.append(Ineligible(answer.carrier, answer.service, (reason,)))
        else:
            open_.append(answer)
    return open_, rejected


def _too_late(one: Quote, promised_on: date | None) -> Ineligible:
    reason = f"arrives {one.arrives_on.isoformat()}, promised for {promised_on.isoformat() if promised_on else '-'}"
    return Ineligible(one.carrier, one.service, (reason,))


def _dearer(one: Quote, more: int) -> Ineligible:
    reason = f"costs {more} more" if more else "costs the same, arrives no sooner"
    return Ineligible(one.carrier, one.service, (reason,))


def _later(one: Quote, chosen: Quote) -> Ineligible:
    days = (one.arrives_on - chosen.arrives_on).days
    reason = (
        f"keeps no promise either, arrives {days} days later"
        if days
        else "keeps no promise either, is dearer"
    )
    return Ineligible(one.carrier, one.service, (reason,))
