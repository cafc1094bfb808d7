"""The log of all changes in commit order, webhooks, and the exceptions that people settle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network, sync
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, wrong
from orderloom.api.wire import (
    ChannelId,
    Code,
    DeliveryId,
    EventId,
    ExceptionId,
    In,
    Limit,
    Moment,
    NodeId,
    OrderId,
    Out,
    Page,
    Reason,
    Versioned,
    WebhookId,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import order_pages
from orderloom.journey.publishing import WEBHOOK
from orderloom.orders import exceptions
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db, Row
from orderloom.plumbing.events import Event
from orderloom.plumbing.outbound import Forbidden
from orderloom.sync import endpoints, store
from orderloom.sync.model import Delivery, Webhook
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


# --- webhooks -------------------------------------------------------------------------------------------------


class WebhookIn(In):
    """An endpoint of yours: https, with a public address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://hooks.example.com/orderloom", "types": ["order.*"]}]}
    )
    url: Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
    types: list[EventType] = Field(default=[], max_length=100, description="None: every event")
    fat: bool = Field(default=False, description="Send the order along, not only its id")


class WebhookPatchIn(In):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False, "reason": "moving house"}]})
    url: Annotated[str, Field(strict=True, min_length=1, max_length=2000)] | None = None
    types: Annotated[list[EventType], Field(max_length=100)] | None = None
    fat: bool | None = None
    active: bool | None = None
    reason: Reason = "switched off by its owner"


class WebhookOut(Versioned):
    """An endpoint, and how it fares."""

    id: WebhookId
    url: str
    types: list[str]
    fat: bool
    active: bool
    disabled_at: AwareDatetime | None
    problem: str | None
    failures: int
    failing_since: AwareDatetime | None
    retry_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        return cls(**some(webhook, cls))


class WebhookSecretOut(WebhookOut):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class DeliveryOut(Out):
    """One event for one endpoint."""

    id: DeliveryId
    event_id: EventId
    type: str
    status: str = Field(description=OPEN)
    attempts: int
    response: int | None
    problem: str | None
    created_at: AwareDatetime
    done_at: AwareDatetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(**some(delivery, cls))


class AttemptOut(Out):
    """What an endpoint answered, or why it did not."""

    response: int | None
    problem: str | None
    took_ms: int
    tried_at: AwareDatetime


class AttemptsOut(Out):
    """Every attempt at a delivery, oldest first."""

    attempts: list[AttemptOut]


