"""What each part of a contract's terms allows and the whole does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orderloom.shipping.agreed import (
    DAYS_MOST,
    Fault,
    LaneDays,
    ListedLess,
    RateCard,
    Terms,
    WeightBreak,
    Zones,
)
from orderloom.shipping.figures import WeightUnit
from orderloom.shipping.model import nanograms
from orderloom.shipping.surcharges import DeliveryArea, Fee, Fuel, Handling, Peak, Surcharge
from orderloom.shipping.zoning import entries, spelt

# Rows in short are for charts of up to so many digits.
_ROW_PREFIX = 3


def contradictions(terms: Terms) -> Iterator[Fault]:
    """What each part allows and the whole does not."""
    yield from _unknown_services(terms)
    yield from _zones_without_days(terms)
    for i, card in enumerate(terms.rates):
        yield from _crooked_card(f"rates.{i}", card, terms.weight_unit)
    yield from _crooked_charts(terms)
    for i, table in enumerate(terms.transit):
        yield from _crooked_transit(f"transit.{i}", table)
    for i, surcharge in enumerate(terms.surcharges):
        yield from _empty_surcharge(f"surcharges.{i}", surcharge)
    yield from _unknown_codes(terms)
    yield from _crooked_minimums(terms)
    yield from _crooked_tiers(terms)
    yield from _discounts_beyond(terms)
    for i, service in enumerate(terms.services):
        yield from _crooked_postcodes(f"services.{i}.only", service.only)
        yield from _crooked_postcodes(f"services.{i}.never", service.never)
    dated = [(f"dim.{i}", rule.starts, rule.ends) for i, rule in enumerate(terms.dim)]
    dated += [(f"surcharges.{i}", rule.starts, rule.ends) for i, rule in enumerate(terms.surcharges)]
    for path, starts, ends in dated:
        if ends < starts:
            yield Fault(path, "ends before it starts")


def _unknown_services(terms: Terms) -> Iterator[Fault]:
    known = [service.code for service in terms.services]
    for code in sorted({code for code in known if known.count(code) > 1}):
        yield Fault("services", f"{code!r} is there twice")
    priced = [card.service for card in terms.rates]
    for code in sorted(set(known) - set(priced)):
        yield Fault("rates", f"service {code!r} has no rate card")
    for code in sorted({code for code in priced if priced.count(code) > 1}):
        yield Fault("rates", f"service {code!r} has two rate cards")
    named: list[tuple[str, tuple[str, ...]]] = [("rates", tuple(priced))]
    named += [(f"dim.{i}.services", rule.services) for i, rule in enumerate(terms.dim)]
    named += [(f"discounts.{i}.services", rule.services) for i, rule in enumerate(terms.discounts)]
    named += [(f"surcharges.{i}.services", rule.services) for i, rule in enumerate(terms.surcharges)]
    named += [(f"weighing.{i}.services", rule.services) for i, rule in enumerate(terms.weighing)]
    named += [(f"earned.{i}.services", rule.services) for i, rule in enumerate(terms.earned)]
    named += [(f"caps.{i}.services", rule.services) for i, rule in enumerate(terms.caps)]
    named += [(f"transit.{i}.services", table.services) for i, table in enumerate(terms.transit)]
    named += [(f"day_limits.{i}.services", rule.services) for i, rule in enumerate(terms.day_limits)]
    named += [(f"commitments.{i}.services", rule.services) for i, rule in enumerate(terms.commitments)]
    named.append(("minimum_charges", tuple(code for code in terms.minimum_charges if code != "*")))
    for path, codes in named:
        for code in sorted(set(codes) - set(known)):
            yield Fault(path, f"there is no service {code!r}; there are {', '.join(known)}")


def _zones_without_days(terms: Terms) -> Iterator[Fault]:
    cards = {card.service: card for card in terms.rates}
    for i, service in enumerate(terms.services):
        if service.code in cards:
            missing = sorted(set(cards[service.code].amounts) - set(service.transit_days))
            if missing:
                yield Fault(f"services.{i}.transit_days", f"priced zones without days: {missing}")


def _crooked_card(path: str, card: RateCard, unit: WeightUnit) -> Iterator[Fault]:
    for zone, amounts in card.amounts.items():
        if len(amounts) != len(card.breaks):
            yield Fault(f"{path}.amounts.{zone}", f"{len(amounts)} amounts for {len(card.breaks)} breaks")
    if card.above and (missing := sorted(set(card.amounts) - set(card.above.amounts))):
        yield Fault(f"{path}.above.amounts", f"priced zones are missing: {missing}")
    weights = break_weights(card, unit)
    if weights != sorted(set(weights)):
        yield Fault(f"{path}.breaks", "must grow from one to the next")


def break_weights(card: RateCard, unit: WeightUnit) -> list[int]:
    """The card's breaks in nanograms."""
    return [
        nanograms(one.value, one.unit) if isinstance(one, WeightBreak) else nanograms(one, unit)
        for one in card.breaks
    ]


