"""The values of webhooks: endpoints, what is to be posted to them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint. `types` are event types, or "order.*" for all that begin so; none means every event.

    `failing_since` is when it last began to fail, `retry_at` when it is tried again; both are None while it answers.
    """

    id: UUID
    url: str
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    types: tuple[str, ...]
    fat: bool
    active: bool
    disabled_at: datetime | None
    problem: str | None
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    body: Mapping[str, Any]
    status: str
    attempts: int
    response: int | None
    problem: str | None
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of the log: what an endpoint answered, or why it did not."""

    response: int | None
    problem: str | None
    took_ms: int | None
    tried_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One signed call. `provider` is the endpoint, so that a slow one has its own lane."""

    subject: UUID
    provider: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint said."""

    status: int
    took_ms: int

    @property
    def taken(self) -> bool:
        """Only 2xx means that it has the event: a redirect is not followed."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The endpoint asks not to be called again."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class NoReply:
    """It could not be asked, or did not answer in time."""

    problem: str


Answer: TypeAlias = Reply | NoReply


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An event about to be queued for an endpoint."""

    webhook_id: UUID
    event_id: UUID
    type: str
    body: Mapping[str, Any]
