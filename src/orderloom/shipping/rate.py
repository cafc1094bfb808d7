"""What a parcel costs by a service, with every rule that made the amount. Pure; integers only.

Order: billable weight → zone → card → discount, floored by the minimum charge → surcharges (of a group only the
dearest) → fuel, on the charge and on each fuelled surcharge → peak.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeAlias

from orderloom.shipping.model import NG, Ineligible, Parcel, Place, Rate, TraceLine
from orderloom.shipping.tariff import Limits, ServiceTariff, Tariff, permille_of

_GRAM = NG["g"]
_NOTHING = Parcel((0, 0, 0), 0)


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
    found = contract.services.get(service)
    if found is None:
        return Ineligible(contract.carrier, service, ("the contract has no such service",))
    day = at.date() if isinstance(at, datetime) else at
    zone = contract.zoning.zone(origin, destination)
    return _rate(contract, found, parcel, zone, origin, destination, day, trace=trace)


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
    day = at.date() if isinstance(at, datetime) else at
    answers: list[Rate | Ineligible] = []
    for contract in contracts:
        zone = contract.zoning.zone(origin, destination)
        answers += [
            _rate(contract, one, parcel, zone, origin, destination, day, trace=trace)
            for one in contract.services.values()
        ]
    return answers


def _rate(
    contract: Tariff,
    service: ServiceTariff,
    parcel: Parcel,
    zone: int | None,
    origin: Place,
    destination: Place,
    day: date,
    *,
    trace: bool,
) -> Rate | Ineligible:
    edges = service.edges.read(parcel.edges)
    reasons = _refusals(service, parcel, edges, origin, destination)
    if zone is None:
        reasons.append("no zone: the contract knows neither these postcodes nor this distance")
    elif zone not in service.listed:
        reasons.append(f"no price in zone {zone}")
    if reasons or zone is None:
        return Ineligible(contract.carrier, service.code, tuple(reasons))

    rule = service.edges
    cube = edges[0] * edges[1] * edges[2]
    billable = parcel.weight
    if rule.divisor and cube > rule.cube_above:
        dimensional = -(-cube // (rule.unit**3 * rule.divisor)) * contract.weight_unit
        billable = max(billable, dimensional)
    lines: list[TraceLine] | None = [] if trace else None
    charge = _charge(service, zone, billable, lines)
    if charge is None:
        reason = f"billable weight {-(-billable // _GRAM)} g is beyond the rate card"
        return Ineligible(contract.carrier, service.code, (reason,))
    if lines:
        lines[0] = _with_weights(lines[0], contract, parcel.weight, billable, rule.divisor)
    total = charge + _surcharged(service, parcel, edges, cube, destination, day, charge, lines)
    return Rate(
        contract.carrier,
        service.code,
        zone,
        -(-billable // _GRAM),
        total,
        contract.currency,
        tuple(lines) if lines else (),
    )


def least(*, service: ServiceTariff, destination: Place, day: date, charge: int) -> int:
    """What a parcel of at least that charge costs at the least: with the surcharges no size or weight calls for."""
    return charge + _surcharged(service, _NOTHING, _NOTHING.edges, 0, destination, day, charge, None)


def _refusals(
    service: ServiceTariff, parcel: Parcel, edges: tuple[int, int, int], origin: Place, destination: Place
) -> list[str]:
    """Every gate the parcel or the place does not pass."""
    reasons: list[str] = []
    terms = service.service
    if service.countries:
        if destination.country not in service.countries and "*" not in service.countries:
            reasons.append(f"does not deliver in {destination.country}")
    elif destination.country != origin.country:
        reasons.append(f"does not leave {origin.country}")
    if service.max_weight is not None and parcel.weight > service.max_weight:
        reasons.append(
            f"weighs {-(-parcel.weight // _GRAM)} g, at most {service.max_weight // _GRAM} g are carried"
        )
    if service.max_length is not None and edges[0] > service.max_length:
        reasons.append(f"is {edges[0] // 1000} mm long, at most {service.max_length // 1000} mm are carried")
    limit = service.max_length_plus_girth
    if limit is not None and edges[0] + 2 * (edges[1] + edges[2]) > limit:
        reasons.append(f"length plus girth is over {limit // 1000} mm")
    if parcel.hazmat and not terms.hazmat:
        reasons.append("does not carry hazardous goods")
    if destination.residential and not terms.residential:
        reasons.append("does not deliver to homes")
    if destination.po_box and not terms.po_box:
        reasons.append("does not deliver to post-office boxes")
    return reasons


def _charge(service: ServiceTariff, zone: int, billable: int, lines: list[TraceLine] | None) -> int | None:
    """The card's price less discount, at least the minimum; None beyond the card."""
    at = bisect_left(service.breaks, billable)
    if at < len(service.breaks):
        net = service.net[zone][at]
        listed = service.listed[zone][at]
    elif service.above_unit:
        units = -(-(billable - service.breaks[-1]) // service.above_unit)
        listed = service.listed[zone][-1] + units * service.above[zone]
        net = max(listed - permille_of(listed, service.discounts[zone]), service.minimum)
    else:
        return None
    if lines is not None:
        lines.append(TraceLine("card", {"service": service.code, "zone": zone}, listed))
        off = permille_of(listed, service.discounts[zone])
        if off:
            lines.append(TraceLine("discount", {"permille": service.discounts[zone]}, -off))
        if net > listed - off:
            lines.append(TraceLine("minimum", {"minimum": service.minimum}, net - (listed - off)))
    return net


def _with_weights(line: TraceLine, contract: Tariff, actual: int, billable: int, divisor: int) -> TraceLine:
    """The card's line with the weights it was read at."""
    unit = contract.weight_unit_name
    weights = {
        f"actual_{unit}": round(actual / contract.weight_unit, 4),
        f"billable_{unit}": round(billable / contract.weight_unit, 4),
        "by": "dimensions" if billable > actual else "weight",
    }
    if billable > actual:
        weights["divisor"] = divisor
    return TraceLine(line.rule, {**line.inputs, **weights}, line.amount)


def _surcharged(
    service: ServiceTariff,
    parcel: Parcel,
    edges: tuple[int, int, int],
    cube: int,
    destination: Place,
    day: date,
    charge: int,
    lines: list[TraceLine] | None,
) -> int:
    """All that is added to the charge."""
    added, fuelled = 0, charge
    for code, amount, with_fuel, name, value in _flat(service, parcel.weight, edges, cube, destination):
        added += amount
        fuelled += amount if with_fuel else 0
        if lines is not None:
            lines.append(TraceLine(code, {name: value}, amount))
    for fuel in service.fuel:
        at = bisect_right(fuel.starts, day)
        if at:
            permille, since = fuel.permilles[at - 1], fuel.starts[at - 1]
            amount = permille_of(fuelled, permille)
            added += amount
            if lines is not None:
                inputs = {"permille": permille, "since": since.isoformat(), "of": fuelled}
                lines.append(TraceLine(fuel.code, inputs, amount))
    for peak in service.peak:
        if peak.starts <= day <= peak.ends and (destination.residential or not peak.residential_only):
            added += peak.amount
            if lines is not None:
                lines.append(TraceLine(peak.code, {"until": peak.ends.isoformat()}, peak.amount))
    return added


# A flat surcharge that applies: code, amount, whether fuel is charged on it, and the input that called for it.
_Flat: TypeAlias = tuple[str, int, bool, str, object]


def _flat(
    service: ServiceTariff, weight: int, edges: tuple[int, int, int], cube: int, destination: Place
) -> list[_Flat]:
    """The flat surcharges that apply; groups stand dearest first, so the first hit is the one that counts."""
    home = destination.residential
    found: list[_Flat] = []
    if home:
        found += [(one.code, one.amount, one.fuelled, "residential", True) for one in service.residential]
    for areas in service.areas:
        for area in areas:
            if (home or not area.residential_only) and destination.postcode in area.postcodes:
                found.append((area.code, area.amount, area.fuelled, "postcode", destination.postcode))
                break
    for group in service.handling:
        for limits in group:
            if excess := _exceeded(limits, weight, edges, cube):
                found.append((limits.code, limits.amount, limits.fuelled, "exceeds", excess))
                break
    return found


def _exceeded(limits: Limits, weight: int, edges: tuple[int, int, int], cube: int) -> str:
    """The first limit that is exceeded, by name; empty when none is."""
    if limits.cube is not None and cube > limits.cube:
        return "cube"
    if limits.weight is not None and weight > limits.weight:
        return "weight"
    if limits.longest is not None and edges[0] > limits.longest:
        return "longest"
    if limits.second is not None and edges[1] > limits.second:
        return "second"
    girth = limits.length_plus_girth
    if girth is not None and edges[0] + 2 * (edges[1] + edges[2]) > girth:
        return "length_plus_girth"
    return ""
