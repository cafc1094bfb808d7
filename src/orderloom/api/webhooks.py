"""Webhooks: endpoints registered, changed, switched off and on; their deliveries seen and made again."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import sync
from orderloom.api.door import Call, Here, Routes
from orderloom.api.feed import OPEN, EventType
from orderloom.api.problems import Fault, invalid, not_found
from orderloom.api.wire import (
    Code,
    DeliveryId,
    EventId,
    In,
    Limit,
    Moment,
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
from orderloom.journey.publishing import WEBHOOK
from orderloom.plumbing import journeys
from orderloom.plumbing.outbound import Forbidden
from orderloom.sync import endpoints
from orderloom.sync.model import Delivery, Webhook
from orderloom.sync.store import webhooks as store

routes = Routes("webhooks")


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
