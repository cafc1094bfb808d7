"""A plain rating beside the real one: read straight from the JSON, in fractions, nothing prepared or kept."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from typing import Any

LB = 453_592_370_000
INCH = 25_400


def _half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _rounded(value: Fraction, how: str) -> int:
    return {"half_up": _half_up, "half_even": round, "up": math.ceil, "down": math.floor}[how](value)


def _mine(rule: dict[str, Any], service: str) -> bool:
    return not rule.get("services") or service in rule["services"]


def _in_force(rule: dict[str, Any], day: date) -> bool:
    return rule.get("starts", "0001-01-01") <= day.isoformat() <= rule.get("ends", "9999-12-31")


def _listed(postcodes: list[str], postcode: str) -> bool:
    for entry in postcodes:
        low, _, high = entry.partition("-")
        if low <= postcode[: len(low)] <= (high or low):
            return True
    return False


def total(
    terms: dict[str, Any],
    service: str,
    *,
    edges: tuple[int, int, int],
    weight: int,
    zone: int,
    postcode: str,
    residential: bool,
    day: date,
    value: int = 0,
    signature: str = "",
    spend: int = 0,
) -> int | None:
    """The total in inches and pounds; None where the card has no price. Gates are not looked at."""
    rules = [r for r in terms.get("dim", []) if _mine(r, service) and _in_force(r, day)]
    read = _read(edges, rules[0]["edges"] if rules else "exact")
    cube = read[0] * read[1] * read[2]
    billable = Fraction(weight, LB)
    for rule in rules:
        a, b, c = _read(edges, rule["edges"])
        if a * b * c > rule.get("maximum_cube", math.inf):
            continue
        if a * b * c > rule.get("minimum_cube", 0):
            billable = max(billable, Fraction(math.ceil(a * b * c / rule["divisor"])))
        break
    card = next(card for card in terms["rates"] if card["service"] == service)
    amounts = card["amounts"][str(zone)]
    at = next((n for n, pounds in enumerate(card["breaks"]) if billable <= pounds), None)
    if at is not None:
        listed, weighs = amounts[at], Fraction(card["breaks"][at])
    elif "above" in card:
        further = math.ceil(billable - card["breaks"][-1])
        listed, weighs = (
            amounts[-1] + further * card["above"]["amounts"][str(zone)],
            card["breaks"][-1] + further,
        )
    else:
        return None
    charge = _charge(terms, service, zone, listed, weighs, spend)
    flat = _flat(
        terms, service, read, cube, weight, zone, postcode, residential, day, value, signature, charge
    )
    for cap in terms.get("caps", []):
        excess = sum(amount for code, amount, _ in flat if code in cap["codes"]) - cap["at_most"]
        if _mine(cap, service) and excess > 0:
            flat.append(("cap", -excess, cap.get("fuelled", False)))
    return (
        charge
        + sum(amount for _, amount, _ in flat)
        + _fuel_and_peak(terms, service, residential, day, charge, flat)
    )


def _fuel_and_peak(
    terms: Any, service: str, residential: bool, day: date, charge: int, flat: list[tuple[str, int, bool]]
) -> int:
    added = 0
    for fuel in terms["surcharges"]:
        if fuel["kind"] == "fuel" and _mine(fuel, service):
            steps = [s for s in fuel["steps"] if s["starts"] <= day.isoformat()]
            if steps:
                of = charge + sum(amount for _, amount, fuelled in flat if fuelled)
                how = terms.get("rounding", {}).get("fuel", "half_up")
                added += _rounded(of * Fraction(str(steps[-1]["permille"])) / 1000, how)
    charged = {code for code, amount, _ in flat if amount >= 0}
    for peak in terms["surcharges"]:
        if (
            peak["kind"] == "peak"
            and _mine(peak, service)
            and _in_force(peak, day)
            and (residential or not peak.get("residential_only"))
            and (not peak.get("along") or charged & set(peak["along"]))
        ):
            added += peak["amount"]
    return added


def _read(edges: tuple[int, int, int], how: str) -> tuple[Fraction, Fraction, Fraction]:
    inches = [Fraction(edge, INCH) for edge in edges]
    if how == "up":
        inches = [Fraction(math.ceil(edge)) for edge in inches]
    elif how == "nearest":
        inches = [Fraction(_half_up(edge)) for edge in inches]
    a, b, c = sorted(inches, reverse=True)
    return a, b, c


def _charge(terms: Any, service: str, zone: int, listed: int, weighs: Any, spend: int) -> int:
    how = terms.get("rounding", {}).get("discount", "half_up")
    off = [
        (Fraction(str(d["permille"])), d.get("floor", 0))
        for d in terms.get("discounts", [])
        if _mine(d, service)
        and (not d.get("zones") or zone in d["zones"])
        and d.get("over", 0) < weighs <= d.get("up_to", math.inf)
    ]
    share, floor = max(off, default=(Fraction(0), 0))
    net = listed - _rounded(listed * share / 1000, how)
    for rule in terms.get("earned", []):
        reached = [tier for tier in rule["tiers"] if tier["spend"] <= spend]
        if _mine(rule, service) and reached:
            net -= _rounded(Fraction(listed) * Fraction(str(reached[-1]["permille"])) / 1000, how)
    net = max(net, min(floor, listed))
    minimums = terms.get("minimum_charges", {})
    return max(net, minimums.get(service, minimums.get("*", 0)))


def _flat(
    terms: Any,
    service: str,
    read: Any,
    cube: Fraction,
    weight: int,
    zone: int,
    postcode: str,
    residential: bool,
    day: date,
    value: int,
    signature: str,
    charge: int,
) -> list[tuple[str, int, bool]]:
    found: list[tuple[str, str, int, bool]] = []
    a, b, c = read
    for rule in terms["surcharges"]:
        if not _mine(rule, service) or not _in_force(rule, day):
            continue
        kind, amount = rule["kind"], rule.get("amount", 0)
        group = ""
        if kind == "residential":
            applies = residential
        elif kind == "delivery_area":
            group = rule.get("group", "delivery_area")
            applies = _listed(rule["postcodes"], postcode) and (
                residential or not rule.get("residential_only")
            )
        elif kind in ("additional_handling", "oversize"):
            group = rule.get("group", "handling")
            amount = rule.get("by_zone", {}).get(str(zone), amount)
            applies = (
                cube > rule.get("cube_over", math.inf)
                or Fraction(weight, LB) > rule.get("weight_over", math.inf)
                or a > rule.get("longest_over", math.inf)
                or b > rule.get("second_over", math.inf)
                or a + 2 * (b + c) > rule.get("length_plus_girth_over", math.inf)
            )
        elif kind == "fee":
            applies = True
            if "permille" in rule:
                how = terms.get("rounding", {}).get("percent", "half_up")
                amount = _rounded(charge * Fraction(str(rule["permille"])) / 1000, how)
                amount = min(max(amount, rule.get("at_least", 0)), rule.get("at_most", amount))
        elif kind == "declared_value":
            applies = value > rule.get("included", 0)
            steps = math.ceil(Fraction(value - rule.get("included", 0), rule.get("per", 10_000)))
            amount = max(steps * amount, rule.get("at_least", 0))
        elif kind == "signature":
            applies = signature == rule["type"]
        else:
            applies = False
        if applies:
            found.append((rule.get("code", kind), group, amount, rule.get("fuelled", False)))
    dearest = {
        group: min((-amount, code) for code, other, amount, _ in found if other == group)
        for group in {group for _, group, _, _ in found if group}
    }
    return [
        (code, amount, fuelled)
        for code, group, amount, fuelled in found
        if not group or dearest[group] == (-amount, code)
    ]
