"""Lots and serial numbers: what lies where until when, and where the units of a lot have gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Here, Routes
from orderloom.api.problems import Fault, Problem, invalid, refused
from orderloom.api.wire import (
    COUNT_MOST,
    Code,
    FulfillmentId,
    In,
    Limit,
    OrderId,
    Out,
    Page,
    Versioned,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.catalog.store import tracked_of
from orderloom.insight import lot_pages
from orderloom.inventory import lots
from orderloom.inventory.model import LotUnits
from orderloom.journey.recounting import StockInMotion
from orderloom.plumbing.database import Db, Row, UniqueViolation

routes = Routes("inventory")
_FIRST = UUID(int=0)


class LotIn(In):
    """So many units of a lot; a serial number is a lot of one unit."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lot": "L-2026-11", "quantity": 12, "expires_on": "2027-05-31"}]}
    )
    lot: Code
    quantity: Whole
    expires_on: date | None = Field(default=None, description="The last good day; null keeps what is known")

    def units(self) -> LotUnits:
        return LotUnits(self.lot, self.quantity, self.expires_on)


class LotChangeIn(In):
    """Units of a lot more, or less."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lot": "L-2026-11", "on_hand": -2}]})
    lot: Code
    on_hand: Annotated[int, Field(strict=True, ge=-COUNT_MOST, le=COUNT_MOST)]
    expires_on: date | None = None

    def units(self) -> LotUnits:
        return LotUnits(self.lot, self.on_hand, self.expires_on)


class LotOut(Versioned):
    """Units of a lot at one node. What has expired is put aside into quality control."""

    node: str
    sku: str
    lot: str
    expires_on: date | None
    on_hand: int
    allocated: int = Field(description="Bound to work that has not shipped")
    expired: int = Field(description="Put aside, for its last day has passed")
    serial: bool
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class LotTraceOut(Out):
    """Where units of a lot have gone, or are about to: for a recall."""

    order: OrderId
    number: str
    channel: str
    external_id: str
    buyer: dict[str, Any] = Field(description="Name, and ways to reach them")
    fulfillment: FulfillmentId
    node: str
    quantity: int
    shipped: bool
    shipped_at: AwareDatetime | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


async def checked(
    db: Db, *, node_id: UUID, sku: str, total: int, lots: Sequence[LotIn | LotChangeIn], field: str = "/lots"
) -> list[LotUnits]:
    """The lots named, if the item wants any. Raises Problem 422 `lots_required` with what to send."""
    named = [lot.units() for lot in lots]
    kinds = await tracked_of(db, skus=[sku])
    if fault := await lots_fault(db, node_id, sku, kinds.get(sku), total, named):
        raise invalid([Fault(field, "lots_required", fault)])
    return named


async def lots_fault(
    db: Db, node_id: UUID, sku: str, tracked_by: str | None, total: int, named: Sequence[LotUnits]
) -> str | None:
    """What is wrong with the lots named for units of an item, and what to send."""
    if wrong := lots.check(sku=sku, tracked_by=tracked_by, total=total, lots=named):
        return wrong.problem
    if tracked_by == "serial":
        elsewhere = await lots.in_stock_elsewhere(db, node_id=node_id, lots={sku: named})
        for _, serial in elsewhere:
            return f"{serial} of {sku} is in stock at another node: transfer it, or correct the number"
    return None


@contextmanager
def in_motion() -> Iterator[None]:
    """What only shows while it is posted: a rush of claims (Problem 503), a serial number come in twice (409)."""
    try:
        yield
    except StockInMotion as moving:
        raise Problem(503, "busy", str(moving), retry_after_s=1) from None
    except UniqueViolation:
        raise refused(
            "serial_in_stock", "a serial number has come in elsewhere just now: transfer it, or correct it"
        ) from None


@routes.get("/inventory/lots", scope="inventory:read")
async def list_lots(
    call: Here,
    *,
    sku: Code | None = None,
    node: Code | None = None,
    lot: Code | None = None,
    expires_before: date | None = None,
    empty: Annotated[bool, Query(description="Lots with nothing left as well")] = False,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[LotOut]:
    """Lots by SKU, number and node"""
    begin = place(after, str, str, str) or ("", "", "")
    rows = await lot_pages.lots(
        call.db,
        scope=call.scope,
        sku=sku,
        node=node,
        lot=lot,
        expires_before=expires_before,
        empty=empty,
        after=(begin[0], begin[1], begin[2]),
        limit=limit,
    )
    return page_of([LotOut.of(row) for row in rows], limit, lambda x: cursor(x.sku, x.lot, x.node))


@routes.get("/inventory/lots/trace", scope="orders:read")
async def trace_lot(
    call: Here, *, sku: Code, lot: Code, limit: Limit = 50, after: str | None = None
) -> Page[LotTraceOut]:
    """Where a lot has gone: the orders its units were shipped for, or are picked for now"""
    begin = place(after, UUID) or (_FIRST,)
    rows = await lot_pages.trace(call.db, scope=call.scope, sku=sku, lot=lot, after=begin[0], limit=limit)
    return page_of([LotTraceOut.of(row) for row in rows], limit, lambda x: cursor(x.fulfillment))
