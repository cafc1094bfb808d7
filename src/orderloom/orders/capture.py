"""Storing an order that has been checked: kits exploded, money apportioned, lines cut into their first slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from orderloom.catalog.model import Item
from orderloom.orders.model import LineDraft, OrderDraft
from orderloom.orders.store import capturing
from orderloom.plumbing.database import Db, new_ids
from orderloom.terms import Rank, apportion


class Raced(Exception):
    """Another transaction stored an order under one of these natural keys meanwhile: run the whole set again."""


class NewLine(NamedTuple):
    """A line to be stored, with its id. `draft_index` is the channel's line it came from."""

    id: UUID
    position: int
    draft_index: int
    kit_line_id: UUID | None
    is_kit: bool
    name: str
    values: LineDraft


class NewSlice(NamedTuple):
    """Units of a line at their first rank, with the node that keeps them."""

    line: NewLine
    quantity: int
    rank: Rank
    node_id: UUID | None


class NewOrder(NamedTuple):
    """An order about to be stored. `ready_at`: when what it is promised on is there, of units that are not yet.

    `why`: what its promise follows from, where that is not its channel's word.
    """

    id: UUID
    channel_id: UUID
    draft: OrderDraft
    lines: tuple[NewLine, ...]
    slices: tuple[NewSlice, ...]
    promise_at: datetime | None
    ready_at: datetime | None = None
    why: Mapping[str, Any] | None = None


def explode(
    draft: OrderDraft,
    *,
    items: Mapping[str, Item],
    kits: Mapping[str, Mapping[str, int]],
    ids: Iterator[UUID] | None = None,
) -> list[NewLine]:
    """The lines with every kit followed by its components, which share the kit's money by list price.

    `ids`: those of the draft's own lines are the next of these, where a set's were made at once.
    """
    lines: list[NewLine] = []
    ids = ids or iter(new_ids(len(draft.lines)))
    for index, line in enumerate(draft.lines):
        components = kits.get(line.sku)
        name = line.name or items[line.sku].name
        whole = NewLine(next(ids), len(lines) + 1, index, None, bool(components), name, line)
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
    ids = new_ids(len(skus))
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
        parts.append(NewLine(ids[i], first + i, kit.draft_index, kit.id, False, items[sku].name, values))
    return parts


async def keys_first(db: Db) -> bool:
    """Whether a set stored before its stock is locked may now wait for that stock."""
    return await capturing.keys_first(db)


async def stock_first(db: Db) -> None:
    """To be called before stock is locked for a set that is stored after it."""
    await capturing.stock_first(db)


async def store(db: Db, *, orders: Sequence[NewOrder], node_ids: Mapping[str, UUID]) -> dict[UUID, str]:
    """Store orders with lines and slices; returns their numbers. Raises Raced when a natural key was just taken."""
    # In the order of their keys, so that two transactions with the same ones wait for each other and do not deadlock.
    ordered = sorted(orders, key=lambda o: (o.channel_id, o.draft.external_id))
    numbers = await capturing.numbers(db, len(ordered))
    spans = [_spans(order) for order in ordered]
    rows = [
        _order_row(order, number, whole)
        for order, number, (whole, _) in zip(ordered, numbers, spans, strict=True)
    ]
    if not await capturing.insert_orders(db, rows):
        raise Raced
    lines = [
        _line_row(order, line, of_lines.get(line.id, whole), node_ids)
        for order, (whole, of_lines) in zip(ordered, spans, strict=True)
        for line in order.lines
    ]
    await capturing.insert_lines(db, lines)
    slices = [
        (order.id, line.id, line.values.sku, quantity, rank, node_id)
        for order in ordered
        for line, quantity, rank, node_id in order.slices
    ]
    await capturing.insert_slices(db, slices)
    return {order.id: number for order, number in zip(ordered, numbers, strict=True)}


async def store_lines(db: Db, *, order: NewOrder, node_ids: Mapping[str, UUID]) -> None:
    """Store lines that an order stored before gets on top."""
    whole, of_lines = _spans(order)
    rows = [_line_row(order, line, of_lines.get(line.id, whole), node_ids) for line in order.lines]
    await capturing.insert_lines(db, rows)


Span: TypeAlias = tuple[int, int]


def _spans(order: NewOrder) -> tuple[Span, dict[UUID, Span]]:
    """The least and the greatest rank within the order; and within each line, a kit with its components, that is unlike."""
    ranks = {piece.rank for piece in order.slices}
    whole, spans = (min(ranks), max(ranks)), dict[UUID, Span]()
    if len(ranks) > 1:
        for piece in order.slices:
            rank = piece.rank
            for key in (piece.line.id, piece.line.kit_line_id):
                if key is not None:
                    lowest, highest = spans.get(key, (rank, rank))
                    spans[key] = (min(lowest, rank), max(highest, rank))
    return whole, spans


def _order_row(order: NewOrder, number: str, span: Span) -> tuple[Any, ...]:
    """As ORDER_COLUMNS; the figures come from the lines that carry money: a kit's components, not the kit."""
    draft = order.draft
    subtotal = discount = tax = 0
    for line in order.lines:
        if not line.is_kit:
            v = line.values
            subtotal += v.unit_price * v.quantity
            discount += v.discount
            tax += v.tax
    return (
        order.id,
        number,
        order.channel_id,
        draft.external_id,
        draft.digest(),
        draft.placed_at,
        draft.decide_as_of,
        draft.currency,
        draft.buyer,
        draft.ship_to.json(),
        draft.service_level,
        draft.priority,
        draft.tags,
        draft.flags,
        subtotal,
        discount,
        draft.shipping,
        tax,
        draft.adjustment,
        draft.computed_total,
        order.promise_at,
        draft.ship_complete,
        *span,
        "pending" if draft.tenders else "unpaid",
    )


def _line_row(order: NewOrder, line: NewLine, span: Span, node_ids: Mapping[str, UUID]) -> tuple[Any, ...]:
    """As LINE_COLUMNS."""
    v = line.values
    return (
        line.id,
        order.id,
        line.position,
        line.kit_line_id,
        line.is_kit,
        v.external_id,
        v.sku,
        line.name,
        v.quantity,
        v.unit_price,
        v.discount,
        v.tax,
        v.total,
        node_ids[v.node_code] if v.node_code else None,
        *span,
    )


async def known(
    db: Db, *, keys: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[UUID, str, bytes]]:
    """Orders already stored under (channel, external id): their id, number and content hash."""
    found = await capturing.known(db, keys) if keys else {}
    return {key: (row["id"], row["number"], row["body_hash"]) for key, row in found.items()}


async def differences(db: Db, *, pairs: Sequence[tuple[UUID, OrderDraft]]) -> dict[UUID, tuple[str, ...]]:
    """Where repeats differ from what is stored, as paths; `/lines` stands for lines and tenders as a whole."""
    stored = await capturing.stored_content(db, [order_id for order_id, _ in pairs]) if pairs else {}
    told: dict[UUID, tuple[str, ...]] = {}
    for order_id, draft in pairs:
        row, content = stored[order_id], draft.content()
        row_values = {**dict(row), "total": row["total"]}
        content["total"] = draft.computed_total
        paths = [f"/{name}" for name in row_values if name != "id" and row_values[name] != content[name]]
        told[order_id] = tuple(paths) or ("/lines",)
    return told
