"""What an operator does to a subject on its way: pause, resume, retry, skip, rewind, each with a reason on record."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

from orderloom.orders import exceptions
from orderloom.orders.reading import fulfillments_of, lock
from orderloom.plumbing import events, journeys
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.plumbing.journeys import Journey, Subject

Verb: TypeAlias = Literal["pause", "resume", "retry", "skip", "rewind"]


async def steer(
    db: Db, *, journey: Journey, subject: UUID, verb: Verb, reason: str, to: str | None = None
) -> Subject:
    """Do it and say so in the log; returns where the subject stands then. `to` is the step to rewind to.

    Raises journeys.NoSuchSubject, and journeys.IllegalMove when its present state does not allow it.
    """
    before = await journeys.hold_still(db, journey.of, subject)
    match verb:
        case "pause":
            await journeys.pause(db, journey.of, subject)
        case "resume":
            await journeys.resume(db, journey.of, subject)
        case "retry":
            await journeys.retry(db, journey.of, subject)
        case "skip":
            await journeys.skip(db, journey, subject)
        case "rewind":
            await journeys.rewind(db, journey, subject, to=to or before.step)
    if verb in ("retry", "skip", "rewind"):
        # What stopped it is settled; should it stop again, a new case tells so.
        stopped = [f"{journey.of}_stopped_at_{step}" for step in journey.at]
        await exceptions.resolve_of(
            db, entities=[subject], kinds=stopped, resolution=f"{_PAST[verb]}: {reason}"
        )
    data = {"journey": journey.of, "step": before.step, "state": before.state, "to": to}
    order_id = await _order_of(db, journey.of, subject)
    await events.append(
        db,
        [News(f"journey.{_PAST[verb]}", journey.of, subject, order_id=order_id, reason=reason, data=data)],
    )
    [now_at] = [at for at in await journeys.look(db, [subject]) if at.journey == journey.of]
    return now_at


async def hold_whole(db: Db, *, order_id: UUID) -> None:
    """Lock an order with all that works on it, in the order everybody locks (L2), so that nothing moves meanwhile.

    Raises journeys.NoSuchSubject.
    """
    await journeys.hold_still(db, "order", order_id)
    for work in sorted(await fulfillments_of(db, orders=[order_id])):
        await journeys.hold_still(db, "fulfillment", work)
    await lock(db, orders=[order_id])


_PAST = {
    "pause": "paused",
    "resume": "resumed",
    "retry": "retried",
    "skip": "skipped",
    "rewind": "rewound",
}


async def _order_of(db: Db, journey: str, subject: UUID) -> UUID | None:
    if journey == "order":
        return subject
    if journey == "fulfillment":
        return (await fulfillments_of(db, ids=[subject]))[subject].order_id
    return None
