"""Stock: balances and their ledger; set, adjust and transfer with a reason and, if wished, with what was expected."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, ConfigDict, Field

from orderloom import network
from orderloom.api.door import Call, Here, Routes
from orderloom.api.lots import LotChangeIn, LotIn, checked, in_motion
from orderloom.api.problems import Fault, invalid, not_found, refused
from orderloom.api.wire import (
    COUNT_MOST,
    Code,
    Count,
    In,
    Limit,
    Moment,
    Out,
    Page,
    Reason,
    Versioned,
    Whole,
    cursor,
    page_of,
    place,
)
from orderloom.insight import catalogue_pages, stock_pages
from orderloom.inventory import counting
from orderloom.inventory.counting import Stale
from orderloom.journey import limiting, recounting
from orderloom.journey.recounting import Counted
from orderloom.plumbing.database import Row
from orderloom.terms import new_id

routes = Routes("inventory")
Delta = Annotated[int, Field(strict=True, ge=-COUNT_MOST, le=COUNT_MOST)]
Several = Annotated[list[Code] | None, Query(max_length=200)]


class LevelOut(Versioned):
    """The balance of one SKU at one node. What is damaged, in quality control or promised is part of `on_hand`."""

    node: str
    sku: str
    on_hand: int
    reserved: int
    allocated: int
    damaged: int
    quality_control: int
    safety_stock: int
    backorder_limit: int = Field(description="Units that may be promised beyond those there")
    available: int = Field(
        description="On hand, sellable and promised to nobody; below nought by what is sold ahead of supply"
    )
    in_transit: int = Field(default=0, description="Shipped from another node and not yet received")
    on_order: int = Field(default=0, description="Open on purchase orders and ship notices, each unit once")
    next_at: AwareDatetime | None = Field(default=None, description="When the next of these are due")
    updated_at: AwareDatetime | None = None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class MovementOut(Out):
    """One entry of the ledger: why the number is what it is."""

    sequence: int
    node: str
    sku: str
    kind: str = Field(description="Open list: accept kinds you do not know")
    on_hand_delta: int
    reserved_delta: int
    allocated_delta: int
    damaged_delta: int
    quality_control_delta: int
    cause_type: str
    cause: UUID | None
    actor: str
    reason: str | None
    moved_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        plain: dict[str, Any] = dict(row)
        return cls(**{**plain, "sequence": plain["id"], "cause": plain["cause_id"]})


class CountedOut(LevelOut):
    """The balance as it is now, and what putting it right has cost."""

    taken_from_carts: int = Field(description="Units that open carts lost, the youngest first")
    taken_from_orders: int = Field(
        description="Units that orders lost, the youngest first; they are routed anew"
    )
    kept_packed: int = Field(description="Units that stay counted, for they lie in closed packages")


class _StockIn(In):
    node: Code
    sku: Code
    reason: Reason
    expected_quantity: Whole | None = Field(
        default=None,
        description="What the caller believes is on hand; 409 `stale_quantity` with the truth otherwise",
    )


class SetIn(_StockIn):
    """A count: so many units are there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "node": "EAST",
                    "sku": "MUG-BLUE",
                    "quantity": 40,
                    "reason": "cycle count",
                    "expected_quantity": 42,
                }
            ]
        }
    )
    quantity: Whole
    lots: list[LotIn] = Field(
        default=[], max_length=1000, description="Of a tracked item: every lot that is there, with its units"
    )


class AdjustIn(_StockIn):
    """Units that were found, lost, broken, or put aside. The last two are part of on hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"node": "EAST", "sku": "MUG-BLUE", "damaged": 2, "reason": "dropped"}]
        }
    )
    on_hand: Delta = 0
    damaged: Delta = 0
    quality_control: Delta = 0
    lots: list[LotChangeIn] = Field(
        default=[], max_length=1000, description="Of a tracked item: the lots that `on_hand` changes"
    )


class TransferIn(In):
    """Units that go from one node to another."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_node": "EAST",
                    "to_node": "WEST",
                    "sku": "MUG-BLUE",
                    "quantity": 10,
                    "reason": "rebalance",
                }
            ]
        }
    )
    from_node: Code
    to_node: Code
    sku: Code
    quantity: Count
    reason: Reason


