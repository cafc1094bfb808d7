"""Returns: what may come back, asked for, received, inspected; and the money given back."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, refused, wrong
from orderloom.api.wire import (
    Code,
    Count,
    Currency,
    In,
    Limit,
    LineId,
    Money,
    OrderId,
    Out,
    Page,
    Reason,
    RefundId,
    ReturnId,
    ReturnLineId,
    Text,
    TransactionId,
    Versioned,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import parcel_pages
from orderloom.journey import asking_back
from orderloom.plumbing.database import Row
from orderloom.returns.model import REASONS, Asked, Disposition, Finding, Illegal, Outcome, Refused, Status
from orderloom.returns.steps import ACTIONS

routes = Routes("returns")
OPEN = "Open list: accept values you do not know"
_LINE = "orl_0193b2f0a1c27d3e8f4a5b6c7d8e9f00"
_RETURN_LINE = "rtl_0193b2f0a1c27d3e8f4a5b6c7d8e9f00"
WhyBack = Annotated[
    str,
    Field(
        strict=True, json_schema_extra={"enum": sorted(REASONS)}, pattern=f"^({'|'.join(sorted(REASONS))})$"
    ),
]


class ReturnLineOut(Out):
    """Units of one item that share their fate."""

    id: ReturnLineId
    line_id: LineId | None
    sku: str
    quantity: int
    received: int
    reason: str = Field(description=OPEN)
    grade: str | None
    disposition: str | None = Field(description=OPEN)
    refund: Money


class ReturnOut(Versioned):
    """Goods on their way back."""

    id: ReturnId
    number: str
    order_id: OrderId | None
    order_number: str | None
    node: str
    status: str = Field(description=OPEN)
    requested_by: str
    note: str | None
    needs_label: bool
    refund_amount: Money | None
    lines: list[ReturnLineOut]
    supported_actions: list[str] = Field(description="What may be asked of it now. " + OPEN)
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        currency, amount = row["currency"], row["refund_amount"]
        return cls(
            **{
                **some(row, cls),
                "refund_amount": None if amount is None else Money.of(amount, currency),
                "lines": [_line(line, currency) for line in row["lines"]],
                "supported_actions": list(ACTIONS.get(Status(row["status"]), ())),
            }
        )


def _line(stored: dict[str, Any], currency: str) -> ReturnLineOut:
    ids = {name: UUID(stored[name]) for name in ("id", "line_id") if stored[name]}
    return ReturnLineOut(**{**stored, **ids, "refund": Money.of(stored["refund"], currency)})


class EligibleLine(Out):
    """How many units of a line may come back, until when; or why not."""

    line_id: LineId
    returnable: int
    until: AwareDatetime | None
    code: str | None
    message: str


class EligibleOut(Out):
    """What of an order may come back now."""

    lines: list[EligibleLine]


class AskedLineIn(In):
    """So many units of one line, and why."""

    line_id: LineId
    quantity: Count
    reason: WhyBack
    note: Text | None = None


class ReturnIn(In):
    """What the buyer wants to give back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"line_id": _LINE, "quantity": 1, "reason": "too_small"}]}]
        }
    )
    lines: Annotated[list[AskedLineIn], Field(min_length=1, max_length=500)]
    note: Text | None = None
    needs_label: bool = True
    node: Code | None = Field(
        default=None, description="Where it goes; the node that shipped it when left out"
    )


class BlindLineIn(In):
    """Units that arrived: of a line of a known order, or of an item."""

    line_id: LineId | None = None
    sku: Code | None = None
    quantity: Count
    reason: WhyBack = "other"

    @model_validator(mode="after")
    def _one_of_both(self) -> BlindLineIn:
        if (self.line_id is None) == (self.sku is None):
            raise PydanticCustomError("one_of", "name the line of a known order, or else the SKU")
        return self


