"""What a sourcing rule asks to be done with an order that was routed by it: tags, a priority, a hold, people told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orderloom import notices
from orderloom.journey.notifying import NOTICE
from orderloom.notices.model import Alert
from orderloom.orders import axes, holds
from orderloom.orders.holds import NewHold
from orderloom.orders.model import Order
from orderloom.plumbing import journeys
from orderloom.plumbing.database import Db
from orderloom.routing.model import Decision

_DUE = timedelta(days=1)


async def see_to(
    db: Db, *, orders: Mapping[UUID, Order], decided: Mapping[UUID, Decision]
) -> Mapping[UUID, Order]:
    """Do it, for orders that a plan was found for; returns the orders as they are now. What is so already is left."""
    asked = {
        order: (decision.sourced.told, decision.request.now)
        for order, decision in decided.items()
        if decision.plan is not None and decision.sourced is not None and decision.sourced.told.get("then")
    }
    if not asked:
        return orders
    await _hold(db, asked)
    await _tell(db, asked)
    changed = dict(orders)
    for order_id, (told, _) in asked.items():
        then, order = told["then"], orders[order_id]
        tags = [*order.tags, *(tag for tag in then.get("add_tags", ()) if tag not in order.tags)]
        changed[order_id] = replace(order, tags=tags, priority=then.get("priority", order.priority))
    edits = {
        order_id: (list(order.tags), order.priority)
        for order_id, order in changed.items()
        if (list(order.tags), order.priority) != (list(orders[order_id].tags), orders[order_id].priority)
    }
    reasons = {order_id: f"asked by {_by(asked[order_id][0])}" for order_id in edits}
    await axes.edit_all(db, edits=edits, reasons=reasons)
    return changed


async def _hold(db: Db, asked: Mapping[UUID, tuple[Mapping[str, Any], datetime]]) -> None:
    """Once an order and rule: whoever cleared it said that the order may go."""
    notes = {
        order_id: (f"{told['then']['hold']} ({_by(told)})", now + _DUE)
        for order_id, (told, now) in asked.items()
        if told["then"].get("hold")
    }
    if not notes:
        return
    before = {(hold.order_id, hold.note) for hold in await holds.holds_of(db, orders=list(notes))}
    await holds.raise_holds(
        db,
        holds=[
            NewHold(order_id=order_id, type="manual", blocks=("release",), due_at=due, note=note)
            for order_id, (note, due) in notes.items()
            if (order_id, note) not in before
        ],
    )


async def _tell(db: Db, asked: Mapping[UUID, tuple[Mapping[str, Any], datetime]]) -> None:
    """Once an order and rule, however often it is routed by it."""
    alerts = [
        Alert(order_id=order_id, to=tuple(notify["to"]), says=notify["says"], by=_by(told))
        for order_id, (told, _) in sorted(asked.items())
        if (notify := told["then"].get("notify"))
    ]
    if alerts and (fresh := await notices.alert(db, alerts=alerts)):
        await journeys.start(db, NOTICE, fresh)


def _by(told: Mapping[str, Any]) -> str:
    return f"the rule {told['rule']!r} of {told['profile']}"
