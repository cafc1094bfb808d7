"""What a parcel costs and by whom it travels: contracts, rating, selection, labels, manifests.

Owns: carriers and their contracts in dated versions, shipments, labels, manifests, audits of carriers' invoices.
Promises: the same contract, parcel, lane and day rate the same for ever, each minor unit explained; a label's intent
is committed before its carrier is called and the answer after; an unknown outcome is asked for by reference, never
bought blindly again; a label stands on at most one manifest.
Never: decides what is packed or where it ships from, follows a parcel once it has left, calls out with a
transaction open.

The pure decisions are `rate`, `select`, `select.arrival` and `audit.audited` over a compiled `tariff.Tariff`; the
first two are usable alone. The label
step is a trio: `prepare_labels` writes intents and returns calls, `perform` makes one, `record_labels` stores the
answers; `prepare_voids` and `record_voids` are its undo. Returns' labels go the same way.
"""

from __future__ import annotations

from orderloom.shipping.contracts import adapters, contract_book, put_carriers, put_contracts, tariffs
from orderloom.shipping.dispatching import (
    delivered,
    handed_over,
    labels_of,
    mark_used,
    planned,
    shipped,
    unshipped,
)
from orderloom.shipping.documents import NoSuchDocument, label_document, manifest_document
from orderloom.shipping.labelling import made_since, prepare_labels, record_labels
from orderloom.shipping.manifesting import close_manifest, close_manifests, hand_over, manifest_of, works_on
from orderloom.shipping.performing import perform
from orderloom.shipping.rate import rate, rate_all, rate_many
from orderloom.shipping.select import quote_all, select
from orderloom.shipping.voiding import prepare_voids, record_voids

__all__ = [
    "NoSuchDocument",
    "adapters",
    "close_manifest",
    "close_manifests",
    "contract_book",
    "delivered",
    "hand_over",
    "handed_over",
    "label_document",
    "labels_of",
    "made_since",
    "manifest_document",
    "manifest_of",
    "mark_used",
    "perform",
    "planned",
    "prepare_labels",
    "prepare_voids",
    "put_carriers",
    "put_contracts",
    "quote_all",
    "rate",
    "rate_all",
    "rate_many",
    "record_labels",
    "record_voids",
    "select",
    "shipped",
    "tariffs",
    "unshipped",
    "works_on",
]
