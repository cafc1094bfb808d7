"""Storing an order that has been checked: kits exploded, money apportioned, lines cut into their first slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orderloom.catalog.model import Item
from orderloom.orders.model import LineDraft, OrderDraft
from orderloom.orders.store import capturing
from orderloom.plumbing.database import Db
from orderloom.terms import Rank, apportion, new_id


class Raced(Exception):
    """Another transaction stored an order under one of these natural keys meanwhile: run the whole set again."""


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be stored, with its id. `draft_index` is the channel's line it came from."""

    id: UUID
    position: int
    draft_index: int
    kit_line_id: UUID | None
    is_kit: bool
    name: str
    values: LineDraft


@dataclass(frozen=True, slots=True)
class NewSlice:
    """Units of a line at their first rank, with the node that keeps them."""

    line: NewLine
    quantity: int
    rank: Rank
    node_id: UUID | None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order about to be stored. `ready_at`: when what it is promised on is there, of units that are not yet."""

    id: UUID
    channel_id: UUID
    draft: OrderDraft
    lines: tuple[NewLine, ...]
    slices: tuple[NewSlice, ...]
    ready_at: datetime | None = None


def explode(
    draft: OrderDraft, *, items: Mapping[str, Item], kits: Mapping[str, Mapping[str, int]]
) -> list[NewLine]:
    """The lines with every kit followed by its components, which share the kit's money by list price."""
    lines: list[NewLine] = []
    for index, line in enumerate(draft.lines):
        components = kits.get(line.sku)
        name = line.name or items[line.sku].name
        whole = NewLine(new_id(), len(lines) + 1, index, None, bool(components), name, line)
        lines.append(whole)
        if components:
            lines += _components(whole, components, items, len(lines) + 1)
    return lines


def _components(
    kit: NewLine, components: Mapping[str, int], items: Mapping[str, Item], first: int
) -> list[NewLine]:
    skus = sorted(components)
    weights = [(items[sku].list_price or 0) * components[sku] for sku in skus]
    # A component's price is that of all its units: kept as discountless line money, so that the parts sum exactly.
    prices = apportion(kit.values.unit_price * kit.values.quantity, weights)
    discounts = apportion(kit.values.discount, prices)
    taxes = apportion(kit.values.tax, prices)
    parts: list[NewLine] = []
    for i, sku in enumerate(skus):
        units = components[sku] * kit.values.quantity
        each, odd = divmod(prices[i], units)
        # The price a unit is rounded up and the odd cents come off as discount.
        surplus = units - odd if odd else 0
        values = LineDraft(
            sku=sku,
            quantity=units,
            unit_price=each + (1 if odd else 0),
            discount=discounts[i] + surplus,
            tax=taxes[i],
            node_code=kit.values.node_code,
        )
        parts.append(NewLine(new_id(), first + i, kit.draft_index, kit.id, False, items[sku].name, values))
    return parts


async def store(db: Db, *, orders: Sequence[NewOrder], node_ids: Mapping[str, UUID]) -> dict[UUID, str]:
    """Store orders with lines and slices; returns their numbers. Raises Raced when a natural key was just taken."""
    rows = [(o.id, o.channel_id, o.draft, _sums(o), _span(s.rank for s in o.slices)) for o in orders]
    numbers = await capturing.insert_orders(db, rows)
    if len(numbers) < len(orders):
        raise Raced
    lines = [_line_row(order, line, node_ids) for order in orders for line in order.lines]
    await capturing.insert_lines(db, lines)
    slices = [
        {
            "id": new_id(),
            "order_id": order.id,
            "line_id": piece.line.id,
            "sku": piece.line.values.sku,
            "quantity": piece.quantity,
            "rank": int(piece.rank),
            "node_id": piece.node_id,
        }
        for order in orders
        for piece in order.slices
    ]
    await capturing.insert_slices(db, slices)
    return numbers


def _span(ranks: Any) -> tuple[int, int]:
    known = [int(rank) for rank in ranks]
    return min(known), max(known)


def _sums(order: NewOrder) -> dict[str, int]:
    """The order's figures, from the lines that carry money: a kit's components, not the kit."""
    leaves = [line.values for line in order.lines if not line.is_kit]
    sums = {
        "subtotal": sum(v.unit_price * v.quantity for v in leaves),
        "discount": sum(v.discount for v in leaves),
        "tax": sum(v.tax for v in leaves),
        "shipping": order.draft.shipping,
        "adjustment": order.draft.adjustment,
    }
    return {**sums, "total": order.draft.computed_total}


def _line_row(order: NewOrder, line: NewLine, node_ids: Mapping[str, UUID]) -> dict[str, Any]:
    v = line.values
    lowest, highest = _span(s.rank for s in order.slices if line.id in (s.line.id, s.line.kit_line_id))
    return {
        "id": line.id,
        "order_id": order.id,
        "position": line.position,
        "kit_line_id": line.kit_line_id,
        "is_kit": line.is_kit,
        "external_id": v.external_id,
        "sku": v.sku,
        "name": line.name,
        "quantity": v.quantity,
        "unit_price": v.unit_price,
        "discount": v.discount,
        "tax": v.tax,
        "total": v.total,
        "fixed_node_id": node_ids[v.node_code] if v.node_code else None,
        "min_rank": lowest,
        "max_rank": highest,
    }


async def known(
    db: Db, *, keys: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[UUID, str, bytes]]:
    """Orders already stored under (channel, external id): their id, number and content hash."""
    found = await capturing.known(db, keys)
    return {key: (row["id"], row["number"], row["body_hash"]) for key, row in found.items()}


async def differences(db: Db, *, pairs: Sequence[tuple[UUID, OrderDraft]]) -> dict[UUID, tuple[str, ...]]:
    """Where repeats differ from what is stored, as paths; `/lines` stands for lines and tenders as a whole."""
    stored = await capturing.stored_content(db, [order_id for order_id, _ in pairs])
    told: dict[UUID, tuple[str, ...]] = {}
    for order_id, draft in pairs:
        row, content = stored[order_id], draft.content()
        row_values = {**dict(row), "total": row["total"]}
        content["total"] = draft.computed_total
        paths = [f"/{name}" for name in row_values if name != "id" and row_values[name] != content[name]]
        told[order_id] = tuple(paths) or ("/lines",)
    return told