class ReplayIn(In):
    """Which deliveries to make again: these, or all of a span of time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-03-02T00:00:00Z"}]})
    delivery_ids: list[DeliveryId] = Field(default=[], max_length=1000)
    since: Moment | None = None
    until: Moment | None = None


class ReplayOut(Out):
    """How many deliveries are on their way again."""

    replayed: int


@routes.post("/webhooks", scope="config:write", status=201)
async def create_webhook(call: Here, body: WebhookIn) -> WebhookSecretOut:
    """Register an endpoint; its secret is shown this once"""
    _refuse_limited(call)
    try:
        made = await sync.register(call.db, url=body.url, types=body.types, fat=body.fat)
    except Forbidden as why:
        raise _forbidden(why) from None
    return WebhookSecretOut(**some(made, WebhookSecretOut))


@routes.get("/webhooks", scope="config:read")
async def list_webhooks(call: Here, *, limit: Limit = 50, after: str | None = None) -> Page[WebhookOut]:
    """Endpoints, oldest first"""
    _refuse_limited(call)
    begin = place(after, UUID)
    every = (await store.webhooks(call.db)).values()
    rest = [webhook for webhook in every if begin is None or webhook.id > begin[0]]
    return page_of([WebhookOut.of(one) for one in rest[: limit + 1]], limit, lambda one: cursor(one.id.hex))


@routes.get("/webhooks/{webhook_id}", scope="config:read")
async def get_webhook(call: Here, webhook_id: WebhookId) -> WebhookOut:
    """One endpoint"""
    return await _webhook(call, webhook_id)


@routes.patch("/webhooks/{webhook_id}", scope="config:write")
async def change_webhook(call: Here, webhook_id: WebhookId, body: WebhookPatchIn) -> WebhookOut:
    """Change an endpoint, switch it off or on; it is never deleted"""
    call.expect((await _webhook(call, webhook_id)).version)
    if body.url is not None or body.types is not None or body.fat is not None:
        try:
            await endpoints.change(
                call.db, webhook_id=webhook_id, url=body.url, types=body.types, fat=body.fat
            )
        except Forbidden as why:
            raise _forbidden(why) from None
    if body.active is False:
        await sync.disable(call.db, webhook_id=webhook_id, reason=body.reason, now=call.now)
    elif body.active:
        await journeys.wake(call.db, WEBHOOK.of, await sync.enable(call.db, webhook_id=webhook_id))
    return await _webhook(call, webhook_id)


@routes.post("/webhooks/{webhook_id}/rotate-secret", scope="config:write")
async def rotate_webhook_secret(call: Here, webhook_id: WebhookId) -> WebhookSecretOut:
    """A new secret; for a day everything is signed by the old one too"""
    await _webhook(call, webhook_id)
    made = await endpoints.rotate_secret(call.db, webhook_id=webhook_id, now=call.now)
    return WebhookSecretOut(**some(made, WebhookSecretOut))


@routes.get("/webhooks/{webhook_id}/deliveries", scope="config:read")
async def list_deliveries(
    call: Here,
    webhook_id: WebhookId,
    *,
    status: Code | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[DeliveryOut]:
    """An endpoint's deliveries, newest first"""
    await _webhook(call, webhook_id)
    begin = place(after, UUID)
    found = await store.deliveries_of(
        call.db, webhook_id, status=status, after=begin[0] if begin else None, limit=limit + 1
    )
    return page_of([DeliveryOut.of(one) for one in found], limit, lambda one: cursor(one.id.hex))


@routes.get("/webhook-deliveries/{delivery_id}/attempts", scope="config:read")
async def list_attempts(call: Here, delivery_id: DeliveryId) -> AttemptsOut:
    """Every attempt at a delivery, oldest first"""
    _refuse_limited(call)
    found = await store.attempts_of(call.db, delivery_id)
    return AttemptsOut(attempts=[AttemptOut(**some(one, AttemptOut)) for one in found])


@routes.post("/webhooks/{webhook_id}/replay", scope="config:write")
async def replay_webhook(call: Here, webhook_id: WebhookId, body: ReplayIn) -> ReplayOut:
    """Make deliveries again, by id or by span of time"""
    await _webhook(call, webhook_id)
    spanned = not body.delivery_ids
    if spanned and body.since is None:
        raise invalid([Fault("/since", "required", "name deliveries, or the moment from which to begin")])
    again = await sync.replay(
        call.db,
        delivery_ids=body.delivery_ids,
        webhook_id=webhook_id if spanned else None,
        since=body.since,
        until=body.until,
    )
    for delivery in again:
        await journeys.rewind(call.db, WEBHOOK, delivery, to=WEBHOOK.steps[0].name)
    return ReplayOut(replayed=len(again))


async def _webhook(call: Call, webhook_id: UUID) -> WebhookOut:
    _refuse_limited(call)
    found = (await store.webhooks(call.db, ids=[webhook_id])).get(webhook_id)
    if found is None:
        raise not_found("webhook")
    return WebhookOut.of(found)


def _refuse_limited(call: Call) -> None:
    """An endpoint hears of all nodes and channels, so a key limited to some neither makes nor sees one."""
    if call.credential.limited:
        raise not_found("webhook")


def _forbidden(why: Forbidden) -> Exception:
    return invalid([Fault("/url", "forbidden_address", str(why))])
