"""Keys and ids that are the same however often they are derived, so that nothing asked twice happens twice."""

from __future__ import annotations

from uuid import UUID, uuid5

_REVENUE = UUID("5a4f2f0c-8a4b-5d0e-9d2f-3f6f1c0f7a11")


def first_key(*, intent_id: UUID, kind: str, subject_id: UUID) -> str:
    """The key of an operation: at most 40 characters, which is what Stripe's metadata allows."""
    return f"ol_{uuid5(intent_id, f'{kind}:{subject_id}').hex}"


def next_key(*, intent_id: UUID, refused: str) -> str:
    """The key of another attempt after a plain refusal, which gateways remember under the old key."""
    return f"ol_{uuid5(intent_id, refused).hex}"


def revenue_posting(shipment_id: UUID) -> UUID:
    """The posting that recognises a shipment's revenue."""
    return uuid5(_REVENUE, shipment_id.hex)


def return_posting(transaction_id: UUID) -> UUID:
    """The posting of a refund's return; its cash posting bears the transaction's own id."""
    return uuid5(transaction_id, "returns")
