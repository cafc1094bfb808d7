"""What may be done to an order: cancel, hold and clear, edit its tags; and to anything that travels: steer it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom.api.door import Call, Here, Routes
from orderloom.api.orders import HoldOut, OrderOut, read_order
from orderloom.api.problems import Fault, Problem, invalid, not_found, refused, wrong
from orderloom.api.wire import (
    Code,
    Count,
    HoldId,
    In,
    LineId,
    Moment,
    OrderId,
    Out,
    Reason,
    Text,
    Version,
    some,
)
from orderloom.journey import cancelling, steering, working
from orderloom.journey.cancelling import CannotCancel
from orderloom.journey.roster import JOURNEYS
from orderloom.journey.steering import Verb
from orderloom.orders import axes, holds
from orderloom.orders.holds import BLOCKABLE, NewHold
from orderloom.plumbing import journeys
from orderloom.plumbing.journeys import Journey, Subject
from orderloom.terms import ID_PREFIXES, WrongId, unwire, wire

routes = Routes("orders")

# --- cancel ---------------------------------------------------------------------------------------------------


class CancelLineIn(In):
    """So many units of one line."""

    line_id: LineId
    quantity: Count


class CancelIn(In):
    """The whole order, or the units named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "buyer changed their mind"}]})
    reason: Reason
    lines: Annotated[list[CancelLineIn], Field(min_length=1, max_length=2000)] | None = None
    expected_version: Version | None = None


class CancelOut(Out):
    """What became of the units, by SKU: cancelled now; requested of a node that has the work; kept, for they shipped."""

    outcome: str = Field(description="cancelled, or requested when a node must answer first")
    cancelled: dict[str, int]
    requested: dict[str, int]
    kept: dict[str, int]
    order: OrderOut


@routes.post(
    "/orders/{order_id}/cancel", scope="orders:write", dry_run=True, conditional=True, refuses=(409,)
)
async def cancel_order(call: Here, order_id: OrderId, body: CancelIn) -> CancelOut:
    """Cancel an order, lines, or units; after a node accepted the work it is a request to that node"""
    await expected(call, order_id, body.expected_version)
    quantities = None
    if body.lines is not None:
        quantities = {line.line_id: line.quantity for line in body.lines}
        if len(quantities) < len(body.lines):
            raise wrong("/lines", "repeated", "a line stands there twice: add the quantities")
    outcome = await cancelling.cancel(call.db, order_id=order_id, reason=body.reason, quantities=quantities)
    if outcome is None:
        raise not_found("order")
    if isinstance(outcome, CannotCancel):
        if outcome.code == "unknown_line":
            raise invalid([Fault("/lines", outcome.code, f"{outcome.message}. {outcome.way_out}")])
        raise refused(
            outcome.code,
            f"{outcome.message}. {outcome.way_out}",
            supported_actions=["return", "hold", "edit_notes"],
        )
    return CancelOut(
        outcome="requested" if outcome.requested else "cancelled",
        cancelled=outcome.cancelled,
        requested=outcome.requested,
        kept=outcome.kept,
        order=await read_order(call, order_id),
    )


async def expected(call: Call, order_id: UUID, version: int | None = None) -> OrderOut:
    """The order, held still when the caller says at which version it must be. Raises Problem 404, 412."""
    order = await read_order(call, order_id)
    if call.if_match is None and version is None:
        return order
    await steering.hold_whole(call.db, order_id=order_id)
    order = await read_order(call, order_id)
    call.expect(order.version, version)
    return order


# --- holds ----------------------------------------------------------------------------------------------------