class BlindReturnIn(In):
    """Goods that came without a request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"node": "EAST", "currency": "USD", "lines": [{"sku": "MUG-BLUE", "quantity": 1}]}]
        }
    )
    node: Code
    currency: Currency
    order_id: OrderId | None = None
    lines: Annotated[list[BlindLineIn], Field(min_length=1, max_length=500)]
    note: Text | None = None


@routes.get("/orders/{order_id}/returnable", scope="returns:read")
async def get_returnable(call: Here, order_id: OrderId) -> EligibleOut:
    """What of an order may come back now, and why not the rest"""
    await call.reach("order", order_id)
    found = await asking_back.what_may_come_back(call.db, order_id=order_id, now=call.now)
    return EligibleOut(lines=[EligibleLine(**some(verdict, EligibleLine)) for verdict in found or ()])


@routes.post("/orders/{order_id}/returns", scope="returns:write", status=201, dry_run=True, refuses=(409,))
async def request_return(call: Here, order_id: OrderId, body: ReturnIn) -> ReturnOut:
    """Ask for units of an order to be taken back"""
    await call.reach("order", order_id)
    said = await asking_back.ask_back(
        call.db,
        order_id=order_id,
        lines=[
            Asked(quantity=x.quantity, reason=x.reason, line_id=x.line_id, note=x.note) for x in body.lines
        ],
        now=call.now,
        key=_key(call),
        note=body.note,
        needs_label=body.needs_label,
        to_node=await _node(call, body.node) if body.node else None,
    )
    if said is None:
        raise not_found("order")
    if isinstance(said, Refused):
        raise _ineligible(said)
    return await _one(call, said.return_id)


@routes.post("/returns/blind", scope="returns:write", status=201, dry_run=True, refuses=(404,))
async def receive_blind(call: Here, body: BlindReturnIn) -> ReturnOut:
    """Goods that came without a request begin as received"""
    if body.order_id is not None:
        await call.reach("order", body.order_id)
    said = await asking_back.take_blind(
        call.db,
        node_id=await _node(call, body.node),
        currency=body.currency,
        lines=[
            Asked(quantity=x.quantity, reason=x.reason, line_id=x.line_id, sku=x.sku or "")
            for x in body.lines
        ],
        order_id=body.order_id,
        key=_key(call),
        note=body.note,
    )
    if isinstance(said, Refused):
        raise _ineligible(said)
    return await _one(call, said.return_id)


@routes.get("/returns", scope="returns:read")
async def list_returns(
    call: Here,
    *,
    node: Code | None = None,
    status: Code | None = None,
    order_id: OrderId | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[ReturnOut]:
    """Returns, newest first"""
    begin = place(after, UUID)
    rows = await parcel_pages.returns(
        call.db,
        scope=call.scope,
        node=node,
        status=status,
        order_id=order_id,
        before=begin[0] if begin else None,
        limit=limit,
    )
    return page_of([ReturnOut.of(row) for row in rows], limit, lambda back: cursor(back.id.hex))


@routes.get("/returns/{return_id}", scope="returns:read")
async def get_return(call: Here, return_id: ReturnId) -> ReturnOut:
    """One return"""
    return await _one(call, return_id)


# --- at the dock ----------------------------------------------------------------------------------------------


class WhyIn(In):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "worn"}]})
    reason: Reason


class ReceivedLineIn(In):
    """Units that have arrived."""

    return_line_id: ReturnLineId
    quantity: Count


class ReceiveIn(In):
    """What has arrived."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lines": [{"return_line_id": _RETURN_LINE, "quantity": 1}]}]}
    )
    lines: Annotated[list[ReceivedLineIn], Field(min_length=1, max_length=500)]


class FindingIn(In):
    """What becomes of units; `quantity` left out means all that can be judged."""

    return_line_id: ReturnLineId
    disposition: Literal["needs_inspection", "restock", "refurbish", "vendor", "donate", "destroy", "missing"]
    grade: Code | None = None
    quantity: Count | None = None


