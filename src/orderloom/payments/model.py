"""What payments speak of: tenders and intents, charges and their parts, calls to a gateway and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeAlias
from uuid import UUID


class Kind(StrEnum):
    """What is asked of a gateway."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentStatus(StrEnum):
    """The payment axis of an order."""

    UNPAID = "unpaid"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"


# The gateway's word for money that was promised too long ago.
AUTHORIZATION_EXPIRED = "authorization_expired"

# --- amounts by account ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Breakdown:
    """An amount by the accounts it belongs to, in minor units; an adjustment may be negative."""

    sales: int = 0
    shipping: int = 0
    tax: int = 0
    adjustment: int = 0

    @property
    def total(self) -> int:
        """The amount."""
        return self.sales + self.shipping + self.tax + self.adjustment

    def __add__(self, other: Breakdown) -> Breakdown:
        return Breakdown(
            self.sales + other.sales,
            self.shipping + other.shipping,
            self.tax + other.tax,
            self.adjustment + other.adjustment,
        )

    def __sub__(self, other: Breakdown) -> Breakdown:
        return Breakdown(
            self.sales - other.sales,
            self.shipping - other.shipping,
            self.tax - other.tax,
            self.adjustment - other.adjustment,
        )


@dataclass(frozen=True, slots=True)
class BillLine:
    """What a leaf line of an order owes as a whole, its share of the order's charges included."""

    line_id: UUID
    quantity: int
    owes: Breakdown


@dataclass(frozen=True, slots=True)
class UnitsCharged:
    """The units [first, last) of a line and the money that is theirs."""

    line_id: UUID
    first: int
    last: int
    money: Breakdown


# --- what is charged and paid back ----------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Tender:
    """A means of payment an order came with: whose gateway, which token, for how much."""

    order_id: UUID
    sequence: int = 1
    gateway: str
    method: str
    token: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What left in one shipment (a fulfillment order's goods): units by line. `subject` travels the journey."""

    subject: UUID
    order_id: UUID
    shipment_id: UUID
    units: Mapping[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a shipment is to be paid with. Without `lines` a refund by unit cannot be reckoned from it."""

    subject: UUID
    order_id: UUID
    shipment_id: UUID
    amount: int
    breakdown: Breakdown
    currency: str
    lines: tuple[UnitsCharged, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDue:
    """A refund that was requested, and the subject whose journey pays it."""

    subject: UUID
    refund_id: UUID


# --- rows -----------------------------------------------------------------------------------------------------


# Never changed; not frozen, since making one would take three times as long, and a set has thousands.


@dataclass(slots=True, unsafe_hash=True)
class Intent:
    """Our recorded will to take money by one tender."""

    id: UUID
    order_id: UUID
    sequence: int
    gateway: str
    method: str
    token: str
    amount: int
    currency: str
    status: str


@dataclass(slots=True, unsafe_hash=True)
class Transaction:
    """One operation at a gateway; `requested` and `unknown` may or may not have happened."""

    id: UUID
    intent_id: UUID
    order_id: UUID
    kind: str
    subject_id: UUID
    amount: int
    currency: str
    key: str
    status: str
    provider_ref: str | None
    code: str | None
    message: str | None

    @property
    def open(self) -> bool:
        """Whether its outcome is not known."""
        return self.status in {"requested", "unknown"}

    @property
    def counts(self) -> bool:
        """Whether its amount must be reckoned with: it happened, or may have."""
        return self.status != "failed"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money to be given back, once decided."""

    id: UUID
    order_id: UUID
    return_id: UUID | None
    amount: int
    currency: str
    reason: str
    requested_by: str
    request_key: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One leg of a posting in the order's ledger; debits are positive. The legs of a posting sum to nought."""

    order_id: UUID
    posting_id: UUID
    account: str
    amount: int
    currency: str
    posted_at: datetime | None = None


# --- talking to a gateway -------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class GatewayCall:
    """One operation to be asked of a gateway, under a key that stays the same however often it is asked.

    `authorization` is the gateway's reference of the money promised; absent when authorising, and when voiding a
    promise nobody has heard of yet (it is then found by `authorization_key`). `left` is what stays promised after
    a capture. `unsure`: it may have been asked before, so the gateway is asked for the key first.
    """

    subject: UUID
    provider: str
    kind: Kind
    transaction_id: UUID
    intent_id: UUID
    order_id: UUID
    key: str
    amount: int
    currency: str
    method: str
    token: str
    authorization: str | None = None
    authorization_key: str | None = None
    left: int = 0
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """It happened. `reference` is the gateway's own, unique among operations of the kind."""

    reference: str
    amount: int
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It did not happen and will not under this key. `retryable`: another attempt may fare better."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """The gateway has never heard of it."""


GatewayAnswer: TypeAlias = Approved | Refused | Absent

# --- outcomes for the journey ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authorized:
    """Every tender of the order promises its amount; 0 when it has none (it pays by invoice)."""

    amount: int


@dataclass(frozen=True, slots=True)
class Declined:
    """A tender was refused; the others, if any, stay authorised until voided."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Captured:
    """The shipment is paid. `outstanding` is what no tender covered: all of it when the order pays by invoice."""

    amount: int
    outstanding: int = 0


@dataclass(frozen=True, slots=True)
class CaptureRefused:
    """The gateway would not pay the shipment, or not all of it; what was captured stays captured."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Voided:
    """No promise of the order's is left at any gateway; `amount` was released."""

    amount: int


@dataclass(frozen=True, slots=True)
class VoidRefused:
    """A promise could not be released."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """The refund stands and waits to be paid; `duplicate` when the same request had been made before."""

    refund_id: UUID
    amount: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """No refund was made; `refundable` is what could be."""

    code: str
    message: str
    refundable: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """All of the refund was paid back."""

    amount: int


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """The gateway would not pay it back, or not all of it: `amount` was."""

    code: str
    message: str
    retryable: bool
    amount: int


# --- how an order stands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentSummary:
    """An order's money: `balance_due` is what has shipped and is not paid; a refund does not change it."""

    status: PaymentStatus
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0
    balance_due: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Everything `statuses` is folded from, of one order."""

    intents: tuple[Intent, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    charged: int = 0
    of_intent: Mapping[UUID, tuple[Transaction, ...]] = field(init=False)

    def __post_init__(self) -> None:
        mine: dict[UUID, list[Transaction]] = {intent.id: [] for intent in self.intents}
        for transaction in self.transactions:
            mine[transaction.intent_id].append(transaction)
        object.__setattr__(self, "of_intent", {key: tuple(rows) for key, rows in mine.items()})

    @classmethod
    def empty(cls) -> Self:
        """An order that owes nothing and came with no tender."""
        return cls()