def _crooked_charts(terms: Terms) -> Iterator[Fault]:
    """A service without a chart of its own reads the contract's: only then that one has to know a lane."""
    if any(service.chart is None for service in terms.services):
        yield from _crooked_chart("zones", terms.zones)
    for code, chart in terms.charts.items():
        yield from _crooked_chart(f"charts.{code}", chart)
    for i, service in enumerate(terms.services):
        if service.chart is not None and service.chart not in terms.charts:
            yield Fault(f"services.{i}.chart", f"there is no chart {service.chart!r}")


def _crooked_chart(path: str, zones: Zones) -> Iterator[Fault]:
    limits = [band.up_to for band in zones.bands]
    if None in limits[:-1]:
        yield Fault(f"{path}.bands", "only the last band may be without a limit")
    finite = [limit for limit in limits if limit is not None]
    if finite != sorted(set(finite)):
        yield Fault(f"{path}.bands", "limits must grow from one band to the next")
    if not (zones.bands or zones.pairs or zones.postcodes or zones.countries):
        yield Fault(path, "no lane can get a zone: give bands, pairs, postcodes or countries")
    for i, one in enumerate(zones.postcodes):
        yield from _crooked_postcodes(f"{path}.postcodes.{i}", one.postcodes)
    for origin, row in zones.pairs.items():
        yield from _crooked_row(f"{path}.pairs.{origin}", origin, row, zones.pair_prefix)


def _crooked_transit(path: str, table: LaneDays) -> Iterator[Fault]:
    if not (table.pairs or table.between):
        yield Fault(path, "knows no lane: give pairs, or regions and the days between them")
    for origin, row in table.pairs.items():
        yield from _crooked_row(f"{path}.pairs.{origin}", origin, row, table.pair_prefix)
        if isinstance(row, str) and any(days > DAYS_MOST or default for _, _, days, default in entries(row)):
            yield Fault(f"{path}.pairs.{origin}", f"days are at most {DAYS_MOST}, and without a star")
    for region, postcodes in table.regions.items():
        yield from _crooked_postcodes(f"{path}.regions.{region}", postcodes)
    named = {*table.between, *(to for onward in table.between.values() for to in onward)}
    for region in sorted(named - set(table.regions)):
        yield Fault(f"{path}.between", f"there is no region {region!r}")


def _crooked_row(path: str, origin: str, row: Mapping[str, int] | str, length: int) -> Iterator[Fault]:
    if isinstance(row, str):
        if length > _ROW_PREFIX:
            yield Fault(path, f"a row in short is for prefixes of at most {_ROW_PREFIX} digits")
            return
        ends = [entry.partition("=")[0].partition("-") for entry in row.split()]
        crooked = sorted(low for low, _, high in ends if high and (len(low) != len(high) or low > high))
        if crooked:
            yield Fault(path, f"no ranges: {crooked[:5]}")
        wrong = sorted({low for low, _, _ in ends if len(low) != length})
        seen = [to for to, _, _ in spelt(row)] if not (crooked or wrong) else []
        if len(seen) != len(set(seen)):
            yield Fault(path, f"stand there twice: {sorted({to for to in seen if seen.count(to) > 1})[:5]}")
    else:
        wrong = sorted(to for to in row if len(to) != length)
    if len(origin) != length or wrong:
        wrong = [*([origin] if len(origin) != length else []), *wrong]
        yield Fault(path, f"prefixes are not {length} long: {wrong[:5]}")


