"""From the event log to queued notices: which events concern which buyers, in their words; and alerts to our own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from orderloom.network import channels_of
from orderloom.network.model import Channel
from orderloom.notices import store
from orderloom.notices.model import Alert, Facts, NewNotice, Way
from orderloom.notices.rules import ALERT, LOCALES, RULES, Rule, key_of, locale_of, silent, ways
from orderloom.notices.wording import render
from orderloom.orders.model import Line, Order
from orderloom.orders.reading import lines_of, orders_of
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event


async def telling(db: Db, *, events: Sequence[Event]) -> list[UUID]:
    """Queue what these events have to tell to buyers, each once an (order, event, trigger, way); returns the new ids.

    A reader of the event log calls it in the transaction that moves its cursor, and starts a journey for each id.
    """
    telltale = [(e, RULES[e.type], e.order_id) for e in events if e.type in RULES and e.order_id is not None]
    if not telltale:
        return []
    order_ids = sorted({order_id for _, _, order_id in telltale})
    orders = await orders_of(db, order_ids)
    lines = await lines_of(db, order_ids)
    channels = await channels_of(db, ids={order.channel_id for order in orders.values()})
    notices: list[NewNotice] = []
    for event, rule, order_id in telltale:
        order = orders[order_id]
        channel = channels[order.channel_id]
        if not silent(flags=order.flags, decide_as_of=order.decide_as_of, buyer=order.buyer):
            notices += _notices(event, rule, order, lines.get(order_id, []), channel)
    return await store.add(db, notices) if notices else []


async def alert(db: Db, *, alerts: Sequence[Alert]) -> list[UUID]:
    """Queue what people of the house are to be told, each once an (order, who asked for it, recipient); the new ids.

    Of history nobody is told anything.
    """
    orders = await orders_of(db, sorted({one.order_id for one in alerts}))
    channels = await channels_of(db, ids={order.channel_id for order in orders.values()})
    notices = []
    for one in alerts:
        order = orders[one.order_id]
        if order.decide_as_of is not None or silent(flags=order.flags, decide_as_of=None, buyer=order.buyer):
            continue
        facts = Facts(
            values={
                "shop": channels[order.channel_id].name,
                "number": order.number,
                "name": str(order.buyer.get("name") or order.ship_to.name),
                "city": order.ship_to.city,
                "says": one.says,
                "by": one.by,
            }
        )
        content = render(template=ALERT, locale=LOCALES[0], facts=facts)
        for recipient in one.to:
            trigger = uuid5(order.id, f"{one.by}|{recipient}")
            notices.append(
                NewNotice(
                    order_id=order.id,
                    event=ALERT,
                    trigger_id=trigger,
                    channel=Way.EMAIL,
                    recipient=recipient,
                    locale=LOCALES[0],
                    key=key_of(order_id=order.id, template=ALERT, trigger_id=trigger, way=Way.EMAIL),
                    content=content,
                )
            )
    return await store.add(db, notices) if notices else []


def _notices(
    event: Event, rule: Rule, order: Order, lines: Sequence[Line], channel: Channel
) -> list[NewNotice]:
    told_over = ways(order.buyer, default=channel.notices)
    if not told_over:
        return []
    locale = locale_of(order.buyer)
    facts = _facts(event, order, lines, channel)
    content = render(template=rule.template, locale=locale, facts=facts)
    trigger_id = event.event_id if rule.again else event.entity_id
    return [
        NewNotice(
            order_id=order.id,
            event=rule.template,
            trigger_id=trigger_id,
            channel=way,
            recipient=recipient,
            locale=locale,
            key=key_of(order_id=order.id, template=rule.template, trigger_id=trigger_id, way=way),
            content=content,
        )
        for way, recipient in told_over
    ]


def _facts(event: Event, order: Order, lines: Sequence[Line], channel: Channel) -> Facts:
    told = event.data
    numbers = told.get("tracking_numbers") or (
        [told["tracking_number"]] if told.get("tracking_number") else []
    )
    return Facts(
        values={
            "shop": channel.name,
            "zone": channel.time_zone,
            "number": order.number,
            "name": str(order.buyer.get("name") or order.ship_to.name),
            "city": order.ship_to.city,
            "currency": order.currency,
            "total": order.total,
            # A date that will not be kept is not said again.
            "promise_at": None if order.late else order.promise_at,
            "lines": [
                {"name": line.name, "quantity": line.quantity, "total": line.total}
                for line in lines
                if line.kit_line_id is None
            ],
            "carrier": str(told.get("carrier") or ""),
            "tracking_numbers": [str(number) for number in numbers],
            "amount": _whole(told.get("amount"), order.total),
            "return_number": str(told.get("number") or ""),
            "delivered_at": _moment(told.get("delivered_at")),
        }
    )


def _whole(amount: Any, otherwise: int) -> int:
    return amount if isinstance(amount, int) else otherwise


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
