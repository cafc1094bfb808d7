"""Every statement on the schema `payments`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from orderloom.payments.model import (
    Breakdown,
    Charge,
    Entry,
    Intent,
    Refund,
    Tender,
    Transaction,
    UnitsCharged,
)
from orderloom.plumbing.database import Db, Row, new_ids

# --- intents --------------------------------------------------------------------------------------------------

_INTENT = "id, order_id, sequence, gateway, method, token, amount, currency, status"


async def insert_intents(db: Db, tenders: Sequence[Tender]) -> None:
    """One intent a tender; a tender of the same order and sequence that is there already is left as it is."""
    await db.execute(
        """
        INSERT INTO payments.intents (order_id, sequence, gateway, method, token, amount, currency)
        SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
        ON CONFLICT (order_id, sequence) DO NOTHING
        """,
        [t.order_id for t in tenders],
        [t.sequence for t in tenders],
        [t.gateway for t in tenders],
        [t.method for t in tenders],
        [t.token for t in tenders],
        [t.amount for t in tenders],
        [t.currency for t in tenders],
    )


async def insert_new(db: Db, tenders: Sequence[Tender]) -> None:
    """The same for orders that are only just being stored, which have none."""
    await db.copy_records_to_table(
        "intents",
        schema_name="payments",
        columns=("id", "order_id", "sequence", "gateway", "method", "token", "amount", "currency"),
        records=[
            (id_, t.order_id, t.sequence, t.gateway, t.method, t.token, t.amount, t.currency)
            for id_, t in zip(new_ids(len(tenders)), tenders, strict=True)
        ],
    )


async def void_declined(db: Db, replaced: Sequence[Tender]) -> None:
    """Give up declined intents of these orders that come before the new tender."""
    await db.execute(
        """
        UPDATE payments.intents AS i SET status = 'voided', updated_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::smallint[]) AS t (order_id, sequence)
        WHERE i.order_id = t.order_id AND i.sequence < t.sequence AND i.status = 'declined'
        """,
        [t.order_id for t in replaced],
        [t.sequence for t in replaced],
    )


async def lock_intents(db: Db, order_ids: Iterable[UUID]) -> list[Intent]:
    """The intents of these orders, locked in key order, by order and sequence."""
    rows = await db.fetch(
        "SELECT " + _INTENT + " FROM payments.intents WHERE order_id = ANY($1::uuid[]) "
        "ORDER BY order_id, sequence FOR NO KEY UPDATE",
        list(set(order_ids)),
    )
    return [_intent(row) for row in rows]


async def orders_with_expired(db: Db, order_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these orders have an intent whose promise ran out."""
    rows = await db.fetch(
        "SELECT DISTINCT order_id FROM payments.intents WHERE order_id = ANY($1::uuid[]) AND status = 'expired'",
        list(set(order_ids)),
    )
    return {row["order_id"] for row in rows}


async def intents_of(db: Db, order_ids: Iterable[UUID]) -> list[Intent]:
    """The intents of these orders, by order and sequence."""
    rows = await db.fetch(
        "SELECT "
        + _INTENT
        + " FROM payments.intents WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, sequence",
        list(set(order_ids)),
    )
    return [_intent(row) for row in rows]


async def set_intent_status(db: Db, statuses: Sequence[tuple[UUID, str]]) -> None:
    """Write where intents stand now."""
    if statuses:
        await db.execute(
            """
            UPDATE payments.intents AS i SET status = t.status, updated_at = clock_timestamp()
            FROM unnest($1::uuid[], $2::text[]) AS t (id, status)
            WHERE i.id = t.id AND i.status <> t.status
            """,
            [intent_id for intent_id, _ in statuses],
            [status for _, status in statuses],
        )


def _intent(row: Row) -> Intent:
    return Intent(*row)


# --- transactions ---------------------------------------------------------------------------------------------

_TRANSACTION = (
    "id, intent_id, order_id, kind, subject_id, amount, currency, key, status, provider_ref, code, message"
)


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class NewTransaction:
    """An operation about to be asked of a gateway. Never changed, and not frozen: a set makes hundreds."""

    id: UUID
    intent_id: UUID
    order_id: UUID
    kind: str
    subject_id: UUID
    amount: int
    currency: str
    key: str


async def transactions_of(db: Db, order_ids: Iterable[UUID]) -> list[Transaction]:
    """All operations of these orders, oldest first."""
    rows = await db.fetch(
        "SELECT " + _TRANSACTION + " FROM payments.transactions WHERE order_id = ANY($1::uuid[]) ORDER BY id",
        list(set(order_ids)),
    )
    return [Transaction(*row) for row in rows]


async def request(db: Db, new: Sequence[NewTransaction]) -> None:
    """Write operations as requested that never were before: whoever asks has locked their intents."""
    if new:
        await db.copy_records_to_table(
            "transactions",
            schema_name="payments",
            columns=("id", "intent_id", "order_id", "kind", "subject_id", "amount", "currency", "key"),
            records=[
                (t.id, t.intent_id, t.order_id, t.kind, t.subject_id, t.amount, t.currency, t.key)
                for t in new
            ],
        )


