"""A small shipped order, put straight into the tables, for tests of what comes after dispatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from orderloom.plumbing.database import Db
from orderloom.terms import new_id

PLACED = datetime(2026, 3, 2, 15, tzinfo=UTC)
BUYER = {"name": "Ada Byron", "email": "ada@example.com", "phone": "+15550100", "locale": "en"}
SHIP_TO = {"name": "Ada Byron", "line1": "1 Main St", "city": "Reno", "region": "NV", "postcode": "89501"}


@dataclass
class Ordered:
    """What was put in."""

    order: UUID
    node: UUID
    channel: UUID
    fulfillment: UUID
    packages: list[UUID]
    lines: list[UUID] = field(default_factory=list)
    number: str = ""


async def an_order(
    db: Db,
    *,
    quantities: tuple[int, ...] = (2, 1),
    packages: int = 1,
    buyer: dict[str, Any] | None = None,
    flags: list[dict[str, Any]] | None = None,
    as_of: datetime | None = None,
    notices: list[str] | None = None,
) -> Ordered:
    """One order of lines at 10.00 each, delivered by one fulfillment order from one node."""
    tag = uuid4().hex[:8]
    put = Ordered(
        new_id(), new_id(), new_id(), new_id(), [new_id() for _ in range(packages)], number=f"T{tag}"
    )
    await db.execute(
        "INSERT INTO network.nodes (id, code, name, type, address, time_zone) VALUES ($1, $2, $2, 'store', '{}', 'UTC')",
        put.node,
        f"N{tag}",
    )
    await db.execute(
        "INSERT INTO network.channels (id, code, name, type, currency, notices) VALUES ($1, $2, $2, 'site', 'USD', $3)",
        put.channel,
        f"C{tag}",
        notices if notices is not None else ["email"],
    )
    total = 1000 * sum(quantities)
    await db.execute(
        "INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, "
        "ship_to, subtotal, discount, shipping, tax, total, min_rank, max_rank, flags, decide_as_of) "
        "VALUES ($1, $2, $3, $2, '', $4, 'USD', $5, $6, $7, 0, 0, 0, $7, 800, 800, $8, $9)",
        put.order,
        put.number,
        put.channel,
        PLACED,
        buyer if buyer is not None else BUYER,
        SHIP_TO,
        total,
        flags or [],
        as_of,
    )
    await db.execute(
        "INSERT INTO orders.fulfillments (id, number, order_id, node_id) VALUES ($1, $2, $3, $4)",
        put.fulfillment,
        f"F{tag}",
        put.order,
        put.node,
    )
    for position, quantity in enumerate(quantities, 1):
        put.lines.append(await _line(db, put, f"SKU{position}-{tag}", position, quantity))
    return put


async def _line(db: Db, put: Ordered, sku: str, position: int, quantity: int) -> UUID:
    line = new_id()
    await db.execute(
        "INSERT INTO catalog.items (sku, name, weight_g, length_mm, width_mm, height_mm) "
        "VALUES ($1, 'A <thing>', 1, 1, 1, 1)",
        sku,
    )
    await db.execute(
        "INSERT INTO orders.lines (id, order_id, position, sku, name, quantity, unit_price, total, min_rank, max_rank) "
        "VALUES ($1, $2, $3, $4, 'A <thing>', $5, 1000, $6, 800, 800)",
        line,
        put.order,
        position,
        sku,
        quantity,
        1000 * quantity,
    )
    await db.execute(
        "INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank, node_id, fulfillment_id) "
        "VALUES ($1, $2, $3, $4, 800, $5, $6)",
        put.order,
        line,
        sku,
        quantity,
        put.node,
        put.fulfillment,
    )
    return line
