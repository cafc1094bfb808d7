"""The values of an order: as it comes in (drafts), and as it is stored (mirrors of the rows)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from orderloom.terms import Address, Rank, rollup

# --- incoming -------------------------------------------------------------------------------------------------


# Drafts are never changed; they are not frozen, since making one would take three times as long, and a set has thousands.


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class LineDraft:
    """One line as the channel tells it. Amounts in minor units; discount and tax are of the whole line."""

    sku: str
    quantity: int
    unit_price: int
    external_id: str | None = None
    discount: int = 0
    tax: int = 0
    node_code: str | None = None
    name: str | None = None

    @property
    def total(self) -> int:
        """What the buyer pays for the line, tax included."""
        return self.unit_price * self.quantity - self.discount + self.tax


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class TenderDraft:
    """A means of payment offered with the order, and how much of it is to pay."""

    method: str
    token: str
    amount: int
    gateway: str = "sandbox"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class OrderDraft:
    """An order as it comes in, translated from its channel's format and not yet checked.

    `adjustment` is a signed, flagged difference to the source's money. `total` is the cart's figure; when given it
    must agree. `decide_as_of` lets decisions on history be made as of that moment instead of now. `reservation_id`:
    the stock kept for the buyer's cart, which becomes the order's.
    """

    channel: str
    external_id: str
    placed_at: datetime
    currency: str
    buyer: Mapping[str, Any]
    ship_to: Address
    lines: tuple[LineDraft, ...]
    tenders: tuple[TenderDraft, ...] = ()
    shipping: int = 0
    adjustment: int = 0
    total: int | None = None
    service_level: str = "standard"
    priority: int = 0
    tags: tuple[str, ...] = ()
    flags: tuple[Mapping[str, Any], ...] = ()
    promise_at: datetime | None = None
    decide_as_of: datetime | None = None
    ship_complete: bool = False
    reservation_id: UUID | None = None

    @property
    def computed_total(self) -> int:
        """Lines, shipping and adjustment: what the order comes to."""
        total = self.shipping + self.adjustment
        for line in self.lines:
            total += line.unit_price * line.quantity - line.discount + line.tax
        return total

    def digest(self) -> bytes:
        """A hash of the content, to tell a repeat from a different order under the same external id.

        Moments are left out: a repeat is sent later than the first.
        """
        content = (
            _CONTENT(self),
            sorted(self.buyer.items()),
            _ADDRESS(self.ship_to),
            [_LINE(line) for line in self.lines],
            [_TENDER(tender) for tender in self.tenders],
            [sorted(flag.items()) for flag in self.flags],
        )
        return hashlib.sha256(to_json(content)).digest()

    def content(self) -> dict[str, Any]:
        """The draft as plain values, to tell where two differ; how its stock was kept before is no part of it."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "reservation_id"}
        plain["buyer"] = dict(self.buyer)
        plain["ship_to"] = self.ship_to.json()
        plain["lines"] = [{n: getattr(line, n) for n in line.__dataclass_fields__} for line in self.lines]
        plain["tenders"] = [{n: getattr(t, n) for n in t.__dataclass_fields__} for t in self.tenders]
        plain["flags"] = [dict(flag) for flag in self.flags]
        plain["tags"] = list(self.tags)
        return plain