def _empty_surcharge(path: str, surcharge: Surcharge) -> Iterator[Fault]:
    match surcharge:
        case Handling(
            longest_over=None, second_over=None, length_plus_girth_over=None, cube_over=None, weight_over=None
        ):
            yield Fault(path, "can never apply: give at least one limit")
        case Fuel(steps=steps) if [s.starts for s in steps] != sorted({s.starts for s in steps}):
            yield Fault(f"{path}.steps", "days must grow from one step to the next")
        case Fee(amount=0, permille=None):
            yield Fault(path, "comes to nothing: give an amount or a permille")
        case Fee(amount=amount, permille=permille) if amount and permille is not None:
            yield Fault(path, "is an amount or a permille, not both")
        case DeliveryArea(postcodes=postcodes):
            yield from _crooked_postcodes(f"{path}.postcodes", postcodes)
        case _:
            pass


def _unknown_codes(terms: Terms) -> Iterator[Fault]:
    """Codes that a rule refers to and no surcharge bears."""
    known = {one.code for one in terms.surcharges}
    named = [(f"caps.{i}.codes", cap.codes) for i, cap in enumerate(terms.caps)]
    for i, one in enumerate(terms.surcharges):
        if isinstance(one, Peak):
            named.append((f"surcharges.{i}.along", one.along))
        if isinstance(one, Fuel) and one.on is not None:
            named.append((f"surcharges.{i}.on", one.on))
    for path, codes in named:
        for code in sorted(set(codes) - known):
            yield Fault(path, f"there is no surcharge {code!r}")


def _crooked_minimums(terms: Terms) -> Iterator[Fault]:
    cards = {card.service: card for card in terms.rates}
    for of, minimum in terms.minimum_charges.items():
        if isinstance(minimum, ListedLess):
            for code, card in cards.items():
                if of in ("*", code) and listed_at(card, minimum, terms.weight_unit) is None:
                    message = f"the card of {code!r} has no zone {minimum.zone} at {minimum.weight:g}"
                    yield Fault(f"minimum_charges.{of}", message)


def _discounts_beyond(terms: Terms) -> Iterator[Fault]:
    """Beyond a card's last break every further unit costs what the last one does: no discount may begin there."""
    for i, discount in enumerate(terms.discounts):
        over = nanograms(discount.over, terms.weight_unit)
        for card in terms.rates:
            mine = not discount.services or card.service in discount.services
            if mine and over and over >= break_weights(card, terms.weight_unit)[-1]:
                yield Fault(f"discounts.{i}.over", f"is beyond the last break of {card.service!r}")


def _crooked_tiers(terms: Terms) -> Iterator[Fault]:
    for i, earned in enumerate(terms.earned):
        spends = [tier.spend for tier in earned.tiers]
        if spends != sorted(set(spends)):
            yield Fault(f"earned.{i}.tiers", "spends must grow from one tier to the next")
        if earned.days % 7:
            yield Fault(f"earned.{i}.days", "spend is summed by whole weeks: give a multiple of 7")


def listed_at(card: RateCard, minimum: ListedLess, unit: WeightUnit) -> int | None:
    """The listed price a minimum refers to."""
    weight = nanograms(minimum.weight, unit)
    breaks = break_weights(card, unit)
    at = next((n for n, one in enumerate(breaks) if one >= weight), None)
    amounts = card.amounts.get(minimum.zone)
    return None if at is None or amounts is None or at >= len(amounts) else amounts[at]


def _crooked_postcodes(path: str, postcodes: tuple[str, ...]) -> Iterator[Fault]:
    for text in postcodes:
        low, _, high = text.partition("-")
        if high and (len(low) != len(high) or low > high):
            yield Fault(
                path, f"{text!r} is no range: both ends must be equally long, the second not before the first"
            )
