"""What an endpoint is told of an event. Pure: the same event makes the same body, whenever it is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orderloom.orders.model import Order
from orderloom.plumbing.events import Event
from orderloom.terms import ID_PREFIXES, Money, wire

VERSION = "2026-11-01"


def body_of(event: Event, *, order: Order | None, fat: bool) -> dict[str, Any]:
    """Ids and version for a thin endpoint; for a fat one also what the event says, and the order as it stands."""
    body: dict[str, Any] = {
        "id": wire("event", event.event_id),
        "api_version": VERSION,
        "type": event.type,
        "occurred_at": event.occurred_at.isoformat(),
        "entity": event.entity,
        "entity_id": _wired(event.entity, event.entity_id),
        "version": event.version,
        "order_id": _wired("order", event.order_id),
        "node_id": _wired("node", event.node_id),
        "channel_id": _wired("channel", event.channel_id),
    }
    if fat:
        body["data"] = event.data
        body["order"] = _order(order) if order is not None else None
    return body


def encoded(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent: the same over all attempts."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _order(order: Order) -> dict[str, Any]:
    # The buyer is left out: who needs name and address asks the API, where reading them is logged.
    return {
        "id": wire("order", order.id),
        "number": order.number,
        "external_id": order.external_id,
        "channel_id": wire("channel", order.channel_id),
        "lifecycle": order.lifecycle,
        "status": order.status,
        "payment_status": order.payment_status,
        "return_status": order.return_status,
        "late": order.late,
        "total": Money(order.total, order.currency).json(),
        "placed_at": order.placed_at.isoformat(),
        "promise_at": order.promise_at.isoformat() if order.promise_at else None,
        "delivered_at": order.delivered_at.isoformat() if order.delivered_at else None,
        "tags": list(order.tags),
        "version": order.version,
    }


def _wired(kind: str, value: UUID | None) -> str | None:
    if value is None:
        return None
    return wire(kind, value) if kind in ID_PREFIXES else value.hex
