"""Node work: fulfillment orders listed, accepted, rejected, picked, packed, and reported whole by the hundred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network, packing
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, refused, wrong
from orderloom.api.wire import (
    AddressOut,
    Code,
    FulfillmentId,
    In,
    Limit,
    LineId,
    OrderId,
    Out,
    PackageId,
    Page,
    Reason,
    Versioned,
    WaveId,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import order_pages
from orderloom.journey import cancelling, working
from orderloom.packing.model import Package
from orderloom.plumbing.database import Row
from orderloom.terms import Address, Rank, rollup

routes = Routes("fulfillment orders")
OPEN = "Open list: accept values you do not know"
BATCH_MOST = 500
_FUL = "ful_0193b2f0a1c27d3e8f4a5b6c7d8e9f00"


class UnitsOut(Out):
    """Units of a line by how far they have come."""

    line_id: LineId
    sku: str
    quantity: int
    status: str = Field(description=OPEN)


class PlannedParcelOut(Out):
    """A box of the packing plan."""

    carton: str | None
    contents: dict[str, int]
    weight_g: int
    outer_mm: list[int]


class FulfillmentOut(Versioned):
    """The work on one order at one node."""

    id: FulfillmentId
    number: str
    order_id: OrderId
    order_number: str
    node: str
    status: str = Field(description=OPEN)
    request_status: str = Field(description="The talk with the node. " + OPEN)
    units_status: str = Field(description=OPEN)
    carrier: str | None
    service: str | None
    service_level: str
    priority: int
    ship_by: AwareDatetime | None
    ship_to: AddressOut
    wave_id: WaveId | None
    lines: list[UnitsOut]
    planned_parcels: list[PlannedParcelOut]
    supported_actions: list[str] = Field(description="What may be asked of it now. " + OPEN)
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        parcels = (row["plan"] or {}).get("parcels", [])
        return cls(
            **{
                **some(row, cls),
                "units_status": rollup(row["min_rank"], row["max_rank"]),
                "ship_to": AddressOut.of(Address.of(row["ship_to"])),
                "lines": [
                    UnitsOut(**{**unit, "line_id": UUID(unit["line_id"]), "status": Rank(unit["rank"]).word})
                    for unit in row["units"]
                ],
                "planned_parcels": [
                    PlannedParcelOut(**{n: p[n] for n in PlannedParcelOut.model_fields}) for p in parcels
                ],
                "supported_actions": _supported(row),
            }
        )


def _supported(row: Row) -> list[str]:
    if row["request_status"] == "cancellation_requested":
        return ["answer_cancellation"]
    if row["status"] not in ("open", "scheduled", "in_progress") or row["max_rank"] >= Rank.SHIPPED:
        return []
    found = []
    if row["request_status"] in ("unsubmitted", "submitted"):
        found.append("accept")
    if row["max_rank"] < Rank.PACKED:
        found.append("reject")
    if row["min_rank"] < Rank.PACKED:
        found += ["pick", "pack", "report_short", "close_package"]
    return found


@routes.get("/fulfillment-orders", scope="fulfillment:read")
async def list_fulfillment_orders(
    call: Here,
    *,
    node: Code | None = None,
    status: Code | None = None,
    request_status: Code | None = None,
    units_status: Code | None = None,
    order_id: OrderId | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[FulfillmentOut]:
    """The work of nodes, oldest first"""
    begin = place(after, UUID)
    try:
        rank = int(Rank[units_status.upper()]) if units_status else None
    except KeyError:
        known = ", ".join(rank.word for rank in Rank)
        raise wrong("/units_status", "unknown_value", f"choose from {known}", place="query") from None
    rows = await order_pages.fulfillments(
        call.db,
        scope=call.scope,
        node=node,
        status=status,
        request_status=request_status,
        order_id=order_id,
        rank=rank,
        after=begin[0] if begin else None,
        limit=limit,
    )
    return page_of([FulfillmentOut.of(row) for row in rows], limit, lambda work: cursor(work.id.hex))


@routes.get("/fulfillment-orders/{fulfillment_id}", scope="fulfillment:read")
async def get_fulfillment_order(call: Here, fulfillment_id: FulfillmentId) -> FulfillmentOut:
    """One fulfillment order"""
    return await read_work(call, fulfillment_id)


async def read_work(call: Call, fulfillment_id: UUID) -> FulfillmentOut:
    rows = await order_pages.fulfillments(call.db, scope=call.scope, key=fulfillment_id, limit=1)
    if not rows:
        raise not_found("fulfillment order")
    return FulfillmentOut.of(rows[0])


# --- the talk with the node -----------------------------------------------------------------------------------


class ReasonIn(In):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the aisle is flooded"}]})
    reason: Reason


class AnswerIn(In):
    """The node's answer to a cancellation request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"accept": True, "reason": "not begun yet"}]})
    accept: bool
    reason: Reason


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/accept", scope="fulfillment:write", dry_run=True, refuses=(409,)
)
async def accept_fulfillment_order(call: Here, fulfillment_id: FulfillmentId) -> FulfillmentOut:
    """The node takes the work on; from now on a cancellation is a request to it"""
    await call.reach("fulfillment", fulfillment_id)
    answered = await working.accept(call.db, works=[fulfillment_id])
    return await _answered(call, fulfillment_id, answered.refused)


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/reject", scope="fulfillment:write", dry_run=True, refuses=(409,)
)
async def reject_fulfillment_order(
    call: Here, fulfillment_id: FulfillmentId, body: ReasonIn
) -> FulfillmentOut:
    """The node will not do it: its units are routed again without this node"""
    await call.reach("fulfillment", fulfillment_id)
    answered = await working.reject(call.db, work=fulfillment_id, reason=body.reason)
    return await _answered(call, fulfillment_id, answered.refused)


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/answer-cancellation",
    scope="fulfillment:write",
    dry_run=True,
    refuses=(409,),
)
async def answer_cancellation(call: Here, fulfillment_id: FulfillmentId, body: AnswerIn) -> FulfillmentOut:
    """The node lets go of the work, or goes on with it"""
    await call.reach("fulfillment", fulfillment_id)
    asked = await cancelling.answer_request(
        call.db, work=fulfillment_id, accept=body.accept, reason=body.reason
    )
    work = await read_work(call, fulfillment_id)
    if not asked:
        raise refused(
            "illegal_transition", "nobody asked to cancel this", supported_actions=work.supported_actions
        )
    return work


