"""What a carrier billed against what its contract says: every minor unit of the difference by its cause. Pure.

Our facts are replaced by the carrier's one after another (service, zone, size, weight, kind of address) and the parcel
is rated anew after each; what the total moves by is that fact's doing. What still differs then is told charge by charge.
So the causes of a line sum to what was billed less what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from orderloom.shipping.invoice import FREIGHT, Billed
from orderloom.shipping.lanes import Lane, lane_of
from orderloom.shipping.legs import Leg
from orderloom.shipping.model import Parcel, Place, Rate, micrometres, nanograms
from orderloom.shipping.rate import rated
from orderloom.shipping.select import arrival
from orderloom.shipping.tariff import Tariff
from orderloom.shipping.zoning import Found

# Lines of a rate that together are the charge itself.
_BEFORE_SURCHARGES = ("card", "discount", "floor", "minimum")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A parcel as we handed it over."""

    tracking_number: str
    label_id: Any
    service: str
    used: bool
    parcel: Parcel
    origin: Place
    destination: Place
    delivered_on: date | None


class Cause(NamedTuple):
    """Why a line is not what was expected, by how much (below nought: too little), and what was said against what."""

    cause: str
    amount: int
    billed: Any = None
    ours: Any = None

    def json(self) -> dict[str, Any]:
        """The stored and wire form."""
        return {"cause": self.cause, "amount": self.amount, "billed": self.billed, "ours": self.ours}


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the invoice with its causes. refund: what a broken guarantee gives back besides."""

    billed: Billed
    label_id: Any
    expected: int | None
    causes: tuple[Cause, ...] = ()
    refund: int = 0

    @property
    def disputed(self) -> int:
        """What is asked back: each cause that made it dearer, and the refund, at most all that was billed."""
        dearer = sum(one.amount for one in self.causes if one.amount > 0)
        return max(min(dearer + self.refund, self.billed.total), 0)

    def json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "line": self.billed.line,
            "tracking_number": self.billed.tracking_number,
            "service": self.billed.service,
            "ship_date": self.billed.ship_date.isoformat(),
            "billed": self.billed.total,
            "expected": self.expected,
            "refund": self.refund,
            "disputed": self.disputed,
            "causes": [one.json() for one in self.causes],
        }


def audited(
    billed: Billed, shipped: Shipped | None, tariff: Tariff | None, seen: set[tuple[str, str]]
) -> Audited:
    """One line. `seen`: the charges (tracking number, code) billed before, to which this line's are added."""
    if shipped is None:
        return Audited(billed, None, 0, (Cause("unknown_tracking", billed.total),))
    codes = tariff.invoice_codes if tariff else {}
    again: list[tuple[str, int]] = []
    fresh: list[tuple[str, int]] = []
    for code, amount in billed.charges:
        key = (billed.tracking_number, code)
        (again if key in seen else fresh).append((codes.get(code, code), amount))
        seen.add(key)
    repeated = sum(amount for _, amount in again)
    causes = [Cause("duplicate", repeated, [code for code, _ in again])] if repeated else []
    if not shipped.used:
        left = sum(amount for _, amount in fresh)
        causes.append(
            Cause("service_not_used", left, billed.service, "the label was given up or never handed over")
        )
        return Audited(billed, shipped.label_id, 0, tuple(causes))
    if tariff is None:
        left = sum(amount for _, amount in fresh)
        return Audited(billed, shipped.label_id, None, (*causes, Cause("no_contract", left)))
    if again and not fresh:
        return Audited(billed, shipped.label_id, 0, tuple(causes))
    return _compared(billed, shipped, tariff, fresh, causes)


