"""Node work: fulfillment orders listed, accepted, rejected, picked, packed, and reported whole by the hundred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network, packing
from orderloom.api.door import Call, Here, Routes
from orderloom.api.problems import Fault, invalid, not_found, refused, wrong
from orderloom.api.wire import (
    AddressOut,
    Code,
    Count,
    FulfillmentId,
    In,
    Limit,
    LineId,
    OrderId,
    Out,
    PackageId,
    Page,
    Reason,
    Size,
    Versioned,
    WaveId,
    Weight,
    cursor,
    page_of,
    place,
    some,
)
from orderloom.insight import order_pages
from orderloom.journey import cancelling, working
from orderloom.packing.model import Accepted, Package, Refused
from orderloom.plumbing.database import Row
from orderloom.terms import Address, Dimensions, Rank, rollup

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
    return await _one(call, fulfillment_id)


async def _one(call: Call, fulfillment_id: UUID) -> FulfillmentOut:
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
    work = await _one(call, fulfillment_id)
    if not asked:
        raise refused(
            "illegal_transition", "nobody asked to cancel this", supported_actions=work.supported_actions
        )
    return work


async def _answered(call: Call, fulfillment_id: UUID, refusals: Mapping[UUID, str]) -> FulfillmentOut:
    work = await _one(call, fulfillment_id)
    if fulfillment_id in refusals:
        raise refused(
            "illegal_transition", refusals[fulfillment_id], supported_actions=work.supported_actions
        )
    return work


# --- pick and pack --------------------------------------------------------------------------------------------


class PickRowOut(Out):
    """So many units of an item, and for which fulfillment orders, by number."""

    sku: str
    name: str
    gtin: str | None
    quantity: int
    picked: int
    fulfillments: dict[str, int]


class PickListOut(Out):
    """What to take from the shelves, by SKU."""

    rows: list[PickRowOut]


class ScanIn(In):
    """A code as the scanner read it. `quantity`: what the code itself says, else one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "pick", "code": "4006381333931"}]})
    kind: Literal["pick", "pack"]
    code: Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[\x1d\x20-\x7e]+$")]
    quantity: Count | None = None
    package: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None


class TakeBackIn(In):
    """Units that are back in their bin, or out of their open package."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "pack", "sku": "MUG-BLUE", "package": 1}]}
    )
    kind: Literal["pick", "pack"]
    sku: Code
    quantity: Count = 1
    package: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None


class ScanOut(Out):
    """A scan that counts, and how far the work has come by it."""

    sku: str
    quantity: int
    package: int | None
    done: dict[str, int]
    remaining: dict[str, int]
    complete: bool


class ShortIn(In):
    """Units that are not there, or not fit to be sent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sku": "MUG-BLUE", "quantity": 1, "reason": "bin is empty"}]}
    )
    sku: Code
    quantity: Count
    reason: Reason


class CloseIn(In):
    """A package that is closed: in a carton, or in its own packaging with outer `size`. `confirmed`: weighed twice."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"carton": "BOX-M", "weight": {"value": 2.1, "unit": "lb"}}]}
    )
    carton: Code | None = None
    size: Size | None = None
    weight: Weight | None = None
    confirmed: bool = False


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


class PackagesOut(Out):
    """The packages of a fulfillment order, in their sequence."""

    packages: list[PackageOut]


@routes.get("/fulfillment-orders/{fulfillment_id}/pick-list", scope="fulfillment:read")
async def get_pick_list(call: Here, fulfillment_id: FulfillmentId) -> PickListOut:
    """What to take from the shelves for it"""
    await call.reach("fulfillment", fulfillment_id)
    rows = await packing.pick_list(call.db, fulfillments=[fulfillment_id])
    return PickListOut(rows=[PickRowOut(**some(row, PickRowOut)) for row in rows])


@routes.post("/fulfillment-orders/{fulfillment_id}/scans", scope="fulfillment:write", refuses=(409,))
async def scan(call: Here, fulfillment_id: FulfillmentId, body: ScanIn) -> ScanOut:
    """Count a scan at the cart or the station; a wrong or surplus unit is refused, and the refusal is on record"""
    await call.reach("fulfillment", fulfillment_id)
    said = await working.scan(
        call.db,
        work=fulfillment_id,
        kind=body.kind,
        code=body.code,
        quantity=body.quantity,
        package=body.package,
    )
    if isinstance(said, Refused):
        # What was scanned stays on record: the refusal answers, it does not undo.
        raise call.settled(refused(said.code, said.message))
    return _scanned(said)


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/scans/take-back", scope="fulfillment:write", refuses=(409,)
)
async def take_back(call: Here, fulfillment_id: FulfillmentId, body: TakeBackIn) -> ScanOut:
    """Undo a scan"""
    await call.reach("fulfillment", fulfillment_id)
    said = await packing.take_back(
        call.db,
        fulfillment_id=fulfillment_id,
        kind=body.kind,
        sku=body.sku,
        quantity=body.quantity,
        package=body.package,
    )
    return _scanned(_unless_refused(said))


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/report-short",
    scope="fulfillment:write",
    dry_run=True,
    refuses=(409,),
)
async def report_short(call: Here, fulfillment_id: FulfillmentId, body: ShortIn) -> FulfillmentOut:
    """Units that cannot be found: stock is put right, and they are routed from elsewhere"""
    await call.reach("fulfillment", fulfillment_id)
    said = await working.report_short(
        call.db, work=fulfillment_id, sku=body.sku, quantity=body.quantity, reason=body.reason
    )
    _unless_refused(said)
    return await _one(call, fulfillment_id)


@routes.get("/fulfillment-orders/{fulfillment_id}/packages", scope="fulfillment:read")
async def list_packages(call: Here, fulfillment_id: FulfillmentId) -> PackagesOut:
    """Its packages"""
    await call.reach("fulfillment", fulfillment_id)
    return PackagesOut(packages=await _packages(call, fulfillment_id))


@routes.post(
    "/fulfillment-orders/{fulfillment_id}/packages/{sequence}/close",
    scope="fulfillment:write",
    dry_run=True,
    refuses=(409,),
)
async def close_package(
    call: Here, fulfillment_id: FulfillmentId, sequence: int, body: CloseIn
) -> PackageOut:
    """Close a package; with the last one the work goes on to its labels"""
    await call.reach("fulfillment", fulfillment_id)
    said = await working.close_package(
        call.db,
        work=fulfillment_id,
        package=sequence,
        carton=body.carton,
        dimensions=Dimensions(*body.size.millimetres()) if body.size else None,
        weight_g=body.weight.grams() if body.weight else None,
        confirmed=body.confirmed,
    )
    if isinstance(said, Refused):
        _refuse(said)
    return PackageOut.of(said.package)


async def _packages(call: Call, fulfillment_id: UUID) -> list[PackageOut]:
    found = await packing.packages_of(call.db, fulfillments=[fulfillment_id])
    return [PackageOut.of(package) for package in found.get(fulfillment_id, [])]


def _scanned(said: Accepted) -> ScanOut:
    return ScanOut(**some(said, ScanOut))


def _unless_refused(said: Any) -> Any:
    if isinstance(said, Refused):
        _refuse(said)
    return said


def _refuse(said: Refused) -> NoReturn:
    raise refused(said.code, said.message)


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
