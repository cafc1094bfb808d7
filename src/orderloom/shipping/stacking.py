"""What is added to a charge, in the order in which a contract says: surcharges, caps, fuel, peak.

Which of them apply follows from the service, the day, the destination, the limits exceeded and what was asked for;
how much they come to, from the charge alone. So a stack is made once and settles any charge.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from orderloom.shipping.figures import Rounding, parts, plain, share_of
from orderloom.shipping.model import NOTHING_ASKED, Asked, TraceLine
from orderloom.shipping.surcharges import Cap, DeclaredValue, Fee, Fuel, Handling, Saturday, Signature
from orderloom.shipping.tariff import ServiceTariff

# What a line read that is there for the destination's postcode: whoever tells the line puts that in.
BY_POSTCODE: Mapping[str, Any] = {"postcode": ""}


class Added(NamedTuple):
    """A surcharge that applies."""

    code: str
    amount: int
    fuelled: bool
    group: str
    inputs: Mapping[str, Any]


class Fuelling(NamedTuple):
    """Fuel in force: its share, of the charge or not, of which surcharges."""

    code: str
    share: int
    since: date
    charge: bool
    on: tuple[str, ...] | None


class Stack:
    """All that applies, ready to settle charges."""

    __slots__ = ("_bases", "_caps", "_constant", "_fees", "_flat", "_fuels", "_peaks", "_rounds", "_single")

    def __init__(
        self,
        flat: Sequence[Added],
        fees: Sequence[Fee],
        caps: Sequence[Cap],
        fuels: Sequence[Fuelling],
        peaks: Sequence[Added],
        rounds: tuple[Rounding, Rounding, Rounding],
    ) -> None:
        self._flat, self._fees, self._caps = tuple(flat), tuple(fees), tuple(caps)
        self._fuels, self._peaks, self._rounds = tuple(fuels), tuple(peaks), rounds
        # Where nothing but fuel depends on the charge, all else is summed here, once.
        self._constant: int | None = None
        self._bases: tuple[tuple[int, int, bool], ...] = ()
        self._single: tuple[int, int, int] | None = None
        if not (fees or caps):
            self._constant = sum(one.amount for one in (*flat, *peaks))
            self._bases = tuple(
                (fuel.share, _base(fuel, (*flat, *peaks)), fuel.charge) for fuel in self._fuels
            )
            if len(self._bases) == 1 and rounds[2] == "half_up" and self._bases[0][2]:
                share, base, _ = self._bases[0]
                self._single = (self._constant, share, base * share + 50_000)

    def total(self, charge: int) -> int:
        """The charge and all that is added to it."""
        if self._single is not None:
            constant, share, rest = self._single
            return charge + constant + (charge * share + rest) // 100_000
        if self._constant is None:
            return charge + sum(line.amount for line in self.lines(charge))
        total, rounding = charge + self._constant, self._rounds[2]
        for share, base, on_charge in self._bases:
            total += share_of(base + charge if on_charge else base, share, rounding)
        return total

    def lines(self, charge: int) -> list[TraceLine]:
        """What is added, rule by rule."""
        flat = [*self._flat, *(_percentage(fee, charge, self._rounds[1]) for fee in self._fees)]
        flat += _capped(self._caps, flat)
        lines = [TraceLine(one.code, one.inputs, one.amount) for one in flat]
        for fuel in self._fuels:
            of = _base(fuel, (*flat, *self._peaks)) + (charge if fuel.charge else 0)
            inputs = {"permille": plain(fuel.share), "since": fuel.since.isoformat(), "of": of}
            lines.append(TraceLine(fuel.code, inputs, share_of(of, fuel.share, self._rounds[2])))
        lines += [TraceLine(one.code, one.inputs, one.amount) for one in self._peaks]
        return lines


def _base(fuel: Fuelling, added: Iterable[Added]) -> int:
    """What fuel is charged on besides the charge."""
    if fuel.on is None:
        return sum(one.amount for one in added if one.fuelled)
    return sum(one.amount for one in added if one.code in fuel.on)


def _percentage(fee: Fee, charge: int, rounding: Rounding) -> Added:
    assert fee.permille is not None  # noqa: S101 - a fee of an amount is a flat one
    amount = max(share_of(charge, parts(fee.permille), rounding), fee.at_least)
    if fee.at_most is not None:
        amount = min(amount, fee.at_most)
    inputs = {"permille": plain(parts(fee.permille)), "of": charge}
    return Added(fee.code, amount, fee.fuelled, "", inputs)


def _capped(caps: Sequence[Cap], flat: Sequence[Added]) -> list[Added]:
    found = []
    for cap in caps:
        excess = sum(one.amount for one in flat if one.code in cap.codes) - cap.at_most
        if excess > 0:
            inputs = {"at_most": cap.at_most, "of": list(cap.codes)}
            found.append(Added(cap.code, -excess, cap.fuelled, "", inputs))
    return found


def stack_of(
    service: ServiceTariff,
    *,
    day: date,
    residential: bool,
    postcode: str,
    zone: int | None = None,
    exceeded: Iterable[tuple[Handling, str]] = (),
    asked: Asked = NOTHING_ASKED,
) -> Stack:
    """What applies. `exceeded`: handling surcharges of which a limit is, with that limit's name."""
    flat = _dearest(
        [
            *_by_place(service, day, residential, postcode),
            *_by_size(day, residential, zone, exceeded),
            *_by_wish(service, day, asked),
        ]
    )
    fees = [fee for fee in service.fees if fee.permille is not None and fee.starts <= day <= fee.ends]
    charged = {one.code for one in flat} | {fee.code for fee in fees}
    peaks = [
        Added(one.code, one.amount, one.fuelled, one.group, {"until": one.ends.isoformat()})
        for one in service.peak
        if one.starts <= day <= one.ends
        and (residential or not one.residential_only)
        and (not one.along or not charged.isdisjoint(one.along))
    ]
    return Stack(
        flat,
        fees,
        [cap for cap in service.caps if cap.starts <= day <= cap.ends],
        list(_fuels(service.fuel, day)),
        _dearest(peaks),
        service.rounds,
    )