class InspectIn(In):
    """What inspection says."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"return_line_id": _RETURN_LINE, "disposition": "restock"}]}]
        }
    )
    lines: Annotated[list[FindingIn], Field(min_length=1, max_length=500)]


@routes.post("/returns/{return_id}/approve", scope="returns:write", dry_run=True, refuses=(409,))
async def approve_return(call: Here, return_id: ReturnId) -> ReturnOut:
    """Agree to take the goods back, ahead of the journey that does so by rule"""
    await call.reach("return", return_id)
    return await _settled(call, return_id, await asking_back.approve(call.db, return_id=return_id))


@routes.post("/returns/{return_id}/decline", scope="returns:write", dry_run=True, refuses=(409,))
async def decline_return(call: Here, return_id: ReturnId, body: WhyIn) -> ReturnOut:
    """Do not take the goods back"""
    await call.reach("return", return_id)
    said = await asking_back.decline(call.db, return_id=return_id, reason=body.reason)
    return await _settled(call, return_id, said)


@routes.post("/returns/{return_id}/cancel", scope="returns:write", dry_run=True, refuses=(409,))
async def cancel_return(call: Here, return_id: ReturnId, body: WhyIn) -> ReturnOut:
    """The buyer keeps the goods after all"""
    await call.reach("return", return_id)
    said = await asking_back.cancel(call.db, return_id=return_id, reason=body.reason)
    return await _settled(call, return_id, said)


@routes.post("/returns/{return_id}/receive", scope="returns:write", dry_run=True, refuses=(409,))
async def receive_return(call: Here, return_id: ReturnId, body: ReceiveIn) -> ReturnOut:
    """Goods have arrived at the node"""
    await call.reach("return", return_id)
    if len({line.return_line_id for line in body.lines}) < len(body.lines):
        raise wrong("/lines", "repeated", "a line stands there twice: add the quantities")
    lines = [(line.return_line_id, line.quantity) for line in body.lines]
    return await _settled(
        call, return_id, await asking_back.receive(call.db, return_id=return_id, lines=lines)
    )


@routes.post("/returns/{return_id}/inspect", scope="returns:write", dry_run=True, refuses=(409,))
async def inspect_return(call: Here, return_id: ReturnId, body: InspectIn) -> ReturnOut:
    """Say what becomes of each unit; refund and stock follow"""
    await call.reach("return", return_id)
    findings = [
        Finding(
            return_line_id=line.return_line_id,
            disposition=Disposition(line.disposition),
            grade=line.grade,
            quantity=line.quantity,
        )
        for line in body.lines
    ]
    said = await asking_back.inspect(call.db, return_id=return_id, findings=findings)
    return await _settled(call, return_id, said)


@routes.post("/returns/{return_id}/close", scope="returns:write", dry_run=True, refuses=(409,))
async def close_return(call: Here, return_id: ReturnId) -> ReturnOut:
    """Expect nothing more: what never arrived is missing"""
    await call.reach("return", return_id)
    return await _settled(call, return_id, await asking_back.close(call.db, return_id=return_id))


async def _settled(call: Call, return_id: UUID, said: Outcome) -> ReturnOut:
    if isinstance(said, Refused):
        raise _ineligible(said)
    if isinstance(said, Illegal):
        raise refused(
            "illegal_transition",
            f"the return is {said.status.value}: that is not possible now",
            supported_actions=list(said.possible),
        )
    return await _one(call, return_id)


async def _one(call: Call, return_id: UUID) -> ReturnOut:
    rows = await parcel_pages.returns(call.db, scope=call.scope, key=return_id, limit=1)
    if not rows:
        raise not_found("return")
    return ReturnOut.of(rows[0])


def _key(call: Call) -> str | None:
    """The request's own key, unique over credentials: it makes one return even when our record of it has lapsed."""
    return f"{call.keyed.credential}:{call.keyed.key}" if call.keyed else None


async def _node(call: Call, code: str) -> UUID:
    nodes = await network.nodes_of(call.db, codes=[code])
    for node in nodes.values():
        if call.credential.sees(node=node.id):
            return node.id
    raise invalid([Fault("/node", "unknown_node", f"no node {code!r}: correct the code")])


def _ineligible(said: Refused) -> Exception:
    return invalid([Fault(fault.path, fault.code, fault.message) for fault in said.faults])


# --- money back -----------------------------------------------------------------------------------------------


class RefundTransactionOut(Out):
    """One operation at the gateway that pays a refund."""

    id: TransactionId
    status: str = Field(description=OPEN)
    amount: Money
    code: str | None
    message: str | None
    resolved_at: AwareDatetime | None


class RefundOut(Out):
    """Money given back; what became of it is told by its transactions."""

    id: RefundId
    order_id: OrderId
    order_number: str
    return_id: ReturnId | None
    amount: Money
    reason: str
    requested_by: str
    created_at: AwareDatetime
    transactions: list[RefundTransactionOut]

    @classmethod
    def of(cls, row: Row) -> Self:
        paid = [
            RefundTransactionOut(**{**t, "id": UUID(t["id"]), "amount": Money.of(t["amount"], t["currency"])})
            for t in row["transactions"]
        ]
        return cls(
            **{**some(row, cls), "amount": Money.of(row["amount"], row["currency"]), "transactions": paid}
        )


@routes.get("/refunds", scope="payments:read")
async def list_refunds(
    call: Here,
    *,
    order_id: OrderId | None = None,
    return_id: ReturnId | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[RefundOut]:
    """Refunds, newest first"""
    begin = place(after, UUID)
    rows = await parcel_pages.refunds(
        call.db,
        scope=call.scope,
        order_id=order_id,
        return_id=return_id,
        before=begin[0] if begin else None,
        limit=limit,
    )
    return page_of([RefundOut.of(row) for row in rows], limit, lambda refund: cursor(refund.id.hex))


@routes.get("/refunds/{refund_id}", scope="payments:read")
async def get_refund(call: Here, refund_id: RefundId) -> RefundOut:
    """One refund"""
    rows = await parcel_pages.refunds(call.db, scope=call.scope, key=refund_id, limit=1)
    if not rows:
        raise not_found("refund")
    return RefundOut.of(rows[0])
