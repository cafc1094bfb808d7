"""Decisions: dry runs of routing, packing, rating and promising, and the records of those that were acted on.

The body is the question and the answer the decision record, the same JSON as `orderloom decide` reads and writes. What
a question does not give (nodes and stock, items, contracts, cartons) is taken as it is now; nothing is stored.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, Problem, invalid, not_found
from orderloom.api.wire import DecisionId, OrderId, Out
from orderloom.journey import deciding
from orderloom.journey.deciding import Within
from orderloom.plumbing.database import Row
from orderloom.routing.deciding import decide
from orderloom.routing.questions import PackQuestion, PromiseQuestion, Question, RateQuestion, RouteQuestion
from orderloom.routing.store import decision as stored_decision
from orderloom.routing.world import EMPTY, Unanswerable, World

routes = Routes("decisions")
# Questions thought about at a time by one process, and how long another waits for its turn.
AT_ONCE = 4
WAIT_S = 10
_turns = asyncio.Semaphore(AT_ONCE)
_AMOUNTS = "Amounts in it are integer minor units of its `currency`"


class DecisionOut(Out):
    """What was decided, on what, and why."""

    kind: str = Field(description="route, pack, rate or promise. Open list: accept values you do not know")
    outcome: str = Field(description="Open list: accept values you do not know")
    decided_as_of: AwareDatetime
    request: dict[str, Any] = Field(description="What it was decided on")
    answer: dict[str, Any] = Field(
        description="Candidates, costs, reasons of refusal, runner-up, what would flip it. " + _AMOUNTS
    )


class KeptDecisionOut(DecisionOut):
    """A decision that was acted on, with the reasons for it."""

    id: DecisionId
    order_id: OrderId
    created_at: AwareDatetime
    engine: str = Field(description="The version of Orderloom that decided")
    moved: list[str] = Field(
        description="What it was decided on and is no more as it was then; and whether today it would be decided otherwise"
    )

    @classmethod
    def of(cls, row: Row | dict[str, Any]) -> KeptDecisionOut:
        return cls(**{name: row[name] for name in cls.model_fields})


@routes.post("/decisions/route", scope="orders:read", key="none", own=True)
async def decide_route(call: Here, body: RouteQuestion) -> DecisionOut:
    """From which nodes to ship, by which services, in which cartons: a dry run"""
    return await _decided(call, body)


@routes.post("/decisions/pack", scope="orders:read", key="none", own=True)
async def decide_pack(call: Here, body: PackQuestion) -> DecisionOut:
    """Into which cartons units go, and where each lies: a dry run"""
    return await _decided(call, body)


@routes.post("/decisions/rate", scope="orders:read", key="none", own=True)
async def decide_rate(call: Here, body: RateQuestion) -> DecisionOut:
    """What parcels cost by every service, and which to take: a dry run"""
    return await _decided(call, body)


@routes.post("/decisions/promise", scope="orders:read", key="none", own=True)
async def decide_promise(call: Here, body: PromiseQuestion) -> DecisionOut:
    """By when a buyer can have it, by service and by node: a dry run"""
    return await _decided(call, body)


async def _decided(call: Call, question: Question) -> DecisionOut:
    limits = Within(nodes=call.credential.nodes, channels=call.credential.channels)
    try:
        world = EMPTY
        if deciding.needs_present(question):
            async with call.desk.database.transaction(readonly=True) as db:
                world = await deciding.present(db, question, now=call.now, within=limits)
        record = await _in_turn(question, world, call.now)
    except Unanswerable as unanswerable:
        raise invalid([Fault(f.path, f.code, f.message) for f in unanswerable.faults]) from None
    return DecisionOut(**record)


async def _in_turn(question: Question, world: World, now: datetime) -> dict[str, Any]:
    """The record, made in a thread: a hard question takes its time, and nobody else at the door shall wait for it."""
    try:
        await asyncio.wait_for(_turns.acquire(), WAIT_S)
    except TimeoutError:
        raise Problem(
            503, "busy", "harder questions are being thought about: try again", retry_after_s=5
        ) from None
    try:
        return await asyncio.to_thread(decide, question, present=world, now=now)
    finally:
        _turns.release()


@routes.get("/decisions/{decision_id}", scope="orders:read")
async def get_decision(call: Here, decision_id: DecisionId) -> KeptDecisionOut:
    """One routing decision that was acted on, with all it was decided on"""
    row = await stored_decision(call.db, decision_id)
    if row is None:
        raise not_found("decision")
    await call.reach("order", row["order_id"])
    return KeptDecisionOut.of(await deciding.with_reasons(call.db, decision=row))
