"""The list of orders: the address is its whole state; rows come by key, the panel beside them on demand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response, StreamingResponse

from orderloom.console.access import Visitor, needs, reading, the_database
from orderloom.console.page import page
from orderloom.console.spreadsheet import csv_lines
from orderloom.console.words import rank_word
from orderloom.insight import orders_list, overview
from orderloom.insight.orders_list import FILTERS, VIEWS, Key, OrderQuery
from orderloom.insight.scope import Scope
from orderloom.insight.search import MATCHES_MAX, matching
from orderloom.plumbing import clock
from orderloom.plumbing.database import Database, Db, Row
from orderloom.terms import Rank

router = APIRouter()
May = Annotated[Visitor, Depends(needs("orders:read"))]
PAGE = 50
EXPORT_MAX = 50_000

PAYMENTS = (
    "unpaid",
    "pending",
    "authorized",
    "partially_paid",
    "paid",
    "partially_refunded",
    "refunded",
    "voided",
    "expired",
)
LIFECYCLES = ("draft", "open", "closed", "cancelled")
RETURNS = ("none", "requested", "open", "partially_returned", "returned")
RANKS = {str(int(rank)) for rank in Rank}
SERVICES = ("standard", "expedited", "overnight")


@dataclass(frozen=True, slots=True)
class Asked:
    """The address, read: what to list and where the page begins."""

    query: OrderQuery
    text: str
    after: Key | None
    params: dict[str, Any]


def read(given: QueryParams) -> Asked:
    """The list's state out of the address. What is not understood is left out, so that old links still work."""
    filters = {name: [v for v in given.getlist(name) if v] for name in FILTERS}
    filters["status"] = [v for v in filters["status"] if v in RANKS]
    view = given.get("view", "open")
    query = OrderQuery(
        view=view if view in VIEWS else "open",
        filters={name: values for name, values in filters.items() if values},
        placed_from=_date(given.get("from")),
        placed_to=_date(given.get("to")),
        late=given.get("late") == "1",
    )
    text = " ".join(given.get("q", "").replace("\0", "").split())[:100]
    params = {
        "view": query.view, "q": text, **query.filters,
        "from": given.get("from") if query.placed_from else None,
        "to": given.get("to") if query.placed_to else None,
        "late": "1" if query.late else None,
    }  # fmt: skip
    return Asked(query, text, _key(given.get("after")), params)


@router.get("/orders")
async def show(request: Request, who: May) -> Response:
    asked = read(request.query_params)
    async with reading(request) as db:
        query = await _searched(db, asked)
        rows = await orders_list.page(db, scope=who.scope, query=query, after=asked.after, limit=PAGE)
        counts = await orders_list.counts(db, scope=who.scope, query=query)
        choices = await orders_list.choices(db, scope=who.scope)
        alerts = await overview.needing_people(db, scope=who.scope, now=clock.now())
    more = cursor(rows[PAGE - 1]) if len(rows) > PAGE else None
    return page(
        request,
        "orders.html",
        fragment="_orders.html",
        rows=rows[:PAGE],
        counts=counts,
        alerts=alerts,
        params=asked.params,
        asked=asked.query,
        text=asked.text,
        cut=len(query.among or ()) == MATCHES_MAX,
        more=more,
        first=asked.after is None,
        choices={
            "channel": choices.get("channel", []),
            "node": choices.get("node", []),
            "status": [(str(int(rank)), rank_word(rank)) for rank in Rank],
            "payment": [(value, value.replace("_", " ")) for value in PAYMENTS],
            "lifecycle": [(value, value) for value in LIFECYCLES],
            "return": [(value, value.replace("_", " ")) for value in RETURNS],
            "service": [(value, value) for value in SERVICES],
            "hold": [(value, value.replace("_", " ")) for value, _ in choices.get("hold", [])],
            "exception": [(value, value.replace("_", " ")) for value, _ in choices.get("exception", [])],
            "tag": choices.get("tag", []),
        },
    )


async def _searched(db: Db, asked: Asked) -> OrderQuery:
    """The query with what its text has found, looked up once for the rows and all counts."""
    return replace(asked.query, among=await matching(db, text=asked.text)) if asked.text else asked.query


HEADER = (
    "number", "external_id", "channel", "placed_at", "buyer", "city", "region", "country", "currency", "total_minor",
    "lifecycle", "fulfillment_status", "payment_status", "return_status", "late", "promise_at", "units", "nodes",
    "holds", "exceptions", "tags",
)  # fmt: skip


@router.get("/orders.csv")
async def export(request: Request, who: May) -> Response:
    """The list as a file, at most EXPORT_MAX rows, in the same order."""
    asked = read(request.query_params)
    database, scope = the_database(request), who.scope
    async with reading(request) as db:
        query = await _searched(db, asked)
    name = f"orders-{asked.query.view}-{clock.now():%Y%m%d-%H%M}.csv"

    async def lines() -> AsyncIterator[str]:
        for line in csv_lines(HEADER, ()):
            yield line
        async for rows in _pages(database, scope, query):
            for line in list(csv_lines(HEADER, (_cells(row) for row in rows)))[1:]:
                yield line

    return StreamingResponse(
        lines(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _pages(database: Database, scope: Scope, query: OrderQuery) -> AsyncIterator[list[Row]]:
    size, sent, after = orders_list.PAGE_MAX - 1, 0, None
    while sent < EXPORT_MAX:
        async with database.transaction(readonly=True) as db:
            rows = await orders_list.page(db, scope=scope, query=query, after=after, limit=size)
        yield rows[:size]
        if len(rows) <= size:
            return
        after, sent = Key(rows[size - 1]["placed_at"], rows[size - 1]["id"]), sent + size


def _cells(row: Row) -> list[object]:
    return [
        row["number"], row["external_id"], row["channel"], row["placed_at"].isoformat(), row["buyer"], row["city"],
        row["region"], row["country"], row["currency"], row["total"], row["lifecycle"],
        rank_word(row["min_rank"], row["max_rank"]), row["payment_status"], row["return_status"],
        "yes" if row["late"] else "no", row["promise_at"].isoformat() if row["promise_at"] else "", row["units"],
        " ".join(row["nodes"] or ()), " ".join(row["holds"]), " ".join(row["exceptions"]), " ".join(row["tags"]),
    ]  # fmt: skip


def cursor(row: Row) -> str:
    """The place after a row, for the address."""
    return (
        base64.urlsafe_b64encode(f"{row['placed_at'].isoformat()}|{row['id'].hex}".encode())
        .decode()
        .rstrip("=")
    )


def _key(text: str | None) -> Key | None:
    if not text:
        return None
    try:
        placed_at, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
        return Key(datetime.fromisoformat(placed_at), UUID(hex=key))
    except (ValueError, binascii.Error):
        return None


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