# What stands in each as one tuple, taken at the speed of C: a draft's hash is made for every order.
_CONTENT = attrgetter(
    "channel", "external_id", "currency", "shipping", "adjustment", "total", "service_level", "priority", "tags",
    "ship_complete",
)  # fmt: skip
_ADDRESS = attrgetter(*Address.__dataclass_fields__)
_LINE = attrgetter(*LineDraft.__dataclass_fields__)
_TENDER = attrgetter(*TenderDraft.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what came in: where (JSON Pointer), which rule, and what to do about it."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The order is stored. `duplicate`: it had been before; `differs` lists the paths where this one differs.

    `reservation`: the state of the cart's reservation it came with; only a `consumed` one gave it its units.
    """

    order_id: UUID
    number: str
    duplicate: bool = False
    differs: tuple[str, ...] = ()
    reservation: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The order is not taken and nothing has changed. Shortage faults carry the code `insufficient_stock`."""

    faults: tuple[Fault, ...]
    available: Mapping[str, int] = field(default_factory=dict)
    coming: Mapping[str, tuple[datetime, int]] = field(default_factory=dict)
    """By SKU when more is to be had, and how many then, where supply is on its way that nobody waits for."""

    @property
    def short(self) -> bool:
        """Whether stock alone is what is missing."""
        return all(fault.code == "insufficient_stock" for fault in self.faults)


# --- stored ---------------------------------------------------------------------------------------------------


# Those that sets read by the thousand are not frozen either, and never changed; a row gives their fields in order.


@dataclass(slots=True, unsafe_hash=True)
class Order:
    """An order of record. Amounts in minor units of `currency`; ranks, statuses and flags are computed."""

    id: UUID
    number: str
    channel_id: UUID
    external_id: str
    placed_at: datetime
    decide_as_of: datetime | None
    currency: str
    buyer: dict[str, Any]
    ship_to: Address
    service_level: str
    priority: int
    tags: Sequence[str]
    flags: Sequence[dict[str, Any]]
    subtotal: int
    discount: int
    shipping: int
    tax: int
    adjustment: int
    total: int
    promise_at: datetime | None
    ship_complete: bool
    lifecycle: str
    min_rank: int
    max_rank: int
    payment_status: str
    return_status: str
    late: bool
    delivered_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def status(self) -> str:
        """The fulfillment axis in one word."""
        return rollup(self.min_rank, self.max_rank)


@dataclass(slots=True, unsafe_hash=True)
class Line:
    """A line of an order. A kit's own line (`is_kit`) has no slices: its components carry quantity and money."""

    id: UUID
    order_id: UUID
    position: int
    kit_line_id: UUID | None
    is_kit: bool
    external_id: str | None
    sku: str
    name: str
    quantity: int
    unit_price: int
    discount: int
    tax: int
    total: int
    fixed_node_id: UUID | None
    min_rank: int
    max_rank: int


@dataclass(slots=True, unsafe_hash=True)
class Unverified:
    """What the rules before payment look at of an order."""

    id: UUID
    channel_id: UUID
    ship_to: Address
    total: int
    decide_as_of: datetime | None


@dataclass(slots=True, unsafe_hash=True)
class Head:
    """What most steps need to know of an order, without its people and places."""

    id: UUID
    channel_id: UUID
    priority: int
    min_rank: int
    max_rank: int


@dataclass(slots=True, unsafe_hash=True)
class Slice:
    """Part of a line's quantity that shares one rank, one node and one fulfillment order."""

    id: UUID
    order_id: UUID
    line_id: UUID
    sku: str
    quantity: int
    rank: Rank
    node_id: UUID | None
    fulfillment_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfillment:
    """A fulfillment order: the work on one order at one node."""

    id: UUID
    number: str
    order_id: UUID
    node_id: UUID
    decision_id: UUID | None
    carrier: str | None
    service: str | None
    planned_cost: int
    ship_by: datetime | None
    status: str
    request_status: str
    min_rank: int
    max_rank: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An overlay that blocks named steps until it is cleared."""

    id: UUID
    order_id: UUID
    line_id: UUID | None
    fulfillment_id: UUID | None
    type: str
    blocks: Sequence[str]
    note: str | None
    raised_by: str
    raised_at: datetime
    due_at: datetime
    cleared_at: datetime | None
    cleared_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionCase:
    """A case a person must settle: what happened, the way out, and until when."""

    id: UUID
    kind: str
    order_id: UUID | None
    entity: str
    entity_id: UUID
    detail: str
    way_out: str
    owner: str | None
    due_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