async def _answered(call: Call, fulfillment_id: UUID, refusals: Mapping[UUID, str]) -> FulfillmentOut:
    work = await read_work(call, fulfillment_id)
    if fulfillment_id in refusals:
        raise refused(
            "illegal_transition", refusals[fulfillment_id], supported_actions=work.supported_actions
        )
    return work


class PickRowOut(Out):
    """So many units of an item, and for which fulfillment orders, by number."""

    sku: str
    name: str
    gtin: str | None
    quantity: int
    picked: int
    fulfillments: dict[str, int]


class PackageOut(Versioned):
    """A package and what is in it, by SKU."""

    id: PackageId
    fulfillment_id: FulfillmentId
    sequence: int
    carton: str | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    weight_g: int | None
    status: str = Field(description=OPEN)
    contents: dict[str, int]

    @classmethod
    def of(cls, package: Package) -> Self:
        return cls(**some(package, cls))


# --- whole sets -----------------------------------------------------------------------------------------------


class WaveIn(In):
    """Work of one node that is picked together."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"node": "EAST", "fulfillment_ids": [_FUL]}]})
    node: Code
    fulfillment_ids: Annotated[list[FulfillmentId], Field(min_length=1, max_length=BATCH_MOST)]


class LeftOut(Out):
    """Work that was left out, and why."""

    fulfillment_id: FulfillmentId
    code: str
    message: str


class WaveOut(Out):
    """A wave, its list, and what could not join it."""

    id: WaveId
    number: str
    fulfillment_ids: list[FulfillmentId]
    left_out: list[LeftOut]
    rows: list[PickRowOut]


@routes.post("/waves", scope="fulfillment:write", status=201, dry_run=True, refuses=(404,))
async def create_wave(call: Here, body: WaveIn) -> WaveOut:
    """Put work of a node together; from now on it is being picked"""
    nodes = await network.nodes_of(call.db, codes=[body.node])
    node = next((n for n in nodes.values() if call.credential.sees(node=n.id)), None)
    if node is None:
        raise invalid([Fault("/node", "unknown_node", f"no node {body.node!r}: correct the code")])
    for fulfillment_id in body.fulfillment_ids:
        await call.reach("fulfillment", fulfillment_id)
    wave = await packing.create_wave(call.db, node_id=node.id, fulfillment_ids=body.fulfillment_ids)
    rows = await packing.pick_list(call.db, wave_id=wave.id)
    return WaveOut(
        id=wave.id,
        number=wave.number,
        fulfillment_ids=list(wave.fulfillments),
        left_out=[
            LeftOut(fulfillment_id=key, code=why.code, message=why.message)
            for key, why in wave.left_out.items()
        ],
        rows=[PickRowOut(**some(row, PickRowOut)) for row in rows],
    )


class WorkBatchIn(In):
    """Fulfillment orders that a node reports together, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "pack", "fulfillment_ids": [_FUL]}]})
    action: Literal["accept", "pack"] = Field(
        description="pack: picked, packed and closed as the packing plan says"
    )
    fulfillment_ids: Annotated[list[FulfillmentId], Field(min_length=1, max_length=BATCH_MOST)]


class WorkOutcome(Out):
    """What became of one of them."""

    fulfillment_id: FulfillmentId
    status: int = Field(description="200 when it was done, 409 with the reason, 404 when it is not there")
    code: str | None = None
    message: str | None = None
    packages: list[PackageOut] = Field(default=[])


class WorkBatchOut(Out):
    """One outcome each, in their order."""

    results: list[WorkOutcome]


@routes.post("/fulfillment-orders/batch", scope="fulfillment:write", lane="bulk", dry_run=True)
async def work_batch(call: Here, body: WorkBatchIn) -> WorkBatchOut:
    """Accept or pack up to 500 fulfillment orders, each with its own outcome"""
    seen = await order_pages.reachable(call.db, scope=call.scope, fulfillments=body.fulfillment_ids)
    mine = [key for key in dict.fromkeys(body.fulfillment_ids) if key in seen]
    outcomes: dict[UUID, WorkOutcome] = {}
    if body.action == "accept":
        answered = await working.accept(call.db, works=mine)
        outcomes = {key: WorkOutcome(fulfillment_id=key, status=200) for key in answered.done}
        outcomes |= {
            key: WorkOutcome(fulfillment_id=key, status=409, code="illegal_transition", message=why)
            for key, why in answered.refused.items()
        }
    else:
        said = await working.pack(call.db, works=mine)
        outcomes = {
            key: WorkOutcome(fulfillment_id=key, status=200, packages=[PackageOut.of(p) for p in packages])
            for key, packages in said.packed.items()
        }
        outcomes |= {
            key: WorkOutcome(fulfillment_id=key, status=409, code=why.code, message=why.message)
            for key, why in said.refused.items()
        }
    missing = "no such fulfillment order"
    return WorkBatchOut(
        results=[
            outcomes.get(key)
            or WorkOutcome(fulfillment_id=key, status=404, code="not_found", message=missing)
            for key in dict.fromkeys(body.fulfillment_ids)
        ]
    )
