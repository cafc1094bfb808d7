"""The cart and the pack station: pick lists, scans, shorts, packages."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NoReturn
from uuid import UUID

from pydantic import ConfigDict, Field

from orderloom import packing
from orderloom.api.door import Call, Here, Routes
from orderloom.api.fulfillment import FulfillmentOut, PackageOut, PickRowOut, read_work
from orderloom.api.problems import refused
from orderloom.api.wire import Code, Count, FulfillmentId, In, Out, Reason, Size, Weight, some
from orderloom.inventory.store.lots import picks_of
from orderloom.journey import working
from orderloom.packing.model import Accepted, Refused
from orderloom.terms import Dimensions

routes = Routes("fulfillment orders")


class PickLotOut(Out):
    """Units of a tracked item to take from this lot."""

    sku: str
    lot: str
    quantity: int


class PickListOut(Out):
    """What to take from the shelves, by SKU."""

    rows: list[PickRowOut]
    lots: list[PickLotOut] = Field(description="Of tracked items: from which lots, first expired first out")


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


class PackagesOut(Out):
    """The packages of a fulfillment order, in their sequence."""

    packages: list[PackageOut]


@routes.get("/fulfillment-orders/{fulfillment_id}/pick-list", scope="fulfillment:read")
async def get_pick_list(call: Here, fulfillment_id: FulfillmentId) -> PickListOut:
    """What to take from the shelves for it"""
    await call.reach("fulfillment", fulfillment_id)
    rows = await packing.pick_list(call.db, fulfillments=[fulfillment_id])
    picks = await picks_of(call.db, [fulfillment_id])
    return PickListOut(
        rows=[PickRowOut(**some(row, PickRowOut)) for row in rows],
        lots=[PickLotOut(**some(pick, PickLotOut)) for pick in picks],
    )


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
        now=call.now,
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
    return await read_work(call, fulfillment_id)


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