def _compared(
    billed: Billed, shipped: Shipped, tariff: Tariff, charges: Sequence[tuple[str, int]], causes: list[Cause]
) -> Audited:
    ours = _Facts(
        service=shipped.service,
        parcel=shipped.parcel,
        destination=shipped.destination,
    )
    first = _rated(tariff, shipped.origin, ours, billed.ship_date)
    if first is None:
        left = sum(amount for _, amount in charges)
        return Audited(billed, shipped.label_id, None, (*causes, Cause("not_carried", left, billed.service)))
    # A line of later charges alone, such as an address correction, is no carriage billed again.
    partial = FREIGHT not in {code for code, _ in charges}
    now = first
    for cause, facts, said, held in _replaced(billed, shipped, tariff, ours, first):
        after = _rated(tariff, shipped.origin, facts(ours), billed.ship_date)
        if after is not None:
            ours = facts(ours)
            if after.total != now.total and not partial:
                causes.append(Cause(cause, after.total - now.total, said, held))
            now = after
    expected = 0 if partial else first.total
    causes += _by_charge(charges, {} if partial else _charges(now))
    return Audited(
        billed,
        shipped.label_id,
        expected,
        tuple(causes),
        0 if partial else _refund(billed, shipped, tariff, causes),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    service: str
    parcel: Parcel
    destination: Place
    found: Found | None = None
    """The zone as billed, whatever the charts say."""


def _rated(tariff: Tariff, origin: Place, facts: _Facts, day: date) -> Rate | None:
    lane = lane_of(tariff, origin, facts.destination, day)
    if facts.found is not None:
        legs = tuple(Leg(facts.found, leg.days) for leg in lane.legs)
        lane = Lane(lane.plan, legs, origin, facts.destination)
    way = lane.way(facts.service)
    if way is None:
        return None
    found = rated(way, facts.parcel, lane.plan.measured(facts.parcel), facts.destination.postcode, trace=True)
    return found if isinstance(found, Rate) else None


def _replaced(
    billed: Billed, shipped: Shipped, tariff: Tariff, ours: _Facts, first: Rate
) -> Iterator[tuple[str, Any, Any, Any]]:
    """The carrier's facts that are not ours, in their order: cause, how it changes ours, what each side says."""
    service = tariff.invoice_codes.get(billed.service.casefold(), billed.service)
    if service != ours.service:
        yield "service", lambda facts: replace(facts, service=service), billed.service, ours.service
    if billed.zone is not None and billed.zone != first.zone:
        found = Found(billed.zone, "invoice")
        yield "zone", lambda facts: replace(facts, found=found), billed.zone, first.zone
    if billed.edges is not None:
        one, two, three = sorted(
            (micrometres(float(edge), billed.length_unit) for edge in billed.edges), reverse=True
        )
        edges = (one, two, three)
        yield (
            "dimensions",
            lambda facts: replace(facts, parcel=replace(facts.parcel, edges=edges)),
            [str(edge) for edge in billed.edges],
            [edge / 1000 for edge in shipped.parcel.edges],
        )
    if billed.weight is not None:
        weight = nanograms(float(billed.weight[0]), billed.weight[1])
        yield (
            "weight",
            lambda facts: replace(facts, parcel=replace(facts.parcel, weight=weight)),
            f"{billed.weight[0]} {billed.weight[1]}",
            f"{-(-shipped.parcel.weight // nanograms(1, 'g'))} g",
        )
    if billed.residential is not None and billed.residential != shipped.destination.residential:
        home = billed.residential
        yield (
            "residential",
            lambda facts: replace(facts, destination=replace(facts.destination, residential=home)),
            home,
            not home,
        )


def _charges(rate: Rate) -> dict[str, int]:
    """A rate's amounts by code, the charge itself as freight."""
    found = {FREIGHT: 0}
    for line in rate.lines:
        of_charge = line.rule in _BEFORE_SURCHARGES or (line.amount < 0 and "spend" in line.inputs)
        code = FREIGHT if of_charge else line.rule
        found[code] = found.get(code, 0) + line.amount
    return found


def _by_charge(charges: Iterable[tuple[str, int]], expected: Mapping[str, int]) -> Iterator[Cause]:
    """What no fact explains: fuel, charges the contract does not know of here, other prices."""
    billed: dict[str, int] = {}
    for code, amount in charges:
        billed[code] = billed.get(code, 0) + amount
    for code in [*billed, *(code for code in expected if code not in billed)]:
        is_, due = billed.get(code, 0), expected.get(code, 0)
        if is_ != due:
            cause = "fuel" if code == "fuel" else "price" if code in expected else "unexpected_charge"
            yield Cause(cause, is_ - due, {code: is_}, {code: due})


def _refund(billed: Billed, shipped: Shipped, tariff: Tariff, causes: Sequence[Cause]) -> int:
    """What a guaranteed service that came late gives back: all that is not disputed already."""
    terms = tariff.services.get(shipped.service)
    delivered = billed.delivered_on or shipped.delivered_on
    if terms is None or not terms.service.guaranteed or delivered is None:
        return 0
    found, days = tariff.legs.leg(shipped.service, shipped.origin, shipped.destination)
    due = (
        None
        if found.zone is None
        else arrival(
            contract=tariff, service=shipped.service, zone=found.zone, ship_on=billed.ship_date, days=days
        )
    )
    if due is None or delivered <= due:
        return 0
    return max(billed.total - sum(one.amount for one in causes if one.amount > 0), 0)
