"""The values of returns: what was sold, what is asked back, what arrived, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID


class Status(StrEnum):
    """Where a return stands."""

    REQUESTED = "requested"
    OPEN = "open"
    IN_TRANSIT = "in_transit"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    INSPECTED = "inspected"
    CLOSED = "closed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# A return of one of these takes nothing back, so its lines may be asked for again.
VOID = frozenset({Status.DECLINED, Status.CANCELLED, Status.EXPIRED})


class Disposition(StrEnum):
    """What becomes of a returned unit."""

    NEEDS_INSPECTION = "needs_inspection"
    RESTOCK = "restock"
    REFURBISH = "refurbish"
    VENDOR = "vendor"
    DONATE = "donate"
    DESTROY = "destroy"
    MISSING = "missing"


# Not the last word: units that stand in quality control may be looked at again.
PASSING = frozenset({Disposition.NEEDS_INSPECTION, Disposition.REFURBISH})

REASONS = frozenset(
    {
        "wrong_item",
        "damaged",
        "defective",
        "not_as_described",
        "too_small",
        "too_large",
        "style",
        "changed_mind",
        "arrived_late",
        "undeliverable",
        "other",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Until when, for which reasons, and of which items returns are taken."""

    window_days: int = 30
    reasons: frozenset[str] = REASONS
    final_sale_tags: frozenset[str] = frozenset({"final_sale"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A line of the order as far as its return is judged. `returned` counts units of returns that still stand."""

    line_id: UUID
    sku: str
    delivered: int
    delivered_at: datetime | None
    returned: int = 0
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the buyer wants to give back. `line_id` is None, and `sku` given, when no order is known."""

    quantity: int
    reason: str
    line_id: UUID | None = None
    sku: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much of a line may come back, until when; without a doubt, or with the reason why not."""

    line_id: UUID
    returnable: int
    until: datetime | None
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was asked: where (JSON Pointer), which rule, and what to do about it."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The return is stored. `repeated`: the same key had stored it before."""

    return_id: UUID
    number: str
    status: Status
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing has changed, and why."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The return has gone on."""

    return_id: UUID
    status: Status
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Illegal:
    """The return's present status does not allow it; `possible` names what it does allow."""

    return_id: UUID
    status: Status
    possible: tuple[str, ...]


Outcome: TypeAlias = Moved | Illegal | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A return as it is stored."""

    id: UUID
    number: str
    order_id: UUID | None
    node_id: UUID
    status: Status
    requested_by: str
    note: str | None
    needs_label: bool
    refund_amount: int | None
    currency: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """Some units of one item within a return that share their fate."""

    id: UUID
    return_id: UUID
    line_id: UUID | None
    sku: str
    quantity: int
    received: int
    reason: str
    grade: str | None = None
    disposition: Disposition | None = None
    restocked: bool = False
    stocked_as: Disposition | None = None
    refund: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What inspection says of some units of a return line; `quantity` None means all that can be judged."""

    return_line_id: UUID
    disposition: Disposition
    grade: str | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """What findings make of a return's lines: rows that change and rows that are new."""

    changed: tuple[ReturnLine, ...]
    added: tuple[ReturnLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restock:
    """Units whose place in stock is to be booked: as `disposition`, and no longer as `before` if that is set."""

    return_id: UUID
    return_line_id: UUID
    node_id: UUID
    sku: str
    quantity: int
    disposition: Disposition
    before: Disposition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReturn:
    """A return about to be stored."""

    id: UUID
    order_id: UUID | None
    node_id: UUID
    status: Status
    requested_by: str
    request_key: str | None
    note: str | None
    needs_label: bool
    currency: str
    eligibility: dict[str, object]
    lines: Sequence[ReturnLine]
