"""Orders as they stand: one with all that hangs on it, lists by any filters, the timeline."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import not_found, wrong
from orderloom.api.wire import (
    AddressOut,
    Code,
    EventId,
    ExceptionId,
    ExternalId,
    FulfillmentId,
    HoldId,
    LabelId,
    Limit,
    LineId,
    Moment,
    Money,
    OrderId,
    Out,
    Page,
    ReturnId,
    ShipmentId,
    SliceId,
    Text,
    Versioned,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import order_pages
from orderloom.insight.order_document import OrderDocument, order_document
from orderloom.plumbing import events
from orderloom.plumbing.database import Row
from orderloom.plumbing.events import Event
from orderloom.terms import Address, Rank, rollup

routes = Routes("orders")
OPEN = "Open list: accept values you do not know"


class SliceOut(Out):
    """Units of a line that share one status, one node, one fulfillment order."""

    id: SliceId
    quantity: int
    status: str = Field(description=OPEN)
    node: str | None
    fulfillment_id: FulfillmentId | None


class LineOut(Out):
    """A line; a kit's own line has no slices, its components carry quantity and money."""

    id: LineId
    position: int
    sku: str
    name: str
    quantity: int
    status: str = Field(description=OPEN)
    external_id: str | None
    is_kit: bool
    kit_line_id: LineId | None
    node: str | None
    unit_price: Money
    discount: Money
    tax: Money
    total: Money
    slices: list[SliceOut]


class FulfillmentBrief(Out):
    """The work on the order at one node."""

    id: FulfillmentId
    number: str
    node: str
    status: str = Field(description=OPEN)
    request_status: str = Field(description=OPEN)
    units_status: str = Field(description=OPEN)
    carrier: str | None
    service: str | None
    ship_by: AwareDatetime | None
    version: int


class ParcelOut(Out):
    """A parcel by its label."""

    label_id: LabelId
    purpose: str
    shipment_id: ShipmentId | None
    fulfillment_id: FulfillmentId | None
    return_id: ReturnId | None
    carrier: str
    service: str
    label_status: str = Field(description=OPEN)
    tracking_number: str | None
    tracking_status: str | None = Field(description=OPEN)
    delivered_at: AwareDatetime | None


class HoldOut(Out):
    """An overlay that blocks the steps it names."""

    id: HoldId
    order_id: OrderId
    type: str = Field(description=OPEN)
    blocks: list[str]
    note: str | None
    raised_by: str
    raised_at: AwareDatetime
    due_at: AwareDatetime
    cleared_at: AwareDatetime | None
    cleared_by: str | None


class ExceptionBrief(Out):
    """A case that a person must settle."""

    id: ExceptionId
    kind: str = Field(description=OPEN)
    detail: str
    way_out: str
    due_at: AwareDatetime


class ReturnBrief(Out):
    """A return of this order."""

    id: ReturnId
    number: str
    status: str = Field(description=OPEN)
    created_at: AwareDatetime


