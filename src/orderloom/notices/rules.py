"""What buyers are told of, over which ways, and when they are left in peace. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from orderloom.notices.model import Way

LOCALES = ("en", "pt")


@dataclass(frozen=True, slots=True)
class Rule:
    """Which template tells of an event. `again`: each occurrence is news, not only the first of its entity."""

    template: str
    again: bool = False


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "order.confirmed": Rule("order_confirmed"),
        "order.payment_declined": Rule("payment_declined", again=True),
        "order.backordered": Rule("backordered"),
        "order.delayed": Rule("delayed", again=True),
        "order.brought_forward": Rule("brought_forward", again=True),
        "order.cancelled": Rule("cancelled", again=True),
        "shipment.shipped": Rule("shipped"),
        "parcel.out_for_delivery": Rule("out_for_delivery"),
        "shipment.delivered": Rule("delivered"),
        "payment.refunded": Rule("refunded", again=True),
        "return.approved": Rule("return_approved"),
    }
)


# What the house's own people are told, asked for by a rule and not by an event.
ALERT = "alert"


def ways(buyer: Mapping[str, Any], *, default: Sequence[str]) -> list[tuple[Way, str]]:
    """Over which ways a buyer wants to be told, with the address of each; a way without an address is left out.

    The buyer's own choice stands, an empty one too; without a choice the sales channel's default does.
    """
    chosen = buyer.get("notify")
    wanted = default if chosen is None else chosen
    email, phone = buyer.get("email") or "", buyer.get("phone") or ""
    address = {Way.EMAIL: email, Way.SMS: phone, Way.APP: buyer.get("id") or email or phone}
    return [(way, address[way]) for way in Way if way in wanted and address[way]]


def silent(
    *, flags: Sequence[Mapping[str, Any]], decide_as_of: datetime | None, buyer: Mapping[str, Any]
) -> bool:
    """Whether nothing is told at all: history is brought in without waking its buyers."""
    if any(flag.get("code") == "no_notices" for flag in flags):
        return True
    return decide_as_of is not None and buyer.get("notify") == []


def locale_of(buyer: Mapping[str, Any]) -> str:
    """The language we have that is nearest to the buyer's."""
    wanted = str(buyer.get("locale") or "").replace("_", "-").partition("-")[0].lower()
    return wanted if wanted in LOCALES else LOCALES[0]


def key_of(*, order_id: UUID, template: str, trigger_id: UUID, way: Way) -> str:
    """What makes a notice itself, and a repeat recognisable wherever it arrives."""
    told = f"{order_id.hex}|{template}|{trigger_id.hex}|{way.value}"
    return "ntc-" + hashlib.sha256(told.encode()).hexdigest()[:32]
