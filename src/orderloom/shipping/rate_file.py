"""A carrier's prices from a CSV, as rate cards of a contract (pure): every row that cannot be used is named.

A row is a price: `service`, `weight_not_over` in the contract's weight unit (or `above`: each further unit beyond the
last), `zone`, `amount` in whole units of the currency ("12.34"). Services that the file does not name keep their cards.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from orderloom.shipping.figures import DIGITS
from orderloom.shipping.invoice import BadRow

COLUMNS = ("service", "weight_not_over", "zone", "amount")
ABOVE = "above"
_ZONES_MOST = 999


class NotARateFile(ValueError):
    """The file has not the columns of one."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The terms with the file's prices in them, how many, those that differ from before; bad rows, and prices missing."""

    terms: Mapping[str, Any]
    prices: int
    changed: int
    services: tuple[str, ...]
    bad: tuple[BadRow, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Price:
    service: str
    weight: float | None
    zone: int
    amount: int


def with_prices(terms: Mapping[str, Any], text: Iterable[str]) -> Prices:
    """The terms with the prices of a file. Raises NotARateFile."""
    rows = csv.DictReader(text)
    if lacking := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise NotARateFile(f"no column {', '.join(lacking)}: it needs {', '.join(COLUMNS)}")
    known = {service["code"] for service in terms["services"]}
    digits = DIGITS.get(terms["currency"], 2)
    bad: list[BadRow] = []
    found: dict[tuple[str, float | None, int], int] = {}
    for line, row in enumerate(rows, start=2):
        try:
            price = _price(row, known, digits)
        except ValueError as wrong:
            bad.append(BadRow(line, str(wrong)))
            continue
        key = (price.service, price.weight, price.zone)
        if key in found:
            bad.append(BadRow(line, f"a second price for {_named(*key)}"))
        found.setdefault(key, price.amount)
    missing = tuple(_missing(found))
    services = tuple(sorted({service for service, _, _ in found}))
    before = {card["service"]: card for card in terms["rates"]}
    sound = not bad and not missing
    cards = {one: _card(one, found, before.get(one)) for one in services} if sound else {}
    return Prices(
        terms={**terms, "rates": list({**before, **cards}.values())},
        prices=len(found),
        changed=sum(amount != _old(before.get(key[0]), *key[1:]) for key, amount in found.items()),
        services=services,
        bad=tuple(bad),
        missing=missing,
    )


def _price(row: Mapping[str, str | None], known: set[str], digits: int) -> _Price:
    said = {name: (row[name] or "").strip() for name in COLUMNS}
    service = said["service"]
    if service not in known:
        raise ValueError(f"the contract has no service {service!r}: it has {', '.join(sorted(known))}")
    if not (said["zone"].isascii() and said["zone"].isdecimal() and int(said["zone"]) <= _ZONES_MOST):
        raise ValueError(f"zone {said['zone']!r} is no number")
    weight = None if said["weight_not_over"].casefold() == ABOVE else _number(said, "weight_not_over")
    if weight is not None and not weight > 0:
        raise ValueError("weight_not_over must be above nought")
    amount = _number(said, "amount").scaleb(digits)
    if amount < 0 or amount != amount.to_integral_value():
        raise ValueError(f"amount {said['amount']!r} is below nought or finer than the currency")
    return _Price(service, None if weight is None else float(weight), int(said["zone"]), int(amount))


def _number(said: Mapping[str, str], name: str) -> Decimal:
    try:
        found = Decimal(said[name])
    except InvalidOperation:
        raise ValueError(f"{name} {said[name]!r} is no number") from None
    if not found.is_finite() or abs(found) >= 10**12:
        raise ValueError(f"{name} {said[name]!r} is no number")
    return found


def _named(service: str, weight: float | None, zone: int) -> str:
    return f"{service}, {f'{weight:g}' if weight is not None else ABOVE}, zone {zone}"


def _missing(found: Mapping[tuple[str, float | None, int], int]) -> Iterator[str]:
    """Prices that a service has in one zone and not in another: a card has all."""
    weights: dict[str, set[float | None]] = defaultdict(set)
    zones: dict[str, set[int]] = defaultdict(set)
    for service, weight, zone in found:
        weights[service].add(weight)
        zones[service].add(zone)
    for service in sorted(weights):
        if weights[service] == {None}:
            yield f"{service} has prices {ABOVE} and none by weight"
        for weight in sorted(weights[service], key=lambda one: (one is None, one)):
            for zone in sorted(zones[service]):
                if (service, weight, zone) not in found:
                    yield f"no price for {_named(service, weight, zone)}"


def _card(
    service: str, found: Mapping[tuple[str, float | None, int], int], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    mine = {(weight, zone): amount for (of, weight, zone), amount in found.items() if of == service}
    breaks = sorted({weight for weight, _ in mine if weight is not None})
    zones = sorted({zone for _, zone in mine})
    card: dict[str, Any] = {
        "service": service,
        "breaks": breaks,
        "amounts": {str(zone): [mine[weight, zone] for weight in breaks] for zone in zones},
    }
    if any(weight is None for weight, _ in mine):
        kept = (before or {}).get("above") or {}
        card["above"] = {**kept, "amounts": {str(zone): mine[None, zone] for zone in zones}}
    return card


def _old(card: Mapping[str, Any] | None, weight: float | None, zone: int) -> int | None:
    """The price there was, if there was one at this very break."""
    if card is None:
        return None
    if weight is None:
        above: Mapping[str, int] = (card.get("above") or {}).get("amounts", {})
        return above.get(str(zone))
    amounts: Sequence[int] = card["amounts"].get(str(zone), ())
    return next((amount for at, amount in zip(card["breaks"], amounts, strict=False) if at == weight), None)