def _dearest(added: Sequence[Added]) -> list[Added]:
    """Of each group the dearest, by code where two cost the same; those in no group all."""
    best: dict[str, Added] = {}
    for one in added:
        if one.group:
            held = best.get(one.group)
            if held is None or (-one.amount, one.code) < (-held.amount, held.code):
                best[one.group] = one
    return [one for one in added if not one.group or best[one.group] is one]


def _by_place(service: ServiceTariff, day: date, residential: bool, postcode: str) -> Iterator[Added]:  # noqa: FBT001 - as the place says
    if residential:
        for home in service.residential:
            if home.starts <= day <= home.ends:
                yield Added(home.code, home.amount, home.fuelled, home.group, {"residential": True})
    for areas in service.areas:
        for area in areas:
            rule = area.rule
            if rule is None or not rule.starts <= day <= rule.ends:
                continue
            if rule.commercial_only if residential else rule.residential_only:
                continue
            if postcode in area.postcodes:
                yield Added(rule.code, rule.amount, rule.fuelled, rule.group, BY_POSTCODE)


def _by_size(
    day: date,
    residential: bool,  # noqa: FBT001 - as the place says
    zone: int | None,
    exceeded: Iterable[tuple[Handling, str]],
) -> Iterator[Added]:
    for rule, name in exceeded:
        if rule.starts <= day <= rule.ends and (residential or not rule.residential_only):
            amount = rule.amount if zone is None else rule.by_zone.get(zone, rule.amount)
            yield Added(rule.code, amount, rule.fuelled, rule.group, {"exceeds": name})


def _by_wish(service: ServiceTariff, day: date, asked: Asked) -> Iterator[Added]:
    for fee in service.fees:
        if fee.permille is None and fee.starts <= day <= fee.ends:
            yield Added(fee.code, fee.amount, fee.fuelled, "", {})
    for rule in service.asked:
        if not rule.starts <= day <= rule.ends:
            continue
        match rule:
            case DeclaredValue() if asked.value > rule.included:
                steps = -(-(asked.value - rule.included) // rule.per)
                amount = max(steps * rule.amount, rule.at_least)
                inputs: dict[str, Any] = {"value": asked.value, "included": rule.included}
                yield Added(rule.code, amount, rule.fuelled, "", inputs)
            case Signature() if asked.signature == rule.type:
                yield Added(rule.code, rule.amount, rule.fuelled, "", {"signature": rule.type})
            case Saturday() if asked.saturday:
                yield Added(rule.code, rule.amount, rule.fuelled, "", {"saturday": True})
            case _:
                pass


def _fuels(fuels: Iterable[Fuel], day: date) -> Iterator[Fuelling]:
    for fuel in fuels:
        at = bisect_right([step.starts for step in fuel.steps], day)
        if at and fuel.starts <= day <= fuel.ends:
            step = fuel.steps[at - 1]
            yield Fuelling(fuel.code, parts(step.permille), step.starts, fuel.charge, fuel.on)