async def request_again(db: Db, refused: Sequence[NewTransaction]) -> None:
    """Write refused operations as requested under their new keys."""
    if refused:
        await db.execute(
            """
            UPDATE payments.transactions AS t
            SET status = 'requested', key = r.key, amount = r.amount, code = NULL, message = NULL,
                created_at = clock_timestamp(), resolved_at = NULL
            FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS r (id, key, amount)
            WHERE t.id = r.id AND t.status = 'failed'
            """,
            [t.id for t in refused],
            [t.key for t in refused],
            [t.amount for t in refused],
        )


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Resolution:
    """How an operation turned out. Not frozen, as NewTransaction."""

    transaction_id: UUID
    status: str
    provider_ref: str | None = None
    code: str | None = None
    message: str | None = None


async def resolve(db: Db, resolutions: Sequence[Resolution]) -> set[UUID]:
    """Write outcomes of operations that were open; returns which were, so that effects follow once."""
    if not resolutions:
        return set()
    rows = await db.fetch(
        """
        UPDATE payments.transactions AS t
        SET status = r.status, provider_ref = r.provider_ref, code = r.code, message = r.message,
            resolved_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
          AS r (id, status, provider_ref, code, message)
        WHERE t.id = r.id AND t.status IN ('requested', 'unknown')
        RETURNING t.id
        """,
        [r.transaction_id for r in resolutions],
        [r.status for r in resolutions],
        [r.provider_ref for r in resolutions],
        [r.code for r in resolutions],
        [r.message for r in resolutions],
    )
    return {row["id"] for row in rows}


async def mark_unknown(db: Db, transaction_ids: Sequence[UUID]) -> None:
    """Say of operations that were asked for and not answered that nobody knows."""
    if transaction_ids:
        await db.execute(
            "UPDATE payments.transactions SET status = 'unknown' WHERE id = ANY($1::uuid[]) AND status = 'requested'",
            list(transaction_ids),
        )


# --- charges --------------------------------------------------------------------------------------------------


async def insert_charges(db: Db, charges: Sequence[Charge]) -> set[UUID]:
    """Fix what these shipments are charged; one that is fixed already stays. Returns the shipments that are new."""
    rows = await db.fetch(
        """
        INSERT INTO payments.charges (shipment_id, order_id, amount, sales, shipping, tax, adjustment, currency)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                             $7::bigint[], $8::text[])
        ON CONFLICT (shipment_id) DO NOTHING
        RETURNING shipment_id
        """,
        [c.shipment_id for c in charges],
        [c.order_id for c in charges],
        [c.amount for c in charges],
        [c.breakdown.sales for c in charges],
        [c.breakdown.shipping for c in charges],
        [c.breakdown.tax for c in charges],
        [c.breakdown.adjustment for c in charges],
        [c.currency for c in charges],
    )
    return {row["shipment_id"] for row in rows}


async def insert_charge_lines(db: Db, lines: Sequence[tuple[UUID, UnitsCharged]]) -> None:
    """The units of lines a shipment was charged for. The same unit twice is refused by a unique key."""
    if lines:
        await db.execute(
            """
            INSERT INTO payments.charge_lines
              (shipment_id, line_id, first_unit, last_unit, sales, shipping, tax, adjustment)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bigint[], $6::bigint[],
                                 $7::bigint[], $8::bigint[])
            """,
            [shipment_id for shipment_id, _ in lines],
            [part.line_id for _, part in lines],
            [part.first for _, part in lines],
            [part.last for _, part in lines],
            [part.money.sales for _, part in lines],
            [part.money.shipping for _, part in lines],
            [part.money.tax for _, part in lines],
            [part.money.adjustment for _, part in lines],
        )


async def charges_of_shipments(db: Db, shipment_ids: Iterable[UUID]) -> dict[UUID, tuple[Breakdown, str]]:
    """What these shipments were charged, by account, and the currency."""
    rows = await db.fetch(
        "SELECT shipment_id, sales, shipping, tax, adjustment, currency FROM payments.charges "
        "WHERE shipment_id = ANY($1::uuid[])",
        list(set(shipment_ids)),
    )
    return {row["shipment_id"]: (_breakdown(row), row["currency"]) for row in rows}


