"""The values of delivery: parcels, what carriers tell of them, and what changes when they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Status(StrEnum):
    """Where a parcel stands, whatever its carrier calls it."""

    PENDING = "pending"
    INFO_RECEIVED = "info_received"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURN_TO_SENDER = "return_to_sender"
    EXPIRED = "expired"


class Aside(StrEnum):
    """What an event may say that is no status of the parcel."""

    CORRECTION = "correction"  # what was called delivered before it was not
    TRACKER_FAULT = "tracker_fault"  # the tracker broke; the parcel is where it was
    UNREAD = "unread"  # a code that no table knows: kept raw, shown to a person, never guessed


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel to follow: outbound with its package and fulfillment order, or a return's."""

    carrier: str
    tracking_number: str
    order_id: UUID
    package_id: UUID | None = None
    fulfillment_id: UUID | None = None
    return_id: UUID | None = None
    promise_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What shows that the parcel was handed over: `kind` is signature, photo, pin or scan."""

    kind: str
    taken_at: datetime
    signed_by: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEvent:
    """One scan as its carrier tells it. `dialect` names the table in which its `code` is looked up."""

    carrier: str
    tracking_number: str
    code: str
    occurred_at: datetime
    raw: Mapping[str, Any] = field(default_factory=dict)
    proof: Proof | None = None
    dialect: str = "orderloom"

    @property
    def parcel(self) -> tuple[str, str]:
        """What identifies the parcel."""
        return self.carrier, self.tracking_number


@dataclass(frozen=True, slots=True)
class Scan:
    """An event reduced to what the parcel's state depends on."""

    occurred_at: datetime
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class ParcelState:
    """What the set of a parcel's events comes to."""

    status: Status = Status.PENDING
    first_scan_at: datetime | None = None
    last_event_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelChange:
    """A parcel whose state is another than before. `first_scan`: the carrier has it since just now."""

    carrier: str
    tracking_number: str
    order_id: UUID
    package_id: UUID | None
    fulfillment_id: UUID | None
    return_id: UUID | None
    before: Status
    after: Status
    first_scan_at: datetime | None
    delivered_at: datetime | None
    promise_at: datetime | None
    first_scan: bool

    @property
    def late(self) -> bool:
        """Delivered, but after the promise."""
        return (
            self.delivered_at is not None
            and self.promise_at is not None
            and self.delivered_at > self.promise_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fulfillment order's parcels have come, counted over all of them."""

    fulfillment_id: UUID
    order_id: UUID
    parcels: int
    scanned: int
    delivered: int
    first_scan_at: datetime | None
    last_delivered_at: datetime | None

    @property
    def done(self) -> bool:
        """Every parcel is with the buyer."""
        return self.delivered == self.parcels


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a set of tracking events came to.

    `repeated` had been taken before. `unknown` belong to no parcel we follow yet: they are kept, and count as soon as
    the parcel is followed. `unread` bear a code no table knows, and `faults` a tracker's own failure: both change no
    status and are for a person to see.
    """

    changes: tuple[ParcelChange, ...] = ()
    progress: tuple[Progress, ...] = ()
    repeated: int = 0
    unknown: tuple[TrackingEvent, ...] = ()
    unread: tuple[TrackingEvent, ...] = ()
    faults: tuple[TrackingEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LateParcel:
    """A parcel delivered after its promise, or not delivered though the promise has passed."""

    carrier: str
    tracking_number: str
    order_id: UUID
    fulfillment_id: UUID | None
    status: Status
    promise_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWay:
    """A node and service that cannot bring it, and why."""

    node: str
    carrier: str
    service: str
    reason: str
