"""How values are said to a person: money, times, statuses, with a tone that never stands without its word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orderloom.terms import Rank, rollup

# ISO 4217 currencies whose minor unit is not a hundredth.
_DIGITS = {
    "JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "XAF": 0, "XOF": 0, "UGX": 0, "PYG": 0,
    "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3, "IQD": 3, "LYD": 3,
}  # fmt: skip
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$\N{NO-BREAK SPACE}", "JPY": "¥"}
_MINUS = "\N{MINUS SIGN}"


def money(amount: int | None, currency: str | None) -> str:
    """1234, USD → $1,234.00 as people write it; nothing known is a dash."""
    if amount is None:
        return "–"
    code = (currency or "").strip()
    digits = _DIGITS.get(code, 2)
    whole, rest = divmod(abs(amount), 10**digits)
    text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
    sign = _MINUS if amount < 0 else ""
    mark = _SIGNS.get(code)
    return f"{sign}{mark}{text}" if mark else f"{sign}{text} {code}".rstrip()


def minor(text: str, currency: str) -> int:
    """12.50, USD → 1250. Raises ValueError for what is no amount of nought or more in that currency."""
    digits = _DIGITS.get(currency, 2)
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d+))?", text.strip())
    if found is None or len(found[2] or "") > digits:
        msg = f"{text.strip()!r} is no amount in {currency}"
        raise ValueError(msg)
    return int(found[1] + (found[2] or "").ljust(digits, "0"))


def major(amount: int, currency: str) -> str:
    """1250, USD → 12.50, as `minor` reads it back."""
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(amount, 10**digits)
    return f"{whole}" + (f".{rest:0{digits}d}" if digits else "")


def count(number: int | None, *, most: int = 10_000) -> str:
    """12345 → 10,000+ where counting stopped there."""
    if number is None:
        return "–"
    return f"{most:,}+" if number > most else f"{number:,}"


def words(code: str | None) -> str:
    """fraud_review → fraud review."""
    return (code or "").replace("_", " ").replace(".", " · ")


def sentence(code: str | None) -> str:
    """fraud_review → Fraud review."""
    return capitalized(words(code))


def capitalized(text: str) -> str:
    """The first letter, and no other, made large."""
    return text[:1].upper() + text[1:]


def date(text: str | None) -> str:
    """An ISO date as people write it; anything else as it stands."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return text or "–"
    return f"{found:%a %-d %b}"


def day(moment: datetime | None) -> str:
    """The short form in UTC; the page's script shows the viewer's zone."""
    return f"{moment:%-d %b %H:%M}" if moment else "–"


def span(moment: datetime | None, now: datetime) -> str:
    """How far away: in 3 h, 2 d ago."""
    if moment is None:
        return "–"
    away = moment - now
    size = _size(abs(away))
    if size == "now":
        return size
    return f"in {size}" if away > timedelta(0) else f"{size} ago"


