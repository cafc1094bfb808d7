"""The log of all changes in commit order, webhooks, and the exceptions that people settle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import not_found, wrong
from orderloom.api.wire import (
    ChannelId,
    Code,
    EventId,
    ExceptionId,
    In,
    Limit,
    NodeId,
    OrderId,
    Out,
    Page,
    Reason,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import order_pages
from orderloom.orders import exceptions
from orderloom.plumbing import events
from orderloom.plumbing.database import Db, Row
from orderloom.plumbing.events import Event
from orderloom.terms import ID_PREFIXES, wire

routes = Routes("events")
OPEN = "Open list: accept values you do not know"
READ_AT_ONCE = 1000
WAIT_MOST_S = 30
LOOK_EVERY_S = 0.25
EventType = Annotated[
    str, Field(strict=True, max_length=80, pattern=r"^[a-z_]+(\.([a-z_]+|\*))?$", examples=["order.*"])
]

# --- the log --------------------------------------------------------------------------------------------------


class EventOut(Out):
    """A change. Consumers drop what is older than the version they have, and see gaps by it."""

    event_id: EventId
    type: str = Field(description=OPEN)
    occurred_at: AwareDatetime
    entity: str = Field(description=OPEN)
    entity_key: str = Field(description="Opaque: the id of what changed")
    version: int | None
    order_id: OrderId | None
    node_id: NodeId | None
    channel_id: ChannelId | None
    actor: str
    request_id: str | None
    reason: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Self:
        key = wire(event.entity, event.entity_id) if event.entity in ID_PREFIXES else event.entity_id.hex
        return cls(**some(event, cls), entity_key=key)


class FeedOut(Out):
    """A part of the log in commit order."""

    data: list[EventOut]
    after: str = Field(description="Give it as `after` to read on; it stands still at the end of the log")


@routes.get("/events", scope="events:read", own=True)
async def read_events(
    call: Here,
    *,
    after: Annotated[str, Query(pattern=r"^\d{1,20}-\d{1,19}$")] = "0-0",
    type: Annotated[list[EventType] | None, Query(max_length=50)] = None,  # noqa: A002 - the word on the wire
    node: Annotated[list[Code] | None, Query(max_length=100)] = None,
    channel: Annotated[list[Code] | None, Query(max_length=100)] = None,
    wait: Annotated[int, Query(ge=0, le=WAIT_MOST_S, description="Seconds to wait for the first event")] = 0,
    limit: Limit = 50,
) -> FeedOut:
    """The log in commit order; nothing is ever skipped"""
    if int(after.split("-")[1]) >= 2**63 or int(after.split("-")[0]) >= 2**64:
        raise wrong(
            "/after", "wrong_cursor", "use the `after` of the page before as it stands", place="query"
        )
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    async with call.desk.database.transaction(readonly=True) as db:
        wants = await _filter(db, call, type, node, channel)
    while True:
        async with call.desk.database.transaction(readonly=True) as db:
            found, after = await _read(db, wants, after, limit)
        if found or loop.time() >= until:
            return FeedOut(data=[EventOut.of(event) for event in found], after=after)
        await asyncio.sleep(LOOK_EVERY_S)


class _Wants:
    """Which events a reader is to see: its own filter within the credential's limits."""

    def __init__(
        self, call: Call, types: Sequence[str] | None, nodes: set[UUID] | None, channels: set[UUID] | None
    ) -> None:
        self._types = types
        self._nodes = nodes
        self._channels = channels
        self._credential = call.credential

    def __call__(self, event: Event) -> bool:
        limits = self._credential
        return (
            (self._types is None or any(_is(event.type, wanted) for wanted in self._types))
            and (self._nodes is None or event.node_id in self._nodes)
            and (self._channels is None or event.channel_id in self._channels)
            and (limits.nodes is None or event.node_id in limits.nodes)
            and (limits.channels is None or event.channel_id in limits.channels)
        )


def _is(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted


async def _filter(
    db: Db,
    call: Call,
    types: Sequence[str] | None,
    nodes: Sequence[str] | None,
    channels: Sequence[str] | None,
) -> _Wants:
    at = set(await network.nodes_of(db, codes=nodes)) if nodes else None
    of = set(await network.channels_of(db, codes=channels)) if channels else None
    return _Wants(call, types, at, of)


async def _read(db: Db, wants: _Wants, after: str, limit: int) -> tuple[list[Event], str]:
    """At most `limit` wanted events, and the cursor of the last one that was looked at."""
    found: list[Event] = []
    for event in await events.read(db, after=after, limit=READ_AT_ONCE):
        if len(found) == limit:
            break
        after = event.cursor
        if wants(event):
            found.append(event)
    return found, after


# --- exceptions -----------------------------------------------------------------------------------------------


class ExceptionOut(Out):
    """A case that a person must settle."""

    id: ExceptionId
    kind: str = Field(description=OPEN)
    order_id: OrderId | None
    order_number: str | None
    detail: str
    way_out: str
    owner: str | None
    due_at: AwareDatetime
    opened_at: AwareDatetime
    resolved_at: AwareDatetime | None
    resolved_by: str | None
    resolution: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**some(row, cls))


class ResolveIn(In):
    """How it was settled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resolution": "called the buyer: address corrected"}]}
    )
    resolution: Reason


@routes.get("/exceptions", scope="orders:read")
async def list_exceptions(
    call: Here,
    *,
    kind: Code | None = None,
    order_id: OrderId | None = None,
    open: Annotated[bool | None, Query(description="Left out: settled ones too")] = True,  # noqa: A002 - the word
    limit: Limit = 50,
    after: str | None = None,
) -> Page[ExceptionOut]:
    """Cases for people, the one due first on top"""
    begin = place(after, datetime, UUID)
    rows = await order_pages.exceptions(
        call.db,
        scope=call.scope,
        kind=kind,
        still_open=open,
        order_id=order_id,
        after=(begin[0], begin[1]) if begin else None,
        limit=limit,
    )
    return page_of(
        [ExceptionOut.of(row) for row in rows], limit, lambda case: cursor(case.due_at, case.id.hex)
    )


@routes.get("/exceptions/{exception_id}", scope="orders:read")
async def get_exception(call: Here, exception_id: ExceptionId) -> ExceptionOut:
    """One case"""
    return await _case(call, exception_id)


@routes.post("/exceptions/{exception_id}/resolve", scope="orders:write", dry_run=True)
async def resolve_exception(call: Here, exception_id: ExceptionId, body: ResolveIn) -> ExceptionOut:
    """Settle a case; settling it again changes nothing"""
    await call.reach("exception", exception_id)
    await exceptions.resolve(call.db, exception_id=exception_id, resolution=body.resolution)
    return await _case(call, exception_id)


async def _case(call: Call, exception_id: UUID) -> ExceptionOut:
    rows = await order_pages.exceptions(call.db, scope=call.scope, key=exception_id, limit=1)
    if not rows:
        raise not_found("exception")
    return ExceptionOut.of(rows[0])