class BackorderLimitIn(In):
    """How far a node may be sold ahead of its supply."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"units": 20}]})
    units: Whole = Field(description="Units promised beyond those there, at most; 0: none")


class TransferOut(Out):
    """Both balances after the transfer."""

    levels: list[LevelOut]


@routes.get("/inventory/levels", scope="inventory:read")
async def list_levels(
    call: Here, *, sku: Several = None, node: Several = None, limit: Limit = 50, after: str | None = None
) -> Page[LevelOut]:
    """Balances by SKU and node"""
    begin = place(after, str, str)
    rows = await stock_pages.levels(
        call.db,
        scope=call.scope,
        skus=sku,
        nodes=node,
        after=(begin[0], begin[1]) if begin else ("", ""),
        limit=limit,
    )
    return page_of([LevelOut.of(row) for row in rows], limit, lambda level: cursor(level.sku, level.node))


@routes.get("/inventory/movements", scope="inventory:read")
async def list_movements(
    call: Here,
    *,
    sku: Code | None = None,
    node: Code | None = None,
    kind: Code | None = None,
    cause: UUID | None = None,
    since: Moment | None = None,
    limit: Limit = 50,
    after: str | None = None,
) -> Page[MovementOut]:
    """The ledger, newest first"""
    begin = place(after, int)
    rows = await stock_pages.movements(
        call.db,
        scope=call.scope,
        sku=sku,
        node=node,
        kind=kind,
        cause=cause,
        since=since,
        before=begin[0] if begin else stock_pages.LAST,
        limit=limit,
    )
    return page_of([MovementOut.of(row) for row in rows], limit, lambda movement: cursor(movement.sequence))


@routes.post("/inventory/set", scope="inventory:write", key="required", dry_run=True, refuses=(409,))
async def set_stock(call: Here, body: SetIn) -> CountedOut:
    """Put a count right: the difference is posted to the ledger

    It is always recorded. Where fewer are left than are claimed, the youngest carts and then orders lose theirs.
    """
    [node] = await _nodes(call, sku=body.sku, node=body.node)
    named = await checked(call.db, node_id=node, sku=body.sku, total=body.quantity, lots=body.lots)
    with in_motion():
        outcome = await recounting.set_on_hand(
            call.db,
            node_id=node,
            sku=body.sku,
            quantity=body.quantity,
            reason=body.reason,
            now=call.now,
            expected=body.expected_quantity,
            lots=named,
        )
    return await _settled(call, outcome, body.node, body.sku)


@routes.post("/inventory/adjust", scope="inventory:write", key="required", dry_run=True, refuses=(409,))
async def adjust_stock(call: Here, body: AdjustIn) -> CountedOut:
    """Add to or take from what is on hand, damaged, or in quality control

    It is always recorded, as far as there are units. Where fewer are left than are claimed, the youngest claims go.
    """
    [node] = await _nodes(call, sku=body.sku, node=body.node)
    named = await checked(call.db, node_id=node, sku=body.sku, total=body.on_hand, lots=body.lots)
    changes = {
        name: getattr(body, name) for name in ("on_hand", "damaged", "quality_control") if getattr(body, name)
    }
    with in_motion():
        outcome = await recounting.adjust(
            call.db,
            node_id=node,
            sku=body.sku,
            changes=changes,
            reason=body.reason,
            now=call.now,
            expected=body.expected_quantity,
            lots=named,
        )
    return await _settled(call, outcome, body.node, body.sku)


@routes.put(
    "/inventory/backorder-limits/{sku}/{node}", scope="inventory:write", dry_run=True, refuses=(404, 409)
)
async def put_backorder_limit(call: Here, sku: Code, node: Code, body: BackorderLimitIn) -> LevelOut:
    """Let a node be promised more of a SKU than it has

    For goods that are there in time though no balance says so: made to order, held by a supplier, brought every day.
    """
    found = [n.id for n in (await network.nodes_of(call.db, codes=[node])).values()]
    if not found or not call.credential.sees(node=found[0]):
        raise not_found("node")
    if not await limiting.stocked_itself(call.db, sku=sku):
        raise not_found("item that is stocked itself")
    there = await stock_pages.levels(call.db, scope=call.scope, skus=[sku], nodes=[node])
    call.expect(there[0]["version"] if there else 0)
    said = await limiting.sell_ahead(call.db, node_id=found[0], sku=sku, units=body.units)
    if said is not None:
        raise refused(
            "sold_ahead",
            f"{said.units} of {sku} are promised beyond those at {node}: set no less, or receive them first",
            sold_ahead=said.units,
        )
    return await _level(call, node, sku)


@routes.post("/inventory/transfer", scope="inventory:write", key="required", dry_run=True, refuses=(409,))
async def transfer_stock(call: Here, body: TransferIn) -> TransferOut:
    """Move units between nodes at once"""
    sender, receiver = await _nodes(call, sku=body.sku, from_node=body.from_node, to_node=body.to_node)
    if sender == receiver:
        raise invalid([Fault("/to_node", "same_node", "name another node than the sender")])
    short = await counting.transfer(
        call.db,
        from_node=sender,
        to_node=receiver,
        sku=body.sku,
        quantity=body.quantity,
        reason=body.reason,
        transfer_id=new_id(),
    )
    if short is not None:
        raise refused(
            "insufficient_stock",
            f"{body.from_node} has {short.to_promise} of {body.sku} that nobody was promised: transfer fewer",
            available=[{"sku": body.sku, "node": body.from_node, "available": short.to_promise}],
        )
    return TransferOut(levels=[await _level(call, code, body.sku) for code in (body.from_node, body.to_node)])


async def _nodes(call: Call, *, sku: str, **codes: str) -> list[UUID]:
    """The nodes' ids in the order named. Raises Problem with all that is unknown, out of the key's reach included."""
    found = {n.code: n.id for n in (await network.nodes_of(call.db, codes=set(codes.values()))).values()}
    faults = [
        Fault(f"/{field}", "unknown_node", f"no node {code!r}: correct the code")
        for field, code in codes.items()
        if code not in found or not call.credential.sees(node=found[code])
    ]
    if not await catalogue_pages.items(call.db, skus=[sku]):
        faults.append(Fault("/sku", "unknown_sku", f"no item {sku!r} in the catalogue"))
    if faults:
        raise invalid(faults)
    return [found[code] for code in codes.values()]


async def _settled(call: Call, outcome: Counted | Stale, node: str, sku: str) -> CountedOut:
    if isinstance(outcome, Stale):
        raise refused(
            "stale_quantity",
            f"{outcome.on_hand} are on hand, not what you expected: decide anew",
            on_hand=outcome.on_hand,
        )
    level, loss = await _level(call, node, sku), outcome.loss
    return CountedOut(
        **level.model_dump(),
        taken_from_carts=loss.carts,
        taken_from_orders=loss.orders,
        kept_packed=loss.packed,
    )


async def _level(call: Call, node: str, sku: str) -> LevelOut:
    [row] = await stock_pages.levels(call.db, scope=call.scope, skus=[sku], nodes=[node])
    return LevelOut.of(row)