async def charged_by_order(db: Db, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """What has been charged to these orders in all."""
    rows = await db.fetch(
        "SELECT order_id, sum(amount)::bigint AS amount FROM payments.charges WHERE order_id = ANY($1::uuid[]) "
        "GROUP BY order_id",
        list(set(order_ids)),
    )
    return {row["order_id"]: row["amount"] for row in rows}


async def charge_lines_of(db: Db, order_ids: Iterable[UUID]) -> list[tuple[UUID, UnitsCharged]]:
    """The units charged of these orders, each with its shipment."""
    rows = await db.fetch(
        """
        SELECT l.shipment_id, l.line_id, l.first_unit, l.last_unit, l.sales, l.shipping, l.tax, l.adjustment
        FROM payments.charge_lines AS l JOIN payments.charges AS c USING (shipment_id)
        WHERE c.order_id = ANY($1::uuid[])
        ORDER BY l.line_id, l.first_unit
        """,
        list(set(order_ids)),
    )
    return [
        (
            row["shipment_id"],
            UnitsCharged(row["line_id"], row["first_unit"], row["last_unit"], _breakdown(row)),
        )
        for row in rows
    ]


def _breakdown(row: Row) -> Breakdown:
    return Breakdown(row["sales"], row["shipping"], row["tax"], row["adjustment"])


# --- refunds --------------------------------------------------------------------------------------------------

_REFUND = "id, order_id, return_id, amount, currency, reason, requested_by, request_key"


async def insert_refund(db: Db, refund: Refund) -> bool:
    """Write a refund; False when its request key is taken."""
    row = await db.fetchrow(
        "INSERT INTO payments.refunds (" + _REFUND + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
        "ON CONFLICT (request_key) DO NOTHING RETURNING id",
        refund.id,
        refund.order_id,
        refund.return_id,
        refund.amount,
        refund.currency,
        refund.reason,
        refund.requested_by,
        refund.request_key,
    )
    return row is not None


async def insert_refund_lines(
    db: Db, refund_id: UUID, parts: Sequence[UnitsCharged], amounts: Sequence[int]
) -> None:
    """The units a refund is for. The same unit twice is refused by a unique key."""
    if parts:
        await db.execute(
            """
            INSERT INTO payments.refund_lines (refund_id, line_id, first_unit, last_unit, amount)
            SELECT $1, t.* FROM unnest($2::uuid[], $3::int[], $4::int[], $5::bigint[]) AS t
            """,
            refund_id,
            [part.line_id for part in parts],
            [part.first for part in parts],
            [part.last for part in parts],
            list(amounts),
        )


async def refund_by_key(db: Db, request_key: str) -> Refund | None:
    """The refund of a request."""
    row = await db.fetchrow(
        "SELECT " + _REFUND + " FROM payments.refunds WHERE request_key = $1", request_key
    )
    return Refund(**dict(row)) if row else None


async def refunds_by_id(db: Db, refund_ids: Iterable[UUID]) -> dict[UUID, Refund]:
    """These refunds."""
    rows = await db.fetch(
        "SELECT " + _REFUND + " FROM payments.refunds WHERE id = ANY($1::uuid[])", list(set(refund_ids))
    )
    return {row["id"]: Refund(**dict(row)) for row in rows}


async def refunds_of(db: Db, order_id: UUID) -> list[Refund]:
    """The refunds of an order, oldest first."""
    rows = await db.fetch(
        "SELECT " + _REFUND + " FROM payments.refunds WHERE order_id = $1 ORDER BY id", order_id
    )
    return [Refund(**dict(row)) for row in rows]


async def refunds_of_returns(db: Db, returns: Sequence[UUID]) -> dict[UUID, UUID]:
    """The refund of each return that has one."""
    rows = await db.fetch(
        "SELECT return_id, id FROM payments.refunds WHERE return_id = ANY($1::uuid[])", list(returns)
    )
    return {row["return_id"]: row["id"] for row in rows}


async def units_refunded(db: Db, order_id: UUID) -> dict[UUID, int]:
    """How many units of each line refunds were made for."""
    rows = await db.fetch(
        """
        SELECT l.line_id, max(l.last_unit) AS units
        FROM payments.refund_lines AS l JOIN payments.refunds AS r ON r.id = l.refund_id
        WHERE r.order_id = $1 GROUP BY l.line_id
        """,
        order_id,
    )
    return {row["line_id"]: row["units"] for row in rows}


# --- ledger ---------------------------------------------------------------------------------------------------


async def post(db: Db, entries: Sequence[Entry]) -> None:
    """Append postings; one that is there already is left, since its id is derived from what it stands for."""
    if entries:
        await db.execute(
            """
            INSERT INTO payments.entries (order_id, posting_id, account, amount, currency)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
            ON CONFLICT (posting_id, account) DO NOTHING
            """,
            [e.order_id for e in entries],
            [e.posting_id for e in entries],
            [e.account for e in entries],
            [e.amount for e in entries],
            [e.currency for e in entries],
        )


async def entries_of(db: Db, order_id: UUID) -> list[Entry]:
    """An order's ledger, oldest first."""
    rows = await db.fetch(
        "SELECT order_id, posting_id, account, amount, currency, posted_at FROM payments.entries "
        "WHERE order_id = $1 ORDER BY id",
        order_id,
    )
    return [Entry(**dict(row)) for row in rows]
