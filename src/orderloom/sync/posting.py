"""The outward way of a webhook: queued from the log, signed and posted with no transaction open, written down.

An endpoint that fails is tried by one delivery at a time, further and further apart, while its others wait for it:
so a slow or broken endpoint delays only itself, and a set never waits longer for it than one call may take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from orderloom.orders.reading import orders_of
from orderloom.plumbing import outbound
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import Event
from orderloom.plumbing.http import Unavailable
from orderloom.plumbing.journeys import End, Later, Outcome, Wait
from orderloom.plumbing.settings import settings
from orderloom.sync import endpoints
from orderloom.sync.model import Answer, Attempt, Delivery, NewDelivery, NoReply, Post, Reply, Webhook
from orderloom.sync.payload import body_of, encoded
from orderloom.sync.retrying import given_up, next_try, wanted
from orderloom.sync.signing import headers
from orderloom.sync.store import webhooks as store

TIMEOUT_S = 5.0
# As many as one endpoint may be busy with at once: more in one set would wait for one another.
AT_ONCE = 16


async def queueing(db: Db, *, events: Sequence[Event]) -> list[UUID]:
    """Queue these events for the endpoints that want them, once each; returns the new deliveries' ids.

    A reader of the event log calls it in the transaction that moves its cursor, and starts a journey for each id.
    """
    active = await store.webhooks(db, active=True)
    asked = [
        (webhook, event)
        for event in events
        for webhook in active.values()
        if wanted(webhook.types, event.type)
    ]
    if not asked:
        return []
    fat = sorted({event.order_id for webhook, event in asked if webhook.fat and event.order_id is not None})
    orders = await orders_of(db, fat) if fat else {}
    return await store.add_deliveries(
        db,
        [
            NewDelivery(
                webhook_id=webhook.id,
                event_id=event.event_id,
                type=event.type,
                body=body_of(
                    event, order=orders.get(event.order_id) if event.order_id else None, fat=webhook.fat
                ),
            )
            for webhook, event in asked
        ],
    )


async def prepare_posts(db: Db, *, delivery_ids: Sequence[UUID], now: datetime) -> list[Post]:
    """The calls to make now; `record_posts` says of all others when they come again."""
    deliveries = await store.lock_deliveries(db, delivery_ids)
    hooks = await store.webhooks(db, ids=sorted({d.webhook_id for d in deliveries.values()}))
    chosen: list[Delivery] = []
    for hook in hooks.values():
        ours = [
            d for d in deliveries.values() if d.webhook_id == hook.id and d.status in ("queued", "sending")
        ]
        chosen += ours[: _room(hook, now)]
    await store.begin(db, [delivery.id for delivery in chosen])
    return [_post(hooks[delivery.webhook_id], delivery, now) for delivery in chosen]


def _room(hook: Webhook, now: datetime) -> int:
    """How many deliveries to the endpoint may go out in one set."""
    if not hook.active or (hook.retry_at is not None and hook.retry_at > now):
        return 0
    return 1 if hook.failures else AT_ONCE


def _post(hook: Webhook, delivery: Delivery, now: datetime) -> Post:
    body = encoded(delivery.body)
    secrets = [hook.secret]
    if hook.previous_secret is not None and hook.previous_until is not None and now < hook.previous_until:
        secrets.append(hook.previous_secret)
    return Post(
        subject=delivery.id,
        provider=str(hook.id),
        url=hook.url,
        headers=headers(delivery_id=delivery.id, now=now, body=body, secrets=secrets),
        body=body,
    )


async def post(call: Post) -> Answer:
    """One call. No answer is an answer too, for it is counted and logged like every other."""
    private = settings().webhook_private_hosts
    try:
        answered = await outbound.post(
            call.url, body=call.body, headers=call.headers, timeout_s=TIMEOUT_S, private=private
        )
    except (Unavailable, outbound.Forbidden) as fault:
        return NoReply(str(fault)[:500])
    return Reply(answered.status, answered.took_ms)


async def record_posts(
    db: Db, *, delivery_ids: Sequence[UUID], answers: Sequence[tuple[Post, Answer]], now: datetime
) -> dict[UUID, Outcome]:
    """Write what the endpoints answered, and say when what is left comes again. A delivered one is left out."""
    deliveries = await store.lock_deliveries(db, delivery_ids)
    hooks = await store.lock_webhooks(db, sorted({d.webhook_id for d in deliveries.values()}))
    told = {call.subject: answer for call, answer in answers}
    changed = [_settled(deliveries[i], answer, now) for i, answer in told.items() if i in deliveries]
    await store.set_deliveries(db, changed)
    await store.log_attempts(db, {i: _attempt(answer, now) for i, answer in told.items()})
    for hook in list(hooks.values()):
        ours = [
            answer for i, answer in told.items() if i in deliveries and deliveries[i].webhook_id == hook.id
        ]
        if ours:
            hooks[hook.id] = await _judge(db, hook, ours, now)
    stands = deliveries | {delivery.id: delivery for delivery in changed}
    outcomes = {i: _outcome(stands[i], hooks[stands[i].webhook_id], now) for i in delivery_ids if i in stands}
    return {i: outcome for i, outcome in outcomes.items() if outcome is not None}


def _settled(delivery: Delivery, answer: Answer, now: datetime) -> Delivery:
    attempts = min(delivery.attempts + 1, 32_767)
    said = replace(
        delivery,
        attempts=attempts,
        response=answer.status if isinstance(answer, Reply) else None,
        problem=_problem(answer),
    )
    if isinstance(answer, Reply) and answer.taken:
        return replace(said, status="delivered", done_at=now)
    if given_up(since=delivery.created_at, now=now):
        return replace(said, status="failed", done_at=now)
    return replace(said, status="queued")


def _problem(answer: Answer) -> str | None:
    if isinstance(answer, NoReply):
        return answer.problem
    return None if answer.taken else f"answered {answer.status}"


def _attempt(answer: Answer, now: datetime) -> Attempt:
    return Attempt(
        response=answer.status if isinstance(answer, Reply) else None,
        problem=_problem(answer),
        took_ms=answer.took_ms if isinstance(answer, Reply) else None,
        tried_at=now,
    )


async def _judge(db: Db, hook: Webhook, answers: Sequence[Answer], now: datetime) -> Webhook:
    """How the endpoint fares: one event taken shows that it lives, though another may be beyond it."""
    if any(isinstance(answer, Reply) and answer.taken for answer in answers):
        well = replace(hook, failures=0, failing_since=None, retry_at=None, problem=None)
        if well != hook:
            await store.set_health(db, [well])
        return well
    since = hook.failing_since or now
    problem = _problem(answers[-1])
    failures = hook.failures + 1
    ill = replace(
        hook,
        failures=failures,
        failing_since=since,
        retry_at=next_try(failures=failures, now=now, key=hook.id),
        problem=problem,
    )
    await store.set_health(db, [ill])
    if any(isinstance(answer, Reply) and answer.gone for answer in answers):
        return await endpoints.disable(
            db, webhook_id=hook.id, reason="the endpoint answered 410 Gone", now=now
        )
    if given_up(since=since, now=now):
        reason = f"failing since {since.isoformat()}: {problem}"
        return await endpoints.disable(db, webhook_id=hook.id, reason=reason, now=now)
    return ill


def _outcome(delivery: Delivery, hook: Webhook, now: datetime) -> Outcome | None:
    if delivery.status == "delivered":
        return None
    if delivery.status == "failed":
        return End()
    if not hook.active:
        return Wait("the endpoint to be switched on again")
    if delivery.attempts and hook.failures == 0:
        # The endpoint lives but would not have this one: it alone comes later.
        return Later(next_try(failures=delivery.attempts, now=now, key=delivery.id), "the endpoint")
    # Nothing is wrong, the set was full: due at once, behind what is due already.
    return Later(hook.retry_at or now, "the endpoint")
