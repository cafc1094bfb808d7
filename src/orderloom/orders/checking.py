"""Whether an incoming order can be taken (pure): every fault at once, each with its path and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from orderloom.catalog.model import Item
from orderloom.network.model import Channel
from orderloom.orders.model import Fault, LineDraft, OrderDraft

LINES_MAX = 2000
QUANTITY_MAX = 1_000_000
AMOUNT_MAX = 10**12
_DIGITS = re.compile(r"\d(?:[ -]?\d){12,18}")
_CARD_LEAST = 13
_COUNTRY = re.compile(r"[A-Z]{2}")
_US_ZIP = re.compile(r"\d{5}(-\d{4})?")


def check(
    draft: OrderDraft, *, channel: Channel | None, items: Mapping[str, Item], nodes: Mapping[str, object]
) -> list[Fault]:
    """Everything that is wrong with the draft, against catalogue, channel and its own cart's figures."""
    faults = [*_head(draft, channel), *_address(draft), *_buyer(draft)]
    for i, line in enumerate(draft.lines):
        if not _plain(line, items):
            faults += _line(f"/lines/{i}", line, items, nodes)
    return [*faults, *_money(draft)]


def _plain(line: LineDraft, items: Mapping[str, Item]) -> bool:
    """Whether nothing can be wrong with it, as with nearly all: whether `_line` need not be asked what."""
    item = items.get(line.sku)
    return (
        item is not None
        and item.active
        and 0 < line.quantity <= QUANTITY_MAX
        and 0 <= line.unit_price <= AMOUNT_MAX
        and line.discount == line.tax == 0
        and line.node_code is None
    )


def _head(draft: OrderDraft, channel: Channel | None) -> Iterator[Fault]:
    if channel is None or not channel.active:
        yield Fault(
            "/channel", "unknown_channel", f"no active channel {draft.channel!r}: add it or correct the code"
        )
    else:
        if draft.currency != channel.currency:
            message = f"channel {channel.code} sells in {channel.currency}, not {draft.currency!r}"
            yield Fault("/currency", "wrong_currency", message)
        if draft.service_level not in channel.promise_days:
            known = ", ".join(sorted(channel.promise_days))
            message = f"{draft.service_level!r} is not sold on {channel.code}: choose one of {known}"
            yield Fault("/service_level", "unknown_service_level", message)
    if not 0 < len(draft.external_id) <= 200:
        yield Fault("/external_id", "length", "give the channel's own id of the order, 1 to 200 characters")
    if not 0 < len(draft.lines) <= LINES_MAX:
        yield Fault("/lines", "length", f"an order has 1 to {LINES_MAX} lines")
    if draft.placed_at.tzinfo is None:
        yield Fault("/placed_at", "no_offset", "give the time with its offset from UTC")


def _address(draft: OrderDraft) -> Iterator[Fault]:
    to = draft.ship_to
    if not _COUNTRY.fullmatch(to.country):
        yield Fault(
            "/ship_to/country", "unknown_country", "give the country as two capital letters of ISO 3166-1"
        )
    if not to.city.strip() and not to.postcode.strip():
        yield Fault("/ship_to", "incomplete_address", "give at least a city or a postcode")
    if to.country == "US" and not _US_ZIP.fullmatch(to.postcode.strip()):
        message = f"{to.postcode!r} is no ZIP code: five digits, or five and four"
        yield Fault("/ship_to/postcode", "invalid_postcode", message)
    for name in ("name", "line1", "line2", "city", "phone"):
        if looks_like_card(getattr(to, name)):
            yield card(f"/ship_to/{name}")


def _buyer(draft: OrderDraft) -> Iterator[Fault]:
    unknown = set(draft.buyer) - {"name", "email", "phone", "notify", "locale", "id"}
    for name in sorted(unknown):
        yield Fault(
            f"/buyer/{name}", "unknown_field", "a buyer has id, name, email, phone, notify and locale"
        )
    for channel in draft.buyer.get("notify") or []:
        if channel not in {"email", "sms", "app"}:
            yield Fault("/buyer/notify", "unknown_channel", f"{channel!r}: choose from email, sms, app")
    for name, value in draft.buyer.items():
        if isinstance(value, str) and name != "phone" and looks_like_card(value):
            yield card(f"/buyer/{name}")


def _line(
    path: str, line: LineDraft, items: Mapping[str, Item], nodes: Mapping[str, object]
) -> Iterator[Fault]:
    item = items.get(line.sku)
    if item is None:
        yield Fault(
            f"{path}/sku", "unknown_sku", f"no item {line.sku!r} in the catalogue: add it or correct the SKU"
        )
    elif not item.active:
        yield Fault(f"{path}/sku", "inactive_item", f"{line.sku} is no longer sold")
    if not 0 < line.quantity <= QUANTITY_MAX:
        yield Fault(
            f"{path}/quantity", "out_of_range", f"a quantity is 1 to {QUANTITY_MAX}, not {line.quantity}"
        )
    for name in ("unit_price", "discount", "tax"):
        if not 0 <= getattr(line, name) <= AMOUNT_MAX:
            yield Fault(f"{path}/{name}", "out_of_range", f"{name} is an amount of 0 or more in minor units")
    if line.discount > line.unit_price * max(line.quantity, 0):
        yield Fault(f"{path}/discount", "more_than_price", "the discount is more than the line's price")
    if line.node_code is not None and line.node_code not in nodes:
        yield Fault(f"{path}/node", "unknown_node", f"no node {line.node_code!r}")


def _money(draft: OrderDraft) -> Iterator[Fault]:
    if not 0 <= draft.shipping <= AMOUNT_MAX:
        yield Fault("/shipping", "out_of_range", "shipping is an amount of 0 or more in minor units")
    total = draft.computed_total
    if total < 0:
        yield Fault("/total", "negative_total", f"lines, shipping and adjustment come to {total}")
    if draft.total is not None and draft.total != total:
        message = f"the cart says {draft.total}, lines {total - draft.shipping - draft.adjustment}"
        message += f" + shipping {draft.shipping} + adjustment {draft.adjustment} = {total}: send the figures that agree"
        yield Fault("/total", "total_mismatch", message)
    for i, tender in enumerate(draft.tenders):
        if not 0 < tender.amount <= AMOUNT_MAX:
            yield Fault(f"/tenders/{i}/amount", "out_of_range", "a tender pays more than 0")
        if looks_like_card(tender.token):
            yield card(f"/tenders/{i}/token")
    offered = sum(tender.amount for tender in draft.tenders)
    if draft.tenders and offered != total:
        yield Fault("/tenders", "tender_mismatch", f"the tenders pay {offered}, the order comes to {total}")


def card(path: str) -> Fault:
    """That a card's number stands there."""
    return Fault(
        path, "card_number", "this looks like a card number: send the gateway's token, never the number"
    )


def looks_like_card(text: str) -> bool:
    """Whether 13 to 19 digits that pass Luhn's check stand in the text."""
    # Most texts are too short, and hardly any has so many digits: asked of every text of every order.
    if len(text) < _CARD_LEAST or _DIGITS.search(text) is None:
        return False
    return any(_luhn([int(c) for c in match.group() if c.isdigit()]) for match in _DIGITS.finditer(text))


def _luhn(digits: list[int]) -> bool:
    doubled = [2 * d - 9 * (d > 4) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and any(digits)