def _size(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for unit, size in (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


def weight(grams: int | None) -> str:
    """Grams below a kilogram, kilograms above."""
    if grams is None:
        return "–"
    return f"{grams} g" if grams < 1000 else f"{grams / 1000:.2f} kg"


def rank_word(lowest: int, highest: int | None = None) -> str:
    """A span of ranks in words: partially shipped."""
    return words(rollup(lowest, lowest if highest is None else highest))


# --- tones: good, info, warn, bad, quiet ----------------------------------------------------------------------

_TONES: Mapping[str, str] = {
    # of payments
    "paid": "good", "authorized": "info", "pending": "quiet", "unpaid": "warn", "partially_paid": "info",
    "refunded": "quiet", "partially_refunded": "quiet", "voided": "quiet", "expired": "bad",
    "declined": "bad", "captured": "good", "succeeded": "good", "requested": "info", "unknown": "warn",
    # lifecycle
    "open": "info", "closed": "good", "cancelled": "quiet", "draft": "quiet",
    # of sourcing profiles
    "tested": "info", "active": "good", "retired": "quiet", "shadow": "warn",
    # of files of orders, and counts
    "running": "info", "posted": "good",
    # of parcels
    "info_received": "quiet", "in_transit": "info", "out_for_delivery": "info", "delivered": "good",
    "attempt_failed": "warn", "exception": "bad", "return_to_sender": "bad", "available_for_pickup": "info",
    # work
    "scheduled": "quiet", "in_progress": "info", "incomplete": "bad", "accepted": "good", "rejected": "bad",
    "unsubmitted": "quiet", "submitted": "info", "cancellation_requested": "warn",
    # labels
    "purchased": "good", "used": "good", "failed": "bad",
    # of returns
    "received": "info", "inspected": "info", "partially_received": "info", "returned": "quiet",
    "partially_returned": "quiet",
    # journeys
    "due": "info", "waiting": "quiet", "paused": "warn", "parked": "bad", "done": "good", "undone": "quiet",
    # notices
    "sent": "good", "queued": "quiet", "sending": "info",
    # decisions
    "routed": "good", "split": "info", "backorder": "warn", "backordered": "warn", "unroutable": "bad", "chosen": "good",
    "considered": "quiet", "refused": "bad", "held": "info",
}  # fmt: skip


def tone(status: str | None) -> str:
    """Which of the five tones a status is shown in."""
    return _TONES.get(status or "", "quiet")


def rank_tone(lowest: int, highest: int | None = None) -> str:
    """Trouble shows first, then how far it has come."""
    if lowest in (Rank.REJECTED, Rank.SHORT):
        return "bad"
    if lowest == Rank.BACKORDERED:
        return "warn"
    if lowest == Rank.CANCELLED:
        return "quiet"
    if lowest >= Rank.DELIVERED:
        return "good"
    return "info" if (highest or lowest) >= Rank.RELEASED else "quiet"


# The five stations a line passes, for the little track in lists: reserved, at the node, packed, shipped, delivered.
STATIONS = (Rank.RESERVED, Rank.RELEASED, Rank.PACKED, Rank.SHIPPED, Rank.DELIVERED)


def track(lowest: int, highest: int) -> list[str]:
    """For each station whether all of it (full), some of it (part), or none has come there."""
    if lowest == Rank.CANCELLED:
        return ["gone"] * len(STATIONS)
    return [
        "full" if lowest >= at else "part" if Rank.CANCELLED > highest >= at else "none" for at in STATIONS
    ]


EVENT_WORDS: Mapping[str, str] = {
    "order.captured": "Order captured, stock reserved",
    "order.confirmed": "Payment authorised, order confirmed",
    "order.payment_declined": "Payment declined",
    "order.backordered": "Backordered",
    "order.routed": "Routed",
    "order.released": "Released to the nodes",
    "order.cancelled": "Cancelled",
    "order.delayed": "Promise moved, buyer told",
    "order.promised": "Promised from supply on its way",
    "order.brought_forward": "Promised sooner, buyer told",
    "supply.expected": "Supply expected",
    "supply.changed": "Supply changed",
    "supply.received": "Supply received",
    "supply.closed": "Supply closed",
    "supply.cancelled": "Supply cancelled",
    "order.shipped": "Shipped, stock taken off",
    "order.parcel_delivered": "Parcel delivered",
    "order.acknowledged": "Node has the work",
    "order.allocated": "Stock bound to its node",
    "order.unallocated": "Routing taken back",
    "order.reserved": "Stock reserved",
    "order.rejected": "Units free again: the node refused",
    "order.short": "Units not found",
    "order.promise_missed": "Promise missed",
    "order.delivered": "Everything delivered",
    "order.closed": "Closed",
    "order.edited": "Edited",
    "order.payment_status_changed": "Payment status changed",
    "order.return_status_changed": "Return status changed",
    "order.recalled": "Taken back from its node",
    "order.rerouted": "Planned anew with others",
    "order.tender_replaced": "Another means of payment offered",
    "order.unsupplied": "No node has stock for it",
    "sourcing_profile.drafted": "Sourcing profile drafted",
    "sourcing_profile.activated": "Sourcing profile activated",
    "sourcing_profile.retired": "Sourcing profile retired",
    "hold.raised": "Hold raised",
    "hold.cleared": "Hold cleared",
    "exception.opened": "Needs a person",
    "exception.resolved": "Exception resolved",
    "fulfillment.submitted": "Sent to the node",
    "fulfillment.accepted": "Node accepted",
    "fulfillment.rejected": "Node refused",
    "fulfillment.picking": "Picking began",
    "fulfillment.scanned": "Scanned",
    "fulfillment.scan_refused": "Scan refused",
    "fulfillment.cancellation_requested": "Node asked to stop",
    "fulfillment.cancellation_rejected": "Node goes on",
    "fulfillment.picked": "Picked",
    "fulfillment.packed": "Packed",
    "fulfillment.short": "Short pick",
    "fulfillment.cancelled": "Fulfillment order cancelled",
    "package.packed": "Parcel closed",
    "package.cancelled": "Parcel taken apart",
    "label.purchased": "Label bought",
    "label.voided": "Label voided",
    "manifest.closed": "Manifest closed",
    "shipment.shipped": "Handed to the carrier",
    "shipment.unshipped": "Did not leave after all",
    "shipment.delivered": "Shipment delivered",
    "parcel.out_for_delivery": "Out for delivery",
    "parcel.status": "Carrier scan",
    "payment.authorized": "Payment authorised",
    "payment.declined": "Payment declined",
    "payment.captured": "Payment captured",
    "payment.voided": "Authorisation given up",
    "payment.refunded": "Refunded",
    "return.requested": "Return requested",
    "return.approved": "Return approved",
    "return.declined": "Return declined",
    "return.labelled": "Return label issued",
    "return.received": "Return received",
    "return.inspected": "Return inspected",
    "return.closed": "Return closed",
    "return.cancelled": "Return called off",
    "return.expired": "Return never came",
    "notice.sent": "Buyer told",
    "count.created": "Cycle count begun",
    "count.recorded": "Counted",
    "count.posted": "Cycle count posted",
    "count.cancelled": "Cycle count given up",
    "job.done": "File of orders taken in",
    "job.cancelled": "File of orders given up",
    "reservation.created": "Stock kept for a cart",
    "reservation.changed": "Cart changed",
    "reservation.consumed": "Cart became the order, its stock with it",
    "reservation.cancelled": "Cart given up",
    "reservation.expired": "Cart's time was over",
}
_EVENT_ICONS: Mapping[str, str] = {
    "order": "shopping-cart", "hold": "hand", "exception": "triangle-alert", "fulfillment": "warehouse",
    "package": "package", "label": "tag", "manifest": "clipboard-list", "shipment": "truck", "parcel": "truck",
    "payment": "credit-card", "return": "undo-2", "notice": "mail", "stock": "boxes",
    "reservation": "shopping-cart", "count": "clipboard-list", "job": "file-text",
}  # fmt: skip


def event_words(kind: str) -> str:
    """What happened, as an operator would say it."""
    return EVENT_WORDS.get(kind) or sentence(kind)


def event_icon(kind: str) -> str:
    """Which picture stands for the kind of event."""
    if kind == "order.routed":
        return "route"
    return _EVENT_ICONS.get(kind.partition(".")[0], "circle-dot")


_UNSAID = {"before", "locale", "currency", "labels", "way_out", "parcel_version"}
_MONEY = {"amount", "cost"}


def event_facts(data: Mapping[str, Any] | None, currency: str = "") -> list[tuple[str, str]]:
    """The plain facts of an event, ids and nested values left to the raw view; money is the event's or, unsaid, of `currency`."""
    data = data or {}
    found = []
    for name, value in data.items():
        if name in _UNSAID or value is False:
            continue
        if name in _MONEY and isinstance(value, int):
            found.append((words(name), money(value, data.get("currency") or currency)))
        elif name == "weight_g" and isinstance(value, int):
            found.append(("weight", weight(value)))
        elif isinstance(value, int | float):
            found.append((words(name), "" if value is True else str(value)))
        elif isinstance(value, str) and len(value) <= 60 and not _is_dull(value):
            found.append((words(name), words(value)))
    return found[:5]


def _is_dull(text: str) -> bool:
    """Ids and times: the one says nothing to a person, the other stands beside the event already."""
    tail = text.rpartition("_")[2].replace("-", "")
    return re.match(r"\d{4}-\d\d-\d\dT", text) is not None or re.fullmatch("[0-9a-f]{32}", tail) is not None


def actor(name: str | None) -> str:
    """user:ann@example.org → ann@example.org; journey:order.route → order journey, route; key:ol_… → key ol_…."""
    kind, _, who = (name or "").partition(":")
    if kind == "journey":
        journey, _, step = who.partition(".")
        return f"{words(journey)} journey, {words(step)}"
    if kind == "key":
        return f"key {who}"
    return who if kind == "user" else words(name or "")