class MoneyOut(Out):
    """The order's figures, and what has become of the money."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    adjustment: Money
    total: Money
    authorized: Money | None = None
    captured: Money | None = None
    refunded: Money | None = None


class BuyerOut(Out):
    """Who bought."""

    id: str | None = Field(default=None, description="Opaque: the channel's own id of the buyer")
    name: str = ""
    email: str | None = None
    phone: str | None = None
    notify: list[str] = Field(default=[])
    locale: str | None = None


class OrderBrief(Versioned):
    """An order in a list."""

    id: OrderId
    number: str
    channel: str
    external_id: str
    placed_at: AwareDatetime
    lifecycle: str = Field(description=OPEN)
    status: str = Field(
        description="The fulfillment axis: lowest and highest status of its units in one word"
    )
    lowest_status: str = Field(description=OPEN)
    highest_status: str = Field(description=OPEN)
    payment_status: str = Field(description=OPEN)
    return_status: str = Field(description=OPEN)
    late: bool
    service_level: str
    priority: int
    tags: list[str]
    flags: list[dict[str, Any]]
    promise_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    ship_complete: bool
    buyer: BuyerOut
    ship_to: AddressOut
    total: Money
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row, **more: Any) -> Self:
        plain: dict[str, Any] = {name: row[name] for name in OrderBrief.model_fields if name in row}
        return cls(
            **{
                **plain,
                "status": rollup(row["min_rank"], row["max_rank"]),
                "lowest_status": Rank(row["min_rank"]).word,
                "highest_status": Rank(row["max_rank"]).word,
                "buyer": BuyerOut(**row["buyer"]),
                "ship_to": AddressOut.of(Address.of(row["ship_to"])),
                "total": Money.of(row["total"], row["currency"]),
                **more,
            }
        )


class OrderOut(OrderBrief):
    """An order with all that hangs on it."""

    lines: list[LineOut]
    fulfillments: list[FulfillmentBrief]
    parcels: list[ParcelOut]
    holds: list[HoldOut]
    exceptions: list[ExceptionBrief]
    returns: list[ReturnBrief]
    money: MoneyOut
    supported_actions: list[str] = Field(description="What may be asked of it now. " + OPEN)


class OrderPageOut(Page[OrderBrief]):
    """A part of the list of orders."""

    count: int | None = Field(
        default=None, description="With `count=true`: how many match, counted up to 10,000"
    )


class TimelineEntry(Out):
    """Something that happened to the order or to what hangs on it."""

    event_id: EventId
    type: str = Field(description=OPEN)
    occurred_at: AwareDatetime
    actor: str
    request_id: str | None
    reason: str | None
    version: int | None
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


@routes.get("/orders", scope="orders:read")
async def list_orders(
    call: Here,
    *,
    status: Annotated[
        str | None, Query(description="Any unit has it: created … delivered, cancelled")
    ] = None,
    lowest_rank: Annotated[int | None, Query(ge=100, le=900)] = None,
    highest_rank: Annotated[int | None, Query(ge=100, le=900)] = None,
    lifecycle: Code | None = None,
    payment_status: Code | None = None,
    return_status: Code | None = None,
    hold: Code | None = None,
    tag: Code | None = None,
    channel: Code | None = None,
    node: Code | None = None,
    sku: Code | None = None,
    external_id: ExternalId | None = None,
    number: Code | None = None,
    tracking_number: Code | None = None,
    customer: Annotated[Text | None, Query(description="E-mail, or the channel's id of the buyer")] = None,
    promised_from: Moment | None = None,
    promised_to: Moment | None = None,
    placed_from: Moment | None = None,
    placed_to: Moment | None = None,
    updated_from: Moment | None = None,
    updated_to: Moment | None = None,
    late: bool | None = None,
    open_exceptions: bool | None = None,
    text: Annotated[Text | None, Query(description="Ids, names, e-mail, city, SKU, tracking number")] = None,
    sort: Literal["updated_at", "placed_at"] = "updated_at",
    count: Annotated[bool, Query(description="Count the matches as well, up to 10,000")] = False,
    limit: Limit = 50,
    after: str | None = None,
) -> OrderPageOut:
    """Orders that match all filters, newest first"""
    given: dict[str, Any] = dict(locals())
    filters = {name: given[name] for name in order_pages.FILTERS if name in given}
    filters |= {"min_rank": lowest_rank, "max_rank": highest_rank, "status": _rank(status)}
    begin = place(after, datetime, UUID)
    rows = await order_pages.orders(
        call.db,
        scope=call.scope,
        filters=filters,
        sort=sort,
        before=(begin[0], begin[1]) if begin else None,
        limit=limit,
    )
    page = page_of([OrderBrief.of(row) for row in rows], limit, lambda o: cursor(getattr(o, sort), o.id.hex))
    matches = await order_pages.count(call.db, scope=call.scope, filters=filters) if count else None
    return OrderPageOut(data=page.data, after=page.after, count=matches)


def _rank(word: str | None) -> int | None:
    if word is None:
        return None
    try:
        return int(Rank[word.upper()])
    except KeyError:
        known = ", ".join(rank.word for rank in Rank)
        raise wrong(
            "/status", "unknown_value", f"no status {word!r}: choose from {known}", place="query"
        ) from None


@routes.get("/orders/{order_id}", scope="orders:read")
async def get_order(call: Here, order_id: OrderId) -> OrderOut:
    """One order with all that hangs on it"""
    return await read_order(call, order_id)


@routes.get("/orders/{order_id}/timeline", scope="orders:read")
async def get_timeline(
    call: Here, order_id: OrderId, *, limit: Limit = 50, after: str | None = None
) -> Page[TimelineEntry]:
    """What happened to the order, oldest first"""
    await call.reach("order", order_id)
    begin = place(after, int)
    found = await events.of_order(call.db, order_id, after=begin[0] if begin else 0, limit=limit + 1)
    page = page_of(found, limit, lambda event: cursor(int(event.cursor.rpartition("-")[2])))
    return Page[TimelineEntry](data=[TimelineEntry.of(event) for event in page.data], after=page.after)


async def read_order(call: Call, order_id: UUID) -> OrderOut:
    """The order as it stands in this transaction. Raises Problem 404."""
    document = await order_document(call.db, scope=call.scope, order_id=order_id)
    if document is None:
        raise not_found("order")
    return _order_out(document)


def _order_out(document: OrderDocument) -> OrderOut:
    row = document.order
    currency = row["currency"]
    slices: dict[UUID, list[SliceOut]] = defaultdict(list)
    for piece in document.slices:
        slices[piece["line_id"]].append(
            SliceOut(**{**some(piece, SliceOut), "status": Rank(piece["rank"]).word})
        )
    return OrderOut.of(
        row,
        lines=[_line_out(line, slices[line["id"]], currency) for line in document.lines],
        fulfillments=[
            FulfillmentBrief(
                **some(work, FulfillmentBrief), units_status=rollup(work["min_rank"], work["max_rank"])
            )
            for work in document.fulfillments
        ],
        parcels=[
            ParcelOut(
                **{
                    **some(parcel, ParcelOut),
                    "label_status": parcel["label"],
                    "tracking_status": parcel["status"],
                }
            )
            for parcel in document.parcels
        ],
        holds=[HoldOut(**some(hold, HoldOut)) for hold in document.holds],
        exceptions=[ExceptionBrief(**some(case, ExceptionBrief)) for case in document.exceptions],
        returns=[ReturnBrief(**some(back, ReturnBrief)) for back in document.returns],
        money=MoneyOut(
            **{
                name: Money.of((row if name in row else document.money)[name], currency)
                for name in MoneyOut.model_fields
            }
        ),
        supported_actions=_supported(document),
    )


def _line_out(line: Row, slices: list[SliceOut], currency: str) -> LineOut:
    amounts = {name: Money.of(line[name], currency) for name in ("unit_price", "discount", "tax", "total")}
    status = rollup(line["min_rank"], line["max_rank"])
    return LineOut(**{**some(line, LineOut), **amounts, "status": status, "slices": slices})


def _supported(document: OrderDocument) -> list[str]:
    row = document.order
    if row["lifecycle"] == "cancelled":
        return ["edit_notes"]
    found = ["edit_notes", "hold"]
    if any(piece["rank"] < Rank.SHIPPED for piece in document.slices):
        found += ["cancel", "edit"]
    if any(hold["cleared_at"] is None for hold in document.holds):
        found.append("clear_hold")
    if any(Rank.SHIPPED <= piece["rank"] <= Rank.DELIVERED for piece in document.slices):
        found.append("return")
    return found
