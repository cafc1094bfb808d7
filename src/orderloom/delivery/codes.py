"""What each source of tracking calls our statuses. A value not in its table is kept raw and shown, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from orderloom.delivery.model import Aside, Status

Reading: TypeAlias = Status | Aside

_ORDERLOOM: dict[str, Reading] = {
    **{status.value: status for status in Status},
    "label_created": Status.INFO_RECEIVED,
    "manifested": Status.INFO_RECEIVED,
    "picked_up": Status.IN_TRANSIT,
    "accepted": Status.IN_TRANSIT,
    "departed": Status.IN_TRANSIT,
    "arrived": Status.IN_TRANSIT,
    "delayed": Status.IN_TRANSIT,
    "lost": Status.EXCEPTION,
    "damaged": Status.EXCEPTION,
    "returning": Status.RETURN_TO_SENDER,
    "delivery_corrected": Aside.CORRECTION,
}
_EASYPOST: dict[str, Reading] = {
    "unknown": Status.PENDING,
    "pre_transit": Status.INFO_RECEIVED,
    "in_transit": Status.IN_TRANSIT,
    "out_for_delivery": Status.OUT_FOR_DELIVERY,
    "available_for_pickup": Status.AVAILABLE_FOR_PICKUP,
    "delivered": Status.DELIVERED,
    "failure": Status.EXCEPTION,
    "cancelled": Status.EXCEPTION,
    "return_to_sender": Status.RETURN_TO_SENDER,
    "error": Aside.TRACKER_FAULT,
}
_AFTERSHIP: dict[str, Reading] = {
    "pending": Status.PENDING,
    "inforeceived": Status.INFO_RECEIVED,
    "intransit": Status.IN_TRANSIT,
    "outfordelivery": Status.OUT_FOR_DELIVERY,
    "attemptfail": Status.ATTEMPT_FAILED,
    "availableforpickup": Status.AVAILABLE_FOR_PICKUP,
    "delivered": Status.DELIVERED,
    "exception": Status.EXCEPTION,
    "exception_011": Status.RETURN_TO_SENDER,
    "expired": Status.EXPIRED,
}
_KARRIO: dict[str, Reading] = {
    "unknown": Status.PENDING,
    "pending": Status.INFO_RECEIVED,
    "picked_up": Status.IN_TRANSIT,
    "in_transit": Status.IN_TRANSIT,
    "delivery_delayed": Status.IN_TRANSIT,
    "out_for_delivery": Status.OUT_FOR_DELIVERY,
    "delivery_failed": Status.ATTEMPT_FAILED,
    "ready_for_pickup": Status.AVAILABLE_FOR_PICKUP,
    "delivered": Status.DELIVERED,
    "on_hold": Status.EXCEPTION,
    "cancelled": Status.EXCEPTION,
    "return_to_sender": Status.RETURN_TO_SENDER,
}
_SHOPIFY: dict[str, Reading] = {
    "confirmed": Status.PENDING,
    "label_purchased": Status.INFO_RECEIVED,
    "label_printed": Status.INFO_RECEIVED,
    "carrier_picked_up": Status.IN_TRANSIT,
    "in_transit": Status.IN_TRANSIT,
    "delayed": Status.IN_TRANSIT,
    "out_for_delivery": Status.OUT_FOR_DELIVERY,
    "attempted_delivery": Status.ATTEMPT_FAILED,
    "ready_for_pickup": Status.AVAILABLE_FOR_PICKUP,
    "delivered": Status.DELIVERED,
    "picked_up": Status.DELIVERED,
    "failure": Status.EXCEPTION,
    "returning_to_sender": Status.RETURN_TO_SENDER,
}

DIALECTS: Mapping[str, Mapping[str, Reading]] = MappingProxyType(
    {
        "orderloom": _ORDERLOOM,
        "easypost": _EASYPOST,
        "aftership": _AFTERSHIP,
        "karrio": _KARRIO,
        "shopify": _SHOPIFY,
    }
)


def read(*, dialect: str, code: str) -> Reading:
    """What the code means in that dialect; Aside.UNREAD when no table says."""
    return DIALECTS.get(dialect, {}).get(code.strip().lower(), Aside.UNREAD)