class HoldIn(In):
    """An overlay that blocks the steps it names until it is cleared."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "address_problem", "blocks": ["release"], "note": "flat number?"}]
        }
    )
    type: Literal[
        "awaiting_payment",
        "fraud_review",
        "address_problem",
        "out_of_stock",
        "unknown_delivery_date",
        "awaiting_return_items",
        "post_purchase_offer",
        "value_review",
        "manual",
        "edit_in_progress",
        "other",
    ] = "manual"
    blocks: Annotated[
        list[Literal["authorize", "route", "release", "pick", "ship", "capture", "refund"]],
        Field(min_length=1, max_length=len(BLOCKABLE)),
    ]
    note: Text | None = None
    due_at: Moment | None = Field(
        default=None, description="When somebody must have looked at it; a day from now"
    )


@routes.post(
    "/orders/{order_id}/holds",
    scope="orders:write",
    status=201,
    dry_run=True,
    conditional=True,
    refuses=(409,),
)
async def raise_hold(call: Here, order_id: OrderId, body: HoldIn) -> HoldOut:
    """Hold an order: the steps named do not begin from now on"""
    order = await expected(call, order_id)
    if order.lifecycle in ("closed", "cancelled"):
        raise refused("illegal_transition", f"the order is {order.lifecycle}: there is nothing left to hold")
    [hold_id] = await holds.raise_holds(
        call.db,
        holds=[
            NewHold(
                order_id=order_id,
                type=body.type,
                blocks=body.blocks,
                due_at=body.due_at or call.now + timedelta(days=1),
                note=body.note,
            )
        ],
    )
    return next(hold for hold in (await read_order(call, order_id)).holds if hold.id == hold_id)


@routes.post("/holds/{hold_id}/clear", scope="orders:write", dry_run=True)
async def clear_hold(call: Here, hold_id: HoldId) -> HoldOut:
    """Clear a hold; one that waits for the rest of its order releases what is there. Clearing it again changes nothing"""
    await call.reach("hold", hold_id)
    cleared = await working.clear_hold(call.db, hold_id=hold_id)
    return next(hold for hold in (await read_order(call, cleared.order_id)).holds if hold.id == hold_id)


# --- notes ----------------------------------------------------------------------------------------------------


class NotesIn(In):
    """What may change at any time; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tags": ["vip"], "priority": 10, "reason": "key account"}]}
    )
    tags: Annotated[list[Code], Field(max_length=50)] | None = None
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] | None = None
    reason: Reason | None = None
    expected_version: Version | None = None


@routes.patch("/orders/{order_id}", scope="orders:write", dry_run=True)
async def edit_order(call: Here, order_id: OrderId, body: NotesIn) -> OrderOut:
    """Set tags or priority"""
    await expected(call, order_id, body.expected_version)
    if body.tags is not None or body.priority is not None:
        await axes.edit(
            call.db, order_id=order_id, tags=body.tags, priority=body.priority, reason=body.reason
        )
    return await read_order(call, order_id)


# --- steering -------------------------------------------------------------------------------------------------

_KINDS = {ID_PREFIXES[kind]: kind for kind in ("order", "fulfillment", "return", "manifest")}
_TRAVELLING = {journey.of: journey for journey in JOURNEYS}
SubjectId = Annotated[str, Path(description="An order, fulfillment order, return or manifest", max_length=60)]


class SteerIn(In):
    """Why, and for a rewind to which step."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the address is right now"}]})
    reason: Reason
    to: Code | None = Field(
        default=None, description="The step to rewind to: it and those after it are undone first"
    )


class SubjectOut(Out):
    """Where something stands on its journey."""

    subject: str
    journey: str
    step: str
    state: str = Field(description="due, waiting, paused, parked, done, undone. Open list")
    undoing: bool
    awaiting: str | None
    problem: str | None
    attempts: int
    due_at: AwareDatetime
    updated_at: AwareDatetime
    steps: list[str]

    @classmethod
    def of(cls, at: Subject) -> Self:
        steps = [step.name for step in _TRAVELLING[at.journey].steps]
        return cls(**some(at, cls), subject=wire(at.journey, at.subject_id), steps=steps)


@routes.get("/journeys/{subject}", scope="orders:read")
async def get_journey(call: Here, subject: SubjectId) -> SubjectOut:
    """Where something stands on its journey"""
    journey, key = await _travelling(call, subject)
    for at in await journeys.look(call.db, [key]):
        if at.journey == journey.of:
            return SubjectOut.of(at)
    raise not_found("journey")


@routes.post("/journeys/{subject}/{verb}", scope="orders:write", dry_run=True, refuses=(409,))
async def steer_journey(call: Here, subject: SubjectId, verb: Verb, body: SteerIn) -> SubjectOut:
    """Pause, resume, retry, skip, or rewind it"""
    journey, key = await _travelling(call, subject)
    if verb == "rewind" and body.to is None:
        raise wrong(
            "/to", "required", f"name the step to rewind to: {', '.join(step.name for step in journey.steps)}"
        )
    at = await steering.steer(
        call.db, journey=journey, subject=key, verb=verb, reason=body.reason, to=body.to
    )
    return SubjectOut.of(at)


async def _travelling(call: Call, subject: str) -> tuple[Journey, UUID]:
    kind = _KINDS.get(subject.partition("_")[0])
    if kind is None:
        known = ", ".join(f"{prefix}_" for prefix in _KINDS)
        raise wrong("/subject", "wrong_id", f"expected an id that starts with one of {known}", place="path")
    try:
        key = unwire(kind, subject)
    except WrongId as fault:
        raise wrong("/subject", "wrong_id", str(fault), place="path") from None
    await call.reach(kind, key)
    if kind not in _TRAVELLING:
        raise Problem(404, "not_found", f"a {kind} travels along no journey")
    return _TRAVELLING[kind], key
