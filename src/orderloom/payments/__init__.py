"""Money for orders: promised when verified, taken when shipped, given back when returned, each exactly once.

Owns: intents (one a tender), operations at gateways with their keys, what each shipment was charged, refunds, and
the order's double-entry ledger.
Promises: an intent is committed before its gateway is called and its answer after; an unknown outcome is asked for
by key, never tried blindly under a new one; captures never exceed what was authorised, nor refunds what was
captured; every posting sums to nought.
Never: keeps a card number, calls out with a transaction open, calls with an amount of nought.

Each outward step is a trio: `prepare_…` writes intents and returns calls, `perform` makes one, `record_…` stores
the answers and returns an outcome for every subject that is settled.
"""

from __future__ import annotations

from orderloom.payments.authorizing import (
    open_tenders,
    prepare_authorizations,
    record_authorizations,
    settle_authorizations,
)
from orderloom.payments.capturing import charges_for, prepare_captures, record_captures
from orderloom.payments.ledger import ledger_of
from orderloom.payments.performing import perform
from orderloom.payments.refunding import (
    prepare_refunds,
    quote_refund,
    record_refunds,
    refunds_of_returns,
    request_refund,
)
from orderloom.payments.summaries import expired, intents_of, statuses
from orderloom.payments.voiding import prepare_voids, record_voids

__all__ = [
    "charges_for",
    "expired",
    "intents_of",
    "ledger_of",
    "open_tenders",
    "perform",
    "prepare_authorizations",
    "prepare_captures",
    "prepare_refunds",
    "prepare_voids",
    "quote_refund",
    "record_authorizations",
    "record_captures",
    "record_refunds",
    "record_voids",
    "refunds_of_returns",
    "request_refund",
    "settle_authorizations",
    "statuses",
]
