"""The values of notices: what is to be told, to whom, and what a sender answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID


class Way(StrEnum):
    """How a buyer is told."""

    EMAIL = "email"
    SMS = "sms"
    APP = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A notice in its buyer's language, for ways with and without markup."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice about to be stored. `trigger_id` is what it is told about: told once a way, whatever happens."""

    order_id: UUID
    event: str
    trigger_id: UUID
    channel: Way
    recipient: str
    locale: str
    key: str
    content: Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What the house's own people are to be told about an order, by e-mail, and by whose order."""

    order_id: UUID
    to: tuple[str, ...]
    says: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice as it is stored."""

    id: UUID
    order_id: UUID
    event: str
    trigger_id: UUID
    channel: Way
    recipient: str
    locale: str
    subject: str
    body: str
    html: str
    key: str
    status: str
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One call to a sender. `key` is the same however often it is made, and goes out with the message."""

    subject: UUID
    provider: str
    key: str
    recipient: str
    title: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has taken it."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider will never take it as it stands."""

    code: str
    message: str


Answer: TypeAlias = Sent | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a template may speak of: plain values, no rows and no objects."""

    values: Mapping[str, Any]
